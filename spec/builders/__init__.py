"""Small files for vectors and tests: whole avatars, files with one thing wrong, units made by hand."""
