"""`pav fit`: a progressive avatar from an avatar, a capture or the scene."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pavfmt.cli import exit_codes
from pavfmt.errors import EncodeError
from pavfmt.interop.progressive import is_progressive, write_progressive
from pavplayer.packages import require
from pavtraining.configuration import ABLATIONS, Configuration, read_configuration, write_configuration

if TYPE_CHECKING:
    from pavtraining.running import Run, RunFiles
    from pavtraining.sources import Source

NAME = "fit"
HELP = """Fit a progressive avatar: a hierarchy of Gaussians whose every prefix looks right.

  pav fit scene -o head --minutes 20 && pav encode head -o head.pav
  pav fit lam-export.zip -o head --gaussians 20000 --steps 4000
  pav fit capture/ --flame flame2023.pkl -o head
  pav fit scene -o head --resume             goes on after Ctrl-C or a power cut
  pav fit scene -o head --config fast.toml   values of your own; --save-config shows them all
  pav fit scene -o head --plot head.png      draws the log of a run, finished or not

SRC is "scene" (the project's own rendered head), an avatar (whose own pictures are learned), or a capture in
GaussianAvatars' layout. One Gaussian sits on every face that is seen; faces split where the pictures ask for it.
Beside the output stand OUTPUT.jsonl, the log, and until the fit is done OUTPUT.fit-state."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare its options."""
    parser.add_argument("source", help='"scene", an avatar, or a capture in GaussianAvatars\' layout')
    parser.add_argument("-o", "--output", required=True, help="the checkpoint folder to write")
    parser.add_argument("-f", "--force", action="store_true", help="replace an existing checkpoint or run")
    parser.add_argument("--resume", action="store_true", help="go on with the run that was interrupted")
    parser.add_argument("--config", metavar="FILE", help="values in TOML or JSON over the defaults")
    parser.add_argument("--save-config", metavar="FILE", help="write the values in force and stop")
    parser.add_argument("--plot", metavar="PICTURE", help="draw the log of this output's run and stop")
    parser.add_argument("--steps", type=int, metavar="N", help="steps of Adam")
    parser.add_argument(
        "--minutes", type=float, metavar="M", help="end after M minutes, all phases in proportion"
    )
    parser.add_argument("--gaussians", type=int, metavar="N", help="where growth stops")
    parser.add_argument("--sh-degree", type=int, choices=range(4), help="of the colours")
    parser.add_argument("--seed", type=int, metavar="N", help="of everything random")
    parser.add_argument("--flame", metavar="MODEL", help="your FLAME model, where SRC needs one")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="what draws and learns")
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
    configuration = _configuration(args)
    if args.save_config:
        write_configuration(configuration, args.save_config)
        return exit_codes.FINE
    _check_files(args, output, files)
    require("torch", "numba", extra="training")
    import torch

    torch.set_num_threads(1)  # its operations here are small: more threads only wait for each other
    run_ = _open_run(args, configuration, files)
    run_.go(args.quiet)
    avatar = run_.fit.avatar({"generator": "pav fit"})
    write_progressive(avatar, output, force=args.force or args.resume)
    run_.clear()
    if not args.quiet:
        counts = ", ".join(f"{len(level.gaussians):,}" for level in avatar.levels)
        total = f"{avatar.gaussian_count:,} Gaussians in levels of {counts}"
        print(f"{output}: {total}; {run_.fit.step_count:,} steps, {run_.seconds:,.0f} s", file=sys.stderr)
    return exit_codes.FINE


def _plot(args: argparse.Namespace, files: RunFiles) -> int:
    require("matplotlib")
    from pavtraining.journal import plot_journal

    plot_journal(files.log, args.plot)
    return exit_codes.FINE


def _configuration(args: argparse.Namespace) -> Configuration:
    """The defaults, the file's values over them, the options' over those."""
    base = read_configuration(args.config) if args.config else Configuration()
    names = ("steps", "gaussians", "sh_degree", "seed")
    given: dict[str, Any] = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    return base.changed(given | {ABLATIONS[part]: False for part in args.without})


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


def _open_run(args: argparse.Namespace, configuration: Configuration, files: RunFiles) -> Run:
    """A new run, or the one that was interrupted; that one keeps its own configuration."""
    from pavtraining.running import Run, saved_configuration
    from pavtraining.state import read_state

    if not args.resume:
        return Run.started(_source(args, configuration), configuration, files, args.minutes, args.device)
    kept = saved_configuration(read_state(files.state))
    return Run.resumed(_source(args, kept), files, args.device)


def _source(args: argparse.Namespace, configuration: Configuration) -> Source:
    from pavtraining.sources import open_source

    return open_source(args.source, flame=args.flame, seed=configuration.seed)
