"""The units that bring a rig's motion: shapes and correctives (§6.5, §6.6)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from pavfmt.encoder.draft import Draft
from pavfmt.encoder.options import EncodeOptions
from pavfmt.encoder.order.regions import shape_region_bits
from pavfmt.model import Rig
from pavfmt.registry import UnitType
from pavfmt.units.shapes import encode_correctives, encode_shape


def motion_units(
    draft: Draft, rig: Rig, rig_id: int, options: EncodeOptions
) -> tuple[list[Callable[[], int]], list[Callable[[], int]]]:
    """What brings the rig's motion: functions that add one unit to the draft and return its id, in sending order.

    First those of the essential shapes, until which the avatar does not count as animatable; then correctives and the
    other shapes. Shapes go by energy (sum of squared displacements), largest first: what moves most is missed most.
    """
    energy = [float(np.sum(shape.displacements.astype(np.float64) ** 2)) for shape in rig.shapes]
    order = sorted(range(len(rig.shapes)), key=lambda k: (-energy[k], k))
    total = sum(energy) or 1.0

    def shape(index: int) -> int:
        return draft.add(
            UnitType.SHAPE,
            (rig_id,),
            lambda w: encode_shape(w, index, rig.shapes[index], options.shape_step),
            importance=energy[index] / total,
            regions=shape_region_bits(rig, index),
        )

    def correctives() -> int:
        assert rig.correctives is not None
        moved = rig.correctives
        return draft.add(
            UnitType.CORRECTIVES, (rig_id,), lambda w: encode_correctives(w, moved, options.shape_step)
        )

    essential = [partial(shape, index) for index in order if rig.shapes[index].essential]
    others: list[Callable[[], int]] = [] if rig.correctives is None else [correctives]
    others += [partial(shape, index) for index in order if not rig.shapes[index].essential]
    return list(essential), others
