"""LAM exports read and posed by glTF's own rule, without the importer."""

import json
import struct
import zipfile
from functools import cache
from pathlib import PurePosixPath

import numpy as np
from realdata import DATA


def member(name: str, filename: str) -> bytes:
    with zipfile.ZipFile(DATA / "lam" / f"{name}.zip") as archive:
        inside = [n for n in archive.namelist() if PurePosixPath(n).name == filename and "__MACOSX" not in n]
        return archive.read(inside[0])


class GltfOracle:
    """The glTF specification's skinning, by 4x4 matrices over all joints, written without the importer."""

    def __init__(self, data: bytes):
        json_length = struct.unpack_from("<I", data, 12)[0]
        self.document = json.loads(data[20 : 20 + json_length])
        self.binary = data[28 + json_length :]
        primitive = self.document["meshes"][0]["primitives"][0]
        attributes = primitive["attributes"]
        self.positions = self.array(attributes["POSITION"]).astype(np.float64)
        self.joints = self.array(attributes["JOINTS_0"])
        self.weights = self.array(attributes["WEIGHTS_0"]).astype(np.float64)
        names = self.document["meshes"][0]["extras"]["targetNames"]
        targets = primitive["targets"]
        self.morphs = {n: t["POSITION"] for n, t in zip(names, targets, strict=True)}
        skin = self.document["skins"][0]
        self.skin_nodes = skin["joints"]
        flat = self.array(skin["inverseBindMatrices"]).astype(np.float64)
        self.inverse_bind = flat.reshape(-1, 4, 4).transpose(0, 2, 1)

    def raw(self, view_index, component, count, width):
        view = self.document["bufferViews"][view_index]
        dtype = {5126: "<f4", 5123: "<u2", 5121: "<u1"}[component]
        array = np.frombuffer(self.binary, dtype, count * width, view.get("byteOffset", 0))
        return array.reshape(count, width)

    def array(self, index):
        accessor = self.document["accessors"][index]
        width = {"SCALAR": 1, "VEC3": 3, "VEC4": 4, "MAT4": 16}[accessor["type"]]
        if "sparse" not in accessor:
            return self.raw(accessor["bufferView"], accessor["componentType"], accessor["count"], width)
        sparse = accessor["sparse"]
        values = np.zeros((accessor["count"], width))
        where = sparse["indices"]
        rows = self.raw(where["bufferView"], where["componentType"], sparse["count"], 1)[:, 0]
        values[rows] = self.raw(sparse["values"]["bufferView"], 5126, sparse["count"], width)
        return values

    def world_matrices(self, turned):
        """Every node's matrix; `turned` maps node names to full local rotations (x, y, z, w)."""
        nodes = self.document["nodes"]
        world = {}

        def visit(number, above):
            node = nodes[number]
            rotation = turned.get(node.get("name"), node.get("rotation", (0, 0, 0, 1)))
            here = above @ trs(node.get("translation", (0, 0, 0)), rotation, node.get("scale", (1, 1, 1)))
            world[number] = here
            for child in node.get("children", ()):
                visit(child, here)

        for root in self.document["scenes"][0]["nodes"]:
            visit(root, np.eye(4))
        return world

    def posed(self, offsets, weights, turned):
        points = self.positions + offsets
        for name, weight in weights.items():
            points = points + weight * self.array(self.morphs[name])
        world = self.world_matrices(turned)
        pairs = zip(self.skin_nodes, self.inverse_bind, strict=True)
        matrices = np.stack([world[node] @ inverse for node, inverse in pairs])
        blended = np.einsum("vk,vkab->vab", self.weights, matrices[self.joints])
        return np.einsum("vab,vb->va", blended[:, :3, :3], points) + blended[:, :3, 3]


def trs(translation, rotation, scale):
    x, y, z, w = np.asarray(rotation, dtype=np.float64) / np.linalg.norm(rotation)
    matrix = np.eye(4)
    matrix[:3, :3] = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    matrix[:3, :3] = matrix[:3, :3] @ np.diag(scale)
    matrix[:3, 3] = translation
    return matrix


def offset_table(name):
    data = member(name, "offset.ply")
    start = data.index(b"end_header\n") + 11
    return np.frombuffer(data, "<f4", 20018 * 17, start).reshape(-1, 17)


@cache
def oracle_of(name):
    return GltfOracle(member(name, "skin.glb"))
