"""From units to a scene: which are active, and what they show (§1 and §15)."""
