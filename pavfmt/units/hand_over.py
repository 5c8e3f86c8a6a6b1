"""Hand-over units: which Gaussians give way when others are there (§6.10)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from pavfmt.arrays import Float32Array, Int32Array
from pavfmt.codec.block_encoding import encode_ascending
from pavfmt.codec.fields import FieldReader, FieldWriter, UnitReader
from pavfmt.errors import FormatError
from pavfmt.limits import EXPANSION_FLOOR, EXPANSION_PER_BYTE
from pavfmt.registry import CriticalFeature, UnitType
from pavfmt.units.attributes import Grids
from pavfmt.units.levels import LevelTable


@dataclass(frozen=True)
class HandOver:
    """When every unit of `successors` is active, `gaussians` take the second opacity and log scales."""

    level: int
    """The level of all of `gaussians`: its grids hold for the second values."""
    successors: tuple[int, ...]
    """Unit ids, ascending."""
    gaussians: Int32Array
    """(P,) Gaussian indices of the file, ascending."""
    opacities: Float32Array | None = None
    """(P,); None: they retire, their opacity is 0."""
    log_scales: Float32Array | None = None
    """(P, 3), exactly when `opacities` is there."""


def encode_hand_over(writer: FieldWriter, record: HandOver, grids: Grids) -> None:
    """The body of a hand-over unit."""
    writer.pack("B", record.level)
    writer.varint(len(record.successors))
    for unit in record.successors:
        writer.varint(unit)
    writer.varint(len(record.gaussians))
    encode_ascending(writer, record.gaussians, padded=True)  # a unit's size must vouch for its count
    writer.pack("B", record.opacities is not None)
    if record.opacities is not None and record.log_scales is not None:
        writer.column(grids.opacities.quantize(record.opacities), grids.opacities.width)
        for column in grids.log_scales.quantize(record.log_scales).T:
            writer.column(column, grids.log_scales.width)


def read_hand_over(reader: UnitReader) -> HandOver:
    """Of a hand-over unit: its Gaussians must be of the units it needs."""
    table: LevelTable = reader.needed("levels", UnitType.LEVELS)
    if not reader.critical_features & CriticalFeature.HAND_OVER:
        raise FormatError("bad-field", "hand-over in a file without the hand-over feature", reader.start)
    record = decode_hand_over(reader, reader.id, table)
    covered = np.zeros(len(record.gaussians), dtype=bool)
    for type_, block in reader.brought:
        if type_ is UnitType.GAUSSIANS and block.level == record.level:
            last = block.first + len(block)
            covered |= (record.gaussians >= block.first) & (record.gaussians < last)
    if not covered.all():
        raise FormatError("index-out-of-range", "a Gaussian is not of the units needed", reader.start)
    return record


def decode_hand_over(reader: FieldReader, own_id: int, table: LevelTable) -> HandOver:
    """The inverse. Whether the Gaussians are among its needs is the scene's to check."""
    level = reader.choice("level", len(table.levels))
    start = reader.offset
    count = reader.varint("successor count", reader.limits.needs)
    successors = tuple(reader.varint("successor") for _ in range(count))
    ascend = all(one < other for one, other in pairwise((own_id, *successors)))
    if not successors or not ascend or successors[-1] >= 1 << 32:
        raise FormatError("bad-needs", "successors are later units, ascending", start)
    start = reader.offset
    count = reader.varint("Gaussian count", reader.limits.gaussians_per_unit)
    if not 0 < count <= EXPANSION_FLOOR + EXPANSION_PER_BYTE * reader.size:
        raise FormatError("bad-field", f"{count} Gaussians in a payload of {reader.size} bytes", start)
    start = reader.offset
    indices = reader.ascending(count)
    if (np.diff(indices) == 0).any():
        raise FormatError("bad-field", "Gaussian indices must ascend", start)
    opacities, log_scales = None, None
    if reader.choice("second values flag", 2):
        grids = table.levels[level].grids
        opacities = np.clip(grids.opacities.dequantize(reader.grid_column(count, grids.opacities)), 0, 1)
        columns = [reader.grid_column(count, grids.log_scales) for _ in range(3)]
        log_scales = grids.log_scales.dequantize(np.stack(columns, axis=1))
    return HandOver(level, successors, indices, opacities, log_scales)
