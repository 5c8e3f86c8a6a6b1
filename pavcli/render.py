"""`pav render`: one picture of a file, of a prefix, or of what has arrived."""

from __future__ import annotations

import argparse

from pavcli.options import pictures, posing, rig, values
from pavcli.options.damage import report_damage
from pavcli.reporting import note, result_stream
from pavfmt.fileio import check_target, write_bytes
from pavplayer.packages import require
from pavplayer.session import Session, open_session
from pavplayer.streaming.stream import read_prefix

HELP = """\
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
    amount.add_argument("--bytes", type=values.whole_number, metavar="N", help="draw the first N bytes")
    amount.add_argument("--percent", type=values.percent, metavar="P", help="draw the first P percent")
    rig.add_argument(parser)
    posing.add_arguments(parser)
    pictures.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Do it."""
    check_target(args.output, args.force)
    require("PIL")
    from pavplayer.pictures import to_png

    session = open_session(args.device)
    data = read_prefix(args.file, None, args.bytes, args.percent)
    ended = rig.received_to_the_end(session, data, rig.where(args))
    asked = posing.asked_pose(args, session.scene)
    camera = session.camera(args.yaw, args.pitch, args.zoom, args.size)
    picture = session.frame(asked.pose, camera, args.background)
    write_bytes(args.output, to_png(picture), args.force)
    _report(args, session, asked.notes)
    exit_code = report_damage("render", session)
    if session.damage and ended.waiting:
        note("render", f"{len(ended.waiting)} intact units need what was lost")
    return exit_code


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
    print(f"{args.output}: {summary(session)}", file=result_stream(args.output))
    for one in notes:
        note("render", one)
