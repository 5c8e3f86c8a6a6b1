"""What a file holds, where its bytes go, and when a head is there. One pass of framing, one of decoding."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field

from pavfmt.codec.columns import ColumnDecompressor
from pavfmt.codec.fields import FieldReader
from pavfmt.container.framing import DamagedFrame, Frame, Framing
from pavfmt.container.headers import DirectoryEntry, FileHeader, UnitHeader
from pavfmt.decoding import events as ev
from pavfmt.decoding.decoder import Decoder
from pavfmt.decoding.scene import Scene
from pavfmt.limits import FORMAT_LIMITS, Limits
from pavfmt.registry import GAUSSIAN_BYTES_TYPES, PRIVATE_UNIT_TYPES, CriticalFeature, UnitType
from pavfmt.units.attributes import attributes_of
from pavfmt.units.directory import Directory
from pavfmt.units.gaussians import section_bytes
from pavfmt.units.levels import LevelEntry


@dataclass
class UnitReport:
    """One unit."""

    id: int | None
    """None where a damaged header does not say."""
    type: str
    """Its registered name, such as "gaussians"."""
    offset: int
    """Of its header, in bytes."""
    bytes: int | None
    """Header included; None where a damaged header does not say."""
    state: str
    """"active", "waiting", "damaged" or "unknown-type"."""
    level: int | None = None
    gaussian_count: int = 0
    importance: float = 0.0
    """As the directory says (§6.1): of Gaussians or a shape, its share of that of all."""
    regions: list[str] = field(default_factory=list)
    """The rig's regions to which it matters."""
    needs: list[int] = field(default_factory=list)
    """Ids of the units without which it shows nothing (§4)."""


@dataclass
class LevelReport:
    """One level of the complete avatar, and what of it is there."""

    binding: str
    site: str
    sh_frame: str
    sh_degree: int
    gaussian_count: int
    """Of the complete avatar, as `split_count` is."""
    gaussians_here: int
    split_count: int
    bytes_by_attribute: dict[str, int] = field(default_factory=dict)
    """Of the Gaussians units that are here; all attributes but the SH bands share "attributes"."""
    bits_by_attribute: dict[str, int] = field(default_factory=dict)
    """Of the level's grids (§6.7)."""


@dataclass
class Inspection:
    """What `pav inspect` prints.

    Fields with `complete_` in their names are what the file header promises of the whole; all others are about the
    bytes that are here.
    """

    version: str
    received_bytes: int
    complete_file_bytes: int
    complete_gaussian_bytes: int
    complete_gaussian_count: int
    complete_unit_count: int
    gaussian_count: int
    bytes_until_visible: int | None
    """Prefix length at which the first Gaussians are drawn; None: not within these bytes."""
    bytes_until_animatable: int | None
    """Prefix length at which also all essential shapes are there."""
    features: list[str]
    rig: dict[str, object] | None
    levels: list[LevelReport]
    bytes_by_section: dict[str, int]
    """Header included, by unit type; "file-header" and "partial" too, so that they sum to received_bytes."""
    units: list[UnitReport]
    """In file order."""
    metadata: dict[str, str]
    tracks: list[dict[str, object]]
    """Name, frames and frames a second of each."""

    def to_json(self) -> dict[str, object]:
        """Plain dicts and lists; `spec/schemas/inspect.json` describes them."""
        return asdict(self)


def type_name(type_: int | None) -> str:
    """The registered name of a unit type, or a description of an unregistered one."""
    if type_ is None:
        return "unreadable"
    if type_ in frozenset(UnitType):
        return UnitType(type_).name.lower().replace("_", "-")
    return f"private-{type_:#x}" if type_ in PRIVATE_UNIT_TYPES else f"unknown-{type_}"


def inspect(data: bytes, limits: Limits = FORMAT_LIMITS, rig_file: bytes | None = None) -> Inspection:
    """Everything there is to know of a file or prefix: units, levels, where its bytes go, when a head is there.

        report = pavfmt.inspect(data)
        print(report.gaussian_count, report.bytes_until_animatable)

    `rig_file` is the bytes of the rig's file, for a file that names one; without it such a file's Gaussians wait.
    Raises PavError where decoding would.
    """
    decoder = Decoder(limits)
    if rig_file is not None:
        decoder.supply_rig(rig_file)
    decoder.feed(data)
    decoder.close()
    milestones = Milestones()
    entries: dict[int, DirectoryEntry] = {}
    damaged: set[int] = set()
    for event in decoder.events():
        milestones.note(event, decoder.scene)
        if isinstance(event, ev.UnitDamaged):
            damaged.add(event.offset)
        if isinstance(event, ev.UnitArrived) and isinstance(event.content, Directory):
            entries = {entry.id: entry for entry in event.content.entries}
    framing = Framing(limits)
    framing.feed(data)
    frames = []
    for frame in framing.frames():
        if isinstance(frame, Frame) and frame.header.type == UnitType.DIRECTORY:
            framing.learn(list(entries.values()))
        frames.append(frame)
    units = [_unit_report(frame, entries, damaged, decoder.scene) for frame in frames]
    return _assemble(data, decoder.scene, frames, units, milestones)


class Milestones:
    """Which unit made a growing scene visible, and which animatable, as offsets of their headers."""

    def __init__(self) -> None:
        self.visible: int | None = None
        self.animatable: int | None = None
        self._furthest = 0

    def note(self, event: ev.Event, scene: Scene) -> None:
        """Call after every event, in order, with the scene as it then is."""
        if event.unit is None:
            return
        self._furthest = max(self._furthest, event.offset)  # a unit may have waited for a later one
        if self.visible is None and scene.is_visible:
            self.visible = self._furthest
        if self.animatable is None and scene.is_animatable:
            self.animatable = self._furthest


def _unit_report(
    frame: Frame | DamagedFrame, entries: dict[int, DirectoryEntry], damaged: set[int], scene: Scene
) -> UnitReport:
    header = frame.header
    entry = (entries.get(header.id) if header else None) or getattr(frame, "entry", None)
    type_ = header.type if header else entry.type if entry else None
    size = header.length if header else entry.length if entry else None
    report = UnitReport(
        id=header.id if header else entry.id if entry else None,
        type=type_name(type_),
        offset=frame.offset,
        bytes=None if size is None else size + UnitHeader.SIZE,
        state="damaged",
    )
    if isinstance(frame, Frame) and frame.offset not in damaged:
        report.state = "active" if frame.header.id in scene.active_units else "waiting"
        if frame.header.type not in frozenset(UnitType):
            report.state = "unknown-type"
    if entry is not None:
        names = scene.core.region_names if scene.core else ()
        report.level, report.gaussian_count = entry.level, entry.gaussian_count
        report.importance, report.needs = entry.importance, sorted(entry.needs)
        report.regions = [name for bit, name in enumerate(names) if entry.regions >> bit & 1]
    return report


def _assemble(
    data: bytes,
    scene: Scene,
    frames: list[Frame | DamagedFrame],
    units: list[UnitReport],
    milestones: Milestones,
) -> Inspection:
    header = scene.header
    ends = {unit.offset: unit.offset + (unit.bytes or 0) for unit in units}
    sections = Counter({"file-header": min(len(data), FileHeader.SIZE)})
    for unit in units:
        sections[unit.type] += min(unit.bytes or 0, len(data) - unit.offset)
    sections["partial"] = len(data) - sum(sections.values())
    return Inspection(
        version="unknown" if header is None else f"{header.major}.{header.minor}",
        received_bytes=len(data),
        complete_file_bytes=header.file_bytes if header else 0,
        complete_gaussian_bytes=header.gaussian_bytes if header else 0,
        complete_gaussian_count=header.gaussian_count if header else 0,
        complete_unit_count=header.unit_count if header else 0,
        gaussian_count=scene.gaussian_count,
        bytes_until_visible=None if milestones.visible is None else ends.get(milestones.visible),
        bytes_until_animatable=None if milestones.animatable is None else ends.get(milestones.animatable),
        features=["hand-over"] if header and header.critical_features & CriticalFeature.HAND_OVER else [],
        rig=_rig_report(scene),
        levels=_level_reports(scene, frames),
        bytes_by_section={name: size for name, size in sections.items() if size},
        units=units,
        metadata=dict(scene.metadata),
        tracks=[
            {"name": track.name, "frames": track.frame_count, "frames_per_second": track.frames_per_second}
            for _, track in sorted(scene.tracks.items())
        ],
    )


def _rig_report(scene: Scene) -> dict[str, object] | None:
    core = scene.core
    if core is None:
        return None
    return {
        "profile": core.profile,
        "vertices": len(core.weights),
        "base_vertices": core.base_vertex_count,
        "faces": core.face_count,
        "joints": list(core.joint_names),
        "shapes": list(core.shape_names),
        "shapes_here": sorted(core.shape_names[index] for index in scene.shapes),
        "essential_shapes": sorted(core.shape_names[index] for index in core.essential_shapes),
        "regions": list(core.region_names),
        "personal_neutral": scene.identity is not None,
    }


def _level_reports(scene: Scene, frames: list[Frame | DamagedFrame]) -> list[LevelReport]:
    table = scene.table
    if table is None:
        return []
    reports = [_level_report(entry) for entry in table.levels]
    for block in scene.gaussians.blocks:
        reports[block.level].gaussians_here += len(block)
    columns = ColumnDecompressor()
    for one in frames:
        if not isinstance(one, Frame) or one.header.type != UnitType.GAUSSIANS:
            continue
        if one.header.id not in scene.active_units:
            continue
        reader = FieldReader(one.payload, one.payload_offset, FORMAT_LIMITS, columns)
        reader.needs_of(one.header.id)
        level = one.payload[reader.offset - one.payload_offset]
        for name, size in section_bytes(reader, table).items():
            sizes = reports[level].bytes_by_attribute
            sizes[name] = sizes.get(name, 0) + size
    return reports


def _level_report(entry: LevelEntry) -> LevelReport:
    """Without what of it is there."""
    binding, site, frame = (
        value.name.lower().replace("_", "-") for value in (entry.binding, entry.site, entry.sh_frame)
    )
    return LevelReport(
        binding,
        site,
        frame,
        entry.sh_degree,
        entry.gaussian_count,
        0,
        entry.split_count,
        bits_by_attribute={one.name: one.grids[0].bits for one in attributes_of(entry.grids, False)},
    )


def gaussian_bytes_of(report: Inspection) -> int:
    """`gaussian_bytes` of the units in `report` (measured, not the header's total)."""
    names = {type_name(type_) for type_ in GAUSSIAN_BYTES_TYPES}
    return sum(size for name, size in report.bytes_by_section.items() if name in names)
