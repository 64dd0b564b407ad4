"""The page without a mouse, and to who does not see it."""

import numpy as np
import pytest
from browser import DESKTOP, PHONE, Visitor
from conftest import noise_with_hole, save

pytestmark = pytest.mark.browser

SIZE = (320, 240)


def damaged(seed: int) -> np.ndarray:
    return noise_with_hole(seed, *SIZE, (80, 60, 180, 130))


def tab_to(page, selector: str, most: int, key: str = "Tab") -> None:
    """Press Tab, so often at most, until something there has the focus."""
    for _ in range(most):
        page.keyboard.press(key)
        if page.evaluate("(selector) => !!document.activeElement.closest(selector)", selector):
            return
    raise AssertionError(f"{most} times {key} do not lead to {selector}")


OUTLINE = "getComputedStyle(document.activeElement).outlineStyle"


def wait_for_focus(page, selector: str) -> None:
    page.wait_for_function("(selector) => !!document.activeElement.closest(selector)", arg=selector)


def test_no_link_to_a_result_stands_in_the_way_before_there_is_one(visitor):
    visitor.page.add_init_script("""new MutationObserver(() => {
        window.wasThere ||= !!document.querySelector("#to-result")?.checkVisibility();
    }).observe(document, { childList: true, subtree: true, attributes: true })""")
    visitor.page.reload()
    visitor.page.wait_for_function("window.page && document.querySelector('#to-result')")
    assert visitor.page.evaluate("window.wasThere") is False


def test_the_whole_way_by_keyboard(visitor, served, tmp_path):
    gray, page = damaged(1), visitor.page
    with page.expect_file_chooser() as chooser:
        tab_to(page, "#drop button", most=3)
        page.keyboard.press("Enter")
    chooser.value.set_files(save(tmp_path / "photo.png", gray))
    visitor.wait_for_painter("editor")
    visitor.wait_for_result()
    wait_for_focus(page, "#compare-color [role=slider]")
    found = np.asarray(next(call for call in reversed(served.calls) if call[0] == "repair")[2]) > 0

    tab_to(page, "#editor .choices", 14, "Shift+Tab")
    outlines = [page.evaluate(OUTLINE)]
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+Tab")
    for key in ("Space", *["ArrowLeft"] * 9, "Space"):  # the eraser goes from the middle to the left
        page.keyboard.press(key)
    visitor.wait_until_sent()
    visitor.wait_for_new_picture(lambda: page.keyboard.press("Enter"))
    mask = np.asarray(next(call for call in reversed(served.calls) if call[0] == "repair")[2]) > 0
    assert (found & ~mask).sum() > 300 and not (mask & ~found).any(), "the strokes of the keys did not erase"

    wait_for_focus(page, "#compare-color [role=slider]")
    tab_to(page, "#save-color-png", most=1)
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    result = np.asarray(visitor.opened(download.value).convert("L"))
    assert np.array_equal(result[~mask], gray[~mask]) and np.mean(result[mask] != 86) > 0.9
    assert page.evaluate("document.activeElement.id") == "save-color-png", "focus fell back to the page"
    while len(outlines) < 12 and not page.evaluate("!!document.activeElement.closest('#freshen')"):
        page.keyboard.press("Tab")
        outlines.append(page.evaluate(OUTLINE))
    assert len(outlines) < 12 and "none" not in outlines, "who goes by Tab does not see where"


def test_a_list_of_forty_photos_is_one_stop_and_arrows_lead_through_it(visitor, tmp_path):
    page, photos = visitor.page, [save(tmp_path / f"{i}.png", np.zeros((9, 9), np.uint8)) for i in range(40)]
    names = "[...document.querySelectorAll('#batch-files .stem')].map((part) => part.innerText)"
    page.click("#batch-button")
    page.set_input_files("#batch-files input[type=file]", photos)
    page.wait_for_selector("#batch-files tr.file >> nth=39", state="attached")
    tab_to(page, "#batch-files tr", most=3)
    for key in ("ArrowDown", "ArrowDown", "ArrowUp", "Enter", "Enter"):  # each takes one out of the list
        page.keyboard.press(key)
        page.wait_for_timeout(200)
    assert page.evaluate(names)[:3] == ["0", "3", "4"] and len(page.evaluate(names)) == 38
    assert page.evaluate("document.activeElement.closest('tr').innerText.startsWith('3')"), "the focus is lost"
    tab_to(page, "#batch-start", most=2)
    tab_to(page, "#batch-files .top-panel", most=3, key="Shift+Tab")


# A button's colors are judged when it has them: while it fades its words have less contrast.
FADED = """Promise.all(document.getAnimations().filter(each => each.effect.getComputedTiming().iterations < Infinity)
    .map(each => each.finished.catch(() => null))).then(() => null)"""


@pytest.mark.parametrize("device, theme, language", [(DESKTOP, "light", "en-US"), (PHONE, "dark", "ko-KR")])
def test_axe_finds_nothing_serious(browser, served, tmp_path, device, theme, language):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    visitor = Visitor(browser, f"{served.url}?__theme={theme}", **device, locale=language)

    def found() -> list[tuple[str, list]]:
        visitor.page.evaluate(FADED)
        answer = axe.run(visitor.page)
        seen = [each for each in answer.response["violations"] if each["impact"] in ("serious", "critical")]
        return [(each["id"], [node["html"][:200] for node in each["nodes"]]) for each in seen]

    visitor.page.wait_for_selector("#examples img")
    assert found() == []
    visitor.choose(save(tmp_path / "photo.png", damaged(2)))
    visitor.page.click("#tab-hints-button")
    visitor.wait_for_painter("hints")
    assert found() == []
    visitor.page.click("[role=tab] >> nth=1")
    visitor.page.set_input_files("#batch-files input[type=file]", [tmp_path / "photo.png"])
    visitor.page.wait_for_selector("#batch-files tr.file")
    assert found() == []
    visitor.leave()
