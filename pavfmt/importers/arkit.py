"""What ARKit's 52 shape names say: which the face needs to look alive, and which parts of it they move."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pavfmt.arrays import BoolArray
from pavfmt.model import Shape

ESSENTIAL_SHAPES = frozenset(
    {"jawOpen", "eyeBlinkLeft", "eyeBlinkRight", "mouthSmileLeft", "mouthSmileRight"}
)
"""Without these an avatar does not count as animatable (§6.2)."""

SUPPORT = 0.5
"""A vertex belongs to a shape that moves it by at least this part of the shape's largest displacement: with less,
a mouth reaches to the ears."""

REGIONS: dict[str, tuple[tuple[str, ...], str]] = {
    "left_eye": (("eyeBlink", "eyeWide", "eyeLook"), "Left"),
    "right_eye": (("eyeBlink", "eyeWide", "eyeLook"), "Right"),
    "mouth": (("mouth",), ""),
    "jaw": (("jaw",), ""),
    "brows": (("brow",), ""),
}
"""Region → beginnings and ending of the ARKit shape names whose supports it joins."""


def support_of(shape: Shape) -> BoolArray:
    """(V0,) mask of the vertices a shape moves noticeably."""
    lengths = np.linalg.norm(shape.displacements, axis=1)
    largest = lengths.max(initial=0.0)
    mask: BoolArray = lengths > SUPPORT * largest if largest > 0 else np.zeros(len(lengths), bool)
    return mask


def regions_from_shapes(shapes: Sequence[Shape]) -> dict[str, BoolArray]:
    """Region name → (V0,) mask, for the regions that have shapes and are not empty."""
    regions: dict[str, BoolArray] = {}
    for region, (beginnings, ending) in REGIONS.items():
        named = [s for s in shapes if s.name.startswith(beginnings) and s.name.endswith(ending)]
        mask = np.any([support_of(shape) for shape in named], axis=0) if named else np.zeros(1, bool)
        if mask.any():
            regions[region] = mask
    return regions
