"""How the page behaves when things go wrong, when many come at once, in Korean, and after a visit."""

import time
from threading import Event
from types import SimpleNamespace
from urllib.request import urlopen

import numpy as np
import pytest
from browser import PHONE, Visitor
from conftest import save
from gradio_client import Client, handle_file
from gradio_client.utils import QueueError

from demo import session
from demo.limits import MEGABYTES
from demo.photo_view import EXAMPLES
from demo.texts import TEXTS, say
from restoration.errors import RestorationError

SIZE = (320, 240)
HOLE = np.s_[60:130, 80:180]
EXAMPLE = sorted(EXAMPLES.glob("*.png"))[0]


def damaged(seed: int, tone: int = 86) -> np.ndarray:
    gray = np.random.default_rng(seed).integers(20, 236, SIZE[::-1], np.uint8)
    gray[gray == tone] += 1
    gray[HOLE] = tone
    return gray


def luma(image) -> np.ndarray:
    return np.asarray(image.convert("L"))


@pytest.mark.browser
def test_two_visitors_at_once_get_their_own_photos(browser, served, tmp_path):
    photos = [damaged(seed) for seed in (5, 6)]
    visitors = [Visitor(browser, served.url) for _ in photos]
    for visitor, gray in zip(visitors, photos, strict=True):
        visitor.offer(save(tmp_path / str(gray[0, 0]) / "the_same_name.png", gray))
    for visitor in visitors:
        visitor.wait_for_painter("editor")
    for visitor, gray in zip(visitors, photos, strict=True):
        visitor.wait_for_result()
        known = np.ones(gray.shape, bool)
        known[HOLE] = False
        assert np.array_equal(luma(visitor.download()[1])[known], gray[known])
        visitor.leave()


@pytest.mark.browser
def test_what_is_no_photo_is_answered_with_one_sentence_and_another_may_follow(visitor, tmp_path):
    visitor.page.route("**/upload*", lambda route: route.abort())
    visitor.offer(save(tmp_path / "whole.png", damaged(7)))
    assert visitor.read_refusal() == say("broken", "en", megabytes=MEGABYTES)
    visitor.page.unroute("**/upload*")
    (tmp_path / "album.pdf").write_bytes(b"%PDF-1.7")  # which Gradio would refuse in a toast
    visitor.offer(tmp_path / "album.pdf")
    message = visitor.read_refusal()
    assert message == "album.pdf is not a readable image file."
    visitor.page.wait_for_timeout(300)
    assert visitor.read_refusal() == message and visitor.page.locator("#drop input[type=file]").count()
    assert message in visitor.page.text_content(".unseen"), "screen readers are not told"
    visitor.paste(save(tmp_path / "whole.png", damaged(7)))
    visitor.wait_for_painter("editor")
    assert not visitor.page.locator(".refusal:visible").count()


@pytest.mark.browser
def test_a_photo_that_is_too_large_is_refused_before_it_is_decoded(visitor, tmp_path, monkeypatch):
    monkeypatch.setattr("demo.reading.MEGAPIXELS", 0.05)
    visitor.offer(save(tmp_path / "photo.png", damaged(8)))
    assert visitor.read_refusal() == say("too_many_pixels", "en", name="photo.png", megapixels=0.05)


@pytest.mark.browser
def test_korean_where_the_browser_asks_for_it(browser, served, tmp_path):
    visitor = Visitor(browser, served.url, **PHONE, locale="ko-KR")
    assert visitor.read("#title") == "사진 복원"
    tabs = [visitor.read(f"[role=tab] >> nth={i}") for i in range(2)]
    assert tabs == [say(tab, "ko") for tab in ("tab_photo", "tab_batch")]
    (tmp_path / "broken.png").write_bytes(b"no photo")
    visitor.offer(tmp_path / "broken.png")
    assert "사진으로 읽을 수 없습니다" in visitor.read_refusal()
    visitor.leave()
    visitor = Visitor(browser, served.url, **PHONE, locale="ko-KR")
    visitor.page.evaluate("""painted = new Set(), (look = () => {
        document.querySelectorAll(".progress-text, .uploading").forEach((part) => painted.add(part.innerText));
        requestAnimationFrame(look);
    })()""")
    visitor.choose(save(tmp_path / "photo.png", damaged(9)))
    share = f"{70 * 100 / (SIZE[0] * SIZE[1]):.1%}"
    assert visitor.read("#found") == say("found", "ko", share=share)
    assert [visitor.read(f"#{name}") for name in ("restore", "undo", "more", "unmark", "another")] == [
        say(name, "ko") for name in ("restore", "undo", "more", "unmark", "another")
    ]
    assert visitor.read("#note") == say("repaired", "ko", share=share)
    assert visitor.read("#save-color-png") == say("save_png", "ko")
    english = [text for key, (text, _) in TEXTS.items() if "{" not in text and len(text) > 6]
    told = "[...document.querySelectorAll('[aria-label]')].map((part) => part.ariaLabel).join()"
    shown = visitor.page.inner_text("body") + visitor.page.evaluate(told)
    own = ("Thumbnail", "Fullscreen", "Remove", "Reset", " for ", "processing", "queue", "Uploading", "restoration")
    shown += visitor.page.title() + visitor.page.evaluate("[...painted].join()")
    assert not [text for text in (*english, *own) if text in shown], "English on a Korean page"
    assert visitor.width() <= 390
    visitor.leave()


@pytest.mark.browser
@pytest.mark.parametrize("locale", ["en-US", "ko-KR"])
def test_nothing_that_is_read_comes_from_a_toolkit(browser, served, tmp_path, locale):
    visitor = Visitor(browser, served.url, locale=locale)
    told = "document.body.innerText + [...document.querySelectorAll('[title]')].map((part) => part.title).join()"
    visitor.page.click("[role=tab] >> nth=1")
    shown = visitor.page.evaluate(told)
    assert TEXTS["batch_start"][locale == "ko-KR"] in shown
    visitor.page.click("[role=tab] >> nth=0")
    visitor.choose(save(tmp_path / "photo.png", damaged(13)))
    visitor.page.click("#tab-hints-button")
    visitor.wait_for_painter("hints")
    shown += visitor.page.evaluate(told)
    odd = ("API", "File Here", "Upload", "드롭", "업로드", "a file", "파일에서", "common.", "#")
    assert not [word for word in odd if word in shown]
    visitor.leave()


@pytest.mark.browser
def test_the_slider_has_a_name_and_answers_to_keys(visitor, tmp_path):
    unnamed = """[...document.querySelectorAll('button, input, [role=slider]')]
        .filter(part => part.checkVisibility() && ![part, ...part.labels ?? []]
            .some(each => each.innerText || each.ariaLabel || each.title))
        .map(part => part.outerHTML)"""
    small = """[...document.querySelectorAll('button, input:not([type=file]), a, [tabindex="0"]:not([role=slider])')]
        .filter((part) => part.checkVisibility())
        .map((part) => [part.outerHTML, (part.closest('label') ?? part).getBoundingClientRect()])
        .filter(([_, {width, height}]) => width > 1 && height > 1 && (width < 24 || height < 24))"""
    assert visitor.page.evaluate(unnamed) == [] and visitor.page.evaluate(small) == []
    visitor.choose(save(tmp_path / "photo.png", damaged(12)))
    visitor.page.click("#tab-hints-button")
    visitor.wait_for_painter("hints")
    assert visitor.page.evaluate(unnamed) == [] and visitor.page.evaluate(small) == []
    visitor.page.click("#tab-color-button")
    slider = visitor.page.get_by_role("slider", name=say("slider", "en")).first
    places = [slider.bounding_box()["x"]]
    slider.focus()
    for key in ("ArrowRight", "ArrowLeft", "ArrowLeft"):
        visitor.page.keyboard.press(key)
        visitor.page.wait_for_timeout(150)
        places.append(slider.bounding_box()["x"])
    assert places[1] > places[0] + 5 and abs(places[2] - places[0]) < 2 and places[3] < places[0] - 5
    assert slider.get_attribute("aria-valuenow") == "5"


@pytest.mark.browser
def test_after_a_visit_nothing_of_it_is_kept(browser, served, tmp_path, monkeypatch):
    monkeypatch.setattr(session, "GRACE", 0.2)
    of_others = set(served.folder.rglob(EXAMPLE.name))  # who left a moment ago
    visitor = Visitor(browser, served.url)
    thumbnail = visitor.page.get_attribute(f"#examples img[src$='{EXAMPLE.name}']", "src")
    visitor.choose(EXAMPLE)
    visitor.choose_another()
    visitor.choose(save(tmp_path / "secret.png", damaged(10)))
    visitor.download()
    kept = {*served.folder.rglob("secret*"), *served.folder.rglob(EXAMPLE.name)} - of_others
    assert len(kept) >= 5  # as sent, the copy, the result
    visitor.leave()
    deadline = time.monotonic() + 30
    while any(file.exists() for file in kept) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not [file for file in kept if file.exists()]
    with urlopen(thumbnail) as answer:
        assert answer.read() == EXAMPLE.read_bytes(), "somebody who sent an example took it away for everybody"


@pytest.mark.browser
def test_a_reload_brings_the_visit_back(visitor, served, tmp_path):
    visitor.choose(save(tmp_path / "photo.png", damaged(13)))
    visitor.paint((0.5, 0.8), (0.9, 0.8))
    visitor.restore()
    seen, result = visitor.read("#found"), visitor.download()[1]
    before = len(served.calls)
    visitor.page.reload()
    visitor.wait_for_result()
    for key in ("Tab", "Enter"):
        visitor.page.keyboard.press(key)
    assert visitor.page.evaluate("document.activeElement.role") == "slider", "no short way from the top to the result"
    assert visitor.read("#found") == seen and np.array_equal(visitor.download()[1], result)
    visitor.page.click("#undo")
    visitor.wait_for_text("#note", say("marks_changed", "en"))
    visitor.page.goto("about:blank")
    visitor.page.go_back()
    visitor.wait_for_text("#note", say("marks_changed", "en"))
    assert len(served.calls) == before, "all was done again"
    served.sessions.close()
    visitor.page.reload()
    assert visitor.read_refusal() == say("photo_gone", "en")


@pytest.mark.browser
def test_a_photo_left_before_it_was_restored_is_shown_restored_once_it_is(visitor, served, paused, tmp_path):
    at_work, before = paused("repair"), len(served.calls)
    visitor.offer(save(tmp_path / "photo.png", damaged(16)))
    assert at_work.working.wait(30)
    visitor.page.reload()
    visitor.page.wait_for_selector("#work", state="visible")
    visitor.page.click("#another")
    visitor.page.wait_for_selector("#drop", state="visible")
    visitor.page.click("#back")
    visitor.page.wait_for_selector("#work", state="visible")
    assert not visitor.page.is_visible("#save-color-png") and not visitor.page.is_visible("#start")
    visitor.wait_for_text("#note", "queue: ")
    visitor.paint((0.5, 0.8), (0.9, 0.8))
    assert "queue: " in visitor.read("#note"), "who paints meanwhile no longer sees that it is being restored"
    at_work.go_on.set()
    visitor.wait_for_result()
    visitor.wait_for_text("#note", say("marks_changed", "en"))
    assert [call[0] for call in served.calls[before:]].count("repair") == 1, "it is done twice"


@pytest.mark.browser
def test_the_first_photo_comes_though_the_page_is_reloaded_while_it_is_read(visitor, served, paused, tmp_path):
    at_work, before = paused("damage"), len(served.calls)
    visitor.offer(save(tmp_path / "photo.png", damaged(17)))
    assert at_work.working.wait(30)
    visitor.page.reload()
    visitor.wait_for_text("#drop", "queue: ")
    at_work.go_on.set()
    visitor.wait_for_result()
    assert visitor.download()[0] == "photo-color.png PNG"
    assert [call[0] for call in served.calls[before:]] == ["damage", "repair", "colorize"], "it is done twice"
    visitor.page.click("#another")
    (tmp_path / "broken.png").write_bytes(b"no photo")
    visitor.offer(tmp_path / "broken.png")
    visitor.read_refusal()
    visitor.page.reload()
    visitor.wait_for_result()


@pytest.mark.browser
def test_after_a_file_that_is_no_photo_a_reloaded_page_is_as_at_first(visitor, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no photo")
    visitor.offer(tmp_path / "broken.png")
    visitor.read_refusal()
    visitor.page.reload()
    visitor.wait_until_idle()
    visitor.page.wait_for_timeout(500)
    assert visitor.page.is_visible("#drop") and not visitor.page.is_visible(".refusal")


@pytest.mark.browser
def test_a_copy_of_a_tab_that_still_lives_starts_anew_and_takes_nothing_from_it(visitor, tmp_path):
    visitor.choose(save(tmp_path / "photo.png", damaged(14)))
    with visitor.page.expect_popup() as popup:  # it gets a copy of what is remembered, as a duplicate does
        visitor.page.evaluate("void open(location.href)")
    copy = popup.value
    copy.set_input_files("#drop input[type=file]", save(tmp_path / "other.png", damaged(15)))
    copy.wait_for_selector("#save-color-png", state="visible")
    for page, name in ((visitor.page, "photo"), (copy, "other")):
        for _ in range(2):
            with page.expect_download() as download:
                page.click("#save-color-png")
            assert download.value.suggested_filename == f"{name}-color.png"
            page.reload()
            page.wait_for_selector("#save-color-png", state="visible")


@pytest.fixture
def full(served, monkeypatch):
    """A queue of one place, in which somebody waits behind somebody else whose photo is in work."""
    working, go_on = Event(), Event()

    def wait(*_):
        working.set()
        assert go_on.wait(60)
        raise RestorationError("That was all.")

    monkeypatch.setitem(served.instead, "detect", wait)
    monkeypatch.setattr(served.demo._queue, "max_size", 1)
    yield SimpleNamespace(working=working, go_on=go_on)
    go_on.set()


@pytest.mark.browser
def test_a_full_queue_is_said_where_something_was_asked_for_and_tried_again(visitor, served, full, tmp_path):
    photo = save(tmp_path / "photo.png", damaged(11))
    clients = [Client(served.url, verbose=False) for _ in range(2)]
    first = clients[0].submit(handle_file(photo), api_name="/detect")
    assert full.working.wait(30)
    second = clients[1].submit(handle_file(photo), api_name="/detect")
    deadline = time.monotonic() + 30
    while not len(served.demo._queue) and time.monotonic() < deadline:
        time.sleep(0.05)
    visitor.offer(photo)
    assert visitor.read_refusal() == say("busy", "en") and visitor.page.is_visible("#start #busy")
    assert say("busy", "en") in visitor.page.text_content(".unseen"), "screen readers are not told"
    with pytest.raises(QueueError):
        Client(served.url, verbose=False).predict(handle_file(photo), api_name="/detect")
    full.go_on.set()
    for waiting in (first, second):
        assert waiting.exception(30)
    visitor.page.click(f"#busy button:has-text('{say('again', 'en')}')")
    visitor.wait_for_painter("editor")
    visitor.wait_for_result()
    assert not visitor.page.is_visible("#busy")
