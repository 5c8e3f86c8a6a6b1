"""What a decoder reports, one frozen dataclass per kind. `unit` is the unit's id, `offset` its header's byte."""

from __future__ import annotations

from dataclasses import dataclass

from pavfmt.container.framing import PartialUnit
from pavfmt.container.headers import DirectoryEntry, FileHeader
from pavfmt.model import Identity, PoseCorrectives, Shape, Track
from pavfmt.units.annotations import Thumbnail
from pavfmt.units.attributes import GaussianBlock
from pavfmt.units.hand_over import HandOver
from pavfmt.units.levels import LevelTable
from pavfmt.units.rig import RigCore, RigReference
from pavfmt.units.splits import SplitBlock


@dataclass(frozen=True)
class Event:
    """Base of all events."""

    unit: int | None
    offset: int


@dataclass(frozen=True)
class HeaderArrived(Event):
    """The file header: version, features and totals of the complete avatar."""

    header: FileHeader


@dataclass(frozen=True)
class DirectoryArrived(Event):
    """What stands where."""

    entries: tuple[DirectoryEntry, ...]


@dataclass(frozen=True)
class RigArrived(Event):
    """Mesh, joints and weights; shapes follow."""

    core: RigCore


@dataclass(frozen=True)
class RigNamed(Event):
    """The rig is in a file of its own: find it and call `Decoder.supply_rig`."""

    reference: RigReference


@dataclass(frozen=True)
class IdentityArrived(Event):
    """The personal neutral."""

    identity: Identity


@dataclass(frozen=True)
class ShapeArrived(Event):
    """One blendshape can move from now on."""

    index: int
    shape: Shape


@dataclass(frozen=True)
class CorrectivesArrived(Event):
    """Pose correctives act from now on."""

    correctives: PoseCorrectives


@dataclass(frozen=True)
class LevelsArrived(Event):
    """The level table."""

    table: LevelTable


@dataclass(frozen=True)
class SplitsArrived(Event):
    """Faces of a level came to be."""

    block: SplitBlock


@dataclass(frozen=True)
class GaussiansArrived(Event):
    """New Gaussians to draw."""

    block: GaussianBlock


@dataclass(frozen=True)
class HandOverArrived(Event):
    """Some Gaussians will give way to later units."""

    record: HandOver


@dataclass(frozen=True)
class MetadataArrived(Event):
    """Title, author, licences and the like."""

    metadata: dict[str, str]


@dataclass(frozen=True)
class ThumbnailArrived(Event):
    """A small picture."""

    thumbnail: Thumbnail


@dataclass(frozen=True)
class TrackArrived(Event):
    """A recorded performance."""

    track: Track


@dataclass(frozen=True)
class UnknownSkipped(Event):
    """An ancillary unit of a type this reader does not know."""

    type: int


@dataclass(frozen=True)
class UnitDamaged(Event):
    """A unit is lost, and with it whatever needs it."""

    code: str
    message: str
    error_offset: int
    """Of the field at fault."""
    type: int | None
    """As its header, or else the directory, says."""


@dataclass(frozen=True)
class StreamEnded(Event):
    """No more bytes will come; `offset` is how many there were."""

    complete: bool
    """All units of the complete avatar are there and intact."""
    partial: PartialUnit | None
    waiting: dict[int, tuple[int, ...]]
    """Intact units that stay unused → the needed units that are missing or damaged."""
