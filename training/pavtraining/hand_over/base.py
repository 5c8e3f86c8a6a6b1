"""The base: a few hundred Gaussians of plain colour, with numbers that can be fitted.

**How it works.** It has two parts. Each of the *cover* stands in for some originals of one patch: it begins with the
moments of their cluster, and retires when they have come. The *lining* lies some per cent of the head's height
beneath the surface and shows through where weak originals are still missing, so that a gap between them is
skin-coloured and not background; it retires later. The first of the cover may be *first alone*: a head by themselves
in half the bytes, with opacities and scales of their own until the rest is there (§6.10 gives a level such second
values).

**Why so.** Moments of clusters are the best single Gaussians for them, but one that is right alone is wrong among
others that overlap it, so all numbers are fitted. Colours are plain: SH of a Gaussian that is soon replaced cost
more bytes than they show. The base hangs on vertices, since its Gaussians are larger than faces: they follow the
skinning of the nearest vertex.

**Invariants.**

- Rows: the cover first, in the order of its clusters, then the lining. A schedule's parents are these rows.
- Rotations are stereographic coordinates (x, y, z) / (1 + w) of a quaternion (w, x, y, z) with w ≥ 0, in −1..1:
  three numbers, as a file has them. `_principal` picks the form of the ellipsoid nearest to no rotation, which keeps
  them away from ±1, where a step would have to jump to the other side.
- `confine` after every step keeps numbers in what a file can hold; opacities stay below `most_opacity` because a
  logit of 1 is infinite.
- `local(written=True)` are the numbers a reader will have, gradients passing as if nothing had been rounded.
- Arrays are float32, but for the steps of `cluster_gaussians`; lengths are metres on the rest axes.

**Costs.** Some hundred Gaussians: nothing beside the originals that are drawn with them.
"""

from __future__ import annotations

from itertools import permutations, product
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pavfmt.arrays import BoolArray, Float64Array
from pavfmt.encoder.options import HAND_OVER_PRECISION
from pavfmt.model import Avatar, Beginning, Gaussians, Level, Rig
from pavfmt.posing import STATIC_RIG, PosedGaussians, quaternion_from_rotation
from pavfmt.registry import Binding, Site
from pavplayer.posing.tensor_frames import LocalGaussians, in_world
from pavplayer.rasterizers.harmonics import BAND_0
from pavtraining.fake_quantization import fake_quantized, quaternions_from_stereographic
from pavtraining.hand_over.clusters import Labels, means_by, nearest, plain_colours
from pavtraining.hand_over.configuration import HandOverConfiguration
from pavtraining.hand_over.training_views import Splats, TrainingView, projected

FIRST_OPACITY = 0.9


def cluster_gaussians(
    avatar: Avatar,
    rest: PosedGaussians,
    labels: Labels,
    weights: Float64Array,
    depth: float,
    scales: tuple[float, float],
) -> Gaussians:
    """One Gaussian with the moments of each cluster, `depth` metres beneath it, on the nearest vertex."""
    # Clusters of Gaussians that no view sees have some weight too, or they would have no centre.
    weights = weights + 1e-6 * weights.mean() + 1e-30
    centres = means_by(labels, weights, rest.means)
    spread = rest.means - centres[labels]
    # Law of total variance: what the members are wide by themselves, and how far they lie apart.
    each = _covariances(rest) + spread[:, :, None] * spread[:, None, :]
    turns, axes = _principal(means_by(labels, weights, each.reshape(-1, 9)).reshape(-1, 3, 3))
    colours = means_by(labels, weights, plain_colours(rest))
    rig = avatar.rig or STATIC_RIG
    neutral = (rig.mean_neutral if avatar.identity is None else avatar.identity.neutral).astype(np.float64)
    sites = np.zeros(len(centres), np.int32)
    if len(neutral):
        sites = nearest(centres, neutral).astype(np.int32)
        centres = centres - depth * _normals(rig, neutral)[sites] - neutral[sites]
    return Gaussians(
        sites=sites,
        means=centres.astype(np.float32),
        quats=quaternions_from_stereographic(torch.from_numpy(turns)).numpy().astype(np.float32),
        log_scales=np.log(np.clip(axes, *scales)),
        opacities=np.full(len(centres), FIRST_OPACITY),
        sh0=((colours - 0.5) / BAND_0)[:, None].astype(np.float32),
        shN=np.zeros((len(centres), 0, 3), np.float32),
    )


def _covariances(gaussians: PosedGaussians) -> Float64Array:
    """(N, 3, 3) in square metres."""
    w, x, y, z = (gaussians.quats / np.linalg.norm(gaussians.quats, axis=1, keepdims=True)).T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    axes = np.array(rows).transpose(2, 0, 1) * gaussians.scales[:, None, :]
    covariances: Float64Array = axes @ axes.transpose(0, 2, 1)
    return covariances


def _principal(covariances: Float64Array) -> tuple[Float64Array, Float64Array]:
    """(B, 3, 3) → stereographic rotations (B, 3) and standard deviations (B, 3) along their axes.

    Of the forms of one ellipsoid, axes in any order and direction, the one with the smallest rotation.
    """
    squares, vectors = np.linalg.eigh(covariances)
    lengths = np.sqrt(np.maximum(squares, 0.0))
    best, points, scales = np.full(len(vectors), -np.inf), np.zeros_like(lengths), np.zeros_like(lengths)
    for order in permutations(range(3)):
        for signs in product((1.0, -1.0), repeat=3):
            turned = vectors[:, :, order] * np.array(signs)  # of the 48, 24 are rotations
            nearer = (np.trace(turned, axis1=1, axis2=2) > best) & (np.linalg.det(turned) > 0)
            best[nearer] = np.trace(turned, axis1=1, axis2=2)[nearer]
            quats = quaternion_from_rotation(turned[nearer])
            quats = np.where(quats[:, :1] < 0, -quats, quats)
            points[nearer] = quats[:, 1:] / (1 + quats[:, :1])
            scales[nearer] = lengths[nearer][:, order]
    return points, scales


def _normals(rig: Rig, neutral: Float64Array) -> Float64Array:
    """(V0, 3) outward unit normals of the base mesh; 0 at vertices of no face."""
    a, b, c = (neutral[rig.faces[:, corner]] for corner in range(3))
    normals = np.zeros_like(neutral)
    for corner in range(3):
        np.add.at(normals, rig.faces[:, corner], np.cross(b - a, c - a))
    lengths: Float64Array = np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-30)
    return normals / lengths


class Base(torch.nn.Module):
    """B Gaussians, each carried by the skinning of a vertex (or of joint 0, where there is no mesh)."""

    def __init__(
        self,
        cover: Gaussians,
        lining: Gaussians,
        first: BoolArray,
        configuration: HandOverConfiguration,
        site: Site,
        height: float,
    ) -> None:
        """`first` says which of the cover come before the others; `height` is what an encoder's steps of means are
        shares of, in metres."""
        super().__init__()
        self._limits, self._site = configuration, site
        self._mean_step = HAND_OVER_PRECISION.mean_step * height
        self.cover_count = len(cover)
        self.part = np.concatenate([np.where(first, 0, 1), np.full(len(lining), 2)])
        """(B,) 0 for the first of the cover, 1 for the others, 2 for the lining: in this order they are sent."""
        both = [
            np.concatenate([getattr(one, name) for one in (cover, lining)])
            for name in ("means", "quats", "log_scales", "opacities", "sh0")
        ]
        means, quats, log_scales, opacities, sh0 = (torch.from_numpy(part) for part in both)
        self._sites = torch.from_numpy(np.concatenate([cover.sites, lining.sites])).long()
        self.means = torch.nn.Parameter(means)
        self.rotations = torch.nn.Parameter(quats[:, 1:] / (1 + quats[:, :1]))
        self.log_scales = torch.nn.Parameter(log_scales)
        self.logits = torch.nn.Parameter(torch.logit(opacities / configuration.most_opacity))
        self.colours = torch.nn.Parameter(0.5 + BAND_0 * sh0[:, 0])
        rows = np.flatnonzero(self.part == 0) if not first.all() else np.zeros(0, np.intp)
        # Fewer for the same surface: at n times fewer each has n times the area, √n times the width.
        wider = 0.5 * float(np.log(len(first) / max(len(rows), 1)))
        self._first = torch.from_numpy(rows)
        """Of the first part, which look otherwise while they are alone; none where all come together."""
        self.first_log_scales = torch.nn.Parameter(log_scales[self._first] + wider)
        self.first_logits = torch.nn.Parameter(self.logits.detach()[self._first])
        self.confine()

    def __len__(self) -> int:
        return len(self.means)

    def beginning(self, place: float) -> tuple[BoolArray, bool]:
        """(B,) which of it are shown where there are no originals yet: all, the cover, or its first, by 0..1; and
        whether the first are alone."""
        beginnings = [part for part in (2, 1, 0) if part in self.part]
        last = beginnings[int(place * len(beginnings))]
        return self.part <= last, last == 0 and len(beginnings) == 3

    def local(self, written: bool, is_first_alone: bool = False) -> LocalGaussians:
        """In the frames they hang on; `written`: as they will be read."""
        given = self._limits
        log_scales: Tensor = self.log_scales
        logits: Tensor = self.logits
        if is_first_alone:
            log_scales = log_scales.index_copy(0, self._first, self.first_log_scales)
            logits = logits.index_copy(0, self._first, self.first_logits)
        opacities = given.most_opacity * torch.sigmoid(logits)
        sh0 = ((self.colours - 0.5) / BAND_0)[:, None]
        if not written:
            return LocalGaussians(
                self.means, quaternions_from_stereographic(self.rotations), log_scales.exp(), opacities, sh0
            )
        return LocalGaussians(
            fake_quantized(self.means, self._mean_step),
            quaternions_from_stereographic(fake_quantized(self.rotations, HAND_OVER_PRECISION.quat_step)),
            fake_quantized(log_scales, HAND_OVER_PRECISION.log_scale_step).exp(),
            fake_quantized(opacities, HAND_OVER_PRECISION.opacity_step).clamp(0.0, 1.0),
            fake_quantized(sh0, HAND_OVER_PRECISION.sh0_step),
        )

    def splats(self, view: TrainingView, written: bool = True, is_first_alone: bool = False) -> Splats:
        """As a view shows them."""
        local = self.local(written, is_first_alone)
        return projected(in_world(local, view.frames.take(self._sites)), view.truth.camera)

    def confine(self) -> None:
        """Puts every number back into its range."""
        low, high = np.log(self._limits.scales)
        with torch.no_grad():
            self.log_scales.clamp_(float(low), float(high))
            self.first_log_scales.clamp_(float(low), float(high))
            self.rotations.clamp_(-1.0, 1.0)
            self.colours.clamp_(0.0, 1.0)

    def rates(self) -> list[dict[str, Any]]:
        """Parameter groups for Adam."""
        given = self._limits
        pairs = (
            (self.means, given.mean_rate),
            (self.rotations, given.rotation_rate),
            (self.log_scales, given.log_scale_rate),
            (self.logits, given.opacity_rate),
            (self.colours, given.colour_rate),
            (self.first_log_scales, given.log_scale_rate),
            (self.first_logits, given.opacity_rate),
        )
        return [{"params": [parameter], "lr": rate} for parameter, rate in pairs if len(parameter)]

    def level(self) -> Level:
        """As it will be written: a level of an avatar, cover first, without importance."""
        with torch.no_grad():
            local = self.local(written=True)
        gaussians = Gaussians(
            sites=self._sites.numpy().astype(np.int32),
            means=local.means.numpy().copy(),
            quats=local.quats.numpy().copy(),
            log_scales=local.scales.log().numpy(),
            opacities=local.opacities.numpy().copy(),
            sh0=local.sh.numpy().copy(),
            shN=np.zeros((len(self), 0, 3), np.float32),
        )
        return Level(gaussians, Binding.SURFACE_POINT, self._site, beginning=self._beginning())

    def _beginning(self) -> Beginning | None:
        if not len(self._first):
            return None
        with torch.no_grad():
            alone = self.local(written=True, is_first_alone=True)
        rows = self._first.numpy()
        return Beginning(rows, alone.opacities.numpy()[rows], alone.scales.log().numpy()[rows])
