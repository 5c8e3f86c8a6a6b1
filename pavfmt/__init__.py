"""`.pav`: animatable 3D Gaussian head avatars, in files of which every prefix draws.

A file is a sequence of *units* (FORMAT.md §4): a rig with blendshapes, then Gaussians bound to its faces level by
level, most important first, with the shapes between them. The *scene* is a function of the units that are there, in
whatever order they came, so that a file cut anywhere is a file too.

Reading, of a whole file or of its first bytes:

    import pathlib, pavfmt

    data = pathlib.Path("head.pav").read_bytes()
    scene = pavfmt.decode(data[:40_000])
    print(scene.gaussian_count, scene.is_animatable)
    avatar = scene.snapshot().avatar
    posed = pavfmt.pose_avatar(avatar, pavfmt.Pose({"jawOpen": 0.6}))
    print(posed.means.shape, posed.quats.shape)  # in world space, for any renderer

Reading while bytes come, from wherever; the decoder opens nothing:

    decoder = pavfmt.Decoder()
    for start in range(0, len(data), 16_384):
        decoder.feed(data[start : start + 16_384])
        for event in decoder.events():
            print(event.offset, type(event).__name__)

Writing. An `Avatar` is what importers read, or what you make of arrays:

    from pavfmt.importers import read_avatar

    avatar = read_avatar("lam-export.zip")
    pathlib.Path("head.pav").write_bytes(pavfmt.encode(avatar))

Inspecting, verifying and cutting:

    report = pavfmt.inspect(data)
    print(report.bytes_until_visible, report.bytes_until_animatable, report.bytes_by_section)
    for finding in pavfmt.verify(data):
        print(finding.severity, finding.code, finding.offset, finding.message)
    small = data[: pavfmt.bytes_of_percent(len(data), 25)]

Conventions: metres, +Y up, the face looks toward +Z; quaternions are (w, x, y, z); gsplat's names for Gaussians
(`means quats scales opacities sh0 shN`). Every error is a `PavError` with a code from FORMAT.md §11: `FormatError`
(the file is at fault), `UnsupportedError` (a newer reader is needed), `LimitError` (a limit is), `EncodeError` (what
was to be written is).

Needs NumPy and zstandard alone; with numba installed, decoding is faster and gives the same bits. FORMAT.md is the
normative text, and § in docstrings are its sections.
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
