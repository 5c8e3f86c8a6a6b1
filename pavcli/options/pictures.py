"""From where a picture is taken, how large it is, what draws it and where it goes."""

from __future__ import annotations

import argparse

from pavcli.options import device, output, values
from pavplayer.camera import REFERENCE_SIZE


def add_arguments(parser: argparse.ArgumentParser, default_size: tuple[int, int] = REFERENCE_SIZE) -> None:
    """Declare the options."""
    parser.add_argument(
        "--yaw", type=values.degrees, default=0.0, metavar="DEGREES", help="toward the person's left"
    )
    parser.add_argument("--pitch", type=values.degrees, default=0.0, metavar="DEGREES", help="upward")
    parser.add_argument("--zoom", type=values.zoom, default=1.0, metavar="Z", help="times the focal length")
    size = "{}x{}".format(*default_size)
    parser.add_argument("--size", type=values.size, default=default_size, help=f"pixels (default: {size})")
    parser.add_argument(
        "--background", type=values.colour, default="white", help="white, black, or R,G,B in 0..1"
    )
    device.add_argument(parser)
    output.add_output(parser, "PNG")
