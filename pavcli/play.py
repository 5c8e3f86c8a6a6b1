"""`pav play`: watch an avatar in the browser, while it arrives."""

from __future__ import annotations

import argparse
import signal
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pavcli.options import device, focus, rig, streaming, values
from pavcli.options.damage import report_damage
from pavcli.reporting import ExitCode, note
from pavfmt.errors import PavError
from pavfmt.importers.tracks import read_tracks
from pavfmt.model import Track
from pavplayer.packages import require

if TYPE_CHECKING:
    from pavplayer.crowd import RenderBudget
    from pavplayer.viewer.content.avatar_view import AvatarView
    from pavplayer.viewer.content.scene import ViewerScene

HELP = """\
  pav play head.pav
  pav play https://example.org/head.pav --cache ~/.cache/pav
  pav play head.pav --rate 500kbit --latency 200ms            as over a slow network
  pav play https://example.org/head.pav --rate 500kbit --focus eyes,mouth
  curl -s https://example.org/head.pav | pav play -
  pav play head.pav --track talk.npz --track bsData.json
  pav play anna.pav ben.pav clara.pav --gaussians 300000      together, no more than so many in a frame
  pav play head.pav --host 0.0.0.0 --no-browser               for a browser on another machine

Drag to turn, scroll to come closer, drag with the right button to shift. It draws on the GPU where gsplat works,
else on the CPU, smaller while something moves. Ctrl-C ends it; what came by then is not lost where there is a
cache. Anyone who reaches HOST and PORT can watch and move it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare its options."""
    parser.add_argument("files", nargs="+", metavar="file", help=".pav files, http(s) URLs, or - for stdin")
    budget = parser.add_mutually_exclusive_group()
    budget.add_argument(
        "--gaussians", type=values.whole_number, metavar="N", help="draw at most N together in every frame"
    )
    budget.add_argument(
        "--frame-ms", type=values.zoom, metavar="T", help="draw as many as fit T milliseconds"
    )
    rig.add_argument(parser)
    streaming.add_arguments(parser)
    focus.add_argument(parser)
    parser.add_argument(
        "--track",
        metavar="FILE",
        action="append",
        default=[],
        help="a performance to offer: an ARKit or FLAME .npz, or bsData.json",
    )
    parser.add_argument("--host", default="localhost", help="to listen at (default: localhost)")
    parser.add_argument(
        "--port", type=int, default=8080, help="to listen at, or one after it (default: 8080)"
    )
    parser.add_argument("--no-browser", action="store_true", help="open no browser")
    device.add_argument(parser)
    parser.add_argument(
        "--fade", type=float, default=0.3, metavar="S", help="of units that arrive (default: 0.3)"
    )


def run(args: argparse.Namespace) -> int:
    """Do it."""
    require("viser", "av", extra="play")
    from pavplayer.viewer.player import Player
    from pavplayer.viewer.server import ViewerServer

    tracks = given_tracks(args.track)
    with ExitStack() as opened:
        scene = opened_scene(args, opened)
        name = ", ".join(avatar_view.name for avatar_view in scene.avatar_views)
        with ViewerServer(Player(scene), args.host, args.port, tracks, name) as server:
            if not args.quiet:
                print(f"{server.url}   (Ctrl-C ends it)", flush=True)
            if not args.no_browser:
                threading.Thread(target=webbrowser.open, args=(server.url,), daemon=True).start()
            with stop_requested() as stopped:
                server.run(stopped)
        return max(ended(avatar_view) for avatar_view in scene.avatar_views)


def opened_scene(args: argparse.Namespace, opened: ExitStack) -> ViewerScene:
    """The avatars, arriving from now on; `opened` closes them."""
    from pavplayer.avatar import Avatar
    from pavplayer.crowd import FrameTimeBudget, GaussianBudget
    from pavplayer.viewer.content.avatar_view import AvatarView
    from pavplayer.viewer.content.crowd_scene import CrowdScene
    from pavplayer.viewer.content.scene import AvatarScene

    options = streaming.options_of(args)
    avatar_views = []
    for file in args.files:
        avatar = Avatar(file, device=args.device, rig=args.rig, options=options, focus=args.focus)
        avatar_views.append(AvatarView(opened.enter_context(avatar), args.fade, Path(file).name))
    budget: RenderBudget | None = GaussianBudget(args.gaussians) if args.gaussians else None
    if args.frame_ms:
        budget = FrameTimeBudget(args.frame_ms)
    return (
        AvatarScene(avatar_views[0])
        if len(avatar_views) == 1 and budget is None
        else CrowdScene(avatar_views, budget)
    )


def ended(avatar_view: AvatarView) -> int:
    """What an avatar cost, said on stderr; the exit code."""
    error = avatar_view.avatar.error
    if error is not None:
        note("play", f"{avatar_view.name}: {error}")
    lost = report_damage("play", avatar_view.avatar.session)
    if error is None:
        return lost
    return ExitCode.FILE_FAILS if isinstance(error, PavError) else ExitCode.DATA_LOST


@contextmanager
def stop_requested() -> Iterator[Callable[[], bool]]:
    """Inside: whether Ctrl-C was pressed; a second one ends it the hard way.

    Not by KeyboardInterrupt, which compiled loops turn into other errors.
    """
    pressed = threading.Event()

    def press(*_: object) -> None:
        pressed.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, press)
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, before)


def given_tracks(paths: list[str]) -> dict[str, Track]:
    """Name → track, of all the files; a name that comes twice is told apart by its file's."""
    found: dict[str, Track] = {}
    for path in paths:
        for name, track in read_tracks(path).items():
            found[name if name not in found else f"{Path(path).stem}: {name}"] = track
    return found
