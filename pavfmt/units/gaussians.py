"""Gaussian units: some of one level's Gaussians, attribute by attribute (§6.9)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from pavfmt.codec.blocks import decode_ascending, decode_block, encode_ascending, encode_block, skip_block
from pavfmt.codec.fields import FieldReader, FieldWriter, UnitReader
from pavfmt.codec.prediction import Neighbourhood, neighbourhood
from pavfmt.errors import FormatError
from pavfmt.limits import EXPANSION_FLOOR, EXPANSION_PER_BYTE
from pavfmt.model import Int32Array
from pavfmt.registry import RigSource, Site, UnitType
from pavfmt.units.attributes import Attribute, Columns, GaussianBlock, Shown, attributes_of, split_bands
from pavfmt.units.levels import LevelTable
from pavfmt.units.rig import needed_rig
from pavfmt.units.splits import template_faces
from pavfmt.units.steps import (
    MAX_GRADE,
    MAX_MULTIPLIER,
    Stepped,
    UnitSteps,
    all_to_steps,
    step_grids,
    values_shown,
)

Int64Array = NDArray[np.int64]
Locate = Callable[[int, Int32Array], Int64Array]
"""(level, sites) → (N, 3) places (`pavfmt.codec.prediction`); raises FormatError where a site does not exist."""

SECTIONS = ("sites", "attributes", "sh1", "sh2", "sh3")
"""What a unit's bytes are counted by: all attributes but the SH bands share one block."""


def encode_gaussians(
    writer: FieldWriter,
    level: int,
    first: int,
    columns: Columns,
    attributes: tuple[Attribute, ...],
    steps: UnitSteps,
    places: Int64Array,
) -> None:
    """The body of a Gaussians unit. `columns` is sorted by site; `places` are those of the sites."""
    count = len(columns)
    writer.pack("B", level)
    writer.varint(first)
    writer.varint(count)
    stepped = all_to_steps(columns, attributes, steps)
    near = neighbourhood(places)
    body = _encode_body(columns.sites, attributes, stepped, steps.grades, near)
    if count > EXPANSION_FLOOR + EXPANSION_PER_BYTE * len(body):  # too good to be believed: pad
        body = _encode_body(columns.sites, attributes, stepped, steps.grades, near, padded=True)
    writer.raw(body)


def _encode_body(
    sites: Int32Array,
    attributes: tuple[Attribute, ...],
    stepped: list[Stepped],
    grades: Int64Array | None,
    near: Neighbourhood,
    padded: bool = False,
) -> bytes:
    writer = FieldWriter()
    encode_ascending(writer, sites, padded)
    writer.pack("B", grades is not None)
    if grades is not None:
        encode_block(writer, grades[:, None], [1], near)
    of = {attribute.name: one for attribute, one in zip(attributes, stepped, strict=True)}
    for block in split_bands(attributes):
        for attribute in block:
            writer.varint(of[attribute.name].multiplier)
            for centre in of[attribute.name].centres.tolist():
                writer.varint(centre)
        body = FieldWriter()
        steps = np.concatenate([of[attribute.name].steps for attribute in block], axis=1)
        encode_block(body, steps, [attribute.width for attribute in block], near, _shifts(block, grades))
        data = body.getvalue()
        writer.varint(len(data))
        writer.raw(data)
    return writer.getvalue()


def _shifts(block: tuple[Attribute, ...], grades: Int64Array | None) -> Int64Array | None:
    """(N, columns of the block): a column's steps are multiples of 2^this."""
    if grades is None or not any(attribute.is_graded for attribute in block):
        return None
    graded = np.repeat([attribute.is_graded for attribute in block], [one.width for one in block])
    shifts: Int64Array = grades[:, None] * graded
    return shifts


@dataclass(frozen=True)
class GaussiansHead:
    """The fields before the columns."""

    level: int
    first: int
    count: int


def decode_head(reader: FieldReader, table: LevelTable) -> GaussiansHead:
    """Level, first index and count, checked against the level table and the payload's size."""
    level = reader.choice("level", len(table.levels))
    start = reader.offset
    total = sum(entry.gaussian_count for entry in table.levels)
    first = reader.varint("first Gaussian", reader.limits.gaussians)
    count = reader.varint("Gaussian count", reader.limits.gaussians_per_unit)
    if first + count > total:
        raise FormatError("index-out-of-range", f"Gaussians {first}..{first + count} of {total}", start)
    if not 0 < count <= EXPANSION_FLOOR + EXPANSION_PER_BYTE * reader.size:
        raise FormatError("bad-field", f"{count} Gaussians in a payload of {reader.size} bytes", start)
    return GaussiansHead(level, first, count)


def read_gaussians(reader: UnitReader) -> GaussianBlock:
    """Of a Gaussians unit."""
    table: LevelTable = reader.needed("levels", UnitType.LEVELS)
    return decode_gaussians(reader, table, partial(_places, reader, table))


def _places(reader: UnitReader, table: LevelTable, level: int, sites: Int32Array) -> Int64Array:
    """Where the sites of a unit are, once it is sure that they exist."""
    site = table.levels[level].site
    core = None if table.rig_source is RigSource.NONE else needed_rig(reader)
    if site is Site.FACE and level > 0:
        sites = template_faces(reader, sites, level)
    counts = {Site.FACE: 0, Site.VERTEX: 0, Site.JOINT: 1}
    if core is not None:
        counts = dict(zip(Site, (core.face_count, *core.weights.shape), strict=True))
    if int(sites.max()) >= counts[site]:
        message = f"{site.name.lower()} {sites.max()} of {counts[site]}"
        raise FormatError("index-out-of-range", message, reader.start)
    if core is None or site is Site.JOINT:
        return np.zeros((len(sites), 3), dtype=np.int64)
    return (core.places.faces if site is Site.FACE else core.places.vertices)[sites]


def decode_gaussians(reader: FieldReader, table: LevelTable, locate: Locate) -> GaussianBlock:
    """The inverse of `encode_gaussians`."""
    head = decode_head(reader, table)
    entry = table.levels[head.level]
    sites = decode_ascending(reader, head.count)
    places = locate(head.level, sites)
    near = neighbourhood(places) if reader.kernels is None else reader.kernels.neighbourhood(places)
    grades = _decode_grades(reader, head.count, near)
    attributes = attributes_of(entry.grids, entry.has_barycentrics)
    shown = Shown(head.count, attributes)
    for block in split_bands(attributes):
        _decode_block(reader, head.count, block, near, grades, shown)
    return shown.block(head.level, head.first, sites)


def _decode_grades(reader: FieldReader, count: int, near: Neighbourhood) -> Int64Array | None:
    if not reader.choice("grades flag", 2):
        return None
    start = reader.offset
    grades = decode_block(reader, count, [1], near)[:, 0].astype(np.int64)
    if int(grades.min()) < 0 or int(grades.max()) > MAX_GRADE:
        raise FormatError("bad-field", f"grades {grades.min()}..{grades.max()}", start)
    return grades


def _decode_block(
    reader: FieldReader,
    count: int,
    block: tuple[Attribute, ...],
    near: Neighbourhood,
    grades: Int64Array | None,
    shown: Shown,
) -> None:
    """Fills in the values of the attributes of one block."""
    scales = [_decode_scale(reader, attribute) for attribute in block]
    start = reader.offset
    end = reader.varint("block length", reader.limits.unit_bytes) + reader.offset
    widths = [attribute.width for attribute in block]
    steps = decode_block(reader, count, widths, near, _shifts(block, grades))
    if reader.offset != end:
        raise FormatError("bad-column", f"a block of {end - start} bytes ends at {reader.offset}", start)
    first = 0
    for attribute, (multiplier, centres) in zip(block, scales, strict=True):
        if reader.kernels is None or not reader.kernels.show(
            step_grids(attribute, multiplier, centres), steps, first, *shown.place(attribute)
        ):
            own = steps[:, first : first + attribute.width]
            shown.put(attribute, values_shown(attribute, Stepped(multiplier, centres, own), start))
        first += attribute.width


def _decode_scale(reader: FieldReader, attribute: Attribute) -> tuple[int, Int64Array]:
    """Multiplier and centres."""
    start = reader.offset
    multiplier = reader.varint("multiplier")
    if not 0 < multiplier <= MAX_MULTIPLIER:
        raise FormatError("bad-field", f"a multiplier of {multiplier}", start)
    tops = (
        (1 << grid.bits) - 1
        for grid, has_one in zip(attribute.grids, attribute.has_centre, strict=True)
        if has_one
    )
    centres = [reader.varint("centre") for _ in range(int(attribute.has_centre.sum()))]
    if any(centre > top for centre, top in zip(centres, tops, strict=True)):
        raise FormatError("bad-field", f"{attribute.name}: centres {centres} are not on their grids", start)
    return multiplier, np.array(centres, dtype=np.int64)


def section_bytes(reader: FieldReader, table: LevelTable) -> dict[str, int]:
    """Bytes of one unit by SECTIONS, for `inspect`: nothing is decoded but the sites."""
    return dict(_sections(reader, table))


def _sections(reader: FieldReader, table: LevelTable) -> Iterator[tuple[str, int]]:
    head = decode_head(reader, table)
    entry = table.levels[head.level]
    start = reader.offset
    decode_ascending(reader, head.count)
    if reader.u8():
        skip_block(reader, head.count, 1)
    yield SECTIONS[0], reader.offset - start
    for name, block in zip(
        SECTIONS[1:], split_bands(attributes_of(entry.grids, entry.has_barycentrics)), strict=False
    ):
        start = reader.offset
        for attribute in block:
            _decode_scale(reader, attribute)
        reader.raw(reader.varint("block length", reader.limits.unit_bytes))
        yield name, reader.offset - start
