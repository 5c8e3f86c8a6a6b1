"""Expressing Gaussians against the rig as it will be decoded, so that a coarse neutral costs nothing at rest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pavfmt.codec.quantization import dequantize_barycentrics, quantize_barycentrics
from pavfmt.encoder.options import EncodeOptions
from pavfmt.model import Avatar, Float32Array, Float64Array, Gaussians, Level, Pose
from pavfmt.posing import STATIC_RIG, level_frames, pose_mesh, quaternion_product
from pavfmt.registry import Binding

CONJUGATE = np.array([1.0, -1.0, -1.0, -1.0])
TINY_SIZE = 1e-12


def _rounded_level(level: Level, options: EncodeOptions) -> Level:
    """The level with its barycentric coordinates as they will be decoded."""

    def rounded(points: Float32Array, bits: int) -> Float32Array:
        return dequantize_barycentrics(quantize_barycentrics(points, bits))

    gaussians, splits = level.gaussians, level.splits
    if gaussians.barycentrics is not None:
        points = rounded(gaussians.barycentrics, options.barycentric_bits)
        gaussians = replace(gaussians, barycentrics=points)
    if splits is not None:
        splits = replace(splits, barycentrics=rounded(splits.barycentrics, options.split_bits))
    return replace(level, gaussians=gaussians, splits=splits)


def rebound(avatar: Avatar, decoded: Avatar, options: EncodeOptions) -> Avatar:
    """`avatar`'s Gaussians in the frames of `decoded`'s rest mesh: same place, rotation and size at rest.

    `decoded` has the rig and identity a decoder will see. Axes thinner than `options.minimum_scale` are thickened.
    """
    before = pose_mesh(avatar.rig or STATIC_RIG, avatar.identity, Pose())
    after = pose_mesh(decoded.rig or STATIC_RIG, decoded.identity, Pose())
    target = [_rounded_level(level, options) for level in avatar.levels]
    levels = []
    for number, level in enumerate(avatar.levels):
        origins, linear, quats, sizes = level_frames(avatar.levels, number, before)
        new_origins, new_linear, new_quats, new_sizes = level_frames(target, number, after)
        gaussians = level.gaussians
        means = origins + np.einsum("nkl,nl->nk", linear, gaussians.means.astype(np.float64))
        local = _inverse_map(new_linear, new_sizes, means - new_origins, level.binding)
        turn = quaternion_product(new_quats * CONJUGATE, quats)
        ratio = np.log(np.maximum(sizes, TINY_SIZE) / np.maximum(new_sizes, TINY_SIZE))
        floor = np.log(options.minimum_scale / np.maximum(new_sizes, TINY_SIZE))
        log_scales = np.maximum(gaussians.log_scales + ratio[:, None], floor[:, None])
        beginning = level.beginning
        if beginning is not None:
            early = beginning.log_scales + ratio[beginning.rows, None]
            beginning = replace(beginning, log_scales=np.maximum(early, floor[beginning.rows, None]))
        moved: Gaussians = replace(
            target[number].gaussians,
            means=local.astype(np.float32),
            quats=quaternion_product(turn, gaussians.quats.astype(np.float64)).astype(np.float32),
            log_scales=log_scales.astype(np.float32),
        )
        levels.append(replace(target[number], gaussians=moved, beginning=beginning))
    return replace(decoded, levels=tuple(levels))


def _inverse_map(
    linear: Float64Array, sizes: Float64Array, vectors: Float64Array, binding: Binding
) -> Float64Array:
    """Solve linear · x = vector: linear is size · rotation for a face, the identity at rest for a surface point."""
    if binding is Binding.SURFACE_POINT:
        return vectors
    turned: Float64Array = np.einsum("nlk,nl->nk", linear, vectors)
    turned /= np.maximum(sizes, TINY_SIZE)[:, None] ** 2
    return turned
