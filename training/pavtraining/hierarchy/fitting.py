"""Fitting a hierarchy of Gaussians to a source, in the manner of ProgressiveAvatars (its section 3).

**How it works.** Level 0 puts a Gaussian on every face that a training view sees (`initialization`). A step takes
the next training view, draws all Gaussians and beside them a random prefix of them in the order in which a file
would bring them (`prefixes`), and lets Adam follow

    (1 − w) · loss(whole) + w · loss(prefix) + what it costs to leave one's face or outgrow it,

w being `prefix_weight`. Between two shares of the run faces split where the pictures pull hardest (`growth`). In the
last phase all that is drawn has gone through the codec's rounding (`pavtraining.fake_quantization`).

**Why so.** Fitted for the whole only, coarse Gaussians rely on the fine ones that will lie over them: a prefix has
holes and wrong colours. A prefix that is itself compared with the truth has to be a head. Which prefix is drawn anew
at every step, as Matryoshka representation learning does with leading dimensions: ends of stages, because there a
file may pause for long, and random byte budgets, because it may stop anywhere. That costs the whole a little; the
last steps, in which only the whole counts (`whole_from`), take some of it back by means of the Gaussians that come
last.

Of the density control of 3D Gaussian splatting (its section 5.2) only the signal is left, the gradient at the
centres on the screen. Nothing is cloned, pruned or made transparent again: what a file has sent it cannot take back,
and a Gaussian that is not needed is cheaper left out by the encoder.

**Invariants.**

- A step depends on the state, the configuration and its own number, and on nothing else. Random numbers are drawn
  from (seed, step, purpose), never from a generator that runs along. So an interrupted run ends with the same bytes
  as one in a piece, on one device.
- Rows are only ever appended (`forest`), in the parameters, Adam's moments, `importance` and `record` alike.
- `importance` is measured anew after every growth, so that it always has one number for each row: the prefix that is
  supervised is only as true as the order that it is cut from.

**Costs.** A step projects N Gaussians once (on CUDA twice), and sorts and blends them twice, forward and backward:
time grows with the pixels, less with N. That is why pictures begin at a quarter of their size. Frames of split faces
take gradients in every fourth step only (`barycentric_interval`), for these go through all levels. Measuring
importance draws each of its views once for every stage. Memory: seven columns of N rows three times over (value and
Adam's two moments), and the targets, which the source keeps.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pavfmt.errors import EncodeError
from pavfmt.model import Avatar, Pose
from pavplayer.posing.tensor_frames import LocalGaussians, in_world
from pavplayer.posing.tensor_poser import TensorMesh
from pavplayer.rasterizers import Rasterizer, open_rasterizer
from pavtraining.fake_quantization import FakeQuantization
from pavtraining.hierarchy.configuration import HierarchyConfiguration
from pavtraining.hierarchy.contributions import importance
from pavtraining.hierarchy.export import as_avatar
from pavtraining.hierarchy.forest import COLUMNS, Forest, ForestParameters, IntArray, Structure, local_from
from pavtraining.hierarchy.growth import GradientRecord, faces_to_split, rounds_due, wanted_count
from pavtraining.hierarchy.initialization import initial_forest
from pavtraining.hierarchy.optimizer import Optimizer
from pavtraining.hierarchy.prefixes import random_prefix, staged, streaming_order
from pavtraining.rendering import Rendering, render_parts
from pavtraining.rendering.losses import picture_loss, psnr
from pavtraining.sources.view import View, ViewSource
from pavtraining.state import State


@dataclass(frozen=True)
class StepReport:
    """What one step saw."""

    loss: float
    psnr: float
    """dB of all Gaussians against the view just learned from."""
    prefix_psnr: float | None
    """dB of the prefix that was drawn too, if one was."""
    prefix_share: float
    """Its share of the Gaussians."""


class Fit:
    """A fit between two steps."""

    def __init__(
        self, source: ViewSource, configuration: HierarchyConfiguration, device: str = "cpu"
    ) -> None:
        """A fresh one; looks which faces are to have Gaussians."""
        self.source, self.configuration, self.device = source, configuration, device
        self.surface = TensorMesh(source.rig, source.identity)
        self._rasterizer: Rasterizer = open_rasterizer("cpu" if device == "cpu" else "cuda")
        self.step_count = 0
        """Steps done."""
        views = self._views(configuration.visibility_views, 0.0)
        self.forest = initial_forest(self.surface, views, self._rasterizer, configuration, device)
        self._adopt(Optimizer(self.forest.parameters, configuration))
        self.record = GradientRecord(len(self.forest))
        self.first_count = len(self.forest)
        self.importance = np.zeros(len(self.forest))
        """(N,) W when it was last measured, dealt out by stages."""
        self.round_count = 0
        """Rounds of growth done."""

    def _adopt(self, optimizer: Optimizer) -> None:
        self.optimizer = optimizer
        self.forest.parameters = optimizer.parameters

    def _views(self, count: int, progress: float) -> Iterator[View]:
        """The first training views, at most `count`, at the size of that share of the run."""
        c = self.configuration
        size, most = c.size_at(progress), c.views_at(progress)
        return (self.source.training_view(number, size) for number in range(min(count, most)))

    def _random(self, purpose: int) -> np.random.Generator:
        """Random numbers of this step; `purpose` keeps their uses apart."""
        return np.random.default_rng([self.configuration.seed, self.step_count, purpose])

    def _view(self, progress: float) -> View:
        """The training view of this step: all take turns, in a new order every time.

        Turns and not draws: with a hundred views a draw leaves out a third of them in as many steps.
        """
        c = self.configuration
        count = c.views_at(progress)
        turn, place = divmod(self.step_count, count)
        order = np.random.default_rng([c.seed, turn, 1]).permutation(count)
        return self.source.training_view(int(order[place]), c.size_at(progress))

    def step(self, progress: float) -> StepReport:
        """One step of Adam, and growth where it is due; `progress` is the share of the run done, 0..1."""
        c = self.configuration
        if self._is_due(c.order_interval) or not self.importance.any():
            self.measure_importance(c.order_views, progress)
        view = self._view(progress)
        target = torch.from_numpy(view.picture.copy()).to(self.device)
        # The prefix is chosen before the step moves anything: it is one of the order measured last.
        prefix = self._prefix() if progress < c.whole_from else None
        drawn = self._draw(view, progress, prefix)
        loss = self._loss(drawn, target, view)
        # Asked here and not of the parameters: once Adam has seen a NaN its moments keep it for ever.
        if not bool(torch.isfinite(loss)):
            raise EncodeError("diverged", f"the loss is {float(loss.detach())} at step {self.step_count}")
        torch.autograd.backward(loss)
        # Growth listens to the whole only: a prefix pulls everywhere that its missing Gaussians would cover.
        self.record.add(drawn[0], view.camera)
        self.optimizer.step(c.rate_at(progress), self._frozen())
        self.step_count += 1
        report = StepReport(
            loss=float(loss.detach()),
            psnr=psnr(drawn[0].image, target),
            prefix_psnr=None if prefix is None else psnr(drawn[1].image, target),
            prefix_share=1.0 if prefix is None else len(prefix) / len(self.forest),
        )
        due = rounds_due(c, progress)
        if due > self.round_count:
            self.grow(due, progress)
        return report

    def _is_due(self, interval: int) -> bool:
        return self.step_count % interval == 0

    def _prefix(self) -> IntArray | None:
        """The rows of the prefix that this step supervises besides the whole."""
        structure = self.forest.structure
        return random_prefix(self.order, structure.stages, self.configuration, self._random(2))

    def _draw(self, view: View, progress: float, prefix: IntArray | None) -> list[Rendering]:
        """The whole, and the prefix if there is one."""
        moves_splits = self._is_due(self.configuration.barycentric_interval)
        surface = self.surface.posed(view.pose).to(self.device)
        # Without gradients through the frames, backward stops at the Gaussians: that is most of what a step saves.
        with torch.set_grad_enabled(moves_splits):
            frames = self.forest.frames(surface)
        cloud = in_world(self._local(progress), frames)
        parts: list[Tensor | None] = [None]
        if prefix is not None:
            mask = torch.zeros(len(self.forest))
            mask[torch.from_numpy(prefix)] = 1
            parts.append(mask.to(self.device))  # a mask, not a choice of rows: one projection serves both
        return render_parts(cloud, view.camera, parts, self.source.background)

    def _local(self, progress: float) -> LocalGaussians:
        """The Gaussians as they are drawn at a share of the run."""
        c = self.configuration
        if c.quantizer_phase and progress >= c.quantizer_from:
            return local_from(self._fake_quantization()(self.forest.columns()))
        return local_from(self.forest.columns(), progress >= c.harmonics_from)

    def _fake_quantization(self) -> FakeQuantization:
        """The codec's, by the importance as last measured."""
        with torch.no_grad():
            sizes = self.forest.frames(self.surface.posed(Pose()).to(self.device)).sizes
        height = float(np.ptp(self.surface.neutral[:, 1]))
        return FakeQuantization(self.forest.structure.levels, sizes, height, self.importance)

    def _loss(self, drawn: list[Rendering], target: Tensor, view: View) -> Tensor:
        c = self.configuration
        # Section 5.1 of 3D Gaussian splatting: (1 − λ) · L1 + λ · D-SSIM.
        losses = [picture_loss(one.image, target, c.ssim_share) for one in drawn]
        if c.coverage_weight and view.mask is not None:
            mask = torch.from_numpy(view.mask.copy()).to(self.device)
            losses[0] = losses[0] + c.coverage_weight * (drawn[0].coverage - mask).abs().mean()
        loss = losses[0]
        if len(losses) > 1:
            loss = (1 - c.prefix_weight) * losses[0] + c.prefix_weight * losses[1]
        return loss + self._regularizers()

    def _regularizers(self) -> Tensor:
        """What it costs to leave one's face, and to be much larger than it."""
        c, p = self.configuration, self.forest.parameters
        away = torch.relu(p.means.norm(dim=1) - c.position_free).mean()
        large = torch.relu(p.log_scales.exp() - c.scale_free).norm(dim=1).mean()
        cost: Tensor = c.position_weight * away + c.scale_weight * large
        return cost

    def _frozen(self) -> Tensor | None:
        """Rows that do not move, (N,): for the ablation, all but the finest level's."""
        if self.configuration.free_lower_levels:
            return None
        levels = torch.from_numpy(self.forest.structure.levels).to(self.device)
        frozen: Tensor = levels < levels.max()
        return frozen

    @property
    def order(self) -> IntArray:
        """(N,) rows in the order in which they will be sent."""
        return streaming_order(self.forest.structure.levels, self.importance)

    def measure_importance(self, view_count: int, progress: float) -> None:
        """Look again at who is sent first."""
        if not self.configuration.importance_order:
            self.importance = np.random.default_rng(self.configuration.seed).uniform(size=len(self.forest))
            return
        structure, views = self.forest.structure, self._views(view_count, progress)
        measured = importance(self.forest, self.surface, views, self._rasterizer)
        self.importance = staged(measured, structure.levels, structure.stages)

    def grow(self, rounds: int, progress: float) -> None:
        """Split the faces that ask for it most, to the number of Gaussians planned after so many rounds."""
        c, structure = self.configuration, self.forest.structure
        self.round_count = rounds
        wanted = wanted_count(self.first_count, c, rounds)
        rows = faces_to_split(structure, self.record, wanted, c, self._random(3))
        if len(rows):
            parents = structure.split(rows)
            self.forest.refresh()
            neutral = self.surface.posed(Pose()).to(self.device)
            self.optimizer.append(self.forest.children_of(parents, neutral, c))
            self._adopt(self.optimizer)
            self.measure_importance(c.order_views, progress)
        # Gradients of before say nothing of the children, and less of parents that now have some: all begin anew.
        self.record = GradientRecord(len(self.forest))

    def avatar(self, metadata: Mapping[str, str] | None = None) -> Avatar:
        """What has been fitted so far, with importance."""
        source = self.source
        return as_avatar(self.forest, source.rig, source.identity, self.importance, metadata)

    def state(self) -> State:
        """All that a later process needs to go on."""
        structure = self.forest.structure
        arrays: dict[str, NDArray[Any]] = {
            "levels": structure.levels,
            "sites": structure.sites,
            "stages": structure.stages,
            "gradient_sums": self.record.sums,
            "gradients_seen": self.record.seen,
            "importance": self.importance,
        }
        for level, parents in enumerate(structure.parents):
            arrays |= {f"parents_{level}": parents, f"split_rows_{level}": structure.split_rows[level]}
        for name, column in self.optimizer.parameters.items():
            trio = (column.detach(), self.optimizer.first[name], self.optimizer.second[name])
            for kind, tensor in zip(("value", "first", "second"), trio, strict=True):
                arrays[f"{name}_{kind}"] = tensor.cpu().numpy()
        values = {
            "step_count": self.step_count,
            "first_count": self.first_count,
            "round_count": self.round_count,
            "counts": self.optimizer.counts,
            "level_count": structure.level_count,
            "source": fingerprint(self.source),
            "configuration": self.configuration.as_mapping(),
        }
        return State(arrays, values)

    @classmethod
    def resumed(cls, source: ViewSource, state: State, device: str = "cpu") -> Fit:
        """The fit that was put away. EncodeError if the source is another."""
        values, arrays = state.values, state.arrays
        if values.get("source") != fingerprint(source):
            raise EncodeError("other-source", "the saved state is of a fit to another rig or neutral")
        fit = cls.__new__(cls)
        try:
            fit._take_up(source, values, arrays, device)
        except (KeyError, TypeError) as error:
            raise EncodeError("bad-state", f"the saved state lacks {error}") from None
        return fit

    def _take_up(
        self, source: ViewSource, values: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], device: str
    ) -> None:
        configuration = HierarchyConfiguration().changed(values["configuration"])
        self.source, self.configuration, self.device = source, configuration, device
        self.surface = TensorMesh(source.rig, source.identity)
        self._rasterizer = open_rasterizer("cpu" if device == "cpu" else "cuda")
        self.step_count, self.first_count = values["step_count"], values["first_count"]
        self.round_count = values["round_count"]
        above = range(values["level_count"] - 1)
        structure = Structure(
            arrays["levels"],
            arrays["sites"],
            arrays["stages"],
            [arrays[f"parents_{level}"] for level in above],
            [arrays[f"split_rows_{level}"] for level in above],
        )

        def kind(name: str) -> dict[str, Tensor]:
            return {k: torch.from_numpy(arrays[f"{k}_{name}"].copy()).to(device) for k in COLUMNS}

        parameters = ForestParameters(**kind("value"))
        faces = self.surface.faces.to(device)
        self.forest = Forest(structure, parameters, faces, len(self.surface.weights))
        optimizer = Optimizer(parameters, configuration)
        optimizer.first, optimizer.second, optimizer.counts = kind("first"), kind("second"), values["counts"]
        self._adopt(optimizer)
        self.record = GradientRecord(len(structure))
        self.record.sums, self.record.seen = arrays["gradient_sums"], arrays["gradients_seen"]
        self.importance = arrays["importance"]


def fingerprint(source: ViewSource) -> str:
    """The mesh that a source's Gaussians hang on, as a SHA-256."""
    identity, rig = source.identity, source.rig
    neutral = rig.mean_neutral if identity is None else identity.neutral
    digest = hashlib.sha256()
    for array in (rig.faces, neutral, rig.weights):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
