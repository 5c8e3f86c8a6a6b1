"""The plain rasterizer: NumPy, float64, slow and obvious. The others are tested against it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pavfmt.posing import rotation_from_quaternion
from pavplayer.camera import Camera
from pavplayer.rasterizers import harmonics, rules
from pavplayer.rasterizers.cloud import Background, GaussianCloud

Float64Array = NDArray[np.float64]
Pixels = tuple[slice, slice]


def view_colours(gaussians: GaussianCloud, camera: Camera) -> Float64Array:
    """(N, 3) colours as seen from the camera's centre."""
    rays = np.asarray(gaussians.means, np.float64) - camera.position
    rays = rays / np.maximum(np.linalg.norm(rays, axis=1, keepdims=True), 1e-30)
    if gaussians.sh_quats is not None:
        turned = rotation_from_quaternion(np.asarray(gaussians.sh_quats, np.float64))
        rays = np.einsum("nkl,nk->nl", turned, rays)  # the transpose: the inverse rotation
    return harmonics.colours(np.asarray(gaussians.sh, np.float64), rays)


def project(gaussians: GaussianCloud, camera: Camera) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Centres (N, 2) in pixels, blurred 2D covariances (N, 2, 2) in square pixels, depths (N,) in metres."""
    points = np.asarray(gaussians.means, np.float64) @ camera.rotation.T + camera.translation
    x, y, depths = points.T
    z = np.where(depths > 0, depths, 1.0)  # the others are not drawn
    margin = rules.FIELD_OF_VIEW_MARGIN
    wide, high = margin * camera.width / 2, margin * camera.height / 2
    tx = np.clip(x / z, -(camera.cx + wide) / camera.fx, (camera.width - camera.cx + wide) / camera.fx)
    ty = np.clip(y / z, -(camera.cy + high) / camera.fy, (camera.height - camera.cy + high) / camera.fy)
    jacobians = np.zeros((len(points), 2, 3))
    jacobians[:, 0, 0], jacobians[:, 0, 2] = camera.fx / z, -camera.fx * tx / z
    jacobians[:, 1, 1], jacobians[:, 1, 2] = camera.fy / z, -camera.fy * ty / z
    axes = rotation_from_quaternion(np.asarray(gaussians.quats, np.float64))
    spread = jacobians @ camera.rotation @ (axes * np.asarray(gaussians.scales, np.float64)[:, None, :])
    covariances = spread @ spread.transpose(0, 2, 1) + rules.COVARIANCE_BLUR * np.eye(2)
    centres = np.stack([camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy], axis=1)
    return centres, covariances, depths


def _covered(centre: Float64Array, radius: Float64Array, camera: Camera) -> Pixels:
    """The pixels within `radius` of `centre`, rows and columns, inside the picture."""
    first = np.clip(np.floor(centre - radius - 0.5), 0, (camera.width, camera.height)).astype(int)
    last = np.clip(np.ceil(centre + radius + 0.5), 0, (camera.width, camera.height)).astype(int)
    return slice(first[1], last[1]), slice(first[0], last[0])


def _alphas(centre: Float64Array, covariance: Float64Array, opacity: float, pixels: Pixels) -> Float64Array:
    """α at the centres of the pixels; 0 where the Gaussian does not cover them."""
    rows, columns = pixels
    dx = np.arange(columns.start, columns.stop) + 0.5 - centre[0]
    dy = (np.arange(rows.start, rows.stop) + 0.5 - centre[1])[:, None]
    (a, b), (_, c) = np.linalg.inv(covariance)
    alphas = opacity * np.exp(-0.5 * (a * dx * dx + c * dy * dy) - b * dx * dy)
    return np.where(alphas >= rules.ALPHA_MINIMUM, np.minimum(alphas, rules.ALPHA_MAXIMUM), 0.0)


def blend(
    gaussians: GaussianCloud, camera: Camera, add: Callable[[int, Pixels, Float64Array], None]
) -> Float64Array:
    """Calls `add(index, pixels, α·T)` for each Gaussian, nearest first; returns what T is left, (H, W)."""
    centres, covariances, depths = project(gaussians, camera)
    opacities = np.asarray(gaussians.opacities, np.float64)
    transmittance = np.ones((camera.height, camera.width))
    live = np.ones((camera.height, camera.width), bool)
    for index in np.argsort(depths.astype(np.float32), kind="stable"):
        opacity = float(opacities[index])
        if not rules.NEAR_PLANE <= depths[index] <= rules.FAR_PLANE or opacity < rules.ALPHA_MINIMUM:
            continue
        reach = 2 * np.log(opacity / rules.ALPHA_MINIMUM)  # α ≥ 1/255 is where the squared distance is less
        pixels = _covered(centres[index], np.sqrt(reach * np.diag(covariances[index])), camera)
        alphas = _alphas(centres[index], covariances[index], opacity, pixels)
        after = transmittance[pixels] * (1 - alphas)
        live[pixels] &= (alphas == 0) | (after > rules.TRANSMITTANCE_MINIMUM)
        add(int(index), pixels, np.where(live[pixels], alphas * transmittance[pixels], 0.0))
        transmittance[pixels] = np.where(live[pixels], after, transmittance[pixels])
    return transmittance


class PlainRasterizer:
    """A rasterizer that shows what the others must do."""

    def render(
        self, gaussians: GaussianCloud, camera: Camera, background: Background = (1.0, 1.0, 1.0)
    ) -> NDArray[np.float32]:
        """The picture as (H, W, 3) float32, display sRGB in 0..1."""
        colours = view_colours(gaussians, camera)
        picture = np.zeros((camera.height, camera.width, 3))

        def add(index: int, pixels: Pixels, weights: Float64Array) -> None:
            picture[pixels] += weights[..., None] * colours[index]

        transmittance = blend(gaussians, camera, add)
        picture += transmittance[..., None] * np.asarray(background, np.float64)
        return np.clip(picture, 0.0, 1.0).astype(np.float32)

    def contributions(
        self, gaussians: GaussianCloud, camera: Camera, shares: NDArray[np.floating] | None = None
    ) -> NDArray[np.float32]:
        """(N,) float32: Σ α·T over the pixels, for each Gaussian; each pixel counts its share (H, W)."""
        totals = np.zeros(len(gaussians.means))

        def add(index: int, pixels: Pixels, weights: Float64Array) -> None:
            totals[index] = weights.sum() if shares is None else (weights * shares[pixels]).sum()

        blend(gaussians, camera, add)
        return totals.astype(np.float32)
