"""-o and -f: where a result goes, and whether it may replace what is there."""

from __future__ import annotations

import argparse
from pathlib import Path

from pavfmt.errors import EncodeError
from pavfmt.fileio import check_target


def add_output(parser: argparse.ArgumentParser, what: str) -> None:
    """-o, which the command cannot do without, and -f. `what` is written: "PNG", ".pav"."""
    parser.add_argument("-o", "--output", required=True, help=f"the {what} to write, or - for stdout")
    add_force(parser)


def add_report(parser: argparse.ArgumentParser, metavar: str, help_text: str) -> None:
    """-o for a file besides what is printed, and -f."""
    parser.add_argument("-o", "--output", metavar=metavar, help=help_text)
    add_force(parser)


def add_force(parser: argparse.ArgumentParser, what: str = "an existing file") -> None:
    """-f alone."""
    parser.add_argument("-f", "--force", action="store_true", help=f"replace {what}")


def add_json(parser: argparse._ActionsContainer, what: str = "everything") -> None:
    """--json: stdout is for programs."""
    parser.add_argument("--json", action="store_true", help=f"{what} as JSON")


def check_page(path: str | None, force: bool) -> None:
    """EncodeError for a page that could not be written, before the work of a minute."""
    if path is None:
        return
    if Path(path).suffix not in (".html", ".htm"):
        raise EncodeError("unknown-output", f"{path}: a report is .html")
    check_target(path, force)
