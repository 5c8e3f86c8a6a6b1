"""Which lines of `pavfmt` some inputs reach: python -m tests.fuzz.lines TARGET FOLDER prints JSON."""

import json
import sys
from pathlib import Path

REACHED = {}
MOST = 2000
"""Inputs that are traced at most."""


def tracer(frame, event, argument):
    name = frame.f_code.co_filename
    if "pavfmt" not in name:
        return None
    lines = REACHED.setdefault(name, set())

    def local(frame, event, argument):
        if event == "line":
            lines.add(frame.f_lineno)
        return local

    lines.add(frame.f_lineno)
    return local


def lines_of(code):
    """All lines of functions in a code object."""
    found = set()
    for constant in code.co_consts:
        if hasattr(constant, "co_lines"):
            if constant.co_flags & 2:  # a function, not a class body
                found |= {
                    line for _, _, line in constant.co_lines() if line and line > constant.co_firstlineno
                }
            found |= lines_of(constant)
    return found


def coverage(name, inputs):
    """File → (lines of its functions that were reached, lines of its functions)."""
    from tests.fuzz.targets import TARGETS

    sys.settrace(tracer)
    try:
        for data in inputs:
            try:
                TARGETS[name].run(data)
            except Exception:  # a finding: counted elsewhere
                continue
    finally:
        sys.settrace(None)
    result = {}
    for filename, reached in REACHED.items():
        all_lines = lines_of(compile(Path(filename).read_text(), filename, "exec"))
        result[filename] = (len(all_lines & reached), len(all_lines))
    return result


def main(name, folder):
    paths = sorted((folder / "corpus" / name).iterdir())[:MOST]
    found = coverage(name, [path.read_bytes() for path in paths])
    root = Path(__file__).parents[2]
    print(
        json.dumps({Path(file).resolve().relative_to(root).as_posix(): both for file, both in found.items()})
    )


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
