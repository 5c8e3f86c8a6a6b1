"""A finished avatar made progressive: what `pav encode --progressive` asks for."""

from __future__ import annotations

from collections.abc import Callable

from pavfmt.errors import EncodeError
from pavfmt.model import Avatar, Site
from pavplayer.packages import require


def made_progressive(
    avatar: Avatar, progress: Callable[[float], None] | None = None, exact: bool = False
) -> Avatar:
    """A flat avatar under a fitted base that hands over to it (`pavtraining.hand_over`), some minutes of CPU.

    Unless `exact`, fewer of its Gaussians are fitted to stand for all.

    What has levels already comes back as it is. Raises EncodeError where Gaussians hang on faces.
    """
    if len(avatar.levels) > 1:
        return avatar
    if avatar.levels[0].site is Site.FACE:
        raise EncodeError(
            "bad-site", "Gaussians that hang on faces are fitted anew: pav fit SRC -o CHECKPOINT"
        )
    require("torch", "numba", extra="training")
    import torch

    from pavtraining.hand_over import HandOverConfiguration, hand_over

    torch.set_num_threads(1)  # its operations here are small: more threads only wait for each other

    def tell(_: str, share: float) -> None:
        if progress is not None:
            progress(share)

    return hand_over(avatar, HandOverConfiguration(exact=exact), tell).avatar
