"""Gaussian units: some of one level's Gaussians, attribute by attribute (FORMAT.md, "Gaussians unit")."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pavfmt.errors import FormatError
from pavfmt.fields import FieldReader, FieldWriter
from pavfmt.limits import EXPANSION, EXPANSION_FLOOR
from pavfmt.model import Float32Array, Float64Array, Gaussians, Int32Array
from pavfmt.neighbourhood import Neighbourhood, neighbourhood
from pavfmt.quantization import (
    BARYCENTRIC_GRID,
    BARYCENTRIC_ONE,
    Affine,
    dequantize_barycentrics,
    dequantize_quaternions,
    stereographic,
)
from pavfmt.residuals import (
    BOUND,
    decode_ascending,
    decode_block,
    encode_ascending,
    encode_block,
    skip_block,
)
from pavfmt.units.levels import Grids, LevelTable

Int64Array = NDArray[np.int64]
Integers = NDArray[np.signedinteger]
Locate = Callable[[int, Int32Array], Int64Array]
"""(level, sites) → (N, 3) places (`pavfmt.neighbourhood`); raises FormatError where a site does not exist."""

SECTIONS = ("sites", "attributes", "sh1", "sh2", "sh3")
"""What a unit's bytes are counted by: all attributes but the SH bands share one block."""
MAX_MULTIPLIER = (1 << 16) - 1
MAX_GRADE = 7
GRADED = ("means", "log_scales", "quats", "sh0")
"""Attributes whose steps go with the square root of visibility, or about so."""


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


@dataclass(frozen=True)
class Attribute:
    """Columns that share a multiplier and a residual model."""

    name: str
    grids: tuple[Affine, ...]
    """One per column."""
    is_colour: bool = False
    """Triples (G, R − G, B − G): only G has a centre."""

    @property
    def width(self) -> int:
        """Columns."""
        return len(self.grids)

    @property
    def is_graded(self) -> bool:
        """Whether a Gaussian's grade makes it coarser."""
        return self.name in GRADED

    @property
    def has_centre(self) -> NDArray[np.bool_]:
        """(width,)."""
        return np.arange(self.width) % 3 == 0 if self.is_colour else np.ones(self.width, dtype=bool)


def band_widths(degree: int) -> tuple[int, ...]:
    """Coefficients of each SH band above 0, up to `degree`: 3, 5, 7."""
    return tuple(2 * band + 1 for band in range(1, degree + 1))


def attributes_of(grids: Grids, has_barycentrics: bool) -> tuple[Attribute, ...]:
    """The attributes of a level, in the order they are written; the SH bands come last."""
    bands = zip(band_widths(len(grids.bands)), grids.bands, strict=True)
    return (
        *((Attribute("barycentrics", (BARYCENTRIC_GRID,) * 2),) if has_barycentrics else ()),
        Attribute("means", grids.means),
        Attribute("log_scales", (grids.log_scales,) * 3),
        Attribute("quats", (grids.quats,) * 3),
        Attribute("opacities", (grids.opacities,)),
        Attribute("sh0", (grids.sh0,) * 3, is_colour=True),
        *(
            Attribute(f"sh{number}", (grid,) * 3 * width, is_colour=True)
            for number, (width, grid) in enumerate(bands, 1)
        ),
    )


def _split_bands(attributes: tuple[Attribute, ...]) -> list[tuple[Attribute, ...]]:
    """The blocks of a unit: everything up to sh0 together, then each band."""
    common = tuple(one for one in attributes if one.name in COMMON)
    return [common, *((one,) for one in attributes if one.name not in COMMON)]


COMMON = ("barycentrics", "means", "log_scales", "quats", "opacities", "sh0")


@dataclass(frozen=True)
class Columns:
    """Gaussians as integers on the level's grids."""

    sites: Int32Array
    values: dict[str, Integers]
    """Attribute name → (N, width); colours as (R, G, B) triples."""

    def __len__(self) -> int:
        return len(self.sites)

    def take(self, rows: NDArray[np.integer]) -> Columns:
        """The Gaussians at `rows`."""
        return Columns(self.sites[rows], {name: value[rows] for name, value in self.values.items()})


def quantize_gaussians(gaussians: Gaussians, grids: Grids) -> Columns:
    """Every attribute of N Gaussians on its grid."""
    given: dict[str, Float64Array | Float32Array] = {
        "means": gaussians.means,
        "log_scales": gaussians.log_scales,
        "quats": stereographic(gaussians.quats.astype(np.float64)),
        "opacities": gaussians.opacities[:, None],
        "sh0": gaussians.sh0[:, 0],
    }
    if gaussians.barycentrics is not None:
        given["barycentrics"] = gaussians.barycentrics[:, :2]
    starts = np.cumsum((0, *band_widths(len(grids.bands))))
    for number, (first, last) in enumerate(pairwise(starts), 1):
        given[f"sh{number}"] = gaussians.shN[:, first:last].reshape(len(gaussians), 3 * int(last - first))
    values = {}
    for attribute in attributes_of(grids, gaussians.barycentrics is not None):
        pairs = zip(attribute.grids, given[attribute.name].T, strict=True)
        values[attribute.name] = np.stack([grid.quantize(column) for grid, column in pairs], axis=1)
    return Columns(gaussians.sites, {name: value.astype(np.int64) for name, value in values.items()})


def dequantize_columns(columns: Columns, level: int, first: int, grids: Grids) -> GaussianBlock:
    """The exact values a decoder shows."""
    count, values = len(columns), columns.values
    means = [grid.dequantize(column) for grid, column in zip(grids.means, values["means"].T, strict=True)]
    bands = [grid.dequantize(values[f"sh{number}"]) for number, grid in enumerate(grids.bands, 1)]
    higher = np.concatenate(bands, axis=1) if bands else np.zeros((count, 0), dtype=np.float32)
    points = values.get("barycentrics")
    return GaussianBlock(
        level=level,
        first=first,
        sites=columns.sites,
        means=np.stack(means, axis=1),
        quats=dequantize_quaternions(values["quats"], grids.quats),
        log_scales=grids.log_scales.dequantize(values["log_scales"]),
        opacities=np.clip(grids.opacities.dequantize(values["opacities"][:, 0]), 0, 1),
        sh0=grids.sh0.dequantize(values["sh0"])[:, None, :],
        shN=higher.reshape(count, higher.shape[1] // 3, 3),
        barycentrics=None if points is None else dequantize_barycentrics(points),
    )


@dataclass(frozen=True)
class UnitSteps:
    """How coarse a unit is."""

    multipliers: dict[str, int]
    """Attribute → multiple of its grid's step."""
    grades: Int64Array | None = None
    """(N,) 0..MAX_GRADE: graded attributes of a Gaussian are coarser by 2^grade. None: all 0."""

    def take(self, rows: NDArray[np.integer]) -> UnitSteps:
        """The Gaussians at `rows`."""
        return UnitSteps(self.multipliers, None if self.grades is None else self.grades[rows])


@dataclass(frozen=True)
class Stepped:
    """One attribute of a unit on its coarser grid: value = centre + multiplier · step."""

    multiplier: int
    centres: Int64Array
    """Of the columns that have one."""
    steps: Integers
    """(N, width)."""


def to_steps(
    attribute: Attribute, values: Integers, multiplier: int, grades: Int64Array | None = None
) -> Stepped:
    """The nearest steps of (N, width) grid values. Centres are medians, the upper of two.

    With `grades` (N,), steps are multiples of 2^grade.
    """
    shifts = np.zeros((len(values), 1), dtype=np.int64)
    if grades is not None and attribute.is_graded:
        shifts = grades[:, None]
    has_centre = attribute.has_centre
    target = _channels_apart(attribute, values)
    centres = np.zeros(attribute.width, dtype=np.int64)
    centres[has_centre] = np.sort(target[:, has_centre], axis=0)[len(target) // 2]
    tops = np.array([(1 << grid.bits) - 1 for grid in attribute.grids])
    coarse = multiplier << shifts
    steps = _nearest(target - centres, coarse, -centres, tops - centres) << shifts
    if attribute.is_colour:  # what is left of R and B once G is rounded
        green = (centres + multiplier * steps)[:, 0::3]
        for channel, source in ((1, 0), (2, 2)):
            rest = values[:, source::3] - green
            nearest = _nearest(rest, coarse, -green, tops[channel::3] - green)
            steps[:, channel::3] = nearest << shifts
    return Stepped(multiplier, centres[has_centre], steps)


def _nearest(values: Integers, step: Integers, low: Integers, high: Integers) -> Integers:
    """How many `step` (N, 1) are nearest to `values` (N, width), within low…high."""
    steps: Integers = (2 * values + step) // (2 * step)
    return np.clip(steps, -((-low) // step), high // step)


def _channels_apart(attribute: Attribute, values: Integers) -> Integers:
    """(R, G, B) triples → (G, R − G, B − G); other attributes as they are."""
    if not attribute.is_colour:
        return values
    red, green, blue = values[:, 0::3], values[:, 1::3], values[:, 2::3]
    return np.stack([green, red - green, blue - green], axis=2).reshape(values.shape)


def from_steps(attribute: Attribute, stepped: Stepped) -> Integers:
    """(N, width) grid values; the inverse of `to_steps` up to its rounding."""
    centres = np.zeros(attribute.width, dtype=stepped.steps.dtype)
    centres[attribute.has_centre] = stepped.centres
    values: Integers = stepped.multiplier * stepped.steps
    values += centres
    if attribute.is_colour:
        channels = values.reshape(len(values), -1, 3)
        green = channels[:, :, 0].copy()
        np.add(channels[:, :, 1], green, out=channels[:, :, 0])
        channels[:, :, 1] = green
        channels[:, :, 2] += green
    return values


def rounded_columns(columns: Columns, attributes: tuple[Attribute, ...], steps: UnitSteps) -> Columns:
    """What a decoder will find of a unit written with these steps."""
    values = {
        one.name: from_steps(
            one, to_steps(one, columns.values[one.name], steps.multipliers[one.name], steps.grades)
        )
        for one in attributes
    }
    return Columns(columns.sites, values)


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
    stepped = [
        to_steps(one, columns.values[one.name], steps.multipliers[one.name], steps.grades)
        for one in attributes
    ]
    near = neighbourhood(places)
    body = _encode_body(columns.sites, attributes, stepped, steps.grades, near)
    if count > EXPANSION_FLOOR + EXPANSION * len(body):  # too good to be believed: pad
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
    for block in _split_bands(attributes):
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
    if not 0 < count <= EXPANSION_FLOOR + EXPANSION * reader.size:
        raise FormatError("bad-field", f"{count} Gaussians in a payload of {reader.size} bytes", start)
    return GaussiansHead(level, first, count)


def decode_gaussians(reader: FieldReader, table: LevelTable, locate: Locate) -> GaussianBlock:
    """The inverse of `encode_gaussians`."""
    head = decode_head(reader, table)
    entry = table.levels[head.level]
    sites = decode_ascending(reader, head.count)
    places = locate(head.level, sites)
    near = neighbourhood(places) if reader.kernels is None else reader.kernels.neighbourhood(places)
    grades = _decode_grades(reader, head.count, near)
    values: dict[str, Integers] = {}
    for block in _split_bands(attributes_of(entry.grids, entry.has_barycentrics)):
        values |= _decode_block(reader, head.count, block, near, grades)
    return dequantize_columns(Columns(sites, values), head.level, head.first, entry.grids)


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
) -> dict[str, Integers]:
    """Grid values of the attributes of one block."""
    scales = [_decode_scale(reader, attribute) for attribute in block]
    start = reader.offset
    end = reader.varint("block length", reader.limits.unit_bytes) + reader.offset
    widths = [attribute.width for attribute in block]
    steps = decode_block(reader, count, widths, near, _shifts(block, grades))
    if reader.offset != end:
        raise FormatError("bad-column", f"a block of {end - start} bytes ends at {reader.offset}", start)
    parts = np.split(steps, np.cumsum(widths)[:-1], axis=1)
    values = {}
    for attribute, (multiplier, centres), part in zip(block, scales, parts, strict=True):
        if multiplier * BOUND >= 1 << 30:  # so that nothing leaves 32 bits
            part = part.astype(np.int64)
        found = from_steps(attribute, Stepped(multiplier, centres, part))
        _check_grid(attribute, found, start)
        values[attribute.name] = found
    return values


def _decode_scale(reader: FieldReader, attribute: Attribute) -> tuple[int, Int64Array]:
    """Multiplier and centres."""
    start = reader.offset
    multiplier = reader.varint("multiplier", reader.limits.unit_bytes)
    if not 0 < multiplier <= MAX_MULTIPLIER:
        raise FormatError("bad-field", f"a multiplier of {multiplier}", start)
    tops = (
        (1 << grid.bits) - 1
        for grid, has_one in zip(attribute.grids, attribute.has_centre, strict=True)
        if has_one
    )
    centres = [
        reader.varint("centre", reader.limits.unit_bytes) for _ in range(int(attribute.has_centre.sum()))
    ]
    if any(centre > top for centre, top in zip(centres, tops, strict=True)):
        raise FormatError("bad-field", f"{attribute.name}: centres {centres} are not on their grids", start)
    return multiplier, np.array(centres, dtype=np.int64)


def _check_grid(attribute: Attribute, values: Integers, offset: int) -> None:
    for bits in {grid.bits for grid in attribute.grids}:
        columns = [grid.bits == bits for grid in attribute.grids]
        part = values if all(columns) else values[:, columns]
        low, high = int(part.min()), int(part.max())
        if low < 0 or high >> bits:
            top = (1 << bits) - 1
            message = f"{attribute.name}: quantized values {low}..{high}, allowed are 0..{top}"
            raise FormatError("bad-field", message, offset)
    if attribute.name == "barycentrics" and int(values.sum(axis=1).max()) > BARYCENTRIC_ONE:
        raise FormatError("bad-field", "barycentric coordinates sum to more than 1", offset)


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
        SECTIONS[1:], _split_bands(attributes_of(entry.grids, entry.has_barycentrics)), strict=False
    ):
        start = reader.offset
        for attribute in block:
            _decode_scale(reader, attribute)
        reader.raw(reader.varint("block length", reader.limits.unit_bytes))
        yield name, reader.offset - start
