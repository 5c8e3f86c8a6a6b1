"""From an avatar to the bytes of a `.pav` file: plan, schedule, emission, and a decoder that reads the result."""

from __future__ import annotations

from collections.abc import Sequence

from pavfmt.arrays import Float64Array
from pavfmt.decoding.decoder import Decoder
from pavfmt.decoding.events import UnitDamaged
from pavfmt.encoder.draft import Draft
from pavfmt.encoder.emission import Emission
from pavfmt.encoder.options import EncodeOptions
from pavfmt.encoder.pictures import Progress
from pavfmt.encoder.planning import Planner
from pavfmt.encoder.rig.motion import motion_units
from pavfmt.encoder.rig.renumbering import renumbered_rig
from pavfmt.encoder.schedule import Schedule
from pavfmt.encoder.seen.looking import Seen
from pavfmt.errors import EncodeError, PavError
from pavfmt.model import Avatar, Rig
from pavfmt.registry import UnitType
from pavfmt.units.rig import encode_rig


def encode(
    avatar: Avatar,
    options: EncodeOptions | None = None,
    importance: Sequence[Float64Array] | None = None,
    rig_file: bytes | None = None,
    rig_name: str = "",
    progress: Progress | None = None,
    seen: Seen | None = None,
) -> bytes:
    """The bytes of a whole `.pav` file.

        data = pavfmt.encode(avatar)
        pathlib.Path("head.pav").write_bytes(data)

    `importance` is (N,) per level, not negative: more important Gaussians are sent earlier and written finer. By
    default it is opacity × area; `pavfmt.encoder.rendered_importance` measures it with a renderer. With `rig_file`
    (what `pavfmt.encoder.encode_rig_file` made of the same rig) the rig is not embedded but named by the file's
    SHA-256 (§6.3), `rig_name` being the hint where to look for it. `progress` is called with shares done, 0..1.
    `seen`, from looking at the avatar (`pavfmt.encoder.quality.tuned`), says who may be left out and how fine the
    others must be.

    The same input gives the same bytes. Raises EncodeError where the avatar breaks a limit or rule of the format.
    """
    plan = Planner(avatar, options or EncodeOptions(), importance, rig_file, rig_name, seen).plan()
    emission = Emission(plan)
    Schedule(plan, emission, progress).run()
    return _checked(emission.getvalue(), rig_file)


def encode_rig_file(rig: Rig, options: EncodeOptions | None = None) -> bytes:
    """A `.pav` file that holds only a rig, for many avatars to share (§6.3). Raises EncodeError."""
    options = options or EncodeOptions()
    rig, _ = renumbered_rig(rig)
    draft = Draft()
    rig_id = draft.add(
        UnitType.RIG, (), lambda w: encode_rig(w, rig, options.neutral_step, options.weight_bits)
    )
    essential, others = motion_units(draft, rig, rig_id, options)
    for add in (*essential, *others):
        add()
    return _checked(draft.getvalue())


def _checked(data: bytes, rig_file: bytes | None = None) -> bytes:
    """`data` once a decoder has read all of it: no encoder writes what readers refuse."""
    decoder = Decoder()
    if rig_file is not None:
        decoder.supply_rig(rig_file)
    decoder.feed(data)
    try:
        damage = [event for event in decoder.events() if isinstance(event, UnitDamaged)]
    except PavError as error:
        raise EncodeError("unreadable-output", f"no reader would accept it: {error}") from None
    if damage:
        raise EncodeError("unreadable-output", f"no reader would accept it: {damage[0].message}")
    return data
