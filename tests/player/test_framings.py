"""`eval-v2`'s framings stand where its text says; what an avatar lacks is said in words."""

from dataclasses import replace

import numpy as np
import pytest
from realdata import DATA, needs_data

from pavfmt.importers.lam import read_lam
from pavfmt.model import Pose
from pavplayer.evaluation.framings import evaluation_v2, framings_of, skipped
from pavplayer.posing.poser import Poser
from spec.builders.avatars import toy


def test_what_a_rig_lacks_is_skipped_and_said():
    avatar = toy("face")
    framings = framings_of(avatar, Poser(avatar).frame)
    lines = skipped(avatar, framings)
    assert [line.split(":")[0] for line in lines if not line.startswith("expression")] == ["eyes", "mouth"]
    drawn = {name for framing in framings for name in framing.expressions}
    for name in evaluation_v2()["expressions"]:
        said = [line for line in lines if line.startswith(f"expression {name}:")]
        assert bool(said) == (name != "rest"), name
        assert all(("drawn already" in line) == (name not in drawn) for line in said)


def test_only_what_is_wanted_is_looked_at_and_lacking():
    avatar = toy("face")
    framings = framings_of(avatar, Poser(avatar).frame, only=["everything"], scale=0.1)
    assert [one.name for one in framings] == ["everything"]
    assert (framings[0].cameras[0].width, framings[0].cameras[0].height) == (55, 80)
    assert not any(
        line.startswith(("eyes", "mouth")) for line in skipped(avatar, framings, only=["everything"])
    )


def test_named_regions_stand_in_for_shapes():
    avatar = toy("face")
    mask = np.zeros(len(avatar.rig.mean_neutral), bool)
    mask[:3] = True
    named = replace(avatar, rig=replace(avatar.rig, regions={"eyes": mask}))
    framings = framings_of(named, Poser(named).frame)
    assert [one.name for one in framings] == ["head", "everything", "eyes"]
    assert list(framings[2].vertices) == [0, 1, 2]


@needs_data
def test_framings_of_a_head_stand_where_the_text_says():
    avatar = read_lam(DATA / "lam" / "tesla.zip")
    framings = {one.name: one for one in framings_of(avatar, Poser(avatar).frame)}
    fields = evaluation_v2()
    assert list(framings) == ["head", "everything", "eyes", "mouth"]
    for name, framing in framings.items():
        assert len(framing.cameras) == len(fields["framings"][name]["yaw_pitch_degrees"])
    assert len(framings["head"].expressions) == 6 and len(framings["eyes"].expressions) == 4
    target = avatar.rig.mean_neutral[framings["eyes"].vertices].mean(axis=0)
    away = np.linalg.norm(framings["eyes"].cameras[0].position - target)
    assert away == pytest.approx(0.52, abs=0.03)
    assert framings["head"].expressions["turned"] == Pose(
        {"mouthPucker": 0.7},
        {
            "head": tuple(np.radians([8, 20, 0])),
            "neckUpper": tuple(np.radians([0, 25, 0])),
        },
    )
