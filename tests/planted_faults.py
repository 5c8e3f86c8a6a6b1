"""One-line faults, each of which must turn the suite red: `python -m tests.planted_faults [name …]`.

Every fault is made in a copy of the project, and only the tests of its claim are run there.
"""

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Fault:
    path: str
    right: str
    wrong: str
    tests: str

    @property
    def test_files(self):
        """Of its claim, wherever in `tests/` they stand."""
        return [next(ROOT.glob(f"tests/*/test_{name}.py")) for name in self.tests.split()]


FAULTS = {
    "no payload checksum": Fault(
        "container/framing.py", "if zlib.crc32(payload) != header.checksum:", "if False:", "damage error_codes"
    ),
    "no unit header checksum": Fault(
        "container/headers.py",
        "if zlib.crc32(data[: cls.LAYOUT.size]) != struct.unpack_from(\"<I\", data, cls.LAYOUT.size)[0]:\n"
        '            message = "the unit',
        'if False:\n            message = "the unit',
        "damage container",
    ),
    "reserved bits ignored": Fault("container/headers.py", "if flags > 1 or reserved:", "if flags > 1:", "container"),
    "unknown critical units skipped": Fault(
        "container/framing.py", "if header.critical and header.type not in CRITICAL:", "if False:", "container"
    ),
    "errors do not stay": Fault(
        "decoding/decoder.py",
        "            if self._error is not None:\n                raise self._error",
        "            if self._error is not None:\n                error, self._error = self._error, None\n"
        "                raise error",
        "damage",
    ),
    "unit length not limited": Fault(
        "container/framing.py", "if header.length > self.limits.unit_bytes:", "if False:", "limits"
    ),
    "limit off by one": Fault("codec/fields.py", "if value > limit:", "if value >= limit:", "limits"),
    "expansion not limited": Fault(
        "units/gaussians.py",
        "if not 0 < count <= EXPANSION_FLOOR + EXPANSION_PER_BYTE * reader.size:",
        "if not 0 < count:",
        "limits",
    ),
    "zstd frames trusted": Fault("codec/columns.py", "if declared != size:", "if False:", "compression limits"),
    "a dependant shown without its need": Fault(
        "decoding/decoder.py",
        "if not missing:\n",
        "if not missing or kind.type is UnitType.SHAPE:\n",
        "damage scene_law",
    ),
    "woken units forgotten": Fault(
        "decoding/decoder.py", "self._ready += self._freed_by(unit.id)", "pass", "scene_law external_rig"
    ),
    "order of arrival shows": Fault(
        "units/contents.py", "at = bisect_right(self._firsts, block.first)", "at = len(self._firsts)", "scene_law"
    ),
    "stale arrays": Fault("decoding/scene.py", "self._cache[0] == len(blocks) > 0", "self._cache[0] > 0", "prefixes"),
    "a view that can be written": Fault(
        "decoding/scene.py",
        "view.flags.writeable = False\n        return SceneArrays",
        "view.flags.writeable = True\n        return SceneArrays",
        "prefixes",
    ),
    "a fetched unit does not heal": Fault("container/framing.py", "self._lost.remove(start)", "continue", "scene_law"),
    "a partial unit is guessed": Fault(
        "container/framing.py", "if start + UnitHeader.SIZE + header.length <= high:", "if True:", "prefixes"
    ),
    "rounding twice": Fault(
        "codec/quantization.py",
        "(brackets.astype(np.float64) * 2.0**-self.shift).astype(np.float32)",
        "(np.float32(self.offset) + np.float32(self.step) * np.arange(1 << self.bits, dtype=np.float32))"
        " * np.float32(2.0**-self.shift)",
        "quantization",
    ),
    "hand-over by any successor": Fault(
        "decoding/scene.py",
        "if self.active_units.issuperset(record.successors)",
        "if self.active_units.intersection(record.successors)",
        "hand_over",
    ),
    "another rig accepted": Fault("decoding/decoder.py", "if digest != reference.sha256:", "if False:", "external_rig"),
    "children in another order": Fault(
        "posing.py", "((a, b, point), (b, c, point), (c, a, point))", "((a, b, point), (c, a, point), (b, c, point))",
        "posing",
    ),
    "bytes left over accepted": Fault("codec/fields.py", "        if left:\n", "        if False:\n", "error_codes"),
    "a set decides the order": Fault(
        "encoder/draft.py", "tuple(sorted(set(needs)))", "tuple(set(map(str, needs)))", "determinism roundtrip"
    ),
    "a unit that needs itself": Fault(
        "codec/fields.py", "if step == 0 or current < 0:", "if current < 0:", "vectors"
    ),
    "a centre beyond its grid": Fault(
        "codec/fields.py", "if any(centre > top for", "if not any(centre >= 0 for", "vectors"
    ),
    "an error at another field": Fault(
        "units/gaussians.py",
        "Gaussians {first}..{first + count} of {total}\", start)",
        "Gaussians {first}..{first + count} of {total}\", start - 1)",
        "vectors",
    ),
    "a later minor version refused": Fault(
        "container/headers.py", "minor < FORMAT_VERSION[1]", "minor != FORMAT_VERSION[1]", "vectors"
    ),
    "Gaussian bytes taken from the directory's word": Fault(
        "tools/verify.py", "sum(UnitHeader.SIZE + header.length for header in counted)", "0", "vectors"
    ),
    "a buffer of the largest size allowed": Fault(
        "importers/files/source.py", "return stream.read(size)", "return stream.read(limit)", "fuzz"
    ),
    "an archive's own exceptions": Fault(
        "importers/files/npz.py", "OSError, ValueError, NotImplementedError", "OSError", "fuzz"
    ),
}  # fmt: skip


def turns_red(fault):
    """Whether the tests of the fault's claim notice it."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in ("pavfmt", "spec", "tests"):
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("pyproject.toml", "FORMAT.md"):
            shutil.copy(ROOT / name, copy)
        source = copy / "pavfmt" / fault.path
        text = source.read_text()
        if fault.right not in text:
            raise SystemExit(f"{fault.path} has no {fault.right!r}: the fault no longer fits")
        source.write_text(text.replace(fault.right, fault.wrong))
        files = [str(path.relative_to(ROOT)) for path in fault.test_files]
        command = [sys.executable, "-m", "pytest", "-m", "", "-x", "-q", "-p", "no:cacheprovider", *files]
        ended = subprocess.run(command, cwd=copy, capture_output=True, text=True)
        if ended.returncode > 1:
            raise SystemExit(f"the tests of {fault.path} did not run:\n{ended.stdout}")
        return ended.returncode == 1


def main(names):
    unnoticed = 0
    for name in names or FAULTS:
        red = turns_red(FAULTS[name])
        unnoticed += not red
        print(f"{'red' if red else 'STILL GREEN':<12}{name}", flush=True)
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
