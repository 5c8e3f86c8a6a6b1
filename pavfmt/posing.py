"""Posing in NumPy, slow and obvious: the reference for §7 (posing) and §8 (binding).

A pose moves the base mesh by shapes and correctives, the joints turn it (linear blend skinning), and each Gaussian is
carried by a frame: of its posed face, or of the blend of joint transforms at its point of the surface. The player's
faster ways (`pavplayer.posing`) are tested against this one, and vectors hold its results.

Everything is float64. Quaternions are (w, x, y, z); rotation matrices act on column vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pavfmt.arrays import Float64Array, Int32Array
from pavfmt.codec.subdivision import edges_of, subdivided_faces, subdivided_values
from pavfmt.model import Avatar, Identity, Level, Pose, Rig
from pavfmt.registry import Binding, ShFrame, Site

TINY = 1e-20
"""Squared lengths below this count as zero when a face frame is built (square metres, or metres⁴)."""


@dataclass(frozen=True)
class PosedMesh:
    """A rig in one pose, ready to carry Gaussians."""

    vertices: Float64Array
    """(V, 3) metres, posed, root translation included."""
    rest_vertices: Float64Array
    """(V, 3) neutral plus weighted shapes and correctives, before skinning."""
    faces: Int32Array
    """(F, 3)."""
    joint_rotations: Float64Array
    """(J, 3, 3): skinning moves a fully bound point p to R p + t."""
    joint_translations: Float64Array
    """(J, 3), root translation included."""
    weights: Float64Array
    """(V, J)."""


@dataclass(frozen=True)
class PosedGaussians:
    """N Gaussians in world space: what a rasterizer draws."""

    means: Float64Array
    """(N, 3) metres."""
    quats: Float64Array
    """(N, 4) unit, (w, x, y, z)."""
    scales: Float64Array
    """(N, 3) standard deviations in metres."""
    opacities: Float64Array
    """(N,) 0..1."""
    sh: Float64Array
    """(N, 1 + K, 3) SH coefficients, sh0 first; K = 0, 3, 8 or 15."""
    sh_quats: Float64Array | None = None
    """(N, 4): view directions are turned by the inverse of these before SH are evaluated; None: not turned."""


def rotation_from_axis_angle(axis_angle: Float64Array) -> Float64Array:
    """(…, 3) axis-angle in radians → (…, 3, 3) rotation matrices (Rodrigues)."""
    vector = np.asarray(axis_angle, dtype=np.float64)
    angle: Float64Array = np.linalg.norm(vector, axis=-1)[..., None, None]
    # Where there is no turn any axis will do: sin and 1 − cos of the angle take it out.
    axis = vector / np.maximum(np.linalg.norm(vector, axis=-1, keepdims=True), 1e-12)
    x, y, z = np.moveaxis(axis, -1, 0)
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(*x.shape, 3, 3)
    rotation: Float64Array = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * (cross @ cross)
    return rotation


def quaternion_from_rotation(rotation: Float64Array) -> Float64Array:
    """(…, 3, 3) rotations → (…, 4) unit quaternions with the component of largest magnitude positive."""
    m = np.asarray(rotation, dtype=np.float64)
    d0, d1, d2 = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    a, b, c = m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]
    d, e, f = m[..., 1, 0] + m[..., 0, 1], m[..., 2, 0] + m[..., 0, 2], m[..., 2, 1] + m[..., 1, 2]
    rows = np.stack(  # the four rows of 4 q qᵀ; the one with the largest diagonal is the best conditioned
        [
            np.stack([1 + d0 + d1 + d2, a, b, c], axis=-1),
            np.stack([a, 1 + d0 - d1 - d2, d, e], axis=-1),
            np.stack([b, d, 1 - d0 + d1 - d2, f], axis=-1),
            np.stack([c, e, f, 1 - d0 - d1 + d2], axis=-1),
        ],
        axis=-2,
    )
    best = np.argmax(np.diagonal(rows, axis1=-2, axis2=-1), axis=-1)
    row = np.take_along_axis(rows, best[..., None, None], axis=-2)[..., 0, :]
    quaternion: Float64Array = row / np.linalg.norm(row, axis=-1, keepdims=True)
    return quaternion


def rotation_from_quaternion(quats: Float64Array) -> Float64Array:
    """(…, 4) quaternions, normalised here, → (…, 3, 3)."""
    q = np.asarray(quats, dtype=np.float64)
    w, x, y, z = np.moveaxis(q / np.linalg.norm(q, axis=-1, keepdims=True), -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def quaternion_product(p: Float64Array, q: Float64Array) -> Float64Array:
    """Hamilton product p ⊗ q of (…, 4) quaternions: the rotation q, then p."""
    pw, px, py, pz = np.moveaxis(np.asarray(p, dtype=np.float64), -1, 0)
    qw, qx, qy, qz = np.moveaxis(np.asarray(q, dtype=np.float64), -1, 0)
    return np.stack(
        [
            pw * qw - px * qx - py * qy - pz * qz,
            pw * qx + px * qw + py * qz - pz * qy,
            pw * qy - px * qz + py * qw + pz * qx,
            pw * qz + px * qy - py * qx + pz * qw,
        ],
        axis=-1,
    )


def joint_transforms(
    rig: Rig, joint_positions: Float64Array, pose: Pose
) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Local rotations (J, 3, 3), and global skinning rotations (J, 3, 3) and translations (J, 3)."""
    names = rig.joint_names
    vectors = np.array([pose.rotations.get(name, (0.0, 0.0, 0.0)) for name in names], dtype=np.float64)
    local = rotation_from_axis_angle(vectors.reshape(-1, 3))
    rotations, translations = np.empty((len(names), 3, 3)), np.empty((len(names), 3))
    for joint, parent in enumerate(rig.joint_parents):  # parents come first, so one pass is enough
        # p → R (p − about) + about: a joint turns what hangs on it about itself.
        about = joint_positions[joint]
        rotation, translation = local[joint], about - local[joint] @ about
        if parent >= 0:
            translation = rotations[parent] @ translation + translations[parent]
            rotation = rotations[parent] @ rotation
        rotations[joint], translations[joint] = rotation, translation
    # Not at the root joint: the whole head moves, and no turn is to turn the way it goes.
    return local, rotations, translations + np.asarray(pose.translation, dtype=np.float64)


def pose_mesh(rig: Rig, identity: Identity | None, pose: Pose) -> PosedMesh:
    """Shapes, correctives, joint tree and linear blend skinning (§7; FLAME, Li et al. 2017, equations 2 to 5)."""
    neutral = rig.mean_neutral if identity is None else identity.neutral
    joints = rig.mean_joint_positions if identity is None else identity.joint_positions
    base = neutral.astype(np.float64)
    joint_positions = joints.astype(np.float64)
    for shape in rig.shapes:
        weight = float(pose.weights.get(shape.name, 0.0))
        if weight:
            base = base + weight * shape.displacements
            # Joints are where the expressed face has them, before they turn anything (FLAME regresses them from it).
            if shape.joint_displacements is not None:
                joint_positions = joint_positions + weight * shape.joint_displacements
    local, rotations, translations = joint_transforms(rig, joint_positions, pose)
    # Correctives come after the joints, which they do not move, and know a joint's turn against its parent only: what
    # a bent neck does to the skin is the same wherever the head looks.
    if rig.correctives is not None:
        features = (local[list(rig.correctives.joints)] - np.eye(3)).reshape(-1)
        base = base + np.tensordot(features, rig.correctives.displacements.astype(np.float64), axes=1)
    faces = rig.faces
    # Midpoints follow what is given on the base mesh, but have skinning weights of their own (§6.2): so here.
    if rig.subdivisions:
        base = subdivided_values(base, edges_of(faces))
        faces = subdivided_faces(faces, len(neutral))
    weights = rig.weights.astype(np.float64)
    # They sum to 1 up to their rounding to binary32; the rest would scale the head about the origin.
    weights = weights / weights.sum(axis=1, keepdims=True)
    posed = np.einsum("vj,jkl,vl->vk", weights, rotations, base, optimize=True) + weights @ translations
    return PosedMesh(posed, base, faces, rotations, translations, weights)


def blended_rotations(weights: Float64Array, joint_rotations: Float64Array) -> Float64Array:
    """(N, J) weights and (J, 3, 3) rotations → (N, 4) unit quaternions (w, x, y, z).

    A weighted sum of rotation matrices is no rotation. The blend of rotations is the normalised weighted sum of the
    joints' quaternions, each with the sign that agrees with the one of largest weight (lowest joint index on ties): q
    and −q are the same rotation, and would cancel out otherwise (§8, spec/decisions/0005-blended-rotation.md).
    """
    quats = quaternion_from_rotation(joint_rotations)
    heaviest = quats[np.argmax(weights, axis=1)]
    signs = np.where(heaviest @ quats.T < 0, -1.0, 1.0)
    blend = (weights * signs) @ quats
    result: Float64Array = blend / np.maximum(np.linalg.norm(blend, axis=1, keepdims=True), 1e-12)
    return result


def face_frames(corners: Float64Array) -> tuple[Float64Array, Float64Array, Float64Array]:
    """(N, 3, 3) posed corners (face, corner, axis) → rotations (N, 3, 3), mean sizes (N,), centroids (N, 3).

    GaussianAvatars' frame: a0 along v1 − v0, a1 = unit(a0 × (v2 − v0)), a2 = −unit(a1 × a0), as columns. A
    degenerate edge counts as the x axis; a degenerate normal is built from the coordinate axis least along a0 (§8).
    """
    v0, v1, v2 = corners[:, 0], corners[:, 1], corners[:, 2]
    edge, other = v1 - v0, v2 - v0

    def unit(vectors: Float64Array, fallback: Float64Array) -> Float64Array:
        square = np.sum(vectors * vectors, axis=1, keepdims=True)
        return np.where(square < TINY, fallback, vectors / np.sqrt(np.maximum(square, TINY)))

    a0 = unit(edge, np.broadcast_to([1.0, 0.0, 0.0], edge.shape))
    least = np.eye(3)[np.argmin(np.abs(a0), axis=1)]
    across = np.cross(a0, least)
    a1 = unit(np.cross(a0, other), across / np.linalg.norm(across, axis=1, keepdims=True))
    a2 = -np.cross(a1, a0)
    a2 = a2 / np.linalg.norm(a2, axis=1, keepdims=True)
    # a2 is in the face and across the edge, so this is the mean of the edge and of the height over it.
    size = (np.linalg.norm(edge, axis=1) + np.abs(np.sum(a2 * other, axis=1))) / 2
    return np.stack([a0, a1, a2], axis=-1), size, corners.mean(axis=1)


def forest_corners(vertices: Float64Array, faces: Int32Array, levels: Sequence[Level]) -> list[Float64Array]:
    """Per level the (F, 3, 3) corners of its faces: the mesh's, then those of the split faces (§6.8)."""
    corners = [vertices[faces]] if len(faces) else [np.zeros((0, 3, 3))]
    for level in levels[1:]:
        assert level.splits is not None  # Avatar's constructor checks it
        parent = corners[-1][level.splits.parents]
        beta = level.splits.barycentrics.astype(np.float64)
        point = np.einsum("sk,skx->sx", beta / beta.sum(axis=1, keepdims=True), parent)
        a, b, c = parent[:, 0], parent[:, 1], parent[:, 2]
        # p comes last in each child: a frame then keeps to an edge of the parent, wherever p is rounded to.
        children = [np.stack(child, axis=1) for child in ((a, b, point), (b, c, point), (c, a, point))]
        corners.append(np.stack(children, axis=1).reshape(-1, 3, 3))
    return corners


def forest_weights(weights: Float64Array, faces: Int32Array, levels: Sequence[Level]) -> list[Float64Array]:
    """Per level the (F, 3, J) skinning weights at its faces' corners, carried like positions."""
    per_joint = [forest_corners(weights[:, [j] * 3], faces, levels) for j in range(weights.shape[1])]
    return [np.stack([one[k][..., 0] for one in per_joint], axis=-1) for k in range(len(levels))]


def surface_points(
    level: Level, number: int, levels: Sequence[Level], mesh: PosedMesh
) -> tuple[Float64Array, Float64Array]:
    """Rest-pose points (N, 3) and skinning weights (N, J) that a surface-point level hangs on."""
    sites = level.gaussians.sites
    if level.site is Site.JOINT:
        joint_count = len(mesh.joint_rotations)
        return np.zeros((len(sites), 3)), np.eye(joint_count)[sites]
    if level.site is Site.VERTEX:
        return mesh.rest_vertices[sites], mesh.weights[sites]
    beta = np.asarray(level.gaussians.barycentrics, dtype=np.float64)
    points = forest_corners(mesh.rest_vertices, mesh.faces, levels)[number][sites]
    weights = forest_weights(mesh.weights, mesh.faces, levels)[number][sites]
    return np.einsum("nk,nkx->nx", beta, points), np.einsum("nk,nkj->nj", beta, weights)


def level_frames(
    levels: Sequence[Level], number: int, mesh: PosedMesh
) -> tuple[Float64Array, Float64Array, Float64Array, Float64Array]:
    """The affine frame of every Gaussian of one level: world mean = origin + linear · local mean (§8).

    Returns origins (N, 3), linear maps (N, 3, 3), rotation quaternions (N, 4; w, x, y, z) and size factors (N,).
    """
    level = levels[number]
    if level.binding is Binding.FACE_FRAME:
        corners = forest_corners(mesh.vertices, mesh.faces, levels)[number][level.gaussians.sites]
        rotations, sizes, centroids = face_frames(corners)
        return centroids, rotations * sizes[:, None, None], quaternion_from_rotation(rotations), sizes
    # A mean goes by the blend of the joints' matrices, as the skin beneath it does, and so stays on it; an orientation
    # needs a rotation, which that blend is not. It may shrink at a bend, but Gaussians keep their size.
    points, weights = surface_points(level, number, levels, mesh)
    linear = np.einsum("nj,jkl->nkl", weights, mesh.joint_rotations)
    origins = np.einsum("nkl,nl->nk", linear, points) + weights @ mesh.joint_translations
    return origins, linear, blended_rotations(weights, mesh.joint_rotations), np.ones(len(points))


def pose_level(levels: Sequence[Level], number: int, mesh: PosedMesh) -> PosedGaussians:
    """The Gaussians of level `number` in world space."""
    level = levels[number]
    gaussians = level.gaussians
    origins, linear, frame_quats, sizes = level_frames(levels, number, mesh)
    local = gaussians.quats.astype(np.float64)
    local = local / np.linalg.norm(local, axis=1, keepdims=True)
    return PosedGaussians(
        means=origins + np.einsum("nkl,nl->nk", linear, gaussians.means.astype(np.float64)),
        quats=quaternion_product(frame_quats, local),
        scales=sizes[:, None] * np.exp(gaussians.log_scales.astype(np.float64)),
        opacities=gaussians.opacities.astype(np.float64),
        sh=np.concatenate([gaussians.sh0, gaussians.shN], axis=1).astype(np.float64),
        sh_quats=frame_quats if level.sh_frame is ShFrame.LOCAL else None,
    )


STATIC_RIG = Rig(
    profile="custom",
    faces=np.zeros((0, 3), dtype=np.int32),
    mean_neutral=np.zeros((0, 3), dtype=np.float32),
    joint_names=("root",),
    joint_parents=(-1,),
    mean_joint_positions=np.zeros((1, 3), dtype=np.float32),
    weights=np.zeros((0, 1), dtype=np.float32),
)
"""The rig of a file without one: no mesh, one joint."""


def concatenate(parts: Sequence[PosedGaussians]) -> PosedGaussians:
    """Several sets of posed Gaussians as one, in the order given; lower SH degrees are filled with zeros."""

    def joined(name: str) -> Float64Array:
        return np.concatenate([getattr(part, name) for part in parts])

    width = max((part.sh.shape[1] for part in parts), default=1)
    frames = None
    if any(part.sh_quats is not None for part in parts):
        # One array for all: where a part's SH do not turn, the rotation that does nothing stands for that.
        still = (np.tile([1.0, 0.0, 0.0, 0.0], (len(part.means), 1)) for part in parts)
        pairs = zip(parts, still, strict=True)
        frames = np.concatenate([s if part.sh_quats is None else part.sh_quats for part, s in pairs])
    return PosedGaussians(
        means=joined("means"),
        quats=joined("quats"),
        scales=joined("scales"),
        opacities=joined("opacities"),
        sh=np.concatenate([np.pad(p.sh, ((0, 0), (0, width - p.sh.shape[1]), (0, 0))) for p in parts]),
        sh_quats=frames,
    )


def avatar_mesh(avatar: Avatar, pose: Pose | None = None) -> PosedMesh:
    """An avatar's mesh in a pose, or at rest."""
    return pose_mesh(avatar.rig or STATIC_RIG, avatar.identity, pose or Pose())


def pose_avatar(avatar: Avatar, pose: Pose | None = None) -> PosedGaussians:
    """All Gaussians of an avatar in world space, level after level; at rest without a pose (§7, §8).

        posed = pavfmt.pose_avatar(avatar, pavfmt.Pose({"jawOpen": 0.6}))
        posed.means          # (N, 3) metres

    What a pose does not name is at rest; names that the rig does not have are ignored. This is the reference, in
    float64 and slow: the player has faster ones.
    """
    mesh = avatar_mesh(avatar, pose)
    return concatenate([pose_level(avatar.levels, number, mesh) for number in range(len(avatar.levels))])
