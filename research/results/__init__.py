"""The table of results: how good prefixes are, of which method, on which head.

Run as `python -m research.results`: it computes what is missing, cell by cell, and writes RESULTS.md with plots.
"""
