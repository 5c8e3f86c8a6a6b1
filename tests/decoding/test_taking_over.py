"""Levels that take over: a parent retires exactly when its children are there, and groups are never torn."""

import functools
import operator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import many

from pavfmt import Decoder, EncodeError, decode, encode
from pavfmt.encoder.hand_over import legal_ends, retiring, unit_end
from pavfmt.encoder.options import HAND_OVER_PRECISION, EncodeOptions, Precision
from pavfmt.registry import CriticalFeature
from pavfmt.tools.verify import verify
from spec.builders.avatars import KINDS, toy
from spec.builders.forging import unit_spans

SMALL = EncodeOptions(
    Precision(sh0_step=1e-3, opacity_step=1e-3, sh0_power=0.0),
    replace(HAND_OVER_PRECISION, sh0_step=1e-3, sh0_power=0.0, opacity_step=1e-3),
    first_unit_bytes=1,
    unit_bytes=1,
    unit_share=0.0,
    between_bytes=1,
)
"""Units as small as the groups allow."""


@st.composite
def families(draw, kinds=KINDS):
    """A toy whose levels 1 and 2 take over, or only one of them."""
    avatar = toy(draw(st.sampled_from(kinds)))
    levels = list(avatar.levels)
    for number in draw(st.sampled_from([(1,), (2,), (1, 2)])):
        parent = st.integers(-1, len(levels[number - 1].gaussians) - 1)
        count = len(levels[number].gaussians)
        parents = np.array(draw(st.lists(parent, min_size=count, max_size=count)), dtype=np.int32)
        levels[number] = replace(levels[number], parents=parents)
    return replace(avatar, levels=tuple(levels))


def own_names(avatar, arrays):
    """Per Gaussian of a scene (level, row) in the avatar, by colour: toys' colours are far apart."""
    names = []
    for level, colour in zip(arrays.levels.tolist(), arrays.sh0[:, 0], strict=True):
        own = avatar.levels[level].gaussians.sh0[:, 0]
        names.append((level, int(np.abs(own - colour).sum(axis=1).argmin())))
    assert len(set(names)) == len(names)
    return names


def retired_by(avatar, present):
    """The (level, row) among those present all of whose children, of whom there are some, are present too."""
    gone = set()
    for number, level in enumerate(avatar.levels):
        if level.parents is None:
            continue
        for parent in set(level.parents.tolist()) - {-1}:
            children = {(number, int(child)) for child in np.flatnonzero(level.parents == parent)}
            if children <= present:
                gone.add((number - 1, parent))
    return gone & present


def check(avatar, scene):
    """Who has no opacity is who should have retired; all others keep theirs."""
    arrays, (opacities, _) = scene.arrays(), scene.effective()
    names = own_names(avatar, arrays)
    wanted = retired_by(avatar, set(names))
    found = {name for name, opacity in zip(names, opacities.tolist(), strict=True) if opacity == 0}
    assert found == wanted
    stays = [name not in wanted for name in names]
    assert opacities[stays].tobytes() == arrays.opacities[stays].tobytes()


@many(40)
@given(families())
def test_in_every_prefix_parents_retire_exactly_when_their_children_are_there(avatar):
    data = encode(avatar, SMALL)
    assert verify(data) == []
    assert decode(data).header.critical_features == CriticalFeature.HAND_OVER
    assert decode(data).gaussian_count == avatar.gaussian_count
    for _, end in unit_spans(data):
        scene = decode(data[:end])
        if scene.is_visible:
            check(avatar, scene)


@many(40)
@given(families(), st.randoms(use_true_random=False))
def test_in_whatever_order_units_come(avatar, random):
    """A retired parent is only gone once all that replaces it is there, and at the end all is as it should be."""
    data = encode(avatar, SMALL)
    decoder, spans = Decoder(), unit_spans(data)
    decoder.feed(data[: spans[0][1]])
    random.shuffle(rest := spans[1:])
    for low, high in rest:
        decoder.feed_at(low, data[low:high])
        list(decoder.events())
        if not decoder.scene.is_visible:
            continue
        arrays, (opacities, _) = decoder.scene.arrays(), decoder.scene.effective()
        names = own_names(avatar, arrays)
        gone = {name for name, opacity in zip(names, opacities.tolist(), strict=True) if opacity == 0}
        assert gone <= retired_by(avatar, set(names))
    check(avatar, decoder.scene)


@given(families())
def test_groups_are_never_torn(avatar):
    scene = decode(encode(avatar, SMALL))
    names = own_names(avatar, scene.arrays())
    for block in scene.gaussians.blocks:
        here = list(names[block.first : block.first + len(block)])
        parents = avatar.levels[block.level].parents
        if parents is None:
            continue
        for parent in {int(parents[row]) for _, row in here} - {-1}:
            assert {(block.level, int(child)) for child in np.flatnonzero(parents == parent)} <= set(here)


@pytest.mark.parametrize("kind", KINDS)
def test_without_parents_the_file_only_adds(kind):
    scene = decode(encode(toy(kind)))
    assert scene.header.critical_features == 0 and not scene.hand_overs
    assert scene.effective()[0].tobytes() == scene.arrays().opacities.tobytes()


def test_parents_without_children_stay():
    avatar = toy("static")
    nobody = np.full(len(avatar.levels[1].gaussians), -1, dtype=np.int32)
    avatar = replace(
        avatar, levels=(avatar.levels[0], replace(avatar.levels[1], parents=nobody), avatar.levels[2])
    )
    scene = decode(encode(avatar, SMALL))
    assert not scene.hand_overs
    assert (scene.effective()[0] > 0).all()


def test_parents_are_of_the_level_before():
    first, second, third = toy("static").levels
    for levels in ((replace(first, parents=np.zeros(9, np.int32)), second, third),):
        with pytest.raises(EncodeError, match="bad-level"):
            replace(toy("static"), levels=levels)
    with pytest.raises(EncodeError, match="binding-out-of-range"):
        replace(toy("static"), levels=(first, replace(second, parents=np.full(7, 9, np.int32)), third))
    with pytest.raises(EncodeError, match="bad-shape"):
        replace(second, parents=np.zeros(3, np.int32))


sequences = st.lists(st.integers(-1, 6), min_size=1, max_size=30).map(
    lambda one: np.array(one, dtype=np.int32)
)


@given(sequences)
def test_legal_ends_are_where_no_family_is_divided(parents):
    given_ = parents.tolist()
    wanted = [not ({*given_[: at + 1]} & {*given_[at + 1 :]} - {-1}) for at in range(len(given_))]
    assert legal_ends(parents).tolist() == wanted


@given(sequences, st.integers(1, 12), st.integers(1, 12))
def test_a_unit_ends_at_the_legal_end_nearest_to_its_aim(parents, aim, limit):
    legal, start, ends = legal_ends(parents), 0, []
    while start < len(parents):
        end = unit_end(legal, start, aim, limit)
        possible = [at + 1 for at in range(start, min(start + limit, len(parents))) if legal[at]]
        if possible:
            assert end in possible
            assert abs(end - start - aim) == min(abs(one - start - aim) for one in possible)
        else:
            assert end == min(start + limit, len(parents))
        start = end
        ends.append(end)
    assert ends[-1] == len(parents)


@given(sequences, st.randoms(use_true_random=False), st.data())
def test_everyone_with_children_retires_once(parents, random, drawn):
    order = list(range(len(parents)))
    random.shuffle(order)
    order = np.array(order)
    cuts = sorted({*drawn.draw(st.lists(st.integers(1, len(parents)), max_size=5)), len(parents)})
    gone = [
        retiring(parents, order, low, high).tolist() for low, high in zip([0, *cuts[:-1]], cuts, strict=True)
    ]
    assert sorted(functools.reduce(operator.iadd, gone, [])) == sorted(set(parents.tolist()) - {-1})
    for high, some in zip(cuts, gone, strict=True):
        later = set(parents[order[high:]].tolist())
        assert not later & set(some)
