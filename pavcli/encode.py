"""`pav encode`: a trained avatar in, a `.pav` out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from pavcli.options import output
from pavcli.options.progress import bar
from pavcli.reporting import ExitCode
from pavfmt.encoder import (
    PRESETS,
    EncodeOptions,
    Precision,
    encode,
    encode_rig_file,
    fitted_precision,
    opacity_area_importance,
    precision_for,
    rendered_importance,
    stored_importance,
)
from pavfmt.encoder.options import FITTED_DECIBELS, GROWN, HANDING_OVER, precision_near
from pavfmt.encoder.order.importance import has_stored_importance
from pavfmt.encoder.order.region_importance import with_measured_regions
from pavfmt.encoder.pictures import Renderer
from pavfmt.encoder.shared_rig import shared_avatar
from pavfmt.errors import EncodeError
from pavfmt.fileio import check_target, read_bytes, write_together
from pavfmt.importers import read_avatar
from pavfmt.model import Avatar, Float64Array
from pavfmt.registry import METADATA_KEYS
from pavfmt.tools.inspect import inspect

HELP = """\
What SRC is, is recognised:
  pav encode lam-export.zip -o head.pav                       a LAM export, zip or folder
  pav encode checkpoint/ --flame flame2023.pkl \\
      --embed-licensed-rig -o head.pav                        a GaussianAvatars checkpoint; FLAME is yours to bring
  pav encode fitted/ -o head.pav                              a progressive checkpoint
  pav encode lam-export.zip --progressive -o head.pav         fits it first: whole heads from the first kilobytes

One rig for many heads: write it once, then name it:
  pav encode status.zip --rig external --rig-output rig.pav -o status.pav
  pav encode tesla.zip --shared-rig rig.pav -o tesla.pav

How fine it is, --preset or --quality says: dB against the avatar as given, found by drawing it from some views
(needs pavfmt[player]; without, or with --no-search, by fixed steps that come to about as much):
  small          44 dB: no difference at a glance
  balanced       48 dB: lost in what a photograph's noise hides
  near-lossless  54 dB

The order of the Gaussians follows --importance:
  checkpoint     what the checkpoint measured; how finely each is written, what is seen of it decides all the same
  render         the sum of their blending weights over 7 views and up to 3 expressions (needs pavfmt[player])
  opacity-area   opacity x area of the largest cross-section
  auto           the first of these that is there"""

LICENSED_PROFILES = ("flame",)
Fitter = Callable[[Avatar, Callable[[float], None], bool], Avatar]
"""Makes an avatar progressive, telling its progress 0..1; whether the Gaussians must stay as they are."""
EXACT_DECIBELS = 50.0
LEAST_DECIBELS, MOST_DECIBELS = 30.0, 70.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare its options."""
    parser.add_argument("source", help="a LAM export, GaussianAvatars or progressive checkpoint")
    output.add_output(parser, ".pav")
    parser.add_argument(
        "--flame", metavar="MODEL", help="your FLAME model (.pkl or .npz), for GaussianAvatars"
    )
    choices = ("auto", "checkpoint", "render", "opacity-area")
    parser.add_argument("--importance", choices=choices, default="auto", help="who is sent first")
    parser.add_argument("--preset", choices=tuple(PRESETS), help="how fine (see above; default: balanced)")
    parser.add_argument(
        "--quality", type=float, metavar="DB", help="instead of a preset: so many dB, 30 to 70"
    )
    parser.add_argument(
        "--progressive",
        action="store_true",
        help="first fit a flat avatar, so that short prefixes are whole heads and fewer Gaussians do (some minutes, "
        "without resume, which pav fit has; needs pavfmt[training]); "
        f"from {EXACT_DECIBELS:g} dB on its Gaussians stay as they are, under a fitted base",
    )
    parser.add_argument(
        "--level-order",
        choices=("major", "gain"),
        default="major",
        help="a level is complete before the next begins, or the unit worth most per byte is next (default: major)",
    )
    parser.add_argument(
        "--group-regions",
        action="store_true",
        help="units of what matters to the same regions of the rig (eyes, mouth, ...), for players that look somewhere "
        "first; pictures tell what matters (needs pavfmt[player]; without, what sits there)",
    )
    parser.add_argument("--no-search", action="store_true", help="fixed steps: faster, the quality varies")
    parser.add_argument(
        "--importance-per",
        choices=("gaussian", "face"),
        default=None,
        help="order single Gaussians, or whole faces (default: faces in a hierarchy, else Gaussians)",
    )
    parser.add_argument(
        "--rig", choices=("embed", "external"), default="embed", help="carry the rig, or name it by SHA-256"
    )
    parser.add_argument("--rig-output", metavar="RIG", help="where --rig external writes the rig's own .pav")
    parser.add_argument(
        "--shared-rig",
        metavar="RIG",
        help="a rig's .pav that exists: name it instead of writing one; SRC must be rigged the same way, its own "
        "neutral face is carried",
    )
    parser.add_argument(
        "--embed-licensed-rig",
        action="store_true",
        help="write FLAME's mesh, weights and shapes into the file: only if your licence lets you pass them on",
    )
    parser.add_argument("--thumbnail", metavar="PICTURE", help="a PNG, JPEG or WebP to carry, at most 1 MiB")
    parser.add_argument("--no-tracks", action="store_true", help="leave the source's recorded motion out")
    for key in METADATA_KEYS:
        if key != "generator":
            parser.add_argument(f"--{key}", metavar="TEXT", help=f"metadata: {key}")


def run(args: argparse.Namespace) -> int:
    """Do it."""
    for target in filter(None, (args.output, args.rig_output)):
        check_target(target, args.force)
    avatar = _with_extras(read_avatar(Path(args.source), flame=args.flame), args)
    _check_rig_options(avatar, args)
    rig_file, rig_name = None, args.shared_rig or args.rig_output or ""
    if args.shared_rig:
        rig_file = read_bytes(args.shared_rig)
        avatar = shared_avatar(avatar, rig_file)
    per = args.importance_per or ("face" if len(avatar.levels) > 1 else "gaussian")
    source_avatar = avatar
    if args.progressive:
        with bar("fitting", args.quiet) as advance:
            avatar = _fitter()(avatar, advance, _target(args) >= EXACT_DECIBELS)
    renderer = _renderer(needed=args.importance == "render")
    if args.group_regions and renderer is not None:
        with bar("regions", args.quiet) as advance:
            measured = with_measured_regions(avatar, renderer, advance)
        source_avatar = measured if source_avatar is avatar else source_avatar
        avatar = measured
    with bar("importance", args.quiet) as advance:
        importance, as_stored, source = _measure(avatar, args.importance, renderer, advance)
    with bar("precision", args.quiet) as advance:
        options = HANDING_OVER if avatar.hands_over else GROWN if len(avatar.levels) > 1 else EncodeOptions()
        options = replace(
            options,
            importance_per=per,
            order_as_stored=as_stored,
            group_regions=args.group_regions,
            level_order=args.level_order,
        )
        precision, reached = _precision(avatar, source_avatar, args, options, importance, renderer, advance)
        options = replace(options, precision=precision)
    outputs = {}
    if rig_file is None and args.rig == "external" and avatar.rig is not None:
        rig_file = encode_rig_file(avatar.rig, options)
        outputs[args.rig_output] = rig_file
    with bar("encoding", args.quiet) as advance:
        data = encode(avatar, options, importance, rig_file, Path(rig_name).name, progress=advance)
    write_together({**outputs, args.output: data}, args.force)
    if not args.quiet:
        kept = f"{inspect(data).complete_gaussian_count:,} of {avatar.gaussian_count:,} Gaussians"
        print(f"{args.output}: {len(data):,} bytes, {kept}, order by {source}, {reached}", file=sys.stderr)
    return ExitCode.FINE


def _with_extras(avatar: Avatar, args: argparse.Namespace) -> Avatar:
    """The avatar with the metadata and picture given, and without its tracks if so asked."""
    given = {key: getattr(args, key.replace("-", "_"), None) for key in METADATA_KEYS}
    return replace(
        avatar,
        metadata={**avatar.metadata, **{key: text for key, text in given.items() if text}},
        tracks=() if args.no_tracks else avatar.tracks,
        thumbnail=read_bytes(args.thumbnail) if args.thumbnail else avatar.thumbnail,
    )


def _check_rig_options(avatar: Avatar, args: argparse.Namespace) -> None:
    if args.shared_rig and args.rig_output:
        raise EncodeError(
            "two-rigs", "--shared-rig names a rig's file that exists, --rig-output writes one: give one"
        )
    if args.shared_rig:
        return
    if args.rig == "external" and not args.rig_output:
        raise EncodeError("no-rig-output", "--rig external needs --rig-output for the rig's own file")
    if avatar.rig is None or avatar.rig.profile not in LICENSED_PROFILES or args.embed_licensed_rig:
        return
    raise EncodeError(
        "licensed-rig",
        f"this would write the {avatar.rig.profile.upper()} model's mesh, weights and shapes into the output; "
        "pass --embed-licensed-rig if your licence lets you (with --rig external only the rig's file has them)",
    )


def _renderer(needed: bool) -> Renderer | None:
    """The player's renderer, if it works here; if `needed`, an EncodeError says why not.

    A broken torch (OSError, ImportError) is as good as none: what is encoded then is a little less well measured.
    """
    try:
        from pavplayer.importance import open_renderer

        return open_renderer()
    except (ImportError, OSError, RuntimeError) as error:
        if needed:
            raise EncodeError("no-renderer", f"--importance render: {error}") from None
        return None


def _measure(
    avatar: Avatar, choice: str, renderer: Renderer | None, advance: Callable[[float], None]
) -> tuple[list[Float64Array], bool, str]:
    """Per-level importance, whether the order is the checkpoint's all the same, and the name of the order."""
    stored = has_stored_importance(avatar) and not avatar.hands_over
    if choice == "checkpoint" or (choice == "auto" and stored):
        found = stored_importance(avatar)
        if renderer is not None:  # what is seen, since that decides how finely each is written
            found = rendered_importance(avatar, renderer, advance)
        return found, True, "the checkpoint's importance"
    if choice in ("render", "auto") and renderer is not None:
        return rendered_importance(avatar, renderer, advance), False, "rendered importance"
    return opacity_area_importance(avatar), False, "opacity x area"


def _target(args: argparse.Namespace) -> float:
    """The quality asked for, in dB."""
    target: float = PRESETS[args.preset or "balanced"] if args.quality is None else args.quality
    if not LEAST_DECIBELS <= target <= MOST_DECIBELS:
        raise EncodeError(
            "bad-quality", f"--quality {target}: {LEAST_DECIBELS:g} to {MOST_DECIBELS:g} dB can be had"
        )
    return target


def _fitter() -> Fitter:
    """What makes flat avatars progressive. Raises EncodeError where the training package cannot be imported."""
    try:
        from pavtraining.progressive import made_progressive
    except ImportError as error:
        raise EncodeError("no-fitter", f"--progressive: {error} (pip install 'pavfmt[training]')") from None
    return made_progressive


def _precision(
    avatar: Avatar,
    reference: Avatar,
    args: argparse.Namespace,
    options: EncodeOptions,
    importance: list[Float64Array],
    renderer: Renderer | None,
    advance: Callable[[float], None],
) -> tuple[Precision, str]:
    """The precision asked for, and what is known of its quality."""
    fitted = avatar is not reference and args.preset is None and args.quality is None
    target = FITTED_DECIBELS if fitted else _target(args)
    fixed = precision_near(target, options.precision)
    if renderer is None or args.no_search:
        return fixed, f"about {target:.0f} dB expected"
    if fitted:
        precision, reached = fitted_precision(avatar, options, importance, renderer, reference, advance)
    else:
        start = replace(options, precision=fixed)
        precision, reached = precision_for(avatar, start, importance, renderer, target, advance, reference)
    if reached < target and not args.quiet:
        print(f"warning: {target:.1f} dB asked for, {reached:.1f} dB is the best there is", file=sys.stderr)
    return precision, f"{reached:.1f} dB"
