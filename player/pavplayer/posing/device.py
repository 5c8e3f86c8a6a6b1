"""Posing on a torch device: the formulas of `pavplayer.posing.poser` over buffers that grow as the file arrives.

What arrives is appended; nothing is built anew until a buffer is full. On CUDA all steps of a pose are one captured
graph: a frame costs one small copy and one launch on our side, and waits for nothing. It is captured anew when a
buffer has grown. Edges of faces are taken in float64; everything after that is float32, as the results are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pavfmt.decoding.scene import Scene
from pavfmt.model import Avatar, Level, Pose
from pavfmt.registry import Binding
from pavfmt.units.levels import LevelEntry
from pavplayer.posing import frames
from pavplayer.posing.arrays import TorchNamespace
from pavplayer.posing.bindings import joint_quaternions
from pavplayer.posing.device_buffers import Buffer, Part, Splits
from pavplayer.posing.growing import Forest, new_gaussians, no_gaussians
from pavplayer.posing.poser import PosedCloud
from pavplayer.posing.skinned_mesh import Mesh

Posed = tuple[Tensor, Tensor, Tensor, Tensor]
"""World means (N, 3), quaternions (N, 4), scales (N, 3), and the bindings' rotations (N, 4)."""
WARM_UP_RUNS = 3
"""Before a capture, as CUDA graphs want it: libraries allocate what they need."""


@dataclass(frozen=True)
class Drive:
    """What changes from pose to pose: views of one tensor on the device."""

    shapes: Tensor
    """(K,) weights of the rig's shapes."""
    features: Tensor
    """(9 · corrective joints,)."""
    table: Tensor
    """(J, 12) the joints' R row by row, then t."""
    quats: Tensor
    """(J, 4)."""
    agreement: Tensor
    """(J, J) signs of these against each other."""


class DeviceMesh:
    """A rig's mesh on a device."""

    def __init__(self, scene: Scene, xp: TorchNamespace) -> None:
        self.host = Mesh(Avatar((Level(no_gaussians()),), scene.rig(), scene.identity), xp)
        joints, correctives = self.host.host_weights.shape[1], self.host.correctives
        self._widths = [len(self.host.rig.shapes), 0 if correctives is None else len(correctives)]
        self._widths += [12 * joints, 4 * joints, joints * joints]
        self.inputs = torch.zeros(sum(self._widths), dtype=torch.float64, device=xp.device)
        shapes, features, table, quats, agreement = torch.split(self.inputs, self._widths)
        tables = table.view(joints, 12), quats.view(joints, 4), agreement.view(joints, joints)
        self.drive = Drive(shapes, features, *tables)

    def set_pose(self, pose: Pose) -> None:
        """Sends a pose's numbers on their way; nobody waits."""
        motion = self.host.motion(pose)
        weights = [pose.weights.get(shape.name, 0.0) for shape in self.host.rig.shapes]
        agreement, quats = joint_quaternions(motion.rotations)
        features = motion.features[: self._widths[1]]
        parts = (np.array(weights), features, motion.table(), quats, agreement)
        packed = torch.from_numpy(np.concatenate([np.ravel(part) for part in parts]).astype(np.float64))
        if self.inputs.is_cuda:
            packed = packed.pin_memory()  # torch keeps this alive until it has been copied
        self.inputs.copy_(packed, non_blocking=True)

    def rest(self) -> Tensor:
        """(V, 3) vertices before skinning."""
        mesh, points = self.host, self.host.neutral
        for weights, rows in ((self.drive.shapes, mesh.shapes), (self.drive.features, mesh.correctives)):
            if rows is not None and len(rows):
                points = points + (weights.float() @ rows).view_as(points)
        if mesh.edges is not None:
            points = torch.cat([points, points[:, mesh.edges].mean(1)], dim=1)
        rest: Tensor = points.T
        return rest

    def skinned(self, rest: Tensor) -> Tensor:
        """(V, 3) vertices after it."""
        return torch.stack(frames.moved(self.drive.table.T @ self.host.weights, rest.T), dim=1)


class GrowingPoser:
    """Poses what there is of one scene, in file order. Each frame overwrites the arrays of the one before."""

    def __init__(self, scene: Scene, device: str = "cuda", fused: bool = False) -> None:
        """`fused`: torch's compiler makes a few kernels of some 250, again for many seconds after every growth."""
        self.xp, self._scene, self._fused = TorchNamespace(device), scene, fused
        self._rig_state: list[object] = []
        self._count, self._last = 0, -1
        self._replay: Callable[[], PosedCloud] | None = None
        self._sizes: list[int] = []

    def __len__(self) -> int:
        """How many Gaussians it gives out."""
        return self._count

    def update(self) -> None:
        """Take in what is new in the scene."""
        if not self._scene.is_visible:
            return
        self._update_mesh()
        arrays = self._scene.arrays()
        if self._count > len(arrays) or (self._count and arrays.indices[self._count - 1] != self._last):
            self._start_over()  # something came in between
        self._add_splits()
        self._add_gaussians()
        self._count, self._last = len(arrays), int(arrays.indices[-1])
        sizes = [len(buffer.whole) for buffer in self._buffers()]
        if sizes != self._sizes:
            self._sizes, self._replay = sizes, None

    def frame(self, pose: Pose) -> PosedCloud | None:
        """The Gaussians in a pose; None while there are none. The tensors hold until the next call."""
        if not self._count:
            return None
        self._mesh.set_pose(pose)
        if self._replay is None:
            steps = torch.compile(self._posed, dynamic=False) if self._fused else self._posed
            self._replay = _captured(steps) if self.xp.device.type == "cuda" else steps
        whole = vars(self._replay())
        return PosedCloud(
            **{name: None if value is None else value[: self._count] for name, value in whole.items()}
        )

    # --- Growing ---------------------------------------------------------------------------------------------

    @property
    def _levels(self) -> tuple[LevelEntry, ...]:
        return self._scene.table.levels if self._scene.table else ()

    def _update_mesh(self) -> None:
        scene, before = self._scene, self._rig_state
        shapes = (shape for _, shape in sorted(scene.shapes.items()))
        state: list[object] = [scene.core, scene.identity, scene.correctives, *shapes]
        if len(state) == len(before) and all(a is b for a, b in zip(state, before, strict=True)):
            return
        self._rig_state, self._replay = state, None
        self._mesh = DeviceMesh(scene, self.xp)
        if not before or before[0] is not scene.core:
            self._start_over()

    def _start_over(self) -> None:
        device, mesh = self.xp.device, self._mesh.host
        self._forest = Forest(mesh.corners[0], mesh.host_weights)
        origin, joint_count = self._forest.origin, mesh.host_weights.shape[1]
        self._announced = sum(entry.gaussian_count for entry in self._levels)
        self._split_blocks: set[tuple[int, int]] = set()
        self._splits = {number: Splits(device, origin) for number in range(1, len(self._levels))}
        self._parts = {binding: Part(device, joint_count, origin) for binding in Binding}
        self._opacities = Buffer(device, torch.float32)
        self._sh = Buffer(device, torch.float32, (self._scene.arrays().shN.shape[1] + 1, 3))
        self._local = Buffer(device, torch.bool)
        self._has_local = any(entry.sh_frame for entry in self._levels)
        self._count, self._last, self._replay = 0, -1, None

    def _add_splits(self) -> None:
        for level, splits in self._splits.items():
            arrived = self._scene.splits.get(level)
            for block in [] if arrived is None else arrived.blocks:
                if (level, block.first) not in self._split_blocks:
                    self._split_blocks.add((level, block.first))
                    splits.append(self._forest.add(block), self._levels[level].split_count)

    def _add_gaussians(self) -> None:
        scene, levels, start = self._scene, self._levels, self._count
        arrays = scene.arrays()
        opacities, log_scales = scene.effective()
        if scene.hand_overs:  # those of Gaussians that are there may have changed
            self._opacities.count = 0
            for part in self._parts.values():
                part.scales.count = 0
        self._opacities.append(opacities[self._opacities.count :], self._announced)
        kinds = np.array([entry.binding for entry in levels])[arrays.levels]
        for binding, part in self._parts.items():
            part.append(new_gaussians(scene, self._forest, start, binding), self._announced)
            rows = np.flatnonzero(kinds == binding)[part.scales.count :]
            part.scales.append(np.exp(log_scales[rows].astype(np.float64)), self._announced)
        self._sh.append(np.concatenate([arrays.sh0[start:], arrays.shN[start:]], axis=1), self._announced)
        local = np.array([bool(entry.sh_frame) for entry in levels])
        self._local.append(local[arrays.levels[start:]], self._announced)

    def _buffers(self) -> list[Buffer]:
        held = [part.means for part in self._parts.values()] + [
            splits.beta for splits in self._splits.values()
        ]
        return [*held, self._sh]

    # --- Posing: no step waits for the device, and every shape stays the same until a buffer grows --------------

    def _posed(self) -> PosedCloud:
        rest, posed = self._mesh.rest(), []
        faces, points = self._parts[Binding.FACE_FRAME], self._parts[Binding.SURFACE_POINT]
        if len(faces.means.whole):
            posed.append((faces, self._on_faces(faces, self._with_splits(self._mesh.skinned(rest)))))
        if len(points.means.whole):
            posed.append((points, self._on_points(points, self._with_splits(rest))))
        means, quats, scales, turns = posed[0][1] if len(posed) == 1 else self._joined(posed)
        sh_quats = None
        if self._has_local:
            room = len(self._local.whole)
            still = torch.zeros_like(turns[:room])
            still[:, 0] = 1
            sh_quats = torch.where(self._local.whole[:, None], turns[:room], still)
        return PosedCloud(means, quats, scales, self._opacities.whole, self._sh.whole, sh_quats)

    def _with_splits(self, vertices: Tensor) -> Tensor:
        """(P, 3) vertices, the origin and room for all split points."""
        room = sum(len(splits.points.whole) for splits in self._splits.values())
        points = vertices.new_zeros((len(vertices) + 1 + room, 3))
        points[: len(vertices)] = vertices
        for splits in self._splits.values():
            splits.write(points)
        return points

    def _on_faces(self, part: Part, points: Tensor) -> Posed:
        a, b, c = (points[corner] for corner in part.corners.whole.T)
        edge, other = (b - a).float().T, (c - a).float().T
        columns, size = frames.face_frames(self.xp, edge, other)
        turn = frames.quaternion_from_columns(self.xp, columns)
        centre = a.T.float() + (edge + other) / 3
        turned = frames.rotated(turn, part.means.whole.T)
        means = torch.stack([c + size * x for c, x in zip(centre, turned, strict=True)], dim=1)
        quats = frames.product(self.xp, turn, part.quats.whole.T)
        return means, quats, size[:, None] * part.scales.whole, turn.T

    def _on_points(self, part: Part, rest: Tensor) -> Posed:
        drive, weights = self._mesh.drive, part.weights.whole.T
        points = part.means.whole.T + (rest[part.corners.whole] * part.beta.whole[..., None]).sum(1).T
        means = torch.stack(frames.moved(drive.table.T.float() @ weights, points.float()), dim=1)
        signs = drive.agreement.float()[weights.argmax(0)].T
        turn = drive.quats.T.float() @ (weights * signs)
        turn = turn / torch.sqrt((turn * turn).sum(0) + 1e-24)
        return means, frames.product(self.xp, turn, part.quats.whole.T), part.scales.whole, turn.T

    def _joined(self, posed: list[tuple[Part, Posed]]) -> Posed:
        """Both bindings' Gaussians in file order, and a last row that is nobody's."""
        room = len(self._opacities.whole) + 1
        means, quats, scales, turns = (column.new_zeros((room, column.shape[1])) for column in posed[0][1])
        for part, columns in posed:
            for whole, column in zip((means, quats, scales, turns), columns, strict=True):
                whole[part.places.whole] = column
        return means, quats, scales, turns


def _captured(steps: Callable[[], PosedCloud]) -> Callable[[], PosedCloud]:
    """The same as one CUDA graph: its results are the same tensors every time."""
    stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(WARM_UP_RUNS):
            steps()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        results = steps()

    def replay() -> PosedCloud:
        graph.replay()
        return results

    return replay
