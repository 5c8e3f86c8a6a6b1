"""Turning a plan into units: numbers, needs and bytes. What comes when is `pavfmt.encoder.schedule`'s to say.

One method a unit. Each appends to a `Draft` and keeps the books that later units refer to:

- **Numbers.** A Gaussian's index in the file (§1, rule 4) is given when its unit is written, one after the other; so is
  a split's. Faces of a level above 0 are counted by splits (§6.8), so the sites of Gaussians and the parents of deeper
  splits are renumbered to the splits' order in the file.
- **Needs.** A unit names everything its content refers to (§4): rig and identity, since values are predicted from
  template coordinates and bound to the personal neutral; the level table for its grids; the splits units of its
  faces; a hand-over the units of its Gaussians. Ancestors of splits are needs of their children's units, and are
  reached through them.
- **Order inside a unit.** Gaussians stand by site, since ascending lists are cheap. Where all have the same site (a
  file without a rig) they stand along a Morton curve of their means: values are then predicted from those before and
  after in the unit, which are near in space.

Invariants: needs name earlier units only; the Gaussians of a unit have consecutive indices; what is referred to was
written before (−1 in the books means that it was not, and would be refused as an index).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Int32Array
from pavfmt.codec.fields import FieldWriter
from pavfmt.codec.prediction import morton_codes
from pavfmt.container.headers import UnitHeader
from pavfmt.encoder.draft import Draft
from pavfmt.encoder.order.regions import bounding_sphere
from pavfmt.encoder.planning import AvatarPlan, LevelPlan
from pavfmt.limits import FORMAT_LIMITS
from pavfmt.model import Gaussians, Level, Splits
from pavfmt.registry import CriticalFeature, RigSource, Site, UnitType
from pavfmt.units.attributes import Columns
from pavfmt.units.gaussians import encode_gaussians
from pavfmt.units.hand_over import HandOver, encode_hand_over
from pavfmt.units.levels import LevelEntry, LevelTable, encode_levels
from pavfmt.units.metadata import encode_metadata
from pavfmt.units.splits import SplitBlock, encode_splits
from pavfmt.units.track import encode_track


@dataclass
class _SentSplits:
    """Which splits of a level have been written."""

    numbers: Int32Array
    """(S,) file number of each split; −1: not yet."""
    units: Int32Array
    """(S,) the unit that brought it."""
    count: int = 0


class Emission:
    """The units of one avatar, in a draft."""

    def __init__(self, plan: AvatarPlan) -> None:
        self.draft = Draft()
        self.sent_gaussians = 0
        self._plan = plan
        self._splits = [_nothing_sent(one.level) for one in plan.levels]
        self._file_index = [np.full(len(one.order), -1, dtype=np.int32) for one in plan.levels]
        """Per level the file index of each Gaussian that was written."""
        self._brought_by = [np.full(len(one.order), -1, dtype=np.int32) for one in plan.levels]
        """Likewise the unit that brings it."""
        self._base_needs: tuple[int, ...] = ()
        self._levels_id = 0

    def metadata(self) -> None:
        """The avatar's, and what wrote it."""
        metadata = {"generator": self._plan.options.generator, **self._plan.avatar.metadata}
        self.draft.add(UnitType.METADATA, (), lambda w: encode_metadata(w, metadata))

    def rig(self) -> int | None:
        """The rig unit or the rig reference, and the identity. Returns the rig's id; None without a rig."""
        units = self._plan.rig
        if units.rig is None:
            return None
        type_ = UnitType.RIG_REFERENCE if units.is_external else UnitType.RIG
        rig_id = self.draft.add(type_, (), lambda w: w.raw(units.body))
        self._base_needs = (rig_id,)
        if units.identity is not None:
            add = partial(self.draft.add, UnitType.IDENTITY, (rig_id,))
            self._base_needs += (add(lambda w: w.raw(units.identity_body)),)
        return rig_id

    def level_table(self) -> None:
        """Bindings, counts and grids of all levels (§6.7)."""
        rig = self._plan.rig
        source = RigSource.EXTERNAL if rig.is_external else RigSource.EMBEDDED
        source = source if rig.rig is not None else RigSource.NONE
        entries = tuple(
            LevelEntry(
                one.level.binding,
                one.level.site,
                one.level.sh_frame,
                0 if one.level.splits is None else len(one.level.splits.parents),
                len(one.level.gaussians),
                one.precision.grids,
            )
            for one in self._plan.levels
        )
        table = LevelTable(source, entries)
        self._levels_id = self.draft.add(UnitType.LEVELS, (), lambda w: encode_levels(w, table))

    def gaussians(self, number: int, rows: NDArray[np.intp], splits: Iterable[int]) -> int:
        """The unit of these Gaussians of a level, which needs the units `splits`; returns the bytes of its body.

        The body is the payload with its needs.
        """
        plan, first = self._plan.levels[number], self.sent_gaussians
        sites = plan.sent.sites[rows]
        if number and plan.level.site is Site.FACE:
            sites = 3 * self._splits[number].numbers[sites // 3] + sites % 3
        order = _order_inside(plan, rows, sites)
        rows, sites = rows[order], sites[order]
        columns = replace(plan.sent.take(rows), sites=sites)
        id_ = self.draft.add(
            UnitType.GAUSSIANS,
            {*self._base_needs, self._levels_id, *splits},
            lambda w: _encode_rows(w, plan, number, first, rows, columns),
            level=number,
            gaussian_count=len(rows),
            importance=float(plan.importance[rows].sum()) / self._plan.total_importance,
            regions=self.regions(number, rows),
            sphere=bounding_sphere(plan.world_means[rows]),
        )
        self.sent_gaussians += len(rows)
        self._file_index[number][rows] = first + np.arange(len(rows), dtype=np.int32)
        self._brought_by[number][rows] = id_
        return self.draft.size_of(id_) - UnitHeader.SIZE

    def regions(self, number: int, rows: NDArray[np.intp]) -> int:
        """Bits of the regions that these Gaussians matter to."""
        return int(np.bitwise_or.reduce(self._plan.levels[number].regions[rows]))

    def hand_over(
        self, number: int, rows: NDArray[np.integer], regions: int, then: Gaussians | None = None
    ) -> None:
        """Of these Gaussians of a level, once the unit written next is there, which must be the Gaussians of `regions`.

        They retire (effective opacity 0), or have from then on the opacities and scales of `then`, all Gaussians of the
        level (§6.10). Nothing is written for no rows.
        """
        if not len(rows):
            return
        rows = rows[np.argsort(self._file_index[number][rows])]
        record = HandOver(
            number,
            (self.draft.next_id + 1,),
            self._file_index[number][rows].astype(np.int32),
            None if then is None else then.opacities[rows],
            None if then is None else then.log_scales[rows],
        )
        grids = self._plan.levels[number].precision.grids
        needs = (self._levels_id, *np.unique(self._brought_by[number][rows]).tolist())
        self.draft.add(
            UnitType.HAND_OVER,
            needs,
            lambda w: encode_hand_over(w, record, grids),
            level=number,
            regions=regions,
        )

    def splits_of(self, number: int, rows: NDArray[np.intp]) -> set[int]:
        """Write the splits whose faces carry these Gaussians, as far as they were not; returns their units' ids."""
        plan = self._plan.levels[number]
        if not number or plan.level.site is not Site.FACE:
            return set()
        return self._write_missing(number, np.unique(plan.sent.sites[rows] // 3))

    def remaining_splits(self, number: int) -> None:
        """Write those splits of a level that carry no Gaussians, if there are any."""
        self._write_missing(number, np.arange(len(self._splits[number].numbers), dtype=np.int32))

    def tracks(self) -> None:
        """One unit for each recorded performance."""
        for track in self._plan.avatar.tracks:
            self.draft.add(UnitType.TRACK, (), partial(encode_track, track=track))

    def getvalue(self) -> bytes:
        """The file."""
        degree = max(one.level.gaussians.sh_degree for one in self._plan.levels)
        features = CriticalFeature.HAND_OVER if self._plan.avatar.hands_over else 0
        return self.draft.getvalue(features, level_count=len(self._plan.levels), sh_degree=degree)

    def _write_missing(self, number: int, wanted: Int32Array) -> set[int]:
        """Write the splits among `wanted` (and their ancestors) that were not; returns the units to need."""
        sent = self._splits[number]
        splits = self._plan.levels[number].level.splits
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
            needs |= self._write_missing(number - 1, np.unique(parents // 3))
            parents = 3 * self._splits[number - 1].numbers[parents // 3] + parents % 3
        order = np.argsort(parents, kind="stable")
        missing, parents = missing[order], parents[order]
        block = SplitBlock(number, sent.count, parents.astype(np.int32), splits.barycentrics[missing])
        id_ = self.draft.add(UnitType.SPLITS, needs, lambda w: encode_splits(w, block), level=number)
        sent.numbers[missing] = sent.count + np.arange(len(missing), dtype=np.int32)
        sent.units[missing] = id_
        sent.count += len(missing)


def bytes_per_gaussian(plan: LevelPlan, number: int) -> float:
    """About what a Gaussian of this level takes, from a unit of a thousand of the first to be sent."""
    rows = plan.order[:1024]
    if not len(rows):
        return 1.0
    rows = rows[np.argsort(plan.sent.sites[rows], kind="stable")]
    writer = FieldWriter()
    _encode_rows(writer, plan, number, 0, rows, plan.sent.take(rows))
    return len(writer.getvalue()) / len(rows)


def _encode_rows(
    writer: FieldWriter, plan: LevelPlan, number: int, first: int, rows: NDArray[np.intp], columns: Columns
) -> None:
    """The body of a Gaussians unit (§6.9); `columns` are those of `rows`, with the file's sites."""
    steps = plan.precision.unit_steps(rows)
    encode_gaussians(writer, number, first, columns, plan.attributes, steps, plan.coordinates[rows])


def _order_inside(plan: LevelPlan, rows: NDArray[np.intp], sites: Int32Array) -> NDArray[np.intp]:
    """By site; where all have the same, neighbours in space are neighbours in the file."""
    if plan.level.site is not Site.JOINT:
        return np.argsort(sites, kind="stable")
    means = plan.world_means[rows]
    span = float(np.ptp(means, axis=0).max()) or 1.0
    codes = morton_codes(np.floor((means - means.min(axis=0)) * (1023 / span)).astype(np.int64))
    return np.lexsort((codes, sites))


def _nothing_sent(level: Level) -> _SentSplits:
    count = 0 if level.splits is None else len(level.splits.parents)
    return _SentSplits(np.full(count, -1, dtype=np.int32), np.zeros(count, dtype=np.int32))
