"""The page as it is served, in a real browser: start-up, clicks and seconds to a restored photo, accessibility.

    python benchmarks/page.py [--photo FILE] [--screenshots FOLDER] [--picture docs/page.jpg]

Needs Chromium and requirements-dev.txt. What was found is in page.md. --picture makes the README's picture anew, and
does nothing else.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "helpers")]

import gradio as gr
import numpy as np
from axe_playwright_python.sync_playwright import Axe
from browser import DESKTOP, PHONE, Visitor, chromium
from gradio_client import Client
from PIL import Image
from skimage import data

from restoration.synthesis.wear import add_wear

SIDES = (4000, 3000)  # px: a scan of 12 megapixels
REPEATS = 3  # the median counts
SERIOUS = ("serious", "critical")
SLOW = 300_000  # ms that a step may take


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photo", type=Path, help="a gray photo to restore (default: a worn one of 12 megapixels)")
    parser.add_argument("--screenshots", type=Path, help="write each state of the page into this folder")
    parser.add_argument("--picture", type=Path, help="write the page with a restored example into this file")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, chromium() as browser, served(Path(folder) / "log") as (url, seconds):
        if args.picture:
            picture(browser, url, args.picture)
            return
        print(f"start-up: {seconds:.1f} s from `python app.py` to the first answer\n")
        print("| screen | clicks | damage shown | restored | downloaded |\n|---|---:|---:|---:|---:|")
        file = args.photo or worn_photo(Path(folder))
        for name, device in (("desktop", DESKTOP), ("390 px", PHONE)):
            steps = np.median([way(browser, url, file, device) for _ in range(REPEATS)], axis=0)
            print(f"| {name} | 1 | {' | '.join(f'{seconds:.1f} s' for seconds in steps)} |", flush=True)
        print("\n" + Walks(browser, url, args.screenshots).report())


@contextmanager
def served(log: Path) -> Iterator[tuple[str, float]]:
    """The page with the shipped weights on a free port: its address, and the seconds until it answered."""
    before = time.perf_counter()
    with log.open("w") as out:
        command = [sys.executable, "app.py"]
        server = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT)
    try:
        while "http://" not in log.read_text():
            if server.poll() is not None:
                raise SystemExit(log.read_text())
            time.sleep(0.05)
        url = log.read_text().split("URL:")[1].split()[0]
        Client(url, verbose=False)
        yield url, time.perf_counter() - before
    finally:
        server.terminate()


def worn_photo(folder: Path) -> Path:
    """A gray portrait of 12 megapixels with cracks, specks and grain, as JPEG."""
    portrait = Image.fromarray(data.astronaut()).convert("L").crop((0, 0, 512, 384))
    worn = np.asarray(Image.fromarray(add_wear(np.asarray(portrait), np.random.default_rng(5))[0]).resize(SIDES))
    grain = np.random.default_rng(0).normal(0, 3, worn.shape)
    Image.fromarray(np.clip(worn + grain, 0, 255).astype(np.uint8)).save(file := folder / "worn.jpg", quality=92)
    return file


def way(browser, url: str, file: Path, device: dict) -> list[float]:
    """Seconds from the file's choice until the damage is shown, the result is, and the one click's file is there."""
    visitor, times = Visitor(browser, url, **device), []
    began = time.perf_counter()
    visitor.offer(file)
    for shown in ("#editor .photo[src]", "#compare-color img"):
        visitor.page.wait_for_selector(shown, state="visible", timeout=SLOW)
        times.append(time.perf_counter() - began)
    with visitor.page.expect_download(timeout=SLOW) as download:
        visitor.page.click("#save-color-png")
    assert Image.open(download.value.path()).size == Image.open(file).size
    times.append(time.perf_counter() - began)
    visitor.leave()
    return times


def picture(browser, url: str, file: Path) -> None:
    """The page at work, for the README."""
    visitor = Visitor(browser, url, viewport={"width": 1240, "height": 1000})
    visitor.choose(ROOT / "examples" / "worn.png")
    visitor.page.evaluate("document.activeElement.blur()")
    visitor.page.wait_for_selector("#variants img")
    visitor.page.wait_for_timeout(2000)
    visitor.page.screenshot(path=file, type="jpeg", quality=68)


class Walks:
    """Every state of the page on two screens, in two themes and two languages: scanned, and kept as pictures."""

    def __init__(self, browser, url: str, folder: Path | None):
        self.folder, self.found, self.states = folder, {}, 0
        screens, themes = {"desktop": DESKTOP, "phone": PHONE}, ("light", "dark")
        for (screen, device), theme, language in product(screens.items(), themes, ("en-US", "ko-KR")):
            visitor = Visitor(browser, f"{url}?__theme={theme}", **device, locale=language)
            self._walk(visitor, f"{screen}-{theme}-{language[:2]}")
            visitor.leave()
        with gr.Blocks() as empty:
            gr.Markdown("# Empty\nA page with nothing on it.")
        _, url, _ = empty.launch(prevent_thread_lock=True, quiet=True)
        page = browser.new_page()
        page.goto(url)
        page.wait_for_selector("h1")
        self._scan(page, "empty")
        empty.close()

    def _walk(self, visitor: Visitor, name: str) -> None:
        page = visitor.page
        page.wait_for_selector("#examples img")
        self._look(page, f"{name}-1start")
        visitor.offer({"name": "album.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7"})
        visitor.read_refusal()
        self._look(page, f"{name}-2refused")
        visitor.choose_example(0)
        self._look(page, f"{name}-3restored")
        visitor.paint((0.2, 0.3), (0.6, 0.4))
        page.click("#tab-hints-button")
        visitor.wait_for_painter("hints")
        self._look(page, f"{name}-4colors")
        page.click("[role=tab] >> nth=1")
        page.set_input_files("#batch-files input[type=file]", [ROOT / "examples/worn.png", ROOT / "README.md"])
        page.wait_for_function("document.querySelectorAll('#batch-files tr.file').length == 2")
        page.click("#batch-start")
        page.wait_for_selector("#batch-save", state="visible")
        self._look(page, f"{name}-5many")

    def _look(self, page, state: str) -> None:
        page.wait_for_timeout(1500)
        if self.folder:
            self.folder.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=self.folder / f"{state}.png", full_page=True)
        self._scan(page, state)

    def _scan(self, page, state: str) -> None:
        self.states += 1
        for violation in Axe().run(page).response["violations"]:
            where = self.found.setdefault((violation["id"], violation["impact"]), {})
            where[state] = [node["target"] for node in violation["nodes"]]

    def report(self) -> str:
        """What axe finds, by rule; what an empty page of Gradio has too is not the page's own."""
        head = "| axe-core's rule | impact | on an empty Gradio page | places | states |"
        lines = [f"{self.states - 1} states and an empty page:\n", head, "|---|---|---|---:|---:|"]
        for (rule, impact), states in sorted(self.found.items()):
            ours = {state: nodes for state, nodes in states.items() if state != "empty"}
            inherited = "yes" if "empty" in states else "no"
            lines.append(f"| {rule} | {impact} | {inherited} | {sum(map(len, ours.values()))} | {len(ours)} |")
            if impact in SERIOUS:
                for state, nodes in ours.items():
                    print(f"{rule} ({state}): {json.dumps(nodes[:3])}", file=sys.stderr)
        return "\n".join(lines)


if __name__ == "__main__":
    main()
