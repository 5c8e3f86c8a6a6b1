"""The measurements behind the decision records, on the three LAM heads of the test data.

    python spec/decisions/measure.py [columns|units|grids|rotation|rig|order|mesh|shared|sh] …

Prints Markdown tables. PAV_TEST_DATA names the data folder (default ../shared/data). The pictures that `grids`
compares are not those quality is reported on.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import zstandard
from pavfmt.encoder.grids import choose_grids

from pavfmt import EncodeOptions, Pose, decode, encode, inspect, pose_avatar
from pavfmt.compression import compress_column
from pavfmt.connectivity import hear, residuals, tell
from pavfmt.encoder import encode_rig_file, opacity_area_importance, rendered_importance
from pavfmt.encoder.importance import VIEWS, order_of
from pavfmt.encoder.renumbering import renumbered_rig
from pavfmt.fields import FieldWriter
from pavfmt.interop.cc0_rig import read_cc0_rig
from pavfmt.interop.lam import read_lam
from pavfmt.model import Avatar
from pavfmt.posing import blended_rotations, pose_mesh, rotation_from_quaternion
from pavfmt.subdivision import edges_of, subdivided_values
from pavfmt.synthetic import synthetic_avatar
from pavfmt.units.attributes import Columns, quantize_gaussians

DATA = Path(os.environ.get("PAV_TEST_DATA", "../shared/data"))
HEADS = ("status", "tesla", "p2-1")


def heads() -> dict[str, Avatar]:
    """The three LAM exports, read in place."""
    return {name: read_lam(DATA / "lam" / f"{name}.zip") for name in HEADS}


def table(title: str, header: list[str], rows: list[list[object]]) -> None:
    """One Markdown table on stdout."""
    print(f"\n### {title}\n\n| {' | '.join(header)} |\n|{'---|' * len(header)}")
    for row in rows:
        print(
            "| " + " | ".join(f"{cell:.2f}" if isinstance(cell, float) else str(cell) for cell in row) + " |"
        )


def _all_columns(columns: Columns) -> list[np.ndarray]:
    groups = [columns.sites[:, None], *(mean[:, None] for mean in columns.means), columns.log_scales]
    groups += [columns.largest[:, None], columns.quats, columns.opacities[:, None], columns.sh0]
    return [np.ascontiguousarray(column) for group in groups for column in group.T]


def measure_columns(avatars: dict[str, Avatar]) -> None:
    """One zstd frame per column against one per unit, in units of importance order, sorted by site inside."""
    rows: list[list[object]] = []
    for name, avatar in avatars.items():
        gaussians = avatar.levels[0].gaussians
        columns = quantize_gaussians(gaussians, choose_grids(gaussians, EncodeOptions()))
        order = order_of(opacity_area_importance(avatar)[0])
        for size in (512, 1024, 2048):
            per_column = per_unit = whole = 0
            for start in range(0, len(order), size):
                part = _all_columns(columns.take(np.sort(order[start : start + size])))
                per_column += sum(len(compress_column(one, one.itemsize)[1]) + 3 for one in part)
                joined = b"".join(one.view(np.uint8).reshape(-1, one.itemsize).T.tobytes() for one in part)
                per_unit += len(zstandard.ZstdCompressor(level=19).compress(joined))
                interleaved = np.concatenate(
                    [one.view(np.uint8).reshape(len(one), -1) for one in part], axis=1
                )
                whole += len(zstandard.ZstdCompressor(level=19).compress(interleaved.tobytes()))
            rows.append([name, size, *(n / len(order) for n in (per_column, per_unit, whole))])
    header = [
        "head",
        "Gaussians a unit",
        "frame per column",
        "frame per unit, planes",
        "frame per unit, rows",
    ]
    table("Bytes per Gaussian by framing of columns", header, rows)


def measure_units(avatars: dict[str, Avatar]) -> None:
    """What small units cost: bytes of the Gaussian units, against all Gaussians in one unit."""
    rows: list[list[object]] = []
    for name, avatar in avatars.items():
        whole = decode(encode(avatar, EncodeOptions(first_unit_bytes=1 << 24, unit_bytes=1 << 24))).header
        for first, later in ((2048, 4096), (4096, 8192), (4096, 16384), (8192, 32768)):
            options = EncodeOptions(first_unit_bytes=first, unit_bytes=later, unit_share=0.0)
            header = decode(encode(avatar, options)).header
            assert header and whole
            cost = 100 * (header.gaussian_bytes / whole.gaussian_bytes - 1)
            rows.append([name, first, later, header.gaussian_bytes, f"+{cost:.1f} %"])
    table(
        "gaussian_bytes by unit size", ["head", "first", "later", "gaussian_bytes", "against one unit"], rows
    )


def measure_grids(avatars: dict[str, Avatar]) -> None:
    """Quality and size as one setting at a time moves away from the default."""
    from pavplayer.camera import evaluation_camera
    from pavplayer.rasterizers import open_rasterizer

    rasterizer = open_rasterizer("cpu")
    expressions = ({}, {"jawOpen": 0.5, "mouthFunnel": 0.3}, {"eyeBlinkLeft": 0.9, "mouthSmileLeft": 0.6})
    views = ((8, 3), (-25, 0), (33, 8))

    def pictures(avatar: Avatar, points: np.ndarray) -> np.ndarray:
        shots = []
        for weights in expressions:
            posed = pose_avatar(avatar, Pose(weights))
            shots += [rasterizer.render(posed, evaluation_camera(points, yaw, pitch)) for yaw, pitch in views]
        return np.stack(shots).astype(np.float64)

    changes: list[dict[str, float]] = [{}]
    changes += [{"mean_bits": bits} for bits in (10, 11, 13, 14)]
    changes += [{"log_scale_bits": bits} for bits in (6, 8)]
    changes += [{"quat_bits": bits} for bits in (7, 9)]
    changes += [{"opacity_bits": bits} for bits in (6, 7)]
    changes += [{"sh0_bits": bits} for bits in (6, 7)]
    changes += [{"shape_step": 5e-5}, {"shape_step": 2e-4}, {"minimum_scale": 5e-5}, {"minimum_scale": 1e-6}]
    rows: list[list[object]] = []
    for name, avatar in avatars.items():
        assert avatar.rig is not None
        points = pose_mesh(avatar.rig, avatar.identity, Pose()).rest_vertices
        reference = pictures(avatar, points)
        for change in changes:
            data = encode(avatar, replace(EncodeOptions(), **change))
            scene = decode(data)
            snapshot = scene.snapshot()
            assert snapshot is not None and scene.header is not None
            error = np.mean((pictures(snapshot.avatar, points) - reference) ** 2)
            label = ", ".join(f"{key} {value}" for key, value in change.items()) or "default"
            each = scene.header.gaussian_bytes / avatar.gaussian_count
            rows.append([name, label, len(data), each, float(10 * np.log10(1 / error))])
    table("Quantization", ["head", "setting", "file_bytes", "gaussian_bytes each", "dB"], rows)


def measure_rotation(avatars: dict[str, Avatar]) -> None:
    """The normative blend of rotations against the polar rotation of the blended matrix."""
    rows: list[list[object]] = []
    for name, avatar in avatars.items():
        rig = avatar.rig
        assert rig is not None
        for degrees in (10, 20, 40):
            turn = tuple(np.radians(degrees) * np.array([0.3, 0.9, 0.3]))
            pose = Pose(rotations={"neckUpper": turn, "head": turn})
            mesh = pose_mesh(rig, avatar.identity, pose)
            blend = rotation_from_quaternion(blended_rotations(mesh.weights, mesh.joint_rotations))
            linear = np.einsum("vj,jkl->vkl", mesh.weights, mesh.joint_rotations)
            u, _, vt = np.linalg.svd(linear)
            polar = u @ vt
            trace = np.einsum("vkl,vkl->v", blend, polar)
            angles = np.degrees(np.arccos(np.clip((trace - 1) / 2, -1, 1)))
            rows.append([name, degrees, f"{angles.mean():.4f}", f"{angles.max():.3f}"])
    header = ["head", "neckUpper and head turned by °, each", "mean difference °", "largest °"]
    table("Blend of quaternions against the polar rotation", header, rows)


def measure_rig(avatars: dict[str, Avatar]) -> None:
    """What stating a subdivided mesh by its base saves, and how exact it is."""
    rows: list[list[object]] = []
    for name, avatar in avatars.items():
        rig = avatar.rig
        assert rig is not None
        edges = edges_of(rig.faces)

        def dense(values: np.ndarray, edges: np.ndarray = edges) -> np.ndarray:
            return subdivided_values(values.astype(np.float64), edges).astype(np.float32)

        mesh = pose_mesh(rig, avatar.identity, Pose())
        full = replace(
            rig,
            faces=mesh.faces,
            mean_neutral=dense(rig.mean_neutral),
            shapes=tuple(replace(shape, displacements=dense(shape.displacements)) for shape in rig.shapes),
            subdivisions=0,
            regions={},
        )
        base = len(encode(avatar))
        whole = len(encode(replace(avatar, rig=full)))
        rows.append([name, base, whole, whole - base])
    table("file_bytes, mesh by its base or in full", ["head", "base", "full", "saved"], rows)


def measure_order(avatars: dict[str, Avatar]) -> None:
    """A hierarchy's order by W in the complete scene, against W of each level with those before it."""
    from pavplayer.camera import evaluation_camera
    from pavplayer.demo import AVATAR_FILE
    from pavplayer.importance import open_renderer
    from pavplayer.rasterizers import open_rasterizer

    snapshot, rasterizer = decode(AVATAR_FILE.read_bytes()).snapshot(), open_rasterizer("cpu")
    assert snapshot is not None and snapshot.avatar.rig is not None
    avatar = snapshot.avatar
    cumulative = rendered_importance(avatar, open_renderer())
    posed = pose_avatar(avatar)
    points = avatar.rig.mean_neutral.astype(np.float64)
    cameras = [evaluation_camera(points, yaw, pitch) for yaw, pitch in VIEWS]
    ends = np.cumsum([len(level.gaussians) for level in avatar.levels])[:-1]
    total = sum(rasterizer.contributions(posed, camera).astype(np.float64) for camera in cameras)
    orders = {"complete scene": np.split(total, ends), "its level and those before": cumulative}
    orders["opacity × area"] = opacity_area_importance(avatar)
    views = [evaluation_camera(points, yaw, pitch) for yaw, pitch in ((8, 3), (-25, 0), (33, 8))]
    reference = np.stack([rasterizer.render(posed, camera) for camera in views])
    shares = (20, 25, 30, 40, 50, 75)
    rows: list[list[object]] = []
    for name, importance in orders.items():
        for per in ("gaussian", "face"):
            data = encode(avatar, EncodeOptions(importance_per=per), importance)
            row: list[object] = [name, per]
            for share in shares:
                snapshot = decode(data[: len(data) * share // 100]).snapshot()
                assert snapshot is not None
                drawn = pose_avatar(snapshot.avatar)
                error = np.mean(
                    [(rasterizer.render(drawn, c) - r) ** 2 for c, r in zip(views, reference, strict=True)]
                )
                row.append(float(10 * np.log10(1 / error)))
            rows.append(row)
    header = ["W measured in", "ordered per", *(f"{share} %" for share in shares)]
    table("Demo avatar, dB at shares of file_bytes", header, rows)


def measure_mesh(avatars: dict[str, Avatar]) -> None:
    """The rig's parts told by the walk and in its order, against plain deltas in the order given."""
    rigs = {name: avatar.rig for name, avatar in avatars.items()}
    rigs["demo"] = read_cc0_rig(DATA / "rigs" / "mh_head_arkit52.npz")
    rows: list[list[object]] = []
    for name, rig in rigs.items():
        assert rig is not None
        moved, _ = renumbered_rig(rig)
        told = tell(rig.faces, len(rig.mean_neutral)).connectivity
        guides = hear(told, len(rig.faces), len(rig.mean_neutral)).guides
        a, b, c = rig.faces.astype(np.int32).T
        plain = sum(column_bytes(column, 4) for column in (a, b - a, c - b))
        walk = sum(column_bytes(one, one.itemsize) for one in (told.symbols, told.rotations, told.numbers))
        low, step = rig.mean_neutral.min(axis=0), 5e-5
        before = np.rint((rig.mean_neutral - low) / step).astype(np.uint16)
        after = np.rint((moved.mean_neutral - low) / step).astype(np.uint16)
        neutral = [sum(column_bytes(axis, 2) for axis in before.T)]
        neutral.append(sum(column_bytes(residuals(axis, guides), 2) for axis in after.T))
        shapes = [sum(_shape_bytes(shape.displacements) for shape in one.shapes) for one in (rig, moved)]
        rows.append([name, plain, walk, *neutral, *shapes])
    header = [
        "rig",
        "faces: deltas",
        "walk",
        "neutral: deltas",
        "predicted",
        "shapes: given order",
        "walk's order",
    ]
    table("Bytes of a rig's parts", header, rows)


def measure_shared(avatars: dict[str, Avatar]) -> None:
    """What naming the rig saves an avatar, and how early its first picture is."""
    rows: list[list[object]] = []
    for name, avatar in avatars.items():
        assert avatar.rig is not None
        rig_file = encode_rig_file(avatar.rig)
        embedded = inspect(encode(avatar))
        external = inspect(encode(avatar, rig_file=rig_file, rig_name="rig.pav"), rig_file=rig_file)
        sizes = [one.complete_file_bytes for one in (embedded, external)]
        visible = [one.bytes_until_visible for one in (embedded, external)]
        rows.append([name, *sizes, len(rig_file), *visible])
    header = ["head", "file_bytes, embedded", "named", "the rig's file", "visible, embedded", "named"]
    table("A shared rig", header, rows)


def measure_sh(avatars: dict[str, Avatar]) -> None:
    """Where the bytes of the seeded 170,000-Gaussian SH 3 avatar are."""
    rig = read_cc0_rig(DATA / "rigs" / "mh_head_arkit52.npz")
    report = inspect(encode(synthetic_avatar(rig), EncodeOptions(importance_per="face")))
    higher = sum(level.bytes_by_attribute["shN"] for level in report.levels)
    largest = max(report.units, key=lambda unit: unit.gaussian_count)
    share = f"{100 * higher / report.complete_gaussian_bytes:.0f} %"
    header = ["file_bytes", "gaussian_bytes", "of them shN", "units", "directory", "largest unit"]
    largest_text = f"{largest.bytes} bytes, {largest.gaussian_count} Gaussians"
    sizes = [report.complete_file_bytes, report.complete_gaussian_bytes, share]
    table(
        "The seeded avatar",
        header,
        [[*sizes, len(report.units), report.bytes_by_section["directory"], largest_text]],
    )


def column_bytes(values: np.ndarray, width: int) -> int:
    """Of one column, its kind and length included."""
    unsigned = np.ascontiguousarray(values).view({1: np.uint8, 2: np.uint16, 4: np.uint32}[width])
    return len(compress_column(unsigned, width)[1]) + 3


def _shape_bytes(displacements: np.ndarray) -> int:
    writer = FieldWriter()
    for axis in np.rint(displacements / 1e-4).astype(np.int32).T:
        writer.signed_column(axis)
    return len(writer.getvalue())


MEASURES = {
    "columns": measure_columns,
    "units": measure_units,
    "grids": measure_grids,
    "rotation": measure_rotation,
    "rig": measure_rig,
    "order": measure_order,
    "mesh": measure_mesh,
    "shared": measure_shared,
    "sh": measure_sh,
}


def main(names: list[str]) -> None:
    """Run the named measurements, or all."""
    avatars = heads()
    for name in names or MEASURES:
        MEASURES[name](avatars)


if __name__ == "__main__":
    main(sys.argv[1:])
