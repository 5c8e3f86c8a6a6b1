"""`pav cut`: a prefix is a file."""

from __future__ import annotations

import argparse

from pavcli.options import output
from pavcli.reporting import ExitCode
from pavfmt.fileio import read_bytes, write_bytes
from pavfmt.tools.cut import bytes_of_percent, complete_bytes

HELP = """\
  pav cut head.pav --percent 5 -o small.pav
  pav cut head.pav --bytes 40000 -o - | pav render - -o small.png

Percent is of the complete avatar's file_bytes, whatever part of it FILE is."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare its options."""
    parser.add_argument("file", help="a .pav file, or - for stdin")
    amount = parser.add_mutually_exclusive_group(required=True)
    amount.add_argument("--bytes", type=int, metavar="N", help="keep N bytes")
    amount.add_argument("--percent", type=float, metavar="P", help="keep P percent of the complete file")
    output.add_output(parser, ".pav")


def run(args: argparse.Namespace) -> int:
    """Do it."""
    data = read_bytes(args.file)
    count = args.bytes
    if count is None:
        count = bytes_of_percent(complete_bytes(data), args.percent)
    write_bytes(args.output, data[: max(count, 0)], args.force)
    return ExitCode.FINE
