"""Decoding compiled: the same numbers as `pavfmt` gives without it, an order faster."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pavfmt.codec.compiled import mesh, rice
from pavfmt.codec.compiled import prediction as neighbours
from pavfmt.codec.compiled.attributes import show
from pavfmt.codec.mesh import Connectivity, Heard
from pavfmt.codec.prediction import Neighbourhood
from pavfmt.codec.quantization import StepGrids
from pavfmt.model import Float32Array, Int32Array

Int64Array = NDArray[np.int64]


class CompiledKernels:
    """`pavfmt.codec.kernels.Kernels` by numba."""

    def heard(self, connectivity: Connectivity, face_count: int, vertex_count: int) -> Heard | None:
        """As `pavfmt.codec.mesh.hear`; None where that one refuses."""
        return mesh.heard(connectivity, face_count, vertex_count)

    def predicted(self, left: NDArray[np.uint16], guides: Int32Array) -> NDArray[np.uint16]:
        """As `pavfmt.codec.mesh.predicted`."""
        found: NDArray[np.uint16] = mesh.predicted(left, guides)
        return found

    def neighbourhood(self, places: Int64Array) -> Neighbourhood:
        """As `pavfmt.codec.prediction.neighbourhood`."""
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
        """As `pavfmt.codec.blocks.rice_values`; None where that one refuses."""
        return rice.rice_values(quotients, remainders, rows, models, neighbourhood, shifts)

    def show(
        self, grids: StepGrids, steps: Int32Array, first: int, values: Float32Array, first_value: int
    ) -> bool:
        """As `pavfmt.codec.kernels.Kernels.show`."""
        return show(grids, steps, first, values, first_value)
