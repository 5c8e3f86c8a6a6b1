"""--rate, --latency and --cache: how a file is fetched."""

from __future__ import annotations

import argparse
from pathlib import Path

from pavcli.options import values
from pavplayer.streaming import StreamOptions
from pavplayer.streaming.link import Link

UNLIMITED = 1e12
"""Bits per second, where only a latency is asked for."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare them."""
    parser.add_argument(
        "--rate",
        type=values.bit_rate,
        help="fetch as over a link of this rate, such as 2mbit; starts slowly",
    )
    parser.add_argument(
        "--latency",
        type=values.duration,
        help="fetch as over a link of this round-trip time, such as 80ms",
    )
    parser.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        help="keep files from URLs here, begun ones too, and ask only whether they changed",
    )


def options_of(args: argparse.Namespace) -> StreamOptions:
    """What was asked for."""
    link = None
    if args.rate is not None or args.latency is not None:
        link = Link(args.rate or UNLIMITED, args.latency or 0.0)
    return StreamOptions(link=link, cache=args.cache)
