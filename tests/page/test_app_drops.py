"""Photos that are dropped: anywhere, while others are in work, many at once."""

import numpy as np
import pytest
from conftest import gray_photo, noise_with_hole, save

from demo.limits import MEGABYTES
from demo.texts import say

pytestmark = pytest.mark.browser

SIZE = (320, 240)


def damaged(seed: int) -> np.ndarray:
    return noise_with_hole(seed, *SIZE, (80, 60, 180, 130))


@pytest.mark.parametrize("place", ["#drop button", "#title"])
def test_what_is_dropped_is_taken_and_never_shown_instead_of_the_page(visitor, served, tmp_path, place):
    (tmp_path / "album.pdf").write_bytes(b"%PDF-1.7")
    assert not visitor.drop(tmp_path / "album.pdf", on=place)
    assert visitor.read_refusal() == "album.pdf is not a readable image file."
    photo = save(tmp_path / "photo.png", damaged(7))
    assert not visitor.drop(photo, on=place)
    visitor.wait_for_painter("editor")
    visitor.wait_for_result()
    calls = len(served.calls)
    another = save(tmp_path / "another.png", damaged(8)[:200])
    assert not visitor.drop(another, on="#title")
    assert visitor.read_refusal() == say("instead", "en")
    assert len(served.calls) == calls and visitor.page.is_visible("#editor"), "work was thrown away unasked"
    visitor.page.click("#note")
    assert not visitor.page.is_visible("#instead")
    visitor.drop(another, on="#editor .picture")
    visitor.page.click(f"#instead button:has-text('{say('open_it', 'en')}')")
    visitor.page.wait_for_function("document.querySelector('#editor .photo')?.naturalHeight === 200")
    assert not visitor.page.is_visible("#instead")
    visitor.page.click("[role=tab] >> nth=1")
    for many, place in enumerate(("#batch-files button", "#batch-files tr.file", "#title"), 1):
        assert not visitor.drop(photo, on=place)
        visitor.page.wait_for_function(f"document.querySelectorAll('#batch-files tr.file').length === {many}")


@pytest.mark.parametrize("stage, way", [("damage", "drop"), ("damage", "choose"), ("repair", "drop")])
def test_a_photo_that_comes_while_another_is_in_work_is_shown_instead_of_it(visitor, paused, tmp_path, stage, way):
    at_work = paused(stage)
    visitor.page.evaluate("""seen = new Set(), new MutationObserver(() =>
        seen.add(document.querySelector("#compare-color img")?.naturalHeight)).observe(document, {childList: true,
        subtree: true, attributes: true})""")
    visitor.offer(save(tmp_path / "first.png", damaged(14)))
    assert at_work.working.wait(30)
    second = save(tmp_path / "second.png", damaged(15)[:200])
    if way == "choose":
        visitor.page.click("#drop [aria-label='Remove Image']")
        visitor.offer(second)
    else:
        assert not visitor.drop(second, on="#drop" if stage == "damage" else "#title")
    visitor.page.wait_for_selector("#drop img", state="visible")
    at_work.go_on.set()
    visitor.wait_for_painter("editor")
    visitor.wait_for_result()
    assert visitor.download()[1].size == (320, 200)
    assert not {240} & set(visitor.page.evaluate("[...seen]")), "the first was shown all the same"


def test_of_prints_clicked_while_one_is_looked_at_only_the_last_is_looked_at_and_restored(
    visitor, served, paused, tmp_path
):
    scan = np.full((500, 1300), 235, np.uint8)
    for left, width in ((60, 300), (480, 310), (900, 320)):
        scan[60:360, left : left + width] = gray_photo("coffee", width, 300)
    visitor.choose(save(tmp_path / "album.png", scan))
    at_work, before = paused("damage"), len(served.calls)
    for number in (2, 0, 3):  # the second is the whole scan
        visitor.page.click(f"#prints button.thumbnail-item >> nth={number}")
        assert at_work.working.wait(30)
    visitor.page.wait_for_timeout(300)
    at_work.go_on.set()
    visitor.page.wait_for_function("document.querySelector('#compare-color img')?.naturalWidth > 312")
    visitor.wait_for_result()
    asked = [(stage, photo.width) for stage, photo, *_ in served.calls[before:] if stage != "colorize"]
    assert [stage for stage, _ in asked] == ["damage", "damage", "repair"], "what nobody wants any more is waited for"
    assert asked[1][1] == asked[2][1] == visitor.download()[1].width


def test_an_upload_that_breaks_is_told_where_it_was_asked_for_and_may_be_tried_again(visitor, tmp_path):
    photo = save(tmp_path / "photo.png", damaged(3))
    visitor.page.click("[role=tab] >> nth=1")
    visitor.page.route("**/upload*", lambda route: route.abort())
    visitor.page.set_input_files("#batch-files input[type=file]", [photo])
    assert visitor.read_refusal() == say("broken", "en", megabytes=MEGABYTES)
    visitor.page.wait_for_selector("#batch-files .error", state="hidden")
    visitor.page.unroute("**/upload*")
    with visitor.page.expect_file_chooser() as chooser:
        visitor.page.click("#batch-files button.upload-container")
    chooser.value.set_files([photo])
    visitor.page.wait_for_selector("#batch-files tr.file")
    assert not visitor.page.is_visible("#broken")


def test_many_photos_and_a_folder_of_them_go_to_the_tab_for_many_wherever_they_are_dropped(visitor, tmp_path):
    photos = [save(tmp_path / "scans" / place, np.zeros((9, 9), np.uint8)) for place in ("1.png", "box/2.png")]
    visitor.drop(*photos, on="#drop")
    visitor.page.wait_for_function("document.querySelectorAll('#batch-files tr.file').length == 2")
    assert visitor.page.is_visible("#batch-start")
    visitor.page.click("#batch-files [aria-label=Clear]")
    visitor.drop_folder(tmp_path / "scans", on="#batch-files")
    visitor.page.wait_for_function("document.querySelectorAll('#batch-files tr.file').length == 2")
    visitor.page.click("[role=tab] >> nth=0")
    visitor.drop_folder(tmp_path / "scans", on="#drop")
    visitor.page.wait_for_function("document.querySelectorAll('#batch-files tr.file').length == 4")
