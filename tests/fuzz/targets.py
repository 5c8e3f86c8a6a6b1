"""What is fed: each answers, or raises a PavError."""

import io
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pavfmt import Decoder, inspect, verify
from pavfmt.codec.compiled import switched
from pavfmt.decoding.events import UnitDamaged
from pavfmt.errors import PavError
from pavfmt.importers import ImportOptions, read_avatar
from pavfmt.importers.cc0_rig import read_cc0_rig
from pavfmt.importers.files.glb import read_glb
from pavfmt.importers.files.ply import read_ply
from pavfmt.importers.flame import read_flame
from pavfmt.limits import Limits
from tests.fuzz import foreign, units
from tests.fuzz.seeds import foreign_seeds, pav_seeds
from tests.support.comparing import frozen_scene

FRAMING_CODES = {
    "bad-signature",
    "unsupported-version",
    "unsupported-feature",
    "unsupported-unit",
    "file-header-damaged",
    "file-header-reserved",
    "critical-unit-damaged",
    "unit-header-damaged",
    "unit-payload-damaged",
    "unit-header-reserved",
}
"""What ends or costs a unit before its payload is read."""
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
LIMITS = Limits(rig_values=1 << 22, track_values=1 << 22)


@dataclass(frozen=True)
class Target:
    run: Callable[[bytes], list[str]]
    """Codes met; PavErrors included."""
    mutated: Callable
    seeds: Callable[[], dict[str, bytes]]
    packages: tuple[str, ...] = ("pavfmt",)


def _decode(data):
    return [one.code for one in _decoded(Decoder(LIMITS), data)]


def _decoded(decoder, data):
    """Damage and refusal, of a decoder that is fed in two pieces."""
    damage, cut = [], len(data) // 2
    try:
        for piece in (data[:cut], data[cut:]):
            decoder.feed(piece)
            damage += [event for event in decoder.events() if isinstance(event, UnitDamaged)]
        decoder.close()
        damage += [event for event in decoder.events() if isinstance(event, UnitDamaged)]
        decoder.scene.arrays()
        decoder.scene.effective()
        decoder.scene.snapshot()
    except PavError as error:
        damage.append(error)
    return damage


def _compiled(data):
    """The compiled codec beside NumPy: what they find and show must be the same to the bit."""
    plain, compiled = (_switched(on, data) for on in (False, True))
    if plain[0] != compiled[0]:
        raise AssertionError(f"plain finds {plain[0]}, compiled {compiled[0]}")
    if plain[1] != compiled[1]:
        raise AssertionError("plain and compiled show different scenes")
    return [code for code, _ in plain[0]]


def _switched(on, data):
    with switched(on):
        decoder = Decoder(LIMITS)
        damage = _decoded(decoder, data)
        return [(one.code, one.offset) for one in damage], frozen_scene(decoder.scene)


def _inspect(data):
    try:
        inspect(data, LIMITS).to_json()
    except PavError as error:
        return [error.code]
    return []


def _verify(data):
    return [finding.code for finding in verify(data, LIMITS)]


def _refused(read, *given):
    try:
        with np.errstate(all="ignore"):
            read(*given)
    except PavError as error:
        return [error.code]
    return []


def _of_file(read, name):
    """A target that wants a path."""

    def run(data):
        with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
            path = Path(folder) / name
            path.write_bytes(data)
            return _refused(read, path)

    return run


def _of_folder(read):
    """A target that wants a folder; the input is a zip of its files."""

    def run(data):
        with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
            try:
                with zipfile.ZipFile(io.BytesIO(data)) as archive:
                    archive.extractall(folder)
            except Exception:  # no archive at all: nothing to import
                return ["no-archive"]
            return _refused(read, Path(folder))

    return run


def _gaussianavatars(folder):
    return read_avatar(folder, ImportOptions(folder / "m.pkl"))


def _seeds_after_compiling():
    """Once with every kernel: compiling is not what is timed."""
    for data in pav_seeds().values():
        _compiled(data)
    return pav_seeds()


def _importer(name, run):
    return Target(run, foreign.mutated, lambda: foreign_seeds(name))


TARGETS = {
    "decode": Target(_decode, units.mutated, pav_seeds),
    "compiled": Target(_compiled, units.mutated, _seeds_after_compiling),
    "inspect": Target(_inspect, units.mutated, pav_seeds),
    "verify": Target(_verify, units.mutated, pav_seeds),
    "lam": _importer("lam", _of_file(read_avatar, "someone.zip")),
    "gaussianavatars": _importer("gaussianavatars", _of_folder(_gaussianavatars)),
    "progressive": _importer("progressive", _of_folder(read_avatar)),
    "cc0_rig": _importer("cc0_rig", _of_file(read_cc0_rig, "rig.npz")),
    "flame_pickle": _importer("flame_pickle", _of_file(read_flame, "model.pkl")),
    "flame_npz": _importer("flame_npz", _of_file(read_flame, "model.npz")),
    "ply": _importer("ply", lambda data: _refused(read_ply, data)),
    "glb": _importer("glb", lambda data: _refused(read_glb, data)),
}


def is_past_framing(codes):
    """Whether nothing was lost or refused before its payload was read."""
    return not FRAMING_CODES.intersection(codes)
