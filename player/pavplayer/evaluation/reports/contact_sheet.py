"""Pictures in rows on one sheet, each with a caption. Needs Pillow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pavplayer.evaluation.prefixes import PrefixPictures, psnr_of
from pavplayer.evaluation.reports.byte_axes import shown_bytes
from pavplayer.evaluation.views import Pictures
from pavplayer.pictures import to_image

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

Row = Sequence[tuple[str, NDArray[np.floating]]]
"""Captions, which may have several lines, and (H, W, 3) pictures in 0..1."""

PAPER, CARD, INK, FAINT = "#f4f5f7", "#ffffff", "#1b1f27", "#667085"
MARGIN, GAP = 28, 14
TITLE_SIZE, CAPTION_SIZE = 26, 15
LINE = 1.35


def contact_sheet(rows: Sequence[Row], title: str = "", subtitle: str = "", width: int = 240) -> Image:
    """A sheet with all pictures `width` pixels wide; a caption's first line is set darker than the others."""
    from PIL import Image, ImageDraw

    heights = [_row_height(row, width) for row in rows]
    top = MARGIN + _heading_height(title, subtitle)
    columns = max((len(row) for row in rows), default=0)
    size = (2 * MARGIN + columns * (width + GAP) - GAP, top + sum(heights) + GAP * (len(rows) - 1) + MARGIN)
    sheet = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(sheet)
    _draw_heading(draw, title, subtitle)
    for row, height in zip(rows, heights, strict=True):
        for column, (caption, picture) in enumerate(row):
            corner = (MARGIN + column * (width + GAP), top)
            draw.rounded_rectangle((*corner, corner[0] + width, corner[1] + height), 8, CARD)
            shrunk = _shrunk(to_image(picture), width)
            sheet.paste(shrunk, corner)
            _draw_caption(draw, caption, (corner[0] + 10, corner[1] + shrunk.height + 6))
        top += height + GAP
    return sheet


def captioned_rows(prefixes: Sequence[PrefixPictures], reference: Pictures, total: int) -> list[Row]:
    """One row for each expression; `total` is the file's bytes."""
    return [
        [(_caption(one, name, reference, total), one.pictures[name]) for one in prefixes]
        for name in reference
    ]


def _caption(prefix: PrefixPictures, name: str, reference: Pictures, total: int) -> str:
    quality = psnr_of({name: prefix.pictures[name]}, {name: reference[name]})
    decibels = "identical" if quality == float("inf") else f"{quality:.1f} dB"
    size = f"{shown_bytes(prefix.received_bytes)}, {100 * prefix.received_bytes / total:.3g} %"
    return f"{size}\n{prefix.gaussian_count:,} Gaussians\n{name}, {decibels}"


def _shrunk(image: Image, width: int) -> Image:
    from PIL.Image import Resampling

    return image.resize((width, round(image.height * width / image.width)), Resampling.LANCZOS)


def _row_height(row: Row, width: int) -> int:
    lines = max(caption.count("\n") + 1 for caption, _ in row)
    tallest: int = max(round(picture.shape[0] * width / picture.shape[1]) for _, picture in row)
    return tallest + round(lines * CAPTION_SIZE * LINE) + 14


def _heading_height(title: str, subtitle: str) -> int:
    return round(bool(title) * TITLE_SIZE * LINE + bool(subtitle) * CAPTION_SIZE * LINE) + GAP


def _draw_heading(draw: ImageDraw, title: str, subtitle: str) -> None:
    draw.text((MARGIN, MARGIN - 6), title, INK, _font(TITLE_SIZE))
    below = MARGIN - 6 + round(bool(title) * TITLE_SIZE * LINE)
    draw.text((MARGIN, below), subtitle, FAINT, _font(CAPTION_SIZE))


def _draw_caption(draw: ImageDraw, caption: str, corner: tuple[int, int]) -> None:
    x, y = corner
    for number, line in enumerate(caption.split("\n")):
        height = y + number * round(CAPTION_SIZE * LINE)
        draw.text((x, height), line, FAINT if number else INK, _font(CAPTION_SIZE))


def _font(size: int):  # type: ignore[no-untyped-def]  # noqa: ANN202
    from PIL import ImageFont

    return ImageFont.load_default(size)
