"""Posing on CUDA: the reference's numbers from a captured graph, without waiting for the device."""

import pytest

torch = pytest.importorskip("torch")
if not torch.cuda.is_available():
    pytest.skip("no CUDA device", allow_module_level=True)

from growing import fed, pieces_of, reference  # noqa: E402
from posed import check, random_pose  # noqa: E402

from pavfmt.decoding.decoder import decode  # noqa: E402
from pavfmt.model import Pose  # noqa: E402
from pavplayer.evaluation.metrics import psnr  # noqa: E402
from pavplayer.posing.device import GrowingPoser  # noqa: E402
from pavplayer.rasterizers import cuda_problem  # noqa: E402
from pavplayer.session import open_session  # noqa: E402
from spec.builders.avatars import KINDS, head_file, toy_file  # noqa: E402

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize("subdivided", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_after_every_unit(kind, subdivided):
    assert fed(pieces_of(toy_file(kind, 2, subdivided)), poses=2, device="cuda") > 4


def test_a_graph_replays_any_pose():
    scene = decode(toy_file("mixed"))
    poser, avatar = GrowingPoser(scene), scene.snapshot().avatar
    poser.update()
    for seed in range(6):
        pose = random_pose(avatar, seed)
        check(poser.frame(pose), reference(scene, pose))
        eager = poser._posed()
        assert torch.allclose(poser.frame(pose).means, eager.means[: len(poser)], atol=1e-6)


def test_fused_kernels_give_the_same():
    scene = decode(toy_file("mixed"))
    poser, pose = GrowingPoser(scene, fused=True), random_pose(scene.snapshot().avatar, 3)
    poser.update()
    check(poser.frame(pose), reference(scene, pose))


def test_nothing_of_ours_waits():
    scene = decode(head_file())
    poser = GrowingPoser(scene)
    poser.update()
    poser.frame(Pose())  # captures, and may wait
    torch.cuda.set_sync_debug_mode("error")
    try:
        for shift in range(3):
            poser.frame(Pose(translation=(0.0, 0.0, 0.01 * shift)))
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.skipif(cuda_problem() is not None, reason=str(cuda_problem()))
def test_the_picture_is_the_cpus():
    pictures = []
    for device in ("cpu", "cuda"):
        session = open_session(device)
        session.feed(head_file())
        session.update()
        pictures.append(session.frame(Pose(), session.camera(yaw_degrees=20)))
    assert psnr(*pictures) >= 50
