"""Paint the demo avatar on the CC0 head rig: a face in three levels, without training or a graphics card.

Run as `python -m pavplayer.demo.make_avatar OUT`: OUT is a `.pav` file, or a folder for a progressive checkpoint
(`pavfmt.interop.progressive`).

Level 0 is a few large Gaussians, each for a patch of faces; level 1 splits every face that is ever seen and adds
one flat Gaussian a face, more where people look, and the first hair; level 2 splits again for skin, irises,
lashes, brows and hair. Everything hangs on faces, so it moves with the shapes and the joints.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pavfmt.encoder import EncodeOptions, encode
from pavfmt.encoder.importance import rendered_importance
from pavfmt.fileio import write_bytes
from pavfmt.interop.cc0_rig import read_cc0_rig
from pavfmt.interop.progressive import write_progressive
from pavfmt.model import Avatar, Float64Array, Level, Rig, Splits
from pavfmt.synthetic import RandomStream
from pavplayer.demo.coarse import nearest_seeds, patch_seeds, patches
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
from pavplayer.demo.skin import EYE_CENTRE, MOUTH_CENTRE, on_ear, skin_colours, teeth_colours, tongue_colours
from pavplayer.demo.strokes import Strokes, bound, discs, joined, nearest_faces
from pavplayer.demo.surface import LEFT_EYE, RIGHT_EYE, SKIN, TEETH, TONGUE, HeadSurface, smoothstep, unit
from pavplayer.importance import open_renderer

RIG_FILE = Path(__file__).with_name("mh_head_arkit52.npz")
SEED = 7
FIRST_UNIT_BYTES = 26_000
"""Room for the Gaussians of level 0: the first picture is a whole face."""
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
    Budget(skin_splits=1550, strands=2700, length=0.0048, width=0.00052, lift=(0.35, 0.95)),
    Budget(skin_splits=900, strands=2700, length=0.0044, width=0.00034, lift=(0.60, 1.15)),
)
"""Of levels 1 and 2."""


def seen_faces(canvas: Canvas) -> NDArray[np.int64]:
    """The faces that some expression shows, and all of the eyeballs, for they turn."""
    eyeball = np.isin(canvas.parts, (LEFT_EYE, RIGHT_EYE))
    return np.flatnonzero(eyeball | (canvas.attributes[:, :, SEEN].max(axis=1) > 0.002))


def looked_at(head: Head, canvas: Canvas, number: int) -> NDArray[np.int64]:
    """The faces that get more than one Gaussian on level `number`: detailed skin, lids, irises, teeth."""
    middle = canvas.attributes.mean(axis=1)
    bare = _bare_skin(canvas) & (middle[:, INSIDE] < 0.5)
    score = np.where(bare, detail(canvas.centres) * np.sqrt(canvas.areas), 0.0)
    front = np.isin(canvas.parts, (LEFT_EYE, RIGHT_EYE)) & (unit(middle[:, NORMAL])[:, 2] > 0.55)
    teeth = (canvas.parts == TEETH) & (number == 1)
    roots = [lash_roots(head.surface, eye, 40, upper=upper) for eye in head.eyes for upper in (True, False)]
    lids = nearest_faces(np.concatenate(roots), canvas.corners, np.flatnonzero(canvas.parts == SKIN))
    chosen = [_most(score, BUDGETS[number - 1].skin_splits), lids, np.flatnonzero(front | teeth)]
    return np.unique(np.concatenate(chosen))


def whole_faces(head: Head, canvas: Canvas, faces: NDArray[np.int64]) -> Strokes:
    """One disc on each of some faces, wide enough to leave no gaps."""
    parts = canvas.parts[faces]
    spread = np.where(hair_share(canvas.centres[faces]) < 0.3, 2.1, 1.8)
    spread = np.where(np.isin(parts, (SKIN, TONGUE)), spread, 1.35)
    return skin_discs(head, canvas, faces, spread, 0.0, 0.985)


def coarse_level(head: Head, canvas: Canvas) -> Level:
    """Level 0: a Gaussian for every patch of faces, smaller patches where people look."""
    faces = _patched_faces(canvas)
    middle, centres, parts = canvas.attributes[faces].mean(axis=1), canvas.centres[faces], canvas.parts[faces]
    normals, inside, eyeball = (
        unit(middle[:, NORMAL]),
        middle[:, INSIDE],
        np.isin(parts, (LEFT_EYE, RIGHT_EYE)),
    )
    looked = detail(centres)
    close = np.clip(0.0041 / np.sqrt(looked + 0.6 * on_ear(centres)), 0.0024, 0.0105)
    spacing = np.select([eyeball, parts == SKIN], [0.0028, close], 0.0035)
    seeds = patch_seeds(centres, normals, spacing)
    owner = nearest_seeds(centres, normals, parts, seeds)
    wide = 1.65 + 0.3 * smoothstep(0.15, 0.40, looked) - 0.6 * inside - 0.65 * on_ear(centres)
    spread = np.where(parts == SKIN, wide, 1.6)
    sink = 0.0013 * (1 - 2 * inside)  # under the finer skin, but into the mouth
    strokes = skin_discs(head, canvas, faces, 1.0, 0.0, 0.985)
    return Level(bound(patches(strokes, owner, seeds, spread, sink), canvas.corners))


def _patched_faces(canvas: Canvas) -> NDArray[np.int64]:
    """The faces that level 0 stands for: open skin, the mouth's inside, the fronts of the eyeballs, …"""
    middle = canvas.attributes.mean(axis=1)
    eyeball = np.isin(canvas.parts, (LEFT_EYE, RIGHT_EYE))
    front = eyeball & (unit(middle[:, NORMAL])[:, 2] > 0.2)
    skin = (canvas.parts == SKIN) & ((middle[:, OPEN] > 0.07) | (middle[:, INSIDE] > 0.5))
    other = ~eyeball & (canvas.parts != SKIN)
    return np.intersect1d(seen_faces(canvas), np.flatnonzero(front | skin | other))


def face_level(head: Head, before: Canvas, random: RandomStream) -> tuple[Level, Canvas]:
    """Level 1: every face that is ever seen is split; three Gaussians where people look, else one; hair."""
    parents = seen_faces(before)
    canvas = before.split(parents)
    close = np.isin(parents, looked_at(head, before, 1))
    children = 3 * np.flatnonzero(close)[:, None] + np.arange(3)
    whole = whole_faces(head, before, parents[~close])
    whole = replace(whole, faces=3 * np.flatnonzero(~close))
    parts = [whole, _finer_faces(head, canvas, children.reshape(-1), 1), _hair(canvas, 1, random)]
    skin = np.flatnonzero(_bare_skin(canvas))
    for eye in head.eyes:
        ball = np.flatnonzero(canvas.parts == eye.part)
        parts.append(eyeball_patches(eye, canvas.corners, ball, 0.00125, 0.0002))
        parts.append(brow_strokes(head.surface, eye.side, canvas.corners, skin, random, 120))
    return _level(parts, canvas, parents), canvas


def fine_level(head: Head, before: Canvas, random: RandomStream) -> Level:
    """Level 2: splits where people look and on the scalp; skin, irises, lashes, brows and hair."""
    scalp = (before.parts == SKIN) & (hair_share(before.centres) > 0.3) & (before.areas > 2e-5)
    parents = np.union1d(looked_at(head, before, 2), np.flatnonzero(scalp))
    canvas = before.split(parents)
    skin = np.flatnonzero(_bare_skin(canvas))
    parts = [_finer_faces(head, canvas, skin, 2), _hair(canvas, 2, random)]
    for eye in head.eyes:
        ball = np.flatnonzero(canvas.parts == eye.part)
        parts.append(iris_strokes(eye, canvas.corners, ball, random, 0.0005))
        parts.append(lash_strokes(head.surface, eye, canvas.corners, skin, random))
        parts.append(brow_strokes(head.surface, eye.side, canvas.corners, skin, random, 170))
    return _level(parts, canvas, parents)


def _level(parts: list[Strokes], canvas: Canvas, parents: NDArray[np.int64]) -> Level:
    thirds = np.full((len(parents), 3), 1 / 3, np.float32)
    return Level(bound(joined(parts), canvas.corners), splits=Splits(parents.astype(np.int32), thirds))


def _finer_faces(head: Head, canvas: Canvas, faces: NDArray[np.int64], number: int) -> Strokes:
    """Discs a little over the skin, and over the teeth, hiding the coarser ones."""
    eyeball = np.isin(canvas.parts[faces], (LEFT_EYE, RIGHT_EYE))
    faces = faces[~eyeball]  # those have patches of their own
    spread = np.where(canvas.parts[faces] == SKIN, 1.75, 1.3)
    return skin_discs(head, canvas, faces, spread, 0.0004 * number, 0.92)


def _bare_skin(canvas: Canvas) -> NDArray[np.bool_]:
    """(F,) skin in the open, without hair on it."""
    seen = canvas.attributes.mean(axis=1)[:, OPEN] > 0.08
    return np.asarray((canvas.parts == SKIN) & seen & (hair_share(canvas.centres) <= 0.3))


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
    coarse = coarse_level(head, canvas)
    middle, canvas = face_level(head, canvas, random)
    fine = fine_level(head, canvas, random)
    metadata = {
        "title": "Demo head",
        "license": "CC0-1.0",
        "rig-license": "CC0-1.0",
        "generator": "pavplayer.demo.make_avatar",
    }
    return Avatar((coarse, middle, fine), rig, metadata=metadata)


def demo_file(avatar: Avatar) -> bytes:
    """The avatar as a `.pav`, ordered by what a renderer sees; its first Gaussian unit holds all of level 0."""
    importance = rendered_importance(avatar, open_renderer("cpu"))
    return encode(avatar, EncodeOptions(first_unit_bytes=FIRST_UNIT_BYTES), importance)


def main(arguments: list[str] | None = None) -> None:
    """Write the demo avatar."""
    parser = argparse.ArgumentParser(description="Paint the demo avatar.")
    parser.add_argument("out", type=Path, help="a .pav file, or a folder for a progressive checkpoint")
    parser.add_argument("--force", action="store_true", help="replace what is there")
    options = parser.parse_args(arguments)
    if options.out.suffix == ".pav":
        write_bytes(str(options.out), demo_file(demo_avatar()), options.force)
    else:
        write_progressive(demo_avatar(), options.out, force=options.force)


if __name__ == "__main__":
    main()
