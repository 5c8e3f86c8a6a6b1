"""From where a picture is taken, how large it is, what draws it and where it goes."""

from __future__ import annotations

import argparse

from pavcli.options import arguments
from pavplayer.camera import REFERENCE_SIZE


def add_arguments(parser: argparse.ArgumentParser, default_size: tuple[int, int] = REFERENCE_SIZE) -> None:
    """Declare the options."""
    parser.add_argument(
        "--yaw", type=arguments.degrees, default=0.0, metavar="DEGREES", help="toward the person's left"
    )
    parser.add_argument("--pitch", type=arguments.degrees, default=0.0, metavar="DEGREES", help="upward")
    parser.add_argument(
        "--zoom", type=arguments.zoom, default=1.0, metavar="Z", help="times the focal length"
    )
    size = "{}x{}".format(*default_size)
    parser.add_argument("--size", type=arguments.size, default=default_size, help=f"pixels (default: {size})")
    parser.add_argument(
        "--background", type=arguments.colour, default="white", help="white, black, or R,G,B in 0..1"
    )
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="what draws")
    parser.add_argument("-f", "--force", action="store_true", help="replace an existing file")
    parser.add_argument("-o", "--output", required=True, help="the PNG to write, or - for stdout")
