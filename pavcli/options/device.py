"""--device: what draws."""

from __future__ import annotations

import argparse

from pavplayer.rasterizers import AUTO, DEVICES


def add_argument(parser: argparse.ArgumentParser, help_text: str = "what draws") -> None:
    """Declare it: any device, by default CUDA where it works and else the CPU."""
    parser.add_argument("--device", choices=DEVICES, default=AUTO, help=help_text)


def add_certain_argument(parser: argparse.ArgumentParser, help_text: str) -> None:
    """Declare it without "auto", for work whose result depends on the device: by default the CPU."""
    named = tuple(device for device in DEVICES if device != AUTO)
    parser.add_argument("--device", choices=named, default="cpu", help=help_text)
