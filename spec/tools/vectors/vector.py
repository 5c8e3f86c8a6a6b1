"""One test file and what must be known of it."""

from __future__ import annotations

from dataclasses import dataclass

from pavfmt.container.headers import FileHeader
from spec.builders.forging import Forge


@dataclass(frozen=True)
class Vector:
    """A file with one trait."""

    name: str
    """Folder and stem: "valid/static"."""
    trait: str
    """What it shows, in words."""
    data: bytes
    rig: str | None = None
    """The name of the vector that holds its rig, where it names one."""
    error: tuple[str, int] | None = None
    """The code and byte offset that a decoder must report, of an invalid file."""

    @property
    def folder(self) -> str:
        """ "valid", "unusual" or "invalid"."""
        return self.name.split("/")[0]


def bare(data: bytes) -> bytes:
    """The same units without their directory."""
    return Forge(data).build(directory=False)


def header_only(**fields: int) -> bytes:
    """A file of no units."""
    return FileHeader(**{"file_bytes": FileHeader.SIZE, **fields}).pack()
