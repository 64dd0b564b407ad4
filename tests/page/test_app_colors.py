"""Color in the visitor's hands, and what runs for it."""

import re

import numpy as np
import pytest
from browser import DESKTOP, PHONE, Visitor
from conftest import read, save
from PIL import Image

from demo.texts import say

pytestmark = pytest.mark.browser

SIZE = (320, 240)


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(20, 236, SIZE[::-1], np.uint8)


def stages(served) -> list[str]:
    return [call[0] for call in served.calls]


def set_vividness(visitor, strength: float) -> None:
    visitor.page.fill("#vividness input[type=number]", str(strength))
    visitor.page.press("#vividness input[type=number]", "Enter")
    visitor.page.locator("#vividness input[type=range]").dispatch_event("pointerup")
    visitor.wait_until_idle()


def test_hints_run_only_the_second_stage_and_vividness_none(visitor, served, tmp_path):
    visitor.choose(save(tmp_path / "photo.png", noise(1)))
    assert say("only_colored", "en") == visitor.read("#note")
    plain = np.asarray(visitor.download()[1], int)

    before = len(served.calls)
    visitor.page.click("#tab-hints-button")
    visitor.wait_for_painter("hints")
    visitor.wait_for_new_picture(lambda: visitor.paint((0.31, 0.5), (0.41, 0.5), on="hints"))
    hinted = np.asarray(visitor.download()[1], int)
    assert stages(served)[before:] == ["colorize"]
    hints = np.asarray(served.calls[-1][2])
    assert hints.shape == (*SIZE[::-1], 4) and tuple(hints[120, 115]) == (0xB3, 0x26, 0x1E, 255)
    rows, columns = np.nonzero(hints[..., 3] > 127)
    assert abs(rows.mean() - 120) < 3 and abs(columns.mean() - 115) < 3, "the dab is not where it was painted"
    assert np.abs(hinted - plain).max() > 8, "the hint changed nothing"
    visitor.wait_for_new_picture(lambda: visitor.page.click("#hints-undo"))
    assert np.array_equal(np.asarray(visitor.download()[1], int), plain)
    visitor.wait_for_new_picture(lambda: visitor.paint((0.31, 0.5), (0.41, 0.5), on="hints"))
    visitor.wait_for_new_picture(lambda: visitor.page.press("#hints .sheet", "Control+z"))

    before = len(served.calls)
    set_vividness(visitor, 0)
    gray = np.asarray(visitor.download()[1])
    assert stages(served)[before:] == [], "a stage ran for the vividness"
    assert np.array_equal(gray, np.stack([noise(1)] * 3, axis=2))


@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_colors_are_dabbed_where_the_result_is_as_large_as_it_and_with_the_palette_in_sight(
    browser, served, tmp_path, device
):
    visitor = Visitor(browser, served.url, **device)
    visitor.choose(save(tmp_path / "tall.png", np.tile(noise(8).T, (2, 1))))
    page = visitor.page

    def place(selector: str) -> np.ndarray:
        """Middle, top and height, from the upper left corner of the tabs."""
        script = (
            "(all) => all.map(each => JSON.parse(JSON.stringify(document.querySelector(each).getBoundingClientRect())))"
        )
        box, around = page.evaluate(script, [selector, "#tab-color-button"])  # at once: the page may scroll
        return np.array([box["x"] + box["width"] / 2 - around["x"], box["y"] - around["y"], box["height"]])

    page.wait_for_function("document.querySelector('#compare-color img').clientHeight")  # loaded once it is scrolled to
    result = place("#compare-color img")
    assert result[2] > device["viewport"]["height"] / 2, "small"
    page.click("#tab-hints-button")
    visitor.wait_for_painter("hints")
    assert np.abs(place("#hints .picture") - result).max() < 2
    page.wait_for_function("document.activeElement.matches('#hints .sheet')")
    page.wait_for_function("""["#hints .picture", "#hints .pens"].map(part => document.querySelector(part))
        .map(part => part.getBoundingClientRect()).every(box => box.top >= 0 && box.bottom <= innerHeight)""")
    ends = "(parts) => parts.map((part) => part.getBoundingClientRect().right)"
    tools = page.locator(".pens :is(label, input)").evaluate_all(ends)  # of brushes and colors
    assert len(tools) > 30 and max(tools) <= device["viewport"]["width"], "a tool is out of reach"
    page.locator("#hints [value='#3b82c4']").check(force=True)
    page.wait_for_selector("#note [data-testid=status-tracker].hide", state="attached")
    page.evaluate("""heights = new Set();
        new ResizeObserver(() => heights.add(note.offsetHeight)).observe(document.querySelector("#note"))""")
    visitor.wait_for_new_picture(lambda: visitor.paint((0.4, 0.5), (0.6, 0.5), on="hints"))
    visitor.restore()
    assert page.evaluate("heights.size") == 1, "the photo moves under the hand, or while it is restored"
    shown = [page.get_attribute(f"{part} >> nth=-1", "src") for part in ("#compare-color img", "#hints .photo")]
    assert shown[0] == shown[1], "what a dab does is seen elsewhere"
    visitor.choose_another()
    visitor.choose(save(tmp_path / "next.png", noise(9)))
    page.wait_for_selector("#compare-color", state="visible")
    visitor.leave()


def test_a_color_photo_is_said_to_be_so_and_keeps_its_colors_outside_the_marks(visitor, tmp_path):
    color = np.stack([noise(3), noise(4), noise(5)], axis=2)
    visitor.choose(save(tmp_path / "photo.png", color), restored=False)
    assert visitor.read("#found") == say("not_found", "en")
    assert visitor.read("#kind") == say("in_color", "en")
    assert visitor.read("#note") == say("nothing_to_do", "en"), "a result is promised"
    assert not visitor.page.is_checked("#recolor input")
    assert visitor.page.evaluate("document.activeElement.className") == "sheet", "focus fell back to the page"
    visitor.press_restore()
    assert visitor.read_refusal() == say("nothing_to_do", "en")
    visitor.paint((0.31, 0.5), (0.63, 0.5))
    visitor.restore()
    visitor.page.click("#tab-hints-button")
    visitor.page.wait_for_selector(f"text={say('hints_in_color', 'en')}")
    result = np.asarray(visitor.download()[1])
    changed = (result != color).any(axis=2)
    assert changed[115:125, 105:195].mean() > 0.9 and not changed[:90].any() and not changed[150:].any()


def test_a_sepia_scan_is_colored_anew_and_its_metadata_comes_along(visitor, run, tmp_path):
    levels = noise(6)[..., None] / 255
    exif = Image.Exif()
    exif[0x010E] = "Grandmother, 1931"
    sepia = Image.fromarray(np.uint8(255 * levels ** np.array([0.8, 1.0, 1.4])))
    sepia.save(tmp_path / "old.png", exif=exif, dpi=(300, 300))
    visitor.page.route(re.compile(r"\.jpg"), lambda route: route.abort())
    visitor.choose(tmp_path / "old.png")
    assert visitor.page.locator("#compare-color").bounding_box()["height"] > 300, "all jumps once the picture is loaded"
    assert say("tinted", "en") in visitor.read("#kind") and visitor.page.is_checked("#recolor input")
    kind, result = visitor.download()
    assert run("restore", tmp_path / "old.png", tmp_path / "cli.png", "--recolor")[0] == 0
    assert kind == "old-color.png PNG" and np.array_equal(np.asarray(result), read(tmp_path / "cli.png"))
    assert result.getexif()[0x010E] == "Grandmother, 1931" and round(result.info["dpi"][0]) == 300
    assert visitor.download("#save-color-jpeg")[1].getexif()[0x010E] == "Grandmother, 1931"
    for wish in ("texture", "recolor"):
        visitor.restore()
        visitor.page.wait_for_selector("#restore.secondary")
        visitor.page.uncheck(f"#{wish} input")
        visitor.page.wait_for_selector("#restore.primary")  # nothing else says that it has to be pressed


def test_a_mask_file_marks_what_it_says(visitor, served, tmp_path):
    visitor.choose(save(tmp_path / "photo.png", noise(7)))
    mask = np.zeros(SIZE[::-1], np.uint8)
    mask[50:90, 60:110] = 255
    with visitor.page.expect_file_chooser() as chooser:
        visitor.page.click("#mask-file")
    chooser.value.set_files(save(tmp_path / "mask.png", mask))
    visitor.wait_for_text("#found", "2.6%")
    visitor.restore()
    assert np.array_equal(np.asarray(served.calls[-2][2]) > 0, mask > 0)
    visitor.page.click("#unmark")
    visitor.wait_for_text("#found", say("not_found", "en"))
    visitor.restore()
    assert not np.asarray(served.calls[-2][2]).any()
