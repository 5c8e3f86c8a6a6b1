"""The demo avatar: a CC0 head rig and the script that paints it."""
