"""Decoding compiled: the same numbers as `pavfmt` gives without it, an order faster."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pavfmt.connectivity import Connectivity, Heard
from pavfmt.model import Float32Array, Int32Array
from pavfmt.neighbourhood import Neighbourhood
from pavfmt.quantization import StepGrids
from pavplayer.decoding import mesh, neighbours, rice
from pavplayer.decoding.values import show

Int64Array = NDArray[np.int64]


class CompiledKernels:
    """`pavfmt.kernels.Kernels` by numba."""

    def heard(self, connectivity: Connectivity, face_count: int, vertex_count: int) -> Heard | None:
        """As `pavfmt.connectivity.hear`; None where that one refuses."""
        return mesh.heard(connectivity, face_count, vertex_count)

    def predicted(self, left: NDArray[np.uint16], guides: Int32Array) -> NDArray[np.uint16]:
        """As `pavfmt.connectivity.predicted`."""
        found: NDArray[np.uint16] = mesh.predicted(left, guides)
        return found

    def neighbourhood(self, places: Int64Array) -> Neighbourhood:
        """As `pavfmt.neighbourhood.neighbourhood`."""
        return neighbours.neighbourhood(places)

    def rice_values(
        self,
        quotients: bytes,
        remainders: bytes,
        rows: NDArray[np.bool_],
        models: Int64Array,
        neighbourhood: Neighbourhood,
        shifts: Int64Array | None,
    ) -> Int32Array | None:
        """As `pavfmt.residuals.rice_values`; None where that one refuses."""
        return rice.rice_values(quotients, remainders, rows, models, neighbourhood, shifts)

    def show(
        self, grids: StepGrids, steps: Int32Array, first: int, values: Float32Array, first_value: int
    ) -> bool:
        """As `pavfmt.kernels.Kernels.show`."""
        return show(grids, steps, first, values, first_value)
