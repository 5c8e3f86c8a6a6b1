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
from pavfmt.encoder import PRESETS, EncodeOptions, encode, encode_rig_file
from pavfmt.encoder.choices import (
    EXACT_DECIBELS,
    ORDERS,
    Ordering,
    Prepared,
    fitting_options,
    keeps_gaussians,
    ordering,
    prepared,
    wanted_decibels,
)
from pavfmt.encoder.order.region_importance import with_measured_regions
from pavfmt.encoder.pictures import Renderer
from pavfmt.encoder.quality import LARGE
from pavfmt.encoder.rig.shared import shared_avatar
from pavfmt.errors import EncodeError
from pavfmt.fileio import check_target, read_bytes, write_bytes, write_together
from pavfmt.importers import IMPORTERS, ImportOptions, read_avatar
from pavfmt.model import Avatar
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

How fine it is, --preset or --quality says: dB against the avatar as given, in every way of looking at it (the head all
around, everything there is, the face, eyes, mouth and hair from close by), and no small block far off. It is found by
drawing it, and Gaussians that no picture misses are left out (needs pavfmt[player]; without, steps are fixed and
nothing is left out; with --no-search they follow from looking once):
  small          40 dB: no difference at a glance
  balanced       46 dB: none when you flip between the two
  near-lossless  52 dB: none in numbers of 8 bits, but here and there

The order of the Gaussians follows --importance:
  checkpoint     what the checkpoint measured; how finely each is written, what is seen of it decides all the same
  render         the sum of their blending weights over 7 views and up to 3 expressions (needs pavfmt[player])
  opacity-area   opacity x area of the largest cross-section
  auto           the first of these that is there"""

UNFITTED_DECIBELS = 2.0
"""What fitting colours anew, which is part of a search, takes back of what rounding costs."""
LICENSED_PROFILES = ("flame",)
Fitter = Callable[[Avatar, Callable[[float], None], bool], Avatar]
"""Makes an avatar progressive, telling its progress 0..1; whether the Gaussians must stay as they are."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare its options."""
    formats = "; ".join(importer.looked_for for importer in IMPORTERS)
    parser.add_argument("source", help=f"one of: {formats}")
    output.add_output(parser, ".pav")
    parser.add_argument(
        "--flame", metavar="MODEL", help="your FLAME model (.pkl or .npz), for GaussianAvatars"
    )
    parser.add_argument("--importance", choices=ORDERS, default="auto", help="who is sent first")
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
    _add_order(parser)
    parser.add_argument("--no-search", action="store_true", help="fixed steps: faster, the quality varies")
    _add_rig(parser)
    parser.add_argument("--thumbnail", metavar="PICTURE", help="a PNG, JPEG or WebP to carry, at most 1 MiB")
    parser.add_argument(
        "--report",
        metavar="REPORT",
        help="a page too, .html: original, encoded and their difference where it is largest, as pav compare "
        "writes it (needs pavfmt[player])",
    )
    parser.add_argument("--no-tracks", action="store_true", help="leave the source's recorded motion out")
    for key in METADATA_KEYS:
        if key != "generator":
            parser.add_argument(f"--{key}", metavar="TEXT", help=f"metadata: {key}")


def _add_order(parser: argparse.ArgumentParser) -> None:
    """Which unit comes when, besides --importance."""
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
    parser.add_argument(
        "--importance-per",
        choices=("gaussian", "face"),
        default=None,
        help="order single Gaussians, or whole faces (default: faces in a hierarchy, else Gaussians)",
    )


def _add_rig(parser: argparse.ArgumentParser) -> None:
    """Where the rig goes. --rig means something else here than where files are read."""
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


def run(args: argparse.Namespace) -> int:
    """Do it."""
    for target in filter(None, (args.output, args.rig_output)):
        check_target(target, args.force)
    _check_report(args.report, args.force)
    decibels = wanted_decibels(args.preset, args.quality)
    source = _with_extras(read_avatar(args.source, ImportOptions(args.flame)), args)
    _check_rig_options(source, args)
    rig_file = read_bytes(args.shared_rig) if args.shared_rig else None
    if rig_file is not None:
        source = shared_avatar(source, rig_file)
    avatar = _made_progressive(source, keeps_gaussians(decibels), args.quiet) if args.progressive else source
    fitted_to = None if avatar is source else source
    renderer = _renderer(needed=args.importance == "render")
    avatar, options, order = _ordered(avatar, source, renderer, args)
    with bar("precision", args.quiet) as advance:
        ready = prepared(avatar, options, order, decibels, renderer, not args.no_search, fitted_to, advance)
    written = _encoded(ready, order, rig_file, args)
    write_together(written, args.force)
    if not args.quiet:
        _report(args.output, written[args.output], ready, order)
    if args.report:
        _write_report(source, written[args.output], rig_file or written.get(args.rig_output), args)
    return ExitCode.FINE


def _made_progressive(avatar: Avatar, exact: bool, quiet: bool) -> Avatar:
    """A flat avatar, fitted; one with levels as it is."""
    with bar("fitting", quiet) as advance:
        return _fitter()(avatar, advance, exact)


def _ordered(
    avatar: Avatar, source: Avatar, renderer: Renderer | None, args: argparse.Namespace
) -> tuple[Avatar, EncodeOptions, Ordering]:
    """The avatar, its regions measured if asked for; its options but for the precision; who is sent first."""
    if args.group_regions and renderer is not None:
        with bar("regions", args.quiet) as advance:
            avatar = with_measured_regions(avatar, renderer, advance)
    with bar("importance", args.quiet) as advance:
        order = ordering(avatar, args.importance, renderer, advance)
    options = replace(
        fitting_options(avatar),
        # The source decides: a fit puts levels into a flat avatar, but its Gaussians are not a hierarchy on faces.
        importance_per=args.importance_per or ("face" if len(source.levels) > 1 else "gaussian"),
        order_as_stored=order.as_stored,
        group_regions=args.group_regions,
        level_order=args.level_order,
    )
    return avatar, options, order


def _encoded(
    ready: Prepared, order: Ordering, rig_file: bytes | None, args: argparse.Namespace
) -> dict[str, bytes]:
    """Path → content of the avatar, and of its rig if that gets a file of its own."""
    files = {}
    if rig_file is None and args.rig == "external" and ready.avatar.rig is not None:
        files[args.rig_output] = rig_file = encode_rig_file(ready.avatar.rig, ready.options)
    rig_name = Path(args.shared_rig or args.rig_output or "").name
    with bar("encoding", args.quiet) as advance:
        data = encode(ready.avatar, ready.options, order.importance, rig_file, rig_name, advance, ready.seen)
    return {**files, args.output: data}


def _report(output_path: str, data: bytes, ready: Prepared, order: Ordering) -> None:
    """On stderr: what it came to, and which way of looking bound it."""
    if ready.is_missed:
        print(f"warning: {ready.asked:.1f} dB asked for; below is the best there is", file=sys.stderr)
    given, written = ready.avatar.gaussian_count, inspect(data).complete_gaussian_count
    kept = f"{written:,} of {given:,} Gaussians ({given - written:,} left out)"
    print(f"{output_path}: {len(data):,} bytes, {kept}, order by {order.name}", file=sys.stderr)
    print(_quality_line(ready), file=sys.stderr)


def _quality_line(ready: Prepared) -> str:
    """The framing of fewest dB, and the worst place of all."""
    if ready.closeness is None:
        if ready.seen is None:
            return f"quality: about {ready.asked:.0f} dB expected (nobody looked)"
        return (
            f"quality: about {ready.asked - UNFITTED_DECIBELS:.0f} dB expected (looked at once, not searched)"
        )
    framing, block = ready.closeness.binding, 255 * ready.closeness.worst(LARGE)
    return (
        f"quality: {framing.decibels:.1f} dB or more in every framing, bound by {framing.name!r}; "
        f"worst 16x16 block off by {block:.0f} of 255"
    )


def _check_report(path: str | None, force: bool) -> None:
    """What keeps the page from being written, before anything is encoded."""
    if path is None:
        return
    output.check_page(path, force)
    from pavplayer.packages import require

    require("numba", "PIL", "tqdm")


def _write_report(source: Avatar, data: bytes, rig_file: bytes | None, args: argparse.Namespace) -> None:
    """The page that shows what was written beside what it was written from."""
    from pavcli.options.comparison import page_of

    with bar("report", args.quiet) as advance:
        page = page_of(source, Path(args.output).stem, data, rig_file, advance)
    write_bytes(args.report, page.encode(), args.force)


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
    """EncodeError for options that contradict each other, and for a rig nobody said may be passed on."""
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


def _fitter() -> Fitter:
    """What makes flat avatars progressive. Raises EncodeError where the training package cannot be imported."""
    try:
        from pavtraining.progressive import made_progressive
    except ImportError as error:
        raise EncodeError("no-fitter", f"--progressive: {error} (pip install 'pavfmt[training]')") from None
    return made_progressive
