"""Units of their own for what matters to the same regions, so that a client can fetch where it looks first.

In plain order of importance every unit has Gaussians of all regions, and every region bit of the directory is set: a
client that looks at the eyes needs the whole file. Grouped, it has the eyes in full after about 40 % of the Gaussian
bytes, for 1 to 2 % more bytes in all (spec/decisions/0015-units-by-region.md).
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Int32Array

MOST_GROUPS = 12
"""Of a level: each costs about half a unit's header and models, and a gap that a prefix feels."""


def grouped(
    order: NDArray[np.intp], bits: NDArray[np.uint16], parents: Int32Array | None = None
) -> list[NDArray[np.intp]]:
    """`order` taken apart by what its rows matter to, at most MOST_GROUPS parts, the order kept within each.

    `bits` (N,) are region bits. `parents` (N,): those of one parent, −1 is none, stay together.
    """
    if parents is not None and len(parents):
        families = np.zeros(int(parents.max(initial=-1)) + 2, np.uint16)
        np.bitwise_or.at(families, parents + 1, bits)
        bits = np.where(parents < 0, bits, families[parents + 1])
    masks, member, counts = np.unique(bits[order], return_inverse=True, return_counts=True)
    label = merged([int(mask) for mask in masks], counts.tolist())[member]
    return [order[label == one] for one in np.unique(label)]


def merged(masks: list[int], counts: list[int], most: int = MOST_GROUPS) -> Int32Array:
    """(M,) the group of each of M masks with so many members.

    Always those two groups become one that then make clients fetch least in vain: a group's mask is all that any of
    its members matters to.
    """
    groups = {index: (mask, count) for index, (mask, count) in enumerate(zip(masks, counts, strict=True))}
    label = np.arange(len(masks), dtype=np.int32)

    def waste(pair: tuple[int, int]) -> tuple[int, int, int]:
        (mask, count), (other, more) = groups[pair[0]], groups[pair[1]]
        union = mask | other
        return (union ^ mask).bit_count() * count + (union ^ other).bit_count() * more, *pair

    while len(groups) > most:
        one, other = min(combinations(sorted(groups), 2), key=waste)
        mask, count = groups.pop(other)
        groups[one] = groups[one][0] | mask, groups[one][1] + count
        label[label == other] = one
    return label
