"""How like their references several pictures are: PSNR, SSIM and FLIP (Andersson et al. 2020) in one go."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from pavplayer.evaluation.figures import PictureQuality
from pavplayer.evaluation.metrics import Picture, mean_squared_error, psnr_of_error


def picture_quality(
    pairs: Iterable[tuple[Picture, Picture]], flip_every: int = 0, progress: Callable[[], None] = lambda: None
) -> PictureQuality:
    """Over pairs of a picture and its reference, (H, W, 3) in 0..1; taken one by one, so that they may be drawn then.

    FLIP, which is slow, is measured in every so manieth picture from the first on; 0: in none. `progress` is called
    after each pair. Needs numba, and flip-evaluator for FLIP.
    """
    from pavplayer.evaluation.structural_similarity import fast_ssim  # numba

    errors, similarities, flips = [], [], []
    for number, (picture, reference) in enumerate(pairs):
        errors.append(mean_squared_error(picture, reference))
        similarities.append(fast_ssim(picture, reference))
        if flip_every and number % flip_every == 0:
            flips.append(flip_error(picture, reference))
        progress()
    return PictureQuality(
        _finite(psnr_of_error(float(np.mean(errors)))),
        _finite(psnr_of_error(max(errors))),
        float(np.mean(similarities)),
        float(np.mean(flips)) if flips else None,
    )


def _finite(decibels: float) -> float | None:
    return None if decibels == float("inf") else decibels


def flip_error(picture: Picture, reference: Picture) -> float:
    """Mean FLIP error at the default 67 pixels per degree."""
    import flip_evaluator

    clipped = (np.ascontiguousarray(np.clip(image, 0, 1)) for image in (reference, picture))
    _, mean, _ = flip_evaluator.evaluate(*clipped, "LDR", applyMagma=False)
    return float(mean)
