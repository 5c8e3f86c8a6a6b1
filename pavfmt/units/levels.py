"""The levels unit: per level its binding, counts and quantization grids (§6.7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from pavfmt.codec.fields import FieldReader, FieldWriter
from pavfmt.codec.quantization import QUATERNION_SHIFT
from pavfmt.errors import FormatError, LimitError
from pavfmt.registry import Binding, RigSource, ShFrame, Site
from pavfmt.units.attributes import AttributeBlock, Grids, attributes_of, blocks_of

LOG_SCALE_RANGE = 64.0
MAX_SH_DEGREE = 3


@dataclass(frozen=True)
class LevelEntry:
    """One row of the level table. Counts are those of the complete avatar."""

    binding: Binding
    site: Site
    sh_frame: ShFrame
    split_count: int
    gaussian_count: int
    grids: Grids

    @property
    def sh_degree(self) -> int:
        """0..3."""
        return len(self.grids.bands)

    @property
    def has_barycentrics(self) -> bool:
        """Whether its Gaussians say where on their face they sit."""
        return self.binding is Binding.SURFACE_POINT and self.site is Site.FACE

    @cached_property
    def blocks(self) -> tuple[AttributeBlock, ...]:
        """Of the attributes of its Gaussians, as units hold them."""
        return blocks_of(attributes_of(self.grids, self.has_barycentrics))


@dataclass(frozen=True)
class LevelTable:
    """All levels, and where the rig comes from."""

    rig_source: RigSource
    levels: tuple[LevelEntry, ...]


def encode_levels(writer: FieldWriter, table: LevelTable) -> None:
    """The body of a levels unit."""
    writer.pack("BB", table.rig_source, len(table.levels))
    for entry in table.levels:
        writer.pack("BBBB", entry.binding, entry.site, entry.sh_frame, entry.sh_degree)
        writer.varint(entry.split_count)
        writer.varint(entry.gaussian_count)
        for grid in entry.grids.in_order():
            writer.affine(grid)


def decode_levels(reader: FieldReader) -> LevelTable:
    """The inverse of `encode_levels`, with every rule of the text checked."""
    source = RigSource(reader.choice("rig source", 3))
    start = reader.offset
    level_count = reader.u8()
    if level_count == 0:
        raise FormatError("bad-field", "no level", start)
    if level_count > reader.limits.levels:
        message = f"{level_count} levels, the limit is {reader.limits.levels}"
        raise LimitError("limit-exceeded", message, start)
    levels: list[LevelEntry] = []
    for _ in range(level_count):
        levels.append(_decode_level(reader, levels))
    return LevelTable(source, tuple(levels))


def _decode_level(reader: FieldReader, before: Sequence[LevelEntry]) -> LevelEntry:
    start = reader.offset
    binding = Binding(reader.choice("binding", len(Binding)))
    site = Site(reader.choice("site", len(Site)))
    if binding is Binding.FACE_FRAME and site is not Site.FACE:
        raise FormatError("bad-field", f"level {len(before)}: the face frame binds to faces only", start)
    frame = ShFrame(reader.choice("SH frame", len(ShFrame)))
    degree = reader.choice("SH degree", MAX_SH_DEGREE + 1)
    split_count = _decode_share(reader, "split", reader.limits.splits, [one.split_count for one in before])
    if not before and split_count:
        raise FormatError("bad-field", "level 0 has no splits: its faces are the template's", start)
    gaussians = [one.gaussian_count for one in before]
    gaussian_count = _decode_share(reader, "Gaussian", reader.limits.gaussians, gaussians)
    return LevelEntry(binding, site, frame, split_count, gaussian_count, _decode_grids(reader, degree))


def _decode_share(reader: FieldReader, name: str, limit: int, before: Sequence[int]) -> int:
    """A level's count, which is limited together with those of the levels `before`."""
    start = reader.offset
    count = reader.varint(f"{name} count", limit)
    if count + sum(before) > limit:
        message = f"{count + sum(before)} {name}s up to this level, the limit is {limit}"
        raise LimitError("limit-exceeded", message, start)
    return count


def _decode_grids(reader: FieldReader, degree: int) -> Grids:
    means = (reader.affine("mean x"), reader.affine("mean y"), reader.affine("mean z"))
    start = reader.offset
    log_scales = reader.affine("log scales")
    low = log_scales.offset * 2.0**-log_scales.shift
    high = (log_scales.offset + log_scales.step * ((1 << log_scales.bits) - 1)) * 2.0**-log_scales.shift
    if low < -LOG_SCALE_RANGE or high > LOG_SCALE_RANGE:
        raise FormatError("bad-field", f"log scales from {low} to {high}, beyond ±{LOG_SCALE_RANGE}", start)
    start = reader.offset
    quats = reader.affine("quaternions")
    top = quats.offset + quats.step * ((1 << quats.bits) - 1)
    if quats.shift != QUATERNION_SHIFT or max(abs(quats.offset), abs(top)) > 2 << QUATERNION_SHIFT:
        raise FormatError("bad-field", f"quaternion grid {quats}: shift 24, values within ±2", start)
    opacities, sh0 = reader.affine("opacities"), reader.affine("sh0")
    bands = tuple(reader.affine(f"SH band {band}") for band in range(1, degree + 1))
    return Grids(means, log_scales, quats, opacities, sh0, bands)
