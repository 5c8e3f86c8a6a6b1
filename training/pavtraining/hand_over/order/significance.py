"""How much each original matters to the picture, counted in squared error.

Taking Gaussian i out of a picture changes a pixel by α T (c − b), c being its colour and b the colour of what lies
behind it. Its *significance* is the sum of the squares of that over pixels, channels and pictures: a Gaussian
that looks like what is behind it may be missing, however much weight it has.

That sum is worked out by the backward pass. Of a picture whose pixels are added up with random signs, the
derivative by an opacity, times the opacity, is the sum of α T (c − b) with those signs; the mean of its square is
the sum of squares.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from pavfmt.arrays import Float64Array
from pavtraining.hand_over.training_views import Splats, TrainingView, joined


def significance(
    views: Sequence[TrainingView], behind: Sequence[Splats] | None, seed: int, probes: int = 1
) -> Float64Array:
    """(N,) of the originals, all of them being there; `behind` are further Gaussians for each view.

    Each picture is tried with `probes` random signs.
    """
    signs = torch.Generator().manual_seed(seed)
    total = np.zeros(len(views[0].originals.opacities))
    for number, view in enumerate(views):
        opacities = view.originals.opacities.clone().requires_grad_(True)
        splats = replace(view.originals, opacities=opacities)
        if behind is not None:
            splats = joined(splats, behind[number])
        picture = view.picture(splats)
        for _ in range(probes):
            sign = 2.0 * torch.randint(0, 2, picture.shape, generator=signs) - 1.0
            (slope,) = torch.autograd.grad((sign * picture).sum(), opacities, retain_graph=True)
            total += (slope * opacities).detach().double().numpy() ** 2
    return total / (probes * len(views))
