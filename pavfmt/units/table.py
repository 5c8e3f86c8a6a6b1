"""The one table of unit kinds (§6). A new kind is a module beside this one, a row here, a section of FORMAT.md."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pavfmt.codec.fields import UnitReader
from pavfmt.registry import CRITICAL_UNIT_TYPES, UnitType
from pavfmt.units.contents import SceneContents
from pavfmt.units.directory import read_directory
from pavfmt.units.gaussians import read_gaussians
from pavfmt.units.hand_over import read_hand_over
from pavfmt.units.levels import decode_levels
from pavfmt.units.metadata import decode_metadata
from pavfmt.units.rig import decode_reference, read_identity, read_rig
from pavfmt.units.shapes import read_correctives, read_shape
from pavfmt.units.splits import read_splits
from pavfmt.units.thumbnail import decode_thumbnail
from pavfmt.units.track import decode_track


@dataclass(frozen=True)
class UnitKind:
    """How units of one type are read, and where in the scene their content goes."""

    type: UnitType
    read: Callable[[UnitReader], Any]
    """The content of a payload behind its needs; FormatError with the offset of what is wrong. All units needed are
    active, and their contents are in the reader."""
    apply: Callable[[SceneContents, int, Any], bool] | None = None
    """(contents, unit id, content): put it into its place; False if another unit has brought the same. None: it has
    no place in the scene, and who wants it takes it from the event."""
    only_one: bool = False
    """Whether a file has at most one. A rig and a reference to one count as the same."""

    @property
    def critical(self) -> bool:
        """Whether damage to it ends decoding."""
        return self.type in CRITICAL_UNIT_TYPES

    @property
    def name(self) -> str:
        """As in FORMAT.md, with hyphens."""
        return self.type.name.lower().replace("_", "-")


_ROWS = (
    UnitKind(UnitType.DIRECTORY, read_directory, None, only_one=True),
    UnitKind(UnitType.RIG, read_rig, SceneContents.put_rig, only_one=True),
    UnitKind(UnitType.RIG_REFERENCE, decode_reference, SceneContents.put_rig, only_one=True),
    UnitKind(UnitType.IDENTITY, read_identity, SceneContents.put_identity, only_one=True),
    UnitKind(UnitType.SHAPE, read_shape, SceneContents.add_shape),
    UnitKind(UnitType.CORRECTIVES, read_correctives, SceneContents.put_correctives, only_one=True),
    UnitKind(UnitType.LEVELS, decode_levels, SceneContents.put_levels, only_one=True),
    UnitKind(UnitType.SPLITS, read_splits, SceneContents.add_splits),
    UnitKind(UnitType.GAUSSIANS, read_gaussians, SceneContents.add_gaussians),
    UnitKind(UnitType.HAND_OVER, read_hand_over, SceneContents.add_hand_over),
    UnitKind(UnitType.METADATA, decode_metadata, SceneContents.put_metadata, only_one=True),
    UnitKind(UnitType.THUMBNAIL, decode_thumbnail, SceneContents.put_thumbnail, only_one=True),
    UnitKind(UnitType.TRACK, decode_track, SceneContents.add_track),
)
UNIT_KINDS: dict[int, UnitKind] = {kind.type: kind for kind in _ROWS}
"""Unit type → its kind. Of a rig reference the decoder puts what the named file holds in place of the content."""
