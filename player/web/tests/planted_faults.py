"""One-line faults in the reader, each of which must be noticed: `python player/web/tests/planted_faults.py [name …]`.

Every fault is made in a copy of the reader; it is noticed where the conformance run or the tests fail there. Run it
from the root of the repository, after `npm ci` in player/web.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
WEB = ROOT / "player" / "web"
TSC = "node_modules/.bin/tsc"


@dataclass(frozen=True)
class Fault:
    """A piece of one module of src/format, and what it becomes."""

    path: str
    right: str
    wrong: str


FAULTS = {
    "payload checksum not checked": Fault(
        "framing", "if (crc32(bytes.subarray(UNIT_HEADER_BYTES)) === header.payloadChecksum)", "if (true)"
    ),
    "a partial unit is guessed": Fault(
        "framing", "if (bytes.length < size) return null;", "if (!size) return null;"
    ),
    "prefix off by one": Fault("framing", "if (bytes.length < UNIT_HEADER_BYTES)", "if (bytes.length < 19)"),
    "the header too early": Fault("decoder", "if (bytes.length < FILE_HEADER_BYTES)", "if (!bytes.length)"),
    "wrong sign in zigzag": Fault("rice", "? value / 2 : -(value + 1) / 2", "? -value / 2 : (value + 1) / 2"),
    "values beyond their grid": Fault(
        "units/gaussians", "values[i] >= ceiling) return false", "values[i] > ceiling) return false"
    ),
    "a face split twice": Fault(
        "scene", "if (block.parents.some((face) => this.splitFaces.has(key(face))))", "if (false)"
    ),
    "order of arrival shows": Fault("scene", "this.blocks.splice(at, 0, block);", "this.blocks.push(block);"),
    "hand-over by any successor": Fault("scene", "handOver.successors.every(", "handOver.successors.some("),
    "rounded before it is scaled": Fault(
        "quantization",
        "= (grid.offset + grid.step * values[i]) * scale;",
        "= Math.fround(grid.offset * scale) + Math.fround(grid.step * values[i] * scale);",
    ),
    "needs not checked": Fault(
        "decoder", "if (missing.length > 0) continue;", "if (missing.length > 9) continue;"
    ),
    "two units of one id": Fault("decoder", "if (!sameBytes(earlier.bytes, framed.bytes)) throw error;", ""),
    "children in another order": Fault(
        "hierarchy", "const which = face % 3;", "const which = (face + 1) % 3;"
    ),
    "bytes left over accepted": Fault(
        "fields", "if (this.remaining > 0) throw", "if (this.remaining > 99) throw"
    ),
}


def source_of(fault: Fault) -> str:
    """The module without the fault."""
    return (WEB / "src" / "format" / f"{fault.path}.ts").read_text()


def planted(fault: Fault) -> str:
    """The module with the fault in it."""
    text = source_of(fault)
    if text.count(fault.right) != 1:
        raise SystemExit(f"{fault.path}.ts has {fault.right!r} {text.count(fault.right)} times, not once")
    return text.replace(fault.right, fault.wrong)


def noticed_by(fault: Fault) -> str | None:
    """What fails of a reader with this fault: the vectors or the tests; or nothing."""
    with tempfile.TemporaryDirectory() as folder:
        web = Path(folder) / "player" / "web"
        shutil.copytree(WEB, web, ignore=shutil.ignore_patterns("node_modules", "dist", "build"))
        (web / "node_modules").symlink_to(WEB / "node_modules")
        (Path(folder) / "spec").symlink_to(ROOT / "spec")
        (web.parent / "pavplayer").symlink_to(WEB.parent / "pavplayer")
        (web / "src" / "format" / f"{fault.path}.ts").write_text(planted(fault))
        if not _succeeds([TSC, "-p", "tsconfig.json", "--noUnusedLocals", "false"], web):
            raise SystemExit(f"{fault.path}.ts does not compile with {fault.wrong!r}")
        decoder = f"node {web / 'dist' / 'cli.js'} {{}}"
        if not _succeeds([sys.executable, "-m", "spec.tools.conformance", "--decoder", decoder], ROOT):
            return "vectors"
        tests = ([TSC, "-p", "tests/tsconfig.json"], ["node", "--test", "build/"])
        return None if all(_succeeds(command, web) for command in tests) else "tests"


def _succeeds(command: Sequence[str], folder: Path) -> bool:
    return subprocess.run(command, cwd=folder, capture_output=True).returncode == 0


def main(names: Sequence[str]) -> int:
    """A line for each fault; 1 if one goes unnoticed."""
    unnoticed = 0
    for name in names or FAULTS:
        by = noticed_by(FAULTS[name])
        unnoticed += by is None
        print(f"{by or 'UNNOTICED':<12}{name}", flush=True)
    return int(unnoticed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
