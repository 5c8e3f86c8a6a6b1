"""The frame of a file: fixed headers, where units stand, bytes that arrive in any order (§3–4)."""
