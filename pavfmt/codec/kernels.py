"""Compiled stand-ins for the slow parts of decoding, for whoever has a compiler at hand.

They give the same numbers as `pavfmt.codec.mesh`, `pavfmt.codec.prediction`, `pavfmt.codec.blocks` and
`pavfmt.units.gaussians`, or None: then those are asked, and say what is wrong.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pavfmt.codec.mesh import Connectivity, Heard
from pavfmt.codec.prediction import Neighbourhood
from pavfmt.codec.quantization import StepGrids
from pavfmt.model import Float32Array, Int32Array

Int64Array = NDArray[np.int64]


class Kernels(Protocol):
    """What a decoder may be given."""

    def heard(self, connectivity: Connectivity, face_count: int, vertex_count: int) -> Heard | None:
        """As `pavfmt.codec.mesh.hear`; None where that one refuses."""

    def predicted(self, left: NDArray[np.uint16], guides: Int32Array) -> NDArray[np.uint16]:
        """As `pavfmt.codec.mesh.predicted`."""

    def neighbourhood(self, places: Int64Array) -> Neighbourhood:
        """As `pavfmt.codec.prediction.neighbourhood`."""

    def rice_values(
        self,
        quotients: bytes,
        remainders: bytes,
        rows: NDArray[np.bool_],
        models: Int64Array,
        neighbourhood: Neighbourhood,
        shifts: Int64Array | None,
    ) -> Int32Array | None:
        """The values (n, C) of a Rice block in file order; None where anything is wrong with it.

        `models` is (C, 4): first, predicted, scale and floor of each column's model; `rows` (n,) says which turns
        have residuals; values are multiples of 2^`shifts` (n, C), None: of 1.
        """

    def show(
        self, grids: StepGrids, steps: Int32Array, first: int, values: Float32Array, first_value: int
    ) -> bool:
        """Fill in the float32 values of an attribute; False where anything is not on its grid.

        Its columns begin at column `first` of `steps` (n, C), and at `first_value` of `values` (n, V), both
        C-contiguous. Quaternions and barycentrics take one more of these than of those.
        """
