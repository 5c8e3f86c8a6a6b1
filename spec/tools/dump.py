"""Every field of a file with its offset and bytes, told by the grammar.

python -m spec.tools.dump FILE.pav [--rig RIG.pav]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from spec.grammar import Leaf, walk

REGISTRY = Path(__file__).parents[1] / "registry.json"
SHOWN = 8
"""Bytes that are shown on a line."""
HEADER_FIELDS = 7


def dump(data: bytes, rig_file: bytes | None = None) -> str:
    """Offset, bytes in hexadecimal, name and value of every field."""
    return "".join(f"{line}\n" for line in _lines(data, rig_file))


def _lines(data: bytes, rig_file: bytes | None) -> Iterator[str]:
    parsed = walk(data, rig_file)
    if parsed is None:
        yield f"{len(data)} bytes: less than a file header"
        return
    types: dict[str, dict[str, Any]] = json.loads(REGISTRY.read_text())["unit_types"]
    names = {unit["number"]: name for name, unit in types.items()}
    yield "file header"
    yield from (_line(data, [leaf]) for leaf in parsed.header_leaves)
    end = parsed.header_leaves[-1].offset + parsed.header_leaves[-1].size
    for unit in parsed.units:
        kind = names.get(unit.header.type, f"type {unit.header.type}")
        yield f"unit {unit.header.id}: {kind}, {unit.header.length} bytes of payload"
        yield _line(data, list(unit.leaves[:HEADER_FIELDS]))
        yield from (_line(data, group) for group in _groups(unit.leaves[HEADER_FIELDS:]))
        end = unit.offset + 20 + unit.header.length
    if end < len(data):
        yield f"{len(data) - end} bytes of a unit that is not complete"


def _groups(leaves: Sequence[Leaf]) -> Iterator[list[Leaf]]:
    """Fields that follow each other within one structure: a grid, a column, a string."""
    group: list[Leaf] = []
    for leaf in leaves:
        inside = _parent(leaf) and group and _parent(leaf) == _parent(group[0])
        if group and not (inside and leaf.path not in {one.path for one in group}):
            yield group
            group = []
        group.append(leaf)
    if group:
        yield group


def _parent(leaf: Leaf) -> str:
    return leaf.path.rpartition(".")[0]


def _line(data: bytes, group: list[Leaf]) -> str:
    start, end = group[0].offset, group[-1].offset + group[-1].size
    shown = data[start:end][:SHOWN].hex() + ("…" if end - start > SHOWN else "")
    values = [f"{leaf.path.rpartition('.')[2]} {_value(leaf)}" for leaf in group]
    parent = _parent(group[0])
    return f"{start:>6} {shown} {parent}{': ' if parent else ''}{', '.join(values)}"


def _value(leaf: Leaf) -> str:
    return f"of {leaf.size} bytes" if isinstance(leaf.value, bytes) else repr(leaf.value)


def main(arguments: list[str]) -> int:
    """Print the dump of one file."""
    parser = argparse.ArgumentParser(prog="python -m spec.tools.dump", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--rig", type=Path, help="the rig file that a rig reference asks for")
    options = parser.parse_args(arguments)
    rig = options.rig.read_bytes() if options.rig else None
    sys.stdout.write(dump(options.file.read_bytes(), rig))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
