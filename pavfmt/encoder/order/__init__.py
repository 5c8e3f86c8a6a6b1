"""Who is sent first, and what stands together in a unit."""
