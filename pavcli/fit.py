"""`pav fit`: a progressive avatar from an avatar, a capture or the scene."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pavcli.options import device, output
from pavcli.reporting import ExitCode
from pavfmt.errors import EncodeError
from pavfmt.exporters.progressive import write_progressive
from pavfmt.importers.progressive import is_progressive
from pavfmt.model import Avatar
from pavfmt.registry import Binding, Site
from pavplayer.packages import require
from pavtraining.configuration import Configuration, read_configuration, seed_in, write_configuration
from pavtraining.hierarchy.configuration import ABLATIONS, HierarchyConfiguration

if TYPE_CHECKING:
    from pavtraining.hand_over import HandOverConfiguration
    from pavtraining.running import Run, RunFiles
    from pavtraining.sources import ViewSource

HELP = """\
  pav fit lam-export.zip -o head             a flat avatar: a small base, and its own Gaussians take over
  pav fit scene -o head --minutes 20 && pav encode head -o head.pav
  pav fit capture/ --flame flame2023.pkl -o head
  pav fit scene -o whole --without multi-level random-budgets && pav fit whole -o head --method hand-over
  pav fit scene -o head --resume             goes on after Ctrl-C or a power cut
  pav fit scene -o head --config fast.toml   values of your own; --save-config shows them all
  pav fit scene -o head --plot head.png      draws the log of a run, finished or not

SRC is "scene" (the project's own rendered head), an avatar (whose own pictures are learned), or a capture in
GaussianAvatars' layout.
  --method hand-over   for finished avatars: fewer of its Gaussians are fitted to stand for all, over a base that
                       comes first and retires; --exact sends them as they are. Levels on faces become one before
  --method forest      one Gaussian on every face that is seen; faces split where the pictures ask for it; nothing
                       that was shown ever changes
  --method auto        hand-over for avatars of one level (but for surface points on faces), else forest
Beside the output stand OUTPUT.jsonl, the log, and until the fit is done OUTPUT.fit-state."""
METHODS = ("auto", "forest", "hand-over")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare its options."""
    parser.add_argument("source", help='"scene", an avatar, or a capture in GaussianAvatars\' layout')
    parser.add_argument("-o", "--output", required=True, help="the checkpoint folder to write")
    output.add_force(parser, "an existing checkpoint or run")
    parser.add_argument("--resume", action="store_true", help="go on with the run that was interrupted")
    parser.add_argument("--config", metavar="FILE", help="values in TOML or JSON over the defaults")
    parser.add_argument("--save-config", metavar="FILE", help="write the values in force and stop")
    parser.add_argument("--plot", metavar="PICTURE", help="draw the log of this output's run and stop")
    parser.add_argument("--method", choices=METHODS, default="auto", help="see above")
    parser.add_argument(
        "--exact", action="store_true", help="hand-over: keep the avatar's Gaussians as they are"
    )
    parser.add_argument("--steps", type=int, metavar="N", help="steps of Adam")
    parser.add_argument(
        "--minutes", type=float, metavar="M", help="end after M minutes, all phases in proportion"
    )
    parser.add_argument("--gaussians", type=int, metavar="N", help="where growth stops")
    parser.add_argument("--sh-degree", type=int, choices=range(4), help="of the colours")
    parser.add_argument("--seed", type=int, metavar="N", help="of everything random")
    parser.add_argument("--flame", metavar="MODEL", help="your FLAME model, where SRC needs one")
    device.add_certain_argument(parser, "what draws and learns")
    parser.add_argument(
        "--without",
        nargs="+",
        choices=sorted(ABLATIONS),
        default=[],
        metavar="PART",
        help=f"leave out parts of the method, to see what they are worth: {', '.join(sorted(ABLATIONS))}",
    )


def run(args: argparse.Namespace) -> int:
    """Do it."""
    from pavtraining.running import RunFiles

    output = Path(args.output)
    files = RunFiles.beside(output)
    if args.plot:
        return _plot(args, files)
    if args.save_config and args.method != "auto":
        write_configuration(_configuration(args, args.method), args.save_config)
        return ExitCode.FINE
    _check_files(args, output, files)
    require("torch", "numba", extra="training")
    import torch

    torch.set_num_threads(1)  # its operations here are small: more threads only wait for each other
    source = _source(args, files)
    method = _method(args, source, files)
    if args.save_config:  # with --method auto the source has to be read to know whose values these are
        write_configuration(_configuration(args, method, source), args.save_config)
        return ExitCode.FINE
    run_ = _open_run(args, source, method, files)
    avatar = run_.go(args.quiet)
    avatar = replace(avatar, metadata={**avatar.metadata, "generator": "pav fit"})
    write_progressive(avatar, output, force=args.force or args.resume)
    run_.clear()  # only now: until the checkpoint stands, the state is all there is of the work
    if not args.quiet:
        _report(output, method, avatar, run_.seconds)
    return ExitCode.FINE


def _report(output: Path, method: str, avatar: Avatar, seconds: float) -> None:
    """One line on stderr, since the result is a folder."""
    counts = ", ".join(f"{len(level.gaussians):,}" for level in avatar.levels)
    total = f"{avatar.gaussian_count:,} Gaussians in levels of {counts}"
    print(f"{output}: {method}; {total}; {seconds:,.0f} s", file=sys.stderr)


def _plot(args: argparse.Namespace, files: RunFiles) -> int:
    """Draw the log of the run beside the output, whether or not it has ended."""
    require("matplotlib")
    from pavtraining.log import plot_log

    plot_log(files.log, args.plot)
    return ExitCode.FINE


def _method(args: argparse.Namespace, source: ViewSource, files: RunFiles) -> str:
    """The one of the run to resume, the one asked for, or the one for such a source; checked against the options."""
    from pavtraining.hand_over.running import METHOD
    from pavtraining.sources import Teacher
    from pavtraining.state import read_state

    if args.resume:
        method = str(read_state(files.state).values.get("method", "forest"))
    else:
        method = _method_for(source) if args.method == "auto" else str(args.method)
    if method == METHOD and not isinstance(source, Teacher):
        raise EncodeError("bad-source", "only a finished avatar can hand over: give a checkpoint")
    if not args.resume:  # a run that goes on keeps its own configuration, whatever the options say
        _check_options(args, hands_over=method == METHOD)
    return method


def _method_for(source: ViewSource) -> str:
    """Hand-over for avatars of one level, but for surface points on faces, which have no frame to be fitted in."""
    from pavtraining.hand_over.running import METHOD
    from pavtraining.sources import Teacher

    levels = source.avatar.levels if isinstance(source, Teacher) else ()
    on_points = [level.site is Site.FACE and level.binding is not Binding.FACE_FRAME for level in levels]
    return METHOD if on_points == [False] else "forest"


def _check_options(args: argparse.Namespace, hands_over: bool) -> None:
    """EncodeError for an option of the other method: without a word it would have no effect, for hours."""
    if not hands_over:
        if args.exact:
            raise EncodeError("bad-option", "--exact is of --method hand-over")
        return
    for option, given in (("--minutes", args.minutes), ("--without", args.without)):
        if given:
            raise EncodeError("bad-option", f"{option} is of --method forest; --steps shortens a hand-over")
    if args.gaussians is not None or args.sh_degree is not None:
        raise EncodeError("bad-option", "--gaussians and --sh-degree are of --method forest")
    if args.device != "cpu":
        raise EncodeError("bad-option", "a hand-over is fitted on the CPU")


def _configuration(args: argparse.Namespace, method: str, source: ViewSource | None = None) -> Configuration:
    """The defaults, the file's values over them, the options' over those."""
    return _forest_values(args) if method == "forest" else _hand_over_values(args, source)


def _forest_values(args: argparse.Namespace) -> HierarchyConfiguration:
    """Of a fit that grows from nothing."""
    base = (
        read_configuration(args.config, HierarchyConfiguration()) if args.config else HierarchyConfiguration()
    )
    names = ("steps", "gaussians", "sh_degree", "seed")
    given: dict[str, Any] = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    return base.changed(given | {ABLATIONS[part]: False for part in args.without})


def _hand_over_values(args: argparse.Namespace, source: ViewSource | None) -> HandOverConfiguration:
    """Of a hand-over; the defaults depend on the avatar, if there is one yet."""
    from pavtraining.hand_over import HandOverConfiguration, default_configuration
    from pavtraining.sources import Teacher

    finished = source.avatar if isinstance(source, Teacher) else None
    found = HandOverConfiguration() if finished is None else default_configuration(finished)
    found = read_configuration(args.config, found) if args.config else found
    found = found.changed(
        ({"exact": True} if args.exact else {}) | ({} if args.seed is None else {"seed": args.seed})
    )
    return found if args.steps is None else found.shortened(args.steps)


def _check_files(args: argparse.Namespace, output: Path, files: RunFiles) -> None:
    """Before hours of work: can the result be written, and is there no run that would be lost?"""
    if not output.resolve().parent.is_dir():
        raise EncodeError("no-folder", f"there is no folder {output.resolve().parent}")
    if output.exists() and not (is_progressive(output) and (args.force or args.resume)):
        wanted = (
            "--force replaces it" if is_progressive(output) else "it is no checkpoint and is not replaced"
        )
        raise EncodeError("exists", f"{output} exists; {wanted}")
    if args.resume and not files.state.exists():
        raise EncodeError("no-state", f"there is no run to resume: {files.state} is missing")
    if files.state.exists() and not (args.resume or args.force):
        raise EncodeError("exists", f"{files.state} is of a run that did not end: --resume or --force")


def _open_run(args: argparse.Namespace, source: ViewSource, method: str, files: RunFiles) -> Run:
    """A new run, or the one that was interrupted; that one keeps its own configuration."""
    from pavtraining.hand_over.configuration import HandOverConfiguration
    from pavtraining.hand_over.running import HandOverRun
    from pavtraining.hierarchy.running import HierarchyRun
    from pavtraining.sources import Teacher

    if args.resume:
        if isinstance(source, Teacher) and method != "forest":
            return HandOverRun.resumed(source.avatar, files)
        return HierarchyRun.resumed(source, files, args.device)
    configuration = _configuration(args, method, source)
    if isinstance(configuration, HandOverConfiguration) and isinstance(source, Teacher):
        return HandOverRun(source.avatar, configuration, files)
    assert isinstance(configuration, HierarchyConfiguration)
    return HierarchyRun.started(source, configuration, files, args.minutes, args.device)


def _source(args: argparse.Namespace, files: RunFiles) -> ViewSource:
    """What is fitted to, with the seed of the run it is for: views are drawn from it."""
    from pavtraining.sources import open_source
    from pavtraining.state import read_state

    seed = args.seed or 0
    if args.resume:
        seed = int(read_state(files.state).values["configuration"]["seed"])
    elif args.config and args.seed is None:
        seed = seed_in(args.config)
    return open_source(args.source, flame=args.flame, seed=seed)
