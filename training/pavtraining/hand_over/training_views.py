"""Training views made ready: the originals projected once, and the frames that a base hangs on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pavfmt.model import Avatar
from pavplayer.camera import Camera
from pavplayer.posing.cloud import PosedCloud
from pavplayer.posing.poser import Poser
from pavplayer.posing.tensor_frames import Frames, PosedSurface, WorldCloud, surface_frames
from pavplayer.posing.tensor_poser import AvatarBinding, TensorMesh
from pavtraining.rendering.blending import blend
from pavtraining.rendering.compiled_projection import is_possible, project_and_light
from pavtraining.rendering.cpu import plain_project_and_light
from pavtraining.rendering.projection import Projected
from pavtraining.sources.teacher import Teacher
from pavtraining.sources.view import Size, View


@dataclass(frozen=True)
class Splats:
    """N Gaussians on the picture plane, ready to be blended."""

    centres: Projected
    """Centres, inverse covariances and depths."""
    opacities: Tensor
    """(N,)."""
    colours: Tensor
    """(N, 3)."""

    def take(self, rows: Tensor) -> Splats:
        """Those at `rows`."""
        centres = Projected(**{name: part[rows] for name, part in vars(self.centres).items()})
        return Splats(centres, self.opacities[rows], self.colours[rows])


def joined(one: Splats, other: Splats) -> Splats:
    """Both; of equal depth, the first are in front."""
    parts = vars(one.centres).items()
    centres = Projected(**{name: torch.cat([part, getattr(other.centres, name)]) for name, part in parts})
    return Splats(
        centres, torch.cat([one.opacities, other.opacities]), torch.cat([one.colours, other.colours])
    )


def projected(cloud: WorldCloud, camera: Camera) -> Splats:
    """Gaussians in world space as a view's camera sees them."""
    projection = project_and_light if is_possible(cloud) else plain_project_and_light
    centres, lit = projection(cloud, camera)
    return Splats(centres, cloud.opacities, lit)


@dataclass(frozen=True)
class TrainingView:
    """One view of the teacher."""

    truth: View
    """Its camera, its pose and the picture that the teacher gives."""
    target: Tensor
    """(H, W, 3) display sRGB."""
    originals: Splats
    """The flat avatar's Gaussians."""
    own_frames: Frames
    """Of those Gaussians, one each; float32."""
    sh_is_local: bool
    """Whether their colours turn with them."""
    frames: Frames
    """Of what a base may hang on: the base mesh's vertices, or joint 0 where there is no mesh; float32."""
    background: float

    def picture(self, splats: Splats) -> Tensor:
        """(H, W, 3), not clipped."""
        size = (self.truth.camera.width, self.truth.camera.height)
        light, through, _ = blend(splats.centres, splats.opacities, splats.colours, size)
        return light + through[..., None] * self.background

    def errors(self, splats: Splats) -> Tensor:
        """(H, W) squared errors of the clipped picture, mean over channels."""
        return (self.picture(splats).clamp(0, 1) - self.target).square().mean(dim=-1)


class TrainingViewMaker:
    """Takes views of one teacher, with the Gaussians of one flat avatar on its rig."""

    def __init__(self, teacher: Teacher, avatar: Avatar) -> None:
        self.teacher = teacher
        self._surface = TensorMesh(teacher.rig, teacher.identity)
        self._binding = AvatarBinding(avatar, self._surface)
        self._poser = Poser(avatar)

    def view(self, truth: View) -> TrainingView:
        """A view made ready."""
        originals = projected(_as_tensors(self._poser.frame(truth.pose)), truth.camera)
        posed = self._surface.posed(truth.pose)
        return TrainingView(
            truth,
            torch.from_numpy(truth.picture.copy()),
            originals,
            self._binding.frames(posed)[0].to(torch.float32),
            self._binding.levels[0].sh_is_local,
            self._frames(posed).to(torch.float32),
            self.teacher.background,
        )

    def _frames(self, posed: PosedSurface) -> Frames:
        count = len(self._surface.neutral)
        if not count:
            return surface_frames(torch.zeros(1, 3).double(), torch.ones(1, 1).double(), posed)
        return surface_frames(posed.rest[:count], self._surface.weights[:count], posed)

    def views(
        self, count: int, size: Size, first: int = 0, progress: Callable[[float], None] | None = None
    ) -> list[TrainingView]:
        """Training views `first`, `first` + 1, …"""
        made = []
        for number in range(count):
            made.append(self.view(self.teacher.training_view(first + number, size)))
            if progress is not None:
                progress((number + 1) / count)
        return made


def _as_tensors(cloud: PosedCloud) -> WorldCloud:
    columns = {name: part for name, part in vars(cloud).items() if part is not None}
    return WorldCloud(**{name: torch.from_numpy(np.array(part)) for name, part in columns.items()})
