"""Hostile inputs: mutators that know the structure, targets that must answer with a result or a PavError."""
