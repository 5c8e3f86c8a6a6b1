"""Fits a base to flat avatars, or reads one fitted before, and prints what prefixes of the result look like.

    python -m pavtraining.hand_over.measure --set eval-v1.json status.zip tesla.zip
    python -m pavtraining.hand_over.measure --set eval-v1.json status.zip --fitted status.npz --cuts 50

Bytes are simulated: so many for each Gaussian of the base and for each original.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from pavfmt.errors import PavError
from pavfmt.interop import read_avatar
from pavfmt.model import Avatar
from pavplayer.evaluation import EvaluationSet, read_evaluation_set
from pavplayer.metrics import psnr_of_error
from pavplayer.posing import Poser
from pavplayer.rasterizers import open_rasterizer
from pavtraining.hand_over import HandOverConfiguration, hand_over
from pavtraining.hand_over.simulation import Comparison, Picture, SimulatedPrefixes
from pavtraining.hand_over.storage import read_result, write_result

MARKS = (6_000, 12_000, 30_000, 60_000)
"""Bytes; then all."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    options = _parser().parse_args(arguments)
    torch.set_num_threads(options.threads)
    pictures = read_evaluation_set(options.set)
    try:
        for path in options.avatar:
            _measure(path, pictures, options)
    except PavError as error:
        print(f"{error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pavtraining.hand_over.measure",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "avatar", nargs="+", help="flat avatars: LAM zips, or anything else that pav encode reads"
    )
    parser.add_argument("--set", required=True, help="JSON file of the views and expressions to report on")
    parser.add_argument("--fitted", help="a base fitted before (.npz): nothing is fitted")
    parser.add_argument("--save", help="folder to write AVATAR.npz to")
    parser.add_argument(
        "--base-bytes", type=float, default=HandOverConfiguration.base_bytes, help="%(default)s"
    )
    parser.add_argument(
        "--original-bytes", type=float, default=HandOverConfiguration.original_bytes, help="%(default)s"
    )
    parser.add_argument("--cuts", type=int, default=0, help="also so many cuts, equally far apart")
    parser.add_argument("--seed", type=int, default=0, help="of the fit")
    parser.add_argument("--threads", type=int, default=1, help="of torch; numba has NUMBA_NUM_THREADS")
    return parser


def _measure(path: str, views: EvaluationSet, options: argparse.Namespace) -> None:
    flat = read_avatar(path)
    avatar = read_result(options.fitted, flat) if options.fitted else _fitted(path, flat, options)
    prefixes = SimulatedPrefixes(avatar, (options.base_bytes, options.original_bytes))
    comparison = Comparison(prefixes, pictures_of(flat, views), open_rasterizer("cpu"))
    base = options.base_bytes * len(avatar.levels[0].gaussians)
    print(f"{Path(path).stem}: base {base:,.0f} of {prefixes.ends[-1]:,.0f} bytes (simulated)")
    for budget in (*MARKS, prefixes.ends[-1]):
        _report(comparison, prefixes, budget)
    for cut in range(options.cuts):
        _report(comparison, prefixes, prefixes.ends[-1] * (cut + 1) / options.cuts)


def _report(comparison: Comparison, prefixes: SimulatedPrefixes, budget: float) -> None:
    count = prefixes.count_within(budget)
    errors = comparison.errors(count)
    mean, worst = psnr_of_error(float(errors.mean())), psnr_of_error(float(errors.max()))
    print(f"{budget:10,.0f} bytes {count:7,} Gaussians {mean:6.2f} dB, worst {worst:6.2f} dB", flush=True)


def _fitted(path: str, flat: Avatar, options: argparse.Namespace) -> Avatar:
    started, busy = time.perf_counter(), time.process_time()
    with tqdm(
        total=1.0, disable=not sys.stderr.isatty(), bar_format="{desc}: {percentage:3.0f} % {bar}"
    ) as bar:

        def tell(what: str, done: float) -> None:
            bar.set_description(what, refresh=False)
            bar.update(done - bar.n)

        result = hand_over(flat, HandOverConfiguration(seed=options.seed), tell)
    seconds, used = time.perf_counter() - started, time.process_time() - busy
    print(f"{Path(path).stem}: fitted in {seconds:.0f} s, {used:.0f} s of CPU")
    if options.save:
        write_result(str(Path(options.save) / f"{Path(path).stem}.npz"), result, force=True)
    return result.avatar


def pictures_of(avatar: Avatar, views: EvaluationSet) -> list[Picture]:
    """What the avatar itself looks like, every expression from every view."""
    rasterizer, poser = open_rasterizer("cpu"), Poser(avatar)
    neutral = np.zeros((0, 3)) if avatar.rig is None else avatar.rig.mean_neutral
    if avatar.identity is not None:
        neutral = avatar.identity.neutral
    return [
        Picture(camera, pose, rasterizer.render(poser.frame(pose), camera, views.background))
        for camera in views.cameras(neutral)
        for pose in views.expressions.values()
    ]


if __name__ == "__main__":
    sys.exit(main())
