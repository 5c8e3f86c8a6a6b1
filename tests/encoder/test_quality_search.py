"""The search for the coarsest precision, on a picture error that is known."""

import math

import pytest

from pavfmt.encoder import Precision
from pavfmt.encoder.quality import TOLERANCE_DB, coarsest


def decibels(precision):
    """48 dB at the default steps, 6 dB less for twice the steps."""
    return 48 - 20 * math.log10(precision.mean_step / Precision().mean_step)


@pytest.mark.parametrize("target", [36.0, 44.0, 48.0, 54.8, 62.0])
def test_it_is_just_good_enough(target):
    found, reached = coarsest(decibels, Precision(), target)
    assert target <= reached < target + TOLERANCE_DB
    assert decibels(found) == reached


def test_it_takes_no_steps_finer_than_allowed():
    found, reached = coarsest(decibels, Precision(), 60.0, finest=0.5)
    assert found.mean_step == pytest.approx(0.5 * Precision().mean_step)
    assert reached == pytest.approx(48 + 20 * math.log10(2))


def test_where_quality_does_not_rise_the_best_is_taken():
    found, reached = coarsest(lambda precision: min(decibels(precision), 45.0), Precision(), 50.0)
    assert reached == 45.0 and found.mean_step <= Precision().mean_step


def test_it_tells_how_far_it_is():
    told = []
    coarsest(decibels, Precision(), 44.0, told.append)
    assert told == sorted(told) and told[0] > 0 and told[-1] <= 1
