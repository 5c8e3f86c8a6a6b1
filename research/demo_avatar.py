"""The demo avatar: fitted to the scene, put under a base that hands over to it, and written as a `.pav` file.

Run as `python -m research.demo_avatar OUT.pav`. It goes on where it was interrupted, and keeps the fitted
checkpoint in the folder beside it that ends in `.fitted`. On a machine that is busy with other things `--minutes`
bounds the fit.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from pavfmt.encoder import PRESETS, encode, pruned, rendered_importance, tuned
from pavfmt.encoder.options import HAND_OVER_OPTIONS
from pavfmt.exporters.progressive import write_progressive
from pavfmt.fileio import check_target, write_bytes
from pavfmt.importers.progressive import is_progressive, read_progressive
from pavfmt.model import Avatar
from pavplayer.importance import open_renderer
from pavtraining.hand_over import HandOverConfiguration, hand_over
from pavtraining.hierarchy.configuration import HierarchyConfiguration
from pavtraining.hierarchy.running import HierarchyRun
from pavtraining.running import InterruptedFitError, RunFiles, progress_bar
from pavtraining.sources.scene.studio import BACK_ANGLES, CAMERA_ANGLES, SceneSource

CONFIGURATION = HierarchyConfiguration(
    steps=5000,
    views=(210, 126, 84),
    visibility_views=42,
    sizes=(0.25, 0.5, 1.0),
    sizes_until=(0.35, 0.85, 1.0),
    gaussians=36_000,
    sh_degree=3,
    coarse_share=0.036,
    growth_rounds=16,
    order_interval=200,
    whole_from=1.0,
)
"""What two cores of our own finish in a quarter of an hour."""
ANGLES = 2 * CAMERA_ANGLES + BACK_ANGLES
"""Three looks at the face for each at the back of the head."""
CACHE_BYTES = 2 << 30
"""All views at full size."""
BASE = HandOverConfiguration(
    exact=True, exact_decibels=99.0, cover_count=1350, first_count=900, lining_count=130
)
"""All that is to be seen is sent as it was fitted. The first of the base are a whole head."""
KEPT_IMPORTANCE = 0.9997
"""More than heads of one level need: it is there to be looked at from close by, too."""
METADATA = {
    "title": "Demo head",
    "author": "the pavfmt project",
    "license": "CC0-1.0",
    "rig-license": "CC0-1.0 (MakeHuman)",
    "generator": "python -m research.demo_avatar",
}


def demo_source() -> SceneSource:
    """The scene, from all sides."""
    return SceneSource(CONFIGURATION.seed, CACHE_BYTES, ANGLES)


def _run(files: RunFiles, minutes: float | None) -> HierarchyRun:
    """The run that was interrupted, or a new one."""
    source = demo_source()
    if files.state.exists():
        return HierarchyRun.resumed(source, files)
    return HierarchyRun.started(source, CONFIGURATION, files, minutes)


def fitted(folder: Path, minutes: float | None = None, quiet: bool = False) -> Avatar:
    """The avatar of a checkpoint; fitted first, or to the end, where it is not there yet."""
    if not is_progressive(folder):
        files = RunFiles.beside(folder)
        run = _run(files, minutes)
        run.go(quiet)
        write_progressive(run.fit.avatar(METADATA), folder)
        run.clear()
    return read_progressive(folder)


def demo_file(avatar: Avatar, quiet: bool = False) -> bytes:
    """The fitted avatar, but for what nobody sees of it, under a base, as a `.pav`."""
    renderer = open_renderer("cpu")
    seen, _ = pruned(avatar, rendered_importance(avatar, renderer), KEPT_IMPORTANCE)
    with progress_bar(quiet) as show:
        handing_over = hand_over(seen, BASE, show).avatar
    importance = rendered_importance(handing_over, renderer)
    found = tuned(handing_over, HAND_OVER_OPTIONS, importance, renderer, PRESETS["balanced"], source=avatar)
    return encode(found.avatar, found.options, importance, seen=found.seen)


def main(arguments: list[str] | None = None) -> None:
    """Fit and write the demo avatar."""
    parser = argparse.ArgumentParser(description="Fit the demo avatar to the scene.")
    parser.add_argument("out", type=Path, help="the .pav file to write")
    parser.add_argument(
        "--minutes", type=float, metavar="M", help="end after M minutes, all phases in proportion"
    )
    parser.add_argument("--force", action="store_true", help="replace what is there")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress bar")
    options = parser.parse_args(arguments)
    check_target(str(options.out), options.force)
    torch.set_num_threads(1)  # its operations here are small: more threads only wait for each other
    try:
        avatar = fitted(options.out.with_suffix(".fitted"), options.minutes, options.quiet)
    except InterruptedFitError as stop:
        sys.exit(f"{stop.args[0].split(';')[0]}; the same command goes on from there")
    data = demo_file(avatar, options.quiet)
    write_bytes(str(options.out), data, options.force)
    print(f"{options.out}: {len(data):,} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
