"""What a focus gains: PSNR inside a region against bytes, the region's units first, next to plain file order.

    python -m tests.benchmarks.bench_focus [-o docs/focus.png] [HEAD ...]

Plain order is the file that `pav encode --no-search` writes; the focus is on that of `--group-regions` as well, at the
same precision. A region's pixels are those that Gaussians whose sites lie in it make more than half of, in the
unquantized avatar: in each expression of eval-v1, seen from one of its views within ±20° of yaw after the other.
"Gaussian bytes" are with the rig and all shapes held; "file bytes" count everything that has been fetched, shapes
included. Bytes are those until the quality is 1 dB below that of the whole plain file. The demo avatar is taken as its
file has it, decoded.
PAV_TEST_DATA names the data folder (default ../shared/data).
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path

import numpy as np

from pavfmt import EncodeOptions, decode, encode
from pavfmt.container.headers import DirectoryEntry, UnitHeader
from pavfmt.decoding.decoder import Decoder
from pavfmt.decoding.events import contents
from pavfmt.encoder import rendered_importance
from pavfmt.encoder.order.region_importance import with_measured_regions
from pavfmt.encoder.order.regions import site_region_bits
from pavfmt.importers.arkit import regions_from_shapes
from pavfmt.importers.lam import read_lam
from pavfmt.model import SH_C0, Avatar, Pose
from pavfmt.registry import GAUSSIAN_BYTES_TYPES
from pavfmt.units.directory import Directory
from pavplayer.camera import Camera
from pavplayer.demo import AVATAR_FILE
from pavplayer.evaluation.views import EVALUATION_V1
from pavplayer.focus import Focus, focus_plan, parse_focus
from pavplayer.importance import open_renderer
from pavplayer.posing.poser import Poser
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
    """Plain and grouped, at the same precision."""
    renderer = open_renderer("cpu")
    importance = rendered_importance(avatar, renderer)
    per = "face" if len(avatar.levels) > 1 else "gaussian"
    options = EncodeOptions(importance_per=per)
    plain = encode(avatar, options, importance)
    measured = with_measured_regions(avatar, renderer)
    return plain, encode(measured, replace(options, group_regions=True), importance)


@dataclass(frozen=True)
class Scenery:
    """The pictures that count, and which of their pixels."""

    pictures: list[tuple[Pose, Camera, np.ndarray]]
    """Pose, camera and the reference picture (H, W, 3)."""
    masks: list[np.ndarray]
    """(H, W) of each."""

    def decibels(self, session: Session) -> float:
        """PSNR over the pixels in the masks."""
        error, count = 0.0, 0
        for (pose, camera, expected), mask in zip(self.pictures, self.masks, strict=True):
            cloud = session.posed(pose)
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
    painted = np.where(inside, 0.5, -0.5)[:, None, None] / SH_C0 * np.ones((1, 1, 3))
    poser, pictures, masks = Poser(avatar), [], []
    for pose, camera in zip(EVALUATION_V1.expressions.values(), cycle(cameras), strict=False):
        cloud = poser.frame(pose)
        pictures.append((pose, camera, rasterizer.render(cloud, camera)))
        masks.append(rasterizer.render(_Painted(cloud, painted), camera, (0.0, 0.0, 0.0))[..., 0] > 0.5)
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
    entries = next(contents(list(decoder.events()), Directory)).entries
    return Fetched(data, entries, decoder)


class Steps:
    """What is shown whenever more Gaussians of a plan have come; `held`: all else is there and not counted."""

    def __init__(self, file: Fetched, order: Sequence[int], held: bool) -> None:
        self._file, by_id = file, {entry.id: entry for entry in file.entries}
        units = [by_id[one] for one in order]
        self._free = [one for one in units if held and one.type not in GAUSSIAN_BYTES_TYPES]
        self._units = [one for one in units if one not in self._free]
        start = 0 if held else file.entries[0].offset
        self._sizes = start + np.cumsum([UnitHeader.SIZE + one.length for one in self._units])
        self._ends = [number for number, one in enumerate(self._units, 1) if one.gaussian_count]

    def __len__(self) -> int:
        return len(self._ends)

    def size(self, step: int) -> int:
        """Bytes."""
        return int(self._sizes[self._ends[step] - 1])

    def session(self, step: int) -> Session:
        """With all up to and including a step; −1 is the last, with all there is."""
        session = open_session("cpu")
        session.feed_at(0, self._file.data[: self._file.entries[0].offset])
        units = self._units if step == -1 else self._units[: self._ends[step]]
        for entry in (*self._free, *units):
            session.feed_at(*self._file.piece(entry))
        session.update()
        return session

    def bytes_until(self, decibels: float, seen: Scenery) -> int | None:
        """Of the first step that is so good, found by halving: quality rises from step to step."""
        low, high = 0, len(self)
        while low < high:
            middle = (low + high) // 2
            if seen.decibels(self.session(middle)) >= decibels:
                high = middle
            else:
                low = middle + 1
        return self.size(low) if low < len(self) else None

    def curve(self, seen: Scenery, most: int = 16) -> list[tuple[int, float]]:
        """(bytes, dB) of about so many steps."""
        chosen = sorted({round(one) for one in np.linspace(0, len(self) - 1, most)})
        return [(self.size(step), seen.decibels(self.session(step))) for step in chosen]


@dataclass(frozen=True)
class Gain:
    """One head, one focus."""

    head: str
    focus: str
    pixels: float
    full: tuple[float, float]
    """dB of the whole plain and grouped files, in the region."""
    bytes: tuple[int | None, ...]
    """Gaussian bytes, plain and focused, and file bytes likewise; None: not reached."""

    def row(self) -> str:
        """Of the table."""
        cells = []
        for one, other in (self.bytes[:2], self.bytes[2:]):
            ratio = "–" if one is None or other is None else f"{100 * other / one:.0f} %"
            cells.append(f"{_count(one)} | {_count(other)} | {ratio}")
        qualities = f"{self.full[0]:.1f} | {self.full[1]:.1f}"
        return (
            f"| {self.head} | {self.focus} | {100 * self.pixels:.1f} % | {qualities} | {' | '.join(cells)} |"
        )


def _count(size: int | None) -> str:
    return "not reached" if size is None else f"{size:,}"


@dataclass(frozen=True)
class Measured:
    """One head, one focus: what is compared."""

    head: str
    focus: str
    seen: Scenery
    plain: Fetched
    grouped: Fetched

    def steps(self, held: bool) -> tuple[Steps, Steps]:
        """Plain order and focus."""
        plan = focus_plan(parse_focus(self.focus), self.grouped.decoder.scene)
        focused = Steps(self.grouped, list(plan(self.grouped.entries)), held)
        return Steps(self.plain, [one.id for one in self.plain.entries], held), focused

    def gain(self) -> Gain:
        """The figures."""
        pairs = [steps for held in (True, False) for steps in self.steps(held)]
        full = (self.seen.decibels(pairs[0].session(-1)), self.seen.decibels(pairs[1].session(-1)))
        found = tuple(steps.bytes_until(full[0] - SHORT_OF_FULL, self.seen) for steps in pairs)
        return Gain(self.head, self.focus, float(np.mean(self.seen.masks)), full, found)


def plot(found: Sequence[Measured], path: Path) -> None:
    """A panel for each head: PSNR inside the region against Gaussian bytes."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"font.size": 9}):
        figure = Figure(figsize=(3.2 * len(found), 3.2), layout="constrained")
        for axes, one in zip(np.atleast_1d(figure.subplots(1, len(found))), found, strict=True):
            for steps, label in zip(one.steps(True), ("plain order", f"focus: {one.focus}"), strict=True):
                sizes, qualities = zip(*steps.curve(one.seen), strict=True)
                axes.step([size / 1000 for size in sizes], qualities, where="post", label=label)
            axes.set(title=one.head, xlabel="Gaussian bytes, kB", ylabel="dB inside the region")
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
    shown, costs = [], []
    for head in args.heads:
        avatar = avatar_of(head)
        files = two_files(avatar)
        costs.append(f"{head} {100 * (len(files[1]) / len(files[0]) - 1):+.1f} %")
        plain, grouped = map(opened, files)
        for focus in FOCUSES:
            seen = scenery(avatar, parse_focus(focus), open_session("cpu").rasterizer)
            measured = Measured(head, focus, seen, plain, grouped)
            tell(measured.gain().row())
        shown.append(measured)
    tell(f"\ngrouping costs, in file_bytes: {', '.join(costs)}")
    if args.output:
        plot(shown, args.output)


if __name__ == "__main__":
    main()
