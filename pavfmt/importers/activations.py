"""The functions that trainers put between what they store and what they draw."""

from __future__ import annotations

import numpy as np

from pavfmt.model import Float32Array, Float64Array


def sigmoid(logits: Float64Array) -> Float32Array:
    """Opacity 1 / (1 + e^−x) of a logit, without overflow."""
    return (0.5 * (1 + np.tanh(logits / 2))).astype(np.float32)
