"""Gaussians in world space while they are painted, and their way into face frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pavfmt.model import Float64Array, Gaussians
from pavfmt.posing import face_frames, quaternion_from_rotation, quaternion_product
from pavplayer.demo.surface import unit

SH0 = 0.28209479177387814


@dataclass(frozen=True)
class Strokes:
    """N Gaussians at rest, each hung on a face of one level."""

    faces: NDArray[np.int64]
    """(N,) faces of the level's forest."""
    centres: Float64Array
    """(N, 3) metres."""
    axes: Float64Array
    """(N, 3, 3) rotations, own axes as columns."""
    sigmas: Float64Array
    """(N, 3) metres along the own axes."""
    colours: Float64Array
    """(N, 3) display sRGB."""
    opacities: Float64Array
    """(N,) 0..1."""

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> Strokes:
        """The strokes at `rows`."""
        return Strokes(
            self.faces[rows],
            self.centres[rows],
            self.axes[rows],
            self.sigmas[rows],
            self.colours[rows],
            self.opacities[rows],
        )


def joined(parts: Sequence[Strokes]) -> Strokes:
    """Several sets as one."""
    return Strokes(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("faces", "centres", "axes", "sigmas", "colours", "opacities")
        )
    )


def along(directions: Float64Array, normals: Float64Array) -> Float64Array:
    """(N, 3, 3) axes whose first follows `directions` and whose third is as near `normals` as can be."""
    first = unit(directions)
    second = unit(np.cross(normals, first))
    return np.stack([first, second, np.cross(first, second)], axis=-1)


def nearest_faces(
    points: Float64Array, corners: Float64Array, candidates: NDArray[np.integer]
) -> NDArray[np.int64]:
    """(N, 3) points → (N,) which of the candidate faces (of (F, 3, 3) corners) has the nearest centroid."""
    centres = corners[candidates].mean(axis=1)
    found = np.empty(len(points), np.int64)
    for start in range(0, len(points), 512):
        block = points[start : start + 512]
        squares = (centres * centres).sum(axis=1) - 2 * block @ centres.T
        found[start : start + 512] = candidates[np.argmin(squares, axis=1)]
    return found


def discs(
    corners: Float64Array,
    faces: NDArray[np.integer],
    spread: Float64Array | float,
    colours: Float64Array,
    opacity: float,
) -> Strokes:
    """Flat Gaussians with the shape of their triangles, `spread` times a triangle's own standard deviation."""
    triangle = corners[faces]
    frames, _, centres = face_frames(triangle)
    flat = np.einsum("nkx,nxa->nka", triangle - centres[:, None], frames[..., [0, 2]])
    (xx, xz), (_, zz) = np.einsum("nka,nkb->abn", flat, flat) / 12
    angle = 0.5 * np.arctan2(2 * xz, xx - zz)
    mean, half = (xx + zz) / 2, np.sqrt(((xx - zz) / 2) ** 2 + xz**2)
    long, short = np.sqrt(mean + half), np.sqrt(np.maximum(mean - half, 1e-10))
    direction = np.cos(angle)[:, None] * frames[..., 0] + np.sin(angle)[:, None] * frames[..., 2]
    sigmas = np.reshape(spread, (-1, 1)) * np.stack(
        [long, np.maximum(short, 0.4 * long), 0.12 * np.sqrt(long * short)], axis=1
    )
    axes = along(direction, frames[..., 1])
    count = len(triangle)
    return Strokes(np.asarray(faces, np.int64), centres, axes, sigmas, colours, np.full(count, opacity))


def bound(strokes: Strokes, corners: Float64Array) -> Gaussians:
    """The strokes in the frames of their faces, `corners` (F, 3, 3) being the level's at rest; sorted by face."""
    strokes = strokes.take(np.argsort(strokes.faces, kind="stable"))
    frames, sizes, origins = face_frames(corners[strokes.faces])
    means = np.einsum("nkx,nk->nx", frames, strokes.centres - origins) / sizes[:, None]
    back = quaternion_from_rotation(frames) * np.array([1.0, -1.0, -1.0, -1.0])
    quats = quaternion_product(back, quaternion_from_rotation(strokes.axes))
    sh0 = (strokes.colours - 0.5) / SH0
    return Gaussians(
        strokes.faces.astype(np.int32),
        means.astype(np.float32),
        quats.astype(np.float32),
        np.log(strokes.sigmas / sizes[:, None]).astype(np.float32),
        strokes.opacities.astype(np.float32),
        sh0[:, None].astype(np.float32),
        np.zeros((len(sh0), 0, 3), np.float32),
    )
