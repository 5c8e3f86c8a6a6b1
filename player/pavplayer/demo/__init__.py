"""The demo avatar, and the CC0 head rig that it hangs on. `python -m research.demo_avatar` made it."""

from __future__ import annotations

from pathlib import Path

AVATAR_FILE = Path(__file__).with_name("avatar.pav")
RIG_FILE = Path(__file__).with_name("mh_head_arkit52.npz")
