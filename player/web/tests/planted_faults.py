"""One-line faults in the reader, each of which must be noticed: `python player/web/tests/planted_faults.py [name …]`.

Every fault is made in a copy of the reader; it is noticed where the tests or the conformance run fail there. Run it
from the root of the repository, after `npm ci` in player/web.
"""

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
WEB = ROOT / "player" / "web"
TSC = "node_modules/.bin/tsc"


@dataclass(frozen=True)
class Fault:
    path: str
    right: str
    wrong: str


FAULTS = {
    "payload checksum not checked": Fault(
        "framing", "if (crc32(bytes.subarray(UNIT_HEADER_BYTES)) === header.payloadChecksum) {", "if (true) {"
    ),
    "a partial unit is guessed": Fault("framing", "if (bytes.length < size) return null;", "if (!size) return null;"),
    "prefix off by one": Fault("layout", "export const UNIT_HEADER_BYTES = 20;", "export const UNIT_HEADER_BYTES = 21;"),
    "the header too early": Fault("decoder", "if (bytes.length < FILE_HEADER_BYTES) return", "if (!bytes.length) return"),
    "wrong sign in zigzag": Fault(
        "rice", "(value % 2 === 0 ? value / 2 : -(value + 1) / 2)", "(value % 2 === 0 ? -value / 2 : (value + 1) / 2)"
    ),
    "values beyond their grid": Fault("units/gaussians", "values[i] >= ceiling) return false", "values[i] > ceiling) return false"),
    "a face split twice": Fault("scene", "if (block.parents.some((face) => this.splitFaces.has(key(face))))", "if (false)"),
    "order of arrival shows": Fault("scene", "this.blocks.splice(at, 0, block);", "this.blocks.push(block);"),
    "hand-over by any successor": Fault("scene", "handOver.successors.every(", "handOver.successors.some("),
    "rounded before it is scaled": Fault(
        "quantization", "(grid.offset + grid.step * values[i]) * scale;", "Math.fround(grid.offset) * scale + Math.fround(grid.step * values[i] * scale);"
    ),
    "needs not checked": Fault("decoder", "if (missing.length > 0) continue;", "if (missing.length > 9) continue;"),
    "two units of one id": Fault("decoder", "if (!sameBytes(earlier.bytes, framed.bytes)) throw error;", ""),
    "children in another order": Fault("hierarchy", "const which = face % 3;", "const which = (face + 1) % 3;"),
    "bytes left over accepted": Fault("fields", "if (this.remaining > 0) throw", "if (this.remaining > 99) throw"),
}  # fmt: skip


def run(command, folder):
    """Whether a command succeeds."""
    return subprocess.run(command, cwd=folder, capture_output=True).returncode == 0


def noticed_by(fault):
    """What fails of a reader with this fault: the compiler, the conformance run, the tests; or nothing."""
    with tempfile.TemporaryDirectory() as folder:
        web = Path(folder) / "player" / "web"
        ignored = shutil.ignore_patterns("node_modules", "dist", "build")
        shutil.copytree(WEB, web, ignore=ignored)
        (web / "node_modules").symlink_to(WEB / "node_modules")
        (Path(folder) / "spec").symlink_to(ROOT / "spec")
        (web.parent / "pavplayer").symlink_to(WEB.parent / "pavplayer")
        source = web / "src" / "format" / f"{fault.path}.ts"
        source.write_text(planted(fault, source.read_text()))
        if not run([TSC, "-p", "tsconfig.json", "--noUnusedLocals", "false"], web):
            raise SystemExit(f"{fault.path}.ts with {fault.wrong!r} does not compile")
        decoder = f"node {web / 'dist' / 'cli.js'} {{}}"
        if not run([sys.executable, "-m", "spec.tools.conformance", "--decoder", decoder], ROOT):
            return "vectors"
        if not run([TSC, "-p", "tests/tsconfig.json"], web) or not run(["node", "--test", "build/"], web):
            return "tests"
        return None


def planted(fault, text):
    """The source with the fault in it."""
    if text.count(fault.right) != 1:
        raise SystemExit(f"{fault.path}.ts has {fault.right!r} {text.count(fault.right)} times, not once")
    return text.replace(fault.right, fault.wrong)


def main(names):
    """A line for each fault; 1 if one goes unnoticed."""
    unnoticed = 0
    for name in names or FAULTS:
        by = noticed_by(FAULTS[name])
        unnoticed += by is None
        print(f"{by or 'UNNOTICED':<12}{name}", flush=True)
    return int(unnoticed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
