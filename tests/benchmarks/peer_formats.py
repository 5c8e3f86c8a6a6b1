"""Posed Gaussians as 3DGS's PLY, and through it as SPZ and SOG, and back.

SPZ and SOG are written and read by `gaussforge`, pinned in the extra [bench]. Its `convert` goes from bytes to
bytes, so PLY stands on the other side of both ways.
"""

from __future__ import annotations

import gzip
import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal

import numpy as np

from pavfmt.importers.files.ply import read_ply
from pavfmt.importers.gaussian_ply import sigmoid
from pavfmt.posing import PosedGaussians

LOGIT_LIMIT = 16.0
"""Opacities of exactly 0 and 1 are written as this far out."""
MORTON_BITS = 12
PHASES = 4
MAGNITUDES = (0.5, 1.0, 2.0, 8.0, 32.0, 100.0)
"""SPZ's grids are fixed: 1/4096 for positions, 1/16 for log scales, whatever the unit of length. A head in metres
may be written larger, and by a few percent more, so that the log scales that many Gaussians share fall on the grid."""
PLACEMENTS = PHASES * len(MAGNITUDES)


Kind = Literal["ply.gz", "spz", "sog"]


class PeerMissingError(RuntimeError):
    """gaussforge is not installed."""


class PeerRefusedError(ValueError):
    """The peer's reader or writer reported an error."""


@dataclass(frozen=True)
class Placement:
    """A similarity that Gaussians are written under and that is undone after reading."""

    scale: float = 1.0
    centre: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Metres: this point becomes the origin."""

    def placed(self, cloud: PosedGaussians) -> PosedGaussians:
        """What is written."""
        means = (cloud.means - np.array(self.centre)) * self.scale
        return replace(cloud, means=means, scales=cloud.scales * self.scale)

    def undone(self, cloud: PosedGaussians) -> PosedGaussians:
        """What was meant."""
        means = cloud.means / self.scale + np.array(self.centre)
        return replace(cloud, means=means, scales=cloud.scales / self.scale)


@dataclass(frozen=True)
class PeerFormat:
    """One way to write posed Gaussians into one file."""

    name: str
    kind: Kind
    placement: Placement = Placement()

    def encode(self, cloud: PosedGaussians) -> bytes:
        """The file."""
        ply = ply_of(self.placement.placed(cloud))
        return gzip.compress(ply, 9, mtime=0) if self.kind == "ply.gz" else _convert(ply, "ply", self.kind)

    def decode(self, data: bytes) -> PosedGaussians:
        """The Gaussians in it, in whatever order it keeps them; raises on an error that the reader finds."""
        ply = gzip.decompress(data) if self.kind == "ply.gz" else _convert(data, self.kind, "ply")
        return self.placement.undone(cloud_of(ply))


GZIP_PLY = PeerFormat("gzip'd PLY", "ply.gz")
SPZ = PeerFormat("SPZ v4", "spz")
SOG = PeerFormat("SOG v2", "sog")
"""Its codebooks follow the data: no placement changes anything."""


def _names(band_coefficients: int) -> list[str]:
    """The properties of a 3DGS PLY."""
    rest = [f"f_rest_{index}" for index in range(3 * band_coefficients)]
    head = ["x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2"]
    return [*head, *rest, "opacity", "scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3"]


def ply_of(cloud: PosedGaussians) -> bytes:
    """A 3DGS PLY: float32, logit opacity, ln scale, (w, x, y, z), `f_rest` channel by channel."""
    if cloud.sh_quats is not None:
        raise ValueError("SH in local axes cannot be given to formats without frames")
    count = len(cloud.means)
    with np.errstate(divide="ignore"):
        logits = np.log(cloud.opacities) - np.log1p(-cloud.opacities)
    parts = [
        cloud.means,
        np.zeros((count, 3)),
        cloud.sh[:, 0],
        cloud.sh[:, 1:].transpose(0, 2, 1).reshape(count, -1),
        np.clip(logits, -LOGIT_LIMIT, LOGIT_LIMIT)[:, None],
        np.log(np.maximum(cloud.scales, 1e-30)),
        cloud.quats,
    ]
    lines = ["ply", "format binary_little_endian 1.0", f"element vertex {count}"]
    lines += [f"property float {name}" for name in _names(cloud.sh.shape[1] - 1)]
    header = "\n".join([*lines, "end_header", ""]).encode()
    return header + np.concatenate(parts, axis=1).astype("<f4").tobytes()


def cloud_of(ply: bytes) -> PosedGaussians:
    """The Gaussians of a 3DGS PLY."""
    table = read_ply(ply, "peer")["vertex"]
    rest = sum(name.startswith("f_rest_") for name in table.dtype.names or ())

    def columns(*names: str) -> np.ndarray:
        limit = 1e6  # an opacity of 0 comes back as a logit of −∞
        return np.stack([np.clip(table[name].astype(np.float64), -limit, limit) for name in names], axis=1)

    sh0 = columns("f_dc_0", "f_dc_1", "f_dc_2")[:, None]
    bands = np.zeros((len(table), 0, 3))
    if rest:
        flat = columns(*(f"f_rest_{index}" for index in range(rest)))
        bands = flat.reshape(len(table), 3, -1).transpose(0, 2, 1)
    return PosedGaussians(
        columns("x", "y", "z"),
        columns("rot_0", "rot_1", "rot_2", "rot_3"),
        np.exp(columns("scale_0", "scale_1", "scale_2")),
        sigmoid(columns("opacity")[:, 0]),
        np.concatenate([sh0, bands], axis=1),
    )


def in_morton_order(cloud: PosedGaussians) -> PosedGaussians:
    """Neighbours in space beside each other, which is kind to SPZ's entropy stage."""
    low, span = cloud.means.min(axis=0), np.ptp(cloud.means, axis=0).max()
    cells = ((cloud.means - low) / max(span, 1e-30) * (2**MORTON_BITS - 1)).astype(np.int64)
    codes = np.zeros(len(cells), np.int64)
    for bit in range(MORTON_BITS):
        for axis in range(3):
            codes |= (cells[:, axis] >> bit & 1) << (3 * bit + axis)
    rows = np.argsort(codes, kind="stable")
    return PosedGaussians(
        *(getattr(cloud, name)[rows] for name in ("means", "quats", "scales", "opacities", "sh"))
    )


def placements(cloud: PosedGaussians) -> Iterator[Placement]:
    """Those worth trying for SPZ."""
    middle = (cloud.means.min(axis=0) + cloud.means.max(axis=0)) / 2
    x, y, z = middle.tolist()
    for magnitude in MAGNITUDES:
        for phase in range(PHASES):
            yield Placement(magnitude * float(np.exp(phase / (16 * PHASES))), (x, y, z))


@cache
def _converter() -> Any:
    if importlib.util.find_spec("gaussforge") is None:
        raise PeerMissingError("gaussforge is not installed (pip install 'pavfmt[bench]')")
    import gaussforge

    return gaussforge.GaussForge()


def peer_version() -> str:
    """gaussforge's; raises PeerMissingError."""
    return str(_converter().get_version())


def _convert(data: bytes, source: str, target: str) -> bytes:
    with _native_output_dropped():
        answer = _converter().convert(data, source, target, spz_version=4)
    if "error" in answer:
        raise PeerRefusedError(answer["error"])
    return bytes(answer["data"])


@contextmanager
def _native_output_dropped() -> Iterator[None]:
    """The library prints notes of its own; those of Python are flushed before."""
    sys.stdout.flush(), sys.stderr.flush()
    kept = [os.dup(1), os.dup(2)]
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), 1), os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        for number, handle in enumerate(kept, 1):
            os.dup2(handle, number)
            os.close(handle)
