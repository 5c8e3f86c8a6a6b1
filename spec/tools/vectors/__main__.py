"""Writes spec/vectors, or checks that it is what the recipe makes.

python -m spec.tools.vectors            write
python -m spec.tools.vectors --check    exit 1 if a file is missing, too many, or another
"""

from __future__ import annotations

import sys

from spec.tools.vectors.recipe import differences, write


def main(arguments: list[str]) -> int:
    """Write or compare."""
    if "--check" not in arguments:
        print(f"{write()} files written")
        return 0
    found = differences()
    for line in found:
        print(line)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
