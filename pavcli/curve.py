"""`pav curve`: how much quality how many bytes buy."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from pavcli.options import comparison, device, output, rig, values
from pavcli.options.comparison import Comparison, received_file
from pavcli.options.damage import report_damage
from pavcli.options.progress import counting_bar
from pavfmt.errors import EncodeError
from pavfmt.fileio import check_target, read_bytes, write_bytes
from pavfmt.tools.cut import bytes_of_percent
from pavplayer.evaluation.curve import EvaluatedFile, curve_lengths, measure_curve
from pavplayer.evaluation.figures import Curve, CurveReport
from pavplayer.evaluation.reports.curve_plot import curve_plot, plot_format
from pavplayer.evaluation.reports.curve_tables import curve_csv, curve_text
from pavplayer.packages import require
from pavplayer.session import Session

HELP = """\
  pav curve head.pav                                          against the complete file
  pav curve head.pav --reference lam-export.zip -o curve.png  against what it was encoded from
  pav curve small.pav large.pav --reference lam-export.zip    several encodings of one avatar
  pav curve head.pav --at 14600 56000 50% --json              at bytes of your choice

Prefixes end where units of Gaussians end. "file bytes" count everything, "Gaussian bytes" only Gaussian units with
their split points and hand-overs. PSNR is over all pixels of all views and expressions; "worst" is the worst single
picture; "held" is with the rig and all shapes there from the start, which is what Gaussian bytes alone buy."""

POINTS = 16


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare its options."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="a .pav file, or - for stdin")
    comparison.add_reference(parser)
    rig.add_argument(parser)
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument(
        "--points",
        type=values.whole_number,
        default=POINTS,
        metavar="N",
        help=f"aim for N prefixes (default: {POINTS})",
    )
    amount.add_argument(
        "--at", type=values.amount, nargs="+", metavar="BYTES", help="prefixes of so many bytes, or of P%%"
    )
    comparison.add_views(parser)
    parser.add_argument("--flip", action="store_true", help="FLIP too (slow; needs flip-evaluator)")
    device.add_argument(parser)
    form = parser.add_mutually_exclusive_group()
    output.add_json(form)
    form.add_argument("--csv", action="store_true", help="the table as CSV")
    output.add_report(parser, "PLOT", "a plot too: .png or .svg")


def run(args: argparse.Namespace) -> int:
    """Do it."""
    require("numba", "tqdm", *(["matplotlib"] if args.output else []))
    _check_plot(args.output, args.force)
    files = [received_file(_name(path, args.files), read_bytes(path), args) for path in args.files]
    exit_code = max(report_damage("curve", file.whole) for file in files)
    compared = comparison.comparison_of(args, files[0].whole, args.flip)
    report = _report(compared, [_curve(file, compared, args) for file in files])
    if args.output:
        write_bytes(args.output, curve_plot(report, plot_format(args.output) or "png"), args.force)
    print(_shown(report, args))
    return exit_code


def _check_plot(path: str | None, force: bool) -> None:
    """EncodeError for a plot that could not be written, before the work of an hour."""
    if path is None:
        return
    if plot_format(path) is None:
        raise EncodeError("unknown-output", f"{path}: a plot is .png or .svg")
    check_target(path, force)


def _name(path: str, paths: Sequence[str]) -> str:
    """Short where that tells the files apart."""
    alike = sum(Path(other).stem == Path(path).stem for other in paths)
    return path if alike > 1 else Path(path).stem


def _curve(file: EvaluatedFile, compared: Comparison, args: argparse.Namespace) -> Curve:
    """One file's quality at the lengths asked for."""
    whole, here = file.whole, len(file.data)
    comparison.check_visible(file.name, whole, here)
    lengths = curve_lengths(whole, here, args.points) if args.at is None else _asked(args.at, whole, here)
    with counting_bar(file.name, "picture", args.quiet) as progress:
        return measure_curve(file, lengths, compared.pictures, progress)


def _asked(amounts: Sequence[tuple[float, str]], whole: Session, here: int) -> list[int]:
    """The lengths asked for, percents being of the complete avatar; none past the end."""
    header = whole.scene.header
    total = header.file_bytes if header else here
    lengths = (bytes_of_percent(total, value) if unit == "%" else int(value) for value, unit in amounts)
    return sorted({min(length, here) for length in lengths})


def _report(compared: Comparison, curves: list[Curve]) -> CurveReport:
    """The curves with what they were measured on."""
    camera = compared.pictures.cameras[0]
    return CurveReport(
        compared.reference.name,
        camera.width,
        camera.height,
        [(float(yaw), float(pitch)) for yaw, pitch in compared.evaluation.views],
        list(compared.pictures.expressions),
        curves,
    )


def _shown(report: CurveReport, args: argparse.Namespace) -> str:
    """As text, or as --json or --csv ask."""
    if args.json:
        return json.dumps(report.to_json(), indent=2)
    return curve_csv(report).rstrip("\n") if args.csv else curve_text(report)
