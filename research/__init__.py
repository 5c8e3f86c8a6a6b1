"""Scripts that make what the project shows: the demo avatar, the table of results, figures of decision records."""
