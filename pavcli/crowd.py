"""`pav crowd`: one picture of several avatars, under one budget of Gaussians."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from pavcli.options import pictures, posing, rig, values
from pavcli.options.damage import report_damage
from pavcli.reporting import UsageError, result_stream
from pavfmt.fileio import check_target, read_bytes, write_bytes
from pavplayer.crowd import Crowd, GaussianBudget
from pavplayer.packages import require
from pavplayer.session import open_session

HELP = """\
  pav crowd anna.pav ben.pav clara.pav -o crowd.png
  pav crowd *.pav --gaussians 300000 -o crowd.png          together at most so many Gaussians
  pav crowd a.pav b.pav --importance 3 1 --gaussians 20000 -o crowd.png

The budget is shared by size on the screen and importance: who is large gets more, who is out of view nothing. Each
avatar draws what is worth most of it. A file given twice stands there twice."""


SIZE = (1280, 720)
"""Pixels: heads stand side by side."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare its options."""
    parser.add_argument("files", nargs="+", metavar="file", help=".pav files; the first stand in front")
    parser.add_argument(
        "--gaussians", type=_budget, metavar="N", help="draw at most N together (default: all in view)"
    )
    parser.add_argument(
        "--importance",
        type=values.zoom,
        nargs="+",
        metavar="X",
        help="what a pixel of each avatar is worth, one number a file (default: 1)",
    )
    rig.add_argument(parser)
    posing.add_arguments(parser)
    pictures.add_arguments(parser, SIZE)


def _budget(text: str) -> GaussianBudget:
    """A whole number above 0."""
    count = values.whole_number(text.replace("_", ""))
    if not count:
        raise argparse.ArgumentTypeError("a budget of 0 Gaussians draws nothing")
    return GaussianBudget(count)


def run(args: argparse.Namespace) -> int:
    """Do it."""
    check_target(args.output, args.force)
    require("PIL")
    from pavplayer.pictures import to_png

    sessions = [open_session(args.device) for _ in args.files]
    for session, path in zip(sessions, args.files, strict=True):
        rig.received_to_the_end(session, read_bytes(path), args.rig)
    importance = _importance(args.importance, len(sessions))
    poses = [posing.asked_pose(args, session.scene).pose for session in sessions]
    crowd = Crowd(sessions, budget=args.gaussians)
    for member, worth in zip(crowd.members, importance, strict=True):
        member.importance = worth
    camera = crowd.camera(args.yaw, args.pitch, args.zoom, args.size)
    write_bytes(args.output, to_png(crowd.frame(camera, poses, args.background)), args.force)
    if not args.quiet:
        _report(args, crowd)
    return max(report_damage("crowd", session) for session in sessions)


def _importance(asked: Sequence[float] | None, count: int) -> Sequence[float]:
    """What a pixel of each of `count` avatars is worth."""
    if asked is not None and len(asked) != count:
        raise UsageError(f"--importance has {len(asked)} numbers for {count} files")
    return asked or [1.0] * count


def _report(args: argparse.Namespace, crowd: Crowd) -> None:
    """What was drawn of each, on stdout unless the picture went there."""
    stream = result_stream(args.output)
    there = [member.session.scene.gaussian_count for member in crowd.members]
    print(f"{args.output}: {crowd.drawn:,} of {sum(there):,} Gaussians of {len(there)} avatars", file=stream)
    for path, drawn, count in zip(args.files, crowd.counts, there, strict=True):
        print(f"  {drawn:>9,} of {count:>9,}  {path}", file=stream)
