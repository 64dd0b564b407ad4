"""How well constant holes and an old print's wear are found, and how rarely a photo's own flat areas are taken for it.

    python benchmarks/detection.py --data DIR                  # held-out photos of DIR, or of *.tar shards in it
    python benchmarks/detection.py --data DIR --sensitivity 1  # what Find more finds
    python benchmarks/detection.py --data DIR --rule           # the rule for constant holes alone, no damage map
    python benchmarks/detection.py --data DIR --others         # photos that are not held out: for tuning
    python benchmarks/detection.py --large DIR                 # whole photos of 512 px and more, from packages

Each photo is damaged from (seed, its number), so a photo's holes depend neither on order nor on subset.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))  # runs on a fresh clone, not installed

from benchmarks.photo_sets import HELDOUT, LARGE, Numbered, heldout_photos, large_photos
from restoration.color import luma
from restoration.inference.holes import find_holes
from restoration.inference.regions import touching
from restoration.masking import MAX_AREA, MIN_AREA, damage, draw_hole
from restoration.synthesis.wear import add_wear

Gray = np.ndarray  # uint8 (H, W)
Find = Callable[[Gray], np.ndarray]  # -> bool (H, W)
Fill = Callable[[Gray, np.random.Generator], tuple[Gray, np.ndarray]]  # -> damaged, mask


def scaled(gain: float, offset: float = 0) -> Callable[[Gray], Gray]:
    """Levels times gain plus offset, clipped and cut to whole levels, as an editor does."""
    return lambda gray: np.clip(gain * gray.astype(np.float32) + offset, 0, 255).astype(np.uint8)


def jpeg(quality: int) -> Callable[[Gray], Gray]:
    def compress(gray: Gray) -> Gray:
        _, encoded = cv2.imencode(".jpg", gray, [cv2.IMWRITE_JPEG_QUALITY, quality])
        return cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE)

    return compress


def bordered(level: int, rows: float = 0, columns: float = 0) -> Callable[[Gray], Gray]:
    """One level over that share of the height at top and bottom, and of the width at left and right."""

    def draw(gray: Gray) -> Gray:
        height, width = gray.shape
        top, left = round(rows * height), round(columns * width)
        framed = np.full_like(gray, level)
        framed[top : height - top, left : width - left] = gray[top : height - top, left : width - left]
        return framed

    return draw


UNDAMAGED: dict[str, Callable[[Gray], Gray]] = {
    "clean": lambda gray: gray,
    "overexposed, 1.25 g": scaled(1.25),
    "overexposed, 1.5 g": scaled(1.5),
    "overexposed, 2 g": scaled(2),
    "overexposed, g + 60": scaled(1, 60),
    "crushed, 1.2 g - 40": scaled(1.2, -40),
    "crushed, 1.4 g - 80": scaled(1.4, -80),
    "crushed, g - 60": scaled(1, -60),
    "both ends clipped, 2 g - 128": scaled(2, -128),
    "histogram equalized": cv2.equalizeHist,
    "letterboxed, 0, 12% of the height": bordered(0, rows=0.12),
    "letterboxed, 16, 12% of the height": bordered(16, rows=0.12),
    "pillarboxed, 0, 12% of the width": bordered(0, columns=0.12),
    "framed, 0, 5%": bordered(0, rows=0.05, columns=0.05),
    "framed, 128, 5%": bordered(128, rows=0.05, columns=0.05),
    "framed, 255, 5%": bordered(255, rows=0.05, columns=0.05),
    "JPEG 75": jpeg(75),
    "JPEG 20": jpeg(20),
}


def filled(level: int) -> Fill:
    """One hole of a level that clipping makes too."""

    def fill(gray: Gray, rng: np.random.Generator) -> tuple[Gray, np.ndarray]:
        damaged, mask = damage(gray, rng)
        damaged[mask] = level
        return damaged, mask

    return fill


def compressed(fill: Fill, quality: int) -> Fill:
    """One hole that JPEG has blurred."""

    def make(gray: Gray, rng: np.random.Generator) -> tuple[Gray, np.ndarray]:
        damaged, mask = fill(gray, rng)
        return jpeg(quality)(damaged), mask

    return make


DAMAGED: dict[str, Fill] = {
    "PNG, one hole": damage,
    "PNG, one hole of level 0": filled(0),
    "PNG, one hole of level 255": filled(255),
    "JPEG 75 after one hole": compressed(damage, 75),
    "JPEG 95 after one hole of level 0": compressed(filled(0), 95),
    "JPEG 95 after one hole of level 255": compressed(filled(255), 95),
}


def two_holes(gray: Gray, rng: np.random.Generator) -> tuple[Gray, list[np.ndarray]]:
    """Two holes apart from each other, half of the contest's area each."""
    holes: list[np.ndarray] = []
    while len(holes) < 2:
        hole = draw_hole(rng, *gray.shape, rng.uniform(MIN_AREA, MAX_AREA) / 2)
        if not any((cv2.dilate(hole.view(np.uint8), np.ones((3, 3))) & other).any() for other in holes):
            holes.append(hole)
    damaged = gray.copy()
    for hole in holes:
        damaged[hole] = rng.integers(0, 256)
    return damaged, holes


def iou(found: np.ndarray, mask: np.ndarray) -> float:
    return np.count_nonzero(found & mask) / np.count_nonzero(found | mask)


def near(found: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """The connected regions of `found` that meet `hole`: what was found of one hole among several."""
    return touching(found, hole)


def overlaps(photos: Numbered, seed: int, find: Find) -> dict[str, list[float]]:
    """IoU of what was found with what was damaged, by kind of damage."""
    rows: dict[str, list[float]] = {name: [] for name in DAMAGED} | {"PNG, two holes": [], "each of the two": []}
    for number, _, photo in photos:
        gray = luma(photo)
        for name, make in DAMAGED.items():
            damaged, mask = make(gray, np.random.default_rng((seed, number)))
            rows[name].append(iou(find(damaged), mask))
        damaged, holes = two_holes(gray, np.random.default_rng((seed, number)))
        found = find(damaged)
        rows["PNG, two holes"].append(iou(found, holes[0] | holes[1]))
        rows["each of the two"] += [iou(near(found, hole), hole) for hole in holes]
    return rows


def false_alarms(photos: Numbered, find: Find) -> dict[str, float]:
    """The share of undamaged photos in which a single pixel is flagged, by what was done to them."""
    return {
        name: float(np.mean([find(change(luma(photo))).any() for _, _, photo in photos]))
        for name, change in UNDAMAGED.items()
    }


def wear_found(photos: Numbered, seed: int, find: Find) -> tuple[float, float]:
    """Of the pixels that `add_wear` touched, the share that is found; of all others but a rim of 2 px, the share that
    is flagged. Both are means over photos."""
    found, wrong = [], []
    for number, _, photo in photos:
        print_, mask = add_wear(luma(photo), np.random.default_rng((seed, number)))
        flagged, away = find(print_), ~cv2.dilate(mask.view(np.uint8), None, iterations=2).view(bool)
        found.append(np.mean(flagged[mask]))
        wrong.append(np.mean(flagged[away]))
    return float(np.mean(found)), float(np.mean(wrong))


def other_photos(data: Path, count: int, seed: int = 0) -> Numbered:
    """A random sample of the photos that are not held out."""
    from restoration.data.photos import Photos
    from restoration.data.sources import read_names

    photos = Photos.find(data, exclude=read_names(HELDOUT))
    chosen = np.random.default_rng(seed).permutation(len(photos))[:count]
    return [(int(i), photos.names[i], photos[i]) for i in chosen]


def product(weights: str | None, sensitivity: int) -> Find:
    """What a user gets: the rule, and where it finds nothing, the network's damage map."""
    from restoration.pipeline import SHIPPED_WEIGHTS, Restorer

    restorer = Restorer.from_pretrained(weights or SHIPPED_WEIGHTS)
    return lambda gray: np.asarray(restorer.detect(gray, sensitivity)) > 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--data", type=Path, help="folder of photos or their tar shards, or one shard")
    source.add_argument("--large", type=Path, help=f"folder of the photos of {LARGE.name}")
    parser.add_argument("--photos", type=int, default=300, help="how many at most")
    parser.add_argument("--seed", type=int, default=0, help="of the damage")
    parser.add_argument("--weights", help="folder or hub repository (default: the shipped weights)")
    parser.add_argument("--sensitivity", type=int, default=0, help="of Restorer.detect, 0 to 3")
    parser.add_argument("--rule", action="store_true", help="the rule for constant holes alone")
    parser.add_argument("--others", action="store_true", help="photos that are not held out, drawn at random")
    args = parser.parse_args()

    if args.large:
        read = large_photos(args.large, args.photos)
    else:
        read = (other_photos if args.others else heldout_photos)(args.data, args.photos)
    find = find_holes if args.rule else product(args.weights, args.sensitivity)
    started = time.perf_counter()
    print(f"{len(read)} photos, seed {args.seed}\n\n| damaged | mean IoU | IoU > 0.9 |\n|---|---:|---:|")
    for name, values in overlaps(read, args.seed, find).items():
        print(f"| {name} | {np.mean(values):.3f} | {np.mean(np.array(values) > 0.9):.1%} |")
    found, wrong = wear_found(read, args.seed, find)
    print(f"\nscratches, creases, stains: {found:.1%} of their pixels found, {wrong:.2%} of the others flagged")
    print("\n| undamaged | false alarms |\n|---|---:|")
    for name, share in false_alarms(read, find).items():
        print(f"| {name} | {share:.1%} |")
    print(f"\n{time.perf_counter() - started:.0f} s, the making of damage included")


if __name__ == "__main__":
    main()
