"""The tab beside the one photo: many photos."""

import zipfile
from threading import Event

import numpy as np
import pytest
from browser import PHONE, Visitor
from conftest import gray_photo, noise_with_hole, read, save
from gradio_client import Client, handle_file

from demo.limits import BATCH_MEGAPIXELS, GRACE
from demo.reading import read_scan
from demo.texts import say

pytestmark = pytest.mark.browser

SIZE = (120, 90)
NOTE_HIDING = """() => {
    const look = () => { window.wasHidden ||= !document.querySelector('#batch-save')?.offsetParent; };
    new MutationObserver(look).observe(document.body, {subtree: true, childList: true, attributes: true});
}"""


def open_tab(visitor, key: str) -> None:
    visitor.page.click(f"[role=tab]:has-text('{say(key, 'en')}')")


def test_an_album_leaves_room_for_its_tools_and_its_prints_have_names(browser, served, tmp_path):
    scan = np.full((600, 1000), 235, np.uint8)
    scan[60:540, 60:420] = gray_photo("astronaut", 360, 480)
    scan[100:500, 560:860] = gray_photo("coffee", 300, 400)
    visitor = Visitor(browser, served.url, viewport={"width": 1280, "height": 800})
    visitor.choose(save(tmp_path / "album.png", scan))
    assert visitor.page.evaluate("scrollY") == 0
    for part in ("#prints", "#editor .picture", "#editor .pens", "#restore", "#save-color-png"):
        box = visitor.page.locator(part).bounding_box()
        assert box["y"] >= 0 and box["y"] + box["height"] <= 800, f"{part} is out of sight"
    names = [say("whole_scan", "en"), *(say("print", "en", number=number) for number in (1, 2))]
    buttons = visitor.page.locator("#prints button.thumbnail-item")
    assert [button.get_attribute("title") for button in buttons.all()] == names
    visitor.leave()


@pytest.mark.parametrize("device, least", [({"viewport": {"width": 1280, "height": 800}}, 9), (PHONE, 9)])
def test_of_a_long_list_as_much_is_seen_as_there_is_room_for(browser, served, tmp_path, monkeypatch, device, least):
    photos = [save(tmp_path / f"box 7, sheet {number}.png", np.zeros((9, 9), np.uint8)) for number in range(40)]
    visitor = Visitor(browser, served.url, **device)
    open_tab(visitor, "tab_batch")
    visitor.page.set_input_files("#batch-files input[type=file]", photos)
    rows = visitor.page.locator("#batch-files tr.file")
    rows.nth(39).wait_for(state="attached")
    end = visitor.page.locator("#batch-files").bounding_box()
    seen = [row for row in rows.all() if row.bounding_box()["y"] + 20 < end["y"] + end["height"]]
    assert len(seen) >= least
    button = visitor.page.locator("#batch-start").bounding_box()
    assert button["y"] + button["height"] <= device["viewport"]["height"]
    name = rows.nth(5).locator(".stem")
    assert name.evaluate("(part) => part.scrollWidth <= part.clientWidth"), "the name is cut off"
    go_on = Event()
    monkeypatch.setattr("demo.batch.claimed_pixels", lambda file: go_on.wait(30) and BATCH_MEGAPIXELS * 1_000_001)
    visitor.page.click("#batch-start")
    visitor.wait_for_text("#batch-note", "0/40 photos")
    visitor.wait_for_text("#batch-note", say("batch_running", "en", minutes=GRACE // 60))
    visitor.page.wait_for_function(
        "document.querySelector('#batch-note').getBoundingClientRect().bottom <= innerHeight"
    )
    go_on.set()
    visitor.page.wait_for_selector("#batch-save", state="visible")
    visitor.leave()


def restore_all(visitor, photos: list) -> None:
    visitor.page.set_input_files("#batch-files input[type=file]", photos)
    visitor.page.wait_for_function(f"document.querySelectorAll('#batch-files tr.file').length == {len(photos)}")
    visitor.page.click("#batch-start")


def downloaded_zip(visitor) -> dict[str, np.ndarray]:
    """The pixels of each photo in the zip."""
    with visitor.page.expect_download() as download:
        visitor.page.click("#batch-save")
    with zipfile.ZipFile(download.value.path()) as results:
        return {name: read(results.open(name)) for name in results.namelist() if name.endswith(".png")}


def test_a_batch_comes_back_as_a_zip_that_names_its_failures(visitor, run, tmp_path, monkeypatch):
    open_tab(visitor, "tab_batch")
    photos = []
    for seed in (1, 2):
        photos.append(save(tmp_path / f"{seed}.png", noise_with_hole(seed, *SIZE, (40, 30, 70, 55))))
    with zipfile.ZipFile(tmp_path / "album.zip", "w") as album:
        album.write(photos[1], "album/2.png")
        album.writestr("album/broken.jpg", b"no photo")
    restore_all(visitor, [photos[0], tmp_path / "album.zip"])
    visitor.page.wait_for_selector("#batch-save", state="visible")
    visitor.wait_until_idle()
    assert visitor.read("#batch-note").startswith(say("batch_done", "en", done=2, count=3))
    assert "broken.jpg is not a readable image file" in visitor.read("#batch-note")
    pairs = visitor.page.locator("#batch-pairs button:has(img)")
    pairs.nth(1).wait_for()
    assert pairs.count() == 2 and "2.png: " in visitor.read("#batch-pairs")
    said = visitor.read("#batch-note")
    visitor.page.click("#batch-files tr button >> nth=0")
    visitor.page.wait_for_function("document.querySelectorAll('#batch-files tr.file').length == 1")
    visitor.page.wait_for_timeout(500)
    assert visitor.page.is_visible("#batch-save"), "another list takes away what is done"
    visitor.page.reload()
    pairs.nth(1).wait_for()
    visitor.wait_until_idle()
    assert visitor.read("#batch-note") == said
    with visitor.page.expect_download() as download:
        visitor.page.click("#batch-save")
    with zipfile.ZipFile(download.value.path()) as results:
        assert set(results.namelist()) == {"1.png", "album/2.png", "not restored.txt"}
        results.extractall(tmp_path / "results")
    for photo, result in zip(photos, ("1.png", "album/2.png"), strict=True):
        assert run("restore", photo, tmp_path / f"cli-{photo.name}")[0] == 0
        assert np.array_equal(read(tmp_path / "results" / result), read(tmp_path / f"cli-{photo.name}"))
    go_on = Event()
    monkeypatch.setattr("demo.photo_steps.read_scan", lambda file: go_on.wait(30) and read_scan(file))
    visitor.page.set_viewport_size({"width": 1280, "height": 500})
    pairs.nth(1).click()
    visitor.page.wait_for_selector("#drop [data-testid=status-tracker]:not(.hide)", timeout=15000)  # while it is opened
    assert visitor.page.evaluate("scrollY") == 0
    assert not visitor.page.is_visible("#drop button .wrap"), "asks for a photo while one is opened, below its progress"
    go_on.set()
    visitor.wait_for_result()
    assert visitor.read("#found").startswith(say("found", "en", share=f"{25 * 30 / (SIZE[0] * SIZE[1]):.1%}"))


def test_what_is_corrected_by_hand_takes_its_place_in_the_zip_and_only_there(visitor, tmp_path):
    open_tab(visitor, "tab_batch")
    box = (40, 30, 70, 55)
    restore_all(visitor, [save(tmp_path / f"{seed}.png", noise_with_hole(seed, *SIZE, box)) for seed in (1, 2)])
    pairs = visitor.page.locator("#batch-pairs button:has(img)")
    visitor.page.wait_for_selector("#batch-save", state="visible")
    before, seen = downloaded_zip(visitor), pairs.nth(1).locator("img").get_attribute("src")
    pairs.nth(1).click()
    visitor.wait_for_result()
    open_tab(visitor, "tab_batch")
    visitor.page.wait_for_selector("#batch-save", state="visible")
    assert "2.png" in visitor.read("#batch-pairs"), "what was only looked at counts as corrected"
    pairs.nth(1).click()
    visitor.wait_for_painter("editor")
    visitor.paint((0.6, 0.8), (0.9, 0.8))
    visitor.restore()
    _, corrected = visitor.download()
    open_tab(visitor, "tab_batch")
    visitor.page.wait_for_selector("#batch-save", state="visible")
    assert say("batch_own", "en", name="2") in visitor.read("#batch-pairs")
    assert pairs.nth(1).locator("img").get_attribute("src") != seen
    after = downloaded_zip(visitor)
    assert set(after) == set(before) == {"1.png", "2.png"} and np.array_equal(after["1.png"], before["1.png"])
    assert np.array_equal(after["2.png"], corrected) and not np.array_equal(after["2.png"], before["2.png"])
    pairs.nth(0).click()
    visitor.wait_for_text("#found", say("found", "en", share=f"{25 * 30 / (SIZE[0] * SIZE[1]):.1%}"))
    visitor.wait_for_result()
    visitor.wait_for_new_picture(lambda: visitor.page.locator("#variants button").nth(1).click())
    open_tab(visitor, "tab_batch")
    visitor.page.wait_for_selector("#batch-save", state="visible")
    again = downloaded_zip(visitor)
    assert np.array_equal(again["2.png"], corrected), "the next one takes the place of what was corrected before"
    assert not np.array_equal(again["1.png"], before["1.png"])
    visitor.page.evaluate(NOTE_HIDING)  # which may last a moment only
    visitor.page.click("#batch-start")
    visitor.page.wait_for_function("window.wasHidden")
    visitor.page.wait_for_selector("#batch-save", state="visible")
    once_more = downloaded_zip(visitor)
    assert all(np.array_equal(once_more[name], again[name]) for name in again), (
        "the same list again takes corrections away"
    )


def reload(visitor, served) -> None:
    visitor.page.reload()


def lose_the_connection(visitor, served) -> None:
    """As a phone does when it is locked; awake again, the page loads itself anew."""
    with visitor.page.expect_event("load"):
        for connection in list(served.demo.server.server_state.connections):
            connection.loop.call_soon_threadsafe(connection.transport.abort)


@pytest.mark.parametrize("leave", [reload, lose_the_connection])
@pytest.mark.parametrize("is_waiting", [False, True])
def test_a_batch_that_is_in_work_or_waits_for_that_outlives_its_page(
    visitor, served, tmp_path, monkeypatch, leave, is_waiting
):
    working, go_on = Event(), Event()
    first = [working.set, lambda: go_on.wait(60)]
    repair, before = served.restorer.repair, len(served.calls)
    monkeypatch.setitem(served.instead, "repair", lambda *given: [do() for do in first] and repair(*given))
    photos = [save(tmp_path / f"{seed}.png", noise_with_hole(seed, *SIZE, (40, 30, 70, 55))) for seed in (1, 2)]
    if is_waiting:
        ahead = Client(served.url, verbose=False).submit(handle_file(photos[0]), api_name="/restore")
        assert working.wait(30) and not ahead.done()
    open_tab(visitor, "tab_batch")
    restore_all(visitor, photos)
    visitor.wait_for_text("#batch-note", say("batch_running", "en", minutes=GRACE // 60))
    visitor.wait_for_text("#batch-note", "queue: 1/1" if is_waiting else "0/2 photos")
    leave(visitor, served)
    visitor.wait_for_text("#batch-note", say("batch_running", "en", minutes=GRACE // 60))
    assert not visitor.page.is_visible("#batch-save")
    go_on.set()
    visitor.page.wait_for_selector("#batch-save", state="visible")
    visitor.wait_for_text("#batch-note", say("batch_done", "en", done=2, count=2))
    assert set(downloaded_zip(visitor)) == {"1.png", "2.png"}
    assert [call[0] for call in served.calls[before:]].count("repair") == len(photos) + is_waiting, "work is done twice"
