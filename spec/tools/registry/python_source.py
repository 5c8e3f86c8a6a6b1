"""`pavfmt/registry.py` and `pavfmt/limits.py`: the registry as enums, constants and one dataclass.

Generated source, not a JSON file that pavfmt reads: types are checked, a reader sees names and comments where he looks
for them, and importing costs nothing.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from spec.tools.registry.source import Registry

HEADER = "# Written by `python -m spec.tools.registry` from spec/registry.json: edit that, not this.\n"


def registry_module(registry: Registry) -> str:
    """The source of `pavfmt/registry.py`."""
    return formatted("\n".join(_registry_lines(registry)), "registry.py")


def limits_module(registry: Registry) -> str:
    """The source of `pavfmt/limits.py`."""
    return formatted("\n".join(_limits_lines(registry)), "limits.py")


def formatted(source: str, name: str) -> str:
    """Source as ruff lays it out, so that it passes the linters as it is."""
    command = [sys.executable, "-m", "ruff", "format", "--stdin-filename", f"pavfmt/{name}", "-"]
    return subprocess.run(command, input=source, capture_output=True, text=True, check=True).stdout


def _registry_lines(registry: Registry) -> Iterator[str]:
    units = registry["unit_types"]
    first_private, last_private = registry["private_unit_types"]
    yield HEADER
    yield '"""Numeric ids and codes of the format; §6 and §11 say what they stand for."""\n'
    yield "from __future__ import annotations\n"
    yield "from enum import IntEnum, IntFlag\n"
    yield f"SIGNATURE = bytes.fromhex({registry['signature']!r})"
    yield f"FORMAT_VERSION = {tuple(registry['format_version'])}"
    yield f"MEDIA_TYPE = {registry['media_type']!r}\n"
    yield from _enum("UnitType", {"about": "What a unit carries (§6).", "members": units})
    yield from _unit_types("CRITICAL_UNIT_TYPES", "critical", units)
    yield '"""Known types whose critical flag is set, in every file; the flag of all other known types is clear."""\n'
    yield from _unit_types("GAUSSIAN_BYTES_TYPES", "gaussian_bytes", units)
    yield '"""What `gaussian_bytes` of the file header counts, unit headers included (§3)."""\n'
    yield f"PRIVATE_UNIT_TYPES = range(0x{first_private:04X}, 0x{last_private + 1:04X})\n"
    for name, enum in registry["enums"].items():
        yield from _enum(class_name(name), enum)
    yield f"METADATA_KEYS = {tuple(registry['metadata_keys'])}"
    yield '"""Registered keys; others start with a reversed domain name (§6.11)."""\n'
    yield 'FATAL, DAMAGE = "fatal", "damage"'
    yield '"""Severities: ends decoding; costs one unit and its dependants (fatal in a critical unit) (§11)."""\n'
    yield "ERROR_CODES: dict[str, tuple[str, str]] = {"
    for code, error in registry["errors"].items():
        yield f"    {code!r}: ({error['severity'].upper()}, {error['condition']!r}),"
    yield '}\n"""What a decoder raises or reports: severity and condition (§11).'
    yield 'Encoders and importers have codes of their own.\n"""\n'
    yield f"VERIFY_CODES: dict[str, str] = {registry['verification']!r}"
    yield '"""What only verification reports."""'


def _enum(name: str, enum: Registry) -> Iterator[str]:
    yield f"class {name}({'IntFlag' if enum.get('flags') else 'IntEnum'}):"
    yield f'    """{enum["about"]}"""\n'
    for member, content in enum["members"].items():
        yield f"    {constant_name(member)} = {content['number']}"
        yield f'    """{content["about"]}"""'
    yield "\n"


def _unit_types(name: str, property_: str, units: dict[str, Any]) -> Iterator[str]:
    members = [f"UnitType.{constant_name(unit)}" for unit, content in units.items() if content[property_]]
    yield f"{name} = frozenset({{{', '.join(members)}}})"


def _limits_lines(registry: Registry) -> Iterator[str]:
    yield HEADER
    yield '"""Ceilings of the format, checked before anything is allocated (§10)."""\n'
    yield "from __future__ import annotations\n"
    yield "from dataclasses import dataclass\n"
    yield "@dataclass(frozen=True)\nclass Limits:"
    yield '    """What a reader accepts. The defaults are the format\'s own ceilings; a reader may lower them."""\n'
    for name, limit in registry["limits"].items():
        yield f"    {name}: int = {_shifted(limit['ceiling'])}"
        yield f'    """{sentence(limit["about"])}"""'
    yield "\nFORMAT_LIMITS = Limits()\n"
    for name, bound in registry["payload_bounds"].items():
        if bound["floor"]:
            yield f"{name.upper()}_FLOOR = {bound['floor']}"
        yield f"{name.upper()}_PER_BYTE = {bound['per_byte']}"
        yield f'"""A payload of n bytes has at most {linear(bound, "n")} of these:\n'
        yield f'{bound["about"]}\n"""'


def _shifted(number: int) -> str:
    exponent = number.bit_length() - 1
    return f"1 << {exponent}" if number == 1 << exponent and exponent > 4 else str(number)


def linear(bound: Registry, variable: str) -> str:
    """`64 + 4 n`, or `16 n` where nothing is granted to an empty payload."""
    product = f"{bound['per_byte']} {variable}"
    return f"{bound['floor']} + {product}" if bound["floor"] else product


def class_name(name: str) -> str:
    """`sh-frame` → `ShFrame`."""
    return "".join(part.capitalize() for part in name.split("-"))


def constant_name(name: str) -> str:
    """`face-frame` → `FACE_FRAME`."""
    return name.upper().replace("-", "_")


def sentence(words: str) -> str:
    """`units` → `Units.`"""
    return f"{words[0].upper()}{words[1:]}."
