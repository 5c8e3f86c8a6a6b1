"""The `pav` command: a thin shell over one library call per subcommand.

A command is a module of this package with NAME, HELP, `add_arguments(parser)` and `run(args) -> int`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Protocol

from pavcli import exit_codes
from pavfmt.errors import EncodeError, PavError
from pavfmt.registry import FORMAT_VERSION
from pavfmt.version import __version__

COMMANDS = {
    "encode": "encode",
    "inspect": "inspect",
    "verify": "verify",
    "cut": "cut",
    "crowd": "crowd",
    "curve": "curve",
    "demo": "demo",
    "eval": "evaluate",
    "fetch": "fetch",
    "fit": "fit",
    "play": "play",
    "render": "render",
    "sheet": "sheet",
}
"""Command → module of this package, in the order of the help."""


class Command(Protocol):
    """What a command module has."""

    NAME: str
    HELP: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare its options."""

    def run(self, args: argparse.Namespace) -> int:
        """Do it; the return value is the exit code."""


def load_commands() -> Iterable[Command]:
    """All commands."""
    for name, module in COMMANDS.items():
        try:
            yield import_module(f"pavcli.{module}")
        except ImportError as error:  # what is not installed must not take `pav verify` with it
            print(f"pav: the command {name} cannot be loaded: {error}", file=sys.stderr)


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = argparse.ArgumentParser(
        prog="pav",
        description="Animatable Gaussian head avatars that draw from any byte prefix.",
        epilog="`pav COMMAND --help` shows examples. Exit codes: 0 fine, 1 the file fails, 2 usage, "
        "3 could not run, 4 done with data lost.",
    )
    version = f"pav {__version__}, format {FORMAT_VERSION[0]}.{FORMAT_VERSION[1]}"
    parser.add_argument("--version", action="version", version=version)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in load_commands():
        sub = commands.add_parser(
            command.NAME,
            help=command.HELP.splitlines()[0],
            description=command.HELP,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        sub.add_argument("-q", "--quiet", action="store_true", help="no progress, no notes")
        sub.add_argument("-v", "--verbose", action="store_true", help="full tracebacks on errors")
        command.add_arguments(sub)
        sub.set_defaults(run=command.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of `pav`."""
    args = build_parser().parse_args(argv)
    try:
        return int(args.run(args))
    except PavError as error:
        if args.verbose:
            raise
        print(f"pav: {error}", file=sys.stderr)
        return exit_codes.COULD_NOT_RUN if isinstance(error, EncodeError) else exit_codes.FILE_FAILS
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exit_codes.FINE
    except (OSError, RuntimeError) as error:
        if args.verbose:
            raise
        print(f"pav: {error}", file=sys.stderr)
        return exit_codes.COULD_NOT_RUN
    except KeyboardInterrupt:
        return exit_codes.COULD_NOT_RUN


if __name__ == "__main__":
    sys.exit(main())
