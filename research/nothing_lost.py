"""The figures of spec/decisions/0016-nothing-lost.md, for one LAM head.

    python -m research.nothing_lost HEAD.zip

First: what leaving out costs by itself, at several limits of what a window may change by, beside leaving out by
importance. Then: what rounding costs with steps by sensitivity, and what fitting colours anew takes back. Measured by
`eval-v2`, every third camera and every second expression: dB of the worse background / worst 16×16 / worst 4×4.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pavfmt.encoder import PRESETS, EncodeOptions, encode, pruned, rendered_importance
from pavfmt.encoder import quality as search
from pavfmt.encoder.planning import Planner
from pavfmt.encoder.preview import preview
from pavfmt.encoder.seen import looking
from pavfmt.importers.lam import read_lam
from pavfmt.model import Avatar
from pavfmt.tools.inspect import gaussian_bytes_of, inspect
from pavplayer.evaluation.framings import Framing, framings_of
from pavplayer.evaluation.likeness import compared, likeness
from pavplayer.importance import open_renderer
from pavplayer.posing.poser import Poser
from pavplayer.rasterizers import open_rasterizer

LIMITS = (0.8, 1.7, 3.4, 5.0)
"""Of `looking.OMISSION_LIMIT`: times the root of the error allowed, 1.1 of 255 at 47 dB."""
SHARES = (0.9995, 0.999, 0.998)
"""Of importance, by which 0.2 left out."""
FACTORS = (1.0, 1.4, 2.0)


def main(path: str) -> None:
    """Print both tables."""
    avatar, renderer = read_lam(path), open_renderer("cpu")
    cloud = Poser(avatar).frame
    framings = [_thinned(one) for one in framings_of(avatar, cloud)]
    importance, decibels = rendered_importance(avatar, renderer), PRESETS["balanced"]

    def show(name: str, tests: Sequence[Avatar]) -> None:
        clouds = [Poser(one).frame for one in tests]
        pictures = compared(framings, cloud, clouds, open_rasterizer("cpu"))
        for one, test in zip(likeness(framings, pictures, avatar, len(tests)), tests, strict=True):
            cells = (
                f"{min(x.psnr, x.psnr_black):.1f} / {x.large.difference:.0f} / {x.small.difference:.0f}"
                for x in one
            )
            print(f"| {name} | {test.gaussian_count:,} | {' | '.join(cells)} |", flush=True)

    print("| left out | Gaussians left | " + " | ".join(one.name for one in framings) + " |")
    print("|---|---|" + "---|" * len(framings))
    for share in SHARES:
        show(f"by importance, {100 * (1 - share):.2f} %", [pruned(avatar, importance, share)[0]])
    for limit in LIMITS:
        looking.OMISSION_LIMIT = limit
        seen = looking.look_at(avatar, renderer, decibels)
        level = avatar.levels[0]
        left = replace(level, gaussians=level.gaussians.take(np.flatnonzero(seen.kept[0])))
        show(f"as a set, limit {limit:g}", [replace(avatar, levels=(left,))])
    looking.OMISSION_LIMIT = 3.4
    seen = looking.look_at(avatar, renderer, decibels)
    for factor in FACTORS:
        options = EncodeOptions()
        options = replace(options, precision=replace(options.precision, step_factor=factor))
        rounded = preview(Planner(avatar, options, importance, seen=seen).plan())
        size = gaussian_bytes_of(inspect(encode(avatar, options, importance, seen=seen)))
        show(f"factor {factor:g}, {size / avatar.gaussian_count:.2f} B", [rounded])
        search.MAX_ROUNDS = 1
        found = search.tuned(avatar, options, importance, renderer, decibels)
        again = preview(Planner(found.avatar, found.options, importance, seen=found.seen).plan())
        show("and colours fitted anew", [again])


def _thinned(framing: Framing) -> Framing:
    expressions = dict(list(framing.expressions.items())[::2])
    return replace(framing, cameras=framing.cameras[::3], angles=framing.angles[::3], expressions=expressions)


if __name__ == "__main__":
    main(sys.argv[1])
