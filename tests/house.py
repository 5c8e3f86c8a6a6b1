"""Figures of the house: lines, what one Gaussians unit passes through, depth of imports, sizes of folders.

python -m tests.house [--against COMMIT]

Lines of Python are those outside tests/ that hold code: no comments, docstrings or blank lines. A Gaussians unit
is fed to a decoder that has decoded everything before it; what is counted is what of pavfmt it passes through.
Depth is the longest chain of imports between a package's modules, those of a circle counted as one; an `__init__` that
defines nothing, but only says what a package offers, is no step of it.
"""

from __future__ import annotations

import argparse
import ast
import io
import subprocess
import sys
import tarfile
import tokenize
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

from pavfmt import Decoder
from pavfmt.codec.compiled import switched
from pavfmt.decoding.events import contents
from pavfmt.registry import UnitType
from pavfmt.units.directory import Directory

ROOT = Path(__file__).parents[1]
PACKAGES = {
    "pavfmt": "pavfmt",
    "pavcli": "pavcli",
    "pavplayer": "player/pavplayer",
    "pavtraining": "training/pavtraining",
    "research": "research",
    "spec": "spec",
}
"""Package → its folder."""
DEMO = ROOT / "player/pavplayer/demo/avatar.pav"
MAX_MODULES = 15
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
Sources = dict[str, str]
"""Path from the root → text, of every Python file outside tests/."""


def sources_here() -> Sources:
    """Of this checkout, as git knows it: tracked files and new ones it does not ignore."""
    listed = _git("ls-files", "--cached", "--others", "--exclude-standard", "*.py").decode().split()
    return {path: (ROOT / path).read_text() for path in listed if _counts(path) and (ROOT / path).exists()}


def sources_at(commit: str) -> Sources:
    """Of a commit."""
    with tarfile.open(fileobj=io.BytesIO(_git("archive", commit))) as archive:
        files = [one for one in archive.getmembers() if one.isfile() and one.name.endswith(".py")]
        return {one.name: archive.extractfile(one).read().decode() for one in files if _counts(one.name)}


def _git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True).stdout


def _counts(path: str) -> bool:
    return not path.startswith("tests/")


def code_lines(text: str) -> int:
    """Lines that hold code."""
    silent = {
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENDMARKER,
    }
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in silent:
            lines.update(range(token.start[0], token.end[0] + 1))
    return len(lines - set(_docstring_lines(ast.parse(text))))


def _docstring_lines(tree: ast.Module) -> Iterator[int]:
    """Of every string that stands alone: docstrings, also those of attributes."""
    for node in ast.walk(tree):
        alone = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if alone and isinstance(node.value.value, str):
            yield from range(node.lineno, node.end_lineno + 1)


def lines_by_package(sources: Sources) -> dict[str, int]:
    """Lines of code per package; the rest is "other"."""
    counts: Counter[str] = Counter()
    for path, text in sources.items():
        fitting = (name for name, folder in PACKAGES.items() if path.startswith(folder + "/"))
        counts[next(fitting, "other")] += code_lines(text)
    return dict(counts)


@dataclass
class Passage:
    """What control passes through."""

    modules: Counter[str] = field(default_factory=Counter)
    """Module → how often it was entered from another."""
    functions: set[Any] = field(default_factory=set)
    changes: int = 0
    """Of module: calls, returns, generators that go on."""
    _stack: list[str] = field(default_factory=list)

    def profile(self, frame: FrameType, event: str, _argument: object) -> None:
        """For `sys.setprofile`. What is no Python of pavfmt counts as part of its caller: NumPy, compiled loops."""
        name = _module_of(frame.f_code.co_filename)
        if name is None or event not in ("call", "return"):
            return
        if event == "call":
            self.functions.add(frame.f_code)
            before = self._stack[-1] if self._stack else None
            self._stack.append(name)
            if before != name:
                self.modules[name] += 1
                self.changes += before is not None
        elif self._stack:
            self._stack.pop()
            self.changes += bool(self._stack) and self._stack[-1] != name


@cache
def _module_of(filename: str) -> str | None:
    path = Path(filename)
    is_loop = path.parent.name == "compiled" and path.name not in ("__init__.py", "twins.py")
    if not path.is_relative_to(ROOT / "pavfmt") or is_loop:
        return None
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def passage(data: bytes, start: int, end: int) -> Passage:
    """Of the unit at `data[start:end]`, once everything before it is decoded."""
    decoder = Decoder()
    decoder.feed(data[:start])
    list(decoder.events())
    found, unit = Passage(), data[start:end]
    sys.setprofile(found.profile)
    try:
        decoder.feed(unit)
        events = list(decoder.events())
    finally:
        sys.setprofile(None)
    assert len(events) == 1
    return found


def passages(data: bytes, with_twins: bool) -> dict[int, list[Passage]]:
    """Level → of each of its Gaussians units but the first, for which things are found that all of a level share."""
    decoder = Decoder()
    decoder.feed(data)
    entries = next(contents(decoder.events(), Directory)).entries
    found: dict[int, list[Passage]] = {}
    with switched(with_twins):
        for entry in (one for one in entries if one.type == UnitType.GAUSSIANS):
            found.setdefault(entry.level or 0, []).append(passage(data, entry.offset, entry.end))
    return {level: some[1:] or some for level, some in found.items()}


def median(found: list[Passage]) -> Passage:
    """The one with the median number of changes."""
    return sorted(found, key=lambda one: one.changes)[len(found) // 2]


def imports(sources: Sources, package: str) -> dict[str, set[str]]:
    """Module → modules of the same package that it imports when it is loaded."""
    folder = PACKAGES[package]
    parsed = {path: ast.parse(text) for path, text in sources.items() if path.startswith(folder + "/")}
    modules = {
        _dotted(path, package): tree.body
        for path, tree in parsed.items()
        if not path.endswith("__init__.py") or any(isinstance(one, DEFINITIONS) for one in tree.body)
    }
    return {name: {one for one in _imported(body, modules) if one != name} for name, body in modules.items()}


def _dotted(path: str, package: str) -> str:
    parts = (package, *Path(path).relative_to(PACKAGES[package]).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported(body: Iterable[ast.stmt], modules: Iterable[str]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names if one.name in modules)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{one.name}" for one in node.names]
            inside = [name for name in names if name in modules]
            yield from inside
            if len(inside) < len(names) and node.module in modules:
                yield node.module
        elif isinstance(node, ast.If | ast.Try):
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                continue
            yield from _imported(node.body, modules)


def depth(graph: dict[str, set[str]]) -> int:
    """Modules on the longest chain; those that import each other in a circle are one."""
    reach = {name: _reached(graph, name) for name in graph}
    group = {name: min({name} | {one for one in reach[name] if name in reach[one]}) for name in graph}
    condensed: dict[str, set[str]] = defaultdict(set)
    for name, others in graph.items():
        condensed[group[name]] |= {group[one] for one in others if one in group} - {group[name]}

    @cache
    def below(name: str) -> int:
        return 1 + max((below(one) for one in condensed[name]), default=0)

    return max((below(name) for name in list(condensed)), default=0)


def _reached(graph: dict[str, set[str]], start: str) -> set[str]:
    found: set[str] = set()
    todo = list(graph[start])
    while todo:
        one = todo.pop()
        if one not in found:
            found.add(one)
            todo += graph.get(one, ())
    return found


def folder_sizes(sources: Sources) -> dict[str, int]:
    """Folder → modules directly in it, `__init__` and `__main__` not counted."""
    named = (Path(path) for path in sources if not Path(path).name.startswith("__"))
    return dict(Counter(str(path.parent) for path in named))


def main(arguments: list[str] | None = None) -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description="Figures of the house.")
    parser.add_argument("--against", metavar="COMMIT", help="lines, depths and folders of this commit beside")
    commit = parser.parse_args(arguments).against
    here, there = sources_here(), sources_at(commit) if commit else {}
    lines, before = lines_by_package(here), lines_by_package(there)
    print("lines of Python" + (f", and at {commit}" if commit else ""))
    for name in sorted({*lines, *before}):
        print(f"  {name:12} {lines.get(name, 0):6}" + (f" {before.get(name, 0):6}" if commit else ""))
    print(f"  {'all':12} {sum(lines.values()):6}" + (f" {sum(before.values()):6}" if commit else ""))
    _print_passages()
    print("depth of imports" + (f", and at {commit}" if commit else ""))
    for name in PACKAGES:
        old = f" {depth(imports(there, name)):3}" if commit else ""
        print(f"  {name:12} {depth(imports(here, name)):3}{old}")
    crowded = {name: size for name, size in folder_sizes(here).items() if size > MAX_MODULES}
    print(f"folders with more than {MAX_MODULES} modules: {crowded or 'none'}")


def _print_passages() -> None:
    data = DEMO.read_bytes()
    for how, on in (("NumPy", False), ("compiled", True)):
        for level, found in passages(data, on).items():
            one = median(found)
            print(
                f"a Gaussians unit of level {level}, {how}: {len(one.modules)} modules, "
                f"{len(one.functions)} functions, {one.changes} changes of module"
            )
            print("  " + ", ".join(f"{count} × {name}" for name, count in one.modules.most_common()))


if __name__ == "__main__":
    main()
