"""Gaussian units: some of one level's Gaussians, attribute by attribute (§6.9)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from pavfmt.arrays import Float32Array, Int32Array, Int64Array
from pavfmt.codec import compiled
from pavfmt.codec.block_encoding import encode_ascending, encode_block
from pavfmt.codec.fields import FieldReader, FieldWriter, UnitReader
from pavfmt.codec.prediction import Neighbourhood, neighbourhood
from pavfmt.codec.quantization import Slot, StepGrids, dequantize, show
from pavfmt.errors import FormatError
from pavfmt.limits import EXPANSION_FLOOR, EXPANSION_PER_BYTE
from pavfmt.registry import RigSource, Site, UnitType
from pavfmt.units.attributes import (
    MAX_GRADE,
    Attribute,
    AttributeBlock,
    Columns,
    Grids,
    Stepped,
    UnitSteps,
    all_to_steps,
    attributes_of,
    blocks_of,
)
from pavfmt.units.levels import LevelTable
from pavfmt.units.rig import RigCore, template_faces

Locate = Callable[[int, Int32Array], Int64Array]
"""(level, sites) → (N, 3) template coordinates (§5.2); raises FormatError where a site does not exist."""

SECTIONS = ("sites", "attributes", "sh1", "sh2", "sh3")
"""What a unit's bytes are counted by: all attributes but the SH bands share one block."""


@dataclass(frozen=True)
class GaussianBlock:
    """What one unit brings: Gaussians first … first + count − 1 of the file, all of one level."""

    level: int
    first: int
    sites: Int32Array
    means: Float32Array
    quats: Float32Array
    log_scales: Float32Array
    opacities: Float32Array
    sh0: Float32Array
    shN: Float32Array
    barycentrics: Float32Array | None = None

    def __len__(self) -> int:
        return len(self.sites)


def encode_gaussians(
    writer: FieldWriter,
    level: int,
    first: int,
    columns: Columns,
    attributes: tuple[Attribute, ...],
    steps: UnitSteps,
    coordinates: Int64Array,
) -> None:
    """The body of a Gaussians unit. `columns` is sorted by site; `coordinates` (N, 3) are the sites' (§5.2)."""
    count = len(columns)
    writer.pack("B", level)
    writer.varint(first)
    writer.varint(count)
    stepped = all_to_steps(columns, attributes, steps)
    near = neighbourhood(coordinates)
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
    for block in blocks_of(attributes):
        for name in block.names:
            writer.varint(of[name].multiplier)
            for centre in of[name].centres.tolist():
                writer.varint(centre)
        body = FieldWriter()
        steps = np.concatenate([of[name].steps for name in block.names], axis=1)
        encode_block(body, steps, block.widths, near, _shifts(block, grades))
        data = body.getvalue()
        writer.varint(len(data))
        writer.raw(data)
    return writer.getvalue()


def _shifts(block: AttributeBlock, grades: Int64Array | None) -> Int64Array | None:
    """(N, columns of the block): a column's steps are multiples of 2^this."""
    if grades is None or block.graded is None:
        return None
    shifts: Int64Array = grades[:, None] * block.graded
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
    limits = reader.limits
    first, count = reader.index_range("Gaussian", limits.gaussians, limits.gaussians_per_unit)
    if first + count > total:
        raise FormatError("index-out-of-range", f"Gaussians {first}..{first + count} of {total}", start)
    if not 0 < count <= EXPANSION_FLOOR + EXPANSION_PER_BYTE * reader.size:
        raise FormatError("bad-field", f"{count} Gaussians in a payload of {reader.size} bytes", start)
    return GaussiansHead(level, first, count)


def read_gaussians(reader: UnitReader) -> GaussianBlock:
    """Of a Gaussians unit."""
    table: LevelTable = reader.needed("levels", UnitType.LEVELS)
    return decode_gaussians(reader, table, partial(_site_coordinates, reader, table))


def _site_coordinates(reader: UnitReader, table: LevelTable, level: int, sites: Int32Array) -> Int64Array:
    """Where on the template the sites of a unit are (§5.2), once it is sure that they exist."""
    site = table.levels[level].site
    core: RigCore | None = None
    if table.rig_source is not RigSource.NONE:
        core = reader.needed("rig", UnitType.RIG, UnitType.RIG_REFERENCE)
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
    coordinates = core.coordinates
    return (coordinates.faces if site is Site.FACE else coordinates.vertices)[sites]


def decode_gaussians(reader: FieldReader, table: LevelTable, locate: Locate) -> GaussianBlock:
    """The inverse of `encode_gaussians`."""
    head = decode_head(reader, table)
    blocks = table.levels[head.level].blocks
    sites = reader.ascending(head.count)
    near = neighbourhood(locate(head.level, sites))
    grades = _decode_grades(reader, head.count, near)
    tables = _empty_tables(head.count, blocks)
    for block in blocks:
        _decode_block(reader, block, near, grades, tables)
    return _gaussian_block(head, sites, {name: table for name, (table, _) in tables.items()})


def _empty_tables(count: int, blocks: Sequence[AttributeBlock]) -> dict[str, Slot]:
    """Attribute → where its values belong. Those of all SH bands are in one table, "shN"."""
    common, *bands = blocks
    slots: dict[str, Slot] = {
        name: (np.empty((count, width), dtype=np.float32), 0)
        for name, width in zip(common.names, common.shown_widths, strict=True)
    }
    table, at = np.empty((count, sum(band.widths[0] for band in bands)), dtype=np.float32), 0
    slots["shN"] = table, 0
    for band in bands:
        slots[band.names[0]] = table, at
        at += band.widths[0]
    return slots


def _gaussian_block(
    head: GaussiansHead, sites: Int32Array, values: Mapping[str, Float32Array]
) -> GaussianBlock:
    return GaussianBlock(
        level=head.level,
        first=head.first,
        sites=sites,
        means=values["means"],
        quats=values["quats"],
        log_scales=values["log_scales"],
        opacities=np.clip(values["opacities"][:, 0], 0, 1),
        sh0=values["sh0"][:, None, :],
        shN=values["shN"].reshape(len(sites), values["shN"].shape[1] // 3, 3),
        barycentrics=values.get("barycentrics"),
    )


def dequantize_columns(columns: Columns, level: int, first: int, grids: Grids) -> GaussianBlock:
    """The exact values a decoder shows."""
    blocks = blocks_of(attributes_of(grids, "barycentrics" in columns.values))
    slots = _empty_tables(len(columns), blocks)
    for attribute in (one for block in blocks for one in block.attributes):
        table, at = slots[attribute.name]
        shown = dequantize(attribute.kind, attribute.grids, columns.values[attribute.name])
        table[:, at : at + shown.shape[1]] = shown
    head = GaussiansHead(level, first, len(columns))
    return _gaussian_block(head, columns.sites, {name: table for name, (table, _) in slots.items()})


def _decode_grades(reader: FieldReader, count: int, near: Neighbourhood) -> Int64Array | None:
    if not reader.choice("grades flag", 2):
        return None
    start = reader.offset
    grades = reader.block(count, [1], near)[:, 0].astype(np.int64)
    if int(grades.min()) < 0 or int(grades.max()) > MAX_GRADE:
        raise FormatError("bad-field", f"grades {grades.min()}..{grades.max()}", start)
    return grades


def _decode_block(
    reader: FieldReader,
    block: AttributeBlock,
    near: Neighbourhood,
    grades: Int64Array | None,
    slots: Mapping[str, Slot],
) -> None:
    """Fills in the values of the attributes of one block."""
    scales = reader.scales(block.names, block.tops)
    start = reader.offset
    end = reader.varint("block length", reader.limits.unit_bytes) + reader.offset
    steps = reader.block(len(near.order), block.widths, near, _shifts(block, grades))
    if reader.offset != end:
        raise FormatError("bad-column", f"a block of {end - start} bytes ends at {reader.offset}", start)
    grids = []
    for attribute, has_centre, (multiplier, centres) in zip(
        block.attributes, block.has_centre, scales, strict=True
    ):
        everywhere = np.zeros(len(has_centre), dtype=np.int64)
        everywhere[has_centre] = centres
        grids.append(StepGrids(attribute.name, attribute.kind, attribute.grids, multiplier, everywhere))
    found = [slots[name] for name in block.names]
    if compiled.twins is None or not compiled.twins.show(grids, steps, found):
        show(grids, steps, found, start)


def section_bytes(reader: FieldReader, table: LevelTable) -> dict[str, int]:
    """Bytes of one unit by SECTIONS, for `inspect`: nothing is decoded but the sites."""
    return dict(_sections(reader, table))


def _sections(reader: FieldReader, table: LevelTable) -> Iterator[tuple[str, int]]:
    head = decode_head(reader, table)
    start = reader.offset
    reader.ascending(head.count)
    if reader.u8():
        reader.skip_block(head.count, 1)
    yield SECTIONS[0], reader.offset - start
    for name, block in zip(SECTIONS[1:], table.levels[head.level].blocks, strict=False):
        start = reader.offset
        reader.scales(block.names, block.tops)
        reader.raw(reader.varint("block length", reader.limits.unit_bytes))
        yield name, reader.offset - start
