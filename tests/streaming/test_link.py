"""The simulated link: slow start by hand, and both directions of the clock."""

import pytest

from pavplayer.streaming.link import Link

SEGMENT = 1460


def test_the_first_burst_comes_after_two_round_trips():
    link = Link(8e6, 0.1)  # a million bytes a second
    assert link.arrival_seconds(0) == 0.0
    assert link.arrival_seconds(1000) == pytest.approx(0.2 + 0.001)
    assert link.arrival_seconds(10 * SEGMENT) == pytest.approx(0.2 + 0.0146)


def test_each_round_trip_brings_twice_the_segments_until_the_rate_is_the_limit():
    link = Link(8e6, 0.1)
    ten = 10 * SEGMENT
    assert link.arrival_seconds(ten + 1) == pytest.approx(0.3 + 1e-6)
    assert link.arrival_seconds(3 * ten + 1) == pytest.approx(0.4 + 1e-6)
    assert link.arrival_seconds(7 * ten + 1) == pytest.approx(0.5 + 1e-6)
    # 80 segments take 117 ms, longer than a round trip: from here on there are no gaps
    assert link.arrival_seconds(7 * ten + 500_000) == pytest.approx(0.5 + 0.5)


def test_a_slow_link_never_waits_for_acknowledgements():
    link = Link(1e6, 0.08)
    assert link.arrival_seconds(1_000_000) == pytest.approx(0.16 + 8.0)


def test_a_link_without_latency_is_its_rate():
    assert Link(8e6, 0.0).arrival_seconds(2_000_000) == pytest.approx(2.0)


@pytest.mark.parametrize("link", [Link(1e6, 0.08), Link(2e6, 0.08), Link(1e8, 0.2), Link(5e5, 0.0)])
def test_received_at_is_the_inverse(link):
    before = 0.0
    for count in (1, 14_599, 14_600, 14_601, 43_800, 43_801, 300_000, 5_000_000):
        seconds = link.arrival_seconds(count)
        assert seconds > before
        before = seconds
        assert link.received_at(seconds + 1e-9) in (count - 1, count)
        assert link.received_at(seconds - 1e-7) <= count
    assert link.received_at(0.0) == 0


@pytest.mark.parametrize(("rate", "latency"), [(0, 0.1), (-1, 0.1), (1e6, -0.1), (float("nan"), 0.1)])
def test_impossible_links_are_refused(rate, latency):
    with pytest.raises(ValueError, match="rate above 0"):
        Link(rate, latency)
