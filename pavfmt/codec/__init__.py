"""Numbers as bytes: fields, columns, grids, prediction, Rice codes, meshes (§5)."""
