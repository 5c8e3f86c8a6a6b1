"""The head that is drawn: all triangles and everything about them that no pose changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from pavfmt.arrays import Float32Array, Float64Array, Int32Array
from pavfmt.importers.cc0_rig import read_cc0_rig
from pavfmt.model import Identity, Rig
from pavfmt.posing import face_frames
from pavfmt.tools.synthetic import RandomStream
from pavplayer.demo import RIG_FILE
from pavtraining.sources.scene import paint
from pavtraining.sources.scene.eyes import Eye, iris_picture, lashes, lid_edges
from pavtraining.sources.scene.hair import brow_hairs, hair_depth, hair_share, locks
from pavtraining.sources.scene.light import Exposure, exposure
from pavtraining.sources.scene.ribbons import Ribbons, joined
from pavtraining.sources.scene.shading import (
    ACROSS,
    BLUE,
    FADE,
    FILL,
    GLOSS,
    KEY,
    OPEN,
    RED,
    STILL_COLUMNS,
    UP,
)
from pavtraining.sources.scene.surface import LEFT_EYE, RIGHT_EYE, HeadSurface, smoothstep
from pavtraining.sources.scene.texels import Texels
from pavtraining.sources.scene.texture import painted

SEED = 7
SCALP_LIFT = 0.72
"""Of the hair's depth: how far the scalp is raised under the locks."""
LOCK_ROUNDNESS, HAIR_ROUNDNESS = 0.5, 0.3


@dataclass(frozen=True, eq=False)
class Head:
    """One list of triangles: first the rig's own (no eyeballs), then the eyeballs, then ribbons."""

    rig: Rig
    raised: Identity
    """The rig's neutral with the scalp raised by the hair on it: what is drawn of it."""
    skin_faces: Int32Array
    """(S,) faces of the rig that are drawn."""
    eyes: tuple[Eye, Eye]
    balls: tuple[Float64Array, Float64Array]
    """(M, 3) vertices of each eyeball at rest."""
    ribbons: Ribbons
    ribbon_normals: Float64Array
    triangles: Int32Array
    """(T, 3) vertices: the rig's V, then the eyeballs' 2 M, then the ribbons'."""
    eyes_from: int
    ribbons_from: int
    """Where in `triangles` eyeballs and ribbons begin."""
    still: Float64Array
    """(all vertices, STILL_COLUMNS)."""
    texels: Texels
    """Of the skin faces, in the order drawn."""
    iris: Float32Array
    """(cells, cells, 3)."""
    frames: Float64Array
    """(F, 3, 3) frames of the rig's raised faces at rest, own axes as columns."""
    centroids: Float64Array
    """(F, 3) metres."""


@cache
def scene_rig() -> Rig:
    """The CC0 head rig."""
    return read_cc0_rig(RIG_FILE)


@cache
def painted_head() -> Head:
    """The head of the scene: always the same one."""
    rig = scene_rig()
    bare, light = HeadSurface.of(rig), exposure(rig)
    raised = _raised(bare)
    eyes = (Eye.of(bare, LEFT_EYE), Eye.of(bare, RIGHT_EYE))
    lidded = [(eye, lid_edges(bare, eye)) for eye in eyes]
    ribbons, normals = _hair(bare, lidded)
    skin_faces = np.flatnonzero(~np.isin(bare.parts, (LEFT_EYE, RIGHT_EYE))).astype(np.int32)
    triangles, eyes_from, ribbons_from = _triangles(bare, skin_faces, eyes, ribbons)
    frames, _, centroids = face_frames(HeadSurface.of(rig, raised).corners)
    return Head(
        rig=rig,
        raised=raised,
        skin_faces=skin_faces,
        eyes=eyes,
        balls=(eyes[0].ball()[0], eyes[1].ball()[0]),
        ribbons=ribbons,
        ribbon_normals=normals,
        triangles=triangles,
        eyes_from=eyes_from,
        ribbons_from=ribbons_from,
        still=np.concatenate(
            [_still_skin(bare, light), *map(_still_ball, eyes), _still_ribbons(bare, light, ribbons)]
        ),
        texels=painted(bare, light, lidded, skin_faces),
        iris=iris_picture().astype(np.float32),
        frames=frames,
        centroids=centroids,
    )


def _raised(surface: HeadSurface) -> Identity:
    """The neutral with the scalp raised to most of the hair's depth."""
    points = surface.vertices
    share = hair_share(points) * surface.rig.regions["skin"]
    lift = SCALP_LIFT * share * hair_depth(points)
    raised = points + lift[:, None] * surface.normals
    return Identity(raised.astype(np.float32), surface.rig.mean_joint_positions)


def _triangles(
    surface: HeadSurface, skin_faces: Int32Array, eyes: tuple[Eye, Eye], ribbons: Ribbons
) -> tuple[Int32Array, int, int]:
    """All triangles, and where those of the eyeballs and of the ribbons begin."""
    left, right = (eye.ball() for eye in eyes)
    counts = np.cumsum([len(surface.vertices), len(left[0]), len(right[0])])
    groups = [surface.faces[skin_faces], left[2] + counts[0], right[2] + counts[1]]
    groups.append(ribbons.triangles() + counts[2])
    eyes_from = len(skin_faces)
    ribbons_from = eyes_from + len(left[2]) + len(right[2])
    return np.concatenate(groups).astype(np.int32), eyes_from, ribbons_from


def _hair(surface: HeadSurface, lidded: Sequence[tuple[Eye, Float64Array]]) -> tuple[Ribbons, Float64Array]:
    """Locks, brows and lashes, and the normals of their vertices."""
    random = RandomStream(SEED)
    combed = locks(surface, random)
    fine = joined([_fine_hairs(surface, eye, lids, random) for eye, lids in lidded])
    normals = [combed.vertex_normals(LOCK_ROUNDNESS), fine.vertex_normals(HAIR_ROUNDNESS)]
    return joined([combed, fine]), np.concatenate(normals)


def _fine_hairs(surface: HeadSurface, eye: Eye, lids: Float64Array, random: RandomStream) -> Ribbons:
    parts = [lashes(surface, eye, lids, random, upper=upper) for upper in (True, False)]
    return joined([brow_hairs(surface, eye.side, random), *parts])


def _still_skin(surface: HeadSurface, light: Exposure) -> Float64Array:
    still = np.zeros((len(surface.vertices), STILL_COLUMNS))
    still[:, OPEN], still[:, KEY], still[:, FILL] = light.openness, light.key, light.fill
    still[:, FADE] = smoothstep(paint.NECK_END, paint.NECK_WHOLE, surface.vertices[:, 1])
    return still


def _still_ball(eye: Eye) -> Float64Array:
    _, directions, _ = eye.ball()
    still = np.zeros((len(directions), STILL_COLUMNS))
    still[:, [OPEN, KEY, FILL, FADE]] = 1.0
    still[:, ACROSS], still[:, UP] = eye.radius * directions[:, 0], eye.radius * directions[:, 1]
    return still


def _still_ribbons(surface: HeadSurface, light: Exposure, ribbons: Ribbons) -> Float64Array:
    """Ribbons take the light of their hosts; hair over the skin is in the open."""
    hosts = surface.faces[ribbons.hosts]
    still = np.zeros((len(ribbons.vertices()), STILL_COLUMNS))
    for column, shares in ((OPEN, light.openness), (KEY, light.key), (FILL, light.fill)):
        still[:, column] = ribbons.per_vertex(0.25 + 0.75 * shares[hosts].max(axis=1))
    still[:, FADE] = 1.0
    still[:, RED : BLUE + 1] = np.repeat(ribbons.colours.reshape(-1, 3), 2, axis=0)
    still[:, ACROSS] = np.tile([-1.0, 1.0], len(still) // 2)
    still[:, UP] = ribbons.per_vertex(np.arange(len(ribbons.hosts)) * 1.0)
    still[:, GLOSS] = ribbons.per_vertex(ribbons.gloss)
    return still
