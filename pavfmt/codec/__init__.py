"""Numbers as bytes: fields, columns, grids, prediction, Rice codes, meshes (FORMAT.md §5)."""
