"""Which unit comes when: what a viewer needs next, and never a long gap between two pictures.

**The order.** Directory, metadata, rig, identity, level table, and then Gaussians, the first unit small so that
something shows at once. After it all essential shapes, so that the head moves; from then on Gaussians with the other
shapes between them, and tracks at the end. Levels come one after the other, most important Gaussians first
(ProgressiveAvatars, section 3), unless `level_order` is "gain".

**How large a unit is** (spec/decisions/0006-unit-sizes.md). Small units change the picture often but compress worse:
each has headers and codec parameters of its own, and fewer neighbours to predict from. So units begin small and their
aim doubles, while prefixes are short and a change matters most, up to a ceiling: 8 kB or 4.5 % of all Gaussian bytes,
which keeps the gap between two pictures below §6.9's 8 kB or 5 %. What shapes took of the gap, the next unit has less.
Sizes are only known once written, so the aim is turned into a count by what the part's last unit took per Gaussian.

**Parts and their worth.** A plan cuts a level into parts that do not share units: groups of regions, or a beginning and
the rest. Of the parts that may be next, the one whose next unit has most importance per byte is. Its worth is found
when the part is first looked at and after each of its units, from the aim as it is then.

**What stands before a Gaussians unit.** The splits of its faces, as far as they are missing; then hand-over units that
name it as their successor, right before it (§6.10): whoever has it can have them.

Invariants: a part is sent in the order of its plan; a level that takes over begins when the one it takes over from is
complete; a beginning comes before the rest of its level, each as one unit, since half of it stands in for nothing.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from pavfmt.encoder.emission import Emission, bytes_per_gaussian
from pavfmt.encoder.hand_over import legal_ends, retiring, unit_end
from pavfmt.encoder.pictures import Progress
from pavfmt.encoder.planning import AvatarPlan, LevelPlan
from pavfmt.encoder.rig.motion import motion_units
from pavfmt.limits import FORMAT_LIMITS
from pavfmt.registry import UnitType
from pavfmt.units.thumbnail import encode_thumbnail


@dataclass
class _Part:
    """What is left of one part of a level."""

    level: int
    number: int
    """Among the level's parts."""
    rows: NDArray[np.intp]
    legal: NDArray[np.bool_]
    """(rows,) whether a unit may end after each."""
    bytes_each: float
    """Per Gaussian: as estimated for the level, then as its last unit took."""
    start: int = 0
    """So many rows are written."""
    worth: float = math.inf
    """Importance per byte of its next unit; infinite: not found yet."""


class Schedule:
    """Writes all units of a plan."""

    def __init__(self, plan: AvatarPlan, emission: Emission, progress: Progress | None = None) -> None:
        self._plan, self._options = plan, plan.options
        self._emission = emission
        self._progress = progress
        self._estimates = [bytes_per_gaussian(one, number) for number, one in enumerate(plan.levels)]
        self._aim: float = plan.options.first_unit_bytes
        self._essential: deque[Callable[[], int]] = deque()
        self._others: deque[Callable[[], int]] = deque()
        """Units to stand between Gaussians units: each writes one and returns its id."""

    def run(self) -> None:
        """Write them."""
        self._emission.metadata()
        self._queue_between(self._emission.rig())
        self._emission.level_table()
        self._write_levels()
        for add in (*self._essential, *self._others):
            add()
        self._emission.tracks()

    def _queue_between(self, rig_id: int | None) -> None:
        """Shapes and correctives, unless they are in a rig file; the thumbnail after the essential shapes (§6.12)."""
        draft, rig, picture = self._emission.draft, self._plan.given.rig, self._plan.given.thumbnail
        if picture is not None:
            encode = partial(encode_thumbnail, data=picture)
            self._others.append(partial(draft.add, UnitType.THUMBNAIL, (), encode))
        if rig is not None and rig_id is not None and not self._plan.rig.is_external:
            essential, others = motion_units(draft, rig, rig_id, self._options)
            self._essential.extend(essential)
            self._others.extend(others)

    def _write_between(self) -> int:
        """What stands after a Gaussians unit: all essential shapes, else about `between_bytes`. Returns their bytes."""
        spent = 0
        while self._essential or (self._others and spent < self._options.between_bytes):
            add = (self._essential or self._others).popleft()
            spent += self._emission.draft.size_of(add())
        return spent

    def _write_levels(self) -> None:
        """All Gaussians, and after each level the splits that carry none."""
        waiting = [part for number in range(len(self._plan.levels)) for part in self._parts(number)]
        while waiting:
            part = max(self._possible(waiting), key=lambda one: (one.worth, -one.level, -one.number))
            if part.worth < math.inf:
                self._write_unit(part)
            if part.start < len(part.rows):
                part.worth = self._worth(part)
                continue
            waiting.remove(part)
            if all(one.level != part.level for one in waiting):
                self._emission.remaining_splits(part.level)

    def _possible(self, waiting: list[_Part]) -> list[_Part]:
        """Those that may be next."""
        levels = {part.level for part in waiting}
        free = {min(levels)}
        if self._options.level_order == "gain":
            free = {n for n in levels if self._plan.levels[n].level.parents is None or n - 1 not in levels}
        begins = {n for n in free if self._plan.levels[n].level.beginning is not None}
        first = {part.level for part in waiting if part.number == 0}
        return [
            part
            for part in waiting
            if part.level in free and not (part.level in begins & first and part.number > 0)
        ]

    def _parts(self, number: int) -> list[_Part]:
        """The plan's. Before several of the first level goes a unit that is of all of them: a whole head, if coarse."""
        plan = self._plan.levels[number]
        parts = plan.parts
        if not number and len(parts) > 1 and plan.level.beginning is None:
            first = plan.order[: max(int(self._options.first_unit_bytes / self._estimates[number]), 1)]
            rest = (part[~np.isin(part, first)] for part in parts)
            parts = [first, *(part for part in rest if len(part))]
        return [
            _Part(number, index, rows, _legal_ends(plan, rows), self._estimates[number])
            for index, rows in enumerate(parts)
        ]

    def _aimed_count(self, part: _Part) -> int:
        """Of Gaussians in its next unit."""
        return max(int(self._aim / part.bytes_each), 1)

    def _worth(self, part: _Part) -> float:
        rows = part.rows[part.start : part.start + self._aimed_count(part)]
        return float(self._plan.levels[part.level].importance[rows].mean()) / part.bytes_each

    def _write_unit(self, part: _Part) -> None:
        """The part's next Gaussians, what must stand before them, and shapes after them."""
        limit = FORMAT_LIMITS.gaussians_per_unit
        end = unit_end(part.legal, part.start, self._aimed_count(part), limit)
        rows = part.rows[part.start : end]
        splits = self._emission.splits_of(part.level, rows)
        self._write_hand_overs(part, rows, end)
        part.bytes_each = self._emission.gaussians(part.level, rows, splits) / len(rows)
        part.start = end
        self._set_aim(part.level, spent=self._write_between())
        if self._progress is not None:
            self._progress(self._emission.sent_gaussians / self._plan.avatar.gaussian_count)

    def _write_hand_overs(self, part: _Part, rows: NDArray[np.intp], end: int) -> None:
        """Of parents that retire with these rows, and of a beginning whose level is complete with them."""
        level, regions = self._plan.levels[part.level].level, self._emission.regions(part.level, rows)
        if level.parents is not None:
            gone = retiring(level.parents, part.rows, part.start, end)
            self._emission.hand_over(part.level - 1, gone, regions)
        if level.beginning is not None and rows[0] not in level.beginning.rows:
            self._emission.hand_over(part.level, level.beginning.rows, regions, level.gaussians)

    def _set_aim(self, level: int, spent: int) -> None:
        """Bytes of the next unit: twice those of this one, within what is left of the gap between two pictures."""
        options = self._options
        total = sum(len(one.order) for one in self._plan.levels) * self._estimates[level]
        ceiling = max(options.unit_bytes, options.unit_share * total)
        doubled = max(2 * self._aim, options.unit_bytes)
        least = min(options.first_unit_bytes, options.unit_bytes)
        self._aim = max(min(doubled, ceiling - spent), least)


def _legal_ends(plan: LevelPlan, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
    """(rows,) whether a unit may end after each: not between children of one parent, nor inside of a beginning."""
    parents = plan.level.parents
    legal = np.ones(len(rows), bool) if parents is None else legal_ends(parents[rows])
    if plan.level.beginning is not None:  # it is there, or all of the level
        legal[:-1] = False
    return legal
