"""`pav inspect`: sections, sizes, levels, importance, milestones."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator

from pavcli.options import output, rig
from pavcli.reporting import ExitCode
from pavfmt.fileio import read_bytes
from pavfmt.tools.inspect import Inspection, LevelReport, inspect

HELP = """\
  pav inspect head.pav
  pav inspect --units head.pav      one line per unit
  pav inspect --json head.pav       everything, for programs

"until visible" and "until animatable" are prefix lengths: the first Gaussians drawn, and then also the jaw, both
blinks and both smiles (or what the rig marks as essential)."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare its options."""
    parser.add_argument("file", help="a .pav file or a prefix of one, or - for stdin")
    rig.add_argument(parser)
    output.add_json(parser)
    parser.add_argument("--units", action="store_true", help="also one line per unit")


def run(args: argparse.Namespace) -> int:
    """Do it."""
    data = read_bytes(args.file)
    report = inspect(data, rig_file=rig.given_rig(data, args.rig))
    if args.json:
        print(json.dumps(report.to_json(), indent=2))
        return ExitCode.FINE
    for line in _lines(report):
        print(line)
    if args.units:
        for line in _unit_lines(report):
            print(line)
    return ExitCode.FINE


def _lines(report: Inspection) -> Iterator[str]:
    """The report for people."""
    total, here = report.complete_file_bytes, report.received_bytes
    share = 100 * here / total if total else 0.0
    yield f"format      {report.version}" + "".join(f", {feature}" for feature in report.features)
    yield f"file bytes  {here:,} of {total:,} ({share:.1f} %)"
    yield f"Gaussians   {report.gaussian_count:,} of {report.complete_gaussian_count:,}"
    yield f"visible     {_bytes(report.bytes_until_visible)}"
    yield f"animatable  {_bytes(report.bytes_until_animatable)}"
    if report.rig:
        rig = report.rig
        yield (
            f"rig         {rig['profile']}: {rig['vertices']:,} vertices, {rig['faces']:,} faces, "
            f"{len(rig['joints'])} joints, {len(rig['shapes_here'])} of {len(rig['shapes'])} shapes"  # type: ignore[arg-type]
        )
    for key, value in report.metadata.items():
        yield f"{key:<11} {value}"
    for track in report.tracks:
        yield f"track       {track['name']}: {track['frames']} frames"
    yield from _section_lines(report)
    for number, level in enumerate(report.levels):
        yield from _level_lines(number, level)


def _bytes(count: int | None) -> str:
    """When something is reached."""
    return "not within these bytes" if count is None else f"after {count:,} bytes"


def _section_lines(report: Inspection) -> Iterator[str]:
    """Where the bytes go, the largest section first."""
    yield ""
    yield f"{'section':<16}{'bytes':>12}{'share':>9}"
    for name, size in sorted(report.bytes_by_section.items(), key=lambda item: -item[1]):
        yield f"{name:<16}{size:>12,}{100 * size / max(report.received_bytes, 1):>8.1f}%"


def _level_lines(number: int, level: LevelReport) -> Iterator[str]:
    """One level, and what each attribute of its Gaussians costs."""
    yield ""
    yield (
        f"level {number}: {level.binding} on {level.site}, {level.gaussians_here:,} of "
        f"{level.gaussian_count:,} Gaussians, {level.split_count:,} splits, SH {level.sh_degree} ({level.sh_frame})"
    )
    for name, size in level.bytes_by_attribute.items():
        if size:
            each = size / max(level.gaussians_here, 1)
            bits = level.bits_by_attribute.get(name)
            yield f"  {name:<14}{size:>12,}{each:>8.2f} B each" + (f", {bits} bits" if bits else "")


def _unit_lines(report: Inspection) -> Iterator[str]:
    """One line a unit, in file order."""
    yield ""
    columns = (
        f"{'unit':>5} {'type':<15}{'offset':>10}{'bytes':>9}{'level':>6}{'Gaussians':>10}{'importance':>11}"
    )
    yield f"{columns}  state"
    for unit in report.units:
        id_ = "?" if unit.id is None else str(unit.id)
        level = "" if unit.level is None else str(unit.level)
        size = "?" if unit.bytes is None else f"{unit.bytes:,}"
        count = f"{unit.gaussian_count:,}" if unit.gaussian_count else ""
        importance = f"{100 * unit.importance:.2f}%" if unit.importance else ""
        row = f"{id_:>5} {unit.type:<15}{unit.offset:>10,}{size:>9}{level:>6}{count:>10}{importance:>11}"
        regions = f"  {', '.join(unit.regions)}" if unit.regions else ""
        yield f"{row}  {unit.state}{regions}"
