"""A poser that grows while a decoder is fed, checked against the reference after every piece."""

from posed import check, random_pose

from pavfmt.decoding.decoder import Decoder
from pavfmt.model import Pose
from pavfmt.posing import pose_avatar
from pavplayer.posing.device import GrowingPoser
from spec.builders.forging import unit_spans


def reference(scene, pose):
    snapshot = scene.snapshot()
    posed = pose_avatar(snapshot.avatar, pose)
    columns = {name: None if value is None else value[snapshot.order] for name, value in vars(posed).items()}
    return type(posed)(**columns)


def fed(pieces, poses=1, device="cpu"):
    """Feeds a decoder piece by piece and checks a poser after each; returns how often there was something."""
    decoder, checks = Decoder(), 0
    poser = GrowingPoser(decoder.scene, device)
    for offset, data in pieces:
        decoder.feed_at(offset, data)
        list(decoder.events())
        poser.update()
        if not decoder.scene.is_visible:
            assert poser.frame(Pose()) is None
            continue
        assert len(poser) == decoder.scene.gaussian_count
        for seed in range(poses):
            pose = random_pose(decoder.scene.snapshot().avatar, seed)
            check(poser.frame(pose), reference(decoder.scene, pose))
            checks += 1
    return checks


def pieces_of(data):
    return [(0, data[:52]), *((low, data[low:high]) for low, high in unit_spans(data))]
