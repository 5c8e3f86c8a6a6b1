"""What a damaged file cost, said on stderr."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pavcli.reporting import ExitCode, note

if TYPE_CHECKING:
    from pavplayer.session import Session


def report_damage(command: str, session: Session) -> ExitCode:
    """Name the units that are lost; the command's exit code."""
    for lost in session.damage:
        note(command, f"unit {lost.unit} lost: {lost.code} at byte {lost.error_offset}: {lost.message}")
    return ExitCode.DATA_LOST if session.damage else ExitCode.FINE
