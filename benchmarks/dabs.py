"""How much a person's dabs help: simulated dabs of the true color, one after another where the error is largest.

    python benchmarks/dabs.py DIR/large              # DIR/large: as `python benchmarks/fetch.py DIR large` fetches it
    python benchmarks/dabs.py DIR/large --photos 4 --sheet dabs.png
    python benchmarks/dabs.py DIR/large --time       # seconds from a dab to the picture that the page shows

A dab is a disk of 2 px radius at the size where chroma is predicted, in the mean of the true colors below it. It is put
where the error of chroma, blurred by BLUR px, is largest. Reported: the ab error of what it is without dabs.
"""

import argparse
import sys
import time
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).parents[1]))  # runs on a fresh clone, not installed

from benchmarks.photo_sets import large_photos
from demo.marks import fitted
from restoration.color import chroma, luma
from restoration.inference.coloring import color_size
from restoration.metrics import ab_mae
from restoration.pipeline import Restorer

COUNTS = 0, 1, 2, 5, 10
RADIUS, BLUR = 2, 8  # px at the size where chroma is predicted
TIMED = (4000, 3000), 9  # px of a scan of 12 megapixels; dabs, whose median counts


def worst_place(truth: np.ndarray, image: np.ndarray) -> tuple[int, int]:
    """x and y, at the size where chroma is predicted, where colors err most over a neighborhood."""
    size = color_size(*truth.shape[:2])[::-1]
    small = [cv2.resize(chroma(rgb), size, interpolation=cv2.INTER_AREA) for rgb in (truth, image)]
    error = cv2.GaussianBlur(np.linalg.norm(small[0] - small[1], axis=2), (0, 0), BLUR)
    y, x = np.unravel_index(error.argmax(), error.shape)
    return int(x), int(y)


def add_dab(hints: np.ndarray, truth: np.ndarray, place: tuple[int, int]) -> None:
    """Draw a dab of the true color into RGBA hints of the photo's size."""
    scale = truth.shape[1] / color_size(*truth.shape[:2])[1]
    dab = np.zeros(truth.shape[:2], np.uint8)
    cv2.circle(dab, [int((p + 0.5) * scale) for p in place], round((RADIUS + 0.5) * scale), 1, -1)
    hints[dab > 0] = (*truth[dab > 0].mean(axis=0).round().astype(np.uint8), 255)


def dabbed(restorer: Restorer, truth: np.ndarray) -> dict[int, np.ndarray]:
    """The photo colored with each number of dabs of COUNTS, uint8 RGB (H, W, 3)."""
    repair = restorer.repair(luma(truth), np.zeros(truth.shape[:2], bool))
    hints, found = np.zeros((*truth.shape[:2], 4), np.uint8), {}
    for count in range(max(COUNTS) + 1):
        image = np.asarray(restorer.colorize(repair, hints).image)
        if count in COUNTS:
            found[count] = image
        add_dab(hints, truth, worst_place(truth, image))
    return found


def seconds_to_picture(restorer: Restorer, truth: np.ndarray) -> float:
    """Median time of a dab in a photo of 12 megapixels, up to the preview that the page shows."""
    size, count = TIMED
    truth = cv2.resize(truth, size, interpolation=cv2.INTER_CUBIC)
    repair = restorer.repair(luma(truth), np.zeros(truth.shape[:2], bool))
    hints, restored, seconds = np.zeros((*truth.shape[:2], 4), np.uint8), restorer.colorize(repair), []
    for _ in range(count):
        shown = np.asarray(restored.smaller(fitted(size)).image)
        add_dab(hints, truth, worst_place(cv2.resize(truth, fitted(size), interpolation=cv2.INTER_AREA), shown))
        start = time.perf_counter()
        restored = restorer.colorize(repair, Image.fromarray(hints), before=restored)
        np.asarray(restored.smaller(fitted(size)).image)
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("large", type=Path, help="folder of the photos of large.tsv")
    parser.add_argument("--weights", default="weights", help="folder or hub repository of our models")
    parser.add_argument("--photos", type=int, default=24, help="how many at most")
    parser.add_argument("--sheet", type=Path, help="also draw the photos here: each number of dabs, and the truth")
    parser.add_argument("--time", action="store_true", help="only time the dabs")
    arguments = parser.parse_args()
    restorer = Restorer.from_pretrained(arguments.weights)
    if arguments.time:
        _, _, truth = next(iter(large_photos(arguments.large, 1)))
        size, _ = TIMED
        print(f"{seconds_to_picture(restorer, truth):.2f} s from a dab to the picture, {size[0]} x {size[1]} px")
        return
    errors, rows = [], []
    for _, _, truth in tqdm(large_photos(arguments.large, arguments.photos), unit="photo", disable=None):
        found = dabbed(restorer, truth)
        errors.append([ab_mae(truth, image) for image in found.values()])
        tiles = [Image.fromarray(image).resize((240, 180)) for image in (*found.values(), truth)]
        rows.append(np.hstack(tiles))
    total = np.sum(errors, axis=0)
    each = np.mean(np.divide(errors, np.array(errors)[:, :1]), axis=0)
    print(
        f"{len(errors)} photos\n\n| dabs | ab error / without dabs | mean of the photos' own ratios |\n|---:|---:|---:|"
    )
    for count, share, own in zip(COUNTS, total / total[0], each, strict=True):
        print(f"| {count} | {share:.3f} | {own:.3f} |")
    if arguments.sheet:
        Image.fromarray(np.vstack(rows)).save(arguments.sheet)


if __name__ == "__main__":
    main()
