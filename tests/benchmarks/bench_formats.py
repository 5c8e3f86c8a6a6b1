"""The same Gaussians in `.pav`, SPZ v4, SOG and gzip'd PLY: bytes, quality, time, and what breaks.

    python -m tests.benchmarks.bench_formats SRC... [-o docs] [--flame MODEL] [--peers spz sog ply] [--presets balanced]

SRC is anything `pav encode` takes; `synthetic` is the seeded avatar of 170,000 Gaussians at SH 3 (its SOG takes
minutes), and `demo` the demo avatar as its file has it: `.pav` wrote it once already, which flatters `.pav`, so give
its checkpoint where you can. Sources with SH are tried without them too. Needs gaussforge (pip install
'.[player,bench]'). Writes formats.md and formats.png.
"""

from __future__ import annotations

import argparse
import platform
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import TypeVar

import numpy as np
from tqdm import tqdm

from pavfmt import (
    Avatar,
    Decoder,
    EncodeOptions,
    PosedGaussians,
    decode,
    encode,
    inspect,
    pose_avatar,
)
from pavfmt.codec import compiled
from pavfmt.decoding.events import UnitDamaged
from pavfmt.encoder import PRESETS, precision_near, rendered_importance, tuned
from pavfmt.encoder.order.importance import has_stored_importance
from pavfmt.fileio import check_target, write_together
from pavfmt.importers import ImportOptions, read_avatar
from pavfmt.importers.cc0_rig import read_cc0_rig
from pavfmt.tools.inspect import gaussian_bytes_of
from pavfmt.tools.synthetic import synthetic_avatar
from pavplayer.camera import Camera
from pavplayer.demo import AVATAR_FILE, RIG_FILE
from pavplayer.evaluation.metrics import mean_squared_error, psnr_of_error
from pavplayer.evaluation.views import EVALUATION_V1
from pavplayer.importance import open_renderer
from pavplayer.posing.poser import Poser
from pavplayer.rasterizers import open_rasterizer
from tests.benchmarks.damage_trials import Reader, flip_outcomes, read_cut, tally
from tests.benchmarks.formats_plot import formats_plot
from tests.benchmarks.peer_formats import (
    GZIP_PLY,
    PLACEMENTS,
    SOG,
    SPZ,
    PeerFormat,
    PeerMissingError,
    in_morton_order,
    peer_version,
    placements,
)

Result = TypeVar("Result")
FLIPS = 20
SLOW_SECONDS = 3.0
"""What takes longer is timed once; the rest is the median of five."""
WANTED_DECIBELS = 48.0
PREFIX_SHARES = (0.08, 0.12, 0.18, 0.25, 0.35, 0.5, 0.65, 0.8, 0.9)
EVALUATION = EVALUATION_V1


@dataclass(frozen=True)
class Subject:
    """An avatar, and how it looks unquantized."""

    name: str
    avatar: Avatar
    cloud: PosedGaussians
    """At rest."""
    cameras: Sequence[Camera]
    pictures: Sequence[np.ndarray]
    """At rest, one for each camera."""

    def decibels(self, cloud: PosedGaussians) -> float:
        """Of Gaussians at rest, over all views."""
        pairs = zip(self.cameras, self.pictures, strict=True)
        return psnr_of_error(float(np.mean([mean_squared_error(drawn(cloud, one), p) for one, p in pairs])))

    def moving_decibels(self, poser: Poser) -> float:
        """Over all views of all expressions."""
        errors, reference = [], Poser(self.avatar)
        for pose in EVALUATION.expressions.values():
            left, right = poser.frame(pose), reference.frame(pose)
            errors += [mean_squared_error(drawn(left, one), drawn(right, one)) for one in self.cameras]
        return psnr_of_error(float(np.mean(errors)))


@dataclass
class Row:
    """One format's figures for one subject."""

    name: str
    sizes: int
    """Bytes of the Gaussians: the whole file for a peer, `gaussian_bytes` for `.pav`."""
    file_bytes: int
    decibels: float
    moving: float | None
    encode_seconds: float
    decode_seconds: float
    cut: str
    flips: str
    note: str = ""
    prefixes: list[tuple[int, float]] = field(default_factory=list)
    """(`gaussian_bytes`, dB at rest) of prefixes, where they draw."""


def drawn(cloud: object, camera: Camera) -> np.ndarray:
    """One picture, on white."""
    return open_rasterizer("cpu").render(cloud, camera)  # type: ignore[arg-type]


def subject(name: str, avatar: Avatar) -> Subject:
    """With its reference pictures."""
    cloud = pose_avatar(avatar)
    neutral = (
        avatar.identity.neutral if avatar.identity else avatar.rig.mean_neutral if avatar.rig else cloud.means
    )
    cameras = EVALUATION.cameras(neutral.astype(np.float64))
    return Subject(name, avatar, cloud, cameras, [drawn(cloud, camera) for camera in cameras])


def subjects(sources: Sequence[str], flame: str | None) -> Iterator[Subject]:
    """Every source, and again without SH where it has them."""
    for source in sources:
        avatar, name = read_source(source, flame), Path(source).stem
        degree = max(level.gaussians.sh_degree for level in avatar.levels)
        label = f"{name}, {avatar.gaussian_count:,} Gaussians"
        yield subject(f"{label}, SH {degree}", avatar)
        if degree:
            yield subject(f"{label}, SH 0", without_bands(avatar))


def read_source(source: str, flame: str | None) -> Avatar:
    """A path, "demo" or "synthetic"."""
    if source == "demo":
        snapshot = decode(AVATAR_FILE.read_bytes()).snapshot()
        assert snapshot is not None
        return snapshot.avatar
    return (
        synthetic_avatar(read_cc0_rig(RIG_FILE))
        if source == "synthetic"
        else read_avatar(source, ImportOptions(flame))
    )


def without_bands(avatar: Avatar) -> Avatar:
    """The same with one colour for all directions."""
    levels = [
        replace(level, gaussians=replace(level.gaussians, shN=level.gaussians.shN[:, :0]))
        for level in avatar.levels
    ]
    return replace(avatar, levels=tuple(levels))


def timed(work: Callable[[], Result]) -> tuple[Result, float]:
    """What it gives, and the median processor seconds of five runs after one; of that one where it is slow.

    Processor time, because neighbours on the machine disturb it least.
    """
    times = []
    for _ in range(6):
        start = time.process_time()
        result = work()
        times.append(time.process_time() - start)
        if times[0] > SLOW_SECONDS:
            return result, times[0]
    return result, median(times[1:])


# --- .pav ------------------------------------------------------------------------------------------------


def encoded(avatar: Avatar, decibels: float) -> bytes:
    """As `pav encode` does it: in the checkpoint's order, if it has one; precision found by drawing."""
    renderer = open_renderer("cpu")
    importance = rendered_importance(avatar, renderer)
    per = "face" if len(avatar.levels) > 1 else "gaussian"
    options = EncodeOptions(
        precision=precision_near(decibels), importance_per=per, order_as_stored=has_stored_importance(avatar)
    )
    found = tuned(avatar, options, importance, renderer, decibels)
    return encode(found.avatar, found.options, importance, seen=found.seen)


def posed_pav(data: bytes) -> PosedGaussians:
    """The Gaussians of a file or prefix at rest; raises if anything in it is damaged or nothing can be drawn."""
    decoder = Decoder()
    decoder.feed(data)
    decoder.close()
    damaged = [event for event in decoder.events() if isinstance(event, UnitDamaged)]
    snapshot = decoder.scene.snapshot()
    if damaged or snapshot is None:
        raise ValueError(damaged[0].message if damaged else "nothing to draw yet")
    return pose_avatar(snapshot.avatar)


def pav_row(subject: Subject, name: str, decibels: float) -> Row:
    """All of it."""
    data, encode_seconds = timed(lambda: encoded(subject.avatar, decibels))
    with compiled.switched(True):
        snapshot = decode(data).snapshot()  # compiles, where that was never done
        _, decode_seconds = timed(lambda: decode(data).arrays())
    assert snapshot is not None
    has_rig = subject.avatar.rig is not None
    return Row(
        f".pav, {name}",
        gaussian_bytes_of(inspect(data)),
        len(data),
        subject.decibels(pose_avatar(snapshot.avatar)),
        subject.moving_decibels(Poser(snapshot.avatar, snapshot.order)),
        encode_seconds,
        decode_seconds,
        shown_of_half(subject, posed_pav, data),
        tally(flip_outcomes(posed_pav, data, FLIPS)),
        f"{snapshot.avatar.gaussian_count:,} Gaussians kept"
        + ("; the file has the rig and all shapes" * has_rig),
        [prefix_point(subject, data[: round(share * len(data))]) for share in PREFIX_SHARES],
    )


def prefix_point(subject: Subject, part: bytes) -> tuple[int, float]:
    """What a prefix costs and shows."""
    size = gaussian_bytes_of(inspect(part))
    return size, subject.decibels(posed_pav(part)) if decode(part).is_visible else 0.0


# --- The others ------------------------------------------------------------------------------------------


def peer_row(subject: Subject, peer: PeerFormat, cloud: PosedGaussians, note: str = "") -> Row:
    """All of it; `cloud` is the subject's, perhaps in another order."""
    data, encode_seconds = timed(lambda: peer.encode(cloud))
    back, decode_seconds = timed(lambda: peer.decode(data))
    size = len(data)
    return Row(
        peer.name,
        size,
        size,
        subject.decibels(back),
        None,
        encode_seconds,
        decode_seconds,
        shown_of_half(subject, peer.decode, data),
        tally(flip_outcomes(peer.decode, data, FLIPS)),
        note,
    )


def shown_of_half(subject: Subject, reader: Reader, data: bytes) -> str:
    """What the first half of a file's bytes gives."""
    reading = read_cut(reader, data, len(data) // 2)
    if reading.cloud is None:
        return "nothing: reader crashed" if reading.outcome == "crashed" else "nothing: error"
    if not len(reading.cloud.means):
        return "nothing: 0 Gaussians"
    return f"{len(reading.cloud.means):,} Gaussians, {subject.decibels(reading.cloud):.1f} dB"


def prepared_spz(subject: Subject, cloud: PosedGaussians) -> Iterator[tuple[PeerFormat, str]]:
    """SPZ at the placements that suit it: fewest bytes for the quality wanted, and highest quality."""
    tried = []
    for placement in placements(cloud):
        peer = replace(SPZ, placement=placement)
        data = peer.encode(cloud)
        tried.append((len(data), subject.decibels(peer.decode(data)), peer))
    good = [one for one in tried if one[1] >= WANTED_DECIBELS]
    finest = max(tried, key=lambda one: one[1])
    for what, chosen in (("smallest", min(good, key=lambda one: one[0], default=finest)), ("finest", finest)):
        note = f"Morton order, centred, scaled by {chosen[2].placement.scale:.4g}"
        yield replace(chosen[2], name=f"SPZ v4, {what}"), note


def peer_jobs(subject: Subject, wanted: Sequence[str]) -> Iterator[Callable[[], Row]]:
    """One for each row."""
    if "ply" in wanted:
        yield partial(peer_row, subject, GZIP_PLY, subject.cloud)
    if "spz" in wanted:
        sorted_cloud = in_morton_order(subject.cloud)
        yield partial(peer_row, subject, replace(SPZ, name="SPZ v4, as it is"), subject.cloud, "metres")
        for peer, note in prepared_spz(subject, sorted_cloud):
            yield partial(peer_row, subject, peer, sorted_cloud, note)
    if "sog" in wanted:
        yield partial(peer_row, subject, SOG, subject.cloud)


# --- The report ------------------------------------------------------------------------------------------


def jobs(subject: Subject, peers: Sequence[str], presets: Sequence[str]) -> Iterator[Callable[[], Row]]:
    """Peers, then `.pav` at every preset."""
    yield from peer_jobs(subject, peers)
    for name in presets:
        yield partial(pav_row, subject, name, PRESETS[name])


def table(subject: Subject, rows: Sequence[Row]) -> str:
    """One Markdown table."""
    count = len(subject.cloud.means)
    unit = next((row for row in rows if row.name.startswith("SPZ")), rows[0])
    lines = [
        f"## {subject.name}\n",
        "| format | bytes | bytes per Gaussian | dB at rest | dB moving | encode | decode | first half of the bytes "
        "| flipped bits accepted silently | |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        moving = "cannot" if row.moving is None else f"{row.moving:.2f}"
        size = f"{row.sizes:,}" + (f" (file {row.file_bytes:,})" if row.file_bytes != row.sizes else "")
        ratios = (
            f"{row.encode_seconds / unit.encode_seconds:.2f} | {row.decode_seconds / unit.decode_seconds:.2f}"
        )
        lines.append(
            f"| {row.name} | {size} | {row.sizes / count:.2f} | {row.decibels:.2f} | {moving} | {ratios} "
            f"| {row.cut} | {row.flips} | {row.note} |"
        )
    milliseconds = f"{1000 * unit.encode_seconds:.0f} ms and {1000 * unit.decode_seconds:.0f} ms"
    return "\n".join([*lines, f"\nTimes are ratios to {unit.name}: {milliseconds} here."])


def report(tables: Sequence[str], command: str) -> str:
    """The whole page."""
    machine = f"{platform.machine()}, Python {platform.python_version()}, gaussforge {peer_version()}"
    views = f"{len(EVALUATION.views)} views"
    intro = f"""# Formats side by side

Written by `{command}` ({machine}).

The same Gaussians in every format, drawn by the same renderer in {views} of {EVALUATION.width}×{EVALUATION.height}
pixels and compared with the picture of the unquantized ones.

- **The peers carry what they can: Gaussians posed at rest.** They have no rig, no shapes, no levels; their bytes are
  compared with `gaussian_bytes` of `.pav`, whose `file_bytes` (rig and all shapes included) stand beside. "dB moving"
  is over the {len(EVALUATION.expressions)} expressions, for the format that has any.
- SPZ's grids are fixed (1/4096 for positions, 1/16 for log scales), so it also gets the Gaussians in Morton order,
  centred and scaled: of {PLACEMENTS} scales "smallest" is the one with fewest bytes at {WANTED_DECIBELS:g} dB or
  more (the finest, where none reaches that), "finest" the one with most dB. SOG's and `.pav`'s grids follow the data.
- Times are processor time, as ratios within one run. Encoding `.pav` includes measuring importance by rendering, where
  the source brings none, and the search for the precision that reaches a preset's quality, which draws the avatar again
  and again. Decoding is from bytes to arrays in memory (with the compiled codec); gaussforge gives its by
  way of a PLY in memory, and reading that is included.
- "First half of the bytes": what the format's reader gives for a file cut there.
- Flipped bits: {FLIPS} single bits, seeded, anywhere in the file; counted are those after which the reader reports no
  error and gives other Gaussians. (gaussforge's readers; others may check more.)

![Quality against bytes](formats.png)
"""
    return "\n\n".join([intro, *tables]) + "\n"


def command_line(given: Sequence[str]) -> str:
    """What was asked, without folders that only this machine has."""
    shown = (Path(one).name if Path(one).exists() else one for one in given)
    return " ".join(["python -m tests.benchmarks.bench_formats", *shown])


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.bench_formats",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("sources", nargs="*", metavar="SRC", default=["demo"], help="default: demo")
    parser.add_argument("-o", "--output", default="docs", metavar="FOLDER", help="default: docs")
    parser.add_argument("--flame", metavar="MODEL", help="your FLAME model, where SRC needs one")
    parser.add_argument("--peers", nargs="+", choices=("spz", "sog", "ply"), default=["ply", "spz", "sog"])
    parser.add_argument("--presets", nargs="+", choices=tuple(PRESETS), default=list(PRESETS))
    return parser


def main(given: Sequence[str] | None = None) -> int:
    """Run and write; 3 where gaussforge is missing."""
    options = arguments().parse_args(given)
    folder = Path(options.output)
    check_target(str(folder / "formats.md"), force=True)  # before minutes of work
    try:
        peer_version()
    except PeerMissingError as error:
        print(f"bench_formats: skipped: {error}", file=sys.stderr)
        return 3
    tables, plots = [], []
    for one in subjects(options.sources, options.flame):
        work = tqdm(jobs(one, options.peers, options.presets), desc=one.name, unit="row", disable=None)
        rows = [job() for job in work]
        tables.append(table(one, rows))
        print(tables[-1], "\n", flush=True)
        plots.append((one.name, len(one.cloud.means), rows))
    page = report(tables, command_line(sys.argv[1:] if given is None else given))
    files = {str(folder / "formats.md"): page.encode(), str(folder / "formats.png"): formats_plot(plots)}
    write_together(files, force=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
