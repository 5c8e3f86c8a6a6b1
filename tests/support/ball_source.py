"""Something that a fit of seconds can learn: a chequered ball."""

import numpy as np

from pavfmt.model import Pose, Rig
from pavplayer.camera import Camera
from pavtraining.hierarchy.configuration import HierarchyConfiguration
from pavtraining.sources.view import View

SIZE = (40, 44)


def ball_rig(rows=6, columns=10):
    """A sphere of radius 0.1 m with one joint."""
    polar = np.linspace(0, np.pi, rows + 1)[1:-1]
    around = np.arange(columns) * 2 * np.pi / columns
    ring = [(np.sin(p) * np.sin(a), np.cos(p), np.sin(p) * np.cos(a)) for p in polar for a in around]
    vertices = 0.1 * np.array([(0, 1, 0), *ring, (0, -1, 0)])
    faces = []
    for k in range(columns):
        after = (k + 1) % columns
        faces.append((0, 1 + k, 1 + after))
        for row in range(len(polar) - 1):
            a, b = 1 + row * columns, 1 + (row + 1) * columns
            faces += [(a + k, b + k, b + after), (a + k, b + after, a + after)]
        last = 1 + (len(polar) - 1) * columns
        faces.append((last + k, len(vertices) - 1, last + after))
    count = len(vertices)
    return Rig("custom", np.array(faces), vertices, ("root",), (-1,), np.zeros((1, 3)), np.ones((count, 1)))


class BallSource:
    """A chequered ball, seen by casting rays: cameras in front of it, the ball turning."""

    identity = None
    background = 1.0

    def __init__(self):
        self.rig = ball_rig()

    def _view(self, seed, size):
        random = np.random.default_rng([7, seed])
        yaw, pitch, turn = random.uniform(-40, 40), random.uniform(-20, 20), random.uniform(-0.4, 0.4)
        camera = Camera.orbit(
            (0, 0, 0), 0.6, yaw, pitch, width=size[0], height=size[1], focal_px=2.2 * size[0]
        )
        return View(camera, Pose(rotations={"root": (0.0, turn, 0.0)}), self._cast(camera, turn))

    def _cast(self, camera, turn):
        v, u = np.mgrid[: camera.height, : camera.width] + 0.5
        rays = np.stack([(u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy, np.ones_like(u)], -1)
        rays = rays / np.linalg.norm(rays, axis=-1, keepdims=True) @ camera.rotation
        eye = camera.position
        along, inside = rays @ eye, eye @ eye - 0.098**2
        root = along**2 - inside
        points = eye + rays * (-along - np.sqrt(np.maximum(root, 0)))[..., None]
        x, y = points[..., 0] * np.cos(turn) - points[..., 2] * np.sin(turn), points[..., 1]
        checks = (np.floor(x / 0.05) + np.floor(y / 0.05)) % 2
        colour = np.where(checks[..., None] > 0, [0.8, 0.3, 0.2], [0.2, 0.4, 0.6])
        return np.where(root[..., None] > 0, colour, 1.0).astype(np.float32)

    def training_view(self, number, size=None):
        return self._view(number, size or SIZE)

    @property
    def held_out(self):
        return [self._view(1000 + k, SIZE) for k in range(3)]


CONFIGURATION = HierarchyConfiguration(
    steps=90,
    views=(12, 12),
    width=SIZE[0],
    height=SIZE[1],
    sizes=(0.5, 1.0),
    sizes_until=(0.3, 1.0),
    gaussians=400,
    sh_degree=1,
    growth_from=0.2,
    growth_until=0.6,
    growth_rounds=4,
    order_interval=20,
    order_views=4,
    visibility_views=12,
    quantizer_from=0.85,
    log_interval=5,
)
