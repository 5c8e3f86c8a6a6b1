"""What may be focused on, by name, and the bits that a directory has for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

PARTS: dict[str, tuple[str, ...]] = {
    "eyes": ("eye", "lid"),
    "mouth": ("mouth", "lips", "teeth", "tongue"),
}
"""Name → what the names of the rig's regions that it stands for contain. Others stand for the region of that name."""


class FocusError(RuntimeError):
    """A focus that this avatar does not have."""


@dataclass(frozen=True)
class Focus:
    """Where someone looks."""

    names: tuple[str, ...]
    """Regions of a rig, or the keys of PARTS."""

    def bits_in(self, region_names: Sequence[str]) -> int:
        """The directory's bits of these names; raises FocusError where one stands for no region."""
        bits = 0
        for name in self.names:
            found = bits_of_name(name, region_names)
            if not found:
                raise FocusError(f"no region {name!r}: this avatar has {_listed(region_names)}")
            bits |= found
        return bits


def bits_of_name(name: str, region_names: Sequence[str]) -> int:
    """Bit k for each region k that `name` stands for."""
    if name in PARTS:
        return sum(1 << k for k, one in enumerate(region_names) if any(part in one for part in PARTS[name]))
    return sum(1 << k for k, one in enumerate(region_names) if one == name)


def _listed(region_names: Sequence[str]) -> str:
    known = [*(part for part in PARTS if bits_of_name(part, region_names)), *region_names]
    return ", ".join(dict.fromkeys(known)) or "none"


def parse_focus(text: str) -> Focus:
    """`eyes,mouth`: names with commas between; ValueError where there are none."""
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    if not all(names):
        raise ValueError(f"{text!r} is no focus: names such as eyes,mouth")
    return Focus(names)
