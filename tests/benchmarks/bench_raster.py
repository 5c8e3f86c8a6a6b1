"""How long the player's posing and rasterizer take, as medians of one run and as ratios to the blending alone.

`python -m tests.benchmarks.bench_raster RIG.npz [--repeats N]`, the rig being the CC0 head rig: the avatar is
the seeded one of 170,000 Gaussians that every speed figure uses. Kernels are compiled before the clock starts.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

from pavfmt.importers.cc0_rig import read_cc0_rig
from pavfmt.model import Avatar, Pose
from pavfmt.tools.synthetic import synthetic_avatar
from pavplayer.camera import evaluation_camera
from pavplayer.posing.poser import Poser
from pavplayer.rasterizers import open_rasterizer
from pavplayer.rasterizers.tiles import draw, sort_into_tiles
from tests.benchmarks.timing import milliseconds


@dataclass(frozen=True)
class Timing:
    """One step of a frame."""

    step: str
    milliseconds: float


def timed(step: str, repeats: int, work: Callable[[], object]) -> Timing:
    """One step, measured."""
    return Timing(step, milliseconds(work, repeats))


def run(rig_path: str, repeats: int = 15) -> list[Timing]:
    """The stages of a frame of the seeded avatar."""
    return stages(synthetic_avatar(read_cc0_rig(rig_path)), repeats)


def stages(avatar: Avatar, repeats: int = 15) -> list[Timing]:
    """Posing, the rasterizer's two halves, whole pictures and importance; the avatar has a rig."""
    rig, identity = avatar.rig, avatar.identity
    assert rig is not None
    neutral = rig.mean_neutral if identity is None else identity.neutral
    poser = Poser(avatar)
    camera = evaluation_camera(neutral, 20, 5)
    pose = Pose({shape.name: 0.3 for shape in rig.shapes[:12]}, {rig.joint_names[-1]: (0.0, 0.1, 0.0)})
    cloud, rasterizer = poser.frame(pose), open_rasterizer("cpu")
    tiles = sort_into_tiles(cloud, camera)
    return [
        timed("blending", repeats, lambda: draw(tiles, camera, (1.0, 1.0, 1.0))),
        timed("projection, colours, tile lists", repeats, lambda: sort_into_tiles(cloud, camera)),
        timed("picture", repeats, lambda: rasterizer.render(cloud, camera)),
        timed("importance", repeats, lambda: rasterizer.contributions(cloud, camera)),
        timed("posing", repeats, lambda: poser.frame(pose)),
        timed("frame (posing and picture)", repeats, lambda: rasterizer.render(poser.frame(pose), camera)),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rig")
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args()
    timings = run(options.rig, options.repeats)
    for timing in timings:
        ratio = timing.milliseconds / timings[0].milliseconds
        print(f"{timing.step:34} {timing.milliseconds:8.1f} ms {ratio:6.2f}")


if __name__ == "__main__":
    main()
