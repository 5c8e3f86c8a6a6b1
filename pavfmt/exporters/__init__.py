"""From an avatar to other forms."""
