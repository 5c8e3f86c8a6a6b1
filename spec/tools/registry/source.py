"""Reading spec/registry.json, whose form is spec/schemas/registry.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
PATH = ROOT / "spec" / "registry.json"

Registry = dict[str, Any]
"""The parsed JSON; `spec/schemas/registry.json` says what is in it."""


def read_registry() -> Registry:
    """The registry as it stands in the working tree."""
    registry: Registry = json.loads(PATH.read_text())
    return registry


def power_of_two(number: int) -> str:
    """`2^26` where that is shorter to read than the digits, as FORMAT.md writes its ceilings."""
    exponent = number.bit_length() - 1
    return f"2^{exponent}" if number == 1 << exponent and exponent > 4 else str(number)
