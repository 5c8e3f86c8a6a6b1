"""The page that `pav compare` writes: original, encoded and their difference, the worst places first."""
