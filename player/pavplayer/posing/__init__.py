"""From a scene and a pose to Gaussians in the world (FORMAT.md §7–8), for playback."""
