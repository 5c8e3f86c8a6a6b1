"""The skinned mesh of a glTF file: positions, triangles, named morphs, and the joints that carry weight."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pavfmt.arrays import Float32Array, Float64Array, Int32Array
from pavfmt.errors import EncodeError
from pavfmt.importers.files.glb import Glb, as_list, as_object

BIND_TOLERANCE = 1e-4
"""How far the joints at rest may differ from their bind pose (unit rotation, metres)."""
MAX_MORPH_BYTES = 1 << 30


@dataclass(frozen=True)
class Skeleton:
    """The joints of a glTF skin that matter."""

    names: tuple[str, ...]
    parents: tuple[int, ...]
    positions: Float64Array
    """(J, 3) metres, mesh axes."""


@dataclass(frozen=True)
class SkinnedMesh:
    """`skin.glb`: V vertices with morphs and skinning weights."""

    positions: Float32Array
    """(V, 3)."""
    faces: Int32Array
    """(F, 3)."""
    morphs: dict[str, Float32Array]
    """Name → (V, 3)."""
    skeleton: Skeleton
    weights: Float32Array
    """(V, J) over the skeleton's joints."""


def read_skinned_mesh(glb: Glb) -> SkinnedMesh:
    """The one skinned primitive of a LAM `skin.glb`."""
    where = glb.where
    nodes = as_list(glb.document.get("nodes", []), f"{where}: nodes")
    node = next((n for n in nodes if isinstance(n, dict) and "skin" in n), None)
    if node is None:
        raise EncodeError("bad-glb", f"{where}: no node with a skin")
    mesh = glb.entry("meshes", node.get("mesh"))
    primitives = as_list(mesh.get("primitives"), f"{where}: primitives")
    if len(primitives) != 1:
        raise EncodeError("bad-glb", f"{where}: {len(primitives)} primitives, expected 1")
    primitive = as_object(primitives[0], f"{where}: primitive")
    attributes = as_object(primitive.get("attributes"), f"{where}: attributes")
    positions = floats(glb, attributes.get("POSITION"), 3, None)
    weights, joints = joint_weights(glb, attributes, len(positions))
    skin = glb.entry("skins", node["skin"])
    skeleton, kept = read_skeleton(glb, skin, joints, weights)
    return SkinnedMesh(
        positions=positions,
        faces=triangles(glb, primitive, len(positions)),
        morphs=read_morphs(glb, mesh, primitive, len(positions)),
        skeleton=skeleton,
        weights=dense_weights(joints, weights, kept),
    )


def floats(glb: Glb, index: object, width: int, count: int | None) -> Float32Array:
    """A float accessor, all numbers finite."""
    values = glb.accessor(index, width, count)
    if values.dtype != np.float32:
        raise EncodeError("bad-glb", f"{glb.where}: accessors[{index}] holds {values.dtype}, not float32")
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        raise EncodeError("not-finite", f"{glb.where}: accessors[{index}] is not finite in row {bad[0][0]}")
    result: Float32Array = values
    return result


def triangles(glb: Glb, primitive: dict[str, object], vertex_count: int) -> Int32Array:
    """(F, 3) vertex indices."""
    if primitive.get("mode", 4) != 4:
        raise EncodeError("bad-glb", f"{glb.where}: primitive mode {primitive.get('mode')!r}, expected 4")
    indices = glb.accessor(primitive.get("indices"), 1)
    if indices.dtype.kind != "u" or len(indices) % 3:
        raise EncodeError("bad-glb", f"{glb.where}: {len(indices)} indices do not make triangles")
    if len(indices) and int(indices.max()) >= vertex_count:
        message = f"{glb.where}: a triangle uses vertex {indices.max()} of {vertex_count}"
        raise EncodeError("binding-out-of-range", message)
    return indices.astype(np.int32).reshape(-1, 3)


def read_morphs(
    glb: Glb, mesh: dict[str, object], primitive: dict[str, object], vertex_count: int
) -> dict[str, Float32Array]:
    """Morph targets by name: (V, 3) displacements each."""
    targets = as_list(primitive.get("targets", []), f"{glb.where}: targets")
    extras = as_object(mesh.get("extras", {}), f"{glb.where}: extras")
    names = as_list(extras.get("targetNames", []), f"{glb.where}: targetNames")
    unique = {name for name in names if isinstance(name, str)}
    if len(names) != len(targets) or len(unique) != len(names):
        message = f"{glb.where}: {len(targets)} morph targets, {len(unique)} distinct names"
        raise EncodeError("bad-glb", message)
    # All targets may name one accessor, so the size of the file does not bound this.
    if len(targets) * vertex_count * 12 > MAX_MORPH_BYTES:
        raise EncodeError("input-too-large", f"{glb.where}: {len(targets)} morphs of {vertex_count} vertices")
    entries = (as_object(target, f"{glb.where}: target") for target in targets)
    return {
        name: floats(glb, entry.get("POSITION"), 3, vertex_count)
        for name, entry in zip(names, entries, strict=True)
    }


def joint_weights(glb: Glb, attributes: dict[str, object], count: int) -> tuple[Float64Array, Int32Array]:
    """(V, 4) weights summing to 1 and (V, 4) indices into the skin's joints."""
    if "JOINTS_1" in attributes:
        raise EncodeError("bad-glb", f"{glb.where}: more than four joints per vertex")
    weights = floats(glb, attributes.get("WEIGHTS_0"), 4, count).astype(np.float64)
    joints = glb.accessor(attributes.get("JOINTS_0"), 4, count)
    sums = weights.sum(axis=1, keepdims=True)
    if joints.dtype.kind != "u" or (weights < 0).any() or (np.abs(sums - 1) > 1e-2).any():
        row = int(np.argmax(np.abs(sums - 1)))
        raise EncodeError(
            "bad-weights", f"{glb.where}: skinning weights of vertex {row} sum to {sums[row, 0]}"
        )
    return weights / sums, joints.astype(np.int32)


def dense_weights(joints: Int32Array, weights: Float64Array, kept: list[int]) -> Float32Array:
    """(V, len(kept)) weights over the kept joints of the skin."""
    dense = np.stack([np.where(joints == joint, weights, 0).sum(axis=1) for joint in kept], axis=1)
    result: Float32Array = (dense / dense.sum(axis=1, keepdims=True)).astype(np.float32)
    return result


def read_skeleton(
    glb: Glb, skin: dict[str, object], joints: Int32Array, weights: Float64Array
) -> tuple[Skeleton, list[int]]:
    """The joints that carry weight, those between them, and their indices in the skin's list."""
    listed = as_list(skin.get("joints"), f"{glb.where}: joints")
    parents = glb.node_parents()
    for node in listed:
        glb.entry("nodes", node)
    if len(set(listed)) != len(listed):
        raise EncodeError("bad-skeleton", f"{glb.where}: the skin lists a joint twice")
    used = np.unique(joints[weights > 0])
    if len(used) == 0 or int(used[-1]) >= len(listed):
        raise EncodeError("binding-out-of-range", f"{glb.where}: weights name a joint beyond {len(listed)}")
    # Exports bring skeletons of whole bodies. A joint that moves nothing would cost every file a column of weights.
    nodes = needed_nodes([listed[joint] for joint in used], set(listed), parents, glb.where)
    kept = [listed.index(node) for node in nodes]
    inverse = floats(glb, skin.get("inverseBindMatrices"), 16, len(listed))
    # glTF stores matrices column by column.
    bind = inverse.reshape(-1, 4, 4).transpose(0, 2, 1)[kept].astype(np.float64)
    return skeleton_from(glb, nodes, parents, bind), kept


def needed_nodes(used: list[int], joints: set[int], parents: list[int], where: str) -> list[int]:
    """The used joints and the joints between them, the common root first, parents before children."""
    paths = []
    for node in used:
        path = [node]
        while parents[path[-1]] in joints:
            path.append(parents[path[-1]])
        paths.append(path[::-1])
    # The last node that all paths share is the root: what is above it moves everything alike.
    shared = 0
    while all(len(path) > shared and path[shared] == paths[0][shared] for path in paths):
        shared += 1
    if not shared:
        raise EncodeError("bad-skeleton", f"{where}: the joints that carry weight have no common root")
    return list(dict.fromkeys(node for path in paths for node in path[shared - 1 :]))


def skeleton_from(glb: Glb, nodes: list[int], parents: list[int], bind: Float64Array) -> Skeleton:
    """Rest frames from the inverse bind matrices (J, 4, 4); the node tree at rest must agree with them."""
    # Joints of a rig are aligned with the world's axes at rest (§6.2), so of a joint only its position is kept. That is
    # right if the mesh as stored is the mesh at rest, which is what is checked.
    with np.errstate(all="ignore"):  # numbers of a hostile file may overflow; then they do not agree
        world = np.stack([glb.world_matrix(node, parents) for node in nodes])
        agrees = np.allclose(world @ bind, np.eye(4), rtol=0, atol=BIND_TOLERANCE)
    if not agrees:
        raise EncodeError("bad-skeleton", f"{glb.where}: the joints at rest are not in their bind pose")
    frames = np.asarray(np.linalg.inv(bind), dtype=np.float64)
    names = tuple(str(glb.entry("nodes", node).get("name", f"joint{node}")) for node in nodes)
    if len(set(names)) != len(names):
        raise EncodeError("bad-skeleton", f"{glb.where}: two joints have the same name")
    return Skeleton(
        names=names,
        parents=tuple(nodes.index(parents[node]) if parents[node] in nodes else -1 for node in nodes),
        positions=frames[:, :3, 3],
    )
