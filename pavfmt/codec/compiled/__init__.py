"""Compiled twins of the codec's hot loops: the same bits as the NumPy code gives without them, several times faster.

How it works. `twins` is the module of twins, or None. Each of the few functions that have one asks it first; a twin
returns None where anything is wrong with what it was given, and then the NumPy code is run and says what: errors are
told in one place, so code and offset cannot differ.

When. Importing numba and loading compiled code takes most of a second, and seconds more the first time on a machine,
when it is compiled and kept beside this file. So numba is loaded once a process is to decode as many Gaussians as
make that worth while (`expect`), or has loaded it anyway, as the player does (`load`). Importing pavfmt never does.

PAV_COMPILED=0 in the environment, or `with switched(False)`, keeps to NumPy.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType

WORTH_LOADING = 1 << 16
"""Gaussians that take NumPy about as long as loading the twins does."""

twins: ModuleType | None = None
"""`pavfmt.codec.compiled.twins` once it is loaded and wanted."""
_is_wanted = os.environ.get("PAV_COMPILED", "1") != "0"
_expected = 0


def expect(gaussian_count: int) -> None:
    """So many Gaussians are about to be decoded: load the twins if it is worth while by now."""
    global _expected
    _expected += gaussian_count
    if twins is None and (_expected >= WORTH_LOADING or "numba" in sys.modules):
        load()


def load() -> bool:
    """Use the twins from now on; False where numba is missing or cannot keep what it compiles, or they are unwanted."""
    global twins
    if _is_wanted and twins is None:
        try:
            twins = import_module("pavfmt.codec.compiled.twins")
        except (ImportError, RuntimeError):  # the latter is numba's, where it finds no folder to write to
            return False
    return twins is not None


@contextmanager
def switched(on: bool) -> Iterator[None]:
    """With the twins, loaded at once, or without them, whatever was so before."""
    global twins, _is_wanted
    before = twins, _is_wanted
    twins, _is_wanted = None, on
    try:
        if on and not load():
            raise ImportError("the compiled codec needs numba")
        yield
    finally:
        twins, _is_wanted = before
