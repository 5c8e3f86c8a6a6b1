"""How good pictures of prefixes are, and how soon they come."""
