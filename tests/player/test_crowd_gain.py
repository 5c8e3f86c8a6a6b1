"""A budget is divided by what the next Gaussians are worth."""

import numpy as np
import pytest

from pavplayer.crowd.budget import FrameTimeBudget, GaussianBudget
from pavplayer.crowd.gain import MIN_GAUSSIANS, allocate, gain_curve


def curves_of(seed=0):
    """Avatars of 1 to 40,000 Gaussians: sorted, unsorted, level after level, and one with no weight at all."""
    random = np.random.default_rng(seed)
    unsorted = random.lognormal(0, 2, 9_000)
    levels = np.concatenate([np.sort(random.lognormal(0, 1, count))[::-1] for count in (500, 4_000, 35_500)])
    weights = [
        np.sort(unsorted)[::-1],
        unsorted,
        levels,
        np.ones(1),
        np.zeros(300),
        random.uniform(size=2_000),
    ]
    return [gain_curve(one) for one in weights]


CURVES = curves_of()
VALUES = np.array([5e4, 3e3, 1e5, 2e3, 4e2, 1e3])
COUNTS = np.array([9_000, 9_000, 39_500 + 500, 1, 300, 2_000])


@pytest.mark.parametrize("budget", [1, 7, 300, 5_000, 20_000, 60_000])
def test_the_budget_is_spent_and_not_overdrawn(budget):
    shares = allocate(CURVES, VALUES, budget)
    assert (shares >= 0).all() and (shares <= COUNTS).all()
    assert np.ceil(shares).sum() <= budget
    assert shares.sum() >= 0.999 * budget - len(CURVES)


def test_what_fits_is_shown_whole():
    assert allocate(CURVES, VALUES, COUNTS.sum()).tolist() == COUNTS.tolist()
    assert allocate(CURVES, VALUES, np.inf).tolist() == COUNTS.tolist()
    assert allocate(CURVES, VALUES, COUNTS.sum() - 1).sum() < COUNTS.sum()


def test_more_budget_takes_nothing_from_anyone():
    before = np.zeros(len(CURVES))
    for budget in np.geomspace(10, COUNTS.sum(), 60):
        shares = allocate(CURVES, VALUES, budget)
        assert (shares >= before - 1e-6 * before).all()
        before = shares


def test_who_counts_for_more_gets_more_and_the_others_not():
    before = allocate(CURVES, VALUES, 10_000)
    for factor in np.geomspace(1.1, 1e4, 30):
        values = VALUES.copy()
        values[1] *= factor
        shares = allocate(CURVES, values, 10_000)
        assert shares[1] >= before[1] * (1 - 1e-6)
        assert (np.delete(shares, 1) <= np.delete(before, 1) * (1 + 1e-6)).all()
        before = shares
    assert before[1] > 4 * allocate(CURVES, VALUES, 10_000)[1]


def test_a_small_change_of_size_moves_the_shares_a_little():
    """Also where the file's order makes the worth of the next Gaussians jump."""
    before = allocate(CURVES, VALUES, 8_000)
    for step in range(1, 400):
        values = VALUES * np.where(np.arange(len(VALUES)) == 2, 1.01**-step, 1.0)
        shares = allocate(CURVES, values, 8_000)
        assert np.abs(shares - before).max() < 0.02 * 8_000
        before = shares


def test_nobody_in_view_is_left_out_and_nobody_out_of_view_gets_any():
    values = np.array([1e6, 1e-3, 1e-3, 0.0, 0.0, 1e-3])
    shares = allocate(CURVES, values, 12_000)
    assert shares[[3, 4]].tolist() == [0, 0]
    assert shares[[1, 2, 5]].min() >= MIN_GAUSSIANS
    assert allocate(CURVES, values, 80)[[1, 2, 5]].min() >= 9
    assert not allocate(CURVES, np.zeros(6), 12_000).any()


def test_equal_avatars_share_equally():
    shares = allocate([CURVES[0]] * 4, np.ones(4), 6_000)
    assert np.allclose(shares, 1_500, rtol=1e-3)


@pytest.mark.parametrize("fixed, each", [(2.0, 1e-4), (0.0, 1e-3), (7.0, 2e-5)])
def test_a_frame_time_is_kept_by_learning_what_a_gaussian_costs(fixed, each):
    """A frame takes `fixed` + `each` · Gaussians milliseconds; 8 ms are asked for."""
    budget = FrameTimeBudget(8.0)
    for _ in range(200):
        budget.note(budget.gaussians, (fixed + each * budget.gaussians) / 1000)
    assert fixed + each * budget.gaussians == pytest.approx(8.0, rel=0.06)


def test_a_frame_time_budget_stays_when_the_time_only_trembles():
    budget = FrameTimeBudget(8.0)
    random = np.random.default_rng(0)

    def frames(count):
        for _ in range(count):
            budget.note(budget.gaussians, 1e-7 * budget.gaussians * random.uniform(0.97, 1.03))
            yield budget.gaussians

    list(frames(50))
    assert len(set(frames(100))) == 1


def test_a_budget_that_is_none_is_refused():
    with pytest.raises(ValueError, match="needs a Gaussian"):
        GaussianBudget(0)
    with pytest.raises(ValueError, match="takes some time"):
        FrameTimeBudget(0.0)
