"""The page for programs: `/detect`, `/restore`, `/colorize`, through `gradio_client` or plain HTTP.

Files are read like those that a visitor drops: turned by their EXIF, 16 bits scaled, transparency laid on white.
Nothing is kept between calls; uploaded and returned files are deleted within LIFETIME.
"""

import secrets
from pathlib import Path

import gradio as gr
from gradio.utils import get_upload_folder
from PIL import Image

from demo.manners import RefusalError, politely
from demo.reading import as_file, read_scan
from demo.stages import Stages
from restoration.errors import RestorationError
from restoration.files import imaging

LIFETIME = (600, 3600)  # s: every ten minutes, files older than an hour are deleted
SHARED = {"concurrency_id": "work", "concurrency_limit": 1}


def api(stages: Stages) -> None:
    """Add the endpoints to the page being built; they are invisible there."""
    calls = Calls(stages)
    with gr.Column(visible=False):
        photo, mask, hints = (as_file(gr.File(label=name)) for name in ("photo", "mask", "hints"))
        recolor, vividness = gr.Checkbox(label="recolor"), gr.Number(1, label="vividness")
        fill = gr.Textbox("textured", label="fill")
        sensitivity = gr.Number(0, label="sensitivity", precision=0)
        color, gray, found = (gr.Image(label=name, format="png", type="filepath") for name in ("color", "gray", "mask"))
        for call, inputs, outputs in (
            (calls.detect, [photo, sensitivity], found),
            (calls.restore, [photo, mask, hints, recolor, vividness, fill], [color, gray, found]),
            (calls.colorize, [photo, hints, vividness], color),
        ):
            gr.Button().click(politely(call), inputs, outputs, api_name=call.__name__, **SHARED)


class Calls:
    """The endpoints."""

    def __init__(self, stages: Stages):
        self.stages = stages

    def detect(self, photo: str, sensitivity: int = 0, request: gr.Request = None) -> str:
        """Find the damage in a photo. Returns a PNG mask of its size, white = damaged.

        A `sensitivity` from 1 to 3 finds more, with more false alarms.
        """
        return _sent(self.stages.detect(_scan(photo).image, sensitivity), "mask.png")

    def restore(
        self,
        photo: str,
        mask: str | None = None,
        hints: str | None = None,
        recolor: bool = False,
        vividness: float = 1.0,
        fill: str = "textured",
        request: gr.Request = None,
    ) -> tuple[str, str, str]:
        """Repair and color a photo. Returns three PNGs of its size: color, gray, and the mask that was used.

        `mask` has the photo's size: white on black, or painted on transparency; without one the damage is found.
        `hints`, RGBA of that size, are colors to follow where they are opaque. A color photo keeps its colors outside
        the mask, unless `recolor` is true (sepia, yellowed paper). `vividness` scales the predicted chroma: 0 = gray,
        1 = as predicted, at most 2. `fill` is "textured", or "smooth" for no invented texture.
        """
        scan = _scan(photo)
        image = scan.image
        damaged = None if mask is None else Image.fromarray(imaging.read_mask(Path(mask), image.size))
        repaired = self.stages.repair(image.convert("L") if recolor else image, damaged, 0, fill)
        restored = self.stages.colorize(repaired, _hints(hints, image.size))
        scan = scan.shown_at(restored.mask)
        return (
            _sent(restored.vivid(_strength(vividness)), "color.png", scan),
            _sent(scan.own_gray(restored.gray, restored.mask), "gray.png", scan),
            _sent(restored.mask, "mask.png"),
        )

    def colorize(self, photo: str, hints: str | None = None, vividness: float = 1.0, request: gr.Request = None) -> str:
        """Color a whole photo; nothing is repaired. Returns a PNG of its size.

        A color photo is treated as a gray one; `hints` are as for `restore`. `vividness` scales the predicted chroma:
        0 = gray, 1 = as predicted, at most 2.
        """
        scan = _scan(photo)
        gray = scan.image.convert("L")
        repaired = self.stages.repair(gray, Image.new("L", gray.size))
        restored = self.stages.colorize(repaired, _hints(hints, gray.size))
        return _sent(restored.vivid(_strength(vividness)), "color.png", scan)


def _scan(file: str | None) -> imaging.Scan:
    if not file:
        raise RefusalError("no_photo")
    return read_scan(Path(file))


def _hints(file: str | None, size: tuple[int, int]) -> Image.Image | None:
    return None if file is None else Image.fromarray(imaging.read_hints(Path(file), size))


def _strength(vividness: float) -> float:
    if not 0 <= vividness <= 2:
        raise RestorationError(f"Vividness {vividness:g} is out of range: use 0 to 2.")
    return vividness


def _sent(image: Image.Image, name: str, scan: imaging.Scan | None = None) -> str:
    folder = Path(get_upload_folder()) / secrets.token_hex(16)  # results of different callers never share an address
    folder.mkdir(parents=True)
    imaging.write_photo(image, folder / name, scan)
    return str(folder / name)
