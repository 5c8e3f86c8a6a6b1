"""FLAME's pickled model files, read without running anything they contain.

A pickle can name any function and call it. Here every name resolves to an inert stand-in of this module or is
refused: NumPy's arrays, SciPy's sparse matrices and chumpy's `Ch` are taken apart as plain data, and neither
SciPy nor chumpy is imported. The opcodes are checked before the unpickler sees them.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
import re
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Float64Array
from pavfmt.errors import EncodeError

MAX_OPCODES = 20_000
"""A FLAME file has some hundred. It also bounds the memo and how deep things nest."""
MAX_DENSE_NUMBERS = 1 << 24
FORBIDDEN_OPCODES = frozenset({"PERSID", "BINPERSID", "EXT1", "EXT2", "EXT4", "INST", "OBJ", "NEXT_BUFFER"})
NUMBER_TYPE = re.compile(r"[<>|=]?(f[248]|[iu][1248]|b1)")


def _bad(message: str) -> EncodeError:
    return EncodeError("bad-flame-model", message)


class Dtype:
    """Stand-in for `numpy.dtype`: numbers only, everything else becomes None."""

    def __init__(self, name: object = "", *_: object) -> None:
        text = name if isinstance(name, str) and NUMBER_TYPE.fullmatch(name) else None
        self.dtype: np.dtype[Any] | None = None if text is None else np.dtype(text)

    def __setstate__(self, state: object) -> None:
        """NumPy's (version, byte order, …)."""
        order = state[1] if isinstance(state, tuple) and len(state) > 1 else "="
        if self.dtype is not None and order == ">":
            self.dtype = self.dtype.newbyteorder(">")


class Array:
    """Stand-in for `numpy.ndarray`."""

    def __init__(self, *_: object) -> None:
        self.value: NDArray[Any] | None = None

    def __setstate__(self, state: object) -> None:
        """NumPy's (version, shape, dtype, Fortran order, data)."""
        if not isinstance(state, tuple) or len(state) != 5:
            raise _bad("an array has an unknown state")
        _, shape, dtype, fortran, data = state
        self.value = array_from(data, dtype, shape, bool(fortran))


class Chumpy:
    """Stand-in for `chumpy.ch.Ch`: the array it holds as `x`."""

    def __init__(self, *_: object) -> None:
        self.value: object = None

    def __setstate__(self, state: object) -> None:
        """The object's `__dict__`."""
        self.value = state.get("x") if isinstance(state, dict) else None


class Sparse:
    """Stand-in for SciPy's compressed sparse matrices."""

    major = 0

    def __init__(self, *_: object) -> None:
        self.parts: dict[object, object] = {}

    def __setstate__(self, state: object) -> None:
        """The object's `__dict__`."""
        self.parts = dict(state) if isinstance(state, dict) else {}

    def dense(self, where: str) -> Float64Array:
        """The matrix with its zeros written out."""
        shape = checked_shape(self.parts.get("_shape", self.parts.get("shape")))
        if len(shape) != 2 or math.prod(shape) > MAX_DENSE_NUMBERS:
            raise _bad(f"{where} is a sparse matrix of shape {shape}")
        data = as_numbers(self.parts.get("data"), where)
        starts = as_numbers(self.parts.get("indptr"), where).astype(np.int64)
        minor = as_numbers(self.parts.get("indices"), where).astype(np.int64)
        lines, width = shape[self.major], shape[1 - self.major]
        if data.ndim != 1 or len(starts) != lines + 1 or data.shape != minor.shape or starts.ndim != 1:
            raise _bad(f"{where} is a sparse matrix whose parts do not fit together")
        lengths = np.diff(starts)
        if starts[0] != 0 or starts[-1] != len(data) or (lengths < 0).any():
            raise _bad(f"{where} is a sparse matrix with wrong row starts")
        if len(minor) and (minor.min() < 0 or minor.max() >= width):
            raise _bad(f"{where} is a sparse matrix with an index outside 0..{width - 1}")
        dense = np.zeros((lines, width))
        np.add.at(dense, (np.repeat(np.arange(lines), lengths), minor), data)
        return dense.T if self.major else dense


class SparseColumns(Sparse):
    """`csc_matrix`."""

    major = 1


class Function:
    """A stand-in for a function; unlike a real one it keeps nothing a pickle tries to store on it."""

    __slots__ = ("call",)

    def __init__(self, call: Callable[..., object]) -> None:
        self.call = call

    def __call__(self, *arguments: object) -> object:
        """What the function would return."""
        return self.call(*arguments)

    def __setstate__(self, state: object) -> None:
        """Refused."""
        raise EncodeError("forbidden-pickle", "the pickle tries to change a function")


def checked_shape(shape: object) -> tuple[int, ...]:
    """`shape` if it is a tuple of small non-negative integers."""
    if not isinstance(shape, tuple) or not all(type(n) is int and 0 <= n < 1 << 32 for n in shape):
        raise _bad(f"an array has the shape {shape!r:.80}")
    return shape


def array_from(data: object, dtype: object, shape: object, fortran: bool) -> NDArray[Any] | None:
    """The array that `data` holds; None for arrays of anything but numbers."""
    if not isinstance(dtype, Dtype) or dtype.dtype is None:
        return None
    sizes = checked_shape(shape)
    raw = data.encode("latin-1") if isinstance(data, str) else data
    if not isinstance(raw, bytes | bytearray) or len(raw) != math.prod(sizes) * dtype.dtype.itemsize:
        raise _bad(f"an array of shape {sizes} does not have the bytes it needs")
    return np.frombuffer(raw, dtype.dtype).reshape(sizes, order="F" if fortran else "C")


def _reconstruct(*_: object) -> Array:
    return Array()


def _from_buffer(data: object, dtype: object, shape: object, order: object = "C", *_: object) -> Array:
    array = Array()
    array.value = array_from(data, dtype, shape, order == "F")
    return array


def _scalar(dtype: object, data: object = b"") -> object:
    value = array_from(data, dtype, (), False)
    return None if value is None else value.item()


def _encode(text: object, encoding: object = "latin1") -> bytes:
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise EncodeError("forbidden-pickle", "the pickle calls codecs.encode with anything but latin-1 text")
    return text.encode("latin-1")


def _new_object(kind: object = None, *_: object) -> object:
    if kind not in (Array, Chumpy, Sparse, SparseColumns):
        raise EncodeError("forbidden-pickle", "the pickle makes an object of a class it may not")
    return kind()


def _allowed() -> dict[tuple[str, str], object]:
    """(module, name) → stand-in."""
    table: dict[tuple[str, str], object] = {
        ("numpy", "dtype"): Dtype,
        ("numpy", "ndarray"): Array,
        ("chumpy.ch", "Ch"): Chumpy,
        ("_codecs", "encode"): Function(_encode),
        ("copyreg", "_reconstructor"): Function(_new_object),
        ("builtins", "object"): Function(lambda *_: None),
    }
    for core in ("numpy.core", "numpy._core"):
        table[f"{core}.multiarray", "_reconstruct"] = Function(_reconstruct)
        table[f"{core}.multiarray", "scalar"] = Function(_scalar)
        table[f"{core}.numeric", "_frombuffer"] = Function(_from_buffer)
    for kind, stand_in in (("csc", SparseColumns), ("csr", Sparse)):
        for module in (f"scipy.sparse.{kind}", f"scipy.sparse._{kind}"):
            table[module, f"{kind}_matrix"] = table[module, f"{kind}_array"] = stand_in
    return table


class _Unpickler(pickle.Unpickler):
    table = _allowed()

    def find_class(self, module: str, name: str) -> object:
        found = self.table.get((module, name))
        if found is None:
            raise EncodeError("forbidden-pickle", f"the pickle names {module}.{name}, which is not allowed")
        return found


def scan(data: bytes) -> None:
    """Refuse opcodes that are not needed, too many of them, and memo slots far beyond them."""
    try:
        for number, (opcode, argument, position) in enumerate(pickletools.genops(data)):
            if number > MAX_OPCODES:
                raise _bad(f"the pickle has more than {MAX_OPCODES} opcodes")
            if opcode.name in FORBIDDEN_OPCODES:
                message = f"the pickle uses opcode {opcode.name} at byte {position}"
                raise EncodeError("forbidden-pickle", message)
            if "PUT" in opcode.name and isinstance(argument, int) and argument > MAX_OPCODES:
                raise _bad(f"the pickle uses memo slot {argument}")
    except (ValueError, IndexError, OverflowError, MemoryError) as error:
        raise _bad(f"not a readable pickle: {error}") from error


def load_pickle(data: bytes) -> object:
    """What the pickle holds, with stand-ins for its arrays; nothing it names is imported or called."""
    try:
        with warnings.catch_warnings():  # about odd escapes in strings
            warnings.simplefilter("ignore")
            scan(data)
            return _Unpickler(io.BytesIO(data), encoding="latin1").load()
    except EncodeError:
        raise
    except Exception as error:  # a hostile pickle makes its reader raise almost anything
        raise _bad(f"not a readable pickle: {error!r:.200}") from error


def as_numbers(value: object, where: str) -> NDArray[Any]:
    """The numeric array behind `value`: an array, a chumpy object or a sparse matrix."""
    for _ in range(4):
        if isinstance(value, Array | Chumpy):
            value = value.value
    if isinstance(value, Sparse):
        return value.dense(where)
    if not isinstance(value, np.ndarray):
        raise _bad(f"{where} is not an array of numbers")
    return value
