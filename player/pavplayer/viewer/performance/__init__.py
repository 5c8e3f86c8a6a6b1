"""What moves an avatar while nobody touches the controls."""
