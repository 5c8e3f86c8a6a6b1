"""`pav render`: one picture of a file, of a prefix, or of what has arrived."""

from __future__ import annotations

import argparse
import sys

from pavcli import exit_codes
from pavcli.options import arguments, picture_options, posing_options, rig_option
from pavcli.options.losses import report_losses
from pavcli.options.posing_options import UsageError, asked_pose
from pavfmt.decoding import events as ev
from pavfmt.fileio import check_target, write_bytes
from pavplayer.packages import require
from pavplayer.session import Session, open_session
from pavplayer.streaming.prefix import read_beginning

NAME = "render"
HELP = """Draw a picture of an avatar, or of the part of it that is there.

  pav render head.pav -o head.png
  pav render head.pav --percent 5 --weights jawOpen=0.6 --yaw 20 -o preview.png
  curl -s https://example.org/head.pav | pav render - --bytes 40000 -o first.png
  pav render https://example.org/head.pav --percent 10 -o early.png     no more than that is fetched
  pav render head.pav --track talk.npz:speech --frame 90 -o frame.png
  pav render head.pav --rig rigs/ -o head.png                 its rig is in a file of its own, in that folder

FILE may still be being written: what is there is drawn. Percent is of the complete file. At yaw 0 and zoom 1
the head is seen from the front, from the distance that quality is measured at."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare its options."""
    parser.add_argument("file", help="a .pav file, an http(s) URL, or - for stdin")
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument("--bytes", type=arguments.whole_number, metavar="N", help="draw the first N bytes")
    amount.add_argument("--percent", type=arguments.percent, metavar="P", help="draw the first P percent")
    rig_option.add_argument(parser)
    posing_options.add_arguments(parser)
    picture_options.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Do it."""
    check_target(args.output, args.force)
    require("PIL")
    from pavplayer.pictures import to_png

    session = open_session(args.device)
    data = read_beginning(args.file, None, args.bytes, args.percent)
    ended = receive(session, data, rig_option.where(args))
    try:
        asked = asked_pose(args, session.scene)
    except UsageError as error:
        print(f"pav render: {error}", file=sys.stderr)
        return exit_codes.USAGE
    camera = session.camera(args.yaw, args.pitch, args.zoom, args.size)
    picture = session.frame(asked.pose, camera, args.background)
    write_bytes(args.output, to_png(picture), args.force)
    _report(args, session, asked.notes)
    exit_code = report_losses(NAME, session)
    if session.damage and ended.waiting:
        print(f"pav render: {len(ended.waiting)} intact units need what was lost", file=sys.stderr)
    return exit_code


def receive(session: Session, data: bytes, rig: str | None = None) -> ev.StreamEnded:
    """Feed all of it, after the rig if the avatar names one. Raises PavError."""
    rig_option.supplied(session, rig_option.rig_file(data, rig)).feed(data)
    session.close()
    return next(event for event in session.update() if isinstance(event, ev.StreamEnded))


def summary(session: Session) -> str:
    """What was received and what of the avatar that is, in one line."""
    scene, header = session.scene, session.scene.header
    if header is None:
        return f"received {session.received_bytes:,} bytes: nothing to draw yet"
    total = max(header.file_bytes, 1)
    levels = {block.level for block in scene.gaussians.blocks}
    parts = [
        f"{scene.gaussian_count:,} of {header.gaussian_count:,} Gaussians",
        f"{len(levels)} of {header.level_count} levels",
    ]
    if scene.core is not None and scene.core.shape_names:
        parts.append(f"{len(scene.shapes)} of {len(scene.core.shape_names)} shapes")
    share = 100 * session.received_bytes / total
    return f"received {session.received_bytes:,} of {total:,} bytes ({share:.3g} %): {', '.join(parts)}"


def _report(args: argparse.Namespace, session: Session, notes: tuple[str, ...]) -> None:
    """The result line on stdout, unless the picture went there; notes on stderr."""
    if args.quiet:
        return
    stream = sys.stderr if args.output == "-" else sys.stdout
    print(f"{args.output}: {summary(session)}", file=stream)
    for note in notes:
        print(f"pav render: {note}", file=sys.stderr)
