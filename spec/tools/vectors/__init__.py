"""The recipe of spec/vectors: which files there are, and what is expected of each."""
