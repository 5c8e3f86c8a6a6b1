"""What each kind of unit carries (FORMAT.md §6)."""
