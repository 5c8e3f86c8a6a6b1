"""`.pav`: animatable Gaussian head avatars that draw from any byte prefix.

    scene = pavfmt.decode(data[:40_000])     # any prefix
    scene.arrays().means

Reading and writing need only NumPy and zstandard. FORMAT.md is the normative text.
"""

from __future__ import annotations

from pavfmt.decoding.decoder import Decoder, decode
from pavfmt.decoding.scene import Scene
from pavfmt.encoder import EncodeOptions, encode
from pavfmt.errors import EncodeError, FormatError, LimitError, PavError, UnsupportedError
from pavfmt.limits import Limits
from pavfmt.model import Avatar, Gaussians, Identity, Level, Pose, PoseCorrectives, Rig, Shape, Splits, Track
from pavfmt.posing import PosedGaussians, pose_avatar
from pavfmt.registry import Binding, ShFrame, Site
from pavfmt.tools.cut import bytes_of_percent, unit_ends
from pavfmt.tools.inspect import inspect
from pavfmt.tools.verify import verify
from pavfmt.version import __version__

__all__ = [
    "Avatar",
    "Binding",
    "Decoder",
    "EncodeError",
    "EncodeOptions",
    "FormatError",
    "Gaussians",
    "Identity",
    "Level",
    "LimitError",
    "Limits",
    "PavError",
    "Pose",
    "PoseCorrectives",
    "PosedGaussians",
    "Rig",
    "Scene",
    "ShFrame",
    "Shape",
    "Site",
    "Splits",
    "Track",
    "UnsupportedError",
    "__version__",
    "bytes_of_percent",
    "decode",
    "encode",
    "inspect",
    "pose_avatar",
    "unit_ends",
    "verify",
]
