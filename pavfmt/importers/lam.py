"""LAM's export (a zip or folder with `skin.glb` and `offset.ply`) → Avatar.

Gaussian i hangs on vertex i of the skinned mesh: p = skin(POSITION + Σ w·morph + offset). The mesh is FLAME's
topology subdivided once; where a file keeps that rule the rig stores the base mesh only.
"""

from __future__ import annotations

import zipfile
from pathlib import Path, PurePosixPath

import numpy as np

from pavfmt.arrays import Int32Array
from pavfmt.codec.subdivision import edges_of, subdivided_faces, subdivided_values
from pavfmt.errors import EncodeError
from pavfmt.importers.arkit import ESSENTIAL_SHAPES, regions_from_shapes
from pavfmt.importers.files.glb import read_glb
from pavfmt.importers.files.ply import columns
from pavfmt.importers.files.source import FolderSource, Source, ZipSource
from pavfmt.importers.gaussian_ply import read_gaussian_table
from pavfmt.importers.skinned_mesh import SkinnedMesh, read_skinned_mesh
from pavfmt.importers.tracks import parse_bs_data
from pavfmt.model import SH_C0, Avatar, Gaussians, Level, Rig, Shape, Track
from pavfmt.registry import Binding, ShFrame, Site

MIDPOINT_TOLERANCE = 5e-6
"""Metres a vertex or morph may differ from the midpoint of its edge."""


def is_lam(path: Path) -> bool:
    """Whether a folder or zip file has a part of a LAM export; EncodeError where an archive cannot be read."""
    if path.is_dir():
        return _has_part(FolderSource(path))
    if not zipfile.is_zipfile(path):
        return False
    with ZipSource(path) as source:
        return _has_part(source)


def _has_part(source: Source) -> bool:
    """With one of two, the message can say that the other is missing."""
    return bool(source.find("skin.glb")) or bool(source.find("offset.ply"))


def read_lam(path: str | Path) -> Avatar:
    """The avatar in a LAM export, a zip file or a folder."""
    path = Path(path)
    if path.is_dir():
        return avatar_from(FolderSource(path))
    if not path.is_file():
        raise EncodeError("missing-file", f"{path.name}: no such file or folder")
    with ZipSource(path) as source:
        return avatar_from(source)


def avatar_from(source: Source) -> Avatar:
    """The avatar whose `skin.glb` and `offset.ply` the source holds."""
    folder = find_folder(source)
    mesh = read_skinned_mesh(read_glb(source.read(str(folder / "skin.glb")), "skin.glb"))
    gaussians = read_offsets(source.read(str(folder / "offset.ply")), len(mesh.positions))
    rig = rig_from(mesh)
    level = Level(gaussians, Binding.SURFACE_POINT, Site.VERTEX, ShFrame.WORLD)
    return Avatar(
        levels=(level,),
        rig=rig,
        metadata={"title": source.title},
        tracks=read_track(source, folder, rig),
    )


def find_folder(source: Source) -> PurePosixPath:
    """The one folder of the source that holds `skin.glb` and `offset.ply`."""
    found = source.find("skin.glb")
    if not found:
        raise EncodeError("missing-file", f"{source.title}: no skin.glb, which a LAM export has")
    if len(found) > 1:
        raise EncodeError("ambiguous-input", f"{source.title}: several avatars: {', '.join(found[:4])}")
    folder = PurePosixPath(found[0]).parent
    if str(folder / "offset.ply") not in source.find("offset.ply"):
        raise EncodeError("missing-file", f"{source.title}: no offset.ply beside skin.glb")
    return folder


def read_track(source: Source, folder: PurePosixPath, rig: Rig) -> tuple[Track, ...]:
    """The performance in `bsData.json`, if there is one: the weights of the shapes that the rig has."""
    name = str(folder / "bsData.json")
    if name not in source.find("bsData.json"):
        return ()
    track = parse_bs_data(source.read(name), "bsData.json")
    known = {shape.name for shape in rig.shapes}
    kept = [k for k, shape in enumerate(track.shape_names) if shape in known]
    names = tuple(track.shape_names[k] for k in kept)
    return (Track(track.name, track.frames_per_second, names, track.weights[:, kept]),)


def read_offsets(data: bytes, vertex_count: int) -> Gaussians:
    """`offset.ply`: one Gaussian per vertex; offsets in metres, plain RGB, logits, log scales."""
    where = "offset.ply"
    table = read_gaussian_table(data, where)
    if len(table.rows) != vertex_count:
        message = f"{where} has {len(table.rows)} rows, skin.glb {vertex_count} vertices"
        raise EncodeError("binding-out-of-range", message)
    rgb = columns(table.rows, ("f_dc_0", "f_dc_1", "f_dc_2"), where).astype(np.float64)
    return Gaussians(
        sites=np.arange(vertex_count, dtype=np.int32),
        means=table.means,
        quats=table.quats,
        log_scales=table.log_scales,
        opacities=table.opacities,
        sh0=((rgb - 0.5) / SH_C0).astype(np.float32)[:, None, :],
        shN=np.zeros((vertex_count, 0, 3), np.float32),
    )


def rig_from(mesh: SkinnedMesh) -> Rig:
    """The rig on the base mesh where the midpoint rule holds, else on the mesh as it is."""
    base = base_faces(mesh)
    faces, count, subdivisions = (mesh.faces, len(mesh.positions), 0)
    if base is not None:
        faces, count, subdivisions = base, int(base.max()) + 1, 1
    shapes = tuple(
        Shape(name, morph[:count], essential=name in ESSENTIAL_SHAPES) for name, morph in mesh.morphs.items()
    )
    return Rig(
        profile="arkit-52",
        faces=faces,
        mean_neutral=mesh.positions[:count],
        joint_names=mesh.skeleton.names,
        joint_parents=mesh.skeleton.parents,
        mean_joint_positions=mesh.skeleton.positions.astype(np.float32),
        weights=mesh.weights,
        shapes=shapes,
        subdivisions=subdivisions,
        regions=regions_from_shapes(shapes),
    )


def base_faces(mesh: SkinnedMesh) -> Int32Array | None:
    """(F / 4, 3) base faces if faces, positions and morphs follow the midpoint rule, else None."""
    if not len(mesh.faces) or len(mesh.faces) % 4:
        return None
    corners = mesh.faces[:, 0].reshape(4, -1)
    faces = np.ascontiguousarray(corners[:3].T)
    edges, count = edges_of(faces), int(faces.max()) + 1
    if count + len(edges) != len(mesh.positions):
        return None
    if not np.array_equal(subdivided_faces(faces, count), mesh.faces):
        return None
    for values in (mesh.positions, *mesh.morphs.values()):
        exact = values.astype(np.float64)
        if np.abs(subdivided_values(exact[:count], edges) - exact).max() > MIDPOINT_TOLERANCE:
            return None
    return faces
