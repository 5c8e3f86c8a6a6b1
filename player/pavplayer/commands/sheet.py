"""`pav sheet`: a contact sheet of prefixes, with their quality."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from pavfmt.fileio import check_target, read_bytes, write_bytes
from pavfmt.interop import read_avatar
from pavfmt.model import Pose
from pavfmt.posing import pose_avatar
from pavplayer.camera import Camera, evaluation_camera
from pavplayer.commands import arguments
from pavplayer.commands.losses import report_losses
from pavplayer.packages import require
from pavplayer.prefixes import (
    Cut,
    Pictures,
    basic_expressions,
    captioned_rows,
    draw_cuts,
    draw_expressions,
    milestone_lengths,
    psnr_of,
)
from pavplayer.session import Session, open_session

NAME = "sheet"
HELP = """Draw prefixes of a file side by side, at rest and with the mouth open, with their PSNR.

  pav sheet head.pav -o head-sheet.png
  pav sheet head.pav --reference lam-export.zip --percents 5 20 100 -o head-sheet.png

PSNR is against --reference, the avatar before encoding (or another .pav); without it, against the whole file."""

PERCENTS = (5.0, 10.0, 20.0, 35.0, 50.0, 75.0, 100.0)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare its options."""
    parser.add_argument("file", help="a .pav file, or - for stdin")
    parser.add_argument("--reference", metavar="SRC", help="what FILE was encoded from, or another .pav")
    parser.add_argument("--flame", metavar="MODEL", help="your FLAME model, where SRC needs one")
    parser.add_argument(
        "--percents",
        type=arguments.percent,
        nargs="+",
        default=list(PERCENTS),
        metavar="P",
        help="prefixes, in percent of the file's bytes; the first picture is always added",
    )
    parser.add_argument("--yaw", type=arguments.degrees, default=0.0, metavar="DEGREES", help="of the camera")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="what draws")
    parser.add_argument("-f", "--force", action="store_true", help="replace an existing file")
    parser.add_argument("-o", "--output", required=True, help="the PNG to write, or - for stdout")


def run(args: argparse.Namespace) -> int:
    """Do it."""
    check_target(args.output, args.force)
    require("PIL")
    from pavplayer.contact_sheet import contact_sheet
    from pavplayer.pictures import saved_png

    data = read_bytes(args.file)
    whole = _received(data, args.device)
    if whole.bytes_until_visible is None:
        raise RuntimeError(f"{args.file}: {len(data):,} bytes hold nothing to draw yet")
    expressions = basic_expressions(whole.scene)
    camera, reference = _reference(args, whole, expressions)
    lengths = milestone_lengths(whole, len(data), args.percents)
    cuts = list(draw_cuts(open_session(args.device), data, lengths, expressions, camera))
    rows = captioned_rows(cuts, reference, len(data))
    title = whole.scene.metadata.get("title") or Path(args.file).name
    against = "what it was encoded from" if args.reference else "the complete file"
    subtitle = f"{len(data):,} file bytes, {whole.scene.gaussian_count:,} Gaussians; PSNR against {against}"
    write_bytes(args.output, saved_png(contact_sheet(rows, title, subtitle)), args.force)
    if not args.quiet and args.output != "-":
        print(_table(cuts, reference))
    return report_losses(NAME, whole)


def _received(data: bytes, device: str) -> Session:
    session = open_session(device)
    session.feed(data)
    session.update()
    return session


def _reference(
    args: argparse.Namespace, whole: Session, expressions: Mapping[str, Pose]
) -> tuple[Camera, Pictures]:
    """The camera, and the pictures that prefixes are compared with."""
    camera = whole.camera(args.yaw)
    if args.reference is None:
        return camera, draw_expressions(whole, expressions, camera)
    if Path(args.reference).suffix == ".pav":
        other = _received(read_bytes(args.reference), args.device)
        return camera, draw_expressions(other, expressions, camera)
    avatar = read_avatar(args.reference, flame=args.flame)
    neutral = avatar.identity.neutral if avatar.identity else avatar.rig.mean_neutral if avatar.rig else None
    if neutral is not None:
        camera = evaluation_camera(neutral, args.yaw)
    draw = whole.rasterizer.render
    return camera, {name: draw(pose_avatar(avatar, pose), camera) for name, pose in expressions.items()}


def _table(cuts: list[Cut], reference: Pictures) -> str:
    """Bytes, Gaussians and PSNR over all expressions, one line for each cut."""
    lines = [f"{'bytes':>12} {'Gaussians':>10} {'PSNR dB':>8}"]
    for cut in cuts:
        quality = psnr_of(cut.pictures, reference)
        mark = "" if cut.is_animatable else "  not animatable yet"
        lines.append(f"{cut.received_bytes:>12,} {cut.gaussian_count:>10,} {quality:>8.2f}{mark}")
    return "\n".join(lines)
