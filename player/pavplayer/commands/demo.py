"""`pav demo`: an avatar arriving over a slow network, as a page to look at."""

from __future__ import annotations

import argparse

NAME = "demo"
HELP = "Watch an avatar arrive over a slow network."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare its options."""


def run(args: argparse.Namespace) -> int:
    """Do it."""
    raise RuntimeError("not there yet")
