"""The rig of an avatar on its way into a file: in the order of its walk, rounded, embedded or shared."""
