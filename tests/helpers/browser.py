"""What the tests of the page do with a real browser, in a visitor's words."""

import base64
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SECONDS = 1000  # Playwright counts in milliseconds
DESKTOP = {"viewport": {"width": 1280, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}


@contextmanager
def chromium() -> Iterator:
    """The machine's own Chromium, headless, with an empty profile."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        missing = pytest.fail if os.environ.get("CI") else pytest.skip
        missing("no chromium on this machine: the page was not tested in a browser")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)  # the profile is a new one each time
        yield browser
        browser.close()


class Visitor:
    """One visitor with an own session: `Visitor(browser, url)` opens the page and waits until it is ready."""

    def __init__(self, browser, url: str, **device):
        self.page = browser.new_context(**(device or DESKTOP)).new_page()
        self.page.set_default_timeout(60 * SECONDS)
        self.requests: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(url)
        self.page.wait_for_selector("#drop input[type=file]", state="attached")
        self.page.wait_for_function("window.page")  # what runs in the browser beside Gradio

    def leave(self) -> None:
        self.page.context.close()

    def offer(self, file: Path) -> None:
        self.page.set_input_files("#drop input[type=file]", file)

    def paste(self, file: Path) -> None:
        """As Ctrl+V does with a picture in the clipboard."""
        self._bring([file], "body", 'new ClipboardEvent("paste", { clipboardData: data, bubbles: true })')

    def drop(self, *files: Path, on: str) -> bool:
        """Let files fall on a part of the page. Returns whether the browser would show them instead of the page."""
        event = "new DragEvent({!r}, {{ dataTransfer: data, bubbles: true, cancelable: true }})"
        return any([self._bring(files, on, event.format(name)) for name in ("dragover", "drop")])

    def drop_folder(self, folder: Path, on: str) -> None:
        """As a hand does it: no script can make up a folder."""
        box = self.page.locator(on).bounding_box()
        place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
        data = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
        devtools = self.page.context.new_cdp_session(self.page)
        for kind in ("dragEnter", "dragOver", "drop"):
            devtools.send("Input.dispatchDragEvent", {"type": kind, **place, "data": data})

    def _bring(self, files: Sequence[Path], on: str, event: str) -> bool:
        """Dispatch an event with files in its `data`. Returns whether the browser does what it always does."""
        return self.page.evaluate(
            """async ([files, on]) => {
                const data = new DataTransfer();
                for (const [name, content] of files) {
                    const blob = await (await fetch(`data:;base64,${content}`)).blob();
                    data.items.add(new File([blob], name, { type: name.endsWith("png") ? "image/png" : "" }));
                }
                return document.querySelector(on).dispatchEvent(EVENT);
            }""".replace("EVENT", event),
            [[(file.name, base64.b64encode(file.read_bytes()).decode()) for file in files], on],
        )

    def choose(self, file: Path, restored: bool = True) -> None:
        """Drop a photo, and wait for the result that comes by itself; a whole photo in color has none."""
        self.offer(file)
        self.wait_for_painter("editor")
        if restored:
            self.wait_for_result()

    def choose_another(self) -> None:
        self.page.click("#another")
        self.page.wait_for_selector("#drop", state="visible")

    def choose_example(self, number: int) -> None:
        self.page.click(f"#examples button.gallery-item >> nth={number}")
        self.wait_for_painter("editor")
        self.wait_for_result()

    def wait_for_painter(self, name: str) -> None:
        self.page.wait_for_selector(f"#{name} .photo[src]", state="visible")
        self.wait_until_idle()

    def wait_until_idle(self) -> None:
        """No event is under way any more, as far as it is shown."""
        self.page.wait_for_timeout(150)
        self.page.wait_for_function(
            "![...document.querySelectorAll('[data-testid=status-tracker] .progress-text, .pending')]"
            ".some((part) => part.checkVisibility())"
        )

    def read(self, selector: str) -> str:
        return self.page.inner_text(selector).strip()

    def wait_for_text(self, selector: str, text: str) -> None:
        self.page.wait_for_function(
            "([selector, text]) => document.querySelector(selector)?.innerText.includes(text)", arg=[selector, text]
        )

    def paint(self, start: tuple[float, float], end: tuple[float, float], on: str = "editor") -> None:
        """Draw a line between two points, in shares of the picture's width and height."""
        picture = self.page.locator(f"#{on} .picture")
        picture.scroll_into_view_if_needed()
        box = picture.bounding_box()
        points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end)]
        self.page.mouse.move(*points[0])
        self.page.mouse.down()
        self.page.mouse.move(*points[1], steps=3)
        self.page.mouse.up()
        self.wait_until_sent(on)

    def wait_until_sent(self, painter: str = "editor") -> None:
        """The server has answered what was painted."""
        self.page.wait_for_function(f"document.querySelector('#{painter} .painter').painter.isSent()")

    def erase(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        self.page.check("#editor [value=erase]")
        self.paint(start, end)
        self.page.check("#editor [value=paint]")

    def press_restore(self) -> None:
        self.page.click("#restore")

    def wait_for_result(self) -> None:
        self.page.wait_for_selector("#save-color-png", state="visible")
        self.wait_until_idle()

    def restore(self) -> None:
        """Restore, and wait for the new picture."""
        self.wait_for_new_picture(self.press_restore)

    def wait_for_new_picture(self, act: Callable) -> None:
        """Do something that changes the colored photo."""
        shown = "document.querySelector('#compare-color img')?.src"
        before = self.page.evaluate(shown)
        act()
        self.page.wait_for_function(f"![undefined, {before!r}].includes({shown})".replace("None", "null"))
        self.wait_for_result()

    def download(self, button: str = "#save-color-png") -> tuple[str, Image.Image]:
        """The file's name and the picture in it."""
        with self.page.expect_download() as download:
            self.page.click(button)
        image = self.opened(download.value)
        return f"{download.value.suggested_filename} {image.format}", image

    @staticmethod
    def opened(download) -> Image.Image:
        """The picture in a downloaded file."""
        image = Image.open(download.path())
        image.load()
        return image

    def read_refusal(self) -> str:
        """The one sentence of an error, where it happened, and nothing else on the page that looks like a failure."""
        self.page.wait_for_selector(".refusal:visible")
        assert (
            "Traceback" not in self.page.content() and not self.page.locator("[data-testid=toast-text]:visible").count()
        )
        return self.read(".refusal:visible")

    def width(self) -> int:
        """How wide the page is, with what lies outside the screen."""
        return self.page.evaluate("document.documentElement.scrollWidth")
