"""What the player reads out, as a small HTML table."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from pavplayer.evaluation.reports.byte_axes import shown_bytes

if TYPE_CHECKING:
    from pavplayer.crowd import Crowd
    from pavplayer.viewer.player import Player
    from pavplayer.viewer.quality import PrefixQuality

CELL = 'style="padding:0 .8em 0 0;white-space:nowrap"'
VALUE = 'style="font-variant-numeric:tabular-nums"'


def crowd_readings(player: Player, crowd: Crowd) -> list[tuple[str, str]]:
    """The same of several avatars."""
    views, budget = player.scene.avatar_views, crowd.budget
    there = sum(one.avatar.scene.gaussian_count for one in views)
    received = sum(one.avatar.received_bytes for one in views)
    total = sum(one.total_bytes for one in views)
    return [
        *_speed(player),
        ("Gaussians", f"{crowd.drawn:,} of {there:,}"),
        ("budget", "none" if budget is None else f"{budget.gaussians:,} Gaussians"),
        ("bytes", f"{shown_bytes(received)} of {shown_bytes(total)}"),
        *((one.name, str(one.avatar.error)) for one in views if one.avatar.error),
    ]


def _speed(player: Player) -> list[tuple[str, str]]:
    now, drawn = player.clock(), player.last_frame
    rate = player.frame_rate.per_second(now)
    times = (drawn.posing_seconds, drawn.drawing_seconds, drawn.sending_seconds)
    pose, draw, send = (f"{1000 * seconds:.0f}" for seconds in times)
    return [
        ("frames a second", f"{rate:.0f}" if rate else "at rest"),
        ("last picture", f"{drawn.size[0]}×{drawn.size[1]}"),
        ("milliseconds", f"{pose} to pose, {draw} to draw, {send} to send"),
    ]


def readings(player: Player, quality: PrefixQuality | None) -> list[tuple[str, str]]:
    """What and how much, in the order shown."""
    drawn, avatar, limit = player.last_frame, player.controlled.avatar, player.controls.limit
    total = avatar.total_bytes
    shown = avatar.received_bytes if limit is None else min(limit, avatar.received_bytes)
    rows = [
        *_speed(player),
        ("Gaussians", f"{drawn.gaussian_count:,}{_of_all(player)}"),
        ("bytes", shown_bytes(shown) + (f" of {shown_bytes(total)}" if total else "")),
        ("of Gaussians", shown_bytes(player.controlled.arrivals.gaussian_bytes(limit))),
        ("like the whole file", _shown_quality(player, quality)),
    ]
    if avatar.error is not None:
        rows.append(("source", str(avatar.error)))
    if avatar.session.damage:
        rows.append(("lost", f"{len(avatar.session.damage)} units are damaged"))
    return rows


def _of_all(player: Player) -> str:
    header = player.controlled.avatar.scene.header
    return "" if header is None or not header.gaussian_count else f" of {header.gaussian_count:,}"


def _shown_quality(player: Player, quality: PrefixQuality | None) -> str:
    if not player.controlled.avatar.has_ended:
        return "when all of it is here"
    if player.controls.limit is None:
        return "it is the whole file"
    if quality is None or quality.limit != player.controls.limit:
        return "…"
    return "identical" if quality.decibels == float("inf") else f"{quality.decibels:.1f} dB PSNR, this view"


def readings_html(rows: list[tuple[str, str]]) -> str:
    """The table."""
    cells = "".join(
        f"<tr><td {CELL}>{escape(name)}</td><td {VALUE}>{escape(value)}</td></tr>" for name, value in rows
    )
    table = f'<table style="border-collapse:collapse">{cells}</table>'
    return f'<div style="padding:.2em .8em;font-size:.8em">{table}</div>'
