"""A session that poses on a device while it is fed, checked against the reference after every piece."""

from posed import check, random_pose

from pavfmt.model import Pose
from pavfmt.posing import pose_avatar
from pavplayer.rasterizers.plain import PlainRasterizer
from pavplayer.session import Session
from spec.builders.forging import unit_spans


def reference(scene, pose):
    snapshot = scene.snapshot()
    posed = pose_avatar(snapshot.avatar, pose)
    columns = {name: None if value is None else value[snapshot.order] for name, value in vars(posed).items()}
    return type(posed)(**columns)


def fed(pieces, poses=1, device="cpu"):
    """Feeds a session piece by piece and checks what it poses; returns how often there was something."""
    session, checks = Session(PlainRasterizer(), device=device), 0
    for offset, data in pieces:
        session.feed_at(offset, data)
        session.update()
        if not session.scene.is_visible:
            assert session.posed(Pose()) is None
            continue
        for seed in range(poses):
            pose = random_pose(session.scene.snapshot().avatar, seed)
            check(session.posed(pose), reference(session.scene, pose))
            checks += 1
    return checks


def pieces_of(data):
    return [(0, data[:52]), *((low, data[low:high]) for low, high in unit_spans(data))]
