"""Our own checkpoint of a hierarchical avatar: what a ProgressiveAvatars-style trainer writes.

spec/progressive-checkpoint.md says what stands where; the form is defined there and nowhere else. It is exact (float32,
opacities as logits come back within 1e-6) and uncompressed, so that a fit can go on from what it wrote.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pavfmt.arrays import BoolArray, Float32Array, Int32Array
from pavfmt.codec.subdivision import edges_of
from pavfmt.errors import EncodeError
from pavfmt.importers.files.json_section import JsonSection
from pavfmt.importers.files.npy import read_npy_file
from pavfmt.importers.files.source import open_limited
from pavfmt.importers.progressive_form import (
    BAD,
    BINDINGS,
    FORMAT_NAME,
    FORMAT_VERSION,
    MANIFEST,
    SH_FRAMES,
    SITES,
    THUMBNAIL,
    checkpoint_folder,
    is_progressive,
    opacities_from_logits,
    read_manifest,
)
from pavfmt.limits import FORMAT_LIMITS
from pavfmt.model import (
    Avatar,
    Beginning,
    Gaussians,
    Identity,
    Level,
    PoseCorrectives,
    Rig,
    Shape,
    Splits,
    Track,
)
from pavfmt.registry import Binding, Site

__all__ = ["is_progressive", "read_progressive"]

OLDEST_VERSION = 2
"""Read too: levels without beginnings."""
MAX_REGIONS = 16
MAX_TRACKS = 256


def read_progressive(path: str | Path) -> Avatar:
    """The avatar in the checkpoint folder `path`. EncodeError names the file and the array at fault."""
    folder = checkpoint_folder(Path(path))
    manifest = JsonSection(read_manifest(folder), MANIFEST, BAD)
    version = _version(manifest)
    rig_section = manifest.section("rig")
    rig = None if rig_section is None else _read_rig(folder / "rig", rig_section)
    identity = _read_identity(folder / "identity", rig) if manifest.flag("identity") else None
    level_sections = manifest.sections("levels", FORMAT_LIMITS.levels)
    levels = [_read_level(folder / f"level_{i}", i, part, version) for i, part in enumerate(level_sections)]
    if sum(len(level.gaussians) for level in levels) > FORMAT_LIMITS.gaussians:
        raise EncodeError("input-too-large", f"more than {FORMAT_LIMITS.gaussians} Gaussians")
    tracks = [
        _read_track(folder / f"track_{i}", part)
        for i, part in enumerate(manifest.sections("tracks", MAX_TRACKS))
    ]
    thumbnail = None
    if manifest.flag("thumbnail"):
        thumbnail = open_limited(folder / THUMBNAIL, FORMAT_LIMITS.thumbnail_bytes)
    metadata = manifest.text_map("metadata")
    manifest.finish()
    return Avatar(tuple(levels), rig, identity, metadata, tuple(tracks), thumbnail)


def _version(manifest: JsonSection) -> int:
    name = manifest.text("format")
    if name != FORMAT_NAME:
        raise EncodeError(BAD, f"{MANIFEST}: the format is {name!r}, not {FORMAT_NAME!r}")
    version = manifest.integer("version", 0, 1 << 31)
    if version not in (OLDEST_VERSION, FORMAT_VERSION):
        message = f"{MANIFEST}: version {version} is not known, this reader reads {FORMAT_VERSION}"
        raise EncodeError("unsupported-checkpoint", message)
    return version


def _floats(folder: Path, name: str, *shape: int | None) -> Float32Array:
    """A finite float array of `shape` (None: any length)."""
    array = read_npy_file(folder / f"{name}.npy", "f", shape).astype(np.float32)
    if not np.isfinite(array).all():
        row = int(np.argwhere(~np.isfinite(array))[0][0])
        raise EncodeError("not-finite", f"{_label(folder, name)} holds NaN or infinity, first in row {row}")
    return array


def _label(folder: Path, name: str) -> str:
    return f"{folder.name}/{name}.npy"


def _indices(folder: Path, name: str, *shape: int | None) -> Int32Array:
    """Non-negative indices of `shape`."""
    array = read_npy_file(folder / f"{name}.npy", "iu", shape)
    if array.size and not 0 <= int(array.min()) <= int(array.max()) < 1 << 31:
        raise EncodeError("binding-out-of-range", f"{_label(folder, name)} holds indices outside 0..2^31 − 1")
    return array.astype(np.int32)


def _limited(what: str, count: int, most: int) -> int:
    if count > most:
        raise EncodeError("input-too-large", f"{count} {what}, at most {most} are read")
    return count


def _read_rig(folder: Path, section: JsonSection) -> Rig:
    profile, subdivisions = section.text("profile"), section.integer("subdivisions", 0, 1)
    joints = section.texts("joints", FORMAT_LIMITS.joints)
    parents = section.integers("parents", FORMAT_LIMITS.joints)
    neutral = _floats(folder, "mean_neutral", None, 3)
    faces = _indices(folder, "faces", None, 3)
    base_count = _limited("vertices", len(neutral), FORMAT_LIMITS.vertices)
    _limited("faces", len(faces), FORMAT_LIMITS.faces)
    vertex_count = base_count + (len(edges_of(faces)) if subdivisions else 0)
    weights = _floats(folder, "weights", vertex_count, len(joints))
    shapes = _read_shapes(folder, section, base_count, len(joints))
    correctives = _read_correctives(folder, section, base_count, len(joints))
    regions = _read_regions(folder, section, base_count)
    mean_joints = _floats(folder, "mean_joints", len(joints), 3)
    section.finish()
    return Rig(
        profile,
        faces,
        neutral,
        joints,
        parents,
        mean_joints,
        weights,
        shapes,
        correctives,
        subdivisions,
        regions,
    )


def _read_shapes(folder: Path, section: JsonSection, base_count: int, joint_count: int) -> tuple[Shape, ...]:
    names = section.texts("shapes", FORMAT_LIMITS.shapes)
    essential, moving = (set(section.texts(key, len(names))) for key in ("essential", "moves_joints"))
    unknown = (essential | moving) - set(names)
    if unknown:
        raise EncodeError(BAD, f"{MANIFEST}: rig: there is no shape {min(unknown)!r}")
    moves = _floats(folder, "shapes", len(names), base_count, 3)
    joints = _floats(folder, "shape_joints", len(names), joint_count, 3) if moving else None
    return tuple(
        Shape(name, moves[i], None if joints is None or name not in moving else joints[i], name in essential)
        for i, name in enumerate(names)
    )


def _read_correctives(
    folder: Path, section: JsonSection, base_count: int, joint_count: int
) -> PoseCorrectives | None:
    joints = section.integers("corrective_joints", joint_count)
    if not joints:
        return None
    if min(joints) < 0 or max(joints) >= joint_count:
        raise EncodeError("binding-out-of-range", f"{MANIFEST}: rig: a corrective joint of {joints} is none")
    return PoseCorrectives(joints, _floats(folder, "correctives", 9 * len(joints), base_count, 3))


def _read_regions(folder: Path, section: JsonSection, base_count: int) -> dict[str, BoolArray]:
    names = section.texts("regions", MAX_REGIONS)
    if not names:
        return {}
    masks = read_npy_file(folder / "regions.npy", "b", (len(names), base_count)).astype(np.bool_)
    return dict(zip(names, masks, strict=True))


def _read_identity(folder: Path, rig: Rig | None) -> Identity:
    if rig is None:
        raise EncodeError(BAD, f"{MANIFEST}: an identity needs a rig")
    neutral = _floats(folder, "neutral", len(rig.mean_neutral), 3)
    return Identity(neutral, _floats(folder, "joints", rig.joint_count, 3))


def _read_level(folder: Path, number: int, section: JsonSection, version: int) -> Level:
    binding, site = section.choice("binding", BINDINGS), section.choice("site", SITES)
    sh_frame = section.choice("sh_frame", SH_FRAMES)
    on_face_point = binding is Binding.SURFACE_POINT and site is Site.FACE
    gaussians = _read_gaussians(folder, on_face_point, section.flag("importance"))
    taken_over = _parents(folder, len(gaussians)) if section.flag("takes_over") else None
    begins = version > OLDEST_VERSION and section.flag("beginning")
    beginning = _beginning(folder, len(gaussians)) if begins else None
    section.finish()
    splits = None
    if number:
        parents = _indices(folder, "split_parents", None)
        _limited("splits", len(parents), FORMAT_LIMITS.splits)
        splits = Splits(parents, _floats(folder, "split_barycentrics", len(parents), 3))
    return Level(gaussians, binding, site, sh_frame, splits, taken_over, beginning)


def _beginning(folder: Path, most: int) -> Beginning:
    """Rows of this level, and how they look at first."""
    rows = _indices(folder, "beginning_rows", None)
    count = _limited("Gaussians of a beginning", len(rows), most)
    opacities = opacities_from_logits(_floats(folder, "beginning_logit_opacities", count))
    return Beginning(rows, opacities, _floats(folder, "beginning_log_scales", count, 3))


def _parents(folder: Path, count: int) -> Int32Array:
    """(count,) rows of the level before, or −1."""
    array = read_npy_file(folder / "parents.npy", "i", (count,))
    if array.size and not -1 <= int(array.min()) <= int(array.max()) < 1 << 31:
        raise EncodeError("binding-out-of-range", f"{_label(folder, 'parents')}: rows are −1 or 0..2^31 − 1")
    return array.astype(np.int32)


def _read_gaussians(folder: Path, on_face_point: bool, has_importance: bool) -> Gaussians:
    sites = _indices(folder, "sites", None)
    count = _limited("Gaussians", len(sites), FORMAT_LIMITS.gaussians)
    return Gaussians(
        sites,
        _floats(folder, "means", count, 3),
        _floats(folder, "quats", count, 4),
        _floats(folder, "log_scales", count, 3),
        opacities_from_logits(_floats(folder, "logit_opacities", count)),
        _floats(folder, "sh0", count, 1, 3),
        _floats(folder, "shN", count, None, 3),
        _floats(folder, "barycentrics", count, 3) if on_face_point else None,
        _floats(folder, "importance", count) if has_importance else None,
    )


def _read_track(folder: Path, section: JsonSection) -> Track:
    name, rate = section.text("name"), section.number("frames_per_second")
    shapes = section.texts("shapes", FORMAT_LIMITS.shapes)
    joints = section.texts("joints", FORMAT_LIMITS.joints)
    weights = _floats(folder, "weights", None, len(shapes))
    frames = _limited("frames", len(weights), FORMAT_LIMITS.track_frames)
    rotations = _floats(folder, "rotations", frames, len(joints), 3) if joints else None
    translation = _floats(folder, "translation", frames, 3) if section.flag("translation") else None
    section.finish()
    return Track(name, rate, shapes, weights, joints, rotations, translation)
