"""One photo on the page, as visitors use it. Known pixels are exact with any weights, so random ones serve."""

import re
from threading import Event
from urllib.parse import urlparse

import numpy as np
import pytest
from browser import DESKTOP, PHONE, Visitor
from conftest import hole
from PIL import Image

from demo.photo_view import EXAMPLES, PRINTS
from demo.texts import say
from restoration.files.imaging import write_photo
from restoration.inference.damage import WHOLE

pytestmark = pytest.mark.browser

HOLE = np.s_[100:180, 150:290]
SIZE = (480, 360)


def noise(size: tuple[int, int], seed: int) -> np.ndarray:
    """A photo in which no repair can be right by chance."""
    return np.random.default_rng(seed).integers(20, 236, size[::-1], np.uint8)


def damaged(seed: int, tone: int = 86) -> np.ndarray:
    gray = noise(SIZE, seed)
    gray[gray == tone] += 1  # a neighbor of the hole's own tone would rightly count as damage
    gray[HOLE] = tone
    return gray


def save(pixels: np.ndarray, file) -> None:
    Image.fromarray(np.uint8(pixels)).save(file)
    return file


def luma(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("L"))


def in_hole() -> np.ndarray:
    mask = np.zeros(SIZE[::-1], bool)
    mask[HOLE] = True
    return mask


def last(calls: list, stage: str) -> tuple:
    return next(call for call in reversed(calls) if call[0] == stage)


def from_command_line(run, photo, mask, tmp_path) -> np.ndarray:
    """What `python -m restoration restore` makes of the same photo and mask."""
    save(np.uint8(mask) * 255, tmp_path / "mask.png")
    status, *_ = run("restore", photo, tmp_path / "cli.png", "--mask", tmp_path / "mask.png")
    assert status == 0
    return np.asarray(Image.open(tmp_path / "cli.png"))


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_photo_stays_where_it_is_whatever_is_said_of_a_stroke(
    browser, served, tmp_path, monkeypatch, device, language
):
    visitor = Visitor(browser, served.url, **device, locale=language)
    visitor.choose(save(damaged(1)[..., None] * [1.0, 0.9, 0.7], tmp_path / "grandmother.png"))
    assert visitor.read("#kind") == say("tinted", language)
    visitor.page.check("#editor [value=paint]")
    picture = visitor.page.locator("#editor .picture")
    place = picture.evaluate("(part) => part.getBoundingClientRect().top + scrollY")
    for key in ("followed_tap", "fitted_stroke", "whole_stroke"):
        monkeypatch.setattr("demo.editing.EditState.fitted", lambda edit, stroke, drawn, key=key: (drawn, key))
        visitor.paint((0.1, 0.2), (0.1, 0.2))
        visitor.wait_for_text("#found", say(key, language).strip("*").partition("**")[0])
        assert picture.evaluate("(part) => part.getBoundingClientRect().top + scrollY") == place, key
    for key in ("found", "check", "not_found", "found_more", "no_more"):
        words = re.sub(r"\*\*(.+)\*\*", r"<b>\1</b>", say(key, language, share="100.0%"))
        visitor.page.locator("#found p").evaluate("(said, words) => { said.innerHTML = words; }", words)
        assert picture.evaluate("(part) => part.getBoundingClientRect().top + scrollY") == place, key
    visitor.leave()


@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_whole_way(browser, served, run, tmp_path, device):
    gray = damaged(1)
    photo = save(gray, tmp_path / "grandmother.png")
    visitor = Visitor(browser, served.url, **device)
    visitor.choose(photo)
    share = f"{in_hole().mean():.1%}"
    assert visitor.read("#found") == say("found", "en", share=share)
    assert visitor.width() <= device["viewport"]["width"], "the page scrolls sideways"

    if device is PHONE:
        visitor.paint((0.1, 0.2), (0.1, 0.8))
        assert visitor.read("#found") == say("found", "en", share=share), "a finger that scrolls has painted"
        visitor.page.click(f"#editor button:has-text('{say('offer', 'en')}')")
        assert visitor.page.is_checked("#editor [value=paint]") and not visitor.page.locator("#editor .offer").count()
    visitor.erase((0.56, 0.2), (0.56, 0.55))  # along the right end of the hole, from above it to below
    assert visitor.read("#note") == say("marks_changed", "en")
    visitor.restore()
    mask = np.asarray(last(served.calls, "repair")[2]) > 0
    visitor.page.wait_for_function("document.querySelector('#results').getBoundingClientRect().top < innerHeight / 2")
    erased = in_hole() & ~mask
    assert not (mask & ~in_hole()).any(), "the overlay is shifted: what was never marked is"
    rows, columns = np.nonzero(erased)
    assert 240 <= columns.min() < 270 and np.ptp(rows) == 79
    assert mask[HOLE][:, :90].all(), "more was erased than the eraser touched"

    slider = visitor.page.locator("#compare-color .outer").first
    slider.scroll_into_view_if_needed()
    before = slider.bounding_box()["x"]
    for _ in range(5):  # on a busy machine it may not listen yet
        box = slider.bounding_box()
        visitor.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        visitor.page.mouse.down()
        visitor.page.mouse.move(box["x"] + 60, box["y"] + box["height"] / 2, steps=5)
        visitor.page.mouse.up()
        visitor.page.wait_for_timeout(300)
        if slider.bounding_box()["x"] > before + 20:
            break
    assert slider.bounding_box()["x"] > before + 20

    kind, color = visitor.download()
    assert kind == "grandmother-color.png PNG" and color.mode == "RGB" and color.size == SIZE
    assert np.array_equal(np.asarray(color), from_command_line(run, photo, mask, tmp_path))
    assert np.array_equal(luma(color)[~mask], gray[~mask])
    assert np.mean(luma(color)[mask] != 86) > 0.9 and np.ptp(np.asarray(color, int), axis=2).max() > 0
    assert visitor.width() <= device["viewport"]["width"]
    visitor.page.set_viewport_size({"width": 844, "height": 390})
    visitor.page.wait_for_timeout(100)
    picture = visitor.page.locator("#editor .picture").bounding_box()
    assert picture["height"] > 200, "on a phone on its side the photo is too small to mark"
    visitor.leave()


def test_found_damage_is_repaired_as_the_command_line_does_and_no_other_host_is_asked(
    visitor, served, run, tmp_path, monkeypatch
):
    photo = save(damaged(2), tmp_path / "photo.png")
    visitor.choose(photo)
    visitor.restore()
    assert run("restore", photo, tmp_path / "color.png")[0] == 0
    assert run("restore", photo, tmp_path / "gray.png", "--gray")[0] == 0
    assert np.array_equal(np.asarray(visitor.download()[1]), np.asarray(Image.open(tmp_path / "color.png")))
    visitor.page.click("#results [role=tab]:has-text('Gray')")
    kind, gray = visitor.download("#save-gray-png")
    assert kind == "photo-gray.png PNG" and gray.mode == "L"
    assert np.array_equal(np.asarray(gray), np.asarray(Image.open(tmp_path / "gray.png")))
    assert visitor.download("#save-gray-jpeg")[0] == "photo-gray.jpg JPEG"
    go_on = Event()
    monkeypatch.setattr("demo.photo_steps.imaging.write_photo", lambda *given: go_on.wait(30) and write_photo(*given))
    with visitor.page.expect_download():
        visitor.page.click("#save-gray-png")
        visitor.wait_for_text("#note", say("writing", "en"))
        go_on.set()
    asked = {urlparse(request).netloc for request in visitor.requests if request.startswith(("http", "ws"))}
    assert asked == {urlparse(served.url).netloc}


def test_strokes_by_mouse_and_keyboard_change_the_full_size_mask(visitor, served, tmp_path, monkeypatch):
    monkeypatch.setattr("demo.marks.PREVIEW", 400)  # px
    size = (600, 400)
    photo = np.tile(np.linspace(40, 200, size[0]).astype(np.uint8), (size[1], 1))
    photo[::7] += 9  # no flat place in it
    photo[71:101, 251:331] = 20
    visitor.choose(save(photo, tmp_path / "photo.png"))
    visitor.page.set_viewport_size({"width": 1280, "height": 700})
    visitor.page.hover("#editor .picture")
    assert visitor.page.evaluate("scrollY") == 0
    visitor.page.mouse.wheel(0, 100)
    visitor.page.wait_for_function("scrollY > 0")  # the wheel moves the page, and not the picture in it
    visitor.paint((-0.02, 0.75), (0.375, 0.75))
    shown = visitor.page.locator("#editor .picture").bounding_box()["width"]
    visitor.restore()
    mask = np.asarray(last(served.calls, "repair")[2]) > 0
    assert mask.shape == photo.shape
    assert np.array_equal(mask[:200], photo[:200] == 20), "the hole that was not touched lost its exact border"
    rows, columns = np.nonzero(mask[200:])
    radius = 10 * size[0] / shown  # the brush is 20 px wide on the screen
    assert np.allclose([rows.min() + 200, rows.max() + 200], [300 - radius, 300 + radius], atol=3)
    assert columns.min() == 0 and abs(columns.max() - 225 - radius) < 3

    visitor.page.click("#undo")
    visitor.wait_for_text("#note", say("marks_changed", "en"))
    visitor.page.fill("#editor .width", "60")
    visitor.page.focus("#editor .sheet")
    for key in ("ArrowUp", "Space", "ArrowRight", "Space"):  # from the end of the stroke
        visitor.page.keyboard.press(key)
    visitor.wait_until_sent()
    visitor.restore()
    keyed = np.asarray(last(served.calls, "repair")[2]) > 0
    rows, columns = np.nonzero(keyed[120:])
    wide = 60 * size[0] / shown
    assert np.allclose([np.ptp(rows), np.ptp(columns)], [wide, 1.5 * wide], atol=4), "30 px up, then 30 px to the right"


def test_zoom_leaves_what_was_pointed_at_where_it_is(visitor, tmp_path):
    visitor.choose(save(noise(SIZE, 6), tmp_path / "photo.png"))
    page = visitor.page

    def place(*share: float) -> np.ndarray:
        box = page.locator("#editor .picture").bounding_box()
        return np.array([box["x"] + share[0] * box["width"], box["y"] + share[1] * box["height"]])

    def zoom(times: float) -> None:
        page.fill("#editor .zoom input", str(times))

    middle = place(0.5, 0.5)
    for times in (1.5, 3, 8, 1):
        zoom(times)
        assert np.abs(place(0.5, 0.5) - middle).max() < 3
    visitor.paint((0.7, 0.8), (0.75, 0.8))
    pressed = place(0.7, 0.8)
    zoom(4)
    assert np.abs(place(0.7, 0.8) - pressed).max() < 3
    zoom(1)
    under = place(0.3, 0.25)
    page.mouse.move(*under)
    page.keyboard.down("Control")
    for _ in range(2):
        page.mouse.wheel(0, -150)
    page.keyboard.up("Control")
    page.wait_for_function("document.querySelector('#editor .zoom input').value == 4")
    assert np.abs(place(0.3, 0.25) - under).max() < 3 and page.evaluate("scrollY") == 0
    page.locator("#editor .frame").evaluate("(frame) => frame.scrollTo(1e6, 1e6)")
    seen = place(0.9, 0.9)
    zoom(5)
    assert np.abs(place(0.9, 0.9) - seen).max() < 120, "it went back to what is out of sight"


def test_find_more_adds_to_what_is_marked_and_brings_nothing_back(visitor, served, tmp_path, monkeypatch):
    left, right, doubtful = (hole(*SIZE, box) for box in ((60, 60, 90, 90), (300, 60, 330, 90), (200, 200, 260, 206)))
    logits = np.select([left | right, doubtful], [np.float32(9), np.float32(WHOLE[1].seed + 0.1)], np.float32(-6))
    monkeypatch.setattr("restoration.inference.detection.damage_logits", lambda *_: logits[None])
    visitor.choose(save(noise(SIZE, 4), tmp_path / "photo.png"))
    visitor.page.fill("#editor .width", "60")  # px on the screen
    visitor.erase((0.61, 0.208), (0.7, 0.208))
    visitor.paint((0.125, 0.833), (0.19, 0.833))
    shown = visitor.page.get_attribute("#editor .photo", "src")
    visitor.page.click("#more")
    visitor.wait_for_text("#found", "yellow")
    assert visitor.page.get_attribute("#editor .photo", "src") == shown, "the photo goes and comes"
    visitor.restore()
    assert "yellow" not in visitor.read("#found")
    mask = np.asarray(last(served.calls, "repair")[2]) > 0
    assert mask[left | doubtful].all(), "what was found first, and what is found now"
    assert not mask[right].any() and mask[300, 60:90].all(), "the visitor's own strokes"
    visitor.page.click("#more")
    visitor.wait_for_text("#found", say("no_more", "en"))


def test_on_a_phone_a_tap_takes_a_new_mark_away_and_dabs_no_color(browser, served, tmp_path, monkeypatch):
    new = hole(*SIZE, (200, 200, 260, 206))
    logits = np.where(new, np.float32(WHOLE[1].seed + 0.1), np.float32(-6))
    monkeypatch.setattr("restoration.inference.detection.damage_logits", lambda *_: logits[None])
    visitor = Visitor(browser, served.url, **PHONE)
    visitor.choose(save(noise(SIZE, 5), tmp_path / "photo.png"))
    visitor.page.click("#more")
    visitor.wait_for_text("#found", "yellow")
    scale = visitor.page.locator("#editor .picture").bounding_box()["width"] / SIZE[0]
    visitor.page.tap("#editor .picture", position={"x": 230 * scale, "y": 203 * scale})
    visitor.wait_for_text("#found", say("not_found", "en"))
    visitor.page.click("#tab-hints-button")
    visitor.wait_for_painter("hints")
    calls = len(served.calls)
    visitor.page.tap("#hints .picture")
    visitor.wait_until_idle()
    assert len(served.calls) == calls and not visitor.page.locator(".refusal:visible").count()
    visitor.leave()


def test_an_example_replaces_the_photo_and_its_marks(visitor, served, tmp_path):
    visitor.choose(save(damaged(3), tmp_path / "photo.png"))
    visitor.choose_another()
    visitor.choose_example(len(PRINTS))  # the first one after the prints
    example = np.asarray(Image.open(sorted(EXAMPLES.glob("*.png"))[0]))
    mask = np.asarray(last(served.calls, "repair")[2]) > 0
    result = luma(visitor.download()[1])
    assert result.shape == example.shape and np.array_equal(result[~mask], example[~mask])
    assert 0.05 < mask.mean() < 0.12, "the last photo's marks, or none, were used"
