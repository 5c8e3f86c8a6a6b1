"""What a command says besides its result, and the exit code it ends with: the one place for both.

Results go to stdout, everything else to stderr, so that `pav … -o - | …` carries nothing but the file.
"""

from __future__ import annotations

import sys
from enum import IntEnum
from typing import TextIO

from pavfmt.errors import EncodeError, PavError


class ExitCode(IntEnum):
    """Of every command; shell scripts rely on these numbers, so they never change."""

    FINE = 0
    FILE_FAILS = 1
    """The bytes break a rule of the format."""
    USAGE = 2
    """What was asked for makes no sense; argparse ends with the same number."""
    COULD_NOT_RUN = 3
    """Nothing is known about the file: a missing path, network, package or an input that cannot be encoded."""
    DATA_LOST = 4
    """Done, but damaged units were left out."""


class UsageError(Exception):
    """What was asked for does not fit the avatar: exit code 2."""


FAILURES = (PavError, UsageError, ImportError, OSError, RuntimeError)
"""What a command may raise on purpose. Anything else is a fault of the program and keeps its traceback.

ImportError and OSError are here also because that is how a broken torch shows itself when it is imported.
"""


def note(command: str, text: str) -> None:
    """One line on stderr, with the command that says it."""
    print(f"pav {command}: {text}", file=sys.stderr)


def result_stream(output: str) -> TextIO:
    """Where the line about a result goes: stdout, unless the result itself went there ("-")."""
    return sys.stderr if output == "-" else sys.stdout


def report_failure(error: Exception, command: str) -> ExitCode:
    """Say on stderr what went wrong; the exit code for it. Missing packages bring their own hint of what to install
    (`pavplayer.packages.require`)."""
    if isinstance(error, UsageError):
        note(command, str(error))
        return ExitCode.USAGE
    if isinstance(error, ImportError):
        note(command, f"cannot be loaded: {error}")
        return ExitCode.COULD_NOT_RUN
    print(f"pav: {error}", file=sys.stderr)
    # EncodeError is about an input or an option, not about a .pav file that breaks the format.
    found_in_file = isinstance(error, PavError) and not isinstance(error, EncodeError)
    return ExitCode.FILE_FAILS if found_in_file else ExitCode.COULD_NOT_RUN
