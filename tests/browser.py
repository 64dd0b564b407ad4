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

    def __init__(self, browser, url: str):
        self.page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        self.page.set_default_timeout(60 * SECONDS)
        self.requests: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(url)
        self.page.wait_for_selector("#editor canvas")  # a file chosen before is lost

    def offer(self, file: Path) -> None:
        self.page.set_input_files("#editor input[type=file]", file)

    def choose(self, file: Path) -> None:
        self.offer(file)
        self.wait_for_photo()

    def wait_for_photo(self) -> None:
        self.page.wait_for_selector("#editor [aria-label='Brush Size'], #editor [title='Brush Size']")
        self.page.wait_for_timeout(300)  # the zoom settles in an animation

    def choose_example(self) -> None:
        """The first one; it must differ in size from the photo that it replaces."""
        before = self.page.inner_text("#editor .zoom-number")
        self.page.click("#examples button.gallery-item")
        changed = "before => document.querySelector('#editor .zoom-number').innerText != before"
        self.page.wait_for_function(changed, arg=before)
        self.wait_for_photo()

    def paint(self, size: tuple[int, int], start: tuple[int, int], end: tuple[int, int]) -> None:
        """Draw a line with the brush; all in pixels of the photo, whose size is (width, height)."""
        box = self.page.locator("#editor canvas").first.bounding_box()
        zoom = float(self.page.inner_text("#editor .zoom-number").strip(" %")) / 100

        def to_mouse(point: tuple[int, int]) -> tuple[float, float]:
            x, y = (np.array(point) - np.array(size) / 2) * zoom
            return box["x"] + box["width"] / 2 + x, box["y"] + box["height"] / 2 + y

        self.page.mouse.move(*to_mouse(start))
        self.page.mouse.down()
        self.page.mouse.move(*to_mouse(end), steps=8)
        self.page.mouse.up()

    def press_restore(self) -> None:
        self.page.click("#restore")

    def wait_for_result(self) -> None:
        self.page.wait_for_selector("#save-colour:not([disabled])")

    def download(self, what: str = "colour") -> tuple[str, Image.Image]:
        """The file's name and the picture in it."""
        with self.page.expect_download() as download:
            self.page.click(f"#save-{what}")
        image = Image.open(download.value.path())
        image.load()
        return f"{download.value.suggested_filename} {image.format}", image

    def restore(self, what: str = "colour") -> Image.Image:
        self.press_restore()
        self.wait_for_result()
        return self.download(what)[1]

    def read_message(self) -> str:
        """The one sentence of an error, and nothing else on the page that looks like a failure."""
        self.page.wait_for_selector("[data-testid=toast-text]")
        assert "Traceback" not in self.page.content()
        return self.page.locator("[data-testid=toast-text]").inner_text()
