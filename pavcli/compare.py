"""`pav compare`: an encoded file beside its source, to look at before it is shipped."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from pavcli.options import comparison, device, output, rig
from pavcli.options.damage import report_damage
from pavcli.options.progress import counting_bar
from pavfmt.fileio import read_bytes, write_bytes
from pavplayer.evaluation.comparing import examined
from pavplayer.evaluation.reports.comparison_page.page import comparison_page
from pavplayer.evaluation.reports.likeness_tables import likeness_text
from pavplayer.packages import require

HELP = """\
  pav compare lam-export.zip head.pav -o report.html            a page to look at
  pav compare lam-export.zip head.pav                           the figures alone
  pav compare first.pav second.pav --json                       two files, figures as JSON
  pav compare lam-export.zip head.pav --framing eyes mouth -o eyes.html

Both are looked at from all around, in full, and from close by at eyes and mouth (eval-v2), over white and black.
The page is one file that needs no network. It shows the places that differ most first: original, encoded, and a map
of their difference; a picture that is pressed flips to the original. `pav eval` explains the figures."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare its options."""
    parser.add_argument("reference", metavar="SRC", help="what FILE was encoded from, or another .pav")
    parser.add_argument("file", metavar="FILE", help="a .pav file, or - for stdin")
    parser.add_argument("--flame", metavar="MODEL", help="your FLAME model, where SRC needs one")
    rig.add_argument(parser)
    comparison.add_framings(parser)
    device.add_argument(parser, "what poses and draws")
    output.add_json(parser, "the figures")
    output.add_report(parser, "REPORT", "the page to write, .html")


def run(args: argparse.Namespace) -> int:
    """Do it."""
    require("numba", "tqdm", *(["PIL"] if args.output else []))
    output.check_page(args.output, args.force)
    file = comparison.received_file(Path(args.file).stem, read_bytes(args.file), args)
    exit_code = report_damage("compare", file.whole)
    comparison.check_visible(file.name, file.whole, len(file.data))
    reference = comparison.reference_of(args, file.whole)
    examination = comparison.examination_of(args, reference, file.whole)
    with counting_bar(file.name, "picture", args.quiet) as progress:
        report = examined(file, examination, comparison.with_flip(args), progress)
    if args.output:
        page = comparison_page(report, examination, file.whole.posed)
        write_bytes(args.output, page.encode(), args.force)
    print(json.dumps(report.to_json(), indent=2) if args.json else likeness_text(report))
    return exit_code
