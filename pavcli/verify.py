"""`pav verify`: every finding, or silence."""

from __future__ import annotations

import argparse
import json

from pavcli import exit_codes
from pavfmt.fileio import read_bytes
from pavfmt.tools.rig_search import RIG_HELP, rig_for
from pavfmt.tools.verify import NOTE, verify

NAME = "verify"
HELP = """Check a file against the format. Silent when it is clean.

  pav verify head.pav
  pav verify --json head.pav

A file cut at a unit boundary is clean; one cut inside a unit is reported as a prefix, which is no damage.
Exit code 0: clean, or only notes; 1: something is wrong."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare its options."""
    parser.add_argument("file", help="a .pav file, or - for stdin")
    parser.add_argument("--rig", metavar="RIG", help=RIG_HELP)
    parser.add_argument("--json", action="store_true", help="findings as JSON")


def run(args: argparse.Namespace) -> int:
    """Do it."""
    data = read_bytes(args.file)
    findings = verify(data, rig_file=rig_for(data, args.rig))
    if args.json:
        print(json.dumps([finding.to_json() for finding in findings], indent=2))
    else:
        for finding in findings:
            print(f"{finding.severity}: {finding.code} at byte {finding.offset}: {finding.message}")
    clean = all(finding.severity == NOTE for finding in findings)
    return exit_codes.FINE if clean else exit_codes.FILE_FAILS
