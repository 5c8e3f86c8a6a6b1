"""A LAM export small enough to damage in a test: a tetrahedron on two joints, one morph."""

import json
import struct
import zipfile

import numpy as np

OFFSET_FIELDS = ("x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2", "opacity")
OFFSET_FIELDS += ("scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3")
POINTS = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], "<f4")

WRITTEN = {"i1": "char", "u1": "uchar", "i2": "short", "u2": "ushort", "i4": "int", "u4": "uint"}
WRITTEN |= {"f4": "float", "f8": "double"}


def write_ply(tables):
    """Element name → structured array, as the binary PLY that `read_ply` reads."""
    lines = ["ply", "format binary_little_endian 1.0"]
    body = []
    for name, table in tables.items():
        lines.append(f"element {name} {len(table)}")
        fields = [(field, table.dtype[field].newbyteorder("<")) for field in table.dtype.names or ()]
        lines += [f"property {WRITTEN[dtype.str[1:]]} {field}" for field, dtype in fields]
        body.append(table.astype(np.dtype(fields)).tobytes())
    return "\n".join([*lines, ""]).encode("ascii") + b"end_header\n" + b"".join(body)


def offset_rows(count=4):
    table = np.zeros(count, [(name, "<f4") for name in OFFSET_FIELDS])
    table["rot_0"], table["scale_0"], table["f_dc_0"] = 1, -3, 0.5
    return table


def glb_parts():
    """The JSON document and the BIN chunk of a good file."""
    inverse = np.stack([np.eye(4), np.eye(4)])
    inverse[1, 1, 3] = -0.5
    blocks = [
        POINTS,
        np.array([[0, 1, 0, 0]] * 4, "u1"),
        np.array([[0.25, 0.75, 0, 0]] * 4, "<f4"),
        np.array([0, 2, 1, 0, 1, 3, 1, 2, 3, 0, 3, 2], "<u2"),
        inverse.transpose(0, 2, 1).astype("<f4"),
        np.array([1, 3, 0, 0], "<u2"),
        np.array([[0, 0.1, 0], [0.1, 0, 0]], "<f4"),
    ]
    binary, views = b"", []
    for block in blocks:
        data = block.tobytes()
        views.append({"buffer": 0, "byteOffset": len(binary), "byteLength": len(data)})
        binary += data
    sparse = {
        "count": 2,
        "indices": {"bufferView": 5, "componentType": 5123},
        "values": {"bufferView": 6},
    }
    document = {
        "asset": {"version": "2.0"},
        "buffers": [{"byteLength": len(binary)}],
        "bufferViews": views,
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": 4, "type": "VEC3"},
            {"bufferView": 1, "componentType": 5121, "count": 4, "type": "VEC4"},
            {"bufferView": 2, "componentType": 5126, "count": 4, "type": "VEC4"},
            {"bufferView": 3, "componentType": 5123, "count": 12, "type": "SCALAR"},
            {"bufferView": 4, "componentType": 5126, "count": 2, "type": "MAT4"},
            {"componentType": 5126, "count": 4, "type": "VEC3", "sparse": sparse},
        ],
        "meshes": [
            {
                "primitives": [
                    {
                        "attributes": {"POSITION": 0, "JOINTS_0": 1, "WEIGHTS_0": 2},
                        "indices": 3,
                        "targets": [{"POSITION": 5}],
                    }
                ],
                "extras": {"targetNames": ["jawOpen"]},
            }
        ],
        "skins": [{"joints": [0, 1], "inverseBindMatrices": 4}],
        "nodes": [
            {"name": "neck", "children": [1]},
            {"name": "head", "translation": [0, 0.5, 0]},
            {"mesh": 0, "skin": 0},
        ],
    }
    return document, binary


def glb_bytes(document, binary):
    text = document if isinstance(document, bytes) else json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    binary += b"\0" * (-len(binary) % 4)
    chunks = struct.pack("<II", len(text), 0x4E4F534A) + text
    chunks += struct.pack("<II", len(binary), 0x004E4942) + binary
    return struct.pack("<III", 0x46546C67, 2, 12 + len(chunks)) + chunks


def lam_zip(path, glb=None, ply=None, extra=(), method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("someone/skin.glb", glb_bytes(*glb_parts()) if glb is None else glb)
        archive.writestr("someone/offset.ply", write_ply({"vertex": offset_rows()}) if ply is None else ply)
        for name, data in extra:
            archive.writestr(name, data)
    return path
