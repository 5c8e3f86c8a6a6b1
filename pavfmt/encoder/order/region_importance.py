"""Which Gaussians the pixels of a rig's named regions are made of.

Where a Gaussian sits does not say it: hair hangs before the eyes, and skin that is not opaque shows what is behind it.
Bits by site, with whatever margin, leave the pixels of a region far from what they should be
(spec/decisions/0015-units-by-region.md). So pictures are drawn, and what a Gaussian adds to a region is its blending
weight summed over the pixels, each counting as far as it shows Gaussians whose sites lie in the region.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Float64Array
from pavfmt.encoder.order.importance import EXPRESSIONS
from pavfmt.encoder.order.regions import site_region_bits
from pavfmt.encoder.pictures import Cameras, OrbitView, Progress, Renderer, level_pictures
from pavfmt.model import SH_C0, Avatar, Rig
from pavfmt.posing import PosedGaussians

CAMERAS: Cameras = ((0, 0), (25, 0), (-25, 0), (12, -12), (-12, 20))
"""Fewer than those of the importance: each picture is drawn again for every region."""

LEFT_OUT = 1e-3
"""A Gaussian matters to a region unless it is among the weakest that add up to this share of the region."""


def with_measured_regions(avatar: Avatar, renderer: Renderer, progress: Progress | None = None) -> Avatar:
    """The avatar with each Gaussian's region bits from pictures; as it is if its rig names no regions."""
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
    avatar: Avatar, rig: Rig, renderer: Renderer, progress: Progress | None = None
) -> list[Float64Array]:
    """Per level (N, K) what each Gaussian adds to each of the rig's K regions, over CAMERAS × EXPRESSIONS."""
    site_bits = site_region_bits(avatar)
    totals = [np.zeros((len(level.gaussians), len(rig.regions))) for level in avatar.levels]
    for number, drawn, view in level_pictures(avatar, CAMERAS, EXPRESSIONS, progress):
        bits, total = np.concatenate(site_bits[: number + 1]), totals[number]
        for index in range(len(rig.regions)):
            shares = shown(drawn, (bits >> index & 1).astype(bool), view, renderer)
            added = renderer.contributions(drawn, view, shares)
            total[:, index] += added[len(added) - len(total) :]
    return totals


def shown(
    gaussians: PosedGaussians, some: NDArray[np.bool_], view: OrbitView, renderer: Renderer
) -> NDArray[np.floating]:
    """(H, W) 0..1: how much of each pixel `some` (N,) of the Gaussians make.

    They are drawn black and all others white, over white: what is missing of white is theirs.
    """
    white = 0.5 / SH_C0
    painted = np.where(some, -white, white)[:, None, None] * np.ones((1, 1, 3))
    picture = renderer.picture(replace(gaussians, sh=painted, sh_quats=None), view)
    shares: NDArray[np.floating] = 1.0 - picture[..., 0]
    return shares
