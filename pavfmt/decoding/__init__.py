"""From units to a scene: which are active, and what they show (FORMAT.md §1 and §15)."""
