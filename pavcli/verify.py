"""`pav verify`: every finding, or silence."""

from __future__ import annotations

import argparse
import json

from pavcli.options import output, rig
from pavcli.reporting import ExitCode
from pavfmt.fileio import read_bytes
from pavfmt.tools.verify import NOTE, verify

HELP = """\
  pav verify head.pav
  pav verify --json head.pav

A file cut at a unit boundary is clean; one cut inside a unit is reported as a prefix, which is no damage.
Exit code 0: clean, or only notes; 1: something is wrong."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare its options."""
    parser.add_argument("file", help="a .pav file, or - for stdin")
    rig.add_argument(parser)
    output.add_json(parser, "findings")


def run(args: argparse.Namespace) -> int:
    """Do it."""
    data = read_bytes(args.file)
    findings = verify(data, rig_file=rig.given_rig(data, args.rig))
    if args.json:
        print(json.dumps([finding.to_json() for finding in findings], indent=2))
    else:
        for finding in findings:
            print(f"{finding.severity}: {finding.code} at byte {finding.offset}: {finding.message}")
    clean = all(finding.severity == NOTE for finding in findings)
    return ExitCode.FINE if clean else ExitCode.FILE_FAILS
