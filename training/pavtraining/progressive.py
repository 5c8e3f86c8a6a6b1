"""A finished avatar made progressive: what `pav encode --progressive` asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pavfmt.model import Avatar
from pavplayer.packages import require


def made_progressive(
    avatar: Avatar, progress: Callable[[float], None] | None = None, exact: bool = False
) -> Avatar:
    """A flat avatar under a fitted base that hands over to it (`pavtraining.hand_over`), some minutes of CPU.

    Unless `exact`, fewer of its Gaussians are fitted to stand for all.

    What has levels already comes back as it is. Raises EncodeError for surface points on faces.
    """
    if len(avatar.levels) > 1:
        return avatar
    require("torch", "numba", extra="training")
    import torch

    from pavtraining.hand_over import default_configuration, hand_over

    torch.set_num_threads(1)  # its operations here are small: more threads only wait for each other

    def tell(_: str, share: float) -> None:
        if progress is not None:
            progress(share)

    return hand_over(avatar, replace(default_configuration(avatar), exact=exact), tell).avatar
