"""What the Python reader makes of files, for the tests of the TypeScript reader.

    python player/web/tests/fixtures.py                    rebuilds fixtures/
    python player/web/tests/fixtures.py FILE.pav           prints what is expected of one file

Digests are SHA-256 of little-endian bytes, in the words of `node dist/cli.js`. Faults are single changes, with the
checksums made right again, and what `pavfmt` says of them.
"""

import dataclasses
import hashlib
import json
import random
import struct
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np

import pavfmt
from pavfmt import encoder, events, synthetic

HERE = Path(__file__).parent
FIXTURES = HERE / "fixtures"
DEMO = HERE.parents[1] / "pavplayer" / "demo" / "avatar.pav"
POSED_SAMPLES = 40
FAULTS_PER_FILE = 250


def digest(values: Any, dtype: str = "<f4") -> dict[str, Any]:
    """Shape, and SHA-256 of the bytes."""
    array = np.ascontiguousarray(values, dtype)
    return {"shape": list(array.shape), "sha256": hashlib.sha256(array.tobytes()).hexdigest()}


def rig_digests(scene: pavfmt.Scene) -> dict[str, Any]:
    """Digests of what the rig and its parts bring; nothing without a rig."""
    rig = scene.rig()
    if rig is None:
        return {}
    arrays = {
        "rig.faces": digest(rig.faces, "<i4"),
        "rig.mean_neutral": digest(rig.mean_neutral),
        "rig.mean_joints": digest(rig.mean_joint_positions),
        "rig.weights": digest(rig.weights),
    }
    for index in sorted(scene.shapes):
        shape = scene.shapes[index]
        arrays[f"shape.{shape.name}"] = digest(shape.displacements)
        if shape.joint_displacements is not None:
            arrays[f"shape_joints.{shape.name}"] = digest(shape.joint_displacements)
    if scene.correctives is not None:
        arrays["correctives"] = digest(scene.correctives.displacements)
    if scene.identity is not None:
        arrays["identity.neutral"] = digest(scene.identity.neutral)
        arrays["identity.joints"] = digest(scene.identity.joint_positions)
    return arrays


def gaussian_digests(scene: pavfmt.Scene) -> dict[str, Any]:
    """Digests of the Gaussians that are there."""
    if not scene.is_visible:
        return {}
    arrays = scene.arrays()
    opacities, log_scales = scene.effective()
    return {
        **{name: digest(getattr(arrays, name), "<i4") for name in ("indices", "levels", "sites")},
        **{
            name: digest(getattr(arrays, name))
            for name in ("opacities", "barycentrics", "means", "log_scales")
        },
        **{name: digest(getattr(arrays, name)) for name in ("sh0", "quats", "shN")},
        "effective_opacities": digest(opacities),
        "effective_log_scales": digest(log_scales),
    }


def posed(scene: pavfmt.Scene) -> dict[str, Any] | None:
    """A pose, and some of the Gaussians in it, by their row in file order."""
    snapshot = scene.snapshot()
    if snapshot is None:
        return None
    rig = snapshot.avatar.rig
    weights = {shape.name: 0.1 + 0.07 * k for k, shape in enumerate(rig.shapes[:12])} if rig else {}
    joints = rig.joint_names if rig else ()
    rotations = {name: (0.1 * (k + 1), -0.2, 0.15 * k) for k, name in enumerate(joints)}
    translation = (0.01, -0.02, 0.03)
    result = pavfmt.pose_avatar(snapshot.avatar, pavfmt.Pose(weights, rotations, translation))
    chosen = np.unique(np.linspace(0, len(snapshot.order) - 1, POSED_SAMPLES).astype(int))
    names = ("means", "quats", "scales", "opacities", "sh_quats")
    arrays = {name: getattr(result, name) for name in names if getattr(result, name) is not None}
    return {
        "weights": weights,
        "rotations": rotations,
        "translation": translation,
        "rows": snapshot.order[chosen].tolist(),
        "arrays": {name: np.asarray(array, np.float64)[chosen].tolist() for name, array in arrays.items()},
    }


def expected(data: bytes, rig_file: bytes | None = None) -> dict[str, Any]:
    """All that a reader must find in a file."""
    decoder = pavfmt.Decoder()
    if rig_file is not None:
        decoder.supply_rig(rig_file)
    decoder.feed(data)
    list(decoder.events())
    scene = decoder.scene
    return {
        "active": sorted(scene.active_units),
        "animatable": scene.is_animatable,
        "arrays": rig_digests(scene) | gaussian_digests(scene),
        "posed": posed(scene) if rig_file is None else None,
    }


def with_hand_over(avatar: pavfmt.Avatar) -> pavfmt.Avatar:
    """The same, and level 1 takes over from level 0."""
    base, taking, *others = avatar.levels
    count, parents = len(base.gaussians.sites), len(taking.gaussians.sites)
    chosen = np.array([k % count if k % 3 else -1 for k in range(parents)], np.int32)
    return dataclasses.replace(avatar, levels=(base, dataclasses.replace(taking, parents=chosen), *others))


def toys() -> dict[str, bytes]:
    """Small files that have every feature between them."""
    face = synthetic.toy_avatar("face", sh_degree=1)
    mixed = synthetic.toy_avatar("mixed", sh_degree=1, subdivided=True)
    picture = b"\x89PNG\r\n\x1a\n" + bytes(40)
    rig_file = encoder.encode_rig_file(mixed.rig) if mixed.rig else b""
    return {
        "face": pavfmt.encode(dataclasses.replace(face, thumbnail=picture)),
        "surface": pavfmt.encode(synthetic.toy_avatar("surface", sh_degree=3, importance=True)),
        "mixed": pavfmt.encode(mixed),
        "static": pavfmt.encode(synthetic.toy_avatar("static", sh_degree=3)),
        "hand-over": pavfmt.encode(with_hand_over(synthetic.toy_avatar("mixed", sh_degree=0))),
        "rig": rig_file,
        "external": pavfmt.encode(mixed, rig_file=rig_file, rig_name="rig.pav"),
    }


def payload_spans(data: bytes) -> list[tuple[int, int]]:
    """Where the payload of each unit begins and ends."""
    spans = []
    offset = 52
    while offset < len(data):
        (length,) = struct.unpack_from("<I", data, offset + 8)
        spans.append((offset + 20, offset + 20 + length))
        offset += 20 + length
    return spans


def sealed(data: bytes, start: int, end: int) -> bytes:
    """`data` with the checksums of the unit whose payload this is made right."""
    changed = bytearray(data)
    struct.pack_into("<I", changed, start - 8, zlib.crc32(changed[start:end]))
    struct.pack_into("<I", changed, start - 4, zlib.crc32(changed[start - 20 : start - 4]))
    return bytes(changed)


def verdict(data: bytes) -> list[Any]:
    """The code and offset that end decoding, if any, and those of all damage before."""
    decoder = pavfmt.Decoder()
    damage: list[list[Any]] = []
    try:
        decoder.feed(data)
        for event in decoder.events():
            if isinstance(event, events.UnitDamaged):
                damage.append([event.code, event.error_offset])
    except pavfmt.PavError as error:
        return [[error.code, error.offset], damage]
    return [None, damage]


def faults(data: bytes, seed: int) -> list[list[Any]]:
    """[offset, byte, verdict]: payload bytes changed, with right checksums."""
    chooser = random.Random(seed)
    spans = payload_spans(data)
    places = [(start, end, at) for start, end in spans for at in range(start, end)]
    cases = []
    for start, end, at in chooser.sample(places, min(FAULTS_PER_FILE, len(places))):
        byte = chooser.choice((data[at] ^ 1, data[at] ^ 128, 0, 255, chooser.randrange(256)))
        changed = data[:at] + bytes([byte]) + data[at + 1 :]
        cases.append([at, byte, verdict(sealed(changed, start, end))])
    return cases


def rebuild() -> None:
    """Writes fixtures/."""
    FIXTURES.mkdir(exist_ok=True)
    files = toys()
    for seed, (name, data) in enumerate(files.items()):
        (FIXTURES / f"{name}.pav").write_bytes(data)
        rig_file = files["rig"] if name == "external" else None
        record = expected(data, rig_file) | {"faults": faults(data, seed)}
        (FIXTURES / f"{name}.json").write_text(json.dumps(record) + "\n")
    (FIXTURES / "demo.json").write_text(json.dumps(expected(DEMO.read_bytes())) + "\n")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(expected(Path(sys.argv[1]).read_bytes())))
    else:
        rebuild()
