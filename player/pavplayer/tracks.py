"""Recorded performances as poses, by the names of shapes and joints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from pavfmt.importers.tracks import read_tracks
from pavfmt.model import Pose, Track

ARRIVED = "the avatar, as far as it has arrived,"


class TrackNotFoundError(LookupError):
    """No such track; the message lists those that are there."""


def pose_at(track: Track, frame: int) -> Pose:
    """The pose of one frame. Names that a rig does not have move nothing."""
    weights = dict(zip(track.shape_names, track.weights[frame].tolist(), strict=True))
    rotations: dict[str, tuple[float, float, float]] = {}
    if track.rotations is not None:
        turns = track.rotations[frame].tolist()
        rotations = {name: (x, y, z) for name, (x, y, z) in zip(track.joint_names, turns, strict=True)}
    if track.translation is None:
        return Pose(weights, rotations)
    x, y, z = track.translation[frame].tolist()
    return Pose(weights, rotations, (x, y, z))


def find_track(asked: str, embedded: Iterable[Track]) -> Track:
    """`asked` is "FILE", "FILE:NAME", "@NAME" for a track inside the avatar, or that NAME alone."""
    inside = {track.name: track for track in embedded}
    if asked.startswith("@"):
        return _chosen(inside, asked[1:], ARRIVED)
    if Path(asked).is_file():
        return _chosen(read_tracks(asked), None, asked)
    file, _, name = asked.rpartition(":")
    if file and Path(file).is_file():
        return _chosen(read_tracks(file), name, file)
    return _chosen(inside, asked, f"there is no such file, and {ARRIVED}")


def _chosen(tracks: Mapping[str, Track], name: str | None, where: str) -> Track:
    if name is None and len(tracks) == 1:
        return next(iter(tracks.values()))
    if name is not None and name in tracks:
        return tracks[name]
    has = ", ".join(sorted(tracks)) or "no tracks"
    message = f"{where} has {has}" + ("; name one" if name is None else f", not {name!r}")
    raise TrackNotFoundError(message)
