"""What damage costs: every section of a real file hit in five ways, as a table in spec/damage.md.

python -m spec.tools.damage                         write spec/damage.md (some minutes)
python -m spec.tools.damage --check                 exit 1 if it is not what the file gives
python -m spec.tools.damage FILE.pav …              the same of other files, on stdout
python -m spec.tools.damage --flips N [FILE.pav …]  only so many flipped bits, shared among the files: exit 1 if one
                                                    changes what is decoded and nothing is reported
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pavcli.options.progress import bar
from pavfmt import Decoder, PavError, verify
from pavfmt.container.framing import DamagedFrame, Frame, Framing
from pavfmt.container.headers import FileHeader, UnitHeader
from pavfmt.decoding.scene import Scene
from pavfmt.tools.inspect import type_name
from spec.tools.decoded import decoded

ROOT = Path(__file__).parents[2]
SUBJECT = ROOT / "player" / "pavplayer" / "demo" / "avatar.pav"
TABLE = ROOT / "spec" / "damage.md"
KILOBYTE = 1024
FLIPS = 10_000
SEED = 20


@dataclass(frozen=True)
class Section:
    """A stretch of a file that is hit."""

    name: str
    start: int
    end: int
    unit: int | None
    """The unit's id; None: the file header."""

    @property
    def middle(self) -> int:
        """A byte of the payload, or of the file header."""
        return (self.start + UnitHeader.SIZE * (self.unit is not None) + self.end) // 2


def frames_of(data: bytes) -> list[Frame]:
    """All units, which must be intact."""
    framing = Framing()
    framing.feed(data)
    return [frame for frame in framing.frames() if isinstance(frame, Frame)]


def sections_of(data: bytes) -> list[Section]:
    """The file header, and of each unit type the first unit; of Gaussians also one in the middle and the last."""
    by_type: dict[int, list[Frame]] = {}
    for frame in frames_of(data):
        by_type.setdefault(frame.header.type, []).append(frame)
    sections = [Section("file header", 0, FileHeader.SIZE, None)]
    for type_, frames in by_type.items():
        some = {"": frames[0]}
        if len(frames) > 2 and type_name(type_) == "gaussians":
            some = {"first ": frames[0], "middle ": frames[len(frames) // 2], "last ": frames[-1]}
        for which, frame in some.items():
            end = frame.payload_offset + frame.header.length
            sections.append(Section(f"{which}{type_name(type_)}", frame.offset, end, frame.header.id))
    return sections


def flipped_bit(data: bytes, section: Section) -> bytes:
    """A bit in the middle of the payload."""
    return data[: section.middle] + bytes([data[section.middle] ^ 1]) + data[section.middle + 1 :]


def flipped_header(data: bytes, section: Section) -> bytes:
    """A bit of the length in the unit's header, or of the version in the file's."""
    at = section.start + 8
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def zeroed(data: bytes, section: Section) -> bytes:
    """A kilobyte of zeros from the section's beginning on."""
    size = min(KILOBYTE, len(data) - section.start)
    return data[: section.start] + bytes(size) + data[section.start + size :]


def missing(data: bytes, section: Section) -> bytes:
    """As if it had never been sent."""
    return data[: section.start] + data[section.end :]


def repeated(data: bytes, section: Section) -> bytes:
    """Twice in a row."""
    return data[: section.end] + data[section.start : section.end] + data[section.end :]


WAYS: dict[str, Callable[[bytes, Section], bytes]] = {
    "a bit of its payload flipped": flipped_bit,
    "a bit of its header flipped": flipped_header,
    "a kilobyte zeroed": zeroed,
    "missing": missing,
    "repeated": repeated,
}


@dataclass(frozen=True)
class Outcome:
    """What a decoder made of a damaged file."""

    refused: str | None
    """The code of a fatal error."""
    codes: tuple[str, ...]
    """What `pav verify` finds, in the order met."""
    lost: int
    """Units that are not active though the sound file has them."""
    scene: Scene


def outcome_of(data: bytes, sound: Scene) -> Outcome:
    """Decode, and compare with the scene of the sound file."""
    decoder = Decoder()
    decoder.feed(data)
    decoder.close()
    try:
        for _ in decoder.events():
            pass
    except PavError as error:
        return Outcome(error.code, (), len(sound.active_units), decoder.scene)
    lost = len(sound.active_units - decoder.scene.active_units)
    return Outcome(None, tuple(finding.code for finding in verify(data)), lost, decoder.scene)


def rows_of(data: bytes, sections: Sequence[Section]) -> Iterator[str]:
    """A row of the table for each section and way."""
    sound = Decoder()
    sound.feed(data)
    for _ in sound.events():
        pass
    for section in sections:
        for way, change in WAYS.items():
            yield _row(section.name, way, outcome_of(change(data, section), sound.scene), sound.scene)


def _row(name: str, way: str, outcome: Outcome, sound: Scene) -> str:
    if outcome.refused:
        return f"| {name} | {way} | `{outcome.refused}`: refused | | | |"
    counts = {code: outcome.codes.count(code) for code in outcome.codes}
    told = ", ".join(f"`{code}`" + (f" × {count}" if count > 1 else "") for code, count in counts.items())
    shapes, of_shapes = len(outcome.scene.shapes), len(sound.shapes)
    gaussians = f"{outcome.scene.gaussian_count} of {sound.gaussian_count}"
    return (
        f"| {name} | {way} | {told or 'nothing'} | {outcome.lost} | {gaussians} | {shapes} of {of_shapes} |"
    )


@dataclass(frozen=True)
class Flips:
    """What single-bit flips anywhere in a file came to."""

    count: int
    unseen: int
    """That pass every checksum."""
    silent: int
    """Of these, those that change what is decoded without a word."""


def flips_of(data: bytes, count: int) -> Flips:
    """`count` of them, each in the sound file."""
    sound = decoded(data)
    bits = np.random.default_rng(SEED).integers(0, 8 * len(data), count).tolist()
    unseen = silent = 0
    with bar("flips", quiet=False) as advance:
        for number, bit in enumerate(bits):
            changed = bytearray(data)
            changed[bit // 8] ^= 1 << bit % 8
            if not is_told(bytes(changed)):
                unseen += 1
                silent += is_silent(bytes(changed), sound)
            advance((number + 1) / count)
    return Flips(count, unseen, silent)


def is_silent(data: bytes, sound: Mapping[str, object]) -> bool:
    """Whether `data` gives another scene than the sound file, and neither error nor damage is reported."""
    found = decoded(data)
    return not found["error"] and not found["damage"] and found != sound


def is_told(data: bytes) -> bool:
    """Whether framing finds something wrong, or bytes it waits for in vain."""
    framing = Framing()
    framing.feed(data)
    try:
        frames = list(framing.frames())
    except PavError:
        return True
    return any(isinstance(frame, DamagedFrame) for frame in frames)


def document(data: bytes, name: str, flips: int) -> str:
    """spec/damage.md."""
    sections = sections_of(data)
    rows: list[str] = []
    with bar("damage", quiet=False) as advance:
        for row in rows_of(data, sections):
            rows.append(row)
            advance(len(rows) / (len(sections) * len(WAYS)))
    found = flips_of(data, flips)
    return "\n".join(
        [
            "# What damage costs",
            "",
            "Made by `python -m spec.tools.damage`; nothing here is typed in.",
            "",
            f"The file is {name}, {len(data)} bytes, {len(frames_of(data))} units. *Units lost* are those not active "
            "any more: the one that was hit, its neighbours where the damage reaches them, and whatever needs one of "
            "these. *Reported* is what `pav verify` finds; bytes that are not there at the end are a legal cut.",
            "",
            "| section | damage | reported | units lost | Gaussians shown | shapes |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
            f"Of {flips} single-bit flips anywhere in the file (seed {SEED}), {found.unseen} pass every checksum.",
            "",
        ]
    )


def only_flips(paths: Sequence[Path], count: int) -> int:
    """`count` flips shared among files, as lines on stdout; how many were silent."""
    silent = 0
    for number, path in enumerate(paths):
        share = count // len(paths) + (number < count % len(paths))
        found = flips_of(path.read_bytes(), share)
        print(f"{path.name}: {share} bits flipped, {found.unseen} unseen, {found.silent} accepted in silence")
        silent += found.silent
    print(f"{count} bits flipped (seed {SEED}), {silent} accepted in silence")
    return silent


def main(arguments: list[str]) -> int:
    """Write, compare or print."""
    parser = argparse.ArgumentParser(prog="python -m spec.tools.damage", description=__doc__.split("\n\n")[0])
    parser.add_argument("--check", action="store_true", help="compare spec/damage.md; nothing is written")
    parser.add_argument(
        "--flips", metavar="N", type=int, help="only flip so many bits, in all files together"
    )
    parser.add_argument("files", metavar="FILE.pav", nargs="*", type=Path, help="default: the demo avatar")
    options = parser.parse_args(arguments)
    if options.flips is not None:
        return int(only_flips(options.files or [SUBJECT], options.flips) > 0)
    for path in options.files:
        sys.stdout.write(document(path.read_bytes(), f"`{path.name}`", FLIPS))
    if options.files:
        return 0
    name = SUBJECT.relative_to(ROOT).as_posix()
    fresh = document(SUBJECT.read_bytes(), f"the demo avatar, `{name}`", FLIPS)
    if options.check:
        return int(not TABLE.is_file() or TABLE.read_text() != fresh)
    TABLE.write_text(fresh)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
