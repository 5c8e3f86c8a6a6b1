"""Hierarchies of Gaussians on implicitly subdivided faces (ProgressiveAvatars)."""
