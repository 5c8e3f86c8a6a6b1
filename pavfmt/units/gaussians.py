"""Gaussian units: some of one level's Gaussians, column by column (FORMAT.md, "Gaussians unit")."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from pavfmt.errors import FormatError
from pavfmt.fields import FieldReader, FieldWriter
from pavfmt.limits import EXPANSION, EXPANSION_FLOOR
from pavfmt.model import Float32Array, Gaussians, Int32Array
from pavfmt.quantization import (
    BARYCENTRIC_ONE,
    Affine,
    UnsignedArray,
    dequantize_barycentrics,
    dequantize_quaternions,
    quantize_barycentrics,
    quantize_quaternions,
)
from pavfmt.units.levels import Grids, LevelEntry, LevelTable

LARGEST = Affine(0, 1, 0, 2)
"""The grid of a quaternion's largest component: 0..3."""
COLUMN_GROUPS = ("sites", "barycentrics", "means", "log_scales", "quats", "opacities", "sh0", "shN")


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


def band_widths(degree: int) -> tuple[int, ...]:
    """Coefficients of each SH band above 0, up to `degree`: 3, 5, 7."""
    return tuple(2 * band + 1 for band in range(1, degree + 1))


@dataclass(frozen=True)
class Columns:
    """Gaussians as integers, one 2-D array (N, columns) per group."""

    sites: UnsignedArray
    barycentrics: UnsignedArray | None
    means: list[UnsignedArray]
    log_scales: UnsignedArray
    largest: UnsignedArray
    quats: UnsignedArray
    opacities: UnsignedArray
    sh0: UnsignedArray
    bands: list[UnsignedArray]

    def take(self, rows: NDArray[np.integer]) -> Columns:
        """The Gaussians at `rows`."""

        def pick(value: object) -> object:
            if isinstance(value, list):
                return [part[rows] for part in value]
            return None if value is None else value[rows]  # type: ignore[index]

        return Columns(*(pick(getattr(self, item.name)) for item in fields(self)))  # type: ignore[arg-type]


def quantize_gaussians(gaussians: Gaussians, grids: Grids) -> Columns:
    """Every attribute of N Gaussians on its grid."""
    largest, quats = quantize_quaternions(gaussians.quats.astype(np.float64), grids.quats)
    starts = np.cumsum((0, *band_widths(len(grids.bands))))
    points = gaussians.barycentrics
    return Columns(
        sites=gaussians.sites.astype(np.uint32),
        barycentrics=None if points is None else quantize_barycentrics(points),
        means=[grid.quantize(gaussians.means[:, axis]) for axis, grid in enumerate(grids.means)],
        log_scales=grids.log_scales.quantize(gaussians.log_scales),
        largest=largest,
        quats=quats,
        opacities=grids.opacities.quantize(gaussians.opacities),
        sh0=grids.sh0.quantize(gaussians.sh0[:, 0]),
        bands=[
            grid.quantize(gaussians.shN[:, first:last].reshape(len(gaussians), 3 * int(last - first)))
            for grid, first, last in zip(grids.bands, starts[:-1], starts[1:], strict=True)
        ],
    )


def dequantize_columns(columns: Columns, level: int, first: int, grids: Grids) -> GaussianBlock:
    """The exact values a decoder shows."""
    count = len(columns.sites)
    means = [grid.dequantize(column) for grid, column in zip(grids.means, columns.means, strict=True)]
    bands = [grid.dequantize(band) for grid, band in zip(grids.bands, columns.bands, strict=True)]
    higher = np.concatenate(bands, axis=1) if bands else np.zeros((count, 0), dtype=np.float32)
    points = columns.barycentrics
    return GaussianBlock(
        level=level,
        first=first,
        sites=columns.sites.astype(np.int32),
        means=np.stack(means, axis=1),
        quats=dequantize_quaternions(columns.largest, columns.quats, grids.quats),
        log_scales=grids.log_scales.dequantize(columns.log_scales),
        opacities=np.clip(grids.opacities.dequantize(columns.opacities), 0, 1),
        sh0=grids.sh0.dequantize(columns.sh0)[:, None, :],
        shN=higher.reshape(count, higher.shape[1] // 3, 3),
        barycentrics=None if points is None else dequantize_barycentrics(points),
    )


def encode_gaussians(writer: FieldWriter, level: int, first: int, columns: Columns, grids: Grids) -> None:
    """The body of a Gaussians unit. `columns` is sorted by site."""
    count = len(columns.sites)
    writer.pack("B", level)
    writer.varint(first)
    writer.varint(count)
    body = _encode_columns(columns, grids, stored=False)
    if count > EXPANSION_FLOOR + EXPANSION * len(body):  # too good to be believed: pad by storing
        body = _encode_columns(columns, grids, stored=True)
    writer.raw(body)


def _encode_columns(columns: Columns, grids: Grids, stored: bool) -> bytes:
    writer = FieldWriter()
    writer.column(columns.sites, 4, stored)
    if columns.barycentrics is not None:
        for column in columns.barycentrics.T:
            writer.column(column, 2)
    for column, grid in zip(columns.means, grids.means, strict=True):
        writer.column(column, grid.width)
    for group, width in (
        (columns.log_scales, grids.log_scales.width),
        (columns.largest[:, None], 1),
        (columns.quats, grids.quats.width),
        (columns.opacities[:, None], grids.opacities.width),
        (columns.sh0, grids.sh0.width),
        *((band, grid.width) for band, grid in zip(columns.bands, grids.bands, strict=True)),
    ):
        for column in group.T:
            writer.column(column, width)
    return writer.getvalue()


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


def decode_gaussians(reader: FieldReader, table: LevelTable) -> GaussianBlock:
    """The inverse of `encode_gaussians`. Whether the sites exist is the scene's to check."""
    head = decode_head(reader, table)
    entry = table.levels[head.level]
    columns = _decode_columns(reader, head.count, entry)
    return dequantize_columns(columns, head.level, head.first, entry.grids)


def _decode_columns(reader: FieldReader, count: int, entry: LevelEntry) -> Columns:
    grids = entry.grids

    def gridded(size: int, grid: Affine) -> UnsignedArray:
        """`size` columns as (count, size)."""
        return np.stack([reader.grid_column(count, grid) for _ in range(size)], axis=1)

    start = reader.offset
    sites = reader.column(count, 4)
    if int(sites.max()) >= 1 << 31:
        raise FormatError("bad-field", f"a site of {sites.max()}", start)
    points = None
    if entry.has_barycentrics:
        start = reader.offset
        points = np.stack([reader.column(count, 2), reader.column(count, 2)], axis=1)
        if int(points.sum(axis=1, dtype=np.uint32).max()) > BARYCENTRIC_ONE:
            raise FormatError("bad-field", "barycentric coordinates sum to more than 1", start)
    return Columns(
        sites=sites,
        barycentrics=points,
        means=[reader.grid_column(count, grid) for grid in grids.means],
        log_scales=gridded(3, grids.log_scales),
        largest=reader.grid_column(count, LARGEST),
        quats=gridded(3, grids.quats),
        opacities=reader.grid_column(count, grids.opacities),
        sh0=gridded(3, grids.sh0),
        bands=[
            gridded(3 * width, grid)
            for width, grid in zip(band_widths(len(grids.bands)), grids.bands, strict=True)
        ],
    )


def column_bytes(reader: FieldReader, table: LevelTable) -> dict[str, int]:
    """Bytes per attribute of one unit, for `inspect`: nothing is decompressed."""
    entry = table.levels[decode_head(reader, table).level]
    higher = 3 * sum(band_widths(entry.sh_degree))
    counts = (1, 2 * entry.has_barycentrics, 3, 3, 4, 1, 3, higher)
    sizes = zip(COLUMN_GROUPS, counts, strict=True)
    return {name: sum(reader.skip_column() for _ in range(count)) for name, count in sizes}
