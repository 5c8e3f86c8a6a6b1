"""What the active units have brought, each thing in its place, and when two units contradict each other (§1, §4).

The methods are the `apply` of the unit kinds: they put a content into its place and return False where another unit
has brought the same, which the decoder then refuses as "overlapping-range".
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Generic, TypeVar

import numpy as np

from pavfmt.arrays import Int32Array
from pavfmt.container.headers import FileHeader
from pavfmt.model import Identity, PoseCorrectives, Shape, Track
from pavfmt.units.gaussians import GaussianBlock
from pavfmt.units.hand_over import HandOver
from pavfmt.units.levels import LevelTable
from pavfmt.units.rig import RigCore
from pavfmt.units.shapes import NumberedShape
from pavfmt.units.splits import SplitBlock
from pavfmt.units.thumbnail import Thumbnail

Block = TypeVar("Block", GaussianBlock, SplitBlock)


class BlockList(Generic[Block]):
    """Blocks that bring disjoint ranges, ascending by `first`."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self._firsts: list[int] = []

    def add(self, block: Block) -> bool:
        """Insert; False if part of its range is already there."""
        at = bisect_right(self._firsts, block.first)
        if at and self._firsts[at - 1] + len(self.blocks[at - 1]) > block.first:
            return False
        if at < len(self.blocks) and block.first + len(block) > self._firsts[at]:
            return False
        self.blocks.insert(at, block)
        self._firsts.insert(at, block.first)
        return True

    @property
    def is_empty(self) -> bool:
        """Whether nothing has arrived."""
        return not self.blocks


class SceneContents:
    """What has arrived and may be shown: the contents of the active units."""

    def __init__(self) -> None:
        self.header: FileHeader | None = None
        self.active_units: set[int] = set()
        self.core: RigCore | None = None
        self.identity: Identity | None = None
        self.shapes: dict[int, Shape] = {}
        """By their index in the rig."""
        self.correctives: PoseCorrectives | None = None
        self.table: LevelTable | None = None
        self.splits: dict[int, BlockList[SplitBlock]] = {}
        """By level."""
        self.gaussians: BlockList[GaussianBlock] = BlockList()
        self.hand_overs: dict[int, HandOver] = {}
        """By unit, as tracks are."""
        self.metadata: dict[str, str] = {}
        self.thumbnail: Thumbnail | None = None
        self.tracks: dict[int, Track] = {}
        self._split_faces: dict[int, Int32Array] = {}
        """Level → the faces of the level before that are split."""

    def put_rig(self, _unit: int, core: RigCore) -> bool:
        """Of a rig unit, or of the file that a rig reference names."""
        self.core = core
        return True

    def put_identity(self, _unit: int, identity: Identity) -> bool:
        """There is one at most."""
        self.identity = identity
        return True

    def add_shape(self, _unit: int, numbered: NumberedShape) -> bool:
        """False if the shape of this index is there."""
        return self.shapes.setdefault(numbered.index, numbered.shape) is numbered.shape

    def put_correctives(self, _unit: int, correctives: PoseCorrectives) -> bool:
        """False if there are some: those of a rig file come without a unit of this file."""
        is_first = self.correctives is None
        self.correctives = self.correctives or correctives
        return is_first

    def put_levels(self, _unit: int, table: LevelTable) -> bool:
        """There is one at most."""
        self.table = table
        return True

    def add_splits(self, _unit: int, block: SplitBlock) -> bool:
        """False if it overlaps what is there, or splits a face that is split already."""
        split = self._split_faces.get(block.level, np.zeros(0, dtype=np.int32))
        if np.isin(block.parents, split).any():
            return False
        self._split_faces[block.level] = np.concatenate([split, block.parents])
        return self.splits.setdefault(block.level, BlockList()).add(block)

    def add_gaussians(self, _unit: int, block: GaussianBlock) -> bool:
        """False if it overlaps what is there."""
        return self.gaussians.add(block)

    def add_hand_over(self, unit: int, record: HandOver) -> bool:
        """Any number may concern the same Gaussians: later units have the last word."""
        self.hand_overs[unit] = record
        return True

    def put_metadata(self, _unit: int, metadata: dict[str, str]) -> bool:
        """There is one unit at most."""
        self.metadata.update(metadata)
        return True

    def put_thumbnail(self, _unit: int, thumbnail: Thumbnail) -> bool:
        """There is one at most."""
        self.thumbnail = thumbnail
        return True

    def add_track(self, unit: int, track: Track) -> bool:
        """Any number."""
        self.tracks[unit] = track
        return True
