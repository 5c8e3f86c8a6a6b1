"""Paint the demo avatar on the CC0 head rig: a face in three levels, without training or a graphics card.

Run as `python -m pavplayer.demo.make_avatar OUT`: OUT is a folder for a progressive checkpoint
(`pavfmt.interop.progressive`).

Level 0 lays one flat Gaussian on every face that is ever seen; levels 1 and 2 split the faces where people
look and add skin, eyes, lashes, brows and hair. Everything hangs on faces, so it moves with shapes and joints.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pavfmt.interop.cc0_rig import read_cc0_rig
from pavfmt.interop.progressive import write_progressive
from pavfmt.model import Avatar, Float64Array, Level, Rig, Splits
from pavfmt.synthetic import RandomStream
from pavplayer.demo.eyes import Eye, eye_colours, eyeball_patches, iris_strokes, lash_roots, lash_strokes
from pavplayer.demo.hair import (
    Budget,
    brow_strokes,
    flow,
    hair_colours,
    hair_depth,
    hair_share,
    scattered,
    strands,
)
from pavplayer.demo.lighting import Light, key_light, openness
from pavplayer.demo.skin import EYE_CENTRE, MOUTH_CENTRE, skin_colours, teeth_colours, tongue_colours
from pavplayer.demo.strokes import Strokes, bound, discs, joined, nearest_faces
from pavplayer.demo.surface import LEFT_EYE, RIGHT_EYE, SKIN, TEETH, TONGUE, HeadSurface, smoothstep, unit

RIG_FILE = Path(__file__).with_name("mh_head_arkit52.npz")
SEED = 7
NORMAL, OPEN, KEY, INSIDE, SEEN = slice(0, 3), 3, 4, 5, 6
"""Columns of the attributes carried from the vertices to the faces of every level."""


@dataclass(frozen=True)
class Canvas:
    """The faces of one level: corners (F, 3, 3), attributes at the corners (F, 3, 7) and parts (F,)."""

    corners: Float64Array
    attributes: Float64Array
    parts: NDArray[np.int64]

    @property
    def centres(self) -> Float64Array:
        """(F, 3) metres."""
        return np.asarray(self.corners.mean(axis=1))

    @property
    def areas(self) -> Float64Array:
        """(F,) square metres."""
        across = np.cross(self.corners[:, 1] - self.corners[:, 0], self.corners[:, 2] - self.corners[:, 0])
        return np.asarray(np.linalg.norm(across, axis=1) / 2)

    def split(self, parents: NDArray[np.int64]) -> Canvas:
        """The children of `parents`, each split at its centroid."""
        corners, attributes = _children(self.corners[parents]), _children(self.attributes[parents])
        return Canvas(corners, attributes, np.repeat(self.parts[parents], 3))

    def light(self, faces: NDArray[np.int64]) -> Light:
        """The light at the centroids of some faces."""
        middle = self.attributes[faces].mean(axis=1)
        return Light(unit(middle[:, NORMAL]), middle[:, OPEN], middle[:, KEY])


def _children(values: Float64Array) -> Float64Array:
    """(S, 3, X) values at corners → (3 S, 3, X) at the corners of the children of a split at the centroid."""
    a, b, c = values[:, 0], values[:, 1], values[:, 2]
    middle = (a + b + c) / 3
    children = [np.stack(child, axis=1) for child in ((a, b, middle), (b, c, middle), (c, a, middle))]
    return np.stack(children, axis=1).reshape(-1, 3, values.shape[2])


@dataclass(frozen=True)
class Head:
    """What all levels are painted on."""

    surface: HeadSurface
    eyes: tuple[Eye, Eye]


def vertex_attributes(rig: Rig) -> tuple[HeadSurface, Float64Array]:
    """The resting surface and (V, 7) normal, openness, key light, inside of the mouth, whether ever seen.

    What rest hides and a motion shows (teeth, tongue, gums, folded lids) takes the light of that motion.
    """
    rest, jaw = HeadSurface.of(rig), HeadSurface.of(rig, jawOpen=0.7)
    blink = HeadSurface.of(rig, eyeBlinkLeft=1.0, eyeBlinkRight=1.0)
    tongue = HeadSurface.of(rig, jawOpen=1.0, tongueOut=1.0)
    at_rest, jaw_open, blinking, tongue_out = (openness(pose) for pose in (rest, jaw, blink, tongue))
    x, y, z = rest.vertices.T
    near = (np.abs(x) < 0.040) & (y > 0.630) & (y < 0.6885) & (z < 0.1475) & (z > 0.03)
    inside = smoothstep(0.16, 0.05, at_rest) * near * rig.regions["skin"]
    shown = near & (inside > 0) | ~rig.regions["skin"]
    open_ = np.where(shown, np.maximum(at_rest, 0.9 * jaw_open), at_rest)
    lids = rig.regions["left_lids"] | rig.regions["right_lids"]
    open_ = np.where(lids, np.maximum(open_, 0.75 * blinking + 0.25 * open_), open_)
    key = key_light(rest)
    key = np.where(lids, np.maximum(key, 0.3 * key + 0.7 * key_light(blink)), key)
    normals = np.where(lids[:, None], unit(rest.vertex_normals + blink.vertex_normals), rest.vertex_normals)
    seen = np.max([at_rest, jaw_open, blinking, tongue_out], axis=0)
    return rest, np.column_stack([normals, open_, key, inside, seen])


def face_colours(head: Head, canvas: Canvas, faces: NDArray[np.int64]) -> Float64Array:
    """(N, 3) display sRGB of bare faces: skin, eyeballs, teeth and tongue."""
    points, light, parts = canvas.centres[faces], canvas.light(faces), canvas.parts[faces]
    inside = canvas.attributes[faces][:, :, INSIDE].mean(axis=1)
    colours = skin_colours(points, light, inside)
    for part, painter in ((TEETH, teeth_colours), (TONGUE, tongue_colours)):
        colours = np.where((parts == part)[:, None], painter(points, light), colours)
    for eye in head.eyes:
        corners = canvas.corners[faces]
        spots = [0.6 * corners[:, i] + 0.4 * points for i in range(3)] + [points]
        mean = np.mean([eye_colours(eye, spot) for spot in spots], axis=0)
        colours = np.where((parts == eye.part)[:, None], mean, colours)
    return colours


def skin_discs(
    head: Head,
    canvas: Canvas,
    faces: NDArray[np.int64],
    spread: Float64Array | float,
    lift: float,
    opacity: float,
) -> Strokes:
    """One disc for each of some faces, `lift` metres over it; scalp is coloured and raised like hair."""
    bare = discs(canvas.corners, faces, spread, face_colours(head, canvas, faces), opacity)
    points, light = canvas.centres[faces], canvas.light(faces)
    share = np.where(canvas.parts[faces] == SKIN, hair_share(points), 0.0)
    tone = np.full(len(faces), 0.12)
    hair = hair_colours(flow(points, light.normals), light.normals, light.openness, tone)
    colours = bare.colours + (0.92 * share)[:, None] * (hair - bare.colours)
    opacities = bare.opacities * smoothstep(0.588, 0.628, points[:, 1])  # the neck fades out
    raised = lift + 0.45 * share * hair_depth(points)
    centres = bare.centres + raised[:, None] * light.normals
    sigmas = bare.sigmas + np.array([0.0, 0.0, 1.0]) * (0.15 * share * hair_depth(points))[:, None]
    return Strokes(bare.faces, centres, bare.axes, sigmas, colours, opacities)


def detail(points: Float64Array) -> Float64Array:
    """(N,) how closely people look at a point of the face."""
    side, y, z = np.abs(points[:, 0]), points[:, 1], points[:, 2]
    front = smoothstep(0.06, 0.12, z)
    eyes = np.exp(-(((side - EYE_CENTRE[0]) / 0.016) ** 2) - ((y - EYE_CENTRE[1]) / 0.011) ** 2)
    mouth = np.exp(-((side / 0.024) ** 2) - ((y - MOUTH_CENTRE[1]) / 0.013) ** 2)
    nose = np.exp(-((side / 0.016) ** 2) - ((y - 0.698) / 0.012) ** 2)
    brows = np.exp(-(((side - 0.030) / 0.020) ** 2) - ((y - 0.757) / 0.006) ** 2)
    return np.asarray(0.12 + front * (0.5 + 2.2 * eyes + 1.8 * mouth + 0.9 * nose + 0.8 * brows))


def _most(score: Float64Array, count: int) -> NDArray[np.int64]:
    """Indices of the `count` highest scores above 0, in rising order."""
    order = np.argsort(-score, kind="stable")[:count]
    return np.sort(order[score[order] > 0])


BUDGETS = (
    Budget(skin_splits=1650, strands=3050, length=0.0048, width=0.00052, lift=(0.35, 0.95)),
    Budget(skin_splits=950, strands=3050, length=0.0044, width=0.00034, lift=(0.60, 1.15)),
)
"""Of levels 1 and 2."""


def _hosts(head: Head, canvas: Canvas, number: int) -> NDArray[np.int64]:
    """The faces to split for level `number`: skin with detail or lashes, scalp, the eyeballs' front, teeth."""
    middle = canvas.attributes.mean(axis=1)
    bare = _bare_skin(canvas) & (middle[:, INSIDE] < 0.5)
    score = np.where(bare, detail(canvas.centres) * np.sqrt(canvas.areas), 0.0)
    scalp = (canvas.parts == SKIN) & (hair_share(canvas.centres) > 0.3) & (middle[:, OPEN] > 0.1)
    scalp &= canvas.areas > (6e-6 if number == 1 else 2e-5)
    eyeball = np.isin(canvas.parts, (LEFT_EYE, RIGHT_EYE)) & (unit(middle[:, NORMAL])[:, 2] > 0.55)
    teeth = (canvas.parts == TEETH) & (number == 1)
    roots = [lash_roots(head.surface, eye, 40, upper=upper) for eye in head.eyes for upper in (True, False)]
    lids = nearest_faces(np.concatenate(roots), canvas.corners, np.flatnonzero(canvas.parts == SKIN))
    chosen = [_most(score, BUDGETS[number - 1].skin_splits), lids, np.flatnonzero(scalp | eyeball | teeth)]
    return np.unique(np.concatenate(chosen))


def base_level(head: Head, canvas: Canvas) -> Level:
    """One Gaussian on every face that some expression shows; the eyeballs turn, so they have all."""
    eyeball = np.isin(canvas.parts, (LEFT_EYE, RIGHT_EYE))
    faces = np.flatnonzero(eyeball | (canvas.attributes[:, :, SEEN].max(axis=1) > 0.002))
    spread = np.where(hair_share(canvas.centres[faces]) < 0.3, 2.25, 1.8)
    spread = np.where(np.isin(canvas.parts[faces], (SKIN, TONGUE)), spread, 1.35)
    strokes = skin_discs(head, canvas, faces, spread, 0.0, 0.985)
    return Level(bound(strokes, canvas.corners))


def finer_level(head: Head, before: Canvas, number: int, random: RandomStream) -> tuple[Level, Canvas]:
    """Level 1 or 2: splits, then skin on the children, teeth, hair, eyes, brows and lashes."""
    parents = _hosts(head, before, number)
    canvas = before.split(parents)
    splits = Splits(parents.astype(np.int32), np.full((len(parents), 3), 1 / 3, np.float32))
    skin = np.flatnonzero(_bare_skin(canvas))
    parts = [skin_discs(head, canvas, skin, 1.75, 0.0004 * number, 0.90)]
    parts.append(skin_discs(head, canvas, np.flatnonzero(canvas.parts == TEETH), 1.3, 0.0003, 0.9))
    parts.append(_hair(canvas, number, random))
    for eye in head.eyes:
        parts += _around_eye(head, eye, canvas, skin, number, random)
    return Level(bound(joined(parts), canvas.corners), splits=splits), canvas


def _bare_skin(canvas: Canvas) -> NDArray[np.bool_]:
    """(F,) skin in the open, without hair on it."""
    seen = canvas.attributes.mean(axis=1)[:, OPEN] > 0.08
    return np.asarray((canvas.parts == SKIN) & seen & (hair_share(canvas.centres) <= 0.3))


def _around_eye(
    head: Head, eye: Eye, canvas: Canvas, skin: NDArray[np.int64], number: int, random: RandomStream
) -> list[Strokes]:
    """The patches of the eyeball on level 1, the iris and the lashes on level 2, the brow on both."""
    surface, corners, ball = head.surface, canvas.corners, np.flatnonzero(canvas.parts == eye.part)
    if number == 1:
        return [
            eyeball_patches(eye, corners, ball, 0.00125, 0.0002),
            brow_strokes(surface, eye.side, corners, skin, random, 120),
        ]
    return [
        iris_strokes(eye, corners, ball, random, 0.0005),
        lash_strokes(surface, eye, corners, skin, random),
        brow_strokes(surface, eye.side, corners, skin, random, 170),
    ]


def _hair(canvas: Canvas, number: int, random: RandomStream) -> Strokes:
    """Strands on the scalp, denser toward the face."""
    budget = BUDGETS[number - 1]
    scalp = np.flatnonzero((canvas.parts == SKIN) & (hair_share(canvas.centres) > 0.15))
    density = 0.35 + smoothstep(-0.02, 0.08, canvas.centres[scalp, 2])
    found = scattered(random, canvas.corners[scalp], canvas.attributes[scalp], density, budget.strands)
    return strands(random, (scalp[found[0]], found[1], found[2]), budget)


def demo_avatar() -> Avatar:
    """The demo avatar, the same at every call."""
    rig = read_cc0_rig(RIG_FILE)
    random = RandomStream(SEED)
    surface, attributes = vertex_attributes(rig)
    head = Head(surface, (Eye.of(surface, LEFT_EYE), Eye.of(surface, RIGHT_EYE)))
    canvas = Canvas(surface.corners, attributes[rig.faces], surface.parts)
    levels = [base_level(head, canvas)]
    for number in (1, 2):
        level, canvas = finer_level(head, canvas, number, random)
        levels.append(level)
    metadata = {
        "title": "Demo head",
        "license": "CC0-1.0",
        "rig-license": "CC0-1.0",
        "generator": "pavplayer.demo.make_avatar",
    }
    return Avatar(tuple(levels), rig, metadata=metadata)


def main(arguments: list[str] | None = None) -> None:
    """Write the demo avatar as a progressive checkpoint."""
    parser = argparse.ArgumentParser(description="Paint the demo avatar.")
    parser.add_argument("out", type=Path, help="folder to write a progressive checkpoint to")
    parser.add_argument("--force", action="store_true", help="replace an existing checkpoint")
    options = parser.parse_args(arguments)
    write_progressive(demo_avatar(), options.out, force=options.force)


if __name__ == "__main__":
    main()
