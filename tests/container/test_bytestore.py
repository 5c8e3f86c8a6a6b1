"""The store of bytes that arrive in any order, beside a dictionary of single bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavfmt.container.framing import SparseBuffer

LENGTH = 12
spans = st.tuples(st.integers(0, LENGTH), st.integers(0, 6))
steps = st.lists(st.tuples(st.sampled_from(["put", "put", "drop"]), spans), max_size=8)


def runs(held):
    """(start, end) of every run of neighbouring offsets."""
    starts = [at for at in sorted(held) if at - 1 not in held]
    ends = [at + 1 for at in sorted(held) if at + 1 not in held]
    return list(zip(starts, ends, strict=True))


def assert_holds(store, held):
    assert store.ranges() == runs(held)
    for low, high in runs(held):
        assert store.read(low, high - low) == bytes(held[at] for at in range(low, high))
        assert store.read(low + 1, high - low - 1) == bytes(held[at] for at in range(low + 1, high))
    for at in range(-1, LENGTH + 8):
        end = next((high for low, high in runs(held) if low <= at < high), at)
        assert store.available(at) == end - at


@given(steps)
def test_it_holds_what_was_put_last_and_not_dropped(taken):
    store, held = SparseBuffer(), {}
    for index, (verb, (low, size)) in enumerate(taken):
        if verb == "put":
            store.put(low, bytes([index]) * size)
            held |= dict.fromkeys(range(low, low + size), index)
        else:
            store.drop(low, low + size)
            held = {at: value for at, value in held.items() if not low <= at < low + size}
        assert_holds(store, held)


@pytest.mark.parametrize("first", range(5))
@pytest.mark.parametrize("second", range(5))
@pytest.mark.parametrize("verb", ["put", "drop"])
def test_every_way_two_stretches_can_lie(first, second, verb):
    """Beside [2, 4) and [6, 9): stretches that touch, overlap, cover or miss them."""
    for size in range(8):
        store, held = SparseBuffer(), {}
        for low, data in ((2 + first % 2, b"ab"), (6, b"cde"), (first, b"f")):
            store.put(low, data)
            held |= {low + at: value for at, value in enumerate(data)}
        low = first + second
        if verb == "put":
            store.put(low, bytes(range(100, 100 + size)))
            held |= {low + at: 100 + at for at in range(size)}
        else:
            store.drop(low, low + size)
            held = {at: value for at, value in held.items() if not low <= at < low + size}
        assert_holds(store, held)


def test_the_callers_bytes_are_copied():
    store, data = SparseBuffer(), bytearray(b"abc")
    store.put(0, data)
    data[0] = 0
    assert store.read(0, 3) == b"abc"


def test_nothing_is_held_at_first_nor_after_no_bytes():
    store = SparseBuffer()
    store.put(5, b"")
    assert store.ranges() == [] and store.available(5) == 0
