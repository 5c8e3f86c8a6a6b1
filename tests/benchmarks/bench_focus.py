"""What a focus gains: PSNR inside a region against bytes, the region's units first, next to plain file order.

    python -m tests.benchmarks.bench_focus [-o docs/focus.png] [HEAD ...]

Plain order is the file that `pav encode` writes; the focus is on the file of `pav encode --group-regions`, at the same
precision. A region's pixels are those that Gaussians whose sites lie in it make more than half of, in the unquantized
avatar, in the views of eval-v1 within ±20° of yaw, over all its expressions. "Gaussian bytes" are with the rig and all
shapes held; "file bytes" count everything that has been fetched, shapes included. Bytes are those until the quality is
1 dB below that of the whole plain file.
PAV_TEST_DATA names the data folder (default ../shared/data).
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pavfmt import EncodeOptions, decode, encode
from pavfmt.decoder import Decoder
from pavfmt.encoder import PRESETS, precision_for, rendered_importance
from pavfmt.encoder.region_importance import SH0, with_measured_regions
from pavfmt.encoder.regions import site_region_bits
from pavfmt.events import DirectoryArrived
from pavfmt.interop.lam import read_lam
from pavfmt.interop.regions import regions_from_shapes
from pavfmt.layout import UnitHeader
from pavfmt.model import Avatar
from pavfmt.registry import GAUSSIAN_BYTES_TYPES
from pavfmt.units.directory import DirectoryEntry
from pavplayer.camera import Camera
from pavplayer.demo import AVATAR_FILE
from pavplayer.evaluation import EVALUATION_V1
from pavplayer.focus import Focus, Plan, focus_plan, parse_focus
from pavplayer.importance import open_renderer
from pavplayer.posing import Poser
from pavplayer.rasterizers import Rasterizer
from pavplayer.session import Session, open_session

DATA = Path(os.environ.get("PAV_TEST_DATA", "../shared/data"))
HEADS = ("status", "tesla", "p2-1", "demo")
FOCUSES = ("eyes", "mouth", "eyes,mouth")
FRONT_DEGREES = 20
SHORT_OF_FULL = 1.0
"""Decibels."""


def avatar_of(head: str) -> Avatar:
    """A LAM head; or the demo avatar, as it comes from its file, with the regions that its shapes tell."""
    if head != "demo":
        return read_lam(DATA / "lam" / f"{head}.zip")
    snapshot = decode(AVATAR_FILE.read_bytes()).snapshot()
    assert snapshot is not None and snapshot.avatar.rig is not None
    rig = snapshot.avatar.rig
    return replace(snapshot.avatar, rig=replace(rig, regions=regions_from_shapes(rig.shapes)))


def two_files(avatar: Avatar) -> tuple[bytes, bytes]:
    """Plain and grouped, at the precision that the balanced preset finds for the plain one."""
    renderer = open_renderer("cpu")
    importance = rendered_importance(avatar, renderer)
    per = "face" if len(avatar.levels) > 1 else "gaussian"
    options = EncodeOptions(importance_per=per)
    precision, _ = precision_for(avatar, options, importance, renderer, PRESETS["balanced"])
    options = replace(options, precision=precision)
    plain = encode(avatar, options, importance)
    measured = with_measured_regions(avatar, renderer)
    return plain, encode(measured, replace(options, group_regions=True), importance)


@dataclass(frozen=True)
class Scenery:
    """The pictures that count, and which of their pixels."""

    pictures: list[tuple[object, Camera, np.ndarray]]
    """Pose, camera and the reference picture (H, W, 3)."""
    masks: list[np.ndarray]
    """(H, W) of each."""

    def decibels(self, session: Session) -> float:
        """PSNR over the pixels in the masks."""
        error, count, cloud, last = 0.0, 0, None, None
        for (pose, camera, expected), mask in zip(self.pictures, self.masks, strict=True):
            cloud = session.posed(pose) if pose is not last else cloud  # type: ignore[arg-type]
            last = pose
            picture = np.ones_like(expected) if cloud is None else session.rasterizer.render(cloud, camera)
            error += float(((picture - expected)[mask].astype(np.float64) ** 2).sum())
            count += 3 * int(mask.sum())
        return -10 * float(np.log10(error / count))


def scenery(avatar: Avatar, focus: Focus, rasterizer: Rasterizer) -> Scenery:
    """The unquantized avatar, and the region's pixels in it."""
    assert avatar.rig is not None
    neutral = avatar.rig.mean_neutral if avatar.identity is None else avatar.identity.neutral
    cameras = [
        camera
        for camera, (yaw, _) in zip(EVALUATION_V1.cameras(neutral), EVALUATION_V1.views, strict=True)
        if abs(yaw) <= FRONT_DEGREES
    ]
    inside = (np.concatenate(site_region_bits(avatar)) & focus.bits_in(list(avatar.rig.regions))) > 0
    painted = np.where(inside, 0.5, -0.5)[:, None, None] / SH0 * np.ones((1, 1, 3))
    poser, pictures, masks = Poser(avatar), [], []
    for pose in EVALUATION_V1.expressions.values():
        cloud = poser.frame(pose)
        marked = _Painted(cloud, painted)
        for camera in cameras:
            pictures.append((pose, camera, rasterizer.render(cloud, camera)))
            masks.append(rasterizer.render(marked, camera, (0.0, 0.0, 0.0))[..., 0] > 0.5)
    return Scenery(pictures, masks)


class _Painted:
    """A cloud in other colours."""

    def __init__(self, cloud: object, sh: np.ndarray) -> None:
        for name in ("means", "quats", "scales", "opacities"):
            setattr(self, name, getattr(cloud, name))
        self.sh, self.sh_quats = sh.astype(np.float32), None


@dataclass(frozen=True)
class Fetched:
    """A file with its directory."""

    data: bytes
    entries: tuple[DirectoryEntry, ...]
    decoder: Decoder

    def piece(self, entry: DirectoryEntry) -> tuple[int, bytes]:
        """Offset and bytes of a unit."""
        return entry.offset, self.data[entry.offset : entry.offset + UnitHeader.SIZE + entry.length]


def opened(data: bytes) -> Fetched:
    """Decoded once, for what a client knows when the rig is there."""
    decoder = Decoder()
    decoder.feed(data)
    entries = next(one.entries for one in list(decoder.events()) if isinstance(one, DirectoryArrived))
    return Fetched(data, entries, decoder)


def steps(file: Fetched, order: Sequence[int], held: bool) -> Iterator[tuple[int, Session]]:
    """Bytes and what they show, whenever Gaussians have come; `held`: all else is there and not counted."""
    session, by_id = open_session("cpu"), {entry.id: entry for entry in file.entries}
    session.feed_at(0, file.data[: file.entries[0].offset])
    size = 0 if held else file.entries[0].offset
    units = [by_id[one] for one in order]
    if held:
        for entry in units:
            if entry.type not in GAUSSIAN_BYTES_TYPES:
                session.feed_at(*file.piece(entry))
        units = [entry for entry in units if entry.type in GAUSSIAN_BYTES_TYPES]
    for number, entry in enumerate(units, 1):
        session.feed_at(*file.piece(entry))
        size += UnitHeader.SIZE + entry.length
        if entry.gaussian_count or number == len(units):
            session.update()
            yield size, session


def curve(file: Fetched, plan: Plan, seen: Scenery, held: bool) -> list[tuple[int, float]]:
    """(bytes, dB) of every step."""
    order = list(plan(file.entries))
    return [(size, seen.decibels(session)) for size, session in steps(file, order, held)]


def in_file_order(entries: Sequence[DirectoryEntry]) -> list[int]:
    """The plan of no focus."""
    return [entry.id for entry in entries]


def bytes_until(points: Sequence[tuple[int, float]], decibels: float) -> int | None:
    """Where a curve first is at least so high."""
    return next((size for size, quality in points if quality >= decibels), None)


@dataclass(frozen=True)
class Gain:
    """One head, one focus."""

    head: str
    focus: str
    pixels: float
    full: tuple[float, float]
    """dB of the whole plain and grouped files, in the region."""
    plain: list[tuple[int, float]]
    """Gaussian bytes, the rest held."""
    focused: list[tuple[int, float]]
    plain_file: list[tuple[int, float]]
    focused_file: list[tuple[int, float]]

    def row(self) -> str:
        """Of the table."""
        least = self.full[0] - SHORT_OF_FULL
        cells = []
        for before, after in ((self.plain, self.focused), (self.plain_file, self.focused_file)):
            one, other = bytes_until(before, least), bytes_until(after, least)
            ratio = "not reached" if one is None or other is None else f"{100 * other / one:.0f} %"
            cells.append(f"{_count(one)} | {_count(other)} | {ratio}")
        qualities = f"{self.full[0]:.1f} | {self.full[1]:.1f}"
        return (
            f"| {self.head} | {self.focus} | {100 * self.pixels:.1f} % | {qualities} | {' | '.join(cells)} |"
        )


def _count(size: int | None) -> str:
    return "–" if size is None else f"{size:,}"


def gains(head: str, avatar: Avatar, files: tuple[bytes, bytes]) -> Iterator[Gain]:
    """One for each focus."""
    plain, grouped = map(opened, files)
    rasterizer = open_session("cpu").rasterizer
    for text in FOCUSES:
        focus = parse_focus(text)
        seen, plan = scenery(avatar, focus, rasterizer), focus_plan(focus, grouped.decoder.scene)
        curves = [
            curve(file, order, seen, held)
            for held in (True, False)
            for file, order in ((plain, in_file_order), (grouped, plan))
        ]
        full = (curves[0][-1][1], curves[1][-1][1])
        yield Gain(head, text, float(np.mean(seen.masks)), full, *curves)


def plot(found: Sequence[Gain], path: Path) -> None:
    """A panel for each head: PSNR in eyes and mouth against Gaussian bytes."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    shown = [gain for gain in found if gain.focus == FOCUSES[-1]]
    with mpl.rc_context({"font.size": 9}):
        figure = Figure(figsize=(3.2 * len(shown), 3.2), layout="constrained")
        for axes, gain in zip(np.atleast_1d(figure.subplots(1, len(shown))), shown, strict=True):
            for points, label in ((gain.plain, "plain order"), (gain.focused, f"focus: {gain.focus}")):
                sizes, qualities = zip(*points, strict=True)
                axes.step([size / 1000 for size in sizes], qualities, where="post", label=label)
            axes.axhline(gain.full[0] - SHORT_OF_FULL, color="grey", linewidth=0.8, linestyle=":")
            axes.set(title=gain.head, xlabel="Gaussian bytes, kB", ylabel="dB inside the region")
            axes.legend(loc="lower right", frameon=False)
        figure.savefig(path, dpi=110, metadata={"Software": None})


def main(arguments: Sequence[str] | None = None, tell: Callable[[str], None] = print) -> None:
    """The table, and the plot if asked for."""
    parser = argparse.ArgumentParser(description="Bytes to see a region well, with and without a focus.")
    parser.add_argument("heads", nargs="*", default=HEADS, metavar="HEAD", help=", ".join(HEADS))
    parser.add_argument("-o", "--output", type=Path, metavar="PNG")
    args = parser.parse_args(arguments)
    sizes = "Gaussian bytes, plain | focus | ratio | file bytes, plain | focus | ratio"
    tell(f"| head | focus | pixels | full dB, plain | grouped | {sizes} |\n|{'---|' * 11}")
    found, costs = [], []
    for head in args.heads:
        avatar = avatar_of(head)
        files = two_files(avatar)
        costs.append(f"{head} {100 * (len(files[1]) / len(files[0]) - 1):+.1f} %")
        for gain in gains(head, avatar, files):
            found.append(gain)
            tell(gain.row())
    tell(f"\ngrouping costs, in file_bytes: {', '.join(costs)}")
    if args.output:
        plot(found, args.output)


if __name__ == "__main__":
    main()
