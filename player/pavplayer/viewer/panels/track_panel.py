"""Performances: those in the avatar, those named on the command line, and those dropped in."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from pavfmt.errors import PavError
from pavfmt.importers.tracks import read_tracks
from pavfmt.model import Track
from pavplayer.demonstration import demonstration
from pavplayer.viewer.panels.widgets import on_hand, show

if TYPE_CHECKING:
    import viser

    from pavplayer.viewer.player import Player

NONE = "none"


class TrackPanel:
    """Which track, and where in it."""

    def __init__(self, gui: viser.GuiApi, player: Player, tracks: dict[str, Track]) -> None:
        self._player = player
        self._given = dict(tracks)
        self._own: Track | None = None
        self._choice = gui.add_dropdown("track", (NONE, *self._given))
        self._choice.on_update(lambda _: self._load())
        self._frame = gui.add_slider("frame", 0, 1, 1, 0, disabled=True)
        on_hand(self._frame, self._seek)
        self._button = gui.add_button("play", disabled=True)
        self._button.on_click(lambda _: self._play_or_pause())
        self._about = gui.add_markdown("")
        upload = gui.add_upload_button(
            "add a track", color="gray", hint="ARKit or FLAME .npz, or bsData.json"
        )
        upload.on_upload(lambda _: self._add(upload.value.name, upload.value.content))

    def _tracks(self) -> dict[str, Track]:
        """The avatar's own, those given, and one that any rig can perform."""
        avatar = self._player.controlled.avatar
        if self._own is None and avatar.scene.is_animatable and avatar.scene.core is not None:
            self._own = demonstration(avatar.scene)
        own = {} if self._own is None else {self._own.name: self._own}
        return avatar.tracks | self._given | own

    def update(self) -> None:
        """Offer what has arrived, and follow the frame that is shown."""
        show(self._choice, options=(NONE, *self._tracks()))
        if self._player.playback.is_playing:
            show(self._frame, value=self._player.playback.frame)

    def _load(self) -> None:
        track = self._tracks().get(self._choice.value)
        self._player.playback.load(track)
        self._player.controls.change()
        for widget in (self._frame, self._button):
            widget.disabled = track is None
        if track is None:
            self._about.content = ""
            return
        self._frame.max, self._frame.value = max(1, track.frame_count - 1), 0
        known = set(self._player.controlled.avatar.shape_names)
        fits = sum(name in known for name in track.shape_names)
        self._about.content = (
            f"{track.frame_count:,} frames at {track.frames_per_second:g} a second; the rig has {fits} of its "
            f"{len(track.shape_names)} shapes. Sliders add to it."
        )

    def _seek(self) -> None:
        self._player.playback.seek(int(self._frame.value))
        self._player.controls.change()

    def _play_or_pause(self) -> None:
        playback = self._player.playback
        if playback.is_playing:
            playback.pause()
        else:
            playback.play()
        self._button.label = "pause" if playback.is_playing else "play"
        self._player.controls.change()

    def _add(self, name: str, content: bytes) -> None:
        """A file that was dropped in, read as the command line's are."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / (Path(name).name or "track")
            path.write_bytes(content)
            try:
                added = read_tracks(path)
            except PavError as error:
                self._about.content = f"{name} is no track: {error.message}"
                return
        self._given |= added
        self.update()
        self._choice.value = next(iter(added))
