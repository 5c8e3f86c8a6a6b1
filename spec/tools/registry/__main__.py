"""Writes what repeats the numbers of spec/registry.json, or checks that it does.

python -m spec.tools.registry            write
python -m spec.tools.registry --check    exit 1 if a file is stale
"""

from __future__ import annotations

import sys
from pathlib import Path

from spec.tools.registry.format_tables import with_fresh_tables
from spec.tools.registry.python_source import limits_module, registry_module
from spec.tools.registry.source import ROOT, read_registry
from spec.tools.registry.typescript_source import typescript_module


def made() -> dict[Path, str]:
    """Every file that repeats the registry, as it should be."""
    registry = read_registry()
    text = ROOT / "FORMAT.md"
    return {
        text: with_fresh_tables(text.read_text(), registry),
        ROOT / "pavfmt" / "registry.py": registry_module(registry),
        ROOT / "pavfmt" / "limits.py": limits_module(registry),
        ROOT / "player" / "web" / "src" / "format" / "registry.ts": typescript_module(registry),
    }


def main(arguments: list[str]) -> int:
    """Write or compare."""
    check = "--check" in arguments
    stale = {path: content for path, content in made().items() if path.read_text() != content}
    for path, content in stale.items():
        print(
            f"{path.relative_to(ROOT)} {'is stale: run python -m spec.tools.registry' if check else 'written'}"
        )
        if not check:
            path.write_text(content)
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
