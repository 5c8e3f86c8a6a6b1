"""What is asked of an encoder in words, made concrete by looking at the avatar."""

from dataclasses import replace

import pytest

from pavfmt.encoder import PRESETS, EncodeOptions, precision_near
from pavfmt.encoder.choices import (
    Prepared,
    fitting_options,
    keeps_gaussians,
    ordering,
    prepared,
    wanted_decibels,
)
from pavfmt.encoder.options import ADDITIVE_OPTIONS
from pavfmt.encoder.quality import Closeness, FramingQuality
from pavfmt.errors import EncodeError
from spec.builders.avatars import toy


def test_a_number_comes_before_a_preset_and_nothing_is_nothing():
    assert wanted_decibels(None, None) is None
    assert wanted_decibels("small", None) == PRESETS["small"]
    assert wanted_decibels("small", 52.0) == 52.0


@pytest.mark.parametrize("decibels", [29.99, 70.01, float("nan")])
def test_what_cannot_be_had_is_refused(decibels):
    with pytest.raises(EncodeError, match="bad-quality"):
        wanted_decibels(None, decibels)
    assert wanted_decibels(None, 30.0) == 30.0 and wanted_decibels(None, 70.0) == 70.0


def test_but_for_small_files_gaussians_stay_as_they_are():
    assert keeps_gaussians(None) and keeps_gaussians(PRESETS["near-lossless"])
    assert not keeps_gaussians(PRESETS["small"])


def test_the_order_is_the_first_that_is_there():
    avatar = toy("face")
    assert ordering(avatar).name == ordering(avatar, "opacity-area").name == "opacity x area"
    measured = replace(
        avatar,
        levels=tuple(
            replace(level, gaussians=replace(level.gaussians, importance=level.gaussians.opacities))
            for level in avatar.levels
        ),
    )
    kept = ordering(measured)
    assert (kept.name, kept.as_stored) == ("the checkpoint's importance", True)
    assert ordering(measured, "opacity-area").as_stored is False
    with pytest.raises(EncodeError):
        ordering(avatar, "checkpoint")


def test_options_fit_the_kind_of_avatar():
    avatar = toy("face")
    assert fitting_options(avatar) is ADDITIVE_OPTIONS
    assert fitting_options(replace(avatar, levels=avatar.levels[:1])) == EncodeOptions()


def test_without_a_renderer_steps_are_fixed_and_nothing_is_promised():
    avatar = toy("face")
    order, options = ordering(avatar), fitting_options(avatar)
    found = prepared(avatar, options, order)
    assert found.options.precision == precision_near(PRESETS["balanced"], options.precision)
    assert found.seen is None and found.closeness is None and not found.is_missed
    assert prepared(avatar, options, order, 52.0).asked == 52.0


def test_what_is_not_reached_is_missed():
    avatar = toy("face")

    def closeness(decibels):
        return Closeness((FramingQuality("head", decibels, {}), FramingQuality("eyes", 60.0, {})), ())

    options = fitting_options(avatar)
    assert Prepared(avatar, options, None, 52.0, closeness(51.9)).is_missed
    assert not Prepared(avatar, options, None, 52.0, closeness(52.0)).is_missed
