"""Which Gaussians the pixels of a rig's named regions are made of.

Where a Gaussian sits does not tell: hair hangs before the eyes, and skin that is not opaque shows what is behind it.
So pictures are drawn, and what a Gaussian adds to a region is its blending weight summed over the pixels, each
counting as far as it shows Gaussians whose sites lie in the region.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pavfmt.encoder.hand_over import completed
from pavfmt.encoder.order.importance import EXPRESSIONS, View, known_expressions, orbit
from pavfmt.encoder.order.regions import site_region_bits
from pavfmt.model import Avatar, Float64Array, Pose, Rig
from pavfmt.posing import PosedGaussians, concatenate, pose_level, pose_mesh

VIEWS: tuple[tuple[float, float], ...] = ((0, 0), (25, 0), (-25, 0), (12, -12), (-12, 20))
"""Yaw and pitch in degrees; none is among those quality is reported on."""

LEFT_OUT = 1e-3
"""A Gaussian matters to a region unless it is among the weakest that add up to this share of the region."""

SH0 = 0.28209479177387814


class RegionRenderer(Protocol):
    """What measuring regions needs from a renderer."""

    def picture(self, gaussians: PosedGaussians, view: View) -> NDArray[np.floating]:
        """(H, W, 3) display sRGB over white."""

    def contributions(
        self, gaussians: PosedGaussians, view: View, shares: NDArray[np.floating] | None = None
    ) -> NDArray[np.floating]:
        """(N,) Σ α·T of each Gaussian over the pixels of one picture, each counting its share (H, W)."""


def with_measured_regions(
    avatar: Avatar, renderer: RegionRenderer, progress: Callable[[float], None] | None = None
) -> Avatar:
    """The avatar with each Gaussian's region bits as pictures tell them; as it is if its rig names no regions."""
    if avatar.rig is None or not avatar.rig.regions:
        return avatar
    weights = np.concatenate(region_weights(avatar, avatar.rig, renderer, progress))
    bits = np.zeros(len(weights), np.uint16)
    for index, column in enumerate(weights.T):
        bits |= np.where(matters(column), np.uint16(1 << index), np.uint16(0))
    ends = np.cumsum([len(level.gaussians) for level in avatar.levels])
    levels = tuple(
        replace(level, gaussians=replace(level.gaussians, regions=own))
        for level, own in zip(avatar.levels, np.split(bits, ends[:-1]), strict=True)
    )
    return replace(avatar, levels=levels)


def matters(weights: Float64Array) -> NDArray[np.bool_]:
    """(N,) all but the weakest, whose sum stays within LEFT_OUT of all."""
    order = np.argsort(weights, kind="stable")
    weak = np.cumsum(weights[order]) <= LEFT_OUT * weights.sum()
    result = np.ones(len(weights), np.bool_)
    result[order[weak]] = False
    return result


def region_weights(
    avatar: Avatar, rig: Rig, renderer: RegionRenderer, progress: Callable[[float], None] | None = None
) -> list[Float64Array]:
    """Per level (N, K) what each Gaussian adds to each of the rig's regions, over VIEWS × EXPRESSIONS.

    Each level is drawn with the levels before it, as `pavfmt.encoder.order.importance` does.
    """
    site_bits = site_region_bits(avatar)
    expressions = known_expressions(rig, EXPRESSIONS)
    totals = [np.zeros((len(level.gaussians), len(rig.regions))) for level in avatar.levels]
    done, count = 0, len(expressions) * len(VIEWS) * len(totals)
    for weights in expressions:
        mesh = pose_mesh(rig, avatar.identity, Pose(weights))
        for number, total in enumerate(totals):
            levels = completed(replace(avatar, levels=avatar.levels[: number + 1])).levels
            drawn = concatenate([pose_level(levels, one, mesh) for one in range(number + 1)])
            bits = np.concatenate(site_bits[: number + 1])
            for yaw, pitch in VIEWS:
                view = orbit(mesh.rest_vertices, yaw, pitch)
                for index in range(len(rig.regions)):
                    shares = shown(drawn, (bits >> index & 1).astype(bool), view, renderer)
                    added = renderer.contributions(drawn, view, shares)
                    total[:, index] += added[len(added) - len(total) :]
                done += 1
                if progress is not None:
                    progress(done / count)
    return totals


def shown(
    gaussians: PosedGaussians, some: NDArray[np.bool_], view: View, renderer: RegionRenderer
) -> NDArray[np.floating]:
    """(H, W) how much of each pixel `some` (N,) of the Gaussians make: they are drawn black, all else is white."""
    white = 0.5 / SH0
    painted = np.where(some, -white, white)[:, None, None] * np.ones((1, 1, 3))
    picture = renderer.picture(replace(gaussians, sh=painted, sh_quats=None), view)
    shares: NDArray[np.floating] = 1.0 - picture[..., 0]
    return shares
