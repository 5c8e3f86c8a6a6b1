"""The few array operations that posing needs, the same for NumPy and torch.

What both spell alike (arithmetic, `@`, slicing, comparison, `sum(0)`) is used directly on the arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Array = Any
"""A NumPy array or a torch tensor."""


class ArrayNamespace(Protocol):
    """Arrays of one library on one device."""

    kernels: Any
    """`pavplayer.posing.kernels` where whole steps are to be done by it; None: by array operations."""

    def put(self, values: NDArray[Any]) -> Array:
        """A NumPy array of float32, float64, bool or int64 on the device, its type kept."""

    def take(self, table: Array, indices: Array) -> Array:
        """table[…, indices] for int64 indices that are known to be in range."""

    def sqrt(self, values: Array) -> Array:
        """Square roots."""

    def where(self, condition: Array, yes: Array, no: Array) -> Array:
        """Elements of `yes` where the condition holds, else of `no`."""

    def stack(self, arrays: Sequence[Array], axis: int = 0) -> Array:
        """Arrays of one shape along a new axis."""

    def concatenate(self, arrays: Sequence[Array], axis: int = 0) -> Array:
        """Arrays along an axis they have."""

    def single(self, values: Array) -> Array:
        """As float32."""

    def may_hold(self, condition: Array) -> bool:
        """False only if the condition is known to hold nowhere."""


class NumpyNamespace:
    """Arrays in main memory."""

    kernels: Any = None

    def put(self, values: NDArray[Any]) -> NDArray[Any]:  # noqa: D102
        return np.ascontiguousarray(values)

    def take(self, table: Array, indices: Array) -> Array:  # noqa: D102
        return np.take(table, indices, axis=-1, mode="clip")  # "clip" spares a copy; nothing is clipped

    def sqrt(self, values: Array) -> Array:  # noqa: D102
        return np.sqrt(values)

    def where(self, condition: Array, yes: Array, no: Array) -> Array:  # noqa: D102
        return np.where(condition, yes, no)

    def stack(self, arrays: Sequence[Array], axis: int = 0) -> Array:  # noqa: D102
        return np.stack(arrays, axis)

    def concatenate(self, arrays: Sequence[Array], axis: int = 0) -> Array:  # noqa: D102
        return np.concatenate(arrays, axis)

    def single(self, values: Array) -> Array:  # noqa: D102
        return values.astype(np.float32, copy=False)

    def may_hold(self, condition: Array) -> bool:  # noqa: D102
        return bool(condition.any())


class CompiledNamespace(NumpyNamespace):
    """Arrays in main memory, and numba for what is done with many of them."""

    def __init__(self) -> None:
        from pavplayer.posing import kernels as posing_kernels

        self.kernels = posing_kernels

    def put(self, values: NDArray[Any]) -> NDArray[Any]:
        """As it is, but for indices, which are int32 in half the room."""
        return np.ascontiguousarray(values, np.int32 if values.dtype == np.int64 else None)


class TorchNamespace:
    """Tensors on a device."""

    kernels: Any = None

    def __init__(self, device: str | None = None) -> None:
        import torch

        self.torch = torch
        self.device = torch.device("cpu" if device is None else device)

    def put(self, values: NDArray[Any]) -> Array:  # noqa: D102
        return self.torch.from_numpy(np.array(values, order="C")).to(self.device)

    def take(self, table: Array, indices: Array) -> Array:  # noqa: D102
        return table[..., indices]

    def sqrt(self, values: Array) -> Array:  # noqa: D102
        return self.torch.sqrt(values)

    def where(self, condition: Array, yes: Array, no: Array) -> Array:  # noqa: D102
        return self.torch.where(condition, yes, no)

    def stack(self, arrays: Sequence[Array], axis: int = 0) -> Array:  # noqa: D102
        return self.torch.stack(list(arrays), dim=axis)

    def concatenate(self, arrays: Sequence[Array], axis: int = 0) -> Array:  # noqa: D102
        return self.torch.cat(list(arrays), dim=axis)

    def single(self, values: Array) -> Array:  # noqa: D102
        return values.to(self.torch.float32)

    def may_hold(self, condition: Array) -> bool:  # noqa: D102
        return True  # to know, the device would have to be waited for


Library = Literal["numpy", "compiled", "torch"]
"""What works on the arrays: NumPy, NumPy with numba's kernels (the fastest on a CPU), or torch."""


def open_namespace(name: Library, device: str | None = None) -> ArrayNamespace:
    """The namespace of a library; `device` is torch's name for one ("cuda", "cpu")."""
    if name == "torch":
        return TorchNamespace(device)
    if name not in ("numpy", "compiled"):
        raise ValueError(f"arrays are 'numpy', 'compiled' or 'torch', not {name!r}")
    if device not in (None, "cpu"):
        raise ValueError(f"NumPy has no device {device!r}")
    return NumpyNamespace() if name == "numpy" else CompiledNamespace()
