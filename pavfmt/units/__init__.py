"""What each kind of unit carries (§6)."""
