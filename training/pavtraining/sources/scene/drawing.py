"""Pictures of the scene's head in a pose, from a camera."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Float64Array
from pavfmt.model import Identity, Pose
from pavfmt.posing import PosedMesh, face_frames, pose_mesh
from pavplayer.camera import Camera
from pavtraining.sources.scene.eyes import Eye
from pavtraining.sources.scene.head import Head
from pavtraining.sources.scene.light import BACK_DIRECTION, FILL_DIRECTION, KEY_DIRECTION, WINDOW_DIRECTION
from pavtraining.sources.scene.shading import Posed, Still, shade
from pavtraining.sources.scene.surface import unit, vertex_normals
from pavtraining.sources.scene.visibility import seen_triangles
from pavtraining.sources.view import Mask, Picture

SAMPLES = 2
"""Along each side of a pixel."""
LENS = 0.11
"""With a pixel's own width this blurs by 0.3 square pixels, as the rules for Gaussians do; so do cameras."""
NEAR = 0.02
"""Metres in front of the camera that nothing is drawn within."""


def draw(head: Head, camera: Camera, pose: Pose, background: float = 1.0) -> tuple[Picture, Mask]:
    """The picture (H, W, 3) and what share of each pixel the head covers (H, W)."""
    posed = posed_head(head, camera, pose)
    width, height = SAMPLES * camera.width, SAMPLES * camera.height
    seen, _ = seen_triangles(posed.projected, head.triangles, head.ribbons_from, width, height)
    picture = np.empty((camera.height, camera.width, 3), np.float32)
    mask = np.empty((camera.height, camera.width), np.float32)
    shade(seen, SAMPLES, _still(head), posed, background, picture, mask)
    return softened(picture), softened(mask)


def softened(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """(H, W, …) as a lens leaves it: across and down, each pixel gives `LENS` to either neighbour."""
    for axis in (0, 1):
        ends = [(1, 1) if number == axis else (0, 0) for number in range(values.ndim)]
        padded = np.moveaxis(np.pad(values, ends, mode="edge"), axis, 0)
        mixed = np.float32(1 - 2 * LENS) * padded[1:-1] + np.float32(LENS) * (padded[:-2] + padded[2:])
        values = np.moveaxis(mixed, 0, axis)
    return np.ascontiguousarray(values)


def _still(head: Head) -> Still:
    return Still(
        head.triangles,
        head.eyes_from,
        (head.eyes_from + head.ribbons_from) // 2,
        head.ribbons_from,
        head.still,
        head.texels.starts,
        head.texels.steps,
        head.texels.values,
        head.iris,
    )


def posed_head(head: Head, camera: Camera, pose: Pose) -> Posed:
    """Everything that moves with the pose or the camera."""
    mesh = pose_mesh(head.rig, head.raised, pose)
    turn = mesh.joint_rotations[head.rig.joint_names.index("head")]
    frames, _, centroids = face_frames(mesh.vertices[mesh.faces])
    turns = frames @ head.frames.transpose(0, 2, 1)
    parts = [_skin(mesh), *_eyeballs(head, mesh, turn), _ribbons(head, turns, centroids)]
    positions, normals, tangents = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    axes = [eye.axes @ eye_motion(head.raised, eye, mesh)[0].T for eye in head.eyes]
    return Posed(
        camera.position,
        _projected(positions, camera),
        positions,
        normals,
        tangents,
        turns[head.skin_faces],
        np.stack(axes),
        _lights(turn),
    )


Part = tuple[Float64Array, Float64Array, Float64Array]
"""Positions, normals and tangents (V, 3)."""


def _skin(mesh: PosedMesh) -> Part:
    return mesh.vertices, vertex_normals(mesh.vertices, mesh.faces), np.zeros_like(mesh.vertices)


def _eyeballs(head: Head, mesh: PosedMesh, turn: Float64Array) -> Iterator[Part]:
    """The tangents hold where the vertices lie in their sockets, in the head's axes."""
    for eye, ball in zip(head.eyes, head.balls, strict=True):
        rotation, centre = eye_motion(head.raised, eye, mesh)
        away = (ball - eye.centre) @ rotation.T
        yield away + centre, unit(away), away @ turn


def _ribbons(head: Head, turns: Float64Array, centroids: Float64Array) -> Part:
    """Each ribbon moves stiffly with its face."""
    hosts, width = head.ribbons.hosts, 2 * head.ribbons.spines.shape[1]

    def turned(vectors: Float64Array) -> Float64Array:
        return vectors.reshape(-1, width, 3) @ turns[hosts].transpose(0, 2, 1)

    away = head.ribbons.vertices().reshape(-1, width, 3) - head.centroids[hosts][:, None]
    placed = turned(away) + centroids[hosts][:, None]
    normals, tangents = turned(head.ribbon_normals), turned(head.ribbons.tangents())
    return placed.reshape(-1, 3), normals.reshape(-1, 3), tangents.reshape(-1, 3)


def _projected(positions: Float64Array, camera: Camera) -> Float64Array:
    """(V, 3) column and row in samples, and 1 / depth; 0 for what is not in front of the camera."""
    x, y, depth = (
        positions[:, 0] * row[0] + positions[:, 1] * row[1] + positions[:, 2] * row[2] + move
        for row, move in zip(camera.rotation, camera.translation, strict=True)
    )
    near = np.where(depth > NEAR, 1 / np.maximum(depth, NEAR), 0.0)
    columns, rows = camera.fx * x * near + camera.cx, camera.fy * y * near + camera.cy
    return np.stack([SAMPLES * columns, SAMPLES * rows, near], axis=1)


def _lights(turn: Float64Array) -> Float64Array:
    """(7, 3) rows as `materials` lists them, for a head turned by (3, 3)."""
    key = unit(np.array(KEY_DIRECTION))
    up, window = np.array([0.0, 1.0, 0.0]), unit(np.array(WINDOW_DIRECTION))
    right = unit(np.cross(up, window))
    rows = [key, unit(np.array(FILL_DIRECTION)), unit(np.array(BACK_DIRECTION)), up]
    rows += [window, right, np.cross(window, right)]
    return np.ascontiguousarray(np.stack(rows) @ turn.T)


def eye_motion(rest: Identity, eye: Eye, mesh: PosedMesh) -> tuple[Float64Array, Float64Array]:
    """How the rig moves an eyeball: the rotation (3, 3) that fits its vertices best, and its centre's place."""
    before = rest.neutral[eye.rows].astype(np.float64) - eye.centre
    after = mesh.vertices[eye.rows]
    middle_before, middle_after = before.mean(axis=0), after.mean(axis=0)
    u, _, vt = np.linalg.svd((after - middle_after).T @ (before - middle_before))
    rotation = u @ np.diag([1.0, 1.0, np.linalg.det(u @ vt)]) @ vt
    return rotation, middle_after - rotation @ middle_before
