"""Pictures as files: (H, W, 3) display sRGB in 0..1 → PNG and WebP bytes. Needs Pillow."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image

Picture = NDArray[np.floating]


def eight_bit(picture: Picture) -> NDArray[np.uint8]:
    """(H, W, 3) 0..255, rounded to the nearest."""
    levels: NDArray[np.uint8] = np.rint(np.clip(picture, 0.0, 1.0) * 255.0).astype(np.uint8)
    return levels


def to_image(picture: Picture) -> Image:
    """As a Pillow image, mode RGB."""
    from PIL import Image

    return Image.fromarray(eight_bit(picture))


def to_png(picture: Picture) -> bytes:
    """A PNG file."""
    return saved_png(to_image(picture))


def saved_png(image: Image, software: str = "") -> bytes:
    """A PNG file of a Pillow image; `software` is noted at its start."""
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    if software:
        info.add_text("Software", software)
    return _saved(image, format="PNG", optimize=True, pnginfo=info)


def to_webp(
    picture: Picture, quality: int = 86, scale: float = 1.0, effort: int = 4, lossless: bool = False
) -> bytes:
    """A WebP file, shrunk by `scale`; effort 0..6 makes it smaller and slower. `lossless` takes no quality."""
    from PIL import Image

    image = to_image(picture)
    if scale != 1.0:
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = image.resize(size, Image.Resampling.LANCZOS)
    return _saved(image, format="WEBP", quality=quality, method=effort, lossless=lossless)


def data_uri(data: bytes, media_type: str = "image/webp") -> str:
    """Bytes as an address that holds them, for pages that ask the network for nothing."""
    return f"data:{media_type};base64,{base64.b64encode(data).decode('ascii')}"


def _saved(image: Image, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, **options)  # type: ignore[arg-type]
    return stream.getvalue()
