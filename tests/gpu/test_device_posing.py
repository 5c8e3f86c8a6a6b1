"""Posing on CUDA gives the reference's numbers, and a picture that is the CPU's."""

import pytest

torch = pytest.importorskip("torch")
if not torch.cuda.is_available():
    pytest.skip("no CUDA device", allow_module_level=True)

from growing import fed, pieces_of  # noqa: E402

from pavfmt.model import Pose  # noqa: E402
from pavplayer.evaluation.metrics import psnr  # noqa: E402
from pavplayer.rasterizers import cuda_problem  # noqa: E402
from pavplayer.session import open_session  # noqa: E402
from spec.builders.avatars import KINDS, head_file, toy_file  # noqa: E402

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize("subdivided", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_after_every_unit(kind, subdivided):
    assert fed(pieces_of(toy_file(kind, 2, subdivided)), poses=2, device="cuda") > 4


@pytest.mark.skipif(cuda_problem() is not None, reason=str(cuda_problem()))
def test_the_picture_is_the_cpus():
    pictures = []
    for device in ("cpu", "cuda"):
        session = open_session(device)
        session.feed(head_file())
        session.update()
        pictures.append(session.frame(Pose(), session.camera(yaw_degrees=20)))
    assert psnr(*pictures) >= 50
