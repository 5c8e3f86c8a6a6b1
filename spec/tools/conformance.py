"""Judges a decoder or a renderer by spec/vectors, as a black box: paths in, JSON or a picture out.

python -m spec.tools.conformance --decoder "my-decoder {}"
python -m spec.tools.conformance --renderer "my-renderer {request} {folder} {picture}"

What a decoder must print is told in spec/vectors/README.md. Exit status: 0 all passed, 1 some failed, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

VECTORS = Path(__file__).parents[1] / "vectors"
BATCH = 50
"""Files per call: starting a decoder takes longer than decoding a vector."""
SECONDS_PER_FILE = 0.5
NOT_COMPARED = {"first"}
EXACT = 1 << 53
"""Beyond it, JSON's numbers are rounded by many who read or write them."""
SHOWN = 6
"""Differences that are told of a case."""

Ask = Callable[[Sequence[Path], Path | None], list[str]]
"""(files, rig file) → a line for each file. Raises DecoderFailedError where there is no such answer."""


class DecoderFailedError(Exception):
    """The decoder did not answer: it crashed, took too long, or printed another number of lines."""


@dataclass(frozen=True)
class Case:
    """One file and what must be printed of it."""

    name: str
    path: Path
    rig: Path | None
    expected: dict[str, Any]


@dataclass
class Result:
    """What a case came to."""

    name: str
    differences: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """As in spec/schemas/conformance.json."""
        return {"name": self.name, "passed": not self.differences, "differences": self.differences}


def decoder_cases(folder: Path, scratch: Path) -> Iterator[Case]:
    """All vectors and all prefixes; prefixes are cut into `scratch`."""
    index = json.loads((folder / "index.json").read_text())
    rigs = {entry["name"]: _file(folder, entry["rig"]) for entry in index["vectors"]}
    for entry in index["vectors"]:
        name = entry["name"]
        expected = json.loads((folder / f"{name}.json").read_text())
        yield Case(name, folder / f"{name}.pav", rigs[name], expected)
    for stem in index["prefixes"]:
        cuts = json.loads((folder / "prefixes" / f"{stem}.json").read_text())
        data = (folder / f"{cuts['vector']}.pav").read_bytes()
        for cut in cuts["cuts"]:
            path = scratch / f"{stem}-{cut['bytes']}.pav"
            path.write_bytes(data[: cut["bytes"]])
            state = cuts["states"][cut["state"]]
            yield Case(f"prefixes/{stem}/{cut['bytes']}", path, rigs[cuts["vector"]], state)


def _file(folder: Path, name: str | None) -> Path | None:
    return None if name is None else folder / f"{name}.pav"


def judge(cases: Sequence[Case], ask: Ask) -> list[Result]:
    """Every case, in calls of many files; where such a call fails, file by file."""
    results = []
    for batch in _batches(cases):
        try:
            lines = ask([case.path for case in batch], batch[0].rig)
        except DecoderFailedError:  # a crash is to cost the case that crashes, not the fifty of its call
            results += [_alone(case, ask) for case in batch]
        else:
            results += [Result(*_judged(case, line)) for case, line in zip(batch, lines, strict=True)]
    return results


def _batches(cases: Sequence[Case]) -> Iterator[list[Case]]:
    # By rig, since a call has one rig file for all of its paths.
    by_rig: dict[Path | None, list[Case]] = {}
    for case in cases:
        by_rig.setdefault(case.rig, []).append(case)
    for some in by_rig.values():
        for start in range(0, len(some), BATCH):
            yield some[start : start + BATCH]


def _alone(case: Case, ask: Ask) -> Result:
    try:
        (line,) = ask([case.path], case.rig)
    except DecoderFailedError as error:
        return Result(case.name, [str(error)])
    return Result(*_judged(case, line))


def _judged(case: Case, line: str) -> tuple[str, list[str]]:
    try:
        told = json.loads(line)
    except ValueError:
        return case.name, [f"no JSON: {line[:80]!r}"]
    # After an error that ends decoding nothing is promised of what came before: it is the error that is judged.
    expected = {"error": case.expected["error"]} if case.expected["error"] else case.expected
    return case.name, list(differences(expected, told))


def differences(expected: Any, told: Any, path: str = "") -> Iterator[str]:
    """Where `told` is not what is expected; what is not expected by name is not looked at."""
    if isinstance(expected, dict) and isinstance(told, dict):
        for name, value in expected.items():
            if name in NOT_COMPARED:
                continue
            inner = f"{path}.{name}" if path else name
            if name not in told:
                yield f"{inner} is missing"
            else:
                yield from differences(value, told[name], inner)
        # Elsewhere a decoder may print more than it is asked for; here the keys are content.
        if path.endswith("metadata") and told.keys() - expected.keys():
            yield f"{path} has keys that are not there: {sorted(told.keys() - expected.keys())}"
    elif isinstance(expected, list) and isinstance(told, list):
        if len(expected) != len(told):
            yield f"{path} has {len(told)} entries, expected are {len(expected)}: {_short(told)}"
            return
        for number, (one, other) in enumerate(zip(expected, told, strict=True)):
            yield from differences(one, other, f"{path}[{number}]")
    elif isinstance(expected, bool) != isinstance(told, bool) or not _same(expected, told):
        yield f"{path} is {_short(told)}, expected is {_short(expected)}"


def _same(expected: Any, told: Any) -> bool:
    """Equal; numbers that binary64 does not hold, as binary64."""
    if isinstance(expected, int) and isinstance(told, int) and expected > EXACT:
        return float(expected) == float(told)
    return bool(expected == told)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}…"


def asking(command: str, seconds: float) -> Ask:
    """Runs `command`, in which "{}" stands for the paths; a call may take `seconds`, and a little more per file."""
    words = shlex.split(command)

    def ask(paths: Sequence[Path], rig: Path | None) -> list[str]:
        given = [] if rig is None else [f"--rig={rig}"]
        given += [str(path) for path in paths]
        full = [word for one in words for word in (given if one == "{}" else [one])]
        output = _output(full, seconds + SECONDS_PER_FILE * len(paths))
        lines = output.splitlines()
        if len(lines) != len(paths):
            raise DecoderFailedError(f"{len(lines)} lines for {len(paths)} files")
        return lines

    return ask


def _output(command: list[str], seconds: float) -> str:
    try:
        done = subprocess.run(command, capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        raise DecoderFailedError(f"no answer within {seconds:g} s") from None
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise DecoderFailedError(f"exit status {done.returncode}: {''.join(last)[:200]}")
    return done.stdout.decode(errors="replace")


def judge_renderer(folder: Path, command: str, seconds: float, wanted: str) -> list[Result]:
    """Every reference picture."""
    index = json.loads((folder / "index.json").read_text())
    results = []
    with tempfile.TemporaryDirectory() as scratch:
        for stem in index["pictures"]:
            name = f"rendered/{stem}"
            if fnmatch.fnmatch(name, wanted):
                picture = Path(scratch) / f"{stem}.png"
                results.append(Result(name, list(_drawn(folder, stem, picture, command, seconds))))
    return results


def _drawn(folder: Path, stem: str, picture: Path, command: str, seconds: float) -> Iterator[str]:
    request = folder / "rendered" / f"{stem}.json"
    named = {"{request}": str(request), "{folder}": str(folder), "{picture}": str(picture)}
    try:
        _output([named.get(word, word) for word in shlex.split(command)], seconds)
    except DecoderFailedError as error:
        yield str(error)
        return
    if not picture.is_file():
        yield "no picture was written"
        return
    yield from picture_differences(folder, json.loads(request.read_text()), picture)


def picture_differences(folder: Path, request: dict[str, Any], picture: Path) -> Iterator[str]:
    """How a PNG lies outside the tolerances of a reference picture."""
    import numpy as np  # here, so that a decoder can be judged where there is no more than Python
    from PIL import Image

    both = []
    for path in (picture, folder / "rendered" / request["picture"]):
        with Image.open(path) as image:
            both.append(np.asarray(image.convert("RGB"), dtype=np.float64) / 255)
    if both[0].shape != both[1].shape:
        yield f"the picture is {both[0].shape}, expected is {both[1].shape}"
        return
    apart = np.abs(both[0] - both[1])
    found = {"rms": float(np.sqrt(np.mean(apart**2))), "peak": float(apart.max())}
    for name, value in found.items():
        if value > request["tolerances"][name]:
            yield f"{name} is {value:.5f}, allowed is {request['tolerances'][name]}"


def report(subject: str, results: Sequence[Result]) -> dict[str, Any]:
    """As in spec/schemas/conformance.json."""
    failed = sum(bool(result.differences) for result in results)
    cases = [result.to_json() for result in results]
    return {"subject": subject, "passed": len(results) - failed, "failed": failed, "cases": cases}


def text_of(results: Sequence[Result]) -> str:
    """What failed, and how many passed of each folder."""
    lines = []
    for result in results:
        if result.differences:
            lines.append(f"FAILED {result.name}")
            lines += [f"    {line}" for line in result.differences[:SHOWN]]
    folders: dict[str, list[bool]] = {}
    for result in results:
        folders.setdefault(result.name.split("/")[0], []).append(not result.differences)
    lines += [f"{folder:<10} {sum(passed)} of {len(passed)} passed" for folder, passed in folders.items()]
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Judge, print, and say by the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m spec.tools.conformance", description=__doc__.split("\n\n")[0]
    )
    subject = parser.add_mutually_exclusive_group(required=True)
    subject.add_argument("--decoder", metavar="COMMAND", help='a command; "{}" stands for the paths')
    subject.add_argument("--renderer", metavar="COMMAND", help='with "{request}", "{folder}" and "{picture}"')
    parser.add_argument(
        "--only", metavar="PATTERN", default="*", help="cases by name, as in 'invalid/column-*'"
    )
    parser.add_argument(
        "--timeout", metavar="SECONDS", type=float, default=10.0, help="for one call (default 10)"
    )
    parser.add_argument(
        "--vectors", metavar="FOLDER", type=Path, default=VECTORS, help="default: spec/vectors"
    )
    parser.add_argument("--json", action="store_true", help="the whole report as JSON")
    options = parser.parse_args(arguments)
    if options.decoder and "{}" not in shlex.split(options.decoder):
        parser.error('the command needs a "{}" where the paths go')
    results = _results(options)
    if not results:
        parser.error(f"no case is called {options.only!r}")
    command = options.decoder or options.renderer
    print(json.dumps(report(command, results), indent=1) if options.json else text_of(results))
    return int(any(result.differences for result in results))


def _results(options: argparse.Namespace) -> list[Result]:
    if options.renderer:
        return judge_renderer(options.vectors, options.renderer, options.timeout, options.only)
    with tempfile.TemporaryDirectory() as scratch:
        cases = decoder_cases(options.vectors, Path(scratch))
        wanted = [case for case in cases if fnmatch.fnmatch(case.name, options.only)]
        return judge(wanted, asking(options.decoder, options.timeout))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
