"""Level 0: on the faces that are seen, with a coarse start that is spread out."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("numba")

from ball_source import BallSource  # noqa: E402

from pavplayer.posing.tensor_poser import TensorMesh  # noqa: E402
from pavplayer.rasterizers import open_rasterizer  # noqa: E402
from pavtraining.hierarchy.configuration import HierarchyConfiguration  # noqa: E402
from pavtraining.hierarchy.farthest_points import farthest_points, nearest_areas  # noqa: E402
from pavtraining.hierarchy.initialization import initial_forest  # noqa: E402


def started(**changes):
    source = BallSource()
    views = [source.training_view(number) for number in range(10)]
    configuration = replace(HierarchyConfiguration(gaussians=400), **changes)
    return initial_forest(TensorMesh(source.rig), views, open_rasterizer("cpu"), configuration)


def test_only_what_is_seen_carries_gaussians():
    forest = started(coarse_share=0.0)
    assert 40 < len(forest) < 80
    assert len(np.unique(forest.structure.sites)) == len(forest)
    assert not forest.structure.stages.any()
    colours = 0.5 + 0.28209479 * forest.parameters.sh0[:, 0]
    assert float(colours.mean()) < 0.6  # the ball's, not the white behind it


def test_all_faces_may_carry_them():
    assert len(started(visible_only=False, coarse_share=0.0)) == len(BallSource().rig.faces)


def test_a_coarse_start_is_larger_and_comes_first():
    forest = started(coarse_share=0.03)
    coarse = forest.structure.stages == 0
    assert coarse.sum() == 12
    sizes = forest.parameters.log_scales[:, 0].exp().numpy()
    assert sizes[coarse].mean() > 1.5 * sizes[~coarse].mean()


def test_fewer_gaussians_than_faces_cover_them_all():
    forest = started(gaussians=20)
    assert len(forest) == 20
    assert float(forest.parameters.log_scales[:, 0].exp().mean()) > 0.7


def test_spreading_covers_a_line():
    centres = np.stack([np.arange(100.0), np.zeros(100), np.zeros(100)], axis=1)
    chosen = farthest_points(centres, np.ones(100), 5)
    assert len(chosen) == 5
    assert np.diff(chosen).min() > 15
    areas = nearest_areas(centres, np.ones(100), chosen)
    assert areas.sum() == 100
    assert areas.min() > 8
    assert farthest_points(centres, np.ones(100), 200).tolist() == list(range(100))
