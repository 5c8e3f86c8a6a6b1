"""What the person at the controls has asked for. Written by any thread, read by the one that draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Event
from typing import TypeVar

from pavfmt.model import Pose
from pavplayer.rasterizers import Background

T = TypeVar("T")
AxisAngle = tuple[float, float, float]


@dataclass
class Controls:
    """Every value is replaced as a whole, never changed in place, so that no lock is needed."""

    weights: Mapping[str, float] = field(default_factory=dict)
    """Shape → weight, added to a track's."""
    rotations: Mapping[str, AxisAngle] = field(default_factory=dict)
    """Joint → axis-angle in radians, added to a track's."""
    limit: int | None = None
    """Draw only the first so many bytes; None: all that are there."""
    background: Background = (1.0, 1.0, 1.0)
    adaptive: bool = True
    """Draw smaller pictures while something moves, as the machine needs."""
    version: int = 0
    """Goes up with every change."""
    changed: Event = field(default_factory=Event)
    """Set by every change; whoever waits for one clears it."""

    def change(self, **values: object) -> None:
        """Replace some of the values."""
        for name, value in values.items():
            setattr(self, name, value)
        self.version += 1
        self.changed.set()

    def set_weight(self, name: str, value: float) -> None:
        """One shape's."""
        self.change(weights=_with(self.weights, name, value, value != 0))

    def set_rotation(self, name: str, turn: AxisAngle) -> None:
        """One joint's."""
        self.change(rotations=_with(self.rotations, name, turn, any(turn)))

    def added_to(self, pose: Pose) -> Pose:
        """A pose with the weights and rotations of the controls added."""
        weights, rotations = dict(pose.weights), dict(pose.rotations)
        for shape, value in self.weights.items():
            weights[shape] = weights.get(shape, 0.0) + value
        for joint, (x, y, z) in self.rotations.items():
            before = rotations.get(joint, (0.0, 0.0, 0.0))
            rotations[joint] = (before[0] + x, before[1] + y, before[2] + z)
        return Pose(weights, rotations, pose.translation)


def _with(values: Mapping[str, T], name: str, value: T, keep: bool) -> Mapping[str, T]:
    rest = {one: other for one, other in values.items() if one != name}
    return rest | {name: value} if keep else rest
