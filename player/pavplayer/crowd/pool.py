"""One copy of equal arrays: what avatars on one rig have in common is in memory once.

Arrays are known by the SHA-256 of their type, shape and bytes, so it does not matter whether the rig was embedded,
supplied, or partly here. The pool holds no array alive.
"""

from __future__ import annotations

import hashlib
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from pavfmt.decoding.scene import Scene

WORTH_SHARING = 4096
"""Bytes: smaller arrays stay as they are."""


class ArrayPool:
    """Arrays by their content."""

    def __init__(self) -> None:
        self._arrays: WeakValueDictionary[bytes, NDArray[Any]] = WeakValueDictionary()

    def shared(self, array: NDArray[Any]) -> NDArray[Any]:
        """The array of this content that came first, read-only; this one if none did."""
        if array.nbytes < WORTH_SHARING:
            return array
        whole = np.ascontiguousarray(array)
        digest = hashlib.sha256(f"{whole.dtype.str} {whole.shape}".encode())
        digest.update(whole.data)
        found = self._arrays.get(digest.digest())
        if found is None:
            # A view would keep the whole of what it is a part of in memory.
            found = whole if whole.base is None else whole.copy()
            found.flags.writeable = False
            self._arrays[digest.digest()] = found
        return found

    def share(self, holder: object) -> None:
        """Replace the arrays that an object holds, also those in its lists, by the shared ones.

        Only for objects whose arrays nobody writes to.
        """
        attributes = vars(holder)
        for name, value in attributes.items():
            if isinstance(value, np.ndarray):
                attributes[name] = self.shared(value)
            elif isinstance(value, list):
                attributes[name] = [self.shared(one) if isinstance(one, np.ndarray) else one for one in value]

    def share_rig(self, scene: Scene) -> None:
        """Share what has arrived of a scene's rig."""
        for part in (scene.core, scene.correctives, *scene.shapes.values()):
            if part is not None:
                self.share(part)
        if scene.core is not None and "places" in vars(scene.core):
            self.share(scene.core.coordinates)
