"""Gaussians on a forest of implicitly subdivided faces, one on each that carries any (ProgressiveAvatars, section 3).

**How it works.** The template's faces are the roots. To split a face (a, b, c) is to put a point p inside it, at
barycentric coordinates that are learned, and to make three children, (a, b, p), (b, c, p) and (c, a, p). Each child
gets a Gaussian; the parent's stays. No finer mesh is ever built or skinned: p moves with a, b and c, so a pose of
the template gives every corner of every level by following the splits (`SplitForest.points`). A Gaussian lives in
the frame of its face, which has the face's axes and size (§8), and so turns, moves and grows with the expression.

There are two halves. `Structure` (NumPy) says which faces are split and where each Gaussian sits. `ForestParameters`
(torch) holds the numbers that are learned, flat over all levels, one row for each Gaussian or split.

**Why so.** Rows are in the order of creation, not level by level: growing is then a `cat` at the end, Adam's moments
stay beside their numbers, and a row is a name for the whole run that importance and gradients can be kept by. The
order of levels that a file needs is made once, at the export.

**Invariants.**

- Split number s of a level, counted in `parents`, makes the faces 3s, 3s + 1 and 3s + 2 of the level above, in the
  order of children given above, as §6.8 counts them. Splits are appended, so the numbers of older faces never
  change.
- Only faces that carry a Gaussian are split, and none twice: the parent of a Gaussian is one level up and so before
  it in a file: every prefix has both or the parent alone.
- Split points are softmaxes of logits: strictly inside their face whatever Adam does, with a gradient everywhere.
- Posed points and frames are float64, the Gaussians float32. The direction of an edge is a difference of two
  positions, and edges get short: in float32 few of its digits would be right.

**Costs.** A pose costs the skinning of the template, and O(N + splits) gathers; `refresh` costs O(N) after a growth.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pavplayer.posing.tensor_frames import (
    Frames,
    LocalGaussians,
    PosedSurface,
    SplitForest,
    WorldCloud,
    face_frames,
    in_world,
    quaternion_product,
)
from pavplayer.rasterizers.harmonics import BAND_0
from pavtraining.hierarchy.configuration import HierarchyConfiguration

IntArray = NDArray[np.int64]
MAX_LOG_SCALE = 6.0
"""Face sizes; far beyond use, and inside what a checkpoint may hold."""


@dataclass
class Structure:
    """Which faces are split, and which carry a Gaussian."""

    levels: IntArray
    """(N,) the level of each Gaussian."""
    sites: IntArray
    """(N,) its face, counted inside that level."""
    stages: IntArray
    """(N,) which stage of streaming it comes in: its level, or one more where level 0 has a coarse start."""
    parents: list[IntArray] = field(default_factory=list)
    """For each level above 0, (S,) faces of the level before that are split."""
    split_rows: list[IntArray] = field(default_factory=list)
    """For each level above 0, (S,) rows of the split points' parameters."""

    def __len__(self) -> int:
        return len(self.levels)

    @property
    def level_count(self) -> int:
        """Levels that have Gaussians."""
        return 1 + len(self.parents)

    @property
    def split_count(self) -> int:
        """Splits of all levels."""
        return sum(len(parents) for parents in self.parents)

    def leaves(self, depth: int) -> IntArray:
        """Rows of Gaussians whose faces may still be split."""
        keep = self.levels < depth
        for level, parents in enumerate(self.parents):
            keep[(self.levels == level) & np.isin(self.sites, parents)] = False  # split already
        return np.flatnonzero(keep)

    def split(self, rows: IntArray) -> IntArray:
        """Split the faces of these Gaussians; returns the row of the parent of each new Gaussian.

        The splits get the next rows of their parameters, in the order of the new Gaussians: level by level,
        three each.
        """
        order = rows[np.argsort(self.levels[rows], kind="stable")]
        for level in np.unique(self.levels[order]):
            self._split_level(int(level), order[self.levels[order] == level])
        return np.repeat(order, 3)

    def _split_level(self, level: int, rows: IntArray) -> None:
        if level == len(self.parents):
            self.parents.append(np.zeros(0, np.int64))
            self.split_rows.append(np.zeros(0, np.int64))
        first, before = self.split_count, len(self.parents[level])
        self.parents[level] = np.concatenate([self.parents[level], self.sites[rows]])
        fresh = first + np.arange(len(rows))
        self.split_rows[level] = np.concatenate([self.split_rows[level], fresh])
        # §6.8: three children a split, in the order of the splits.
        faces = 3 * before + np.arange(3 * len(rows))
        # One stage after all of the level before: where level 0 has a coarse start, stages run one ahead of levels.
        stage = int(self.stages[self.levels == level].max()) + 1
        self.stages = np.concatenate([self.stages, np.full(len(faces), stage)])
        self.levels = np.concatenate([self.levels, np.full(len(faces), level + 1)])
        self.sites = np.concatenate([self.sites, faces])


GAUSSIAN_COLUMNS = ("means", "quats", "log_scales", "logit_opacities", "sh0", "shN")
SPLIT_COLUMN = "split_logits"
COLUMNS = (*GAUSSIAN_COLUMNS, SPLIT_COLUMN)


@dataclass
class ForestParameters:
    """What is learned, float32. Rows as in `Structure`."""

    means: Tensor
    """(N, 3) in face sizes."""
    quats: Tensor
    """(N, 4), of any length."""
    log_scales: Tensor
    """(N, 3) logarithms of face sizes."""
    logit_opacities: Tensor
    """(N,)."""
    sh0: Tensor
    """(N, 1, 3)."""
    shN: Tensor
    """(N, K, 3)."""
    split_logits: Tensor
    """(S, 3): barycentric coordinates are their softmax, so they stay inside the face."""

    def items(self) -> Iterator[tuple[str, Tensor]]:
        """Names and tensors."""
        for name in COLUMNS:
            yield name, getattr(self, name)


class Forest:
    """Structure and parameters together: they go into world space for a pose."""

    def __init__(
        self, structure: Structure, parameters: ForestParameters, faces: Tensor, vertex_count: int
    ) -> None:
        self.structure, self.parameters = structure, parameters
        self._faces, self._vertex_count = faces, vertex_count
        self.refresh()

    def refresh(self) -> None:
        """Work out where each Gaussian's corners are, after the structure has changed."""
        structure, device = self.structure, self._faces.device
        parents = [torch.from_numpy(one).to(device) for one in structure.parents]
        self._splits = SplitForest(self._faces, self._vertex_count, parents)
        self._split_rows = [torch.from_numpy(one).to(device) for one in structure.split_rows]
        corners = torch.empty(len(structure), 3, dtype=torch.int64, device=device)
        for level, faces in enumerate(self._splits.corners):
            rows = torch.from_numpy(np.flatnonzero(structure.levels == level)).to(device)
            corners[rows] = faces[torch.from_numpy(structure.sites[structure.levels == level]).to(device)]
        self._corners = corners

    def __len__(self) -> int:
        return len(self.structure)

    def barycentrics(self) -> list[Tensor]:
        """Per level above 0, (S, 3) split points."""
        points = torch.softmax(self.parameters.split_logits.double(), dim=-1)
        return [points[rows] for rows in self._split_rows]

    def frames(self, surface: PosedSurface) -> Frames:
        """The face frame of every Gaussian."""
        points = self._splits.points(surface.vertices, self.barycentrics())[-1]
        return face_frames(points[self._corners])

    def columns(self) -> dict[str, Tensor]:
        """All Gaussians by `pavfmt.model.Gaussians`' names: what a codec rounds."""
        p = self.parameters
        return {
            "means": p.means,
            "quats": torch.nn.functional.normalize(p.quats, dim=-1),
            "log_scales": p.log_scales.clamp_max(MAX_LOG_SCALE),
            "opacities": torch.sigmoid(p.logit_opacities),
            "sh0": p.sh0,
            "shN": p.shN,
        }

    def in_world(self, surface: PosedSurface) -> WorldCloud:
        """All Gaussians in a pose."""
        return in_world(local_from(self.columns()), self.frames(surface))

    def children_of(
        self, rows: IntArray, surface: PosedSurface, configuration: HierarchyConfiguration
    ) -> ForestParameters:
        """Rows for the Gaussians that `structure.split(rows)` will have just added, and for its splits.

        A child is its parent's Gaussian, smaller, moved from the parent's centroid to its own. Call it after
        the split and `refresh`, with what the split returned.
        """
        with torch.no_grad():
            parents = torch.from_numpy(rows).to(self._faces.device)
            before = self.parameters
            # Logits of 0: split at the centroid. The columns must have the new splits before frames can be asked for.
            splits = torch.zeros(len(rows) // 3, 3).to(before.split_logits)
            self.parameters = replace_column(before, SPLIT_COLUMN, torch.cat([before.split_logits, splits]))
            frames = self.frames(surface)
            parent, child = frames.take(parents), frames.take(torch.arange(len(frames.sizes))[-len(rows) :])
            return ForestParameters(
                means=_carried_over(before.means[parents], parent, child),
                quats=_turned_over(before.quats[parents], parent, child),
                log_scales=before.log_scales[parents]
                + (configuration.child_scale * parent.sizes / child.sizes.clamp_min(1e-9))
                .log()[:, None]
                .to(before.log_scales),
                logit_opacities=torch.full_like(
                    before.logit_opacities[parents], _logit(configuration.child_opacity)
                ),
                sh0=before.sh0[parents].clone(),
                shN=before.shN[parents].clone(),
                split_logits=splits,
            )


def local_from(columns: dict[str, Tensor], with_bands: bool = True) -> LocalGaussians:
    """Columns as `Forest.columns` gives them, ready to be carried; without SH bands unless `with_bands`."""
    with_bands = with_bands and columns["shN"].shape[1] > 0
    return LocalGaussians(
        columns["means"],
        columns["quats"],
        columns["log_scales"].exp(),
        columns["opacities"],
        torch.cat([columns["sh0"], columns["shN"]], dim=1) if with_bands else columns["sh0"],
    )


def replace_column(parameters: ForestParameters, name: str, value: Tensor) -> ForestParameters:
    """The same parameters with one tensor exchanged."""
    columns = dict(parameters.items())
    columns[name] = value
    return ForestParameters(**columns)


def _logit(share: float) -> float:
    return float(np.log(share / (1 - share)))


def _carried_over(means: Tensor, parent: Frames, child: Frames) -> Tensor:
    """Local means in the child's frame, at the same offset from the centroid in the world."""
    offset = (parent.linear @ means.to(parent.linear)[..., None])[..., 0]
    rotation = child.linear / child.sizes.clamp_min(1e-9)[:, None, None]
    # The offset from the centroid is kept, not the place: all three children at the parent's place would be one blot.
    local = (rotation.transpose(1, 2) @ offset[..., None])[..., 0] / child.sizes.clamp_min(1e-9)[:, None]
    return local.to(means)


def _turned_over(quats: Tensor, parent: Frames, child: Frames) -> Tensor:
    """Local rotations in the child's frame that are the same in the world."""
    # A unit quaternion's inverse is its conjugate.
    inverse = child.quats * torch.tensor([1.0, -1.0, -1.0, -1.0]).to(child.quats)
    unit = torch.nn.functional.normalize(quats, dim=-1).to(child.quats)
    return quaternion_product(inverse, quaternion_product(parent.quats, unit)).to(quats)


def forest_of_discs(
    faces: Tensor,
    vertex_count: int,
    sites: IntArray,
    colours: NDArray[np.float32],
    configuration: HierarchyConfiguration,
) -> Forest:
    """Level 0: a flat Gaussian on each of the faces `sites`, of the colours (len(sites), 3) in sRGB."""
    count, c = len(sites), configuration
    scales = c.first_scale * torch.tensor([1.0, c.first_flatness, 1.0])
    parameters = ForestParameters(
        means=torch.zeros(count, 3),
        quats=torch.tensor([1.0, 0, 0, 0]).repeat(count, 1),
        log_scales=scales.log().repeat(count, 1),
        logit_opacities=torch.full((count,), _logit(c.first_opacity)),
        sh0=torch.from_numpy((colours[:, None] - 0.5) / np.float32(BAND_0)),
        shN=torch.zeros(count, (c.sh_degree + 1) ** 2 - 1, 3),
        split_logits=torch.zeros(0, 3),
    )
    zeros = np.zeros(count, np.int64)
    structure = Structure(zeros, sites.astype(np.int64), zeros.copy())
    moved = ForestParameters(**{name: column.to(faces.device) for name, column in parameters.items()})
    return Forest(structure, moved, faces, vertex_count)


def widen(forest: Forest, rows: IntArray, factors: NDArray[np.float64], depth: float) -> None:
    """Make Gaussians of a fresh forest larger along their faces, and sink them by `depth` face sizes."""
    p = forest.parameters
    at = torch.from_numpy(rows).to(p.means.device)
    p.log_scales[at] += torch.from_numpy(np.log(factors)).to(p.log_scales)[:, None]
    p.means[at, 1] -= depth
