"""The page that `pav demo` writes."""
