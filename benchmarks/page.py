"""The page as it is served, in a real browser: start-up, clicks and seconds to a restored photo, accessibility.

    python benchmarks/page.py [--screenshots FOLDER] [--axe axe.min.js]

Needs Chromium, and npm, which fetches axe-core unless --axe names it. What is found is in page.md.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "helpers")]

import cv2
import gradio as gr
import numpy as np
from browser import DESKTOP, PHONE, Visitor, chromium
from gradio_client import Client
from PIL import Image

from restoration.masking import damage

SIZES = {"512x512": (512, 512), "12 megapixels": (4000, 3000)}
REPEATS = 3  # the median counts
SERIOUS = ("serious", "critical")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--screenshots", type=Path, help="write each state of the page into this folder")
    parser.add_argument("--axe", type=Path, help="axe.min.js of axe-core")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        server, url, seconds = start(Path(folder) / "log")
        try:
            print(f"start-up: {seconds:.1f} s from `python app.py` to the first answer\n")
            print("| photo | clicks | damage shown | restored | downloaded | all |\n|---|---:|---:|---:|---:|---:|")
            for name, size in SIZES.items():
                print(row(name, [way(browser, url, photo(size, Path(folder))) for _ in range(REPEATS)]))
            walk = Walk(browser, url, args.screenshots, axe_source(args.axe, Path(folder)))
            print("\n" + walk.report())
        finally:
            server.terminate()


def start(log: Path) -> tuple[subprocess.Popen, str, float]:
    """Serve the page with the shipped weights on a free port; the seconds until it answers."""
    before = time.perf_counter()
    with log.open("w") as out:
        server = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, stdout=out, stderr=subprocess.STDOUT)
    while "http://" not in log.read_text():
        if server.poll() is not None:
            raise SystemExit(log.read_text())
        time.sleep(0.05)
    url = log.read_text().split("URL:")[1].split()[0]
    Client(url, verbose=False)
    return server, url, time.perf_counter() - before


def photo(size: tuple[int, int], folder: Path) -> Path:
    """A gray photo of this size with one hole, and with grain, which keeps a file as large as a scan's."""
    gray = cv2.resize(cv2.imread(str(ROOT / "examples/color/coffee.jpg"), cv2.IMREAD_GRAYSCALE), size)
    rng = np.random.default_rng(0)
    gray = np.clip(gray + rng.normal(0, 3, gray.shape), 0, 255).astype(np.uint8)
    file = folder / f"{size[0]}.png"
    Image.fromarray(damage(gray, rng)[0]).save(file, compress_level=1)
    return file


def way(browser, url: str, file: Path) -> list[float]:
    """Seconds from the file's choice until the damage is shown, the result, the download; each step is one click."""
    visitor = Visitor(browser, url)
    times = [time.perf_counter()]
    visitor.offer(file)
    visitor.page.wait_for_selector("#editor [aria-label='Brush Size']", timeout=180_000)
    times.append(time.perf_counter())
    visitor.press_restore()
    visitor.page.wait_for_selector("#compare-color img", timeout=180_000)
    times.append(time.perf_counter())
    with visitor.page.expect_download(timeout=180_000) as download:
        visitor.page.click("#save-color-png")
    assert Image.open(download.value.path()).size == Image.open(file).size
    times.append(time.perf_counter())
    visitor.leave()
    return list(np.diff(times))


def row(name: str, ways: list[list[float]]) -> str:
    steps = np.median(ways, axis=0)
    cells = " | ".join(f"{seconds:.1f} s" for seconds in [*steps, steps.sum()])
    return f"| {name} | {len(steps)} | {cells} |"


def axe_source(file: Path | None, folder: Path) -> str:
    """axe-core's script, from npm's registry unless it is given."""
    if file is None:
        subprocess.run(["npm", "install", "--prefix", str(folder), "--silent", "axe-core"], check=True)
        file = folder / "node_modules/axe-core/axe.min.js"
    return file.read_text()


class Walk:
    """Every state of the page, scanned, and kept as a picture where a folder is given."""

    def __init__(self, browser, url: str, folder: Path | None, axe: str):
        self.folder, self.axe, self.found = folder, axe, {}
        for name, device, query in (
            ("desktop", DESKTOP, ""),
            ("dark", DESKTOP, "?__theme=dark"),
            ("phone", PHONE, ""),
            ("korean", PHONE | {"locale": "ko-KR"}, ""),
        ):
            self.device = name
            self._walk(Visitor(browser, url + query, **device))
        self.device, self.folder = "gradio", None
        with gr.Blocks() as empty:
            gr.Markdown("# Empty\nA page with nothing on it.")
        _, url, _ = empty.launch(prevent_thread_lock=True, quiet=True)
        page = browser.new_page()
        page.goto(url)
        page.wait_for_selector("h1")
        self._look(page, "empty")
        empty.close()

    def _walk(self, visitor: Visitor) -> None:
        page = visitor.page
        page.wait_for_selector("#examples img")
        self._look(page, "start")
        visitor.choose_example()
        self._look(page, "damage")
        visitor.restore()
        self._look(page, "restored")
        page.click("#hints-open")
        visitor.wait_for_editor("hints")
        self._look(page, "hints")
        page.click("[role=tab] >> nth=1")
        self._look(page, "many")
        page.click("[role=tab] >> nth=2")
        page.click("#trial_examples button.gallery-item")
        page.wait_for_selector("#trial-table table")
        self._look(page, "test")
        visitor.leave()

    def _look(self, page, state: str) -> None:
        page.wait_for_timeout(700)
        if self.folder:
            self.folder.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=self.folder / f"{self.device}-{state}.png", full_page=True)
        page.evaluate(self.axe)
        for violation in page.evaluate("axe.run()")["violations"]:
            where = self.found.setdefault((violation["id"], violation["impact"]), {})
            where[f"{self.device} {state}"] = [node["target"] for node in violation["nodes"]]

    def report(self) -> str:
        """What axe finds, by rule; what an empty page of Gradio has too is not the page's own."""
        lines = ["| axe-core's rule | impact | on an empty Gradio page | places | states |", "|---|---|---|---:|---:|"]
        for (rule, impact), states in sorted(self.found.items()):
            ours = {state: nodes for state, nodes in states.items() if state != "gradio empty"}
            inherited = "yes" if "gradio empty" in states else "no"
            lines.append(f"| {rule} | {impact} | {inherited} | {sum(map(len, ours.values()))} | {len(ours)} |")
            if impact in SERIOUS and inherited == "no":
                state, nodes = next(iter(ours.items()))
                print(f"{rule} ({state}): {json.dumps(nodes[:4])}", file=sys.stderr)
        return "\n".join(lines)


if __name__ == "__main__":
    main()
