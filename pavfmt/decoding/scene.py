"""The scene: a pure function of the set of active units (§1).

How it works. `SceneContents` (`pavfmt.units.contents`) has what the units brought, each in its place: by level, by
index, by unit id, so that the sequence in which they came leaves no trace. From that this module makes what is drawn:
`arrays` joins the Gaussian blocks in file order; `effective` applies the hand-over that is due; `snapshot` makes an
avatar of it all, which poses and encodes like any other.

A decoder adds a unit; nobody removes one. So `arrays` can grow: while units come in file order, a block is copied
behind what is there, into buffers with room to spare, and the blocks become views of the buffers. Earlier results
stay valid: they are views of the same rows, or of the buffers before, and no row is written twice. When a unit comes
that belongs between others, the arrays are made anew.

Why so. A prefix of a file must be, bit for bit, the leading part of the whole (§1, rule 5), and this way it is so by
construction: stored values never change, and what hand-over does to them is done on copies, at every call, from the
units that are active now. No state says "this Gaussian has given way", which a unit that comes late could find wrong.
For the same reason `snapshot` renumbers faces each time: in a scene with units missing, splits have gaps in their
numbers, and an avatar has none.

Invariants. `indices` are ascending, so rows are found by binary search. Everything handed out is read-only.
Hand-overs are applied by unit id: where two concern a Gaussian, the later unit has the last word, whichever came
first (§6.10).

Costs. While units come in order, `arrays` copies each Gaussian a few times at most: buffers grow by half. `effective`
copies four floats a Gaussian where a hand-over is due and nothing where none is; `snapshot` copies all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Float32Array, Int32Array
from pavfmt.model import Avatar, Gaussians, Level, Rig, Splits
from pavfmt.registry import RigSource, Site
from pavfmt.units.contents import BlockList, SceneContents
from pavfmt.units.gaussians import GaussianBlock
from pavfmt.units.hand_over import HandOver

PLAIN_ATTRIBUTES = ("sites", "means", "quats", "log_scales", "opacities")
"""What blocks and the scene's arrays hold in one form."""


@dataclass(frozen=True)
class SceneArrays:
    """The N Gaussians that are there, in file order; read-only views."""

    indices: Int32Array
    """(N,) Gaussian index in the complete file, ascending."""
    levels: Int32Array
    """(N,)."""
    sites: Int32Array
    barycentrics: Float32Array
    """(N, 3); zero where the level has none."""
    means: Float32Array
    quats: Float32Array
    log_scales: Float32Array
    opacities: Float32Array
    sh: Float32Array
    """(N, 1 + K, 3), sh0 first, K of the highest degree in the file; zero beyond a level's own."""

    @property
    def sh0(self) -> Float32Array:
        """(N, 1, 3)."""
        return self.sh[:, :1]

    @property
    def shN(self) -> Float32Array:  # noqa: N802
        """(N, K, 3)."""
        return self.sh[:, 1:]

    def __len__(self) -> int:
        return len(self.indices)


@dataclass(frozen=True)
class Snapshot:
    """A scene as an avatar of its own: faces renumbered without gaps, hand-over applied."""

    avatar: Avatar
    order: Int32Array
    """Permutation from level-after-level order to file order."""


class Scene(SceneContents):
    """All that has arrived and may be shown. Filled by a Decoder, read by everyone."""

    def __init__(self) -> None:
        super().__init__()
        self._cache: tuple[int, SceneArrays] | None = None
        self._buffers: dict[str, np.ndarray] = {}

    @property
    def gaussian_count(self) -> int:
        """Gaussians that are there."""
        return sum(len(block) for block in self.gaussians.blocks)

    @property
    def is_visible(self) -> bool:
        """Whether anything is drawn."""
        return not self.gaussians.is_empty

    @property
    def is_animatable(self) -> bool:
        """Visible, and every essential shape of the rig is there."""
        essential = self.core.essential_shapes if self.core else frozenset()
        return self.is_visible and essential <= self.shapes.keys()

    def arrays(self) -> SceneArrays:
        """All Gaussians that are there. Appending units in file order copies only what is new.

        From then on the units' blocks are views of these arrays, so that nothing is in memory twice.
        """
        blocks = self.gaussians.blocks
        if self._cache is not None and self._cache[0] == len(blocks) > 0:
            return self._cache[1]
        known = 0 if self._cache is None else self._cache[0]
        old = None if self._cache is None else self._cache[1]
        # Blocks stand in file order: the first `known` are the old ones only if all new ones are behind them.
        appended = old is not None and 0 < known < len(blocks) and _ends_before(old, blocks[known:])
        if not appended:
            known, old = 0, None
        arrays = self._grow(old, blocks[known:])
        self._cache = (len(blocks), arrays)
        return arrays

    def _grow(self, old: SceneArrays | None, blocks: list[GaussianBlock]) -> SceneArrays:
        """Copy `blocks` behind `old`, in buffers that grow by half when they are full."""
        start = 0 if old is None else len(old)
        count = start + sum(len(block) for block in blocks)
        moved = old is None or count > len(self._buffers["indices"])
        if moved:
            self._buffers = _empty_arrays(self._capacity(start, count), self._coefficient_count())
            if old is not None:
                for item in fields(SceneArrays):
                    self._buffers[item.name][:start] = getattr(old, item.name)
        at = start
        for block in blocks:
            _copy_block(self._buffers, at, block)
            at += len(block)
        # Blocks give up arrays of their own: what is in memory once stays so.
        at = 0 if moved else start
        for block in self.gaussians.blocks if moved else blocks:
            _look_into(self._buffers, at, block)
            at += len(block)
        views = {name: buffer[:count] for name, buffer in self._buffers.items()}
        for view in views.values():
            view.flags.writeable = False
        return SceneArrays(**views)

    def _capacity(self, start: int, count: int) -> int:
        """Room for `count` Gaussians and some more, but for no more than the file says it has.

        The header's total alone makes no room: it may be forged, and memory follows what has arrived.
        """
        total = 0 if self.header is None else self.header.gaussian_count
        return max(count, min(start + start // 2, total))

    def _coefficient_count(self) -> int:
        degree = max((entry.sh_degree for entry in self.table.levels), default=0) if self.table else 0
        return (degree + 1) ** 2 - 1

    def due_hand_overs(self) -> list[tuple[int, HandOver]]:
        """The hand-over units whose successors are all active, by id: later ones have the last word (§6.10)."""
        return [
            (unit, record)
            for unit, record in sorted(self.hand_overs.items())
            if self.active_units.issuperset(record.successors)
        ]

    def effective(
        self, share_of: Callable[[int, HandOver], float] = lambda unit, record: 1.0
    ) -> tuple[Float32Array, Float32Array]:
        """Opacities (N,) and log scales (N, 3), hand-over applied; the stored ones where there is none.

        `share_of` a due hand-over, by unit id and record, says how far it has come, 0..1: for players that fade.
        """
        arrays, due = self.arrays(), self.due_hand_overs()
        opacities, log_scales = arrays.opacities, arrays.log_scales
        if due:
            opacities, log_scales = opacities.copy(), log_scales.copy()
        for unit, record in due:
            rows = np.searchsorted(arrays.indices, record.gaussians)
            hand_over(record, rows, opacities, log_scales, share_of(unit, record))
        return opacities, log_scales

    def rig(self) -> Rig | None:
        """The rig with the shapes that are there; None before it arrives, or in a file without."""
        core = self.core
        if core is None:
            return None
        return Rig(
            profile=core.profile,
            faces=core.faces,
            mean_neutral=core.mean_neutral,
            joint_names=core.joint_names,
            joint_parents=core.joint_parents,
            mean_joint_positions=core.mean_joint_positions,
            weights=core.weights,
            shapes=tuple(shape for _, shape in sorted(self.shapes.items())),
            correctives=self.correctives,
            subdivisions=core.subdivisions,
        )

    def snapshot(self, colours: bool = True) -> Snapshot | None:
        """The scene as an avatar; None while nothing is drawn.

        Without `colours` all are black, for who takes them from the scene's arrays.
        """
        if self.table is None or not self.is_visible:
            return None
        arrays = self.arrays()
        opacities, log_scales = self.effective()
        renumbered = self._renumbered_splits()
        levels, rows_of_levels = [], []
        for number, entry in enumerate(self.table.levels):
            rows = np.flatnonzero(arrays.levels == number)
            rows_of_levels.append(rows)
            sites = arrays.sites[rows]
            if number and entry.site is Site.FACE:
                sites = _renumber(sites, renumbered[number][0])
            width = (entry.sh_degree + 1) ** 2 - 1 if colours else 0
            gaussians = Gaussians(
                sites=sites,
                means=arrays.means[rows],
                quats=arrays.quats[rows],
                log_scales=log_scales[rows],
                opacities=opacities[rows],
                sh0=arrays.sh0[rows] if colours else np.zeros((len(rows), 1, 3), np.float32),
                shN=arrays.shN[rows, :width],
                barycentrics=arrays.barycentrics[rows] if entry.has_barycentrics else None,
            )
            splits = renumbered[number][1] if number else None
            levels.append(Level(gaussians, entry.binding, entry.site, entry.sh_frame, splits))
        tracks = tuple(track for _, track in sorted(self.tracks.items()))
        picture = self.thumbnail.data if self.thumbnail else None
        avatar = Avatar(tuple(levels), self.rig(), self.identity, dict(self.metadata), tracks, picture)
        return Snapshot(avatar, np.argsort(np.concatenate(rows_of_levels), kind="stable").astype(np.int32))

    def _renumbered_splits(self) -> dict[int, tuple[Int32Array, Splits]]:
        """Per level above 0: the split numbers that are there, and the splits over faces without gaps."""
        result: dict[int, tuple[Int32Array, Splits]] = {}
        table = self.table
        for number in range(1, len(table.levels) if table else 0):
            blocks = self.splits.get(number, BlockList()).blocks
            numbers = [np.arange(block.first, block.first + len(block)) for block in blocks]
            present = np.concatenate([np.zeros(0, np.int64), *numbers]).astype(np.int32)
            parents = np.concatenate([np.zeros(0, np.int32), *(block.parents for block in blocks)])
            if number > 1:
                parents = _renumber(parents, result[number - 1][0])
            points = np.concatenate([np.zeros((0, 3), np.float32), *(block.barycentrics for block in blocks)])
            result[number] = present, Splits(parents, points)
        return result

    def has_rig(self) -> bool:
        """Whether the file has a rig, embedded or named."""
        return self.table is not None and self.table.rig_source is not RigSource.NONE


def hand_over(
    record: HandOver,
    rows: NDArray[np.intp],
    opacities: Float32Array,
    log_scales: Float32Array,
    share: float = 1.0,
) -> None:
    """Let the Gaussians of a hand-over unit give way by a share of 0..1, in place (§6.10); 1: all, exactly.

    `rows` (P,) are those of `record.gaussians` in `opacities` (N,) and `log_scales` (N, 3). Whoever applies several
    records goes by unit id (`Scene.due_hand_overs`). Where the record has no log scales those are not touched.
    """
    goal = np.float32(0) if record.opacities is None else record.opacities
    opacities[rows] = goal if share == 1 else opacities[rows] + np.float32(share) * (goal - opacities[rows])
    if record.log_scales is not None:
        sizes = record.log_scales
        log_scales[rows] = (
            sizes if share == 1 else log_scales[rows] + np.float32(share) * (sizes - log_scales[rows])
        )


def _ends_before(old: SceneArrays, blocks: list[GaussianBlock]) -> bool:
    return int(old.indices[-1]) < min(block.first for block in blocks)


def _renumber(faces: Int32Array, present: Int32Array) -> Int32Array:
    """Faces 3s + k of the complete forest → 3s' + k, s' being the rank of s among those present."""
    return (3 * np.searchsorted(present, faces // 3) + faces % 3).astype(np.int32)


def _empty_arrays(capacity: int, coefficients: int) -> dict[str, np.ndarray]:
    shapes: dict[str, tuple[int, ...]] = {
        "indices": (),
        "levels": (),
        "sites": (),
        "barycentrics": (3,),
        "means": (3,),
        "quats": (4,),
        "log_scales": (3,),
        "opacities": (),
        "sh": (1 + coefficients, 3),
    }
    integers = ("indices", "levels", "sites")
    return {
        name: np.empty((capacity, *shape), dtype=np.int32 if name in integers else np.float32)
        for name, shape in shapes.items()
    }


def _copy_block(buffers: dict[str, np.ndarray], at: int, block: GaussianBlock) -> None:
    rows = slice(at, at + len(block))
    buffers["indices"][rows] = np.arange(block.first, block.first + len(block))
    buffers["levels"][rows] = block.level
    for name in PLAIN_ATTRIBUTES:
        buffers[name][rows] = getattr(block, name)
    width = 1 + block.shN.shape[1]
    buffers["sh"][rows, :1] = block.sh0
    buffers["sh"][rows, 1:width] = block.shN
    buffers["sh"][rows, width:] = 0
    buffers["barycentrics"][rows] = 0 if block.barycentrics is None else block.barycentrics


def _look_into(buffers: dict[str, np.ndarray], at: int, block: GaussianBlock) -> None:
    """Make the block's arrays views of the buffers that hold the same values."""
    rows = slice(at, at + len(block))
    views = {name: buffers[name][rows] for name in PLAIN_ATTRIBUTES}
    views["sh0"], views["shN"] = buffers["sh"][rows, :1], buffers["sh"][rows, 1 : 1 + block.shN.shape[1]]
    if block.barycentrics is not None:
        views["barycentrics"] = buffers["barycentrics"][rows]
    for view in views.values():
        view.flags.writeable = False
    vars(block).update(views)  # a frozen dataclass: equal values in other memory are no change of it
