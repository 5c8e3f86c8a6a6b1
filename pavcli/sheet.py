"""`pav sheet`: a contact sheet of prefixes, with their quality."""

from __future__ import annotations

import argparse
from pathlib import Path

from pavcli.options import comparison, device, output, rig, values
from pavcli.options.damage import report_damage
from pavfmt.fileio import check_target, write_bytes
from pavplayer.camera import evaluation_camera
from pavplayer.evaluation.prefixes import PrefixPictures, draw_prefixes, milestone_lengths, psnr_of
from pavplayer.evaluation.reports.contact_sheet import captioned_rows, contact_sheet
from pavplayer.evaluation.views import Pictures, basic_expressions
from pavplayer.packages import require
from pavplayer.session import Session, open_session
from pavplayer.streaming.stream import read_prefix

HELP = """\
  pav sheet head.pav -o head-sheet.png
  pav sheet head.pav --reference lam-export.zip --percents 5 20 100 -o head-sheet.png

PSNR is against --reference, the avatar before encoding (or another .pav); without it, against the whole file."""

PERCENTS = (5.0, 10.0, 20.0, 35.0, 50.0, 75.0, 100.0)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare its options."""
    parser.add_argument("file", help="a .pav file, an http(s) URL, or - for stdin")
    comparison.add_reference(parser)
    rig.add_argument(parser)
    parser.add_argument(
        "--percents",
        type=values.percent,
        nargs="+",
        default=list(PERCENTS),
        metavar="P",
        help="prefixes, in percent of the file's bytes; the first picture is always added",
    )
    parser.add_argument("--yaw", type=values.degrees, default=0.0, metavar="DEGREES", help="of the camera")
    device.add_argument(parser)
    output.add_output(parser, "PNG")


def run(args: argparse.Namespace) -> int:
    """Do it."""
    check_target(args.output, args.force)
    require("PIL")
    from pavplayer.pictures import saved_png

    data = read_prefix(args.file)
    whole = _received(data, args)
    comparison.check_visible(args.file, whole, len(data))
    compared = comparison.reference_of(args, whole, lambda other: _received(other, args))
    expressions, camera = basic_expressions(whole.scene), evaluation_camera(compared.framed, args.yaw)
    reference = compared.draw(whole.rasterizer, expressions, camera)
    lengths = milestone_lengths(whole, len(data), args.percents)
    growing = rig.supplied(open_session(args.device), rig.needed_rig(data, rig.where(args)))
    cuts = list(draw_prefixes(growing, data, lengths, expressions, camera))
    rows = captioned_rows(cuts, reference, len(data))
    title = whole.scene.metadata.get("title") or Path(args.file).name
    sizes = f"{len(data):,} file bytes, {whole.scene.gaussian_count:,} Gaussians"
    subtitle = f"{sizes}; PSNR against {compared.name}"
    write_bytes(args.output, saved_png(contact_sheet(rows, title, subtitle)), args.force)
    if not args.quiet and args.output != "-":
        print(_table(cuts, reference))
    return report_damage("sheet", whole)


def _received(data: bytes, args: argparse.Namespace) -> Session:
    """A session that has taken all of the data in."""
    return rig.received(open_session(args.device), data, rig.where(args))


def _table(cuts: list[PrefixPictures], reference: Pictures) -> str:
    """Bytes, Gaussians and PSNR over all expressions, one line for each cut."""
    lines = [f"{'bytes':>12} {'Gaussians':>10} {'PSNR dB':>8}"]
    for cut in cuts:
        quality = psnr_of(cut.pictures, reference)
        mark = "" if cut.is_animatable else "  not animatable yet"
        lines.append(f"{cut.received_bytes:>12,} {cut.gaussian_count:>10,} {quality:>8.2f}{mark}")
    return "\n".join(lines)
