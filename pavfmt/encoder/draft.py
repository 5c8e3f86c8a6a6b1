"""A file being put together: units in file order, then directory and header, then bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pavfmt.codec.fields import FieldWriter
from pavfmt.container.headers import DirectoryEntry, FileHeader, UnitHeader
from pavfmt.registry import CRITICAL_UNIT_TYPES, GAUSSIAN_BYTES_TYPES, UnitType
from pavfmt.units.directory import encode_directory


@dataclass(frozen=True)
class DraftUnit:
    """One finished unit: its directory entry and its payload."""

    entry: DirectoryEntry
    payload: bytes


class Draft:
    """Collects units. Unit 0 is the directory, made last and written first."""

    def __init__(self) -> None:
        self.units: list[DraftUnit] = []

    def add(
        self,
        type_: UnitType,
        needs: Iterable[int],
        encode_body: Callable[[FieldWriter], None],
        level: int | None = None,
        gaussian_count: int = 0,
        importance: float = 0.0,
        regions: int = 0,
        sphere: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0),
    ) -> int:
        """Append a unit; returns its id."""
        id_, needs = self.next_id, tuple(sorted(set(needs)))
        writer = FieldWriter()
        writer.needs(id_, needs)
        encode_body(writer)
        payload = writer.getvalue()
        critical = type_ in CRITICAL_UNIT_TYPES
        entry = DirectoryEntry(
            id_, type_, critical, 0, len(payload), needs, level, gaussian_count, importance, regions, sphere
        )
        self.units.append(DraftUnit(entry, payload))
        return id_

    @property
    def next_id(self) -> int:
        """The id of the unit added next."""
        return len(self.units) + 1

    def size_of(self, id_: int) -> int:
        """Bytes of a unit, header included."""
        return UnitHeader.SIZE + len(self.units[id_ - 1].payload)

    def getvalue(self, critical_features: int = 0, level_count: int = 0, sh_degree: int = 0) -> bytes:
        """The whole file."""
        writer = FieldWriter()
        writer.needs(0, ())
        encode_directory(writer, [unit.entry for unit in self.units])
        directory = writer.getvalue()
        parts = [UnitHeader.of(UnitType.DIRECTORY, False, 0, directory).pack(), directory]
        for unit in self.units:
            entry = unit.entry
            parts += [UnitHeader.of(entry.type, entry.critical, entry.id, unit.payload).pack(), unit.payload]
        header = FileHeader(
            critical_features=critical_features,
            unit_count=len(self.units) + 1,
            file_bytes=FileHeader.SIZE + sum(map(len, parts)),
            gaussian_bytes=sum(
                self.size_of(u.entry.id) for u in self.units if u.entry.type in GAUSSIAN_BYTES_TYPES
            ),
            gaussian_count=sum(unit.entry.gaussian_count for unit in self.units),
            level_count=level_count,
            sh_degree=sh_degree,
        )
        return header.pack() + b"".join(parts)
