"""From a reception to the page's content: pictures, performances, captions, notes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pavfmt.model import Pose
from pavplayer.camera import Camera
from pavplayer.demo_page.page import PageContent, PrefixFilm, PrefixView, Tile
from pavplayer.demo_page.quality_plot import quality_plot
from pavplayer.demo_page.reception import Reception
from pavplayer.demonstration import SECONDS, moments
from pavplayer.evaluation.prefixes import PrefixPictures, psnr_of, spread_lengths
from pavplayer.evaluation.reports.byte_axes import shown_bytes
from pavplayer.evaluation.reports.contact_sheet import captioned_rows
from pavplayer.pictures import data_uri, to_webp
from pavplayer.session import Session
from pavplayer.streaming.link import INITIAL_SEGMENTS, SEGMENT_BYTES, Link

FILM_SIZE = (385, 561)
"""Pixels of the performances: 0.7 of the measuring size."""
FILMS, SHEET_COLUMNS = 4, 6
"""How many prefixes perform, and how many stand side by side."""
FRAMES_PER_SECOND = 18
"""Of the films: their frames are pictures in the page, so there are few."""
TILE_SCALE = 0.5


def page_content(
    reception: Reception,
    links: Mapping[str, Link],
    new_session: Callable[[], Session],
    progress: Callable[[int, int], None] | None = None,
    frame_count: int | None = None,
) -> PageContent:
    """Everything the page shows; `links` are named as "2 Mbit/s, 80 ms". `frame_count` is for shorter films."""
    session, total = reception.session, len(reception.data)
    marks = {"visible": session.bytes_until_visible, "animatable": session.bytes_until_animatable}
    prefixes = [_prefix_view(cut, reception, links) for cut in reception.cuts]
    decibels = [psnr_of(cut.pictures, reception.whole) for cut in reception.cuts]
    lengths = [cut.received_bytes for cut in film_cuts(reception)]
    sessions = [_received(new_session(), reception.data[:length]) for length in lengths]
    films = perform(sessions, session, progress, frame_count)
    return PageContent(
        title=session.scene.metadata.get("title") or "An avatar, arriving",
        lead=_lead(next(iter(links)), session, total),
        facts=_facts(session, total),
        plot=quality_plot([cut.received_bytes for cut in reception.cuts], decibels, marks),
        prefixes=prefixes,
        films=[
            _film(one, length, film, total)
            for one, length, film in zip(sessions, lengths, films, strict=True)
        ],
        frames_per_second=FRAMES_PER_SECOND,
        tiles=_tiles(sheet_cuts(reception), reception),
        notes=_notes(reception, links),
    )


def film_cuts(reception: Reception) -> list[PrefixPictures]:
    """The prefixes that perform: the first animatable one to the whole, about equally spaced in the logarithm."""
    session = reception.session
    return cuts_near(
        reception.cuts, session.bytes_until_animatable or session.bytes_until_visible or 1, FILMS
    )


def sheet_cuts(reception: Reception) -> list[PrefixPictures]:
    """The prefixes side by side, from the first picture on."""
    return cuts_near(reception.cuts, reception.cuts[0].received_bytes, SHEET_COLUMNS)


def cuts_near(cuts: Sequence[PrefixPictures], first: int, count: int) -> list[PrefixPictures]:
    """At most `count` of the cuts, from `first` bytes to the last."""
    by_length = {cut.received_bytes: cut for cut in cuts if cut.received_bytes >= first}
    return [by_length[length] for length in spread_lengths(list(by_length), count)]


def _received(session: Session, data: bytes) -> Session:
    session.feed(data)
    session.update()
    return session


def perform(
    sessions: Sequence[Session],
    whole: Session,
    progress: Callable[[int, int], None] | None = None,
    frame_count: int | None = None,
) -> list[list[str]]:
    """For each session the performance's frames as data URIs."""
    count = frame_count or round(SECONDS * FRAMES_PER_SECOND)
    films: list[list[str]] = [[] for _ in sessions]
    for number, moment in enumerate(moments(whole.scene, count)):
        camera = whole.camera(moment.yaw_degrees, size=FILM_SIZE)
        for film, session in zip(films, sessions, strict=True):
            film.append(_frame(session, moment.pose, camera))
        if progress is not None:
            progress(number + 1, count)
    return films


def _frame(session: Session, pose: Pose, camera: Camera) -> str:
    return data_uri(to_webp(session.frame(pose, camera), quality=80, effort=2))


def _prefix_view(cut: PrefixPictures, reception: Reception, links: Mapping[str, Link]) -> PrefixView:
    quality = psnr_of(cut.pictures, reception.whole)
    return PrefixView(
        cut.received_bytes,
        cut.gaussian_count,
        None if quality == float("inf") else round(quality, 2),
        {name: round(link.arrival_seconds(cut.received_bytes), 4) for name, link in links.items()},
        {name: data_uri(to_webp(picture)) for name, picture in cut.pictures.items()},
    )


def _film(session: Session, length: int, film: Sequence[str], total: int) -> PrefixFilm:
    scene = session.scene
    shapes = len(scene.core.shape_names) if scene.core else 0
    can = f"{len(scene.shapes)} of {shapes} shapes" if shapes else "no rig: only the camera moves"
    title = f"{shown_bytes(length)}, {100 * length / total:.3g} %"
    return PrefixFilm(title, f"{scene.gaussian_count:,} Gaussians, {can}", film)


def _tiles(cuts: Sequence[PrefixPictures], reception: Reception) -> list[list[Tile]]:
    """One row for each expression."""
    rows = captioned_rows(cuts, reception.whole, len(reception.data))
    return [
        [Tile(data_uri(to_webp(picture, scale=TILE_SCALE)), caption.split("\n")) for caption, picture in row]
        for row in rows
    ]


def _lead(link: str, session: Session, total: int) -> str:
    count, moves = session.scene.gaussian_count, session.scene.has_rig()
    return (
        f"A {'head' if moves else 'scene'} of {count:,} Gaussians in one file of {shown_bytes(total)}, received over "
        f"a simulated link of {link}. It can be seen long before it is complete{', it moves soon after' * moves}, "
        "and any part of the file from its start is a file."
    )


def _facts(session: Session, total: int) -> dict[str, str]:
    header, facts = session.scene.header, {"file": shown_bytes(total)}
    if header is not None:
        facts["Gaussians"] = f"{header.gaussian_count:,}"
        facts["levels"] = str(header.level_count)
    milestones = {
        "visible after": session.bytes_until_visible,
        "animatable after": session.bytes_until_animatable,
    }
    known = {name: shown_bytes(count) for name, count in milestones.items() if count is not None}
    return facts | known


def _notes(reception: Reception, links: Mapping[str, Link]) -> list[str]:
    camera, metadata = reception.camera, reception.session.scene.metadata
    shown = {"author": "Avatar by", "license": "Avatar's licence:", "rig-license": "Rig's licence:"}
    credits = [f"{label} {metadata[key]}" for key, label in shown.items() if metadata.get(key)]
    expressions = " and ".join(reception.expressions)
    return [
        f"Pictures are {camera.width}×{camera.height}, from the front, on white, drawn by the reference player.",
        f"PSNR is over all pixels and colours of {expressions} together, against the complete file; the "
        "captions of single pictures give theirs.",
        "Bytes are file bytes: directory, rig, shapes and Gaussians.",
        f"Times are computed, not measured ({'; '.join(links)}): TCP set-up takes one round trip, the first byte "
        f"another, then slow start from {INITIAL_SEGMENTS} segments of {SEGMENT_BYTES:,} bytes. Decoding and drawing "
        "are not counted.",
        *credits,
    ]
