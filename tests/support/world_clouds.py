"""Gaussians in the world as tensors of the differentiable renderer."""

import numpy as np
import torch

from pavtraining.rendering import WorldCloud

NAMES = ("means", "quats", "scales", "opacities", "sh")


def tensors(gaussians, dtype=torch.float32, grad=False):
    columns = [torch.tensor(np.asarray(getattr(gaussians, name)), dtype=dtype) for name in NAMES]
    turned = gaussians.sh_quats
    turned = None if turned is None else torch.tensor(np.asarray(turned), dtype=dtype)
    return WorldCloud(*(column.requires_grad_(grad) for column in columns), sh_quats=turned)
