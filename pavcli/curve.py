"""`pav curve`: how much quality how many bytes buy."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from pavcli.options import arguments, comparing, rig_option
from pavcli.options.comparing import judge_of, picture_bar, received_file
from pavcli.options.losses import report_losses
from pavfmt.errors import EncodeError
from pavfmt.fileio import check_target, read_bytes, write_bytes
from pavfmt.tools.cut import bytes_of_percent
from pavplayer.evaluation.curve import (
    Curve,
    CurveReport,
    Judge,
    Received,
    curve_of,
    lengths_of,
)
from pavplayer.evaluation.references import Reference, reference_for
from pavplayer.evaluation.reports.curve_plot import curve_plot, plot_format
from pavplayer.evaluation.reports.curve_tables import curve_csv, curve_text
from pavplayer.evaluation.views import EVALUATION_V1, EvaluationSet, read_evaluation_set
from pavplayer.packages import require
from pavplayer.session import Session

NAME = "curve"
HELP = """Measure what prefixes of a file show: PSNR and SSIM against bytes, as a table and a plot.

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
    parser.add_argument("--reference", metavar="SRC", help="what FILE was encoded from, or another .pav")
    parser.add_argument("--flame", metavar="MODEL", help="your FLAME model, where SRC needs one")
    rig_option.add_argument(parser)
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument(
        "--points",
        type=arguments.whole_number,
        default=POINTS,
        metavar="N",
        help=f"aim for N prefixes (default: {POINTS})",
    )
    amount.add_argument(
        "--at", type=arguments.amount, nargs="+", metavar="BYTES", help="prefixes of so many bytes, or of P%%"
    )
    comparing.add_arguments(parser)
    parser.add_argument("--flip", action="store_true", help="FLIP too (slow; needs flip-evaluator)")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="what draws")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="everything as JSON")
    form.add_argument("--csv", action="store_true", help="the table as CSV")
    parser.add_argument("-o", "--output", metavar="PLOT", help="a plot too: .png or .svg")
    parser.add_argument("-f", "--force", action="store_true", help="replace an existing file")


def run(args: argparse.Namespace) -> int:
    """Do it."""
    require("numba", "tqdm", *(["matplotlib"] if args.output else []))
    _check_plot(args.output, args.force)
    files = [received_file(_name(path, args.files), read_bytes(path), args) for path in args.files]
    exit_code = max(report_losses(NAME, file.whole) for file in files)
    first = files[0].whole
    reference = reference_for(
        args.reference, first, lambda data: received_file("", data, args).whole, args.flame
    )
    evaluation = read_evaluation_set(args.evaluation) if args.evaluation else EVALUATION_V1
    judge = judge_of(reference, evaluation, first, args.scale, args.flip)
    curves = [_curve(file, judge, args) for file in files]
    report = _report(reference, judge, evaluation, curves)
    if args.output:
        write_bytes(args.output, curve_plot(report, plot_format(args.output) or "png"), args.force)
    print(_shown(report, args))
    return exit_code


def _check_plot(path: str | None, force: bool) -> None:
    if path is None:
        return
    if plot_format(path) is None:
        raise EncodeError("unknown-output", f"{path}: a plot is .png or .svg")
    check_target(path, force)


def _name(path: str, paths: Sequence[str]) -> str:
    """Short where that tells the files apart."""
    alike = sum(Path(other).stem == Path(path).stem for other in paths)
    return path if alike > 1 else Path(path).stem


def _curve(file: Received, judge: Judge, args: argparse.Namespace) -> Curve:
    whole, here = file.whole, len(file.data)
    if whole.bytes_until_visible is None:
        raise RuntimeError(f"{file.name}: {here:,} bytes hold nothing to draw yet")
    lengths = lengths_of(whole, here, args.points) if args.at is None else _asked(args.at, whole, here)
    with picture_bar(file.name, args.quiet) as progress:
        return curve_of(file, lengths, judge, progress)


def _asked(amounts: Sequence[tuple[float, str]], whole: Session, here: int) -> list[int]:
    """The lengths asked for, percents being of the complete avatar; none past the end."""
    header = whole.scene.header
    total = header.file_bytes if header else here
    lengths = (bytes_of_percent(total, value) if unit == "%" else int(value) for value, unit in amounts)
    return sorted({min(length, here) for length in lengths})


def _report(
    reference: Reference, judge: Judge, evaluation: EvaluationSet, curves: list[Curve]
) -> CurveReport:
    camera = judge.cameras[0]
    return CurveReport(
        reference.name,
        camera.width,
        camera.height,
        [(float(yaw), float(pitch)) for yaw, pitch in evaluation.views],
        list(judge.expressions),
        curves,
    )


def _shown(report: CurveReport, args: argparse.Namespace) -> str:
    if args.json:
        return json.dumps(report.to_json(), indent=2)
    return curve_csv(report).rstrip("\n") if args.csv else curve_text(report)
