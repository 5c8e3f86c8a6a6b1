"""What a viewer can see of an avatar, from everywhere: how finely it must be written, and what may be left out."""
