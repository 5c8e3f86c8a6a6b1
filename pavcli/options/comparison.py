"""--reference, --evaluation and what else commands share that compare files with a reference."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

from pavcli.options import rig, values
from pavplayer.evaluation.curve import EvaluatedFile, ReferencePictures
from pavplayer.evaluation.references import Reference, reference_for
from pavplayer.evaluation.views import EVALUATION_V1, EvaluationSet, known_expressions, read_evaluation_set
from pavplayer.session import Session, open_session


def add_reference(parser: argparse.ArgumentParser) -> None:
    """What is compared with."""
    parser.add_argument(
        "--reference",
        metavar="SRC",
        help="what FILE was encoded from, or another .pav (default: the complete file)",
    )
    parser.add_argument("--flame", metavar="MODEL", help="your FLAME model, where SRC needs one")


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


def reference_of(args: argparse.Namespace, whole: Session, receive: Callable[[bytes], Session]) -> Reference:
    """What `--reference` names; `receive` makes a session of another .pav."""
    return reference_for(args.reference, whole, receive, args.flame)


def comparison_of(args: argparse.Namespace, whole: Session, with_flip: bool) -> Comparison:
    """What the options ask for, with the expressions that the rig of `whole` has."""
    reference = reference_of(args, whole, lambda data: received_file("", data, args).whole)
    evaluation = read_evaluation_set(args.evaluation) if args.evaluation else EVALUATION_V1
    cameras = evaluation.cameras(reference.framed, args.scale)
    expressions = known_expressions(evaluation, whole.scene)
    rasterizer, background = whole.rasterizer, evaluation.background
    pictures = ReferencePictures(reference, cameras, expressions, rasterizer, background, with_flip)
    return Comparison(reference, evaluation, pictures)


def check_visible(name: str, whole: Session, received_bytes: int) -> None:
    """RuntimeError where there is nothing to compare."""
    if whole.bytes_until_visible is None:
        raise RuntimeError(f"{name}: {received_bytes:,} bytes hold nothing to draw yet")
