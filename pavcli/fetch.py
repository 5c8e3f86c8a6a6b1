"""`pav fetch`: a file from a URL, resumed where an earlier attempt stopped."""

from __future__ import annotations

import argparse
from contextlib import suppress
from pathlib import Path

from pavcli.options import output, streaming
from pavcli.options.progress import bar
from pavcli.reporting import ExitCode, note, result_stream
from pavfmt.decoding.decoder import decode
from pavfmt.errors import PavError
from pavfmt.fileio import check_target, write_bytes
from pavplayer.evaluation.reports.byte_axes import shown_bytes
from pavplayer.streaming.cache import CacheEntry, cache_entry
from pavplayer.streaming.messages import StreamError, StreamOptions
from pavplayer.streaming.stream import is_url, open_transfer
from pavplayer.streaming.transfer import Transfer

HELP = """\
  pav fetch https://example.org/head.pav -o head.pav
  pav fetch https://example.org/head.pav -o head.pav              again, after Ctrl-C: fetches the rest
  pav fetch https://example.org/head.pav -o - | pav render - -o head.png
  pav fetch http://localhost:8000/head.pav -o head.pav --rate 2mbit --latency 80ms
  pav fetch https://example.org/head.pav -o head.pav --cache ~/.cache/pav

What has come of a file that is not complete is kept as FILE.part, which is a file that draws: `pav render FILE.part`.
It is continued if the server still has the same version. Any static server will do."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare its options."""
    parser.add_argument("url", help="http or https")
    streaming.add_arguments(parser)
    output.add_output(parser, ".pav")


def run(args: argparse.Namespace) -> int:
    """Do it."""
    check_target(args.output, args.force)
    if not is_url(args.url):
        raise StreamError("bad-url", f"{args.url!r} is no http or https URL")
    options = streaming.options_of(args)
    cached = _cache_entry(args.url, args.output, options)
    transfer = open_transfer(args.url, options=options, cached=cached)
    try:
        _receive(transfer, args.quiet)
    except StreamError as error:
        if error.code == "changed":  # the part that was kept is dropped
            note("fetch", f"{error.message}; starting over")
            transfer = open_transfer(args.url, options=options, cached=cached)
            _receive(transfer, args.quiet)
        else:
            _report_part(transfer, cached)
            raise
    except KeyboardInterrupt:
        _report_part(transfer, cached)
        return ExitCode.COULD_NOT_RUN
    write_bytes(args.output, transfer.buffer.prefix(), args.force)
    if cached is not None and options.cache is None:
        cached.drop()
    _report(args, transfer)
    return ExitCode.FINE


def _cache_entry(url: str, target: str, options: StreamOptions) -> CacheEntry | None:
    """Where the bytes that come are stored: the cache, or FILE.part; nothing for stdout without a cache."""
    if options.cache is not None:
        return cache_entry(options.cache, url)
    return None if target == "-" else CacheEntry(Path(f"{target}.part"), url, only_versioned=False)


def _receive(transfer: Transfer, quiet: bool) -> None:
    """To the end. Raises StreamError."""
    with bar("fetching", quiet) as advance:
        for _ in transfer.chunks():
            status = transfer.status
            if status.total_bytes:
                advance(status.received_bytes / status.total_bytes)


def _report(args: argparse.Namespace, transfer: Transfer) -> None:
    """The result line on stdout, unless the file went there."""
    status = transfer.status
    if args.quiet:
        return
    parts = [shown_bytes(status.received_bytes)]
    if status.cached_bytes:
        parts.append(f"{shown_bytes(status.cached_bytes)} of it kept from before")
    if status.reconnections:
        parts.append(f"connected again {status.reconnections} times")
    print(f"{args.output}: {', '.join(parts)}", file=result_stream(args.output))
    if status.note:
        note("fetch", status.note)


def _report_part(transfer: Transfer, cached: CacheEntry | None) -> None:
    """On stderr: what is kept, and what it draws."""
    data = transfer.buffer.prefix()
    if cached is None or not data or not cached.path.exists():
        return
    total = transfer.status.total_bytes
    of = "" if total is None else f" of {total:,}"
    note("fetch", f"{len(data):,}{of} bytes are kept in {cached.path}: {_drawn(data)}")


def _drawn(data: bytes) -> str:
    """What the bytes that came are good for, for a person."""
    with suppress(PavError):
        scene = decode(data)
        if scene.gaussian_count and scene.header is not None:
            moves = ", animatable" if scene.is_animatable else ""
            return f"they draw {scene.gaussian_count:,} of {scene.header.gaussian_count:,} Gaussians{moves}"
    return "they draw nothing yet"
