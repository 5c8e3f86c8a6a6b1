"""A fit's state on disk: everything that the next step depends on, in one file of plain arrays."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from pavfmt.errors import EncodeError
from pavfmt.fileio import write_bytes

BAD = "bad-state"
VERSION = 1


@dataclass(frozen=True)
class State:
    """Arrays by name, and a few values that JSON can hold."""

    arrays: Mapping[str, NDArray[Any]]
    values: Mapping[str, Any]


def write_state(state: State, path: Path) -> None:
    """Under a temporary name first: the file before stays whole if anything goes wrong, a full disk say."""
    text = json.dumps({"version": VERSION, **state.values})
    stream = io.BytesIO()
    parts: dict[str, Any] = {"values": np.frombuffer(text.encode(), np.uint8), **state.arrays}
    np.savez(stream, **parts)
    try:
        write_bytes(str(path), stream.getvalue(), force=True)
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror or error}; the state before is kept"
        raise EncodeError("unwritable-file", message) from error


def read_state(path: Path) -> State:
    """What `write_state` wrote. EncodeError if it is anything else."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        values = json.loads(arrays.pop("values").tobytes())
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, BadZipFile) as error:
        raise EncodeError(BAD, f"{path} is no state of a fit: {error}") from None
    if not isinstance(values, dict) or values.get("version") != VERSION:
        raise EncodeError(BAD, f"{path} is the state of another version of this program")
    return State(arrays, values)
