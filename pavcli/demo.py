"""`pav demo`: an avatar arriving over a slow network, as a page to look at."""

from __future__ import annotations

import argparse
import sys
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from pavcli.options import device, output, rig, values
from pavcli.options.damage import report_damage
from pavcli.options.progress import counting_bar
from pavfmt.errors import EncodeError
from pavfmt.fileio import read_bytes, write_bytes
from pavplayer.demo_page.page import MARK, page_html
from pavplayer.evaluation.reports.contact_sheet import captioned_rows, contact_sheet
from pavplayer.packages import require
from pavplayer.session import Session, open_session
from pavplayer.streaming.link import Link

if TYPE_CHECKING:
    from pavplayer.demo_page.reception import Reception

HELP = """\
  pav demo
  pav demo --rate 500kbit --latency 200ms
  pav demo --avatar head.pav --out out/head --open

The network is simulated, so nothing is fetched and nobody waits. Written are index.html, a page with everything
in it, and contact-sheet.png."""

PAGE, SHEET = "index.html", "contact-sheet.png"
OTHER_RATES = (1e6, 10e6)
"""Bits per second that the page gives times for besides the one asked for."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare its options."""
    parser.add_argument("--avatar", metavar="FILE", help="a .pav file instead of the demo's own")
    rig.add_argument(parser)
    parser.add_argument("--out", default="out/demo", metavar="DIR", help="where to write (default: out/demo)")
    parser.add_argument("--rate", type=values.bit_rate, default="2mbit", help="of the link (default: 2mbit)")
    parser.add_argument(
        "--latency", type=values.duration, default="80ms", help="round-trip time (default: 80ms)"
    )
    device.add_argument(parser)
    parser.add_argument("--frames", type=values.whole_number, metavar="N", help=argparse.SUPPRESS)
    parser.add_argument("--open", action="store_true", help="open the page in a browser")
    output.add_force(parser, "files the demo did not write")


def run(args: argparse.Namespace) -> int:
    """Do it."""
    require("PIL", "matplotlib", "tqdm")
    from pavplayer.demo_page.content import page_content
    from pavplayer.demo_page.reception import receive

    folder = Path(args.out)
    for name in (PAGE, SHEET):
        _check_replaceable(folder / name, args.force)
    data = avatar_bytes(args.avatar)
    links = _links(args.rate, args.latency)
    new_session = _session_maker(args.device, rig.needed_rig(data, args.rig))
    with _reception_bar(len(data), args.quiet) as on_bytes:
        reception = receive(data, next(iter(links.values())), new_session, on_bytes)
    with counting_bar("acting", "frame", args.quiet) as on_frame:
        content = page_content(reception, links, new_session, on_frame, args.frames)
    folder.mkdir(parents=True, exist_ok=True)
    write_bytes(str(folder / PAGE), page_html(content).encode(), force=True)
    write_bytes(str(folder / SHEET), _sheet(reception, content.title), force=True)
    _report(args, reception, next(iter(links.values())), folder)
    return report_damage("demo", reception.session)


def avatar_bytes(path: str | None) -> bytes:
    """The file asked for, or the demo's own."""
    if path is not None:
        return read_bytes(path)
    own = files("pavplayer.demo").joinpath("avatar.pav")
    if not own.is_file():
        raise RuntimeError("the demo's avatar is not part of this installation: give --avatar FILE")
    return own.read_bytes()


def _session_maker(device_name: str, rig_file: bytes | None) -> Callable[[], Session]:
    """Makes a session that has the rig already."""
    return lambda: rig.supplied(open_session(device_name), rig_file)


def _links(rate: float, latency: float) -> dict[str, Link]:
    """The link asked for, then those the page compares with, by name."""
    rates = [rate, *(other for other in OTHER_RATES if other != rate)]
    return {_link_name(one, latency): Link(one, latency) for one in rates}


def _link_name(rate: float, latency: float) -> str:
    """As the page and the report call it: 2 Mbit/s, 80 ms."""
    shown = f"{rate / 1e6:g} Mbit/s" if rate >= 1e6 else f"{rate / 1e3:g} kbit/s"
    return f"{shown}, {1000 * latency:g} ms"


def _check_replaceable(path: Path, force: bool) -> None:
    """EncodeError for a file that the demo did not write."""
    if not path.exists() or force:
        return
    with path.open("rb") as stream:
        if MARK.encode() not in stream.read(1024):
            raise EncodeError("exists", f"{path} was not written by the demo; --force replaces it")


def _sheet(reception: Reception, title: str) -> bytes:
    """The contact sheet as a PNG that the demo recognises as its own."""
    from pavplayer.demo_page.content import sheet_cuts
    from pavplayer.pictures import saved_png

    rows = captioned_rows(sheet_cuts(reception), reception.whole, len(reception.data))
    count = reception.session.scene.gaussian_count
    subtitle = f"Prefixes of one file of {len(reception.data):,} bytes and {count:,} Gaussians; PSNR against all of it"
    return saved_png(contact_sheet(rows, title, subtitle), software=MARK)


@contextmanager
def _reception_bar(total: int, quiet: bool) -> Iterator[Callable[[int, int, float], None]]:
    """A bar of bytes, with the simulated clock and the Gaussians."""
    from tqdm import tqdm

    form = "{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt}B{postfix}"
    with tqdm(
        total=total,
        unit_scale=True,
        desc="receiving",
        bar_format=form,
        disable=quiet or None,
        file=sys.stderr,
    ) as bar:

        def show(received: int, gaussian_count: int, seconds: float) -> None:
            bar.set_postfix_str(f"{gaussian_count:,} Gaussians, {seconds:.2f} s simulated", refresh=False)
            bar.update(received - bar.n)

        yield show


def _report(args: argparse.Namespace, reception: Reception, link: Link, folder: Path) -> None:
    """When what was there, and where the page is; on stdout."""
    session, page = reception.session, (folder / PAGE).resolve()
    if not args.quiet:
        milestones = {
            "first picture": session.bytes_until_visible,
            "animatable": session.bytes_until_animatable,
            "last byte": len(reception.data),
        }
        print(f"over {_link_name(args.rate, args.latency)}, simulated:")
        for name, count in milestones.items():
            if count is not None:
                print(f"  {name:<14}{count:>10,} bytes {link.arrival_seconds(count):>8.2f} s")
        print(f"{page}\n{page.with_name(SHEET)}")
    if args.open:
        webbrowser.open(page.as_uri())
