"""--reference, --evaluation and what else commands share that compare files with a reference."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

from pavcli.options import rig, values
from pavfmt.model import Avatar
from pavplayer.evaluation.comparing import Examination, examined
from pavplayer.evaluation.curve import EvaluatedFile, ReferencePictures
from pavplayer.evaluation.framings import FRAMINGS
from pavplayer.evaluation.references import Reference, avatar_reference, reference_for
from pavplayer.evaluation.reports.comparison_page.page import comparison_page
from pavplayer.evaluation.views import EVALUATION_V1, EvaluationSet, known_expressions, read_evaluation_set
from pavplayer.packages import is_installed
from pavplayer.session import Session, open_session


def add_reference(parser: argparse.ArgumentParser) -> None:
    """What is compared with."""
    parser.add_argument(
        "--reference",
        metavar="SRC",
        help="what FILE was encoded from, or another .pav (default: the complete file)",
    )
    parser.add_argument("--flame", metavar="MODEL", help="your FLAME model, where SRC needs one")


def add_framings(parser: argparse.ArgumentParser) -> None:
    """What of `eval-v2` is looked at, how large, and whether FLIP is measured."""
    parser.add_argument(
        "--framing",
        nargs="+",
        choices=FRAMINGS,
        default=[],
        metavar="NAME",
        help=f"only these of eval-v2's framings: {', '.join(FRAMINGS)} (default: all that the avatar has)",
    )
    parser.add_argument(
        "--scale", type=values.zoom, default=1.0, metavar="S", help="times the size of the pictures: a draft"
    )
    parser.add_argument("--no-flip", action="store_true", help="leave FLIP out, which is slow")


def examination_of(args: argparse.Namespace, reference: Reference, whole: Session) -> Examination:
    """What `--framing` and `--scale` ask for."""
    return Examination.of(reference, whole.rasterizer, args.framing, args.scale)


def with_flip(args: argparse.Namespace) -> bool:
    """Whether FLIP is measured: where it can be and nobody said no."""
    return not args.no_flip and is_installed("flip_evaluator")


def add_views(parser: argparse.ArgumentParser) -> None:
    """What is looked at, and how large."""
    parser.add_argument("--evaluation", metavar="SET", help="a JSON file of views and expressions")
    parser.add_argument(
        "--scale",
        type=values.zoom,
        default=1.0,
        metavar="S",
        help="times the size of the pictures: a draft",
    )


@dataclass(frozen=True)
class Comparison:
    """What files are compared with, from where, and its pictures."""

    reference: Reference
    evaluation: EvaluationSet
    pictures: ReferencePictures


def received_file(name: str, data: bytes, args: argparse.Namespace) -> EvaluatedFile:
    """A file with what `--rig` and `--device` say."""
    rig_file = rig.needed_rig(data, args.rig)

    def new_session() -> Session:
        return rig.supplied(open_session(args.device), rig_file)

    whole = new_session()
    whole.feed(data)
    whole.update()
    return EvaluatedFile(name, data, whole, new_session, rig_file)


def reference_of(
    args: argparse.Namespace, whole: Session, receive: Callable[[bytes], Session] | None = None
) -> Reference:
    """What `--reference` names, without it the whole file itself; `receive` makes a session of another .pav."""

    def received(data: bytes) -> Session:
        return received_file("", data, args).whole

    return reference_for(args.reference, whole, receive or received, args.flame)


def comparison_of(
    args: argparse.Namespace, whole: Session, with_flip: bool, reference: Reference | None = None
) -> Comparison:
    """What the options ask for, with the expressions that the rig of `whole` has; of a reference already read."""
    if reference is None:
        reference = reference_of(args, whole)
    evaluation = read_evaluation_set(args.evaluation) if args.evaluation else EVALUATION_V1
    cameras = evaluation.cameras(reference.framed, args.scale)
    expressions = known_expressions(evaluation, whole.scene)
    rasterizer, background = whole.rasterizer, evaluation.background
    pictures = ReferencePictures(reference, cameras, expressions, rasterizer, background, with_flip)
    return Comparison(reference, evaluation, pictures)


def page_of(
    source: Avatar, name: str, data: bytes, rig_file: bytes | None, advance: Callable[[float], None]
) -> str:
    """The page of `pav compare`, of bytes that were just encoded; `advance` is told the share done, 0..1."""

    def new_session() -> Session:
        return rig.supplied(open_session(), rig_file)

    whole = new_session()
    whole.feed(data)
    whole.update()
    file = EvaluatedFile(name, data, whole, new_session, rig_file)
    examination = Examination.of(avatar_reference(source, whole.framed_points()), whole.rasterizer)
    report = examined(
        file, examination, is_installed("flip_evaluator"), lambda done, total: advance(done / total)
    )
    return comparison_page(report, examination, whole.posed)


def check_visible(name: str, whole: Session, received_bytes: int) -> None:
    """RuntimeError where there is nothing to compare."""
    if whole.bytes_until_visible is None:
        raise RuntimeError(f"{name}: {received_bytes:,} bytes hold nothing to draw yet")
