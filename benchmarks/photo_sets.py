"""The photos that are measured: 300 held out of training, crops that everybody has, and large ones from packages.

No training has seen any of them. A missing or altered photo ends the run: figures compare only over the same photos.
"""

import csv
import hashlib
import io
from pathlib import Path

import cv2
import numpy as np

from restoration.files.imaging import read_photo

HELDOUT = Path(__file__).with_name("heldout.tsv")
PEOPLE = Path(__file__).with_name("people.tsv")  # 300 more, of people, that no Inpainter or detector has seen
COLORED_PEOPLE = Path(__file__).with_name("people_colors.tsv")  # 200, all in color, that no Colorizer has seen
LARGE = Path(__file__).with_name("large.tsv")
CROP = 256
LARGE_SIDE = 1024  # pixels, the longer side of a large photo
Numbered = list[tuple[int, str, np.ndarray]]  # number in the list, name, uint8 RGB


def listed(file: Path) -> list[dict[str, str]]:
    """The lines of a list of photos, a tab-separated table with a header."""
    with file.open(newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t"))


def heldout_photos(data: Path, count: int, file: Path = HELDOUT) -> Numbered:
    """`count` photos of a list, evenly spread over it, as read from a folder or its tar shards.

    Raises:
        SystemExit: a photo is missing or altered.
    """
    from restoration.data.photos import Photos, composed  # with torch, which --mini --mask none does without

    lines = listed(file)
    numbers = _spread(len(lines), count)
    wanted = {lines[i]["name"]: lines[i]["sha256"] for i in numbers}
    photos = Photos.find(data)
    found = photos.subset(i for i, name in enumerate(photos.names) if composed(name) in wanted)
    _check(wanted, {entry.name: hashlib.sha256(entry.read()).hexdigest() for entry in found.entries}, data)
    photos = {name: found[i] for i, name in enumerate(found.names)}  # a name that two shards share counts once
    return [(i, lines[i]["name"], photos[lines[i]["name"]]) for i in numbers]


def large_photos(folder: Path, count: int) -> Numbered:
    """`count` photos of large.tsv, evenly spread over the list, their longer side reduced to LARGE_SIDE (by area).

    Raises:
        SystemExit: a photo is missing or altered.
    """
    lines = listed(LARGE)
    chosen = [(i, lines[i]["name"], lines[i]["sha256"]) for i in _spread(len(lines), count)]
    files = {name: (folder / name).read_bytes() for _, name, _ in chosen if (folder / name).is_file()}
    wanted = {name: digest for _, name, digest in chosen}
    _check(wanted, {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}, folder)
    return [(i, name, _reduced(files[name])) for i, name, _ in chosen]


def mini_photos(count: int) -> Numbered:
    """256 x 256 crops, side by side, of the color photos that scikit-image and scikit-learn bring."""
    from skimage import data
    from sklearn.datasets import load_sample_image

    sources = {name: getattr(data, name)() for name in ("astronaut", "chelsea", "coffee", "rocket")}
    sources["motorcycle"] = data.stereo_motorcycle()[0]
    sources |= {name: load_sample_image(f"{name}.jpg") for name in ("china", "flower")}
    crops = [
        (f"{name}-{top}-{left}", photo[top : top + CROP, left : left + CROP])
        for name, photo in sources.items()
        for top in range(0, photo.shape[0] - CROP + 1, CROP)
        for left in range(0, photo.shape[1] - CROP + 1, CROP)
    ]
    return [(number, *crop) for number, crop in enumerate(crops[:count])]


def mini_scene(name: str) -> str:
    """The photo that a crop of the mini-set comes from."""
    return name.split("-")[0]


def _spread(length: int, count: int) -> list[int]:
    return sorted({int(i) for i in np.linspace(0, length - 1, min(count, length))})


def _check(wanted: dict[str, str], digests: dict[str, str], place: Path) -> None:
    altered = {name for name, digest in digests.items() if digest != wanted[name]}
    for what, names in (("not in", wanted.keys() - digests.keys()), ("altered in", altered)):
        if names:
            raise SystemExit(f"{len(names)} of {len(wanted)} photos are {what} {place}, among them {min(names)}.")


def _reduced(file: bytes) -> np.ndarray:
    rgb = np.asarray(read_photo(io.BytesIO(file)).convert("RGB"))
    scale = LARGE_SIDE / max(rgb.shape[:2])
    if scale >= 1:
        return rgb
    size = [round(length * scale) for length in rgb.shape[1::-1]]
    return cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
