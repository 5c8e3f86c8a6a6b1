"""`pav crowd`: one picture of several avatars, under one budget of Gaussians."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from pavcli import exit_codes
from pavcli.options import arguments, picture_options, posing_options, rig_option
from pavcli.options.losses import report_losses
from pavcli.options.posing_options import UsageError, asked_pose
from pavcli.render import receive
from pavfmt.fileio import check_target, read_bytes, write_bytes
from pavplayer.crowd import Crowd, GaussianBudget
from pavplayer.packages import require
from pavplayer.session import open_session

NAME = "crowd"
HELP = """Draw several avatars side by side, under one budget of Gaussians.

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
        type=arguments.zoom,
        nargs="+",
        metavar="X",
        help="what a pixel of each avatar is worth, one number a file (default: 1)",
    )
    rig_option.add_argument(parser)
    posing_options.add_arguments(parser)
    picture_options.add_arguments(parser, SIZE)


def _budget(text: str) -> GaussianBudget:
    """A whole number above 0."""
    count = arguments.whole_number(text.replace("_", ""))
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
        receive(session, read_bytes(path), args.rig)
    try:
        importance = _importance(args.importance, len(sessions))
        poses = [asked_pose(args, session.scene).pose for session in sessions]
    except UsageError as error:
        print(f"pav crowd: {error}", file=sys.stderr)
        return exit_codes.USAGE
    crowd = Crowd(sessions, budget=args.gaussians)
    for member, worth in zip(crowd.members, importance, strict=True):
        member.importance = worth
    camera = crowd.camera(args.yaw, args.pitch, args.zoom, args.size)
    write_bytes(args.output, to_png(crowd.frame(camera, poses, args.background)), args.force)
    if not args.quiet:
        _report(args, crowd)
    return max(report_losses(NAME, session) for session in sessions)


def _importance(asked: Sequence[float] | None, count: int) -> Sequence[float]:
    if asked is not None and len(asked) != count:
        raise UsageError(f"--importance has {len(asked)} numbers for {count} files")
    return asked or [1.0] * count


def _report(args: argparse.Namespace, crowd: Crowd) -> None:
    """What was drawn of each, on stdout unless the picture went there."""
    stream = sys.stderr if args.output == "-" else sys.stdout
    there = [member.session.scene.gaussian_count for member in crowd.members]
    print(f"{args.output}: {crowd.drawn:,} of {sum(there):,} Gaussians of {len(there)} avatars", file=stream)
    for path, drawn, count in zip(args.files, crowd.counts, there, strict=True):
        print(f"  {drawn:>9,} of {count:>9,}  {path}", file=stream)
