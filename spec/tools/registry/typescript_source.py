"""`player/web/src/format/registry.ts`: the registry as constants, laid out as prettier would."""

from __future__ import annotations

import json
from collections.abc import Iterator

from spec.tools.registry.python_source import class_name, linear, sentence
from spec.tools.registry.source import Registry

WIDTH = 120
"""prettier's `printWidth` in player/web/package.json."""
UNIONS = {"rig-source": "RIG_SOURCES", "binding": "BINDINGS", "site": "SITES", "sh-frame": "SH_FRAMES"}
"""Enums whose members the reader shows by name: their numbers are the places in a list."""


def typescript_module(registry: Registry) -> str:
    """The source of `registry.ts`."""
    return "\n".join(_lines(registry)) + "\n"


def _lines(registry: Registry) -> Iterator[str]:
    units, enums = registry["unit_types"], registry["enums"]
    signature = ", ".join(f"0x{byte:02x}" for byte in bytes.fromhex(registry["signature"]))
    major, minor = registry["format_version"]
    yield "// Written by `python -m spec.tools.registry` from spec/registry.json: edit that, not this."
    yield "/** Numeric ids, codes and limits of the format; §6, §10 and §11 say what they stand for. */\n"
    yield f"export const SIGNATURE = Uint8Array.of({signature});"
    yield f"export const MAJOR_VERSION = {major};\nexport const MINOR_VERSION = {minor};\n"
    numbers = {name: unit["number"] for name, unit in units.items()}
    yield from _object("UnitType", {_camel(name): number for name, number in numbers.items()})
    yield "\n/** The registered names of unit types. */"
    names = {number: name for name, number in numbers.items()}
    yield from _object("UNIT_NAMES", names, "Readonly<Record<number, string>>")
    yield "\n/** Known types whose critical flag is set, in every file. */"
    critical = [f"UnitType.{_camel(name)}" for name, unit in units.items() if unit["critical"]]
    yield from _list("CRITICAL_TYPES: ReadonlySet<number> = new Set([", critical, "])")
    for name, enum in enums.items():
        yield f"\n/** {enum['about']} */"
        members = {member: content["number"] for member, content in enum["members"].items()}
        if name in UNIONS:
            if list(members.values()) != list(range(len(members))):
                raise ValueError(f"{name}: its numbers are not places in a list")
            yield from _list(f"{UNIONS[name]} = [", [json.dumps(member) for member in members], "] as const")
            yield f"export type {class_name(name)} = (typeof {UNIONS[name]})[number];"
        else:
            yield from _object(
                class_name(name), {_camel(member): number for member, number in members.items()}
            )
    yield from _limits(registry)
    yield "\n/** `fatal` ends decoding; `damage` costs one unit and those that need it. */"
    yield 'export type Severity = "fatal" | "damage";'
    yield "\n/** Every code a decoder can report, with its severity. */"
    severities = {code: error["severity"] for code, error in registry["errors"].items()}
    yield from _object("SEVERITIES", severities, end="as const satisfies Record<string, Severity>")
    yield "\nexport type ErrorCode = keyof typeof SEVERITIES;"


def _limits(registry: Registry) -> Iterator[str]:
    yield "\n/** What a reader accepts. */\nexport interface Limits {"
    for name, limit in registry["limits"].items():
        yield f"  /** {sentence(limit['about'])} */\n  readonly {_camel(name)}: number;"
    yield "}\n\n/** The format's own ceilings; a reader may set lower ones. */"
    ceilings = {_camel(name): limit["ceiling"] for name, limit in registry["limits"].items()}
    yield from _object("FORMAT_LIMITS", ceilings, "Limits")
    for name, bound in registry["payload_bounds"].items():
        yield f"\n/** {bound['about']} */"
        most = linear(bound, "* payloadBytes")
        yield f"export const most{class_name(name)} = (payloadBytes: number): number => {most};"


def _object(
    name: str, members: dict[str, object] | dict[int, str], type_: str = "", end: str = ""
) -> Iterator[str]:
    yield f"export const {name}{': ' + type_ if type_ else ''} = {{"
    for key, value in members.items():
        yield f"  {_key(key, members)}: {_value(value)},"
    yield "}" + (f" {end}" if end else "" if type_ else " as const") + ";"


def _key(key: str | int, members: dict[str, object] | dict[int, str]) -> str:
    """prettier quotes keys only where one needs it."""
    plain = all(str(other).isalnum() for other in members)
    return str(key) if plain else json.dumps(key)


def _value(value: object) -> str:
    if isinstance(value, int) and value > 16 and value & (value - 1) == 0:
        return f"2 ** {value.bit_length() - 1}"
    return json.dumps(value)


def _list(begin: str, items: list[str], end: str) -> Iterator[str]:
    line = f"export const {begin}{', '.join(items)}{end};"
    if len(line) <= WIDTH:
        yield line
        return
    yield f"export const {begin}"
    yield from (f"  {item}," for item in items)
    yield f"{end};"


def _camel(name: str) -> str:
    first, *others = name.replace("-", "_").split("_")
    return first + "".join(part.capitalize() for part in others)
