"""Files that obey every rule, one trait each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from pavfmt.codec.fields import FieldWriter
from pavfmt.codec.quantization import Affine, stereographic_grid
from pavfmt.encoder import EncodeOptions, encode
from pavfmt.encoder.draft import Draft
from pavfmt.importers.cc0_rig import read_cc0_rig
from pavfmt.model import Avatar, Identity, Rig, Track
from pavfmt.registry import (
    METADATA_KEYS,
    Binding,
    ColumnTransform,
    CriticalFeature,
    RigSource,
    ShFrame,
    Site,
    UnitType,
)
from pavfmt.tools.synthetic import RandomStream, synthetic_avatar, toy_rig
from pavfmt.units.attributes import Grids
from pavfmt.units.hand_over import HandOver, encode_hand_over
from pavfmt.units.levels import LevelEntry, LevelTable, encode_levels
from pavplayer.demo import RIG_FILE
from spec.builders.avatars import PRECISION, SMALL_UNITS, external_file, rig_file, toy, toy_file
from spec.builders.forging import Forge, payload
from spec.builders.handmade import grids_over, write_unit
from spec.tools.vectors.vector import Vector, bare

MESH_WITH_BORDERS = ((0, 1, 2), (2, 1, 3), (2, 3, 4), (5, 6, 7), (7, 6, 0), (1, 0, 8), (9, 9, 2), (0, 1, 4))
"""Borders, two parts that touch, an edge of three faces, a face with one corner twice; vertex 10 is of no face."""


def valid() -> Iterator[Vector]:
    """All of them."""
    yield from _small()
    yield from _kinds()
    yield from _rigs()
    yield from _codes()
    yield from _hand_overs()
    yield from _annotations()
    yield from _larger()


def _small() -> Iterator[Vector]:
    yield Vector("valid/smallest", "one Gaussian, no rig, no directory", smallest())
    yield Vector("valid/equal-depths", "nine Gaussians in a plane", _in_a_plane())
    yield Vector("valid/levels-only", "a level of no Gaussians: the empty scene", _levels_only())


def _kinds() -> Iterator[Vector]:
    kinds = {
        "face": "three levels of face frames with splits",
        "surface": "surface points on vertices, on faces with barycentric coordinates, and on a joint",
        "mixed": "a face-frame level between two of surface points; one level's SH in local axes",
        "static": "no rig: three levels on joint 0",
    }
    for kind, trait in kinds.items():
        yield Vector(f"valid/{kind}", trait, toy_file(kind, int(kind in ("mixed", "static"))))
    for degree in (0, 2, 3):
        yield Vector(f"valid/sh-degree-{degree}", f"SH degree {degree}", toy_file("static", degree))
    yield Vector("valid/no-directory", "a file without a directory", bare(toy_file("mixed")))


def _rigs() -> Iterator[Vector]:
    subdivided = toy_file("surface", 0, True)
    yield Vector(
        "valid/subdivided", "a subdivided mesh: midpoint weights, Gaussians on midpoints", subdivided
    )
    yield Vector("valid/mesh-with-borders", "every symbol of the mesh walk, a vertex of no face", _on_mesh())
    yield Vector("valid/rig-only", "a rig file: rig, shapes, correctives, no levels", rig_file())
    shared = external_file()
    yield Vector("valid/shared-rig", "a rig reference, its rig given", shared, rig="valid/rig-only")
    yield Vector("valid/mean-neutral", "a rig without an identity", _without_identity())


def _codes() -> Iterator[Vector]:
    yield Vector(
        "valid/column-kinds", "every codec and transform of a column, widths 1, 2, 4", column_kinds()
    )
    yield Vector("valid/grids-of-1-bit", "grids of 1 bit: columns of one byte", handmade(1))
    yield Vector(
        "valid/grids-of-16-bits", "grids of 16 bits; opacities beyond 0..1 are clamped", _wide_grids()
    )
    yield Vector("valid/multipliers", "multipliers above 1 and grades", handmade(12, graded=True))
    yield Vector(
        "valid/prediction", "units of hundreds of Gaussians: passes, neighbours, models", _predicted()
    )
    yield Vector("valid/many-units", "ids and distances of two bytes: 130 units", _many_units())


def _hand_overs() -> Iterator[Vector]:
    retire, second = hand_over_file(False), hand_over_file(True)
    yield Vector("valid/hand-over", "Gaussians that retire when both successors are there", retire)
    yield Vector("valid/hand-over-values", "second opacities and scales", second)
    yield Vector("valid/hand-over-twice", "two hand-overs of one Gaussian: the higher id decides", _twice())


def _annotations() -> Iterator[Vector]:
    yield Vector("valid/thumbnail", "a thumbnail", toy_file("static", 0, picture=True))
    yield Vector(
        "valid/metadata", "every registered key, a private one, empty and multi-byte text", _metadata()
    )
    yield Vector("valid/tracks", "tracks with and without shapes, joints, translation and frames", _tracks())


def _larger() -> Iterator[Vector]:
    rig = read_cc0_rig(RIG_FILE)
    avatar = synthetic_avatar(replace(rig, shapes=rig.shapes[22:26]), 900, levels=2, sh_degree=1)
    options = EncodeOptions(PRECISION, unit_bytes=3000, importance_per="face", unit_share=0.0)
    yield Vector("valid/head", "the CC0 head with four shapes and 900 Gaussians", encode(avatar, options))


def entry_of(grids: Grids, count: int) -> LevelEntry:
    """A level of points on joints."""
    return LevelEntry(Binding.SURFACE_POINT, Site.JOINT, ShFrame.WORLD, 0, count, grids)


def smallest() -> bytes:
    """One Gaussian in a file of two units."""
    some = toy("static", 0).levels[0].gaussians.take(np.arange(1))
    return bare(_of_units(grids_over(some, 6), [some]))


def _of_units(grids: Grids, parts: list, graded: bool = False) -> bytes:
    """A static file of one level, a unit for each of `parts`."""
    draft, total = Draft(), sum(map(len, parts))
    table = LevelTable(RigSource.NONE, (entry_of(grids, total),))
    levels = draft.add(UnitType.LEVELS, (), lambda writer: encode_levels(writer, table))
    first = 0
    for some in parts:
        grades = np.arange(len(some)) % 8 if graded else None
        multipliers = {"means": 3, "sh0": 2} if graded else None
        writer = FieldWriter()
        write_unit(writer, 0, first, some, grids, multipliers, grades=grades)
        body = writer.getvalue()
        draft.add(
            UnitType.GAUSSIANS, (levels,), lambda out, body=body: out.raw(body), 0, len(some), 1 / len(parts)
        )
        first += len(some)
    return draft.getvalue(level_count=1, sh_degree=len(grids.bands))


def handmade(bits: int, graded: bool = False) -> bytes:
    """Nine Gaussians on grids of so many bits."""
    some = toy("static").levels[0].gaussians
    grids = grids_over(some, max(bits, 2))
    if bits == 1:
        grids = replace(
            grids, opacities=Affine(0, 1, 1, 1), sh0=Affine(-1, 2, 1, 1), log_scales=Affine(-9, 3, 1, 1)
        )
    return _of_units(grids, [some], graded)


def _wide_grids() -> bytes:
    some = toy("static").levels[0].gaussians
    beyond = Affine(-(1 << 14), 1, 15, 16)  # −0.5 … 1.5
    return _of_units(
        replace(grids_over(some, 16), opacities=beyond, quats=stereographic_grid(2.0**-14)), [some]
    )


def one_opaque(grid: Affine) -> bytes:
    """Three Gaussians, of opacity 0, 0 and 1."""
    three = toy("static", 0).levels[0].gaussians.take(np.arange(3))
    three = replace(three, opacities=np.array([0, 0, 1], dtype=np.float32))
    return bare(_of_units(replace(grids_over(three), opacities=grid), [three]))


def _in_a_plane() -> bytes:
    some = toy("static", 0).levels[0].gaussians
    means = some.means * np.float32([1, 1, 0])
    flat = replace(some, means=means, opacities=np.maximum(some.opacities, np.float32(0.7)))
    return _of_units(grids_over(flat), [flat])


def _levels_only() -> bytes:
    some = toy("static", 0).levels[0].gaussians
    return _of_units(grids_over(some), [])


def _many_units() -> bytes:
    some = toy("static", 0).levels[0].gaussians.take(np.arange(130) % 9)
    return _of_units(grids_over(some, 5), [some.take(np.arange(at, at + 1)) for at in range(130)])


def _predicted() -> bytes:
    """300 Gaussians on an octahedron, written by the encoder as it writes heads."""
    avatar = synthetic_avatar(toy_rig(RandomStream(3)), 300, levels=2, sh_degree=1)
    return encode(avatar, EncodeOptions(PRECISION, unit_bytes=2000, unit_share=0.0))


def _on_mesh() -> bytes:
    random = RandomStream(7)
    points, share = (0.1 * random.bell(11, 3)).astype(np.float32), random.uniform(11)
    plain = toy_rig(RandomStream(0))
    rig = Rig(
        profile="custom",
        faces=np.array(MESH_WITH_BORDERS, dtype=np.int32),
        mean_neutral=points,
        joint_names=plain.joint_names,
        joint_parents=plain.joint_parents,
        mean_joint_positions=plain.mean_joint_positions,
        weights=np.stack([1.0 - share, share], axis=1).astype(np.float32),
    )
    level = replace(toy("face", 0).levels[0], splits=None)
    return encode(Avatar((level,), rig, Identity(points, rig.mean_joint_positions)), SMALL_UNITS)


def _without_identity() -> bytes:
    return encode(replace(toy("face", 0), identity=None), SMALL_UNITS)


def written_column(writer: FieldWriter, values: np.ndarray, width: int, kind: int) -> None:
    """A column in one certain form."""
    column = forced_column(values, width, kind)
    writer.pack("B", kind)
    writer.varint(len(column))
    writer.raw(column)


def forced_column(values: np.ndarray, width: int, kind: int) -> bytes:
    """The bytes of a column of `kind`, whether or not they are the fewest."""
    import zstandard

    from pavfmt.codec.columns import DTYPES, _delta, _planes, zigzag

    transform, codec = divmod(kind, 16)
    values = np.ascontiguousarray(values, dtype=DTYPES[width])
    if codec == 2:
        return _planes(values[:1], width)
    changed = {
        ColumnTransform.NONE: values,
        ColumnTransform.DELTA: _delta(values, width),
        ColumnTransform.ZIGZAG: zigzag(values, width),
    }
    plain = _planes(changed[ColumnTransform(transform)], width)
    return zstandard.ZstdCompressor(level=19).compress(plain) if codec else plain


COLUMN_FORMS = ((1, 0), (2, 1), (4, 2), (4, 16), (2, 17), (1, 32), (4, 33), (1, 17), (2, 0))
"""(width, kind) of the nine columns of three shapes."""


def column_kinds() -> bytes:
    """Three shapes whose columns take every kind."""
    forge = Forge(toy_file("face", 0))
    rig = forge.parts[forge.where(UnitType.RIG)].id
    for nth in range(3):
        part = forge.parts[forge.where(UnitType.SHAPE, nth)]

        def write(writer: FieldWriter, nth: int = nth, index: int = nth) -> None:
            writer.varint(index)
            writer.pack("B", 0)
            writer.pack("IB", 3, 20)
            for width, kind in COLUMN_FORMS[3 * nth : 3 * nth + 3]:
                writer.pack("B", width)
                values = np.array([5, -3, 100, 0, -128, 127]) << (8 * (width - 1))
                written_column(writer, values if kind != 2 else np.full(6, -70000), width, kind)

        forge.change(UnitType.SHAPE, payload(part.id, [rig], write), nth)
    return forge.build()


def hand_over_file(second_values: bool, twice: bool = False) -> bytes:
    """Nine Gaussians in three units; the first gives way to the two others."""
    level = toy("static", 0).levels[0].gaussians
    grids = grids_over(level)
    draft = Draft()
    table = LevelTable(RigSource.NONE, (entry_of(grids, 9),))
    levels = draft.add(UnitType.LEVELS, (), lambda writer: encode_levels(writer, table))

    def add(first: int) -> int:
        some = level.take(np.arange(first, first + 3))
        return draft.add(UnitType.GAUSSIANS, (levels,), lambda w: write_unit(w, 0, first, some, grids), 0, 3)

    parents = add(0)
    later = 3 + twice + 1
    values = {}
    if second_values:
        scales = np.full((2, 3), -4.0, dtype=np.float32)
        values = {"opacities": np.array([0.25, 0.5], dtype=np.float32), "log_scales": scales}
    records = [HandOver(0, (later, later + 1), np.array([0, 2], dtype=np.int32), **values)]
    if twice:
        records.append(HandOver(0, (later + 1,), np.array([1, 2], dtype=np.int32)))
    for record in records:
        draft.add(
            UnitType.HAND_OVER, (levels, parents), lambda w, record=record: encode_hand_over(w, record, grids)
        )
    add(3)
    add(6)
    return draft.getvalue(CriticalFeature.HAND_OVER, level_count=1)


def _twice() -> bytes:
    return hand_over_file(True, twice=True)


def _metadata() -> bytes:
    texts = {key: f"the {key}" for key in METADATA_KEYS}
    texts |= {"org.example.note": "größer\n\t→ 頭 🙂", "org.example.empty": "", "title": "x" * 200}
    return encode(replace(toy("static", 0), metadata=texts), SMALL_UNITS)


def _tracks() -> bytes:
    nothing = np.zeros((3, 0), dtype=np.float32)
    one = toy("face", 0).tracks[0]
    tracks = (
        one,
        Track("no channels", 24.0, (), nothing),
        Track("no frames", 60.0, ("jawOpen",), np.zeros((0, 1), dtype=np.float32)),
        Track("still", 29.97, ("jawOpen",), np.full((40, 1), 0.5, dtype=np.float32)),
    )
    return encode(replace(toy("face", 0), tracks=tracks), SMALL_UNITS)
