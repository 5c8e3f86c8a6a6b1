"""A frame on CUDA against gsplat's `rasterization` alone, with the same Gaussians: a Markdown table.

`python -m tests.benchmarks.bench_gpu RIG.npz [-o FILE.md]`, the rig being the CC0 head rig: the avatar is the seeded
one of 170,000 Gaussians and SH of degree 3 that every speed figure uses, drawn at 550×802. Times are medians, the
device waited for after every run; kernels are compiled before the clock starts.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any

from pavfmt import EncodeOptions, encode, inspect
from pavfmt.fileio import write_bytes
from pavfmt.importers.cc0_rig import read_cc0_rig
from pavfmt.model import Avatar, Pose
from pavfmt.tools.synthetic import synthetic_avatar
from pavplayer.camera import Camera
from pavplayer.posing.cloud import PosedCloud
from pavplayer.rasterizers import cuda_problem, rules
from pavplayer.session import Session
from tests.benchmarks.timing import milliseconds

Row = tuple[str, float]
"""What, and milliseconds."""


def alone(cloud: PosedCloud, camera: Camera, device: str) -> Callable[[], object]:
    """gsplat's `rasterization` of Gaussians and a camera that are on the device already, SH included."""
    import torch
    from gsplat import rasterization

    def put(array: Any) -> Any:
        return torch.as_tensor(array, dtype=torch.float32, device=device)

    columns = {name: getattr(cloud, name).clone() for name in ("means", "quats", "scales", "opacities")}
    views = {"viewmats": put(camera.view_matrix)[None], "Ks": put(camera.intrinsics)[None]}
    ways = {"near_plane": rules.NEAR_PLANE, "far_plane": rules.FAR_PLANE, "eps2d": rules.COVARIANCE_BLUR}
    size, white = {"width": camera.width, "height": camera.height}, put([[1.0, 1.0, 1.0]])

    def draw() -> object:
        with torch.no_grad():
            return rasterization(
                **columns,
                colors=cloud.sh,
                sh_degree=3,
                backgrounds=white,
                packed=False,
                **views,
                **ways,
                **size,
            )

    return draw


def measured(avatar: Avatar, session: Session, synchronize: Callable[[], None], repeats: int) -> list[Row]:
    """All rows, gsplat alone first."""
    data = encode(avatar, EncodeOptions(importance_per="face"))
    last = [unit.offset for unit in inspect(data).units if unit.type == "gaussians"][-1]
    pose = Pose({shape.name: 0.3 for shape in (avatar.rig.shapes if avatar.rig else ())[:12]})
    session.feed(data[:last])
    session.update()
    session.posed(pose)

    def timed(what: str, work: Callable[[], object]) -> Row:
        def waited_for() -> None:
            work()
            synchronize()

        return what, milliseconds(waited_for, repeats)

    def arrival() -> None:
        session.feed(data[last:])
        session.update()
        session.posed(pose)

    arrived = _once("the last unit: decoded and posed", arrival, synchronize)
    camera, rasterizer = session.camera(20, 5), session.rasterizer
    cloud = session.posed(pose)
    assert cloud is not None
    device = str(cloud.means.device)
    return [
        timed("gsplat's rasterization alone", alone(cloud, camera, device)),
        timed("of it posing", lambda: session.posed(pose)),
        timed("our frame: posed and drawn, picture in main memory", lambda: session.frame(pose, camera)),
        timed("importance", lambda: rasterizer.contributions(cloud, camera)),
        arrived,
    ]


def _once(what: str, work: Callable[[], object], synchronize: Callable[[], None]) -> Row:
    synchronize()
    start = time.perf_counter()
    work()
    synchronize()
    return what, 1000 * (time.perf_counter() - start)


def table(device: str, rows: list[Row]) -> str:
    """Markdown; ratios are to the first row."""
    lines = [f"{device}: the seeded avatar of 170,000 Gaussians, SH 3, 550×802\n"]
    lines += ["| | ms, median | ratio | a second |", "|---|---|---|---|"]
    unit = rows[0][1]
    lines += [f"| {what} | {ms:.2f} | {ms / unit:.2f} | {1000 / ms:.0f} |" for what, ms in rows]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Measure and print; 3 where there is no CUDA device."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rig")
    parser.add_argument("--repeats", type=int, default=50)
    parser.add_argument("-o", "--output", help="where to write the table too")
    options = parser.parse_args()
    problem = cuda_problem()
    if problem is not None:
        print(f"not measured: {problem}", file=sys.stderr)
        return 3
    import torch

    from pavplayer.session import open_session

    avatar = synthetic_avatar(read_cc0_rig(options.rig))
    text = table(
        torch.cuda.get_device_name(),
        measured(avatar, open_session("cuda"), torch.cuda.synchronize, options.repeats),
    )
    print(text, end="")
    if options.output is not None:
        write_bytes(options.output, text.encode(), force=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
