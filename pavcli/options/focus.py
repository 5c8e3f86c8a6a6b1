"""--focus: where someone looks, which is fetched first."""

from __future__ import annotations

import argparse

from pavplayer.focus import Focus, parse_focus


def add_argument(parser: argparse.ArgumentParser) -> None:
    """Declare it; the value is a `pavplayer.focus.Focus` or None."""
    parser.add_argument(
        "--focus",
        type=focus,
        metavar="REGIONS",
        help="fetch first what these regions of the face are made of, such as eyes,mouth (best of a file that was "
        "written with pav encode --group-regions)",
    )


def focus(text: str) -> Focus:
    """Names with commas between."""
    try:
        return parse_focus(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
