"""The rig file that an avatar names by its SHA-256: found in a folder, at a path, or by a URL template.

What is found has the hash that is named. This package opens no sockets: whoever wants rigs at URLs passes a function
that fetches them, such as the player's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

from pavfmt.decoding.decoder import Decoder
from pavfmt.decoding.events import RigNamed
from pavfmt.errors import FormatError, PavError
from pavfmt.fileio import read_bytes
from pavfmt.units.rig import RigReference

MAX_RIG_BYTES = 64 << 20
"""Larger files are no rigs: they are not read, and not fetched to the end."""
MAX_FILES = 4096
"""Of a folder, so many are tried."""
SCHEMES = ("http://", "https://")

Fetch = Callable[[str, int], bytes]
"""A URL and a limit in bytes → the content. Raises OSError."""


class RigNotFoundError(FileNotFoundError):
    """No file with the hash named is where was looked."""


def named_rig(data: bytes) -> RigReference | None:
    """The rig that an avatar, or a prefix of one, names; None where it has its own or has not come so far."""
    decoder = Decoder()
    decoder.feed(data)
    try:
        return next((event.reference for event in decoder.events() if isinstance(event, RigNamed)), None)
    except PavError:
        return None


def rig_for(data: bytes, where: str | None, fetch: Fetch | None = None) -> bytes | None:
    """The rig file to supply with an avatar; None if it names none or `where` is None."""
    reference = named_rig(data)
    return None if reference is None or where is None else find_rig(reference, where, fetch)


def find_rig(reference: RigReference, where: str, fetch: Fetch | None = None) -> bytes:
    """The rig file from a path, a folder or a URL; `{sha256}` and `{name}` in a URL are filled in.

    A file given by its path is left to the decoder to check. Raises FormatError "rig-mismatch" where a URL holds
    something else, and RigNotFoundError, also for a URL where there is no `fetch`.
    """
    if where.startswith(SCHEMES):
        return _from_url(reference, where, fetch)
    if Path(where).is_dir():
        return _from_folder(reference, Path(where))
    if not Path(where).is_file():
        raise RigNotFoundError(f"{_wanted(reference)}: {where} is no file, folder or URL")
    return read_bytes(where)


def wanted_rig(reference: RigReference) -> str:
    """What to do, for a file whose rig was not asked for."""
    where, digest = reference.name or "FILE", reference.sha256.hex()
    return f"the rig is in a file of its own: give --rig {where}, its folder or a URL (SHA-256 {digest})"


def _wanted(reference: RigReference) -> str:
    hint = f", called {reference.name!r}" if reference.name else ""
    return f"no rig with SHA-256 {reference.sha256.hex()}{hint}"


def _checked(reference: RigReference, data: bytes, where: str) -> bytes:
    digest = hashlib.sha256(data).digest()
    if digest != reference.sha256:
        found, wanted = digest.hex(), reference.sha256.hex()
        raise FormatError("rig-mismatch", f"{where} has SHA-256 {found}; the avatar names {wanted}")
    return data


def _from_url(reference: RigReference, template: str, fetch: Fetch | None) -> bytes:
    """What the filled-in template holds, its hash checked."""
    if fetch is None:
        raise RigNotFoundError("a rig at a URL needs the player (pip install 'pavfmt[player]'); give a file")
    name = quote(reference.name, safe="")
    url = template.replace("{sha256}", reference.sha256.hex()).replace("{name}", name)
    try:
        data = fetch(url, MAX_RIG_BYTES)
    except OSError as error:
        raise RigNotFoundError(f"{_wanted(reference)}: {url}: {error}") from None
    return _checked(reference, data, url)


def _from_folder(reference: RigReference, folder: Path) -> bytes:
    tried = 0
    for path in _candidates(reference, folder):
        tried += 1
        data = read_bytes(str(path))
        if hashlib.sha256(data).digest() == reference.sha256:
            return data
    raise RigNotFoundError(f"{_wanted(reference)}: looked in {folder}, at {tried} .pav files")


def _candidates(reference: RigReference, folder: Path) -> Iterator[Path]:
    """By the name hint, by the hash, then every .pav file; none twice, none too large, none outside the folder."""
    named = [folder / f"{reference.sha256.hex()}.pav"]
    if reference.name and Path(reference.name).name == reference.name:
        named.insert(0, folder / reference.name)
    others = sorted(folder.glob("*.pav"))[:MAX_FILES]
    for path in dict.fromkeys([*named, *others]):
        if path.is_file() and path.stat().st_size <= MAX_RIG_BYTES:
            yield path
