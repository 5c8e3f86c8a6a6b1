"""Option values that several commands take, checked by argparse."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pavplayer.rasterizers import Background

COLOURS: dict[str, Background] = {"white": (1.0, 1.0, 1.0), "black": (0.0, 0.0, 0.0)}
MAX_SIDE = 16_384
"""Pixels."""


def _numbers(text: str, count: int) -> list[float]:
    """So many numbers with commas between. Raises ValueError, for absurd ones too (NaN among them)."""
    values = [float(part) for part in text.split(",")]
    if len(values) != count or not all(abs(value) < 1e6 for value in values):
        raise ValueError(text)
    return values


def size(text: str) -> tuple[int, int]:
    """WIDTHxHEIGHT in pixels."""
    try:
        width, height = (int(part) for part in text.lower().split("x"))
    except ValueError:
        width = height = 0
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        raise argparse.ArgumentTypeError(f"{text!r} is no size: WIDTHxHEIGHT in pixels, such as 550x802")
    return width, height


def colour(text: str) -> Background:
    """`white`, `black`, or three numbers in 0..1."""
    if text in COLOURS:
        return COLOURS[text]
    try:
        red, green, blue = _numbers(text, 3)
    except ValueError:
        red = green = blue = -1.0
    if not all(0 <= value <= 1 for value in (red, green, blue)):
        raise argparse.ArgumentTypeError(f"{text!r} is no colour: white, black, or R,G,B in 0..1")
    return red, green, blue


def weight(text: str) -> tuple[str, float]:
    """NAME=V."""
    name, equals, value = text.rpartition("=")
    try:
        (number,) = _numbers(value, 1)
    except ValueError:
        name = ""
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is no weight: NAME=V, such as jawOpen=0.6")
    return name, number


def joint_turn(text: str) -> tuple[str, tuple[float, float, float]]:
    """NAME=X,Y,Z, an axis-angle in degrees."""
    name, equals, value = text.rpartition("=")
    try:
        x, y, z = _numbers(value, 3)
    except ValueError:
        name = ""
    if not name or not equals:
        raise argparse.ArgumentTypeError(
            f"{text!r} turns no joint: NAME=X,Y,Z in degrees, such as head=0,20,0"
        )
    return name, (x, y, z)


def whole_number(text: str) -> int:
    """A whole number, 0 or more."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number")
    return int(text)


def percent(text: str) -> float:
    """0..100."""
    try:
        (value,) = _numbers(text.removesuffix("%"), 1)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is not within 0..100")
    return value


def amount(text: str) -> tuple[float, str]:
    """So many bytes, (14600, ""), or so many percent, (50, "%")."""
    if text.endswith("%"):
        return percent(text), "%"
    return whole_number(text.replace("_", "")), ""


def zoom(text: str) -> float:
    """Above 0."""
    try:
        (value,) = _numbers(text, 1)
    except ValueError:
        value = 0.0
    if value < 1e-3:
        raise argparse.ArgumentTypeError(f"{text!r} is no zoom: a number from 0.001, 1 being as measured")
    return value


def degrees(text: str) -> float:
    """An angle."""
    try:
        (value,) = _numbers(text, 1)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no angle in degrees") from None
    return value


RATES = {"kbit": 1e3, "mbit": 1e6, "gbit": 1e9}
DURATIONS = {"ms": 1e-3, "s": 1.0}


def _with_unit(text: str, units: Mapping[str, float]) -> float:
    """A number above 0 followed by one of the units."""
    for unit, size in units.items():
        if text.lower().endswith(unit):
            (value,) = _numbers(text[: -len(unit)], 1)
            if value > 0:
                return value * size
    raise ValueError(text)


def bit_rate(text: str) -> float:
    """Bits per second, of 2mbit or 500kbit."""
    try:
        return _with_unit(text, RATES)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no rate: a number and kbit, mbit or gbit") from None


def duration(text: str) -> float:
    """Seconds, of 80ms or 0.1s."""
    try:
        return _with_unit(text, DURATIONS)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: a number and ms or s") from None
