"""Laying an avatar out as units, in the order a viewer needs them.

Directory, metadata, rig, identity, level table, the first Gaussians; then Gaussians level by level, most
important first (ProgressiveAvatars, section 3), with the rig's shapes between them: essential ones first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from pavfmt.codec.fields import FieldWriter
from pavfmt.codec.prediction import morton_codes
from pavfmt.container.headers import UnitHeader
from pavfmt.decoding.decoder import Decoder
from pavfmt.decoding.events import UnitDamaged
from pavfmt.encoder.draft import Draft
from pavfmt.encoder.hand_over import legal_ends, retiring, unit_end
from pavfmt.encoder.options import EncodeOptions
from pavfmt.encoder.order.importance import opacity_area_importance
from pavfmt.encoder.order.regions import bounding_sphere, shape_region_bits
from pavfmt.encoder.planning import plan_levels, without_invisible
from pavfmt.encoder.rebinding import rebound
from pavfmt.encoder.renumbering import renumbered, renumbered_rig
from pavfmt.encoder.rig_parts import rig_parts
from pavfmt.errors import EncodeError, PavError
from pavfmt.limits import FORMAT_LIMITS
from pavfmt.model import Avatar, Float64Array, Gaussians, Int32Array, Level, Rig, Splits
from pavfmt.registry import CriticalFeature, RigSource, Site, UnitType
from pavfmt.units.annotations import encode_metadata, encode_thumbnail, encode_track
from pavfmt.units.attributes import Columns
from pavfmt.units.gaussians import encode_gaussians
from pavfmt.units.hand_over import HandOver, encode_hand_over
from pavfmt.units.levels import LevelEntry, LevelTable, encode_levels
from pavfmt.units.rig import (
    RigReference,
    encode_correctives,
    encode_reference,
    encode_rig,
    encode_shape,
)
from pavfmt.units.splits import SplitBlock, encode_splits

Progress = Callable[[float], None]


def encode(
    avatar: Avatar,
    options: EncodeOptions | None = None,
    importance: Sequence[Float64Array] | None = None,
    rig_file: bytes | None = None,
    rig_name: str = "",
    progress: Progress | None = None,
) -> bytes:
    """A whole `.pav` file.

    `importance` is (N,) per level, larger is sent earlier; by default opacity × area. With `rig_file` (what
    `encode_rig_file` made of the same rig) the rig is named by its SHA-256 and not embedded.
    Raises EncodeError.
    """
    options = options or EncodeOptions()
    writer = _Writer(avatar, options, importance, progress, rig_file)
    return _checked(writer.write(rig_file, rig_name), rig_file)


def encode_rig_file(rig: Rig, options: EncodeOptions | None = None) -> bytes:
    """A `.pav` file that holds only a rig, for many avatars to share."""
    options = options or EncodeOptions()
    rig, _ = renumbered_rig(rig)
    draft = Draft()
    rig_id = draft.add(
        UnitType.RIG, (), lambda w: encode_rig(w, rig, options.neutral_step, options.weight_bits)
    )
    for add in _rig_extras(draft, rig, rig_id, options):
        add()
    return _checked(draft.getvalue())


def _checked(data: bytes, rig_file: bytes | None = None) -> bytes:
    """`data` once a decoder has read all of it: no encoder writes what readers refuse."""
    decoder = Decoder()
    if rig_file is not None:
        decoder.supply_rig(rig_file)
    decoder.feed(data)
    try:
        damage = [event for event in decoder.events() if isinstance(event, UnitDamaged)]
    except PavError as error:
        raise EncodeError("unreadable-output", f"no reader would accept it: {error}") from None
    if damage:
        raise EncodeError("unreadable-output", f"no reader would accept it: {damage[0].message}")
    return data


def _rig_extras(draft: Draft, rig: Rig, rig_id: int, options: EncodeOptions) -> list[Callable[[], int]]:
    """What may be written between the Gaussians.

    Essential shapes, correctives, then the other shapes by energy (sum of squared displacements), largest first.
    """
    energy = [float(np.sum(shape.displacements.astype(np.float64) ** 2)) for shape in rig.shapes]
    order = sorted(range(len(rig.shapes)), key=lambda k: (not rig.shapes[k].essential, -energy[k], k))
    total = sum(energy) or 1.0

    def shape(index: int) -> int:
        return draft.add(
            UnitType.SHAPE,
            (rig_id,),
            lambda w: encode_shape(w, index, rig.shapes[index], options.shape_step),
            importance=energy[index] / total,
            regions=shape_region_bits(rig, index),
        )

    extras: list[Callable[[], int]] = [partial(shape, index) for index in order]
    correctives = rig.correctives
    if correctives is not None:
        extras.insert(
            sum(shape.essential for shape in rig.shapes),
            lambda: draft.add(
                UnitType.CORRECTIVES,
                (rig_id,),
                lambda w: encode_correctives(w, correctives, options.shape_step),
            ),
        )
    return extras


@dataclass
class _SentSplits:
    """Which splits of a level have been written."""

    numbers: Int32Array
    """(S,) file number of each split; −1: not yet."""
    units: Int32Array
    """(S,) the unit that brought it."""
    count: int = 0


class _Writer:
    """One avatar on its way into a Draft."""

    def __init__(
        self,
        avatar: Avatar,
        options: EncodeOptions,
        importance: Sequence[Float64Array] | None,
        progress: Progress | None,
        rig_file: bytes | None,
    ) -> None:
        self._options = options
        self._progress = progress
        self._draft = Draft()
        avatar = renumbered(avatar)
        given = opacity_area_importance(avatar) if importance is None else list(importance)
        if len(given) != len(avatar.levels):
            raise EncodeError("bad-shape", f"importance of {len(given)} levels, not {len(avatar.levels)}")
        self._original, kept = without_invisible(avatar, given, options.precision.kept_importance)
        self._total_importance = sum(float(one.sum()) for one in given) or 1.0
        self._rig_parts = rig_parts(self._original, options, rig_file)
        self._avatar = rebound(self._original, self._rig_parts.decoded(self._original), options)
        self._plans = plan_levels(self._avatar, kept, options)
        self._splits = [_sent_none(level) for level in self._avatar.levels]
        self._file_index = [np.full(len(plan.order), -1, dtype=np.int32) for plan in self._plans]
        """Per level the file index of each Gaussian that was written."""
        self._brought_by = [np.full(len(plan.order), -1, dtype=np.int32) for plan in self._plans]
        """Likewise the unit that brings it."""
        self._base_needs: tuple[int, ...] = ()
        self._levels_id = 0
        self._sent_gaussians = 0
        self._aim: float = options.first_unit_bytes
        self._unessential_count = 0
        self._extras: list[Callable[[], int]] = []

    def write(self, rig_file: bytes | None, rig_name: str) -> bytes:
        """All units, then the file."""
        draft, avatar = self._draft, self._avatar
        metadata = {"generator": self._options.generator, **avatar.metadata}
        draft.add(UnitType.METADATA, (), lambda w: encode_metadata(w, metadata))
        self._write_rig(rig_file, rig_name)
        self._queue_thumbnail()
        self._write_level_table(rig_file is not None)
        self._write_levels()
        for extra in self._extras:
            extra()
        for track in avatar.tracks:
            draft.add(UnitType.TRACK, (), lambda w, track=track: encode_track(w, track))  # type: ignore[misc]
        degree = max(level.gaussians.sh_degree for level in avatar.levels)
        features = CriticalFeature.HAND_OVER if avatar.hands_over else 0
        return draft.getvalue(features, level_count=len(avatar.levels), sh_degree=degree)

    def _write_rig(self, rig_file: bytes | None, rig_name: str) -> None:
        rig, identity, options = self._original.rig, self._original.identity, self._options
        if rig is None:
            return
        if rig_file is not None:
            reference = RigReference(hashlib.sha256(rig_file).digest(), rig_name)
            rig_id = self._draft.add(UnitType.RIG_REFERENCE, (), lambda w: encode_reference(w, reference))
        else:
            rig_id = self._draft.add(UnitType.RIG, (), lambda w: w.raw(self._rig_parts.rig_body))
            self._extras = _rig_extras(self._draft, rig, rig_id, options)
            self._unessential_count = len(self._extras) - sum(shape.essential for shape in rig.shapes)
        self._base_needs = (rig_id,)
        if identity is not None:
            add = partial(self._draft.add, UnitType.IDENTITY, (rig_id,))
            self._base_needs += (add(lambda w: w.raw(self._rig_parts.identity_body)),)

    def _queue_thumbnail(self) -> None:
        """Among what is written between Gaussians, after the essential shapes."""
        picture = self._avatar.thumbnail
        if picture is None:
            return
        shapes = self._original.rig.shapes if self._original.rig else ()
        place = sum(shape.essential for shape in shapes) if self._extras else 0
        add = partial(self._draft.add, UnitType.THUMBNAIL, (), partial(encode_thumbnail, data=picture))
        self._extras.insert(place, add)
        self._unessential_count += 1

    def _write_level_table(self, external: bool) -> None:
        source = RigSource.EXTERNAL if external else RigSource.EMBEDDED
        source = source if self._original.rig is not None else RigSource.NONE
        entries = tuple(
            LevelEntry(
                level.binding,
                level.site,
                level.sh_frame,
                0 if level.splits is None else len(level.splits.parents),
                len(level.gaussians),
                plan.precision.grids,
            )
            for level, plan in zip(self._avatar.levels, self._plans, strict=True)
        )
        table = LevelTable(source, entries)
        self._levels_id = self._draft.add(UnitType.LEVELS, (), lambda w: encode_levels(w, table))

    def _write_levels(self) -> None:
        """Level after level; or always the unit with most importance per byte, of whatever level.

        Within a level, parts that do not share units go by importance per byte.
        """
        parts = [self._parts(number) for number in range(len(self._plans))]
        waiting = {
            (number, part): self._units_of(number, rows)
            for number, some in enumerate(parts)
            for part, rows in enumerate(some)
        }
        worth = dict.fromkeys(waiting, np.inf)
        while waiting:
            one = max(self._possible(waiting), key=lambda key: (worth[key], -key[0], -key[1]))
            left = next(waiting[one], None)
            if left is not None:
                worth[one] = left
                continue
            del waiting[one]
            if all(number != one[0] for number, _ in waiting):
                self._ensure_splits(one[0], np.arange(len(self._splits[one[0]].numbers), dtype=np.int32))

    def _possible(self, waiting: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
        """Which parts may be next. Who takes over comes after all that it takes over from."""
        levels = {number for number, _ in waiting}
        if self._options.level_order == "gain":
            free = {one for one in levels if self._plans[one].level.parents is None or one - 1 not in levels}
        else:
            free = {min(levels)}
        return [key for key in waiting if key[0] in free and not self._waits_for_a_beginning(key, waiting)]

    def _waits_for_a_beginning(self, key: tuple[int, int], waiting: Iterable[tuple[int, int]]) -> bool:
        number, part = key
        return self._plans[number].level.beginning is not None and part > 0 and (number, 0) in waiting

    def _parts(self, number: int) -> list[NDArray[np.intp]]:
        """The plan's parts. Before several of the first level goes a unit that is of all of them."""
        plan = self._plans[number]
        if number or len(plan.parts) < 2 or plan.level.beginning is not None:
            return plan.parts
        count = max(int(self._options.first_unit_bytes / self._estimate(number)), 1)
        first = plan.order[:count]
        rest = (part[~np.isin(part, first)] for part in plan.parts)
        return [first, *(part for part in rest if len(part))]

    def _units_of(self, number: int, order: NDArray[np.intp]) -> Iterator[float]:
        """Writes Gaussian units of one level in `order`, each as large as its byte target allows.

        Begins by telling what the first is worth, importance per byte; after each tells the same of the next.
        """
        plan, start, options = self._plans[number], 0, self._options
        per_gaussian = self._estimate(number)
        total = sum(len(p.order) for p in self._plans) * per_gaussian
        parents = plan.level.parents
        legal = np.ones(len(order), bool) if parents is None else legal_ends(parents[order])
        if plan.level.beginning is not None:  # it is there, or all of the level
            legal[:-1] = False
        while start < len(order):
            aim = max(int(self._aim / per_gaussian), 1)
            yield float(plan.importance[order[start : start + aim]].mean()) / per_gaussian
            aim = max(int(self._aim / per_gaussian), 1)  # others may have been written since
            end = unit_end(legal, start, aim, FORMAT_LIMITS.gaussians_per_unit)
            rows = order[start:end]
            splits = self._splits_of(number, rows)
            if parents is not None:  # its successor is the unit right after it
                gone = retiring(parents, order, start, end)
                self._write_hand_over(number - 1, gone, int(np.bitwise_or.reduce(plan.regions[rows])))
            self._end_beginning(number, rows)
            per_gaussian = self._write_gaussians(number, rows, splits) / len(rows)
            start = end
            spent = self._write_extras(options.between_bytes)
            ceiling = max(options.unit_bytes, options.unit_share * total)
            doubled = max(2 * self._aim, options.unit_bytes)
            least = min(options.first_unit_bytes, options.unit_bytes)
            self._aim = max(min(doubled, ceiling - spent), least)
            if self._progress is not None:
                self._progress(self._sent_gaussians / self._avatar.gaussian_count)

    def _end_beginning(self, number: int, rows: NDArray[np.intp]) -> None:
        """Where `rows` are all of the level but its beginning, that looks from then on as the level says."""
        plan = self._plans[number]
        beginning = plan.level.beginning
        if beginning is None or rows[0] in beginning.rows:
            return
        first = beginning.rows[np.argsort(self._file_index[number][beginning.rows])]
        regions = int(np.bitwise_or.reduce(plan.regions[rows]))
        self._write_hand_over(number, first, regions, plan.level.gaussians.take(first))

    def _write_hand_over(
        self, level: int, retiring: Int32Array, regions: int, then: Gaussians | None = None
    ) -> None:
        """Those of the level retire when the next Gaussians unit, of `regions`, is there; or look as `then` says,
        if they are in the order of the file."""
        if not len(retiring):
            return
        units = np.unique(self._brought_by[level][retiring])
        record = HandOver(
            level,
            (self._draft.next_id + 1,),
            np.sort(self._file_index[level][retiring]).astype(np.int32),
            None if then is None else then.opacities,
            None if then is None else then.log_scales,
        )
        grids = self._plans[level].precision.grids
        needs = (self._levels_id, *units.tolist())
        self._draft.add(
            UnitType.HAND_OVER,
            needs,
            lambda w: encode_hand_over(w, record, grids),
            level=level,
            regions=regions,
        )

    def _estimate(self, number: int) -> float:
        """Bytes per Gaussian of this level, from a unit of a thousand of the first."""
        plan = self._plans[number]
        rows = plan.order[:1024]
        if not len(rows):
            return 1.0
        rows = rows[np.argsort(plan.columns.sites[rows], kind="stable")]
        writer = FieldWriter()
        self._encode_rows(writer, number, 0, rows, plan.sent.take(rows))
        return len(writer.getvalue()) / len(rows)

    def _encode_rows(
        self, writer: FieldWriter, number: int, first: int, rows: NDArray[np.intp], columns: Columns
    ) -> None:
        plan = self._plans[number]
        steps = plan.precision.unit_steps(rows)
        encode_gaussians(writer, number, first, columns, plan.attributes, steps, plan.places[rows])

    def _write_extras(self, budget: int) -> int:
        """Shapes between two pictures: at least one, then until the budget is spent. Returns their bytes.

        The essential ones come before all others and, after the first picture, together.
        """
        spent = 0
        while self._extras and (spent < budget or len(self._extras) > self._unessential_count):
            spent += self._draft.size_of(self._extras.pop(0)())
        return spent

    def _splits_of(self, number: int, rows: NDArray[np.intp]) -> set[int]:
        """Write the splits that carry these Gaussians, as far as they were not; returns their units."""
        if not number or self._avatar.levels[number].site is not Site.FACE:
            return set()
        return self._ensure_splits(number, np.unique(self._plans[number].columns.sites[rows] // 3))

    def _write_gaussians(self, number: int, rows: NDArray[np.intp], splits: set[int]) -> int:
        """The unit of these Gaussians, which needs `splits`; returns the size of its body in bytes."""
        level, plan = self._avatar.levels[number], self._plans[number]
        sites = plan.columns.sites[rows]
        needs = {*self._base_needs, self._levels_id, *splits}
        if number and level.site is Site.FACE:
            sites = 3 * self._splits[number].numbers[sites // 3] + sites % 3
        order = self._order_inside(number, rows, sites)
        rows, sites = rows[order], sites[order]
        columns = replace(plan.sent.take(rows), sites=sites)
        first = self._sent_gaussians
        self._sent_gaussians += len(rows)
        id_ = self._draft.add(
            UnitType.GAUSSIANS,
            needs,
            lambda w: self._encode_rows(w, number, first, rows, columns),
            level=number,
            gaussian_count=len(rows),
            importance=float(plan.importance[rows].sum()) / self._total_importance,
            regions=int(np.bitwise_or.reduce(plan.regions[rows])),
            sphere=bounding_sphere(plan.world_means[rows]),
        )
        self._file_index[number][rows] = first + np.arange(len(rows), dtype=np.int32)
        self._brought_by[number][rows] = id_
        return self._draft.size_of(id_) - UnitHeader.SIZE

    def _order_inside(self, number: int, rows: NDArray[np.intp], sites: Int32Array) -> NDArray[np.intp]:
        """By site; where all have the same place, neighbours in space are neighbours in the file."""
        if self._avatar.levels[number].site is not Site.JOINT:
            return np.argsort(sites, kind="stable")
        means = self._plans[number].world_means[rows]
        span = float(np.ptp(means, axis=0).max()) or 1.0
        codes = morton_codes(np.floor((means - means.min(axis=0)) * (1023 / span)).astype(np.int64))
        return np.lexsort((codes, sites))

    def _ensure_splits(self, number: int, wanted: Int32Array) -> set[int]:
        """Write the splits among `wanted` (and their ancestors) that were not; returns the units to need."""
        sent = self._splits[number]
        splits = self._avatar.levels[number].splits
        if splits is None or not len(wanted):
            return set()
        missing = wanted[sent.numbers[wanted] < 0]
        limit = FORMAT_LIMITS.gaussians_per_unit
        for start in range(0, len(missing), limit):
            self._write_splits(number, splits, missing[start : start + limit])
        return set(sent.units[wanted].tolist())

    def _write_splits(self, number: int, splits: Splits, missing: Int32Array) -> None:
        sent, parents = self._splits[number], splits.parents[missing]
        needs = {*self._base_needs, self._levels_id}
        if number > 1:
            needs |= self._ensure_splits(number - 1, np.unique(parents // 3))
            parents = 3 * self._splits[number - 1].numbers[parents // 3] + parents % 3
        order = np.argsort(parents, kind="stable")
        missing, parents = missing[order], parents[order]
        block = SplitBlock(number, sent.count, parents.astype(np.int32), splits.barycentrics[missing])
        id_ = self._draft.add(UnitType.SPLITS, needs, lambda w: encode_splits(w, block), level=number)
        sent.numbers[missing] = sent.count + np.arange(len(missing), dtype=np.int32)
        sent.units[missing] = id_
        sent.count += len(missing)


def _sent_none(level: Level) -> _SentSplits:
    count = 0 if level.splits is None else len(level.splits.parents)
    return _SentSplits(np.full(count, -1, dtype=np.int32), np.zeros(count, dtype=np.int32))
