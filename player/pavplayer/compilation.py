"""numba's decorators with the options used here, and with types: a compiled function keeps its signature.

All compile at the first call and are cached on disk, beside each module or, where that cannot be written, in
the user's cache. numba renews the cache when that module's file changes, but not when a number that it imports
from another module does: after changing `rules`, delete `__pycache__`. Division by zero gives infinity.

Threads that have nothing to do sleep. OpenMP would keep them spinning for a while, which is faster where nobody
else wants the cores and halves the speed where a browser does.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar, cast

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # read when numba starts its threads

import numba
import numpy as np
from numba.core import types
from numba.extending import intrinsic
from numpy.typing import NDArray

Function = TypeVar("Function", bound=Callable[..., Any])
Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]
Int32Array = NDArray[np.int32]
Int64Array = NDArray[np.int64]
UInt16Array = NDArray[np.uint16]
UInt32Array = NDArray[np.uint32]

prange = numba.prange
thread_count = numba.get_num_threads
"""Asked for outside of compiled functions: asking inside would keep them from being cached."""


def _next_turn(typing_context: Any, counter: Any) -> Any:
    """The number in an int64 array of one, which goes up by one: each number comes to one thread only.

    Threads that ask for their next piece of work share it out evenly, whatever a piece costs and however much
    of the machine each of them gets.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        one = context.get_constant(types.int64, 1)
        return builder.atomic_rmw("add", array.data, one, "monotonic")

    return types.int64(counter), generate


next_turn = cast(Callable[[Int64Array], int], intrinsic(_next_turn))


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
