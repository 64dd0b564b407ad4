"""Drawn wear beside that of real prints: `python benchmarks/wear.py --prints DIR --data DIR [--shapes DIR_OR_TAR]`.

--prints: a folder with input/, mask/ (white = damaged) and ignore/ (white = not looked at), PNGs of the same names.
--data: photos or their tar shards; held-out ones are enlarged to the size of a scanned print and worn.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
from skimage.morphology import skeletonize

sys.path.insert(0, str(Path(__file__).parents[1]))  # runs on a fresh clone, not installed

from benchmarks.photo_sets import heldout_photos
from restoration.color import luma
from restoration.synthesis.shapes import NO_SHAPES, load_shapes
from restoration.synthesis.wear import add_wear

SIDE = 600  # pixels, the shorter side of a drawn print: about that of the labeled ones
STATISTICS = {  # name: unit
    "contrast": "levels", "pieces": "per print", "junctions": "per 1,000 px of center line",
    "at the edge": "of the damage, in the outer 10%", "width": "per mille of the shorter side",
    "lighter": "of the damage", "damaged": "of the print",
}  # fmt: skip


def statistics(gray: np.ndarray, mask: np.ndarray, ignore: np.ndarray | None = None) -> dict[str, float]:
    """What wear is like: uint8 (H, W) and bool (H, W); NaN where nothing is damaged."""
    counted = ~ignore if ignore is not None else np.ones_like(mask)
    mask = mask & counted
    known = (~mask & counted).astype(np.float32)
    around = cv2.GaussianBlur(gray * known, (0, 0), 6) / np.maximum(cv2.GaussianBlur(known, (0, 0), 6), 1e-3)
    difference = (gray - around)[mask]
    line = skeletonize(mask)
    length = max(1, np.count_nonzero(line))
    neighbors = cv2.filter2D(line.astype(np.uint8), -1, np.ones((3, 3)), borderType=cv2.BORDER_CONSTANT)
    height, width = mask.shape
    inner = np.s_[height // 10 : height - height // 10, width // 10 : width - width // 10]
    return {
        "contrast": float(np.median(np.abs(difference))) if len(difference) else np.nan,
        "pieces": cv2.connectedComponents(mask.astype(np.uint8))[0] - 1,
        "junctions": 1000 * (cv2.connectedComponents((line & (neighbors > 3)).astype(np.uint8))[0] - 1) / length,
        "at the edge": 1 - np.count_nonzero(mask[inner]) / max(1, np.count_nonzero(mask)),
        "width": 1000 * np.count_nonzero(mask) / length / min(mask.shape),
        "lighter": float(np.mean(difference > 0)) if len(difference) else np.nan,
        "damaged": float(mask.mean()),
    }


def real_prints(folder: Path) -> Iterator[tuple[str, np.ndarray, np.ndarray, np.ndarray]]:
    """Name, gray uint8 (H, W), mask and ignored pixels, bool (H, W), of each labeled print."""
    for file in sorted((folder / "input").glob("*.png")):
        gray, mask, ignore = (cv2.imread(str(folder / part / file.name), 0) for part in ("input", "mask", "ignore"))
        yield file.stem, gray, mask > 127, ignore > 127 if ignore is not None else np.zeros(mask.shape, bool)


def drawn(photos: Iterable[np.ndarray], shapes: dict, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for number, rgb in enumerate(photos):
        gray = luma(rgb)
        scale = SIDE / min(gray.shape)
        gray = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        yield add_wear(gray, np.random.default_rng((seed, number)), shapes=shapes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prints", type=Path, required=True, help="folder of labeled prints")
    parser.add_argument("--data", type=Path, required=True, help="folder of photos or their tar shards")
    parser.add_argument("--shapes", help="folder or tar of shapes of real damage")
    parser.add_argument("--photos", type=int, default=60, help="how many are worn")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    real = [statistics(*found) for _, *found in real_prints(args.prints)]
    photos = [rgb for _, _, rgb in heldout_photos(args.data, args.photos)]
    shapes = load_shapes(args.shapes) if args.shapes else NO_SHAPES
    ours = [statistics(*print_) for print_ in drawn(photos, shapes, args.seed)]
    print(f"medians of {len(real)} labeled prints and of {len(ours)} drawn ones\n")
    print("| | real | drawn | ratio |\n|---|---:|---:|---:|")
    for name, unit in STATISTICS.items():
        true, made = (float(np.nanmedian([row[name] for row in rows])) for rows in (real, ours))
        print(f"| {name}, {unit} | {true:.3g} | {made:.3g} | {made / true:.2f} |")


if __name__ == "__main__":
    main()
