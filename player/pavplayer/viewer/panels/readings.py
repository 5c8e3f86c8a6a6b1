"""What the player reads out, as a small HTML table."""

from __future__ import annotations

from html import escape

from pavplayer.evaluation.prefixes import shown_bytes
from pavplayer.viewer.content.crowd_scene import Together
from pavplayer.viewer.player import Player
from pavplayer.viewer.quality import Likeness

CELL = 'style="padding:0 .8em 0 0;white-space:nowrap"'
VALUE = 'style="font-variant-numeric:tabular-nums"'


def crowd_readings(player: Player, stage: Together) -> list[tuple[str, str]]:
    """The same of several avatars."""
    there = sum(actor.avatar.scene.gaussian_count for actor in stage.actors)
    received = sum(actor.avatar.received_bytes for actor in stage.actors)
    total = sum(actor.total_bytes for actor in stage.actors)
    budget = stage.crowd.budget
    return [
        *_speed(player),
        ("Gaussians", f"{stage.crowd.drawn:,} of {there:,}"),
        ("budget", "none" if budget is None else f"{budget.gaussians:,} Gaussians"),
        ("bytes", f"{shown_bytes(received)} of {shown_bytes(total)}"),
        *((f"{actor.name}", str(actor.avatar.error)) for actor in stage.actors if actor.avatar.error),
    ]


def _speed(player: Player) -> list[tuple[str, str]]:
    now, drawn = player.clock(), player.drawn
    rate = player.meter.rate(now)
    times = (drawn.posing_seconds, drawn.drawing_seconds, drawn.sending_seconds)
    pose, draw, send = (f"{1000 * seconds:.0f}" for seconds in times)
    return [
        ("frames a second", f"{rate:.0f}" if rate else "at rest"),
        ("last picture", f"{drawn.size[0]}×{drawn.size[1]}"),
        ("milliseconds", f"{pose} to pose, {draw} to draw, {send} to send"),
    ]


def readings(player: Player, likeness: Likeness | None) -> list[tuple[str, str]]:
    """What and how much, in the order shown."""
    drawn, avatar, limit = player.drawn, player.lead.avatar, player.controls.limit
    total = avatar.total_bytes
    shown = avatar.received_bytes if limit is None else min(limit, avatar.received_bytes)
    rows = [
        *_speed(player),
        ("Gaussians", f"{drawn.gaussian_count:,}{_of_all(player)}"),
        ("bytes", shown_bytes(shown) + (f" of {shown_bytes(total)}" if total else "")),
        ("of Gaussians", shown_bytes(player.lead.arrivals.gaussian_bytes(limit))),
        ("like the whole file", _shown_likeness(player, likeness)),
    ]
    if avatar.error is not None:
        rows.append(("source", str(avatar.error)))
    if avatar.session.damage:
        rows.append(("lost", f"{len(avatar.session.damage)} units are damaged"))
    return rows


def _of_all(player: Player) -> str:
    header = player.lead.avatar.scene.header
    return "" if header is None or not header.gaussian_count else f" of {header.gaussian_count:,}"


def _shown_likeness(player: Player, likeness: Likeness | None) -> str:
    if not player.lead.avatar.has_ended:
        return "when all of it is here"
    if player.controls.limit is None:
        return "it is the whole file"
    if likeness is None or likeness.limit != player.controls.limit:
        return "…"
    return "identical" if likeness.decibels == float("inf") else f"{likeness.decibels:.1f} dB PSNR, this view"


def readings_html(rows: list[tuple[str, str]]) -> str:
    """The table."""
    cells = "".join(
        f"<tr><td {CELL}>{escape(name)}</td><td {VALUE}>{escape(value)}</td></tr>" for name, value in rows
    )
    table = f'<table style="border-collapse:collapse">{cells}</table>'
    return f'<div style="padding:.2em .8em;font-size:.8em">{table}</div>'
