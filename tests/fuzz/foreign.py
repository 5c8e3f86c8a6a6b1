"""Mutations of the importers' inputs: archives are opened and closed again, chunks keep their lengths."""

import io
import json
import re
import struct
import zipfile

from tests.fuzz.seeds import zipped

VALUES = ("0", "-1", "1", "2", "255", "65536", "4294967296", "1e400", "1e-400", "0.5")
VALUES += ("null", "[]", "{}", '"x"', "true")
NUMBER = re.compile(rb"-?\d+(\.\d+)?([eE][-+]?\d+)?")
WORDS = (b"0", b"1", b"-1", b"4294967295", b"9" * 20, b"float", b"double", b"uchar", b"list")
WORDS += (b"<i8", b"|O")


def mutated(data, random):
    """One to three changes, by what the bytes look like."""
    for _ in range(random.choice((1, 1, 2, 3))):
        data = _once(data, random)
    return data


def _once(data, random):
    if random.random() < 0.05:
        return _bytes(data, random)
    if data.startswith(b"PK"):
        return _archive(data, random)
    if data.startswith(b"glTF"):
        return _glb(data, random)
    if data.startswith((b"{", b"[")):
        return _json(data, random)
    if data.startswith((b"ply", b"\x93NUMPY")) and random.random() < 0.6:
        return _head(data, random)
    return _bytes(data, random)


def _bytes(data, random):
    changed = bytearray(data)
    draw = random.random()
    if draw < 0.15:
        del changed[random.randrange(len(changed) + 1) :]
    elif draw < 0.3:
        at = random.randrange(len(changed) + 1)
        changed[at:at] = random.randbytes(random.choice((1, 4, 30)))
    else:
        for _ in range(random.choice((1, 2, 8))):
            if changed:
                changed[random.randrange(len(changed))] = random.choice(
                    (0, 1, 0x7F, 0x80, 0xFF, random.randrange(256))
                )
    return bytes(changed)


def _archive(data, random):
    """A member changed, dropped, doubled or called otherwise."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            files = {info.filename: archive.read(info) for info in archive.infolist()}
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError, RuntimeError):
        return _bytes(data, random)
    except Exception as error:  # zlib, struct: what a broken archive makes zipfile raise
        assert type(error).__name__ in ("error", "LZMAError"), error
        return _bytes(data, random)
    if not files:
        return _bytes(data, random)
    name, draw = random.choice(list(files)), random.random()
    if draw < 0.85:
        files[name] = _once(files[name], random)
    elif draw < 0.92:
        del files[name]
    else:
        files[random.choice((f"../{name}", f"other/{name}", name.upper()))] = files.pop(name)
    return zipped(files)


def _glb(data, random):
    """A chunk changed, the lengths set right."""
    try:
        size, _ = struct.unpack_from("<II", data, 12)
        text, rest = data[20 : 20 + size], data[28 + size :]
    except struct.error:
        return _bytes(data, random)
    if random.random() < 0.8:
        text = _json(text, random)
    else:
        rest = _bytes(rest, random)
    text += b" " * (-len(text) % 4)
    rest += b"\0" * (-len(rest) % 4)
    chunks = struct.pack("<II", len(text), 0x4E4F534A) + text
    chunks += struct.pack("<II", len(rest), 0x004E4942) + rest
    return struct.pack("<III", 0x46546C67, 2, 12 + len(chunks)) + chunks


def _json(data, random):
    """A number becomes another value, or an entry goes."""
    if random.random() < 0.3:
        try:
            document = json.loads(data)
        except ValueError:
            return _bytes(data, random)
        _prune(document, random)
        return json.dumps(document).encode()
    found = list(NUMBER.finditer(data))
    if not found:
        return _bytes(data, random)
    spot = random.choice(found)
    return data[: spot.start()] + random.choice(VALUES).encode() + data[spot.end() :]


def _prune(document, random):
    """Walks down at random and takes an entry away, or puts another in its place."""
    while isinstance(document, dict | list) and document:
        key = random.choice(list(document)) if isinstance(document, dict) else random.randrange(len(document))
        if not isinstance(document[key], dict | list) or random.random() < 0.3:
            if random.random() < 0.5:
                del document[key]
            else:
                document[key] = json.loads(random.choice([value for value in VALUES if "e4" not in value]))
            return
        document = document[key]


def _head(data, random):
    """A word of the text that PLY and npy begin with."""
    end = data.find(b"end_header") if data.startswith(b"ply") else 10 + int.from_bytes(data[8:10], "little")
    words = list(re.finditer(rb"[\w<|>]+", data[: max(end, 0)]))
    if not words:
        return _bytes(data, random)
    spot = random.choice(words)
    word = random.choice([*WORDS, random.choice(words).group()])
    if data.startswith(b"\x93NUMPY"):  # of fixed length
        word = word[: spot.end() - spot.start()].ljust(spot.end() - spot.start())
    return data[: spot.start()] + word + data[spot.end() :]
