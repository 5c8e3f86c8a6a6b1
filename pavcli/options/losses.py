"""What a damaged file cost, said on stderr."""

from __future__ import annotations

import sys

from pavcli import exit_codes
from pavplayer.session import Session


def report_losses(command: str, session: Session) -> int:
    """Name the units that are lost; the command's exit code."""
    for lost in session.damage:
        where = f"unit {lost.unit} lost: {lost.code} at byte {lost.error_offset}"
        print(f"pav {command}: {where}: {lost.message}", file=sys.stderr)
    return exit_codes.DATA_LOST if session.damage else exit_codes.FINE
