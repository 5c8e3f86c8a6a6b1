"""The API reference, made of docstrings: `python -m docs.reference FOLDER`. Exit code 1 if a link in it is broken."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import pdoc
import pdoc.render

import pavplayer
import pavplayer.avatar
from docs.links import broken_in_pages

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


def build(folder: Path) -> None:
    """Write the pages. What pdoc only warns of is an error."""
    # Loaded when it is asked for, which pdoc, who looks into the module's dictionary, does not do.
    vars(pavplayer)["Avatar"] = pavplayer.avatar.Avatar
    pdoc.render.configure(docformat="markdown", footer_text="The .pav format; § are sections of FORMAT.md")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pdoc.pdoc(*PUBLIC, output_directory=folder)


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
