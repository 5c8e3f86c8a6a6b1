"""How a fit begins: which faces carry Gaussians at level 0, and what those look like."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray

from pavfmt.errors import EncodeError
from pavfmt.model import Pose
from pavplayer.posing.tensor_frames import face_frames
from pavplayer.posing.tensor_poser import TensorMesh
from pavplayer.rasterizers import Rasterizer
from pavtraining.hierarchy.configuration import HierarchyConfiguration
from pavtraining.hierarchy.contributions import seen_faces
from pavtraining.hierarchy.farthest_points import farthest_points, nearest_areas
from pavtraining.hierarchy.forest import Forest, IntArray, forest_of_discs, widen
from pavtraining.sources.view import View


def initial_forest(
    surface: TensorMesh,
    views: Iterable[View],
    rasterizer: Rasterizer,
    configuration: HierarchyConfiguration,
    device: str = "cpu",
) -> Forest:
    """Level 0 on the faces that the views see, in the colours that they seem to have."""
    if not len(surface.faces):
        raise EncodeError("no-mesh", "a hierarchy of faces needs a rig with a mesh")
    sites, colours = _sites_and_colours(surface, views, rasterizer, configuration)
    centres, sizes = _rest_faces(surface, sites)
    is_sparse = configuration.gaussians < len(sites)
    coarse_count = round(configuration.coarse_share * configuration.gaussians)
    count = configuration.gaussians if is_sparse else coarse_count
    chosen = farthest_points(centres, sizes, count) if 0 < count < len(sites) else np.zeros(0, np.int64)
    kept = chosen if is_sparse else np.arange(len(sites))
    faces, vertex_count = surface.faces.to(device), len(surface.weights)
    forest = forest_of_discs(faces, vertex_count, sites[kept], colours[kept], configuration)
    if len(chosen):
        factors = np.sqrt(np.maximum(nearest_areas(centres, sizes**2, chosen) / sizes[chosen] ** 2, 1.0))
        rows = np.arange(len(chosen)) if is_sparse else chosen
        widen(forest, rows, factors, 0.0 if is_sparse else configuration.coarse_depth)
    if len(chosen) and not is_sparse:
        forest.structure.stages[:] = 1
        forest.structure.stages[chosen] = 0
    return forest


def _sites_and_colours(
    surface: TensorMesh, views: Iterable[View], rasterizer: Rasterizer, configuration: HierarchyConfiguration
) -> tuple[IntArray, NDArray[np.float32]]:
    """Faces that may carry a Gaussian, ascending, and (…, 3) their colours in sRGB."""
    sites, colours = seen_faces(surface, surface.faces, views, rasterizer)
    if not len(sites):
        raise EncodeError("nothing-seen", "no training view sees the mesh: cameras and poses do not fit it")
    if configuration.visible_only:
        return sites, colours
    every = np.tile(colours.mean(axis=0), (len(surface.faces), 1))
    every[sites] = colours
    return np.arange(len(every)), every


def _rest_faces(surface: TensorMesh, sites: IntArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centroids (N, 3) and sizes (N,) of template faces at rest, metres."""
    frames = face_frames(surface.posed(Pose()).vertices[surface.faces[torch.from_numpy(sites)]])
    return frames.centres.numpy(), frames.sizes.numpy()
