"""How a glTF viewer's joint rotations read as this project's poses."""

import numpy as np

from pavfmt.importers.files.glb import read_glb
from pavfmt.posing import quaternion_from_rotation, rotation_from_quaternion


def unit_columns(matrix):
    """A rotation with scale (3, 3) → without."""
    return matrix / np.linalg.norm(matrix, axis=0)


def axis_angle(data, name, rotation):
    """A glTF node rotation (x, y, z, w) as axis-angle (3,) in the rest pose's world axes; `data` is the .glb."""
    glb = read_glb(data)
    node = next(i for i, one in enumerate(glb.document["nodes"]) if one.get("name") == name)
    skin = glb.entry("skins", 0)
    bind = glb.accessor(skin["inverseBindMatrices"], 16)[skin["joints"].index(node)].reshape(4, 4).T
    rest = unit_columns(np.linalg.inv(bind.astype(np.float64))[:3, :3])
    local = unit_columns(glb.local_matrix(node)[:3, :3])
    x, y, z, w = rotation
    quat = quaternion_from_rotation(local.T @ rotation_from_quaternion(np.array([w, x, y, z])))
    quat = quat if quat[0] >= 0 else -quat
    sine = np.linalg.norm(quat[1:])
    angle = 2 * np.arctan2(sine, quat[0])
    return rest @ quat[1:] * (angle / sine if sine > 1e-12 else 2.0)
