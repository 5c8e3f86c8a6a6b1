"""Files that play, though something about them is odd, lost, or of a later version."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pavfmt.registry import FORMAT_VERSION, UnitType
from spec.builders.avatars import PICTURE, external_file, toy_file
from spec.builders.forging import Forge, Part, entries_of, flipped, payload, resealed_header, unit_spans
from spec.tools.vectors.valid import hand_over_file
from spec.tools.vectors.vector import Vector, bare, header_only

NEW_TYPE = 40


def unusual() -> Iterator[Vector]:
    """All of them."""
    yield from _empty()
    yield from _later_versions()
    yield from _orders()
    yield from _damage()
    yield from _wrong_promises()


def _empty() -> Iterator[Vector]:
    yield Vector("unusual/no-bytes", "an empty file: the prefix of length 0", b"")
    yield Vector("unusual/header-only", "a file header and no unit", header_only())
    yield Vector("unusual/header-cut", "51 bytes: no file header yet", header_only()[:-1])


def _later_versions() -> Iterator[Vector]:
    forge = Forge(toy_file("static", 0))
    for at in (0, 3, len(forge.parts) + 2):
        forge.parts.insert(at, Part(NEW_TYPE, False, 100 + at, b"\xff" * 30))
    later = resealed_header(forge.build(directory=False), 10, (FORMAT_VERSION[1] + 1).to_bytes(2, "little"))
    yield Vector(
        "unusual/later-minor", "the next minor version, with ancillary units of an unknown type", later
    )
    hints = Forge(toy_file("static", 0)).build(ancillary_features=0xFFFF_FFFF)
    yield Vector("unusual/ancillary-features", "every ancillary feature bit is set", hints)
    forge = Forge(toy_file("static", 0))
    forge.parts.append(Part(0x8000, False, 77, b""))
    yield Vector("unusual/private-unit", "an empty unit of a private type", forge.build())
    forge, own = Forge(toy_file("static", 0)), 20
    needs_new = payload(own + 1, [own], lambda writer: writer.raw(PICTURE))
    forge.parts += [Part(NEW_TYPE, False, own, b"new"), Part(UnitType.THUMBNAIL, False, own + 1, needs_new)]
    yield Vector("unusual/new-unit-needed", "a thumbnail that needs a unit of an unknown type", forge.build())


def _orders() -> Iterator[Vector]:
    forge = Forge(toy_file("mixed", 0))
    forge.parts.reverse()
    backwards = forge.build(directory=False)
    yield Vector("unusual/backwards", "every unit stands before those it needs", backwards)
    forge = Forge(toy_file("static", 0))
    one, two = forge.where(UnitType.GAUSSIANS, 0), forge.where(UnitType.GAUSSIANS, 1)
    forge.parts[one], forge.parts[two] = forge.parts[two], forge.parts[one]
    swapped = forge.build(directory=False)
    yield Vector("unusual/swapped", "two Gaussians units swapped: index order is not byte order", swapped)
    forge = Forge(hand_over_file(False))
    forge.parts.append(forge.parts.pop(forge.where(UnitType.HAND_OVER)))
    late = forge.build(directory=False)
    yield Vector("unusual/late-hand-over", "a hand-over that stands after its successors", late)
    forge = Forge(toy_file("face", 0))
    forge.parts.pop(forge.where(UnitType.SPLITS))
    missing = forge.build(directory=False)
    yield Vector("unusual/missing-unit", "splits are not there: what needs them waits", missing)
    shared = external_file()
    yield Vector("unusual/rig-not-given", "a rig reference and no rig: nothing is drawn", shared)


def _damage() -> Iterator[Vector]:
    data = toy_file("static", 0)
    start, end = unit_spans(data)[4]
    hurt = flipped(data, end - 1, 1)
    yield Vector("unusual/damaged-payload", "a Gaussians unit is lost", hurt)
    hurt = flipped(data, start + 1, 1)
    yield Vector("unusual/damaged-header", "a unit header is damaged: the directory finds the next", hurt)
    plain = bare(data)
    start, _ = unit_spans(plain)[3]
    hurt = flipped(plain, start + 1, 1)
    yield Vector("unusual/damaged-header-no-directory", "a unit header is damaged, the rest is lost", hurt)
    hurt = flipped(data, unit_spans(data)[0][1] - 1, 1)
    yield Vector("unusual/damaged-directory", "the directory is lost and nothing else", hurt)
    start, _ = unit_spans(data)[4]
    zeroed = data[:start] + bytes(150) + data[start + 150 :]
    yield Vector("unusual/zeroed", "150 bytes are zero, two unit headers among them", zeroed)
    forge = Forge(data)
    forge.parts.append(forge.parts[forge.where(UnitType.GAUSSIANS)])
    again = forge.build(directory=False)
    yield Vector("unusual/repeated-unit", "the same unit twice: the second is passed over", again)
    forge = Forge(toy_file("face", 0))
    splits = forge.where(UnitType.SPLITS)
    forge.parts[splits] = replace(forge.parts[splits], payload=forge.parts[splits].payload + b"x")
    yield Vector("unusual/malformed-need", "splits with a byte too many, and what needs them", forge.build())


def _wrong_promises() -> Iterator[Vector]:
    data = toy_file("static", 0)
    yield Vector("unusual/trailing-bytes", "bytes after those the header counts", data + b"extra")
    totals = Forge(data).build(unit_count=99, gaussian_count=99, gaussian_bytes=99)
    yield Vector("unusual/wrong-totals", "totals of the header that are not true", totals)
    forge = Forge(data)
    entries = {entry.id: replace(entry, level=2, gaussian_count=7) for entry in entries_of(data)}
    forge.entries = entries
    yield Vector("unusual/wrong-hints", "the directory's levels and counts are not true", forge.build())
    forge = Forge(data)
    forge.entries = {id_: replace(entry, needs=(id_, *entry.needs)) for id_, entry in forge.entries.items()}
    yield Vector("unusual/directory-own-need", "by the directory, units need themselves", forge.build())
    forge = Forge(data)
    forge.parts.append(forge.directory())
    late = forge.build(directory=False)
    yield Vector("unusual/late-directory", "the directory stands last: its offsets lead nowhere", late)
    longer = _with_longer_lengths(data)
    yield Vector(
        "unusual/wrong-directory", "the directory's lengths are not true: units are believed", longer
    )


def _with_longer_lengths(data: bytes) -> bytes:
    """The directory says that the last unit but one is a byte longer than it is."""
    forge = Forge(data)
    at = len(forge.parts) - 2
    part = forge.parts[at]
    forge.parts[at] = replace(part, payload=part.payload + b"x")
    wrong = forge.directory()
    forge.parts[at] = part
    forge.parts.insert(0, wrong)
    return forge.build(directory=False)
