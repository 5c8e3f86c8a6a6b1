"""`pav eval`: the tables of a paper, from one file."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

from pavcli.options import comparison, device, output, rig, values
from pavcli.options.damage import report_damage
from pavcli.options.progress import counting_bar
from pavfmt.errors import EncodeError
from pavfmt.fileio import check_target, read_bytes, write_bytes
from pavplayer.evaluation.budgets import PERCENTS, evaluate
from pavplayer.evaluation.figures import EvalReport
from pavplayer.evaluation.reports.budget_plot import eval_plot
from pavplayer.evaluation.reports.budget_tables import eval_markdown, eval_text
from pavplayer.packages import require

HELP = """\
  pav eval head.pav --reference lam-export.zip                  against what it was encoded from
  pav eval head.pav --reference lam-export.zip -o report.md     and as Markdown
  pav eval head.pav --percent 10 100 --json                     other budgets, everything as JSON
  pav eval head.pav --eval-v1                                   also by the older set, for old figures

Quality is measured by eval-v2: the head from all around, everything the avatar has, eyes and mouth from close by, over
white and black. PSNR is over all pixels of all pictures of a framing, "worst" that of its worst picture, "region" over
the pixels that show what is looked at; 16×16 and 4×4 are the windows that differ most, anywhere, as the mean difference
of their worst channel of 255. FLIP is a mean over pictures (where flip-evaluator is installed).

A budget is the longest prefix, cut after a unit, within a share of the file's Gaussian bytes (units of Gaussians
with their split points and hand-overs) or of its Gaussians; quality is with the rig and all shapes there from the
start. Frames a second are posed and drawn on this device.
The first picture is timed from the request until it is drawn: by the model of a link with slow start, and by the clock
over HTTP from a server on this machine that sends at the link's pace."""

REPORTS: dict[str, Callable[[EvalReport], bytes]] = {
    ".md": lambda report: eval_markdown(report).encode(),
    ".png": eval_plot,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare its options."""
    parser.add_argument("file", metavar="FILE", help="a .pav file, or - for stdin")
    comparison.add_reference(parser)
    rig.add_argument(parser)
    parser.add_argument(
        "--percent",
        type=values.percent,
        nargs="+",
        default=PERCENTS,
        metavar="P",
        help="budgets in percent (default: 5 25 50 100)",
    )
    comparison.add_framings(parser)
    older = parser.add_mutually_exclusive_group()
    older.add_argument(
        "--eval-v1", action="store_true", help="a table over eval-v1 too, as older figures are"
    )
    older.add_argument(
        "--evaluation", metavar="SET", help="a table over a JSON file of views and expressions too"
    )
    device.add_argument(parser, "what poses and draws")
    output.add_json(parser)
    output.add_report(parser, "REPORT", "a report too: tables in .md, bars in .png")


def run(args: argparse.Namespace) -> int:
    """Do it."""
    require("numba", "tqdm", *(["matplotlib"] if str(args.output).endswith(".png") else []))
    _check_report(args.output, args.force)
    file = comparison.received_file(Path(args.file).stem, read_bytes(args.file), args)
    exit_code = report_damage("eval", file.whole)
    comparison.check_visible(file.name, file.whole, len(file.data))
    reference = comparison.reference_of(args, file.whole)
    examination, flip = comparison.examination_of(args, reference, file.whole), comparison.with_flip(args)
    older = None
    if args.eval_v1 or args.evaluation:
        older = comparison.comparison_of(args, file.whole, flip, reference)
    percents = sorted(set(args.percent))
    with counting_bar(file.name, "picture", args.quiet) as progress:
        report = evaluate(
            file,
            examination,
            percents,
            progress,
            flip,
            older.pictures if older else None,
            older.evaluation.views if older else (),
        )
    if args.output:
        write_bytes(args.output, REPORTS[Path(args.output).suffix](report), args.force)
    print(json.dumps(report.to_json(), indent=2) if args.json else eval_text(report))
    return exit_code


def _check_report(path: str | None, force: bool) -> None:
    """EncodeError for a report that could not be written, before the work of an hour."""
    if path is None:
        return
    if Path(path).suffix not in REPORTS:
        raise EncodeError("unknown-output", f"{path}: a report is {' or '.join(REPORTS)}")
    check_target(path, force)
