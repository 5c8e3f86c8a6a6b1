"""Every rule a file breaks, each with code and offset (§11). Silent when clean; a cut is not damage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from pavfmt.container.framing import Frame, Framing
from pavfmt.container.headers import DirectoryEntry, FileHeader, UnitHeader
from pavfmt.decoding import events as ev
from pavfmt.decoding.decoder import Decoder
from pavfmt.decoding.scene import Scene
from pavfmt.errors import PavError
from pavfmt.limits import FORMAT_LIMITS, Limits
from pavfmt.registry import GAUSSIAN_BYTES_TYPES
from pavfmt.units.directory import Directory
from pavfmt.units.gaussians import GaussianBlock

ERROR, DAMAGE, WARNING, NOTE = "error", "damage", "warning", "note"
"""Ends decoding; costs units; a promise that no picture depends on is broken; worth knowing."""


@dataclass(frozen=True)
class Finding:
    """One thing to know about a file."""

    severity: str
    """"error" (ends decoding), "damage" (costs units), "warning" (a promise broken) or "note"."""
    code: str
    """From the tables of §11."""
    offset: int
    """In bytes, of the field at fault."""
    message: str
    """What was found, what was required."""

    def to_json(self) -> dict[str, object]:
        """A plain dict."""
        return asdict(self)


def verify(data: bytes, limits: Limits = FORMAT_LIMITS, rig_file: bytes | None = None) -> list[Finding]:
    """All findings, in the order met. An empty list: a whole file, or one cut at a unit boundary.

        for finding in pavfmt.verify(data):
            print(finding.severity, finding.code, finding.offset, finding.message)

    A file that names its rig is checked as far as its units can be read without; give `rig_file`, the bytes of the
    rig's file, for the rest. Raises nothing about the content: what ends decoding is the last finding.
    """
    decoder = Decoder(limits)
    if rig_file is not None:
        decoder.supply_rig(rig_file)
    decoder.feed(data)
    decoder.close()
    findings: list[Finding] = []
    seen: list[ev.Event] = []
    rig_is_missing = False
    try:
        for event in decoder.events():
            seen.append(event)
            findings += _of_event(event, rig_is_missing)
            rig_is_missing |= isinstance(event, ev.RigNamed)
    except PavError as error:
        findings.append(Finding(ERROR, error.code, error.offset or 0, error.message))
        return findings
    units = _intact_units(data, limits)
    if not rig_is_missing:
        findings += _of_header(data, decoder.scene, seen, units)
    findings += _of_hints(seen)
    findings += _of_directory(seen, units)
    return findings


def _intact_units(data: bytes, limits: Limits) -> list[Frame]:
    framing = Framing(limits)
    framing.feed(data)
    return [frame for frame in framing.frames() if isinstance(frame, Frame)]


def _of_event(event: ev.Event, rig_is_missing: bool) -> Iterator[Finding]:
    match event:
        case ev.UnitDamaged():
            yield Finding(DAMAGE, event.code, event.error_offset, f"unit {event.unit}: {event.message}")
        case ev.StreamEnded(partial=partial, waiting=waiting):
            if rig_is_missing:
                message = f"{len(waiting)} units wait for the rig, which is in a file of its own"
                yield Finding(NOTE, "rig-not-supplied", event.offset, message)
                waiting = {unit: missing for unit, missing in waiting.items() if missing}
            for unit, missing in waiting.items():
                message = f"unit {unit} is unused: it needs units {list(missing)}, which are not there"
                yield Finding(DAMAGE, "needs-missing", event.offset, message)
            if partial is not None:
                total = "an unknown number" if partial.expected is None else str(partial.expected)
                message = f"a prefix: {partial.received} of {total} bytes of its last unit are there"
                yield Finding(NOTE, "prefix", partial.offset, message)


def _of_header(data: bytes, scene: Scene, seen: list[ev.Event], units: list[Frame]) -> Iterator[Finding]:
    header = scene.header
    if header is None:
        message = f"a prefix: {len(data)} of the {FileHeader.SIZE} bytes of the file header are there"
        yield Finding(NOTE, "prefix", len(data), message)
        return
    if len(data) > header.file_bytes:
        message = f"{len(data) - header.file_bytes} bytes after the {header.file_bytes} the header states"
        yield Finding(WARNING, "trailing-bytes", header.file_bytes, message)
    if len(data) < header.file_bytes or any(isinstance(event, ev.UnitDamaged) for event in seen):
        return
    counted = (unit.header for unit in units if unit.header.type in GAUSSIAN_BYTES_TYPES)
    gaussian_bytes = sum(UnitHeader.SIZE + header.length for header in counted)
    for name, stated, found, offset in (
        ("unit_count", header.unit_count, len(scene.active_units), 20),
        ("gaussian_bytes", header.gaussian_bytes, gaussian_bytes, 32),
        ("gaussian_count", header.gaussian_count, scene.gaussian_count, 40),
    ):
        if stated != found:
            yield Finding(WARNING, "wrong-total", offset, f"the header states {name} {stated}, found {found}")


def _of_directory(seen: list[ev.Event], units: list[Frame]) -> Iterator[Finding]:
    """Units that are not where, or what, the directory says."""
    entries = {
        entry.id: (entry.type, entry.length, entry.offset)
        for directory in ev.contents(seen, Directory)
        for entry in directory.entries
    }
    for frame in units:
        header = frame.header
        stated, found = entries.get(header.id), (header.type, header.length, frame.offset)
        if stated not in (None, found):
            message = f"unit {header.id} has (type, length, offset) {found}, the directory states {stated}"
            yield Finding(WARNING, "directory-mismatch", frame.offset, message)


def _of_hints(seen: list[ev.Event]) -> Iterator[Finding]:
    """Hints of the directory that the units contradict."""
    entries: dict[int, DirectoryEntry] = {}
    for event in (event for event in seen if isinstance(event, ev.UnitArrived)):
        if isinstance(event.content, Directory):
            entries = {entry.id: entry for entry in event.content.entries}
        if isinstance(event.content, GaussianBlock) and event.unit in entries:
            entry, block = entries[event.unit], event.content
            if (entry.level, entry.gaussian_count) != (block.level, len(block)):
                message = (
                    f"the directory states level {entry.level} and {entry.gaussian_count} Gaussians for unit "
                    f"{event.unit}, found level {block.level} and {len(block)}"
                )
                yield Finding(WARNING, "wrong-hint", event.offset, message)
