"""Ways to make a file of a subject: what the rows of the table compare."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from pavfmt.arrays import Float64Array
from pavfmt.encoder import (
    PRESETS,
    EncodeOptions,
    Precision,
    encode,
    opacity_area_importance,
    rendered_importance,
    tuned,
)
from pavfmt.encoder.options import FITTED_FINEST, HAND_OVER_OPTIONS
from pavfmt.exporters.progressive import write_progressive
from pavfmt.importers.progressive import is_progressive, read_progressive
from pavfmt.model import Avatar
from pavplayer.importance import open_renderer
from pavtraining.hand_over import ON_FACES, HandOverConfiguration
from pavtraining.hand_over.running import HandOverRun
from pavtraining.hierarchy.configuration import ABLATIONS, HierarchyConfiguration
from pavtraining.hierarchy.running import HierarchyRun
from pavtraining.running import RunFiles
from pavtraining.sources import ViewSource
from research.results.deadline import Deadline
from research.results.subjects import HEADS, Subject

FIRST_UNIT_BYTES = 800
"""Small, so that the first percent shows something."""
RANDOM_SEED = 11
EVEN = 1e-6
"""How little random importance differs: nothing is written finer or left out for it, it only orders."""

FIT = HierarchyConfiguration(
    steps=2000,
    views=(128, 96, 48),
    sizes=(0.25, 0.5, 1.0),
    sizes_until=(0.5, 0.92, 1.0),
    gaussians=16_000,
    sh_degree=1,
    coarse_share=0.03,
    growth_rounds=10,
    order_interval=160,
)
"""Of all fits of the table but the ablations."""
ABLATION = HierarchyConfiguration(
    steps=900,
    views=(96, 48),
    sizes=(0.25, 0.5),
    sizes_until=(0.7, 1.0),
    gaussians=12_000,
    sh_degree=0,
    growth_rounds=8,
    order_interval=100,
)
"""Of the ablations, and of what they are compared with: a few minutes each."""
HEAD_CHANGES = {"sh_degree": 0}
"""The finished heads have no view-dependent colours."""
ALONE_CHANGES = {"multi_level": False, "random_budgets": False, "coarse_share": 0.0}
"""A model for one size only: nothing but the whole is supervised."""
WHOLE_FIT = FIT.changed(ALONE_CHANGES)
"""A model that is fitted for the whole only."""
TWO_PART_BASE = replace(ON_FACES, own_steps=2500, alone_steps=2000, joint_steps=1600, whole_steps=500)
"""For fits: a few minutes, as these have."""
ENCODING = {"first_unit_bytes": FIRST_UNIT_BYTES, "precision": asdict(Precision())}
ENCODING_KEY = "encoding"
"""In a method's settings: how the file is written, whatever was fitted."""
HANDING_OVER_ENCODING = {ENCODING_KEY: [PRESETS["balanced"], FITTED_FINEST, asdict(HAND_OVER_OPTIONS)]}
MADE_FROM_SCENE = ("scene", "capture")
FITTED = EncodeOptions(first_unit_bytes=5500, unit_bytes=4500, importance_per="face", order_as_stored=True)
"""Of fits: the coarse start comes as one, and a twentieth is never passed over by a unit that ends beyond it."""


@dataclass(frozen=True)
class Method:
    """One row."""

    name: str
    title: str
    subjects: tuple[str, ...]
    make: Callable[[Subject, int | None, Path, Deadline], bytes]
    """The file, of as many Gaussians as given (None: as its own configuration says); long work is kept in a folder, and
    TimeIsUpError says that it will go on next time."""
    settings: Mapping[str, Any]
    """What else decides the result: cells made with other settings are made anew."""
    per_share: bool = False
    """A model of its own for every share of the bytes."""
    walks: bool = False
    """Whether many neighbouring prefixes are compared."""


def _encoded(avatar: Avatar, importance: list[Float64Array]) -> bytes:
    return encode(_bare(avatar), EncodeOptions(first_unit_bytes=FIRST_UNIT_BYTES), importance)


def _bare(avatar: Avatar) -> Avatar:
    return replace(avatar, tracks=(), thumbnail=None)


def _flat(subject: Subject) -> Avatar:
    assert subject.flat is not None  # the methods of flat avatars are for heads only
    return subject.flat


def _flat_by_weight(subject: Subject, gaussians: int | None, work: Path, deadline: Deadline) -> bytes:
    flat = _flat(subject)
    return _encoded(flat, rendered_importance(flat, open_renderer("cpu"), lambda share: deadline.check()))


def _flat_by_area(subject: Subject, gaussians: int | None, work: Path, deadline: Deadline) -> bytes:
    flat = _flat(subject)
    return _encoded(flat, opacity_area_importance(flat))


def _flat_at_random(subject: Subject, gaussians: int | None, work: Path, deadline: Deadline) -> bytes:
    flat = _flat(subject)
    random = np.random.default_rng(RANDOM_SEED)
    return _encoded(flat, [1 + EVEN * random.uniform(size=len(level.gaussians)) for level in flat.levels])


def _handed_over(flat: Avatar, configuration: HandOverConfiguration, work: Path, deadline: Deadline) -> bytes:
    folder = work / "checkpoint"
    if not is_progressive(folder):
        files = RunFiles.beside(folder)
        again = files.state.exists()
        run = HandOverRun.resumed(flat, files) if again else HandOverRun(flat, configuration, files)
        with deadline.stopping_fits():
            write_progressive(run.go(), folder)
        run.clear()
    avatar, renderer = read_progressive(folder), open_renderer("cpu")
    importance = rendered_importance(avatar, renderer)
    finest = 0.0 if configuration.exact else FITTED_FINEST
    found = tuned(
        avatar, HAND_OVER_OPTIONS, importance, renderer, PRESETS["balanced"], source=flat, finest=finest
    )
    return encode(_bare(found.avatar), found.options, importance, seen=found.seen)


def _handing_over(name: str, title: str, configuration: HandOverConfiguration) -> Method:
    """Of finished heads."""

    def make(subject: Subject, gaussians: int | None, work: Path, deadline: Deadline) -> bytes:
        return _handed_over(_flat(subject), configuration, work, deadline)

    return Method(
        name, title, HEADS, make, {**configuration.as_mapping(), **HANDING_OVER_ENCODING}, walks=True
    )


def _fitted_then_handing_over(name: str, title: str, configuration: HandOverConfiguration) -> Method:
    """Of what has to be fitted first: for the whole only, and then a base under that."""

    def make(subject: Subject, gaussians: int | None, work: Path, deadline: Deadline) -> bytes:
        whole = _fit(subject.source, WHOLE_FIT, work / "whole", deadline)
        return _handed_over(whole, configuration, work, deadline)

    settings = {**configuration.as_mapping(), "whole": WHOLE_FIT.as_mapping(), **HANDING_OVER_ENCODING}
    return Method(name, title, MADE_FROM_SCENE, make, settings, walks=True)


def _fit(source: ViewSource, configuration: HierarchyConfiguration, work: Path, deadline: Deadline) -> Avatar:
    """The fitted avatar; a fit that was interrupted goes on."""
    folder = work / "checkpoint"
    if not is_progressive(folder):
        files = RunFiles.beside(folder)
        run = (
            HierarchyRun.resumed(source, files)
            if files.state.exists()
            else HierarchyRun.started(source, configuration, files)
        )
        with deadline.stopping_fits():
            write_progressive(run.go(), folder)
        run.clear()
    return read_progressive(folder)


def _fitting(configuration: HierarchyConfiguration) -> Callable[[Subject, int | None, Path, Deadline], bytes]:
    def make(subject: Subject, gaussians: int | None, work: Path, deadline: Deadline) -> bytes:
        changes = HEAD_CHANGES if subject.name in HEADS else {}
        if gaussians is not None:
            changes = {**changes, "gaussians": gaussians}
        avatar = _fit(subject.source, configuration.changed(changes), work, deadline)
        return encode(_bare(avatar), FITTED, rendered_importance(avatar, open_renderer("cpu")))

    return make


def _fitted(
    name: str, title: str, subjects: tuple[str, ...], configuration: HierarchyConfiguration
) -> Method:
    settings = {**configuration.as_mapping(), ENCODING_KEY: asdict(FITTED)}
    return Method(
        name,
        title,
        subjects,
        _fitting(configuration),
        settings,
        per_share=name == "alone",
        walks=name == "additive",
    )


FLAT = Method("flat-w", "flat, by W", HEADS, _flat_by_weight, ENCODING)
ADDITIVE = _fitted("additive", "fitted, additive", (*HEADS, *MADE_FROM_SCENE), FIT)
WHOLE = _fitted("ablation-none", "the whole method", ("scene",), ABLATION)
WHOLE_ONLY = _fitted("flat-fit", "fitted for the whole only", MADE_FROM_SCENE, WHOLE_FIT)
ALONE = _fitted("alone", "fitted alone to so many bytes", ADDITIVE.subjects, WHOLE_FIT)

METHODS: tuple[Method, ...] = (
    FLAT,
    Method("flat-area", "flat, by opacity × area", HEADS, _flat_by_area, ENCODING),
    Method("flat-random", "flat, at random", HEADS, _flat_at_random, ENCODING),
    _handing_over("hand-over", "fitted, hand-over", HandOverConfiguration()),
    _handing_over("hand-over-exact", "hand-over to the exact originals", HandOverConfiguration(exact=True)),
    ADDITIVE,
    WHOLE_ONLY,
    _fitted_then_handing_over("whole-hand-over", "fitted for the whole, then hand-over", TWO_PART_BASE),
    WHOLE,
    *(
        _fitted(f"ablation-{part}", f"without {part}", ("scene",), ABLATION.changed({switch: False}))
        for part, switch in ABLATIONS.items()
    ),
    ALONE,
)
"""The cheapest and most telling first."""


def reference_of(method: Method, subject: str) -> Method:
    """Whose Gaussian bytes the shares are of."""
    if method.name.startswith("ablation"):
        return WHOLE
    return FLAT if subject in HEADS else ADDITIVE
