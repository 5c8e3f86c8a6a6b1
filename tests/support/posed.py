"""Poses to try, and whether posed Gaussians are those of the reference."""

import numpy as np

from pavfmt.model import Avatar, Gaussians, Level, Pose, Rig, Splits


def random_pose(avatar: Avatar, seed: int) -> Pose:
    random = np.random.default_rng(seed)
    rig = avatar.rig
    if rig is None:
        return Pose(translation=tuple(random.normal(0, 0.1, 3)))
    weights = {shape.name: float(random.uniform(-1, 1)) for shape in rig.shapes if random.uniform() < 0.7}
    rotations = {name: tuple(random.normal(0, 1.2, 3)) for name in rig.joint_names}
    return Pose(weights | {"unknown": 1.0}, rotations, tuple(random.normal(0, 0.1, 3)))


def numpy_of(value):
    return value if isinstance(value, np.ndarray) else value.cpu().numpy()


def same_rotations(quats, expected):
    signs = np.where((quats * expected).sum(axis=1, keepdims=True) < 0, -1.0, 1.0)
    return np.abs(signs * quats - expected).max(initial=0) < 1e-4


def check(posed, expected):
    for name in ("means", "quats", "scales", "opacities", "sh"):
        assert numpy_of(getattr(posed, name)).dtype == np.float32
        assert numpy_of(getattr(posed, name)).shape == getattr(expected, name).shape
    assert np.abs(numpy_of(posed.means) - expected.means).max(initial=0) < 1e-5
    assert np.allclose(numpy_of(posed.scales), expected.scales, rtol=1e-4, atol=1e-9)
    assert np.array_equal(numpy_of(posed.opacities), expected.opacities.astype(np.float32))
    assert np.array_equal(numpy_of(posed.sh), expected.sh.astype(np.float32))
    assert same_rotations(numpy_of(posed.quats), expected.quats)
    assert (posed.sh_quats is None) == (expected.sh_quats is None)
    if posed.sh_quats is not None:
        assert same_rotations(numpy_of(posed.sh_quats), expected.sh_quats)


def two_triangles(vertices) -> Avatar:
    """A Gaussian on each of two faces, of which the second is whatever `vertices` make it; one is split."""
    rig = Rig(
        "custom",
        np.array([[0, 1, 2], [3, 4, 5]]),
        np.array(vertices, np.float32),
        ("root",),
        (-1,),
        np.zeros((1, 3)),
        np.ones((6, 1)),
    )
    one = {"means": np.ones(3), "quats": [1, 0, 0, 0], "log_scales": np.zeros(3), "opacities": 1.0}
    shared = {name: np.stack([value, value]) for name, value in one.items()}
    gaussians = Gaussians(np.array([0, 1]), **shared, sh0=np.zeros((2, 1, 3)), shN=np.zeros((2, 0, 3)))
    splits = Splits(np.array([1]), np.array([[1.0, 0.0, 0.0]]))  # two of its faces are lines
    return Avatar((Level(gaussians), Level(gaussians, splits=splits)), rig)
