"""Quality and bytes of the three LAM heads over a whole evaluation set, encoded at the presets.

    python -m tests.benchmarks.bench_quality [EVALUATION.json]

PSNR against the unquantized avatar in the same renderer: over all pixels of all pictures, and of the worst one.
The default set is eval-v1.json beside the data folder that PAV_TEST_DATA names.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

from pavfmt import EncodeOptions, decode, encode, inspect
from pavfmt.encoder import PRESETS, precision_for, rendered_importance
from pavfmt.importers.lam import read_lam
from pavfmt.tools.inspect import gaussian_bytes_of
from pavplayer.evaluation.metrics import mean_squared_error, psnr_of_error
from pavplayer.evaluation.views import read_evaluation_set
from pavplayer.importance import open_renderer
from pavplayer.posing.poser import Poser
from pavplayer.rasterizers import open_rasterizer

DATA = Path(os.environ.get("PAV_TEST_DATA", "../shared/data"))
HEADS = ("status", "tesla", "p2-1")
PRESET_SHARES = {"small": (1.0,), "balanced": (0.25, 0.5, 0.75, 1.0), "near-lossless": (1.0,)}


def errors(poser: Poser, reference: Poser, cameras: list, poses: list) -> np.ndarray:
    """The mean squared error of every picture."""
    rasterizer = open_rasterizer("cpu")
    found = []
    for pose in poses:
        left, right = poser.frame(pose), reference.frame(pose)
        found += [
            mean_squared_error(rasterizer.render(left, one), rasterizer.render(right, one)) for one in cameras
        ]
    return np.array(found)


def main(path: Path) -> None:
    """One row per head, preset and share of its file."""
    evaluation, renderer = read_evaluation_set(path), open_renderer("cpu")
    poses = list(evaluation.expressions.values())
    print(f"{path.name}: {len(evaluation.views)} views x {len(poses)} expressions\n")
    print("| head | preset | file_bytes | gaussian_bytes | per input Gaussian | Gaussians | dB | worst |")
    print("|---|---|---|---|---|---|---|---|")
    for name in HEADS:
        avatar = read_lam(DATA / "lam" / f"{name}.zip")
        assert avatar.rig is not None
        cameras = evaluation.cameras(avatar.rig.mean_neutral.astype(np.float64))
        importance, reference = rendered_importance(avatar, renderer), Poser(avatar)
        for preset, shares in PRESET_SHARES.items():
            found, _ = precision_for(avatar, EncodeOptions(), importance, renderer, PRESETS[preset])
            data = encode(avatar, EncodeOptions(precision=found), importance)
            for share in shares:
                part = data[: round(len(data) * share)]
                snapshot = decode(part).snapshot()
                assert snapshot is not None
                off = errors(Poser(snapshot.avatar, snapshot.order), reference, cameras, poses)
                report = inspect(part)
                size = gaussian_bytes_of(report)
                cells = f"{len(part):,} | {size:,} | {size / avatar.gaussian_count:.2f}"
                quality = f"{psnr_of_error(float(off.mean())):.2f} | {psnr_of_error(float(off.max())):.2f}"
                print(f"| {name} | {preset} | {cells} | {report.gaussian_count:,} | {quality} |", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else DATA.parent / "eval-v1.json")
