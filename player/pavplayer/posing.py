"""Posing for playback: `pavfmt.posing` with everything that does not move worked out once.

The mesh and its split points stay in float64, so that the frames of small faces are exact; the Gaussians, of
which there are many more, are float32. Vectors inside are component first: (3, N).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pavfmt.model import Avatar, Binding, Float32Array, Float64Array, Level, Pose, ShFrame, Site
from pavfmt.posing import STATIC_RIG, joint_transforms, quaternion_from_rotation
from pavfmt.subdivision import edges_of, subdivided_faces
from pavplayer import frames
from pavplayer.arrays import Array, ArrayNamespace, Library, open_namespace

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class PosedCloud:
    """N Gaussians in world space, float32 NumPy arrays or torch tensors: what a rasterizer draws."""

    means: Any
    """(N, 3) metres."""
    quats: Any
    """(N, 4) unit, (w, x, y, z)."""
    scales: Any
    """(N, 3) standard deviations in metres."""
    opacities: Any
    """(N,) 0..1."""
    sh: Any
    """(N, 1 + K, 3) coefficients, sh0 first."""
    sh_quats: Any | None = None
    """(N, 4): view directions are turned by the inverse of these before SH are evaluated."""


@dataclass(frozen=True)
class Motion:
    """One pose of the skeleton."""

    features: Float32Array
    """(9 · corrective joints,) entries of R − I, for the pose correctives."""
    rotations: Float64Array
    """(J, 3, 3): skinning moves a fully bound point p to R p + t."""
    translations: Float64Array
    """(J, 3) metres, root translation included."""

    def table(self, joints: slice | IntArray = slice(None)) -> Float64Array:
        """(J, 12) of some joints, or all: R row by row, then t."""
        rotations = self.rotations[joints].reshape(-1, 9)
        return np.concatenate([rotations, self.translations[joints]], axis=1)


class Mesh:
    """A rig's mesh with the split points of all levels appended to its vertices."""

    def __init__(self, avatar: Avatar, xp: ArrayNamespace) -> None:
        rig = avatar.rig or STATIC_RIG
        identity = avatar.identity
        neutral = rig.mean_neutral if identity is None else identity.neutral
        joints = rig.mean_joint_positions if identity is None else identity.joint_positions
        self.xp, self.rig = xp, rig
        self.joint_positions = joints.astype(np.float64)
        self.neutral = xp.put(neutral.T.astype(np.float64))
        self.shapes = xp.put(_component_first([shape.displacements for shape in rig.shapes], len(neutral)))
        self.correctives = None
        if rig.correctives is not None:
            self.correctives = xp.put(_component_first(rig.correctives.displacements, len(neutral)))
        self.edges = xp.put(edges_of(rig.faces).T.astype(np.int64)) if rig.subdivisions else None
        weights = rig.weights.astype(np.float64)
        self.host_weights = weights / weights.sum(axis=1, keepdims=True)
        self.weights = xp.put(self.host_weights.T)
        faces = subdivided_faces(rig.faces, len(neutral)) if rig.subdivisions else rig.faces
        self.corners, self.split_points = _forest(faces.astype(np.int64), len(weights), avatar.levels)
        self._splits = [(xp.put(parent.T), xp.put(beta.T)) for parent, beta in self.split_points]

    @property
    def point_count(self) -> int:
        """Vertices and split points."""
        splits: int = sum(parents.shape[1] for parents, _ in self._splits)
        return len(self.host_weights) + splits

    def forget_levels(self) -> None:
        """Let go of what only the making of bindings needs: faces above level 0 and the host's split points."""
        self.corners, self.split_points = self.corners[:1], []

    def motion(self, pose: Pose) -> Motion:
        """The skeleton in a pose; the joints follow the shapes first."""
        positions = self.joint_positions
        for shape in self.rig.shapes:
            weight = pose.weights.get(shape.name, 0.0)
            if weight and shape.joint_displacements is not None:
                positions = positions + weight * shape.joint_displacements
        local, rotations, translations = joint_transforms(self.rig, positions, pose)
        listed = [] if self.rig.correctives is None else list(self.rig.correctives.joints)
        features = (local[listed] - np.eye(3)).reshape(-1).astype(np.float32)
        return Motion(features, rotations, translations)

    def rest(self, weights: Mapping[str, float], motion: Motion) -> Array:
        """(3, V) vertices before skinning: neutral, weighted shapes, correctives, midpoints."""
        points = self.neutral
        wanted = np.array([weights.get(shape.name, 0.0) for shape in self.rig.shapes], np.float32)
        points = self._with_rows(points, wanted, self.shapes)
        if self.correctives is not None:
            points = self._with_rows(points, motion.features, self.correctives)
        if self.edges is None:
            return points
        ends = self.xp.take(points, self.edges)
        return self.xp.concatenate([points, (ends[:, 0] + ends[:, 1]) / 2], axis=1)

    def _with_rows(self, points: Array, weights: Float32Array, rows: Array) -> Array:
        """(3, V0) points plus Σ weight · row of (K,) weights and (K, 3 · V0) rows, but for weights of 0."""
        active = np.flatnonzero(weights)
        if not len(active):
            return points
        if self.xp.kernels is not None:
            return self.xp.kernels.add_rows(points, weights[active].astype(np.float64), active, rows)
        chosen = rows[self.xp.put(active)]
        return points + (self.xp.put(weights[active]) @ chosen).reshape(3, self.neutral.shape[1])

    def skinned(self, rest: Array, motion: Motion) -> Array:
        """(3, V) posed vertices."""
        table = motion.table()
        if self.xp.kernels is not None:
            points = np.empty((3, rest.shape[1]))
            self.xp.kernels.skin(rest, self.weights, table, points)
            return points
        blend = self.xp.put(table.T) @ self.weights  # (12, V)
        return self.xp.stack(frames.moved(blend, rest))

    def with_splits(self, points: Array) -> Array:
        """(3, V) points continued to the split points of every level, level after level."""
        if self.xp.kernels is not None:
            return self._with_splits_compiled(points)
        for parents, beta in self._splits:
            ends = self.xp.take(points, parents)  # (3, corner, split)
            points = self.xp.concatenate([points, (ends * beta).sum(1)], axis=1)
        return points

    def _with_splits_compiled(self, points: Array) -> Array:
        whole = np.empty((3, self.point_count))
        first = points.shape[1]
        whole[:, :first] = points
        for parents, beta in self._splits:
            self.xp.kernels.add_splits(parents, beta, first, whole)
            first += parents.shape[1]
        return whole


def _component_first(rows: Sequence[Float32Array] | Float32Array, count: int) -> Float32Array:
    """K arrays (V0, 3) as one (K, 3 · V0)."""
    stacked = np.asarray(rows, np.float32).reshape(len(rows), count, 3)
    return stacked.transpose(0, 2, 1).reshape(len(rows), 3 * count)


def _forest(
    faces: IntArray, point_count: int, levels: Sequence[Level]
) -> tuple[list[IntArray], list[tuple[IntArray, Float64Array]]]:
    """Per level the (F, 3) corners of its faces; per level above 0 the splits' parents' corners and β.

    Corners count the mesh's vertices first and then the split points.
    """
    corners, splits = [faces], []
    for level in levels[1:]:
        assert level.splits is not None  # Avatar's constructor checks it
        parents = corners[-1][level.splits.parents]
        beta = level.splits.barycentrics.astype(np.float64)
        a, b, c = parents.T
        p = point_count + np.arange(len(parents))
        point_count += len(parents)
        children = [np.stack(child, axis=1) for child in ((a, b, p), (b, c, p), (c, a, p))]
        corners.append(np.stack(children, axis=1).reshape(-1, 3))
        splits.append((parents, beta / beta.sum(axis=1, keepdims=True)))
    return corners, splits


@dataclass(frozen=True)
class Locals:
    """All Gaussians of an avatar, level after level or in file order, as they are stored."""

    levels: IntArray
    """(N,) which level each is of."""
    sites: IntArray
    means: Float32Array
    quats: Float32Array
    """(N, 4), normalised."""
    scales: Float32Array
    barycentrics: Float64Array
    """(N, 3), zeros where the site is no point on a face."""
    opacities: Float32Array
    sh: Float32Array

    def take(self, rows: NDArray[np.integer]) -> Locals:
        """The Gaussians at `rows`, in that order."""
        if len(rows) == len(self.levels) and (np.diff(rows) == 1).all():
            return self  # all, in this order
        return Locals(**{name: value[rows] for name, value in vars(self).items()})


def _locals_of(levels: Sequence[Level]) -> Locals:
    width = max(level.gaussians.shN.shape[1] for level in levels)
    parts = [_level_locals(number, level, width) for number, level in enumerate(levels)]
    return Locals(**{name: np.concatenate([vars(part)[name] for part in parts]) for name in vars(parts[0])})


def _level_locals(number: int, level: Level, width: int) -> Locals:
    """One level's Gaussians, with zeros for SH bands that other levels have."""
    gaussians = level.gaussians
    quats = gaussians.quats.astype(np.float64)
    missing = width - gaussians.shN.shape[1]
    higher = np.pad(gaussians.shN, ((0, 0), (0, missing), (0, 0)))
    beta = gaussians.barycentrics
    return Locals(
        levels=np.full(len(gaussians), number, np.int64),
        sites=gaussians.sites.astype(np.int64),
        means=gaussians.means,
        quats=(quats / np.linalg.norm(quats, axis=1, keepdims=True)).astype(np.float32),
        scales=np.exp(gaussians.log_scales.astype(np.float64)).astype(np.float32),
        barycentrics=np.zeros((len(gaussians), 3)) if beta is None else beta.astype(np.float64),
        opacities=gaussians.opacities,
        sh=np.concatenate([gaussians.sh0, higher], axis=1),
    )


Part = tuple[Array, Array, Array, Array]
"""World means (N, 3), quaternions (N, 4), scales (N, 3), and the bindings' rotations (4, N).

The last may have no columns where nobody asked for them.
"""


def joint_quaternions(rotations: Float64Array) -> tuple[Float32Array, Float64Array]:
    """Of joints' rotations (J, 3, 3): the signs (J, J) of their quaternions against each other, and these (J, 4)."""
    quats = quaternion_from_rotation(rotations)
    return np.where(quats @ quats.T < 0, np.float32(-1), np.float32(1)), quats


def _empty_part(count: int, turned: bool) -> tuple[Float32Array, Float32Array, Float32Array, Float32Array]:
    """Room for a Part."""
    return (
        np.empty((count, 3), np.float32),
        np.empty((count, 4), np.float32),
        np.empty((count, 3), np.float32),
        np.empty((4, count if turned else 0), np.float32),
    )


class FaceFrameBinding:
    """Gaussians that live in the frames of faces."""

    def __init__(self, mesh: Mesh, gaussians: Locals, turned: bool = True) -> None:
        """`turned`: whether somebody wants the bindings' rotations."""
        self.xp, self._turned = mesh.xp, turned
        first = np.cumsum([0, *(len(corners) for corners in mesh.corners)])
        faces, which = _by_first_use(gaussians.sites + first[gaussians.levels])
        corners = np.concatenate(mesh.corners)[faces]
        self._corners = [self.xp.put(column) for column in corners.T]
        self._which = self.xp.put(which)
        self._means = self.xp.put(gaussians.means.T)
        self._quats = self.xp.put(gaussians.quats.T)
        self._scales = self.xp.put(gaussians.scales)

    def leading(self, count: int) -> FaceFrameBinding:
        """The same for the first `count` Gaussians and the faces they use."""
        part = copy(self)
        part._which = self._which[:count]
        faces = int(part._which.max()) + 1 if count else 0
        part._corners = [column[:faces] for column in self._corners]
        part._means, part._quats = self._means[:, :count], self._quats[:, :count]
        part._scales = self._scales[:count]
        return part

    def frames(self, points: Array) -> Array:
        """(8, F) float32 for the faces in use: quaternion, size and centroid."""
        a, b, c = (self.xp.take(points, corner) for corner in self._corners)
        edge, other = b - a, c - a
        columns, sizes = frames.face_frames(self.xp, edge, other)
        quats = frames.quaternion_from_columns(self.xp, self.xp.single(columns))
        parts = [quats, sizes[None], a + (edge + other) / 3]
        return self.xp.concatenate([self.xp.single(part) for part in parts])

    def posed(self, points: Array) -> Part:
        """The Gaussians when vertices and split points are at `points`, (3, V + S)."""
        if self.xp.kernels is not None:
            return self._posed_compiled(points)
        table = self.xp.take(self.frames(points), self._which)
        quats, size, centre = table[:4], table[4], table[5:]
        turned = frames.rotated(quats, self._means)
        means = self.xp.stack([c + size * x for c, x in zip(centre, turned, strict=True)], axis=1)
        return means, frames.product(self.xp, quats, self._quats), size[:, None] * self._scales, quats

    def _posed_compiled(self, points: Array) -> Part:
        part = _empty_part(len(self._which), self._turned)
        table = self.xp.kernels.face_frames(points, tuple(self._corners))
        own = tuple(self._means), tuple(self._quats), self._scales
        self.xp.kernels.pose_on_faces(table, self._which, *own, *part)
        return part


class SurfacePointBinding:
    """Gaussians that the skinning of a point carries: a vertex, a point on a face, or a joint's origin."""

    def __init__(self, mesh: Mesh, gaussians: Locals, levels: Sequence[Level], turned: bool = True) -> None:
        """`turned`: whether somebody wants the bindings' rotations."""
        self.xp, self._turned = mesh.xp, turned
        corners, beta, weights = _anchors(mesh, gaussians, levels)
        self._joints = np.flatnonzero(weights.any(axis=0))
        weights = weights[:, self._joints]
        self._weights = self.xp.put(weights.T.astype(np.float32))
        self._heaviest = self.xp.put(np.argmax(weights, axis=1)) if weights.size else None
        self._corners = [self.xp.put(column) for column in corners.T]
        self._beta = [self.xp.put(column) for column in beta.T]
        self._means = self.xp.put(gaussians.means.T)
        self._quats = self.xp.put(gaussians.quats.T)
        self._scales = self.xp.put(gaussians.scales)

    def leading(self, count: int) -> SurfacePointBinding:
        """The same for the first `count` Gaussians."""
        part = copy(self)
        part._weights = self._weights[:, :count]
        part._heaviest = None if self._heaviest is None else self._heaviest[:count]
        part._corners = [column[:count] for column in self._corners]
        part._beta = [column[:count] for column in self._beta]
        part._means, part._quats = self._means[:, :count], self._quats[:, :count]
        part._scales = self._scales[:count]
        return part

    def posed(self, rest: Array, motion: Motion) -> Part:
        """The Gaussians; `rest` is (3, V + S + 1), unskinned, its last point the origin."""
        if self.xp.kernels is not None:
            return self._posed_compiled(rest, motion)
        points = self._means
        for corner, beta in zip(self._corners, self._beta, strict=True):
            points = points + beta * self.xp.take(rest, corner)
        blend = self.xp.put(motion.table(self._joints).T.astype(np.float32)) @ self._weights  # (12, N)
        quats = self._blended(motion)
        means = self.xp.stack(frames.moved(blend, self.xp.single(points)), axis=1)
        return means, frames.product(self.xp, quats, self._quats), self._scales, quats

    def _posed_compiled(self, rest: Array, motion: Motion) -> Part:
        means, quats, _, turns = part = _empty_part(len(self._scales), self._turned)
        if self._heaviest is None:
            return part
        on_joints = motion.table(self._joints), *self._joint_quats(motion)
        anchors = tuple(self._corners), tuple(self._beta), self._weights, self._heaviest
        own = tuple(self._means), tuple(self._quats)
        self.xp.kernels.pose_on_points(rest, *anchors, *on_joints, *own, means, quats, turns)
        return means, quats, self._scales, turns

    def _joint_quats(self, motion: Motion) -> tuple[Float32Array, Float64Array]:
        """Signs (J, J) of the joints' quaternions against each other, and these, (J, 4)."""
        return joint_quaternions(motion.rotations[self._joints])

    def _blended(self, motion: Motion) -> Array:
        """(4, N) normalised sums of the joints' quaternions, signs agreeing with the heaviest joint's."""
        agreement, quats = self._joint_quats(motion)
        weights = self._weights
        if (agreement < 0).any():
            weights = weights * self.xp.take(self.xp.put(agreement), self._heaviest)
        blend = self.xp.put(quats.T.astype(np.float32)) @ weights
        return blend / self.xp.sqrt((blend * blend).sum(0) + 1e-24)


def _by_first_use(faces: IntArray) -> tuple[IntArray, IntArray]:
    """The different ones of (N,) faces in the order they first come in, and which of these each is."""
    found, first, which = np.unique(faces, return_index=True, return_inverse=True)
    order = np.argsort(first)
    places = np.empty(len(order), np.int64)
    places[order] = np.arange(len(order))
    return found[order], places[which.reshape(-1)]


def _anchors(
    mesh: Mesh, gaussians: Locals, levels: Sequence[Level]
) -> tuple[IntArray, Float64Array, Float64Array]:
    """What surface points hang on: three points (N, 3), their β (N, 3), and skinning weights (N, J)."""
    extended = _extended_weights(mesh)
    corners = np.full((len(gaussians.sites), 3), mesh.point_count, np.int64)  # that one is the origin
    beta = np.zeros((len(corners), 3))
    weights = np.zeros((len(corners), extended.shape[1]))
    for number, level in enumerate(levels):
        rows = np.flatnonzero(gaussians.levels == number)
        sites = gaussians.sites[rows]
        if level.site is Site.JOINT:
            weights[rows, sites] = 1.0
            continue
        if level.site is Site.VERTEX:
            corners[rows], beta[rows] = sites[:, None], [1.0, 0.0, 0.0]
        else:
            corners[rows], beta[rows] = mesh.corners[number][sites], gaussians.barycentrics[rows]
        weights[rows] = np.einsum("nk,nkj->nj", beta[rows], extended[corners[rows]])
    return corners, beta, weights


def _extended_weights(mesh: Mesh) -> Float64Array:
    """(V + S, J): skinning weights of vertices and split points."""
    weights: Float64Array = mesh.host_weights
    for parents, beta in mesh.split_points:
        weights = np.concatenate([weights, np.einsum("sk,skj->sj", beta, weights[parents])])
    return weights


class Poser:
    """Poses one avatar again and again."""

    def __init__(
        self,
        avatar: Avatar,
        order: NDArray[np.integer] | None = None,
        xp: Library = "numpy",
        device: str | None = None,
        sh: Float32Array | None = None,
    ) -> None:
        """`order` lists the Gaussians to give out, numbered level after level; None: all of them.

        `sh`, (N, 1 + K, 3), are their coefficients in that order if they are not the avatar's; on the CPU they are
        held without a copy.
        """
        self.xp = open_namespace(xp, device)
        self.mesh = Mesh(avatar, self.xp)
        gaussians = _locals_of(avatar.levels)
        if order is not None:
            gaussians = gaussians.take(np.asarray(order))
        in_frame = np.array([level.binding is Binding.FACE_FRAME for level in avatar.levels])
        rows, others = (np.flatnonzero(in_frame[gaussians.levels] == kind) for kind in (True, False))
        local = np.array([level.sh_frame is ShFrame.LOCAL for level in avatar.levels])
        turned = bool(local.any())
        self._faces = FaceFrameBinding(self.mesh, gaussians.take(rows), turned) if len(rows) else None
        self._points = None
        if len(others) or not len(rows):
            self._points = SurfacePointBinding(self.mesh, gaussians.take(others), avatar.levels, turned)
        self._rows = None  # where those in face frames come, if there are others
        self._places = None  # and where the two parts' Gaussians go
        if len(rows) and len(others):
            self._rows = rows
            self._places = self.xp.put(np.argsort(np.concatenate([rows, others]), kind="stable"))
        self._sh_local = self.xp.put(local[gaussians.levels]) if turned else None
        self._opacities = self.xp.put(gaussians.opacities)
        self._sh = self.xp.put(gaussians.sh if sh is None else sh)
        self.mesh.forget_levels()

    def __len__(self) -> int:
        """How many Gaussians it gives out."""
        return len(self._opacities)

    def leading(self, count: int) -> Poser:
        """A poser of the first `count` Gaussians of this one's order: it shares the arrays and poses no others."""
        part = copy(self)
        in_frame = count if self._points is None else 0
        if self._rows is not None and self._places is not None:
            in_frame, places = int(np.searchsorted(self._rows, count)), self._places[:count]
            part._places = places - (len(self._rows) - in_frame) * (places >= len(self._rows))
            part._rows = self._rows[:in_frame]
        if self._faces is not None:
            part._faces = self._faces.leading(in_frame)
        if self._points is not None:
            part._points = self._points.leading(count - in_frame)
        if self._sh_local is not None:
            part._sh_local = self._sh_local[:count]
        part._opacities, part._sh = self._opacities[:count], self._sh[:count]
        return part

    def frame(self, pose: Pose) -> PosedCloud:
        """The avatar's Gaussians in a pose. Opacities and SH are the same arrays every time."""
        motion = self.mesh.motion(pose)
        rest = self.mesh.rest(pose.weights, motion)
        parts = []
        if self._faces is not None:
            parts.append(self._faces.posed(self.mesh.with_splits(self.mesh.skinned(rest, motion))))
        if self._points is not None:
            extended = self.mesh.with_splits(rest)
            origin = self.xp.put(np.zeros((3, 1)))
            parts.append(self._points.posed(self.xp.concatenate([extended, origin], axis=1), motion))
        means, quats, scales, turns = parts[0] if len(parts) == 1 else self._joined(parts)
        return PosedCloud(means, quats, scales, self._opacities, self._sh, self._sh_frames(turns))

    def _joined(self, parts: Sequence[Part]) -> Part:
        """Both bindings' Gaussians as one, in the order asked for."""
        assert self._places is not None
        means, quats, scales, turns = zip(*parts, strict=True)
        rows = [self.xp.concatenate(part)[self._places] for part in (means, quats, scales)]
        turn = self.xp.concatenate(turns, axis=1)
        if self._sh_local is not None:
            turn = self.xp.take(turn, self._places)
        return rows[0], rows[1], rows[2], turn

    def _sh_frames(self, turns: Array) -> Array | None:
        """(N, 4): the bindings' rotations where SH are in local axes and no rotation elsewhere."""
        if self._sh_local is None:
            return None
        still = self.xp.put(np.array([[1.0], [0.0], [0.0], [0.0]], np.float32))
        chosen = self.xp.where(self._sh_local, turns, still)
        return self.xp.stack([chosen[0], chosen[1], chosen[2], chosen[3]], axis=1)
