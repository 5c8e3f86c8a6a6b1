"""Prefixes of some files: the state that each length stands for."""

from __future__ import annotations

import json
from typing import Any

from spec.builders.forging import unit_spans
from spec.tools.decoded import decoded
from spec.tools.vectors.vector import Vector

PREFIXED = ("valid/mixed", "valid/shared-rig", "valid/hand-over-twice", "unusual/repeated-unit")
STRIDE = 149
"""Bytes between the odd cuts."""


def cuts_of(data: bytes) -> list[int]:
    """Every unit boundary and header end, a byte before and after each, and cuts at odd places."""
    ends = {0, 52, len(data)} | {end for span in unit_spans(data) for end in span}
    headers = {start + 20 for start, _ in unit_spans(data)}
    near = {end + step for end in ends | headers for step in (-1, 0, 1)}
    odd = set(range(7, len(data), STRIDE))
    return sorted(cut for cut in near | odd if 0 <= cut <= len(data))


def prefixes(vector: Vector, rig: bytes | None) -> dict[str, Any]:
    """Cuts, each with the number of its state."""
    states: list[dict[str, Any]] = []
    numbers: dict[str, int] = {}
    cuts = []
    for cut in cuts_of(vector.data):
        state = decoded(vector.data[:cut], rig)
        key = json.dumps(state)
        if key not in numbers:
            numbers[key] = len(states)
            states.append(state)
        cuts.append({"bytes": cut, "state": numbers[key]})
    return {"vector": vector.name, "cuts": cuts, "states": states}
