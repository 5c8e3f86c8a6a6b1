"""Expressing Gaussians against the rig as it will be decoded, so that a coarse neutral costs nothing at rest.

A neutral in steps of 0.1 mm moves every face a little, and a Gaussian given in a face's frame (§8) would move with it.
The encoder knows both meshes, so it solves for the local mean, rotation and scale that put the Gaussian in the world,
at rest, where it was. The same holds for the barycentric coordinates of splits and of surface points: they are rounded
first, to few bits, and what was rounded off goes into the means. In other poses both meshes move by the same shapes and
joints, so that what comes back is the rounding error alone, turned and stretched with the skin.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pavfmt.arrays import Float32Array, Float64Array
from pavfmt.codec.quantization import dequantize_barycentrics, quantize_barycentrics
from pavfmt.encoder.options import EncodeOptions
from pavfmt.model import Avatar, Gaussians, Level
from pavfmt.posing import avatar_mesh, level_frames, quaternion_product
from pavfmt.registry import Binding

CONJUGATE = np.array([1.0, -1.0, -1.0, -1.0])
"""Times a quaternion (w, x, y, z): the inverse rotation."""
TINY_SIZE = 1e-12
"""Metres: no face is taken to be smaller, so that degenerate ones divide by something."""


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
    """`avatar`'s Gaussians in the frames of `decoded`'s rest mesh: same mean, rotation and size in the world at rest.

    `decoded` has the rig and identity a decoder will see. Axes thinner than `options.minimum_scale` are thickened.
    """
    before, after = avatar_mesh(avatar), avatar_mesh(decoded)
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
