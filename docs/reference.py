"""The API reference, made of docstrings: `python -m docs.reference FOLDER`. Exit code 1 if a link in it is broken."""

from __future__ import annotations

import inspect
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest.mock import patch

import pdoc
import pdoc.doc
import pdoc.render

import pavplayer
import pavplayer.avatar
from docs.links import broken_in_pages
from pavfmt.encoder import Precision
from pavfmt.limits import Limits

PUBLIC = (
    "pavfmt",
    "pavfmt.model",
    "pavfmt.decoding.events",
    "pavfmt.decoding.scene",
    "pavfmt.units.contents",
    "pavfmt.units.directory",
    "pavfmt.units.gaussians",
    "pavfmt.units.hand_over",
    "pavfmt.units.levels",
    "pavfmt.units.rig",
    "pavfmt.units.splits",
    "pavfmt.units.table",
    "pavfmt.posing",
    "pavfmt.encoder",
    "pavfmt.encoder.options",
    "pavfmt.importers",
    "pavfmt.exporters.progressive",
    "pavfmt.tools.cut",
    "pavfmt.tools.inspect",
    "pavfmt.tools.rig_search",
    "pavfmt.tools.verify",
    "pavfmt.registry",
    "pavfmt.limits",
    "pavfmt.errors",
    "pavplayer",
    "pavplayer.session",
    "pavplayer.camera",
    "pavplayer.posing.poser",
    "pavplayer.posing.cloud",
    "pavplayer.rasterizers",
    "pavplayer.rasterizers.cloud",
    "pavplayer.streaming",
    "pavplayer.focus",
    "pavplayer.crowd",
    "pavplayer.viewer",
    r"!pavplayer\.viewer\..*",
    "pavplayer.evaluation.metrics",
    "pavplayer.pictures",
    "pavtraining",
    r"!pavtraining\..*",
    "pavtraining.progressive",
    "pavtraining.sources",
    "pavtraining.rendering",
    "pavtraining.hierarchy.configuration",
    "pavtraining.hand_over",
    "pavtraining.configuration",
)
"""What programs that use the packages import. Everything else may change its name without notice."""


SHORTER = (
    (
        re.compile(r"numpy\.ndarray\[tuple\[typing\.Any, \.\.\.\], numpy\.dtype\[numpy\.(\w+)\]\]"),
        r"NDArray[\1]",
    ),
    (re.compile(r"\b(?:typing|collections\.abc|pathlib)\."), ""),
)
"""How types are spelled in signatures."""
ALL_DEFAULTS = (Limits, Precision)
"""Their many fields would drown the signatures that have one as a default."""

format_annotation = inspect.formatannotation


def build(folder: Path) -> None:
    """Write the pages. What pdoc only warns of is an error."""
    pdoc.render.configure(docformat="markdown", footer_text="The .pav format; § are sections of FORMAT.md")
    with readable(), warnings.catch_warnings():
        warnings.simplefilter("error")
        pdoc.pdoc(*PUBLIC, output_directory=folder)


@contextmanager
def readable() -> Iterator[None]:
    """What pdoc has no option for."""
    with ExitStack() as stack:
        # Loaded when it is asked for, which pdoc, who looks into the module's dictionary, does not do.
        stack.enter_context(patch.dict(vars(pavplayer), Avatar=pavplayer.avatar.Avatar))
        for module in (inspect, pdoc.doc):
            stack.enter_context(patch.object(module, "formatannotation", shorter_annotation))
        for kind in ALL_DEFAULTS:
            stack.enter_context(patch.object(kind, "__repr__", lambda one: f"{type(one).__name__}(…)"))
        yield


def shorter_annotation(annotation: object, base_module: str | None = None, **options: bool) -> str:
    """As `inspect.formatannotation`, which spells a NumPy array in ninety characters."""
    text = format_annotation(annotation, base_module, **options)
    for pattern, spelling in SHORTER:
        text = pattern.sub(spelling, text)
    return text


def main(arguments: list[str]) -> int:
    """Build it and follow its links."""
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    folder = Path(arguments[0])
    build(folder)
    broken = list(broken_in_pages(folder))
    for one in broken:
        print(f"leads nowhere: {one}", file=sys.stderr)
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
