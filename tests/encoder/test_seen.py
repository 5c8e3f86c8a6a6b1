"""Nothing that a viewer can see is lost: who may be left out, how fine the rest is, what colours take back."""

from dataclasses import replace

import numpy as np
import pytest

from pavfmt import EncodeOptions, decode, encode
from pavfmt.encoder import PRESETS, opacity_area_importance, rendered_importance, tuned
from pavfmt.encoder.pictures import Look, OrbitView, height_of
from pavfmt.encoder.seen.looking import look_at
from pavfmt.encoder.seen.omission import Omission
from pavfmt.encoder.seen.refit import ColourFit
from pavfmt.encoder.seen.views import Framing, framings_of
from pavfmt.errors import EncodeError
from pavfmt.model import Avatar, Gaussians, Level, Rig
from pavfmt.posing import pose_avatar
from pavfmt.registry import Binding, Site
from pavplayer.importance import camera_of, open_renderer
from pavplayer.rasterizers import open_rasterizer
from pavplayer.windows import worst_window
from spec.builders.avatars import toy

SH0 = 0.28209479177387814
VIEW = OrbitView((0.0, 0.0, 0.0), 1.0, 5.0, 3.0)


def splats(means, colours, scales=0.01, opacities=0.9):
    """A static avatar of round Gaussians in the world's axes."""
    means = np.asarray(means, np.float32)
    count = len(means)
    gaussians = Gaussians(
        sites=np.zeros(count, np.int32),
        means=means,
        quats=np.tile(np.float32([1, 0, 0, 0]), (count, 1)),
        log_scales=np.log(
            np.broadcast_to(np.reshape(np.float32(scales), (-1, 1)), (count, 3)).astype(np.float32)
        ),
        opacities=np.broadcast_to(np.float32(opacities), count).copy(),
        sh0=((np.asarray(colours, np.float32).reshape(-1, 1, 3) - 0.5) / SH0)
        * np.ones((count, 1, 1), np.float32),
        shN=np.zeros((count, 0, 3), np.float32),
    )
    return Avatar((Level(gaussians, Binding.SURFACE_POINT, Site.JOINT),))


def rig_with_an_eye():
    """A rectangle of a head's size that does not move, and a small one in its middle that is called an eye."""
    corners = np.float32([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]])
    return Rig(
        profile="",
        faces=np.int32([[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]]),
        mean_neutral=np.concatenate([corners * np.float32([0.1, 0.12, 1]), corners * np.float32(0.01)]),
        joint_names=("root",),
        joint_parents=(-1,),
        mean_joint_positions=np.zeros((1, 3), np.float32),
        weights=np.ones((8, 1), np.float32),
        regions={"left_eye": np.arange(8) >= 4},
    )


def cloud(count=300, seed=0, spread=0.12):
    random = np.random.default_rng(seed)
    means = random.normal(size=(count, 3)) * spread / 2
    return splats(
        means,
        random.uniform(0.35, 0.65, size=(count, 3)),
        random.uniform(0.004, 0.02, count),
        random.uniform(0.2, 1, count),
    )


def written(avatar, decibels=PRESETS["balanced"], importance=None):
    """What a reader gets of an avatar encoded for a quality."""
    renderer = open_renderer("cpu")
    importance = rendered_importance(avatar, renderer) if importance is None else importance
    found = tuned(avatar, EncodeOptions(), importance, renderer, decibels)
    return decode(encode(found.avatar, found.options, importance, seen=found.seen)).snapshot().avatar, found


def difference(before, after, view, background=(1.0, 1.0, 1.0)):
    rasterizer, camera = open_rasterizer("cpu"), camera_of(view)
    pictures = [rasterizer.render(pose_avatar(one), camera, background) for one in (before, after)]
    return np.abs(pictures[0] - pictures[1])


def test_what_lies_outside_the_meshs_frame_stays():
    """A head with shoulders and arms: half a metre below the mesh, where no picture of the head looks."""
    avatar = toy("surface")
    level = avatar.levels[0]
    own = level.gaussians
    rows = np.arange(len(own))
    below = own.means.copy()
    below[:, 1] -= 4.0 * float(np.ptp(avatar.rig.mean_neutral[:, 1]))
    body = replace(own, means=below, opacities=np.maximum(own.opacities, np.float32(0.5)))
    both = Gaussians(
        **{
            name: None
            if getattr(own, name) is None
            else np.concatenate([getattr(own, name), getattr(body, name)])
            for name in ("sites", "means", "quats", "log_scales", "opacities", "sh0", "shN", "barycentrics")
        }
    )
    with_body = replace(avatar, levels=(replace(level, gaussians=both),))
    renderer = open_renderer("cpu")
    seen = look_at(with_body, renderer, PRESETS["balanced"])
    kept = seen.kept[0][len(rows) :]
    assert kept.mean() > 0.9
    assert np.median(seen.sensitivities[0]["sh0"][len(rows) :]) > 0


def test_a_highlight_on_a_pupil_stays_white():
    """A tiny white speck over a black disc: a thousandth of the picture, and what people look at first."""
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    rings = [
        np.stack([r * np.cos(angles), r * np.sin(angles), 0 * angles], axis=1) for r in (0.002, 0.004, 0.006)
    ]
    face = np.random.default_rng(1).uniform(-0.1, 0.1, size=(400, 3)) * [1, 1.2, 0.1] - [0, 0, 0.03]
    means = np.concatenate([face, *rings, [[0.0015, 0.002, 0.002]]])
    colours = np.concatenate([np.full((400, 3), 0.7), np.zeros((120, 3)), np.ones((1, 3))])
    scales = np.concatenate([np.full(400, 0.012), np.full(120, 0.0015), [0.0006]])
    avatar = replace(splats(means, colours, scales, 0.95), rig=rig_with_an_eye())
    after, found = written(avatar)
    close = OrbitView((0.0, 0.0, 0.0), 0.3, 3.0, -2.0)
    assert worst_window(difference(avatar, after, close), 4)[0] < 40
    assert found.closeness.binding.decibels >= PRESETS["balanced"]


@pytest.mark.parametrize("scale", [0.5, 7.0, 20.0])
def test_one_giant_is_no_massacre(scale):
    """Without a renderer, areas are capped by the avatar's own size, and nothing is left out."""
    avatar = cloud(200)
    gaussians = avatar.levels[0].gaussians
    log_scales = gaussians.log_scales.copy()
    log_scales[17] = np.log(scale)
    giant = replace(
        avatar, levels=(replace(avatar.levels[0], gaussians=replace(gaussians, log_scales=log_scales)),)
    )
    assert decode(encode(giant)).gaussian_count == 200
    assert opacity_area_importance(giant)[0][17] <= (2 * height_of(giant)) ** 2


def test_many_that_nobody_misses_singly_are_missed_together():
    """A hundred faint ones over the same window: some may go, but not so many that the window changes too much."""
    omission = Omission(200, 0.01)
    gaussians = np.arange(200, dtype=np.int32)
    look = Look(*[np.zeros(200)] * 6, gaussians, np.zeros(200, np.int64), np.full(200, 3e-4, np.float32))
    omission.add(look)
    gone = omission.left_out(np.full(200, 0.5), np.zeros(200, bool))
    assert 30 <= gone.sum() <= 33


def test_unseen_is_not_invisible():
    omission = Omission(3, 0.01)
    empty = np.zeros(0)
    look = Look(*[np.zeros(3)] * 6, empty.astype(np.int32), empty.astype(np.int64), empty.astype(np.float32))
    omission.add(look)
    gone = omission.left_out(np.array([0.9, 0.003, 0.002]), np.array([False, False, True]))
    assert gone.tolist() == [False, True, False]


def test_sensitivities_are_what_small_changes_do():
    """Colours and opacities of random Gaussians, by finite differences over black and white."""
    avatar, renderer, rasterizer = cloud(60), open_renderer("cpu"), open_rasterizer("cpu")
    posed = pose_avatar(avatar)
    look, camera = renderer.look(posed, VIEW), camera_of(VIEW)

    def energy(changed):
        total = 0.0
        for background in ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)):
            before, after = (rasterizer.render(one, camera, background) for one in (posed, changed))
            total += float(np.square(after.astype(np.float64) - before).sum()) / 2
        return total

    for one in (3, 21, 44):
        opacities = posed.opacities.copy()
        opacities[one] -= 0.01
        assert energy(replace(posed, opacities=opacities)) / 1e-4 == pytest.approx(
            look.opacities[one], rel=0.15
        )
        means = posed.means.copy()
        moved = 0.0
        for axis in range(3):
            means = posed.means.copy()
            means[one, axis] += 5e-5
            moved += energy(replace(posed, means=means)) / 5e-5**2 / 3
        assert moved == pytest.approx(look.means[one], rel=0.6)


def test_gathering_is_the_transpose_of_blending():
    posed, random = pose_avatar(cloud(80)), np.random.default_rng(2)
    matrix = open_renderer("cpu").colour_map(posed, VIEW, 2)
    colours = random.normal(size=(80, 3))
    picture = random.normal(size=(401, 275, 3)).astype(np.float32)
    one = float((matrix.blend(colours)[..., :3].astype(np.float64) * picture).sum())
    other = float((colours * matrix.gather(picture)[:, :3]).sum())
    assert one == pytest.approx(other, rel=1e-4)


def test_colours_take_back_what_was_done_to_opacities():
    """Over grey: what shines through is no colour's to mend."""
    avatar, renderer, grey = cloud(120), open_renderer("cpu"), (0.5, 0.5, 0.5)
    framings = framings_of(avatar)
    gaussians = avatar.levels[0].gaussians
    fainter = replace(gaussians, opacities=gaussians.opacities * np.float32(0.97))
    changed = replace(avatar, levels=(replace(avatar.levels[0], gaussians=fainter),))
    move = ColourFit(avatar, renderer, framings).correction(changed)
    fitted = replace(fainter, sh0=fainter.sh0 + (move[:, None] / SH0).astype(np.float32))
    again = replace(avatar, levels=(replace(avatar.levels[0], gaussians=fitted),))
    before, after = (float(np.square(difference(avatar, one, VIEW, grey)).mean()) for one in (changed, again))
    assert after < 0.5 * before, after / before


def test_no_framing_is_empty_and_each_looks_at_something_of_its_own():
    framings = framings_of(toy("surface"))
    assert {"everything", "head", "face", "hair"} <= {one.name for one in framings}
    assert all(isinstance(one, Framing) and one.sights for one in framings)
    assert [one.name for one in framings_of(toy("static"))] == ["everything"]


def scaled(row, log_scale):
    """One Gaussian of another size."""
    return lambda g: replace(
        g, log_scales=np.where(np.arange(len(g))[:, None] == row, log_scale, g.log_scales).astype(np.float32)
    )


ODD = {
    "invisible": lambda g: replace(g, opacities=np.zeros_like(g.opacities)),
    "one point": lambda g: replace(g, means=np.zeros_like(g.means) + np.float32(0.01)),
    "a kilometre away": lambda g: replace(g, means=g.means + np.float32([0, 0, 1000])),
    "a micrometre wide": lambda g: replace(g, log_scales=np.full_like(g.log_scales, np.log(1e-6))),
    "an immense one": scaled(3, 63.5),
    "an invisibly thin one": scaled(3, -64.0),
}
IN_SHORT = "invisible"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(change, id=name, marks=() if name == IN_SHORT else pytest.mark.slow)
        for name, change in ODD.items()
    ],
)
def test_odd_avatars_read_back_and_look_the_same(change):
    avatar = cloud(150)
    avatar = replace(
        avatar, levels=(replace(avatar.levels[0], gaussians=change(avatar.levels[0].gaussians)),)
    )
    centre = tuple(np.median(avatar.levels[0].gaussians.means, axis=0).tolist())
    after, _ = written(avatar)
    view = OrbitView(centre, 1.0, 10.0, 5.0)
    assert worst_window(difference(avatar, after, view), 16)[0] < 20
    assert decode(encode(avatar)).gaussian_count == 150


def test_a_few_far_away_are_refused_with_a_word():
    avatar = cloud(150)
    gaussians = avatar.levels[0].gaussians
    means = gaussians.means.copy()
    means[5] = 1000.0
    far = replace(avatar, levels=(replace(avatar.levels[0], gaussians=replace(gaussians, means=means)),))
    with pytest.raises(EncodeError, match="too-spread"):
        encode(far)
