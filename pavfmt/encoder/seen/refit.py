"""Colours fitted anew after everything else is rounded: in closed form, since pictures are linear in them.

Rounded positions, shapes and opacities, and Gaussians that are left out, change every picture a little; the colours of
those that stay can take most of it back. Over the sights of all framings, half size, they are the least squares

    min_x  Σ_f 1/n_f Σ_{v∈f} |A_v (c + x) − C_v|²  +  λ Σ_i d_i |x_i|²,

A_v being the blending weights α T of picture v, C_v the source's picture, over the mean of black and white, d the
diagonal of Σ AᵀA. The matrix is never written down: a few steps of conjugate gradients, preconditioned by d, draw each
picture and gather it back. λ keeps a colour where it is as far as pictures say nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Float64Array
from pavfmt.encoder.hand_over import completed
from pavfmt.encoder.pictures import ColourMap, OrbitView, Progress, Renderer
from pavfmt.encoder.seen.views import Framing, by_pose
from pavfmt.model import Avatar
from pavfmt.posing import PosedGaussians, pose_avatar

SHRINK = 2
STEPS = 4
"""Of conjugate gradients: the fourth still takes a few percent off the error."""
RIDGE = 0.02
"""λ: a colour that alone makes its pixels still moves 98 % of the way."""
LEAST_SEEN = 1e-4
"""Of the median of d: added to d, so that what is hardly seen does not move."""


@dataclass(frozen=True)
class _Equation:
    """One picture's share of the least squares."""

    matrix: ColourMap
    weight: float
    rest: NDArray[np.float32]
    """(H, W, 3) what the picture lacks."""


class ColourFit:
    """Fits the colours of avatars to the pictures of one source, again and again."""

    def __init__(self, source: Avatar, renderer: Renderer, framings: Sequence[Framing]) -> None:
        self._renderer = renderer
        self._framings = framings
        self._targets: list[NDArray[np.float32]] = []
        for pose, views in by_pose(framings):
            posed = pose_avatar(completed(source), pose)
            for _, view in views:
                self._targets.append(self._picture(posed, view))

    def _picture(self, posed: PosedGaussians, view: OrbitView) -> NDArray[np.float32]:
        """(H, W, 3) over middle grey, the mean of black and white."""
        matrix = self._renderer.colour_map(posed, view, SHRINK)
        return _over_grey(matrix.blend(matrix.colours))

    def _equations(self, avatar: Avatar) -> list[_Equation]:
        found, targets = [], iter(self._targets)
        for pose, views in by_pose(self._framings):
            posed = pose_avatar(completed(avatar), pose)
            for number, view in views:
                matrix = self._renderer.colour_map(posed, view, SHRINK)
                rest = next(targets) - _over_grey(matrix.blend(matrix.colours))
                found.append(_Equation(matrix, 1 / (len(self._framings[number].sights) * rest.size), rest))
        return found

    def correction(self, avatar: Avatar, progress: Progress | None = None) -> Float64Array:
        """(N, 3) what the colours of the avatar's Gaussians, level after level, should change by."""
        equations = self._equations(avatar)
        count = avatar.gaussian_count
        gathered = sum((one.weight * one.matrix.gather(one.rest) for one in equations), np.zeros((count, 4)))
        seen = gathered[:, 3]
        if not (seen > 0).any():
            return np.zeros((count, 3))
        ridge = RIDGE * seen + LEAST_SEEN * float(np.median(seen[seen > 0]))

        def product(x: Float64Array) -> Float64Array:
            result = ridge[:, None] * x
            for one in equations:
                result += one.weight * one.matrix.gather(one.matrix.blend(x)[..., :3])[:, :3]
            return result

        return _conjugate_gradients(product, gathered[:, :3], (seen + ridge)[:, None], progress)


def _conjugate_gradients(
    product: Callable[[Float64Array], Float64Array],
    target: Float64Array,
    diagonal: Float64Array,
    progress: Progress | None,
) -> Float64Array:
    """x with product(x) ≈ target after STEPS steps, from 0; preconditioned by `diagonal`."""
    x, rest = np.zeros_like(target), target.copy()
    scaled = rest / diagonal
    direction, size = scaled.copy(), float((rest * scaled).sum())
    for step in range(STEPS):
        if size <= 0:
            break
        image = product(direction)
        along = size / float((direction * image).sum())
        x += along * direction
        rest -= along * image
        scaled = rest / diagonal
        before, size = size, float((rest * scaled).sum())
        direction = scaled + size / before * direction
        if progress is not None:
            progress((step + 1) / STEPS)
    return x


def _over_grey(layers: NDArray[np.float32]) -> NDArray[np.float32]:
    return layers[..., :3] + 0.5 * layers[..., 3:]
