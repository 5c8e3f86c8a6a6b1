"""Quality and bytes of the three LAM heads over a whole evaluation set, encoded with the defaults.

    python -m tests.benchmarks.bench_quality [EVALUATION.json]

PSNR against the unquantized avatar in the same renderer: over all pixels of all pictures, and of the worst one.
The default set is eval-v1.json beside the data folder that PAV_TEST_DATA names.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

from pavfmt import decode, encode, inspect
from pavfmt.encoder import rendered_importance
from pavfmt.inspection import gaussian_bytes_of
from pavfmt.interop.lam import read_lam
from pavplayer.evaluation import read_evaluation_set
from pavplayer.importance import open_renderer
from pavplayer.metrics import mean_squared_error, psnr_of_error
from pavplayer.posing import Poser
from pavplayer.rasterizers import open_rasterizer

DATA = Path(os.environ.get("PAV_TEST_DATA", "../shared/data"))
HEADS = ("status", "tesla", "p2-1")
SHARES = (0.25, 0.5, 0.75, 1.0)


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
    """One row per head and share of its file."""
    evaluation = read_evaluation_set(path)
    poses = list(evaluation.expressions.values())
    print(f"{path.name}: {len(evaluation.views)} views x {len(poses)} expressions\n")
    print(
        "| head | file_bytes | gaussian_bytes | Gaussians | dB | worst picture |\n|---|---|---|---|---|---|"
    )
    for name in HEADS:
        avatar = read_lam(DATA / "lam" / f"{name}.zip")
        assert avatar.rig is not None
        cameras = evaluation.cameras(avatar.rig.mean_neutral.astype(np.float64))
        data = encode(avatar, importance=rendered_importance(avatar, open_renderer("cpu")))
        for share in SHARES:
            part = data[: round(len(data) * share)]
            snapshot = decode(part).snapshot()
            assert snapshot is not None
            found = errors(Poser(snapshot.avatar, snapshot.order), Poser(avatar), cameras, poses)
            report = inspect(part)
            sizes = gaussian_bytes_of(report)
            quality = f"{psnr_of_error(float(found.mean())):.2f} | {psnr_of_error(float(found.max())):.2f}"
            print(
                f"| {name} | {len(part):,} | {sizes:,} | {report.gaussian_count:,} | {quality} |", flush=True
            )


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else DATA.parent / "eval-v1.json")
