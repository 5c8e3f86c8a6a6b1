"""How long from the request to the first picture that is like the avatar, and where that time goes.

    python -m tests.benchmarks.bench_first_picture                              the demo avatar
    python -m tests.benchmarks.bench_first_picture head.pav --reference lam-export.zip
    python -m tests.benchmarks.bench_first_picture head.external.pav --rig head.rig.pav

A server in a process of its own gives the file over loopback; 10 Mbit/s with a round trip of 50 ms and slow start is
simulated. "embedded": one file with its rig. "cached": an avatar that names its rig, which is in the cache on disk; of
a file with its rig such a one is made. The client is the player's: it decodes what is there, for at most a tick,
and draws. A picture counts when its PSNR against the reference reaches 27 dB, seen from the front, at rest, 550×802.
Kernels are compiled before. All figures are medians of the runs, in milliseconds.

`first`: from the request to the picture in hand; `best`: of the quickest run. Of it, `network`: waiting for bytes;
`decode`; `posing`, with what a rig costs once; `raster`; `others`: pictures drawn before that were not good enough yet.
`cpu`: processor time of this process, all threads, which says more on a machine that others use too.
"""

from __future__ import annotations

import argparse
import hashlib
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path
from statistics import median

from pavfmt.arrays import Float32Array
from pavfmt.decoding.events import UnitArrived
from pavfmt.model import Pose
from pavfmt.tools.rig_search import named_rig
from pavfmt.units.gaussians import GaussianBlock
from pavfmt.units.hand_over import HandOver
from pavplayer.camera import Camera
from pavplayer.evaluation.metrics import psnr
from pavplayer.evaluation.references import reference_for
from pavplayer.session import Session, open_session
from pavplayer.streaming import SessionFeed, StreamOptions, open_stream
from pavplayer.streaming.link import Link
from pavplayer.streaming.session_feed import RIG_FOLDER
from tests.benchmarks.separate_rig import separated

DEMO = "player/pavplayer/demo/avatar.pav"
WANTED_DECIBELS = 27.0
LINKS = {"loopback": None, "10 Mbit/s, 50 ms": Link(10e6, 0.05)}
DRAWN = (GaussianBlock, HandOver)
TICK_SECONDS = 0.02
"""Of decoding, before a picture is drawn."""


@dataclass
class Parts:
    """Milliseconds, and what had come by then."""

    first: float = 0.0
    best: float = 0.0
    network: float = 0.0
    decode: float = 0.0
    posing: float = 0.0
    raster: float = 0.0
    others: float = 0.0
    cpu: float = 0.0
    kilobytes: float = 0.0
    decibels: float = 0.0


@dataclass(frozen=True)
class Case:
    """One file, and the rig file that it names."""

    name: str
    data: bytes
    rig_file: bytes | None = None

    def session(self) -> Session:
        """With the rig, all of the file."""
        session = open_session("cpu")
        if self.rig_file is not None:
            session.supply_rig(self.rig_file)
        session.feed(self.data)
        session.update()
        return session


class Stopwatch:
    """Adds up what passes between two looks."""

    def __init__(self) -> None:
        self.parts = Parts()
        self._last = time.perf_counter()

    def add(self, name: str) -> None:
        """The time since the last call."""
        now = time.perf_counter()
        setattr(self.parts, name, getattr(self.parts, name) + 1000 * (now - self._last))
        self._last = now


def first_picture(url: str, options: StreamOptions, camera: Camera, expected: Float32Array) -> Parts:
    """One run."""
    session, watch = open_session("cpu"), Stopwatch()
    started, worked = time.perf_counter(), time.process_time()
    with open_stream(url, options=options) as stream:
        feed = SessionFeed(session, stream, options=options)
        while not feed.ended:
            feed.wait(1.0)
            watch.add("network")
            events = feed.update(TICK_SECONDS)
            watch.add("decode")
            if not any(
                isinstance(event, UnitArrived) and isinstance(event.content, DRAWN) for event in events
            ):
                continue
            before = watch.parts.posing, watch.parts.raster
            cloud = session.posed()
            watch.add("posing")
            assert cloud is not None
            picture = session.rasterizer.render(cloud, camera)
            watch.add("raster")
            parts = watch.parts
            parts.first, parts.cpu = (
                1000 * (time.perf_counter() - started),
                1000 * (time.process_time() - worked),
            )
            parts.decibels = psnr(picture, expected)
            if parts.decibels >= WANTED_DECIBELS:
                parts.kilobytes = session.received_bytes / 1000
                return parts
            started += time.perf_counter() - started - parts.first / 1000  # judging is not drawing
            parts.others += parts.posing + parts.raster - sum(before)
            parts.posing, parts.raster = before
            watch.add("kilobytes")
    raise RuntimeError(f"{url}: never {WANTED_DECIBELS} dB: {feed.error}")


def medians(runs: list[Parts]) -> Parts:
    """Of each figure."""
    middle = Parts(*(median(column) for column in zip(*(astuple(run) for run in runs), strict=True)))
    return replace(middle, best=min(run.first for run in runs))


@contextmanager
def served(folder: str) -> Iterator[str]:
    """Its URL, while a plain server gives it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "--directory", folder, str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.02)
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.terminate()
        server.wait()


def cases_of(path: str, rig: str | None) -> Iterator[Case]:
    """The file; with a rig inside, also what it is with the rig outside."""
    data, name = Path(path).read_bytes(), Path(path).name
    if named_rig(data) is not None:
        if rig is None:
            raise SystemExit(f"{path} names its rig: --rig FILE")
        yield Case(f"{name}, cached", data, Path(rig).read_bytes())
        return
    yield Case(f"{name}, embedded", data)
    avatar, rig_file = separated(data, "rig.pav")
    yield Case(f"{name}, cached", avatar, rig_file)


def measured(case: Case, reference: str | None, repeats: int) -> Iterator[tuple[str, Parts]]:
    """Each link's figures."""
    whole = case.session()
    compared = reference_for(reference, whole, lambda data: Case("", data).session())
    camera = whole.camera()
    expected = whole.rasterizer.render(compared.cloud(Pose()), camera)
    with tempfile.TemporaryDirectory() as folder, served(folder) as url:
        Path(folder, "head.pav").write_bytes(case.data)
        cache = Path(folder, "cache")
        if case.rig_file is not None:
            digest = hashlib.sha256(case.rig_file).hexdigest()
            (cache / RIG_FOLDER).mkdir(parents=True)
            (cache / RIG_FOLDER / f"{digest}.pav").write_bytes(case.rig_file)
        for link_name, link in LINKS.items():
            runs = []
            for _ in range(repeats + 1):
                for kept in cache.glob("*.pav*"):  # the avatar is not cached
                    kept.unlink()
                options = StreamOptions(link=link, cache=cache)
                runs.append(first_picture(f"{url}head.pav", options, camera, expected))
            yield link_name, medians(runs[1:])


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="*", default=[DEMO], metavar="FILE")
    parser.add_argument(
        "--reference", metavar="SRC", help="what FILE was encoded from (default: the complete file)"
    )
    parser.add_argument("--rig", metavar="RIG", help="the rig file of a FILE that names one")
    parser.add_argument("--repeats", type=int, default=9)
    args = parser.parse_args()
    names = [field.name for field in fields(Parts)]
    print(f"| file, rig | link | {' | '.join(names)} |\n|---|---|{'---|' * len(names)}")
    for path in args.files:
        for case in cases_of(path, args.rig):
            for link_name, parts in measured(case, args.reference, args.repeats):
                figures = " | ".join(f"{value:.1f}" for value in astuple(parts))
                print(f"| {case.name} | {link_name} | {figures} |", flush=True)


if __name__ == "__main__":
    main()
