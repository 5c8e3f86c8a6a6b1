"""The frame of a file: fixed headers, where units stand, bytes that arrive in any order (FORMAT.md §3–4)."""
