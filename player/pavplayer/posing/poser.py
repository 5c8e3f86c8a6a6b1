"""Posing for playback: `pavfmt.posing` with everything that does not move worked out once."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

import numpy as np
from numpy.typing import NDArray

from pavfmt.arrays import Float32Array
from pavfmt.model import Avatar, Pose
from pavfmt.posing import STATIC_RIG
from pavfmt.registry import Binding, ShFrame
from pavplayer.posing.bindings import FaceFrameBinding, Part, SurfacePointBinding, local_arrays
from pavplayer.posing.cloud import PosedCloud
from pavplayer.posing.skinned_mesh import Mesh, row_indices


class Poser:
    """Poses one avatar again and again."""

    def __init__(
        self,
        avatar: Avatar,
        order: NDArray[np.integer] | None = None,
        sh: Float32Array | None = None,
    ) -> None:
        """`order` lists the Gaussians to give out, numbered level after level; None: all of them.

        `sh`, (N, 1 + K, 3), are their coefficients in that order if they are not the avatar's; they are held
        without a copy.
        """
        self.mesh = Mesh(avatar.rig or STATIC_RIG, avatar.identity, avatar.levels)
        gaussians = local_arrays(avatar.levels)
        if order is not None:
            gaussians = gaussians.take(np.asarray(order))
        in_frame = np.array([level.binding is Binding.FACE_FRAME for level in avatar.levels])
        rows, others = (np.flatnonzero(in_frame[gaussians.levels] == kind) for kind in (True, False))
        local = np.array([level.sh_frame is ShFrame.LOCAL for level in avatar.levels])
        with_rotations = bool(local.any())
        self._faces = FaceFrameBinding(self.mesh, gaussians.take(rows), with_rotations) if len(rows) else None
        self._points = None
        if len(others) or not len(rows):
            self._points = SurfacePointBinding(
                self.mesh, gaussians.take(others), avatar.levels, with_rotations
            )
        self._rows = None  # where those in face frames come, if there are others
        self._places = None  # and where the two parts' Gaussians go
        if len(rows) and len(others):
            self._rows = rows
            self._places = row_indices(np.argsort(np.concatenate([rows, others]), kind="stable"))
        self._sh_local = local[gaussians.levels] if with_rotations else None
        self._opacities = np.ascontiguousarray(gaussians.opacities)
        self._sh = np.ascontiguousarray(gaussians.sh if sh is None else sh)
        self.mesh.forget_levels()

    def __len__(self) -> int:
        """How many Gaussians it gives out."""
        return len(self._opacities)

    def leading(self, count: int) -> Poser:
        """A poser of the first `count` Gaussians of this one's order: it shares the arrays and poses no others."""
        part = copy(self)
        in_frame = count if self._points is None else 0
        if self._rows is not None and self._places is not None:
            in_frame, places = int(np.searchsorted(self._rows, count)), self._places[:count]
            part._places = places - (len(self._rows) - in_frame) * (places >= len(self._rows))
            part._rows = self._rows[:in_frame]
        if self._faces is not None:
            part._faces = self._faces.leading(in_frame)
        if self._points is not None:
            part._points = self._points.leading(count - in_frame)
        if self._sh_local is not None:
            part._sh_local = self._sh_local[:count]
        part._opacities, part._sh = self._opacities[:count], self._sh[:count]
        return part

    def frame(self, pose: Pose) -> PosedCloud:
        """The avatar's Gaussians in a pose. Opacities and SH are the same arrays every time."""
        skeleton = self.mesh.skeleton(pose)
        rest = self.mesh.rest(pose.weights, skeleton)
        parts = []
        if self._faces is not None:
            parts.append(self._faces.posed(self.mesh.with_splits(self.mesh.skinned(rest, skeleton))))
        if self._points is not None:
            extended = self.mesh.with_splits(rest)
            parts.append(self._points.posed(np.concatenate([extended, np.zeros((3, 1))], axis=1), skeleton))
        means, quats, scales, rotations = parts[0] if len(parts) == 1 else self._joined(parts)
        return PosedCloud(means, quats, scales, self._opacities, self._sh, self._sh_frames(rotations))

    def _joined(self, parts: Sequence[Part]) -> Part:
        """Both bindings' Gaussians as one, in the order asked for."""
        assert self._places is not None
        means, quats, scales, rotations = zip(*parts, strict=True)
        rows = [np.concatenate(part)[self._places] for part in (means, quats, scales)]
        turn = np.concatenate(rotations, axis=1)
        if self._sh_local is not None:
            turn = turn[:, self._places]
        return rows[0], rows[1], rows[2], turn

    def _sh_frames(self, rotations: Float32Array) -> Float32Array | None:
        """(N, 4): the bindings' rotations where SH are in local axes and no rotation elsewhere."""
        if self._sh_local is None:
            return None
        still = np.array([[1.0], [0.0], [0.0], [0.0]], np.float32)
        chosen = np.where(self._sh_local, rotations, still)
        return np.stack([chosen[0], chosen[1], chosen[2], chosen[3]], axis=1)
