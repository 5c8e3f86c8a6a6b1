"""Views that were made stay at hand as long as there is room."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable

from pavtraining.sources.view import View

DEFAULT_BYTES = 512 << 20
"""About 400 pictures of 275×401."""


class ViewCache:
    """The views used last, up to a number of bytes."""

    def __init__(self, most_bytes: int = DEFAULT_BYTES) -> None:
        self.most_bytes = most_bytes
        self.held_bytes = 0
        self._views: OrderedDict[Hashable, View] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], View]) -> View:
        """The view of `key`: the one held, or else a new one."""
        held = self._views.get(key)
        if held is not None:
            self._views.move_to_end(key)
            return held
        view = make()
        self._hold(key, view)
        return view

    def _hold(self, key: Hashable, view: View) -> None:
        view.picture.setflags(write=False)  # it will be handed out again
        if view.mask is not None:
            view.mask.setflags(write=False)
        self._views[key] = view
        self.held_bytes += view.byte_count
        while self.held_bytes > self.most_bytes and self._views:
            _, oldest = self._views.popitem(last=False)
            self.held_bytes -= oldest.byte_count
