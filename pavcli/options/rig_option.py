"""--rig: where the rig of an avatar that names one is looked for."""

from __future__ import annotations

import argparse

from pavfmt.tools.rig_search import RIG_HELP, named_rig, rig_for, wanted_rig
from pavplayer.session import Session
from pavplayer.streaming.rigs import beside
from pavplayer.streaming.stream import is_url


def add_argument(parser: argparse.ArgumentParser) -> None:
    """Declare it."""
    parser.add_argument("--rig", metavar="RIG", help=RIG_HELP)


def where(args: argparse.Namespace) -> str | None:
    """As asked for; for a FILE that is a URL, next to it if nothing else was said."""
    asked: str | None = args.rig
    return asked or (beside(args.file) if is_url(args.file) else None)


def rig_file(data: bytes, where: str | None) -> bytes | None:
    """The rig file of an avatar; None if it has its own. Raises RuntimeError where one is named and none given."""
    found = rig_for(data, where)
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
    supplied(session, rig_file(data, where)).feed(data)
    session.update()
    return session
