"""What commands share that compare files with a reference."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from pavcli.options import arguments, rig_option
from pavplayer.evaluation.curve import Judge, Progress, Received, known_expressions
from pavplayer.evaluation.references import Reference
from pavplayer.evaluation.views import EvaluationSet
from pavplayer.session import Session, open_session


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What is looked at, and how large."""
    parser.add_argument("--evaluation", metavar="SET", help="a JSON file of views and expressions")
    parser.add_argument(
        "--scale",
        type=arguments.zoom,
        default=1.0,
        metavar="S",
        help="times the size of the pictures: a draft",
    )


def received_file(name: str, data: bytes, args: argparse.Namespace) -> Received:
    """A file with what `--rig` and `--device` say."""
    rig = rig_option.rig_file(data, args.rig)

    def new_session() -> Session:
        return rig_option.supplied(open_session(args.device), rig)

    whole = new_session()
    whole.feed(data)
    whole.update()
    return Received(name, data, whole, new_session, rig)


def judge_of(
    reference: Reference, evaluation: EvaluationSet, whole: Session, scale: float, with_flip: bool
) -> Judge:
    """The judge of an evaluation set, for the expressions that a rig has."""
    cameras = evaluation.cameras(reference.framed, scale)
    expressions = known_expressions(evaluation, whole.scene)
    return Judge(reference, cameras, expressions, whole.rasterizer, evaluation.background, with_flip)


@contextmanager
def picture_bar(name: str, quiet: bool) -> Iterator[Progress]:
    """A bar of pictures."""
    from tqdm import tqdm

    with tqdm(unit="picture", desc=name, disable=quiet or None, file=sys.stderr) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield show
