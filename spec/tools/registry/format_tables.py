"""The tables of FORMAT.md that hold numbers and codes: §10 and §11."""

from __future__ import annotations

import re
from collections.abc import Callable

from spec.tools.registry.source import Registry, power_of_two


def limits_table(registry: Registry) -> list[str]:
    """The ceilings of §10."""
    rows = [
        f"| {limit['about']} | {power_of_two(limit['ceiling'])} | `{name}` |"
        for name, limit in registry["limits"].items()
    ]
    return ["| at most | | in code |", "|---|---|---|", *rows]


def errors_table(registry: Registry) -> list[str]:
    """What decoders raise or report, §11."""
    rows = [
        f"| `{code}` | {error['severity']} | {error['condition']} |"
        for code, error in registry["errors"].items()
    ]
    return ["| code | severity | condition |", "|---|---|---|", *rows]


def verification_table(registry: Registry) -> list[str]:
    """What only verification reports, §11."""
    rows = [f"| `{code}` | {condition} |" for code, condition in registry["verification"].items()]
    return ["| code | condition |", "|---|---|", *rows]


TABLES: dict[str, Callable[[Registry], list[str]]] = {
    "limits": limits_table,
    "errors": errors_table,
    "verification": verification_table,
}


def with_fresh_tables(text: str, registry: Registry) -> str:
    """FORMAT.md with what stands between the markers of each table made anew."""
    for name, table in TABLES.items():
        begin, end = f"<!-- {name}: from spec/registry.json -->\n", f"<!-- end of {name} -->\n"
        pattern = re.compile(f"({re.escape(begin)}).*?({re.escape(end)})", re.DOTALL)
        if len(pattern.findall(text)) != 1:
            raise ValueError(f"FORMAT.md has not one table of {name}")
        rows = "\n".join(table(registry)) + "\n"
        text = pattern.sub(lambda found, rows=rows: found[1] + rows + found[2], text)  # type: ignore[misc]
    return text
