"""What the tests of the page do with a real browser, in a visitor's words."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
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

    def leave(self) -> None:
        self.page.context.close()

    def offer(self, file: Path) -> None:
        self.page.set_input_files("#drop input[type=file]", file)

    def choose(self, file: Path) -> None:
        self.offer(file)
        self.wait_for_editor("editor")

    def choose_another(self) -> None:
        self.page.click("#another")
        self.page.wait_for_selector("#drop", state="visible")

    def choose_example(self) -> None:
        """The first one."""
        self.page.click("#examples button.gallery-item")
        self.wait_for_editor("editor")

    def wait_for_editor(self, name: str) -> None:
        self.page.wait_for_selector(f"#{name} canvas", state="visible")
        self.page.wait_for_selector(f"#{name} [aria-label='Brush Size']")
        self.wait_until_idle()
        self.page.wait_for_timeout(400)  # the zoom settles in an animation

    def wait_until_idle(self) -> None:
        """No event is under way any more."""
        self.page.wait_for_timeout(150)
        self.page.wait_for_function("!document.querySelector('[data-testid=status-tracker] .progress-text, .pending')")

    def read(self, selector: str) -> str:
        return self.page.inner_text(selector).strip()

    def paint(self, size: tuple[int, int], start: tuple[int, int], end: tuple[int, int], on: str = "editor") -> None:
        """Draw a line; all in pixels of the preview, whose size is (width, height)."""
        canvas = self.page.locator(f"#{on} canvas").first
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        zoom = float(self.read(f"#{on} .zoom-number").strip(" %")) / 100

        def to_mouse(point: tuple[int, int]) -> tuple[float, float]:
            x, y = (np.array(point) - np.array(size) / 2) * zoom
            return box["x"] + box["width"] / 2 + x, box["y"] + box["height"] / 2 + y

        self.page.mouse.move(*to_mouse(start))
        self.page.mouse.down()
        self.page.mouse.move(*to_mouse(end), steps=3)
        self.page.mouse.up()
        self.page.wait_for_timeout(300)  # the stroke is drawn

    def erase(self, size: tuple[int, int], start: tuple[int, int], end: tuple[int, int]) -> None:
        self.page.dispatch_event("#editor [aria-label='Erase']", "click")
        self.paint(size, start, end)
        self.page.dispatch_event("#editor [aria-label='Brush']", "click")

    def press_restore(self) -> None:
        self.page.click("#restore")

    def wait_for_result(self) -> None:
        self.page.wait_for_selector("#save-color-png", state="visible")
        self.wait_until_idle()

    def restore(self) -> None:
        self.press_restore()
        self.wait_for_result()

    def download(self, button: str = "#save-color-png") -> tuple[str, Image.Image]:
        """The file's name and the picture in it."""
        with self.page.expect_download() as download:
            self.page.click(button)
        image = Image.open(download.value.path())
        image.load()
        return f"{download.value.suggested_filename} {image.format}", image

    def read_message(self) -> str:
        """The one sentence of an error, and nothing else on the page that looks like a failure."""
        self.page.wait_for_selector("[data-testid=toast-text]")
        assert "Traceback" not in self.page.content()
        return self.read("[data-testid=toast-text]")

    def width(self) -> int:
        """How wide the page is, with what lies outside the screen."""
        return self.page.evaluate("document.documentElement.scrollWidth")
