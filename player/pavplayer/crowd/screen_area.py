"""How much of the picture an avatar takes up."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from pavplayer.camera import Camera
from pavplayer.rasterizers import rules

GAZE_SPREAD = 0.25
"""Of the picture's height: so far from where one looks, a pixel counts half."""
GAZE_FLOOR = 0.05
"""What a pixel far from there still counts."""


def corners(box: NDArray[np.floating]) -> NDArray[np.float64]:
    """(2, 3) low and high → the (8, 3) corners."""
    return np.array([[box[i, 0], box[j, 1], box[k, 2]] for i, j, k in product((0, 1), repeat=3)])


def screen_rectangle(box: NDArray[np.floating], camera: Camera) -> NDArray[np.float64]:
    """(2, 2) low and high (column, row) of a box (2, 3) in the picture; equal where nothing of it can be seen."""
    points = corners(box) @ camera.rotation.T + camera.translation
    if (points[:, 2] < rules.NEAR_PLANE).all() or (points[:, 2] > rules.FAR_PLANE).all():
        return np.zeros((2, 2))
    size = np.array([camera.width, camera.height], np.float64)
    if (points[:, 2] < rules.NEAR_PLANE).any():  # the camera is inside it, or nearly
        return np.stack([np.zeros(2), size])
    focal, centre = np.array([camera.fx, camera.fy]), np.array([camera.cx, camera.cy])
    pixels = points[:, :2] / points[:, 2:] * focal + centre
    rectangle: NDArray[np.float64] = np.clip(np.stack([pixels.min(axis=0), pixels.max(axis=0)]), 0.0, size)
    return rectangle


def area(rectangle: NDArray[np.float64]) -> float:
    """Pixels."""
    width, height = rectangle[1] - rectangle[0]
    return float(width * height)


def attention(rectangle: NDArray[np.float64], gaze: tuple[float, float], camera: Camera) -> float:
    """1 where one looks at the rectangle, falling with the distance from it; `gaze` is (column, row)."""
    point = np.array(gaze)
    away = point - np.clip(point, rectangle[0], rectangle[1])
    square = float(away @ away) / (GAZE_SPREAD * camera.height) ** 2
    return max(GAZE_FLOOR, 1.0 / (1.0 + square))
