"""Pictures and masks on disk: read with their sizes checked first, written as PNG."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from pavfmt.errors import EncodeError
from pavplayer.pictures import eight_bit
from pavtraining.sources.view import Size

MAX_SIDE = 8192
"""Pixels."""


def image_size(path: Path, where: str) -> Size:
    """Width and height as the file's header states them; `where` names the frame in errors."""
    if not path.is_file():
        raise EncodeError("missing-file", f"{where}: there is no {path}")
    try:
        with Image.open(path) as image:
            size = image.size
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        raise EncodeError("unreadable-file", f"{where}: {path} is no picture: {error}") from error
    if max(size) > MAX_SIDE:
        raise EncodeError("input-too-large", f"{where}: {path} is {size[0]}×{size[1]}, limit {MAX_SIDE}")
    return size


def read_image(path: Path, mode: str, where: str) -> NDArray[np.float32]:
    """(H, W, channels) of the file in Pillow's `mode`, 0..1."""
    image_size(path, where)
    try:
        with Image.open(path) as image:
            pixels = np.asarray(image.convert(mode), np.float32)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise EncodeError("unreadable-file", f"{where}: {path} cannot be read: {error}") from error
    return pixels.reshape(*pixels.shape[:2], -1) / np.float32(255)


def resized(pixels: NDArray[np.float32], size: Size | None) -> NDArray[np.float32]:
    """(H, W, C) averaged to another width and height; None: as it is."""
    if size is None or size == (pixels.shape[1], pixels.shape[0]):
        return pixels
    planes = [
        Image.fromarray(plane).resize(size, Image.Resampling.BOX) for plane in np.moveaxis(pixels, 2, 0)
    ]
    return np.stack([np.asarray(plane, np.float32) for plane in planes], axis=2)


def png(pixels: NDArray[np.floating]) -> bytes:
    """(H, W, 3) or (H, W) in 0..1 as a PNG file, rounded to 8 bits."""
    stream = io.BytesIO()
    Image.fromarray(eight_bit(pixels)).save(stream, format="PNG", compress_level=4)
    return stream.getvalue()
