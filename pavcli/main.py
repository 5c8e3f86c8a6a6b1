"""The `pav` command: finds the file of the command asked for, reads its options, runs it, ends with an exit code.

Only that one file is imported. So `pav verify` needs neither player nor training, `pav --help` lists commands whose
packages are missing, and a package that is broken fails only the commands that need it.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Protocol, cast

from pavcli.reporting import FAILURES, ExitCode, report_failure
from pavfmt.registry import FORMAT_VERSION
from pavfmt.version import __version__

COMMANDS = {
    "encode": "Convert a trained avatar to .pav.",
    "inspect": "Show what a file holds and where its bytes go.",
    "verify": "Check a file against the format. Silent when it is clean.",
    "cut": "Keep the first bytes of a file: the result is itself a valid file.",
    "compare": "Show an encoded file beside its source, the places that differ most first.",
    "crowd": "Draw several avatars side by side, under one budget of Gaussians.",
    "curve": "Measure what prefixes of a file show: PSNR and SSIM against bytes, as a table and a plot.",
    "demo": "Watch an avatar arrive over a slow network, and act before it is all there.",
    "eval": "Measure a file as papers do: quality at budgets, and how long the first picture takes.",
    "fetch": "Fetch a file from a URL, and go on where an earlier attempt stopped.",
    "fit": "Fit a progressive avatar: one whose every prefix looks right.",
    "play": "Watch an avatar in the browser, and move it, while it arrives.",
    "render": "Draw a picture of an avatar, or of the part of it that is there.",
    "sheet": "Draw prefixes of a file side by side, at rest and with the mouth open, with their PSNR.",
}
"""Command → what it does, in the order of the help. The command NAME is the file `pavcli/NAME.py`."""


class Command(Protocol):
    """What a command's file has."""

    HELP: str
    """Examples and what one must know, shown by `pav NAME --help` under the line in COMMANDS."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare its options."""

    def run(self, args: argparse.Namespace) -> int:
        """Do it; the return value is the exit code. Raises what `reporting.FAILURES` lists."""


def load_command(name: str) -> Command:
    """The file of a command. Raises whatever importing it raises."""
    return cast(Command, import_module(f"pavcli.{name}"))


def build_parser(asked: str | None = None) -> argparse.ArgumentParser:
    """The command line: every command with its line of help, and the options of the one that is `asked` for."""
    parser = argparse.ArgumentParser(
        prog="pav",
        description="Animatable Gaussian head avatars that draw from any byte prefix.",
        epilog="`pav COMMAND --help` shows examples. Exit codes: 0 fine, 1 the file fails, 2 usage, "
        "3 could not run, 4 done with data lost.",
    )
    version = f"pav {__version__}, format {FORMAT_VERSION[0]}.{FORMAT_VERSION[1]}"
    parser.add_argument("--version", action="version", version=version)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        sub = commands.add_parser(
            name, help=summary, formatter_class=argparse.RawDescriptionHelpFormatter, description=summary
        )
        if name == asked:
            _declare(load_command(name), sub)
    return parser


def _declare(command: Command, parser: argparse.ArgumentParser) -> None:
    """The options of every command, then its own."""
    parser.description = f"{parser.description}\n\n{command.HELP}"
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress, no notes")
    parser.add_argument("-v", "--verbose", action="store_true", help="full tracebacks on errors")
    command.add_arguments(parser)
    parser.set_defaults(run=command.run)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of `pav`."""
    words = list(sys.argv[1:] if argv is None else argv)
    # No option before the command takes a value, so the first word without a dash is the command.
    asked = next((word for word in words if not word.startswith("-")), None)
    verbose = not {"-v", "--verbose"}.isdisjoint(words)
    try:
        args = build_parser(asked).parse_args(words)
        verbose = args.verbose
        return int(args.run(args))
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.FINE
    except FAILURES as error:
        if verbose:
            raise
        return report_failure(error, str(asked))
    except KeyboardInterrupt:
        return ExitCode.COULD_NOT_RUN


if __name__ == "__main__":
    sys.exit(main())
