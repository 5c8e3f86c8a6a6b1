"""Avatars made from a seed: the one that every speed figure is measured on, and toys for exhaustive tests.

The same seed gives the same bits on every machine. Random numbers are PCG64's raw 64-bit words, whose stream
NumPy promises to keep (it does not promise that for `Generator`'s methods), turned into floats by one exact
multiplication. After that only + − × ÷ and √ are used, element by element, which IEEE 754 rounds in one way;
no exp, log or sin, and no sums that a vectorised library may reorder or fuse.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from pavfmt.arrays import Float32Array, Float64Array, Int32Array
from pavfmt.errors import EncodeError
from pavfmt.model import SH_C0, Avatar, Gaussians, Identity, Level, PoseCorrectives, Rig, Shape, Splits, Track
from pavfmt.registry import Binding, ShFrame, Site

COEFFICIENTS = (0, 3, 8, 15)
"""Of the higher SH bands, by degree."""


class RandomStream:
    """Numbers from one seed, the same everywhere."""

    def __init__(self, seed: int) -> None:
        self._bits = np.random.PCG64(seed)

    def uniform(self, *shape: int) -> Float64Array:
        """`shape` numbers in [0, 1), multiples of 2^-53."""
        words = np.asarray(self._bits.random_raw(int(np.prod(shape))), dtype=np.uint64)
        return ((words >> np.uint64(11)).astype(np.float64) * 2.0**-53).reshape(shape)

    def bell(self, *shape: int) -> Float64Array:
        """`shape` numbers of mean 0 and variance 1, a sum of four uniforms: within ±3.47."""
        a, b, c, d = (self.uniform(*shape) for _ in range(4))
        return (((a + b) + (c + d)) - 2.0) * 1.7320508075688772


def _squares(vectors: Float64Array) -> Float64Array:
    """(N, 3) → (N,) squared lengths, in a fixed order of operations."""
    x, y, z = vectors[:, 0], vectors[:, 1], vectors[:, 2]
    return x * x + y * y + z * z


def _bump(square: Float64Array, width: float) -> Float64Array:
    """1 at distance 0, a half at `width` metres; `square` is the squared distance."""
    return 1.0 / (1.0 + square / (width * width))


def _exp(exponent: Float64Array) -> Float64Array:
    """e^x for −60 < x < 5 to 1 %, by (1 + x / 4096)^4096: the same bits everywhere."""
    power = 1.0 + exponent / 4096.0
    for _ in range(12):
        power = power * power
    return power


# --- The avatar of the speed figures ---------------------------------------------------------------------


def synthetic_avatar(
    rig: Rig, gaussian_count: int = 170_000, levels: int = 4, sh_degree: int = 3, seed: int = 0
) -> Avatar:
    """A head-like avatar of exactly `gaussian_count` Gaussians on `rig`; the defaults are the measured one.

    Level 0 has one Gaussian a face. Each deeper level splits the faces with most detail and has 1.75 times
    as many new Gaussians as the one before (ProgressiveAvatars: 10, 27, 47 and 85 thousand).
    """
    if not len(rig.faces) or rig.subdivisions or levels < 1 or gaussian_count < levels:
        raise EncodeError(
            "bad-shape", "a synthetic avatar needs a rig with faces, not subdivided, and a level"
        )
    random, box = RandomStream(seed), _box(rig)
    corners = rig.mean_neutral.astype(np.float64)[rig.faces]
    counts = _level_counts(len(corners), gaussian_count, levels)
    built = []
    for number, count in enumerate(counts):
        splits = None
        if number:
            splits = _splits(random, box, corners, -(-count // 3))
            corners = _children(corners, splits)
        built.append(Level(_gaussians(random, box, corners, count, sh_degree), splits=splits))
    return Avatar(tuple(built), rig, metadata={"title": f"synthetic, seed {seed}", "license": "CC0-1.0"})


def _level_counts(face_count: int, total: int, levels: int) -> list[int]:
    """New Gaussians of each level: at most one a face on level 0, then growing 7 : 4 from level to level."""
    weights = [4 ** (levels - 1 - number) * 7**number for number in range(levels)]
    counts: list[int] = []
    for number, weight in enumerate(weights):
        left = total - sum(counts)
        share = max(1, left * weight // sum(weights[number:]))
        counts.append(min(share, face_count) if not number and levels > 1 else share)
    return counts


def _box(rig: Rig) -> Float64Array:
    """(2, 3) low and high corner of the neutral."""
    return np.stack([rig.mean_neutral.min(axis=0), rig.mean_neutral.max(axis=0)]).astype(np.float64)


def _places(box: Float64Array, corners: Float64Array) -> Float64Array:
    """(F, 3, 3) corners → (F, 3) centroids, 0..1 in the bounding box."""
    centres = (corners[:, 0] + corners[:, 1] + corners[:, 2]) / 3.0
    places: Float64Array = (centres - box[0]) / np.maximum(box[1] - box[0], 1e-9)
    return places


def _sizes(corners: Float64Array) -> Float64Array:
    """(F, 3, 3) corners → (F,) mean of the length along the first edge and the height over it, metres."""
    edge, other = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    normal = np.cross(edge, other)
    length = np.sqrt(_squares(edge)) + 1e-12
    sizes: Float64Array = (length + np.sqrt(_squares(normal)) / length) / 2.0
    return sizes


def _detail(place: Float64Array) -> Float64Array:
    """(N, 3) places in a head's bounding box → (N,) how much detail there is: eyes, mouth, nose, hairline."""
    x, y, z = place.T
    side = np.abs(x - 0.5)
    eyes = _bump((side - 0.16) ** 2 + (y - 0.59) ** 2 + 4.0 * np.minimum(z - 0.75, 0.0) ** 2, 0.08)
    mouth = _bump((side * 0.5) ** 2 + (y - 0.35) ** 2 + 4.0 * np.minimum(z - 0.8, 0.0) ** 2, 0.07)
    nose = _bump(side * side + (y - 0.47) ** 2 + 4.0 * np.minimum(z - 0.9, 0.0) ** 2, 0.06)
    hair = _bump((y - 0.85) ** 2, 0.1)
    detail: Float64Array = 0.25 + 2.0 * eyes + 1.6 * mouth + nose + 0.5 * hair
    return detail


def _splits(random: RandomStream, box: Float64Array, corners: Float64Array, count: int) -> Splits:
    """The `count` faces (at most all) with most detail for their size, split near their centroids."""
    count = min(count, len(corners))
    score = _detail(_places(box, corners)) * _sizes(corners) * (0.75 + 0.5 * random.uniform(len(corners)))
    parents = np.sort(np.argsort(-score, kind="stable")[:count]).astype(np.int32)
    weights = 1.0 + 0.6 * (random.uniform(count, 3) - 0.5)
    total = weights[:, 0] + weights[:, 1] + weights[:, 2]
    return Splits(parents, (weights / total[:, None]).astype(np.float32))


def _children(corners: Float64Array, splits: Splits) -> Float64Array:
    """The corners (3 S, 3, 3) of the split faces' children."""
    parent, beta = corners[splits.parents], splits.barycentrics.astype(np.float64)[..., None]
    a, b, c = parent[:, 0], parent[:, 1], parent[:, 2]
    point = beta[:, 0] * a + beta[:, 1] * b + beta[:, 2] * c
    children = [np.stack(child, axis=1) for child in ((a, b, point), (b, c, point), (c, a, point))]
    return np.stack(children, axis=1).reshape(-1, 3, 3)


def _opacities(random: RandomStream, count: int) -> Float64Array:
    """As a LAM head has them: a tenth below 1/255, four tenths below 0.05, a few percent nearly solid."""
    kind, inside = random.uniform(count), random.uniform(count)
    faint = inside * 0.0039
    weak = 0.004 + 0.046 * inside
    medium = 0.05 + 0.55 * inside * inside
    solid = 0.6 + 0.4 * inside
    return np.select([kind < 0.1, kind < 0.4, kind < 0.85], [faint, weak, medium], solid)


def _log_scales(random: RandomStream, count: int) -> Float64Array:
    """(N, 3) in face sizes: two wide axes, one thin, one in thirty needle-flat; axes in any order."""
    wide = np.minimum(-1.05 + 0.45 * random.bell(count, 3), 0.2)
    wide[:, 2] -= 2.2
    needle = random.uniform(count) < 1.0 / 30.0
    wide[needle, 2] -= 4.0 + 14.0 * random.uniform(int(needle.sum()))
    first = (random.uniform(count) * 3.0).astype(np.int64)
    order = (first[:, None] + np.arange(3)) % 3
    return np.take_along_axis(wide, order, axis=1)


def _colours(random: RandomStream, place: Float64Array) -> Float64Array:
    """(N, 3) places → (N, 3) sRGB: skin, redder and darker at details, dark hair on top, speckled."""
    detail = np.minimum(_detail(place), 2.5)[:, None]
    hair = np.clip((place[:, 1:2] - 0.8) * 8.0, 0.0, 1.0)
    skin = np.array([0.80, 0.62, 0.52]) - detail * np.array([0.10, 0.13, 0.12])
    colours = skin * (1.0 - hair) + np.array([0.17, 0.12, 0.09]) * hair
    speckle = 0.04 * random.bell(len(place), 1) + 0.015 * random.bell(len(place), 3)
    speckled: Float64Array = np.clip(colours + speckle, 0.0, 1.0)
    return speckled


def _higher_bands(random: RandomStream, place: Float64Array, degree: int) -> Float64Array:
    """(N, K, 3): grey in the main, partly smooth over the head, each band about half the one before."""
    count = COEFFICIENTS[degree]
    band = np.array([1] * 3 + [2] * 5 + [3] * 7)[:count]
    tilt = random.uniform(count, 4) - 0.5
    smooth = tilt[:, 3] + sum(place[:, axis : axis + 1] * tilt[:, axis] for axis in range(3))
    grey = 0.5 * smooth + 0.35 * random.bell(len(place), count)
    tint = 0.12 * random.bell(len(place), count, 3)
    amplitude = 0.16 / 2.0**band
    bands: Float64Array = (grey[..., None] + tint) * amplitude[:, None]
    return bands


def _gaussians(
    random: RandomStream, box: Float64Array, corners: Float64Array, count: int, degree: int
) -> Gaussians:
    """`count` Gaussians spread evenly over the faces, at most one a face while there are faces enough."""
    sites = (np.arange(count, dtype=np.int64) * len(corners) // max(count, 1)).astype(np.int32)
    place = _places(box, corners)[sites]
    means = random.bell(count, 3) * np.array([0.25, 0.12, 0.25])
    quats = random.bell(count, 4) * np.array([1.0, 0.35, 0.35, 0.35]) + np.array([2.0, 0.0, 0.0, 0.0])
    quats = quats / np.sqrt(quats[:, :1] ** 2 + _squares(quats[:, 1:])[:, None])
    log_scales, opacities = _log_scales(random, count), _opacities(random, count)
    sh0 = (_colours(random, place) - 0.5) / SH_C0
    return Gaussians(
        sites,
        means.astype(np.float32),
        quats.astype(np.float32),
        log_scales.astype(np.float32),
        opacities.astype(np.float32),
        sh0[:, None].astype(np.float32),
        _higher_bands(random, place, degree).astype(np.float32),
        importance=_importance(log_scales, opacities, _sizes(corners)[sites]),
    )


def _importance(log_scales: Float64Array, opacities: Float64Array, sizes: Float64Array) -> Float32Array:
    """Opacity times the area of the two longer axes, in square millimetres."""
    ordered = np.sort(log_scales, axis=1)
    area = _exp(ordered[:, 1] + ordered[:, 2]) * (sizes * sizes) * 1e6
    return (opacities * area).astype(np.float32)


# --- Toys ------------------------------------------------------------------------------------------------

ToyKind = Literal["face", "surface", "mixed", "static"]

OCTAHEDRON_FACES = ((0, 2, 4), (2, 1, 4), (1, 3, 4), (3, 0, 4), (2, 0, 5), (1, 2, 5), (3, 1, 5), (0, 3, 5))
"""Vertices 0, 1 at ±x, 2, 3 at ±y, 4, 5 at ±z; counter-clockwise seen from outside."""


def toy_avatar(
    kind: ToyKind = "face",
    *,
    sh_degree: int = 1,
    subdivided: bool = False,
    importance: bool = False,
    seed: int = 0,
) -> Avatar:
    """A tiny avatar with every feature, in three levels, for tests that try every byte.

    "face": all Gaussians in face frames; "surface": points on vertices, then on faces, then on a joint;
    "mixed": a face-frame level between two surface levels, SH in local axes on one; "static": no rig.
    """
    random = RandomStream(seed)
    rig = None if kind == "static" else toy_rig(random, subdivided=subdivided)
    face_count = len(rig.faces) * 4**rig.subdivisions if rig else 0
    vertex_count = len(rig.weights) if rig else 0
    levels = []
    for number, (binding, site, sh_frame) in enumerate(_toy_kinds(kind)):
        splits = None
        if number:
            parents = np.arange(face_count, dtype=np.int32)[number % 2 :: 2][: 4 - number]
            splits = _toy_splits(random, parents)
            face_count = 3 * len(parents)
        target = {Site.FACE: face_count, Site.VERTEX: vertex_count, Site.JOINT: 1}[site]
        count = 9 - 2 * number
        gaussians = _toy_gaussians(random, count, target, site, binding, sh_degree, importance)
        levels.append(Level(gaussians, binding, site, sh_frame, splits))
    identity = None if rig is None else toy_identity(random, rig)
    metadata = {"title": f"toy {kind}", "license": "CC0-1.0"}
    return Avatar(tuple(levels), rig, identity, metadata, () if rig is None else (_toy_track(random),))


def _toy_kinds(kind: ToyKind) -> tuple[tuple[Binding, Site, ShFrame], ...]:
    """Binding, site and SH frame of the three levels."""
    face = (Binding.FACE_FRAME, Site.FACE, ShFrame.WORLD)
    vertex = (Binding.SURFACE_POINT, Site.VERTEX, ShFrame.WORLD)
    point = (Binding.SURFACE_POINT, Site.FACE, ShFrame.LOCAL)
    joint = (Binding.SURFACE_POINT, Site.JOINT, ShFrame.WORLD)
    kinds = {
        "face": (face, face, face),
        "surface": (vertex, point, joint),
        "mixed": (vertex, face, point),
        "static": (joint, joint, joint),
    }
    if kind not in kinds:
        raise EncodeError("bad-shape", f"there is no toy of kind {kind!r}")
    return kinds[kind]


def toy_rig(random: RandomStream, *, subdivided: bool = False) -> Rig:
    """An octahedron of 0.1 m: 2 joints, 3 shapes (one moves a joint), pose correctives, two regions."""
    points = np.concatenate([[row, -row] for row in np.eye(3)]) * 0.1
    neutral = points + 0.01 * (random.uniform(6, 3) - 0.5)
    share = random.uniform(18 if subdivided else 6)
    top = np.array([False, False, True, False, False, False])
    return Rig(
        profile="custom",
        faces=np.array(OCTAHEDRON_FACES, dtype=np.int32),
        mean_neutral=neutral.astype(np.float32),
        joint_names=("root", "jaw"),
        joint_parents=(-1, 0),
        mean_joint_positions=np.array([[0.0, -0.05, 0.0], [0.0, 0.0, 0.03]], dtype=np.float32),
        weights=np.stack([1.0 - share, share], axis=1).astype(np.float32),
        shapes=_toy_shapes(random),
        correctives=PoseCorrectives((1,), (0.004 * random.bell(9, 6, 3)).astype(np.float32)),
        subdivisions=int(subdivided),
        regions={"top": top, "bottom": ~top},
    )


def _toy_shapes(random: RandomStream) -> tuple[Shape, ...]:
    """A dense shape that moves a joint, a sparse one, and an empty one."""
    dense = (0.01 * random.bell(6, 3)).astype(np.float32)
    sparse = np.zeros((6, 3), dtype=np.float32)
    sparse[2] = [0.0, -0.02, 0.005]
    joints = np.array([[0.0, 0.0, 0.0], [0.0, -0.004, 0.001]], dtype=np.float32)
    return (
        Shape("jawOpen", dense, joints, essential=True),
        Shape("eyeBlinkLeft", sparse, essential=True),
        Shape("still", np.zeros((6, 3), dtype=np.float32)),
    )


def toy_identity(random: RandomStream, rig: Rig) -> Identity:
    """A person a few millimetres off the mean."""
    moved = rig.mean_neutral + 0.003 * random.bell(len(rig.mean_neutral), 3)
    joints = rig.mean_joint_positions + 0.001 * random.bell(rig.joint_count, 3)
    return Identity(moved.astype(np.float32), joints.astype(np.float32))


def _toy_splits(random: RandomStream, parents: Int32Array) -> Splits:
    weights = 0.2 + random.uniform(len(parents), 3)
    total = weights[:, 0] + weights[:, 1] + weights[:, 2]
    return Splits(parents, (weights / total[:, None]).astype(np.float32))


def _toy_gaussians(
    random: RandomStream,
    count: int,
    target: int,
    site: Site,
    binding: Binding,
    sh_degree: int,
    importance: bool,
) -> Gaussians:
    """`count` Gaussians on `target` sites in no order, some sites twice, some not at all."""
    metres = 1.0 if binding is Binding.FACE_FRAME else 0.05
    barycentrics = None
    if binding is Binding.SURFACE_POINT and site is Site.FACE:
        barycentrics = _toy_splits(random, np.zeros(count, dtype=np.int32)).barycentrics
    sites = (random.uniform(count) * target).astype(np.int32)
    shift = 0.0 if metres == 1.0 else -3.5
    return Gaussians(
        sites,
        (0.3 * metres * random.bell(count, 3)).astype(np.float32),
        (random.bell(count, 4) + 0.01).astype(np.float32),
        (shift - 1.5 + random.bell(count, 3)).astype(np.float32),
        random.uniform(count).astype(np.float32),
        random.bell(count, 1, 3).astype(np.float32),
        (0.2 * random.bell(count, COEFFICIENTS[sh_degree], 3)).astype(np.float32),
        barycentrics,
        random.uniform(count).astype(np.float32) if importance else None,
    )


def _toy_track(random: RandomStream) -> Track:
    """Five frames at 30 per second."""
    return Track(
        "nod",
        30.0,
        ("eyeBlinkLeft", "jawOpen"),
        random.uniform(5, 2).astype(np.float32),
        ("jaw",),
        (0.2 * random.bell(5, 1, 3)).astype(np.float32),
        (0.01 * random.bell(5, 3)).astype(np.float32),
    )
