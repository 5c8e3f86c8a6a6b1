"""What a prefix is compared with: the avatar before encoding, or a complete file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pavfmt.arrays import Float32Array
from pavfmt.fileio import read_bytes
from pavfmt.importers import ImportOptions, read_avatar
from pavfmt.model import Avatar, Pose
from pavplayer.camera import Camera
from pavplayer.evaluation.views import Pictures
from pavplayer.posing.poser import Poser
from pavplayer.rasterizers import GaussianCloud, Rasterizer
from pavplayer.session import Session


@dataclass(frozen=True)
class Reference:
    """Gaussians in any pose, and where a camera looks for them."""

    name: str
    """As one says "PSNR against …"."""
    cloud: Callable[[Pose], GaussianCloud]
    framed: Float32Array
    """(N, 3) metres: points whose bounding box the camera looks at."""
    avatar: Avatar
    """Its rig, which says where eyes and mouth are, and its Gaussians."""

    def draw(self, rasterizer: Rasterizer, expressions: Mapping[str, Pose], camera: Camera) -> Pictures:
        """Every expression from one place, on white."""
        return {name: rasterizer.render(self.cloud(pose), camera) for name, pose in expressions.items()}


def file_reference(session: Session, name: str = "the complete file") -> Reference:
    """What a session shows; raises RuntimeError while that is nothing."""
    if not session.scene.is_visible:
        raise RuntimeError(f"{name}: {session.received_bytes:,} bytes hold nothing to draw yet")

    def cloud(pose: Pose) -> GaussianCloud:
        posed = session.posed(pose)
        assert posed is not None  # it is visible
        return posed

    snapshot = session.scene.snapshot()
    assert snapshot is not None
    return Reference(name, cloud, session.framed_points(), snapshot.avatar)


def avatar_reference(avatar: Avatar, fallback: Float32Array) -> Reference:
    """The avatar before encoding; `fallback` is framed where it has no mesh."""
    framed = fallback
    if avatar.rig is not None:
        framed = avatar.identity.neutral if avatar.identity else avatar.rig.mean_neutral
    return Reference("what it was encoded from", Poser(avatar).frame, framed, avatar)


def reference_for(
    source: str | None,
    whole: Session,
    open_file: Callable[[bytes], Session],
    flame: str | None = None,
) -> Reference:
    """A checkpoint or another .pav; None: the whole file itself. `open_file` makes a session of a .pav."""
    if source is None:
        return file_reference(whole)
    if Path(source).suffix == ".pav":
        return file_reference(open_file(read_bytes(source)), Path(source).name)
    return avatar_reference(read_avatar(source, ImportOptions(flame)), whole.framed_points())
