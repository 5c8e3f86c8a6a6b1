"""numba's decorators with the options used here, and with types: a compiled function keeps its signature.

All compile at the first call and are cached on disk, beside each module or, where that cannot be written, in
the user's cache. numba renews the cache when that module's file changes, but not when a number that it imports
from another module does: after changing `rules`, delete `__pycache__`. Division by zero gives infinity.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

Function = TypeVar("Function", bound=Callable[..., Any])
Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]
Int32Array = NDArray[np.int32]
Int64Array = NDArray[np.int64]

prange = numba.prange


def compiled(function: Function) -> Function:
    """Compiled as written: every operation rounds on its own."""
    return cast(Function, numba.njit(cache=True, error_model="numpy")(function))


def contracted(function: Function) -> Function:
    """Compiled with a·b + c fused where the machine can: the same for any number of threads."""
    return cast(Function, numba.njit(cache=True, error_model="numpy", fastmath={"contract"})(function))


def inlined(function: Function) -> Function:
    """Written out into the compiled function that calls it, so that its loops become vector code."""
    return cast(Function, numba.njit(inline="always")(function))


def parallel(function: Function) -> Function:
    """Compiled, with the turns of each `prange` loop shared out over threads."""
    return cast(Function, numba.njit(parallel=True, cache=True, error_model="numpy")(function))
