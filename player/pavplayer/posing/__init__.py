"""From a scene and a pose to Gaussians in the world (§7–8), for playback."""
