"""`pav eval`: the tables of a paper, from one file."""

from __future__ import annotations

import argparse
import importlib.util
import json
from collections.abc import Callable
from pathlib import Path

from pavcli.options import arguments, comparing, rig_option
from pavcli.options.comparing import judge_of, picture_bar, received_file
from pavcli.options.losses import report_losses
from pavfmt.errors import EncodeError
from pavfmt.fileio import check_target, read_bytes, write_bytes
from pavplayer.evaluation.budgets import PERCENTS, EvalReport, evaluated
from pavplayer.evaluation.references import reference_for
from pavplayer.evaluation.reports.budget_plot import eval_plot
from pavplayer.evaluation.reports.budget_tables import eval_markdown, eval_text
from pavplayer.evaluation.views import EVALUATION_V1, read_evaluation_set
from pavplayer.packages import require

NAME = "eval"
HELP = """Measure a file as papers do: quality at budgets, and how long the first picture takes.

  pav eval head.pav --reference lam-export.zip                  against what it was encoded from
  pav eval head.pav --reference lam-export.zip -o report.md     and as Markdown
  pav eval head.pav --percent 10 100 --json                     other budgets, everything as JSON

A budget is the longest prefix, cut after a unit, within a share of the file's Gaussian bytes (units of Gaussians
with their split points and hand-overs) or of its Gaussians; quality is with the rig and all shapes there from the
start. PSNR is over all pixels of all views and expressions, "worst" that of the worst picture, SSIM and FLIP are means
over pictures (FLIP where flip-evaluator is installed). Frames a second are posed and drawn on this device.
The first picture is timed from the request until it is drawn: by the model of a link with slow start, and by the clock
over HTTP from a server on this machine that sends at the link's pace."""

REPORTS: dict[str, Callable[[EvalReport], bytes]] = {
    ".md": lambda report: eval_markdown(report).encode(),
    ".png": eval_plot,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare its options."""
    parser.add_argument("file", metavar="FILE", help="a .pav file, or - for stdin")
    parser.add_argument(
        "--reference",
        metavar="SRC",
        help="what FILE was encoded from, or another .pav (default: the complete file)",
    )
    parser.add_argument("--flame", metavar="MODEL", help="your FLAME model, where SRC needs one")
    rig_option.add_argument(parser)
    parser.add_argument(
        "--percent",
        type=arguments.percent,
        nargs="+",
        default=PERCENTS,
        metavar="P",
        help="budgets in percent (default: 5 25 50 100)",
    )
    comparing.add_arguments(parser)
    parser.add_argument("--no-flip", action="store_true", help="leave FLIP out, which is slow")
    parser.add_argument(
        "--device", choices=("auto", "cpu", "cuda"), default="auto", help="what poses and draws"
    )
    parser.add_argument("--json", action="store_true", help="everything as JSON")
    parser.add_argument("-o", "--output", metavar="REPORT", help="a report too: tables in .md, bars in .png")
    parser.add_argument("-f", "--force", action="store_true", help="replace an existing file")


def run(args: argparse.Namespace) -> int:
    """Do it."""
    require("numba", "tqdm", *(["matplotlib"] if str(args.output).endswith(".png") else []))
    if args.output:
        if Path(args.output).suffix not in REPORTS:
            raise EncodeError("unknown-output", f"{args.output}: a report is {' or '.join(REPORTS)}")
        check_target(args.output, args.force)
    file = received_file(Path(args.file).stem, read_bytes(args.file), args)
    exit_code = report_losses(NAME, file.whole)
    if not file.whole.scene.is_visible:
        raise RuntimeError(f"{file.name}: {len(file.data):,} bytes hold nothing to draw yet")
    reference = reference_for(
        args.reference, file.whole, lambda data: received_file("", data, args).whole, args.flame
    )
    evaluation = read_evaluation_set(args.evaluation) if args.evaluation else EVALUATION_V1
    with_flip = not args.no_flip and importlib.util.find_spec("flip_evaluator") is not None
    judge = judge_of(reference, evaluation, file.whole, args.scale, with_flip)
    with picture_bar(file.name, args.quiet) as progress:
        report = evaluated(file, judge, reference.name, evaluation.views, sorted(set(args.percent)), progress)
    if args.output:
        write_bytes(args.output, REPORTS[Path(args.output).suffix](report), args.force)
    print(json.dumps(report.to_json(), indent=2) if args.json else eval_text(report))
    return exit_code
