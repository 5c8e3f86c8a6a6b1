"""Training avatars whose every prefix looks right."""
