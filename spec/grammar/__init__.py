"""The container's grammar, written from FORMAT.md in construct: a second opinion that never imports `pavfmt`.

    parsed = walk(data)
    parsed.units[3].payload.level, parsed.leaves[0].offset

Every field that is not entropy coded is a leaf with its offset, size and value; what is coded is a leaf of bytes.
"""

from spec.grammar.walk import Leaf, Parsed, ParsedUnit, walk

__all__ = ["Leaf", "Parsed", "ParsedUnit", "walk"]
