"""From a directory to an order of units: first what the regions in focus are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from pavfmt.container.headers import DirectoryEntry
from pavfmt.decoding.scene import Scene
from pavplayer.focus.names import Focus

Plan = Callable[[Sequence[DirectoryEntry]], Iterable[int]]
"""The directory → unit ids in the order wanted, each after those it needs."""


def focus_plan(focus: Focus, scene: Scene) -> Plan:
    """All units of an avatar, those that matter in the focus first; in file order otherwise.

    What the regions are called the rig says: until it is in the scene, the plan is that of no focus, the rig first, and
    the caller asks again when it has arrived. Raises FocusError if the rig has no such regions.
    """
    bits = 0 if scene.core is None else focus.bits_in(scene.core.region_names)
    return partial(planned, bits=bits)


def planned(entries: Sequence[DirectoryEntry], bits: int) -> Iterator[int]:
    """Every unit once and after its needs: critical ones, those of the regions in `bits`, the first drawable, the rest.

    Within each of these, file order: it is most important first.
    """
    by_id = {entry.id: entry for entry in entries}
    listed: set[int] = set()
    for entry in sorted(entries, key=lambda one: (_rank(one, bits), one.id)):
        yield from _with_needs(entry.id, by_id, listed)


def _rank(entry: DirectoryEntry, bits: int) -> int:
    if entry.critical:
        return 0
    return 1 if entry.regions & bits else 2


def _with_needs(id_: int, by_id: dict[int, DirectoryEntry], listed: set[int]) -> Iterator[int]:
    """A unit after what it needs, as far as they are not listed yet."""
    waiting = [id_]
    while waiting:
        one = waiting[-1]
        missing = [need for need in _needs(by_id.get(one)) if need in by_id and need not in listed]
        if one in listed or not missing:
            waiting.pop()
            if one not in listed and one in by_id:
                listed.add(one)
                yield one
        else:
            waiting += sorted(missing, reverse=True)


def _needs(entry: DirectoryEntry | None) -> tuple[int, ...]:
    return () if entry is None else tuple(need for need in entry.needs if need < entry.id)
