"""--rig: where the rig of an avatar that names one is looked for."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from pavfmt.decoding.events import StreamEnded
from pavfmt.tools.rig_search import named_rig, rig_for, wanted_rig

if TYPE_CHECKING:
    from pavplayer.session import Session


def add_argument(parser: argparse.ArgumentParser) -> None:
    """Declare it."""
    parser.add_argument(
        "--rig",
        metavar="RIG",
        help="where the rig is that FILE names: a file, a folder, or a URL such as https://host/rigs/{sha256}.pav",
    )


def where(args: argparse.Namespace) -> str | None:
    """As asked for; for a FILE that is a URL, next to it if nothing else was said."""
    from pavplayer.streaming import is_url
    from pavplayer.streaming.session_feed import rig_location_beside

    asked: str | None = args.rig
    return asked or (rig_location_beside(args.file) if is_url(args.file) else None)


def given_rig(data: bytes, where: str | None) -> bytes | None:
    """The rig file of an avatar; None if it has its own, or if nobody said where its rig is."""
    return rig_for(data, where, _fetch)


def needed_rig(data: bytes, where: str | None) -> bytes | None:
    """The rig file of an avatar; None if it has its own. Raises RuntimeError where one is named and none given."""
    found = given_rig(data, where)
    reference = named_rig(data) if found is None else None
    if reference is not None:
        raise RuntimeError(wanted_rig(reference))
    return found


def supplied(session: Session, rig: bytes | None) -> Session:
    """The session, with the rig file if there is one."""
    if rig is not None:
        session.supply_rig(rig)
    return session


def received(session: Session, data: bytes, where: str | None) -> Session:
    """The session, with the rig and all of the data taken in."""
    supplied(session, needed_rig(data, where)).feed(data)
    session.update()
    return session


def received_to_the_end(session: Session, data: bytes, where: str | None) -> StreamEnded:
    """Feed the rig and all of the data, and say that nothing more comes; what is left waiting. Raises PavError."""
    supplied(session, needed_rig(data, where)).feed(data)
    session.close()
    return next(event for event in session.update() if isinstance(event, StreamEnded))


def _fetch(url: str, limit: int) -> bytes:
    """For `rig_for`, which opens no sockets; the player is imported only where a rig is at a URL."""
    from pavplayer.streaming.http_origin import fetch

    return fetch(url, limit)
