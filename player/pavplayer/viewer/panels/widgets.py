"""What the panels do with viser's widgets alike.

viser sends every assignment to every browser and calls `on_update` for it, with `client` None, so a widget that is
brought up to date looks to its callback like one that a person moved. Hence the two functions: assign only what
differs, and listen only to persons.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import viser

    from pavplayer.viewer.player import Player


def show(widget: Any, **values: object) -> None:
    """Assign what differs."""
    for name, value in values.items():
        if getattr(widget, name) != value:
            setattr(widget, name, value)


def on_hand(widget: Any, react: Callable[[], None]) -> None:
    """Call `react` when a person moves a widget."""
    widget.on_update(lambda event: react() if event.client is not None else None)


class RigPanel:
    """A tab that is filled once the rig has arrived and its names are known."""

    EMPTY = ""
    """What stands there before."""

    def __init__(self, gui: viser.GuiApi, player: Player) -> None:
        self._gui, self._player = gui, player
        self._sliders: dict[str, Any] = {}
        self._empty = gui.add_markdown(f"*{self.EMPTY}*")
        self._place = gui.add_folder(None)

    def names(self) -> tuple[str, ...]:
        """Of what can be moved; empty: not known yet."""
        raise NotImplementedError

    def fill(self, names: tuple[str, ...]) -> None:
        """Add the widgets, `_sliders` by name among them."""
        raise NotImplementedError

    def update(self) -> None:
        """Fill it once there are names."""
        names = self.names()
        if names and not self._sliders:
            self._empty.visible = False
            with self._place:
                self.fill(names)
