"""--weights, --joint and --track → a Pose, checked against the rig that has arrived."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pavcli.options import values
from pavcli.reporting import UsageError
from pavfmt.decoding.scene import Scene
from pavfmt.model import Pose
from pavplayer.tracks import find_track, pose_at


@dataclass(frozen=True)
class AskedPose:
    """A pose, and what of it has no effect on the avatar as far as it has arrived."""

    pose: Pose
    notes: tuple[str, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--weights",
        metavar="NAME=V",
        nargs="+",
        action="extend",
        default=[],
        type=values.weight,
        help="shape weights, over those of a track",
    )
    parser.add_argument(
        "--joint",
        metavar="NAME=X,Y,Z",
        nargs="+",
        action="extend",
        default=[],
        type=values.joint_turn,
        help="turn joints: axis-angle in degrees, relative to the parent, axes +X left +Y up +Z forward",
    )
    parser.add_argument(
        "--track",
        metavar="FILE[:NAME]",
        help="a performance: an ARKit or FLAME .npz, bsData.json, or @NAME for one inside the avatar",
    )
    parser.add_argument("--frame", type=int, default=0, metavar="I", help="frame of the track (default: 0)")


def asked_pose(args: argparse.Namespace, scene: Scene) -> AskedPose:
    """The pose the options describe. Raises UsageError for names the rig does not have."""
    pose = Pose() if args.track is None else _track_pose(args.track, args.frame, scene)
    weights, turns = dict(args.weights), dict(args.joint)
    if scene.core is None:
        return AskedPose(Pose(weights), _notes_without_rig(scene, bool(weights or turns)))
    _check_known("shape", weights, scene.core.shape_names)
    _check_known("joint", turns, scene.core.joint_names)
    radians = {name: _radians(degrees) for name, degrees in turns.items()}
    posed = replace(pose, weights={**pose.weights, **weights}, rotations={**pose.rotations, **radians})
    return AskedPose(posed, _notes_of_waiting(weights, scene))


def _track_pose(asked: str, frame: int, scene: Scene) -> Pose:
    """One frame of a performance."""
    try:
        track = find_track(asked, scene.tracks.values())
    except LookupError as error:
        raise UsageError(f"--track {asked}: {error}") from None
    if not 0 <= frame < track.frame_count:
        raise UsageError(f"--frame {frame}: {track.name} has frames 0 to {track.frame_count - 1}")
    return pose_at(track, frame)


def _radians(degrees: tuple[float, float, float]) -> tuple[float, float, float]:
    """An axis-angle, as a Pose has it."""
    x, y, z = np.radians(degrees).tolist()
    return x, y, z


def _check_known(kind: str, asked: Iterable[str], known: Sequence[str]) -> None:
    """UsageError for the first name that the rig does not have, with the names that are close to it."""
    for name in asked:
        if name in known:
            continue
        by_lower = {one.lower(): one for one in known}
        close = [by_lower[one] for one in difflib.get_close_matches(name.lower(), by_lower, n=4, cutoff=0.5)]
        hint = f"close to it: {', '.join(close)}" if close else f"it has {', '.join(known) or 'none'}"
        raise UsageError(f"the rig has no {kind} {name!r}; {hint}")


def _notes_of_waiting(weights: Iterable[str], scene: Scene) -> tuple[str, ...]:
    """Which of these shapes the rig has, but not yet in this prefix."""
    here = {shape.name for shape in scene.shapes.values()}
    missing = [name for name in weights if name not in here]
    return (f"not in this prefix yet, so without effect: {', '.join(missing)}",) if missing else ()


def _notes_without_rig(scene: Scene, asked: bool) -> tuple[str, ...]:
    """Of a prefix without the rig. Raises UsageError where no rig will come: that is known once the table is here."""
    if not asked:
        return ()
    if scene.table is not None and not scene.has_rig():
        raise UsageError("the avatar has no rig: it has no shapes or joints to move")
    return ("the rig is not in this prefix yet, so weights and joints are without effect",)
