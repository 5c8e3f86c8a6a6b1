"""Which originals come when, and who of the base then retires."""
