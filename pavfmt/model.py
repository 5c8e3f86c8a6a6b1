"""The avatar in memory: what importers build, encoders take and decoders give back.

    level = Level(Gaussians(sites=..., means=..., quats=..., log_scales=..., opacities=..., sh0=..., shN=...))
    avatar = Avatar(levels=(level,), rig=Rig(...))

Conventions, everywhere in this project:

- right-handed axes, +Y up, the face looks toward +Z, the person's left is +X; lengths in metres;
- quaternions are (w, x, y, z); arrays are C-contiguous NumPy arrays, float32 unless a line says otherwise;
- Gaussians use gsplat's names: `means quats scales opacities sh0 shN`. What is stored is `log_scales`
  (natural logarithm) and `opacities` in 0..1; `scales` means after exp.

Every class checks its shapes, types and ranges once, on construction, and raises `EncodeError`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import BoolArray, Float32Array, Int32Array
from pavfmt.errors import EncodeError
from pavfmt.registry import Binding, ShFrame, Site

SH_C0 = 0.28209479177387814
"""Y of SH band 0: colour = 0.5 + SH_C0 · sh0 + … (§9)."""


def _array(name: str, value: object, dtype: type, *shape: int | None) -> NDArray[Any]:
    """`value` as a contiguous array of `dtype` and `shape` (None: any length), finite; or EncodeError."""
    array: NDArray[Any] = np.ascontiguousarray(value, dtype=dtype)
    if array.ndim != len(shape) or any(
        want is not None and want != have for want, have in zip(shape, array.shape, strict=True)
    ):
        raise EncodeError("bad-shape", f"{name} has shape {array.shape}, expected {shape}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        bad = int(np.argwhere(~np.isfinite(array))[0][0])
        raise EncodeError("not-finite", f"{name} holds NaN or infinity, first in row {bad}")
    return array


def _indices_in(name: str, indices: NDArray[np.integer], count: int) -> None:
    if indices.size and (int(indices.min()) < 0 or int(indices.max()) >= count):
        row = int(np.argwhere((indices.reshape(-1) < 0) | (indices.reshape(-1) >= count))[0][0])
        value = int(indices.reshape(-1)[row])
        raise EncodeError("binding-out-of-range", f"{name}[{row}] is {value}, there are {count}")


@dataclass(frozen=True)
class Shape:
    """One linear blendshape (§6.5): at weight w it adds w times its displacements."""

    name: str
    displacements: Float32Array
    """(V0, 3) metres, on the base mesh."""
    joint_displacements: Float32Array | None = None
    """(J, 3) metres: how far each joint moves at weight 1 (FLAME regresses joints from the expressed mesh)."""
    essential: bool = False
    """Needed before the avatar counts as animatable (§6.2): jaw, blinks, smiles, or the profile's equivalents."""

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "displacements", _array(f"shape {self.name!r}", self.displacements, np.float32, None, 3))
        if self.joint_displacements is not None:
            joints = _array(f"shape {self.name!r} joints", self.joint_displacements, np.float32, None, 3)
            set_(self, "joint_displacements", joints)


@dataclass(frozen=True)
class PoseCorrectives:
    """FLAME's and SMPL's pose blendshapes (§6.6): linear in the entries of R_j − I of the listed joints."""

    joints: tuple[int, ...]
    """Joint indices, each giving nine features: R_j − I flattened row by row."""
    displacements: Float32Array
    """(9 · len(joints), V0, 3) metres."""

    def __post_init__(self) -> None:
        count = 9 * len(self.joints)
        array = _array("pose correctives", self.displacements, np.float32, count, None, 3)
        object.__setattr__(self, "displacements", array)


@dataclass(frozen=True)
class Rig:
    """The part many avatars can share (§6.2): topology, weights, joint tree, shapes and a mean neutral.

    With `subdivisions` = 1 the mesh is the base mesh subdivided once at edge midpoints (`pavfmt.codec.subdivision`):
    V = V0 + E0 vertices and F = 4 F0 faces. Neutral and shapes are given on the base and follow it;
    the skinning weights are given for all V vertices.
    """

    profile: str
    """"flame", "arkit-52" or "custom"; names of shapes and joints are data, the profile only says what to expect."""
    faces: Int32Array
    """(F0, 3) vertex indices of the base mesh, counter-clockwise seen from outside."""
    mean_neutral: Float32Array
    """(V0, 3) metres."""
    joint_names: tuple[str, ...]
    """(J), the root first."""
    joint_parents: tuple[int, ...]
    """−1 for the root, which is joint 0; a parent comes before its children."""
    mean_joint_positions: Float32Array
    """(J, 3) metres, rest pose. Joint frames are aligned with the world axes at rest."""
    weights: Float32Array
    """(V, J) skinning weights, each row sums to 1."""
    shapes: tuple[Shape, ...] = ()
    """Blendshapes, which a pose weights by name."""
    correctives: PoseCorrectives | None = None
    """None: joints move the mesh by skinning alone."""
    subdivisions: int = 0
    """0 or 1."""
    regions: Mapping[str, BoolArray] = field(default_factory=dict)
    """Named parts as (V0,) masks ("left_eye", "mouth", …), for fetching them first. At most 16."""

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "mean_neutral", _array("mean_neutral", self.mean_neutral, np.float32, None, 3))
        set_(self, "faces", _array("faces", self.faces, np.int32, None, 3))
        base_count = len(self.mean_neutral)
        _indices_in("faces", self.faces, base_count)
        if self.subdivisions not in (0, 1):
            raise EncodeError("bad-shape", f"subdivisions is {self.subdivisions}, only 0 and 1 are defined")
        joint_count = len(self.joint_names)
        positions = _array("joint positions", self.mean_joint_positions, np.float32, joint_count, 3)
        set_(self, "mean_joint_positions", positions)
        if joint_count < 1 or len(self.joint_parents) != joint_count or self.joint_parents[0] != -1:
            raise EncodeError("bad-shape", "a rig has at least one joint, and joint 0 is the root")
        if any(not 0 <= parent < joint for joint, parent in enumerate(self.joint_parents) if joint):
            raise EncodeError("bad-shape", "a joint's parent must come before it")
        weights = _array("weights", self.weights, np.float32, None, joint_count)
        if weights.size and (weights.min() < 0 or abs(weights.sum(axis=1) - 1).max() > 1e-3):
            raise EncodeError("bad-weights", "skinning weights must be non-negative and sum to 1 per vertex")
        set_(self, "weights", weights)
        if len(weights) < base_count or (self.subdivisions == 0 and len(weights) > base_count):
            raise EncodeError("bad-shape", f"weights of {len(weights)} vertices, the mesh has {base_count}")
        self._check_moving_parts(base_count, joint_count)
        for name, mask in self.regions.items():
            if np.shape(mask) != (base_count,):
                raise EncodeError("bad-shape", f"region {name!r} has shape {np.shape(mask)}")

    def _check_moving_parts(self, base_count: int, joint_count: int) -> None:
        for shape in self.shapes:
            rows, joints = len(shape.displacements), shape.joint_displacements
            if rows != base_count or (joints is not None and len(joints) != joint_count):
                raise EncodeError("bad-shape", f"shape {shape.name!r} has {rows} rows, the mesh {base_count}")
        if self.correctives is not None:
            rows = self.correctives.displacements.shape[1]
            if rows != base_count:
                raise EncodeError("bad-shape", f"pose correctives have {rows} rows, the mesh {base_count}")
            _indices_in("corrective joints", np.array(self.correctives.joints, dtype=np.int32), joint_count)

    @property
    def joint_count(self) -> int:
        """J."""
        return len(self.joint_names)


@dataclass(frozen=True)
class Identity:
    """The personal part (§6.4): this avatar's own neutral face and joint positions."""

    neutral: Float32Array
    """(V0, 3) metres, on the base mesh."""
    joint_positions: Float32Array
    """(J, 3) metres."""

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "neutral", _array("neutral", self.neutral, np.float32, None, 3))
        set_(self, "joint_positions", _array("joint positions", self.joint_positions, np.float32, None, 3))


@dataclass(frozen=True)
class Splits:
    """Implicit subdivision (§6.8; ProgressiveAvatars, section 3): which faces of the level before are split, and where.

    Split s of face (a, b, c) at p = β·(a, b, c) makes this level's faces 3s, 3s+1, 3s+2:
    (a, b, p), (b, c, p), (c, a, p).
    """

    parents: Int32Array
    """(S,) face indices of the level before."""
    barycentrics: Float32Array
    """(S, 3), each row ≥ 0 and summing to 1."""

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "parents", _array("split parents", self.parents, np.int32, None))
        points = _array("split points", self.barycentrics, np.float32, len(self.parents), 3)
        if points.size and (points.min() < 0 or abs(points.sum(axis=1) - 1).max() > 1e-4):
            raise EncodeError("bad-barycentrics", "barycentric coordinates must be ≥ 0 and sum to 1")
        set_(self, "barycentrics", points)


@dataclass(frozen=True)
class Gaussians:
    """N Gaussians of one level, in the local frame of the level's binding (§8)."""

    sites: Int32Array
    """(N,) face, vertex or joint indices, as the level's `site` says."""
    means: Float32Array
    """(N, 3): face frame units (FACE_FRAME), or metres along the rest-pose world axes (SURFACE_POINT)."""
    quats: Float32Array
    """(N, 4) rotations (w, x, y, z), unit length up to rounding, either sign."""
    log_scales: Float32Array
    """(N, 3) natural logarithms of the standard deviations along the Gaussian's own axes."""
    opacities: Float32Array
    """(N,) in 0..1."""
    sh0: Float32Array
    """(N, 1, 3): colour = 0.5 + 0.28209479 · sh0 + …, in display sRGB."""
    shN: Float32Array
    """(N, K, 3) higher bands, K = 0, 3, 8 or 15."""
    barycentrics: Float32Array | None = None
    """(N, 3), only where a surface point lies on a face."""
    importance: Float32Array | None = None
    """(N,) Σ α·T, the blending weight summed over pixels and pictures; None: not measured."""
    regions: NDArray[np.uint16] | None = None
    """(N,) bit k: it matters to the rig's region k; None: not measured, its site says it."""

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        count = len(self.sites)
        set_(self, "sites", _array("sites", self.sites, np.int32, None))
        for name, shape in (
            ("means", (3,)),
            ("quats", (4,)),
            ("log_scales", (3,)),
            ("opacities", ()),
            ("sh0", (1, 3)),
            ("shN", (None, 3)),
        ):
            set_(self, name, _array(name, getattr(self, name), np.float32, count, *shape))
        if self.shN.shape[1] not in (0, 3, 8, 15):
            raise EncodeError("bad-shape", f"shN has {self.shN.shape[1]} coefficients, not 0, 3, 8 or 15")
        if count and (self.opacities.min() < 0 or self.opacities.max() > 1):
            raise EncodeError("bad-opacity", "opacities must lie in 0..1 (apply the sigmoid first)")
        if count and (np.linalg.norm(self.quats, axis=1) < 1e-6).any():
            raise EncodeError("bad-quaternion", "a rotation quaternion has zero length")
        for name, width in (("barycentrics", (3,)), ("importance", ())):
            value = getattr(self, name)
            if value is not None:
                set_(self, name, _array(name, value, np.float32, count, *width))
        if self.regions is not None:
            set_(self, "regions", _array("regions", self.regions, np.uint16, count))
        if self.barycentrics is not None and count and abs(self.barycentrics.sum(axis=1) - 1).max() > 1e-4:
            raise EncodeError("bad-barycentrics", "barycentric coordinates must sum to 1")

    def __len__(self) -> int:
        return len(self.sites)

    @property
    def sh_degree(self) -> int:
        """0..3."""
        return {0: 0, 3: 1, 8: 2, 15: 3}[self.shN.shape[1]]

    def take(self, rows: NDArray[np.integer] | slice) -> Gaussians:
        """The Gaussians at `rows`, in that order."""
        given = {one.name: getattr(self, one.name) for one in fields(self)}
        taken: dict[str, Any] = {name: None if all_ is None else all_[rows] for name, all_ in given.items()}
        return Gaussians(**taken)


@dataclass(frozen=True)
class Beginning:
    """Gaussians that stand in for their whole level until all of it is there, and how they look till then (§6.10)."""

    rows: Int32Array
    """(K,) of the level's Gaussians, ascending, K > 0."""
    opacities: Float32Array
    """(K,) 0..1, instead of those that the level gives them,"""
    log_scales: Float32Array
    """(K, 3), and likewise."""

    def __post_init__(self) -> None:
        rows = _array("rows", self.rows, np.int32, None)
        if not len(rows) or (np.diff(rows) <= 0).any() or rows[0] < 0:
            raise EncodeError("bad-shape", "the rows of a beginning ascend, and there is at least one")
        object.__setattr__(self, "rows", rows)
        for name, width in (("opacities", ()), ("log_scales", (3,))):
            values = _array(name, getattr(self, name), np.float32, len(rows), *width)
            object.__setattr__(self, name, values)


@dataclass(frozen=True)
class Level:
    """One level of the hierarchy (§6.7): its forest of split faces and its Gaussians."""

    gaussians: Gaussians
    binding: Binding = Binding.FACE_FRAME
    site: Site = Site.FACE
    sh_frame: ShFrame = ShFrame.WORLD
    splits: Splits | None = None
    """None for level 0, whose faces are the template's."""
    parents: Int32Array | None = None
    """(N,) the Gaussian of the level before that hands over to this one, −1: none. It retires when all to which
    it hands over are there. None: the level adds to what is there (the paper's rule)."""
    beginning: Beginning | None = None
    """Which of its Gaussians are sent first and look otherwise until the others are there; None: none."""

    def __post_init__(self) -> None:
        if self.parents is not None:
            parents = _array("parents", self.parents, np.int32, len(self.gaussians))
            object.__setattr__(self, "parents", parents)
        if self.beginning is not None:
            _indices_in("a beginning's rows", self.beginning.rows, len(self.gaussians))
            if len(self.beginning.rows) == len(self.gaussians):
                raise EncodeError("bad-shape", "a beginning is of some of its level's Gaussians, not of all")
        if self.binding is Binding.FACE_FRAME and self.site is not Site.FACE:
            raise EncodeError("bad-site", "the face-frame binding binds to faces")
        on_face_point = self.binding is Binding.SURFACE_POINT and self.site is Site.FACE
        if on_face_point != (self.gaussians.barycentrics is not None):
            raise EncodeError("bad-site", "barycentrics go with surface points on faces, and only there")


@dataclass(frozen=True)
class Track:
    """A recorded performance (§6.13): shape weights, joint rotations and root translation per frame."""

    name: str
    frames_per_second: float
    shape_names: tuple[str, ...]
    weights: Float32Array
    """(T, len(shape_names))."""
    joint_names: tuple[str, ...] = ()
    rotations: Float32Array | None = None
    """(T, len(joint_names), 3) axis-angle, radians, world axes of the rest pose."""
    translation: Float32Array | None = None
    """(T, 3) metres, after skinning."""

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        weights = _array("track weights", self.weights, np.float32, None, len(self.shape_names))
        set_(self, "weights", weights)
        if (self.rotations is None) != (not self.joint_names):
            raise EncodeError("bad-shape", "a track names its joints exactly when it has rotations")
        for name, width in (("rotations", (len(self.joint_names), 3)), ("translation", (3,))):
            value = getattr(self, name)
            if value is not None:
                set_(self, name, _array(f"track {name}", value, np.float32, len(weights), *width))

    @property
    def frame_count(self) -> int:
        """T."""
        return len(self.weights)


@dataclass(frozen=True)
class Pose:
    """What drives an avatar for one frame (§7). Missing names are at rest, unknown ones are ignored.

    Pose({"jawOpen": 0.6}, rotations={"neck": (0.0, 0.3, 0.0)})
    """

    weights: Mapping[str, float] = field(default_factory=dict)
    """Shape name → weight."""
    rotations: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    """Joint name → axis-angle (radians, world axes of the rest pose), relative to the parent joint."""
    translation: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Metres, added after skinning."""


@dataclass(frozen=True)
class Avatar:
    """A whole avatar, ready to encode: what `pavfmt.encode` takes and `Scene.snapshot` gives."""

    levels: tuple[Level, ...]
    """From coarse to fine; at least one."""
    rig: Rig | None = None
    """None: a static scene; its Gaussians sit on joint 0, which is the identity."""
    identity: Identity | None = None
    """None: the rig's mean neutral is this avatar's neutral."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """Key → value; the registered keys are in §6.11."""
    tracks: tuple[Track, ...] = ()
    """Recorded performances."""
    thumbnail: bytes | None = None
    """A PNG, JPEG or WebP picture."""

    def __post_init__(self) -> None:
        if not self.levels:
            raise EncodeError("no-gaussians", "an avatar has at least one level")
        if self.levels[0].splits is not None:
            raise EncodeError("bad-level", "level 0 has no splits: its faces are the template's")
        face_count, vertex_count, joint_count = 0, 0, 1
        if self.identity is not None and (
            self.rig is None or len(self.identity.neutral) != len(self.rig.mean_neutral)
        ):
            raise EncodeError("bad-shape", "an identity has as many vertices as its rig")
        if self.rig is not None:
            face_count = len(self.rig.faces) * 4**self.rig.subdivisions
            vertex_count, joint_count = self.rig.weights.shape
        for number, level in enumerate(self.levels):
            if number:
                splits = level.splits
                if splits is None:
                    raise EncodeError("bad-level", f"level {number} has no splits")
                _indices_in(f"level {number} split parents", splits.parents, face_count)
                if len(np.unique(splits.parents)) != len(splits.parents):
                    raise EncodeError("bad-level", f"level {number} splits a face twice")
                face_count = 3 * len(splits.parents)
            count = {Site.FACE: face_count, Site.VERTEX: vertex_count, Site.JOINT: joint_count}[level.site]
            _indices_in(f"level {number} sites", level.gaussians.sites, count)
            if level.parents is not None:
                if not number:
                    raise EncodeError("bad-level", "level 0 has no level before it to take over from")
                older = len(self.levels[number - 1].gaussians)
                _indices_in(f"level {number} parents", level.parents[level.parents != -1], older)

    @property
    def hands_over(self) -> bool:
        """Whether what is shown of a Gaussian may change once others are there (§6.10)."""
        return any(level.parents is not None or level.beginning is not None for level in self.levels)

    @property
    def gaussian_count(self) -> int:
        """Gaussians of all levels."""
        return sum(len(level.gaussians) for level in self.levels)
