"""Hand-over: a parent gives way exactly when all its successors are there, in whatever order they come."""

from itertools import permutations

import numpy as np
import pytest

from pavfmt import Decoder, decode
from pavfmt.decoding.events import UnitDamaged
from pavfmt.tools.verify import verify
from spec.builders.forging import unit_spans
from spec.builders.hand_over import GRIDS, RETIRED, hand_over_file


def damage_of(data):
    decoder = Decoder()
    decoder.feed(data)
    return [event.code for event in decoder.events() if isinstance(event, UnitDamaged)]


def test_the_file_is_clean():
    assert verify(hand_over_file()) == []
    assert verify(hand_over_file(second_values=True)) == []


def test_a_parent_retires_when_all_its_successors_are_there():
    data = hand_over_file()
    spans = unit_spans(data)
    stored = decode(data).arrays().opacities
    for count, (_, end) in enumerate(spans):
        scene = decode(data[:end])
        opacities, log_scales = scene.effective()
        assert log_scales.tobytes() == scene.arrays().log_scales.tobytes()
        wanted = stored[: len(opacities)].copy()
        if count == len(spans) - 1:
            wanted[RETIRED] = 0
        assert opacities.tobytes() == wanted.tobytes()


def test_second_values_replace_opacity_and_scale():
    data = hand_over_file(second_values=True)
    scene = decode(data)
    opacities, log_scales = scene.effective()
    grid = GRIDS.opacities.table
    assert opacities[RETIRED].tolist() == [
        grid[np.abs(grid - 0.25).argmin()],
        grid[np.abs(grid - 0.5).argmin()],
    ]
    assert np.abs(log_scales[RETIRED] + 4).max() < 0.05
    others = [row for row in range(9) if row not in RETIRED]
    assert opacities[others].tobytes() == scene.arrays().opacities[others].tobytes()
    assert log_scales[others].tobytes() == scene.arrays().log_scales[others].tobytes()


def test_stored_values_never_change():
    data = hand_over_file(second_values=True)
    decoder = Decoder()
    decoder.feed(data[:-1])
    list(decoder.events())
    before = decoder.scene.arrays()
    kept = before.opacities.copy(), before.log_scales.copy()
    decoder.feed(data[-1:])
    list(decoder.events())
    decoder.scene.effective()
    after = decoder.scene.arrays()
    assert after.opacities[:6].tobytes() == kept[0].tobytes() == before.opacities.tobytes()
    assert after.log_scales[:6].tobytes() == kept[1].tobytes()


@pytest.mark.parametrize("second_values", [False, True])
def test_the_order_of_arrival_does_not_matter(second_values):
    data = hand_over_file(second_values)
    wanted = decode(data).effective()
    for order in permutations(unit_spans(data)[2:]):
        decoder = Decoder()
        decoder.feed(data[: unit_spans(data)[1][1]])
        for low, high in order:
            list(decoder.events())
            decoder.feed_at(low, data[low:high])
        list(decoder.events())
        found = decoder.scene.effective()
        assert [one.tobytes() for one in found] == [one.tobytes() for one in wanted]


def test_a_snapshot_is_what_is_shown():
    scene = decode(hand_over_file())
    (level,) = scene.snapshot().avatar.levels
    assert level.gaussians.opacities.tobytes() == scene.effective()[0].tobytes()


@pytest.mark.parametrize(
    "options, code",
    [
        ({"features": 0}, "bad-field"),
        ({"needs_parent": False}, "index-out-of-range"),
        ({"gaussians": np.array([0, 3], dtype=np.int32)}, "index-out-of-range"),
        ({"gaussians": np.array([2, 2], dtype=np.int32)}, "bad-field"),
        ({"gaussians": np.array([], dtype=np.int32)}, "bad-field"),
        ({"successors": ()}, "bad-needs"),
        ({"successors": (2, 4)}, "bad-needs"),
        ({"successors": (3,)}, "bad-needs"),
        ({"successors": (5, 4)}, "bad-needs"),
        ({"successors": (4, 4)}, "bad-needs"),
        ({"level": 1}, "bad-field"),
    ],
)
def test_a_wrong_hand_over_is_damage_and_changes_nothing(options, code):
    data = hand_over_file(**options)
    assert damage_of(data) == [code]
    scene = decode(data)
    assert scene.effective()[0].tobytes() == scene.arrays().opacities.tobytes()


def test_second_values_stay_on_their_grids():
    data = hand_over_file(second_values=True)
    assert decode(data).effective()[1].max() <= GRIDS.log_scales.table.max()
