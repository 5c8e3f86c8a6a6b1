"""The scene: the CC0 head with skin, eyes and hair, drawn as a lit, textured mesh."""

from __future__ import annotations

from pavtraining.sources.scene.studio import SceneSource

__all__ = ["SceneSource"]
