"""`pav play` in a real Chromium: what the page shows is what we draw, and the controls move it."""

import io
import shutil
import socket
import threading
import time

import numpy as np
import pytest

from pavfmt.model import Pose
from pavplayer import Avatar
from pavplayer.demo import AVATAR_FILE
from pavplayer.evaluation.metrics import psnr
from pavplayer.pictures import eight_bit
from pavplayer.viewer.content.avatar_view import AvatarView
from pavplayer.viewer.content.scene import AvatarScene
from pavplayer.viewer.performance.expressions import breakable
from pavplayer.viewer.player import Player

pytest.importorskip("viser", reason="viser is not installed: pip install 'pavfmt[play]'")
pytest.importorskip("playwright", reason="playwright is not installed: pip install playwright")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium")
FLAGS = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--no-sandbox"]
WINDOW = {"width": 800, "height": 560}
PATIENCE = 40.0
"""Seconds: the machine may have other things to do."""
ALIKE = 38
"""dB between the page and our picture: it went through a JPEG and a canvas."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def server():
    from pavplayer.viewer.server import ViewerServer

    stop = threading.Event()
    with Avatar(AVATAR_FILE, device="cpu") as avatar:
        player = Player(AvatarScene(AvatarView(avatar, 0.0)))
        while not avatar.scene.is_visible:
            player.tick()
        avatar.frame()  # compiles
        player.controlled.cloud(Pose())
        with ViewerServer(player, "localhost", free_port(), {}, "demo head") as server:
            thread = threading.Thread(target=server.run, args=(stop.is_set,))
            thread.start()
            yield server
            stop.set()
            thread.join()


@pytest.fixture(scope="module")
def page(server):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport=WINDOW)
        page.set_default_timeout(1000 * PATIENCE)
        page.goto(f"{server.url}/?fixedDpr=1")  # else viser draws fewer pixels where it is slow
        page.get_by_text(breakable("browDownLeft"), exact=True).wait_for()
        notice = page.locator("#webgl-software-rendering button")
        if notice.count():
            notice.click()
            page.locator("#webgl-software-rendering").wait_for(state="detached")
        yield page
        browser.close()


def at_rest(server, page):
    """The page's picture once it has come to rest, (H, W, 3) in 0..1, and our own of the same view.

    The page may lag behind the player, so it is looked at until it is like ours, or patience ends.
    """
    player, until = server.player, time.monotonic() + PATIENCE
    while True:
        wait_for(page, lambda: player.is_at_rest() and not player.controls.changed.is_set())
        shown, ours = picture_on(page, page.locator("canvas").first.bounding_box()), expected(player)
        if player.is_at_rest() and (psnr(shown, ours) > ALIKE or time.monotonic() > until):
            return shown, ours
        page.wait_for_timeout(150)


def wait_for(page, is_so):
    """AssertionError if it does not become so."""
    until = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < until
        page.wait_for_timeout(50)


def picture_on(page, box):
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(page.screenshot(clip=box))).convert("RGB")) / 255.0


def expected(player):
    """What is shown, drawn by the embedding interface."""
    (client,) = player.clients.values()
    camera = client.view.camera()
    cloud = player.scene.cloud(camera, player.pose(), player.controls.limit, float("inf"))
    return eight_bit(player.scene.rasterizer.render(cloud, camera)) / 255.0


def fill(page, name, value):
    """The field of a widget; of a slider, the number beside it."""
    row = page.get_by_text(name, exact=True).locator("xpath=ancestor::div[.//input][1]")
    entry = row.locator("input:not([type=hidden])").last
    entry.fill(str(value))
    entry.press("Enter")


def test_the_page_shows_the_head_and_the_controls_move_it(server, page):
    rest, ours = at_rest(server, page)
    assert rest.shape == ours.shape
    assert psnr(rest, ours) > ALIKE
    assert (rest.min(axis=2) < 0.7).mean() > 0.1  # it is a head, not white
    fill(page, "search", "jaw open")
    page.get_by_text(breakable("browDownLeft"), exact=True).wait_for(state="detached")
    fill(page, breakable("jawOpen"), 0.9)
    opened, ours = at_rest(server, page)
    assert server.player.controls.weights == {"jawOpen": 0.9}
    assert psnr(opened, ours) > ALIKE
    assert psnr(opened, rest) < 28


def test_a_prefix_is_cut_and_compared_with_the_whole(server, page):
    fill(page, "search", "")
    fill(page, "bytes drawn", 60_000)
    cut, ours = at_rest(server, page)
    assert server.player.controls.limit == 60_000
    assert psnr(cut, ours) > ALIKE
    page.get_by_text("dB PSNR, this view").wait_for()
    assert 0 < server.player.last_frame.gaussian_count < server.player.controlled.avatar.scene.gaussian_count
    fill(page, "bytes drawn", server.player.controlled.avatar.total_bytes)
    page.get_by_text("it is the whole file").wait_for()
    assert server.player.controls.limit is None


def test_dragging_turns_the_head_and_the_screenshot_is_of_it(server, page):
    before, _ = at_rest(server, page)
    box = page.locator("canvas").first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y, steps=4)
    page.mouse.up()
    turned, ours = at_rest(server, page)
    assert psnr(turned, ours) > ALIKE
    assert psnr(turned, before) < 25
    page.get_by_role("tab", name="Picture").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="screenshot, PNG").click()
    from PIL import Image

    saved = np.asarray(Image.open(download.value.path())) / 255.0
    np.testing.assert_array_equal(saved, ours)


def test_a_track_is_dropped_in_and_played(server, page, tmp_path):
    weights = np.linspace(0, 1, 40, dtype=np.float32)[:, None]
    np.savez(tmp_path / "talk.npz", talk_weights=weights, talk_names=np.array(["jawOpen"]))
    (tmp_path / "text.npz").write_bytes(b"no track")
    page.get_by_role("tab", name="Track").click()
    drop = page.get_by_role("button", name="add a track")
    for name in ("text.npz", "talk.npz"):
        with page.expect_file_chooser() as chooser:
            drop.click()
        chooser.value.set_files(tmp_path / name)
        page.get_by_text("is no track" if name == "text.npz" else "40 frames at 30 a second").wait_for()
    playback, sent = server.player.playback, server.player.frame_rate.count
    assert playback.track.name == "talk"
    page.get_by_role("button", name="play", exact=True).click()
    page.get_by_role("button", name="pause", exact=True).wait_for()
    wait_for(page, lambda: server.player.frame_rate.count >= sent + 3)
    page.get_by_role("button", name="pause", exact=True).click()
    page.get_by_role("button", name="play", exact=True).wait_for()
    assert not playback.is_playing
    frame = playback.frame
    held, ours = at_rest(server, page)
    assert psnr(held, ours) > ALIKE
    slid = server.player.controls.weights.get("jawOpen", 0.0)
    assert server.player.pose().weights["jawOpen"] == pytest.approx(slid + float(weights[frame, 0]))
