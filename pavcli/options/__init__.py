"""Options that several commands share, and what they turn into."""
