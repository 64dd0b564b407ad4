"""How much of the damage on real, labeled prints is found, how often whole photos are flagged, and at what cost.

    python benchmarks/real_prints.py --prints DIR             # a folder with input/, mask/ and ignore/, see wear.py
    python benchmarks/real_prints.py --prints DIR --scanned 3  # the same, turned by so many degrees on a white sheet
    python benchmarks/real_prints.py --prints DIR --turned 3  # the same, cut out of that sheet
    python benchmarks/real_prints.py --prints DIR --enlarged 3.5  # soft, large and JPEG, as scans are
    python benchmarks/real_prints.py --prints DIR --few       # each print twice, with few marks: all others are filled
    python benchmarks/real_prints.py --prints DIR --few --enlarged 3.5  # and as large as scans
    python benchmarks/real_prints.py --prints DIR --strokes   # a rough stroke over every mark that was missed
    python benchmarks/real_prints.py --prints DIR --few --taps  # three taps, one at a time, on every long mark
    python benchmarks/real_prints.py --prints DIR --data DIR  # and false alarms on held-out photos and people
    python benchmarks/real_prints.py --time                   # seconds and memory by megapixels

Recall is the share of the labeled pixels within 2 px of what was found, precision the share of what was found within
3 px of a label; ignored pixels are left out, means are over prints. Everything is as `Restorer.detect` gives it.
"""

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))  # runs on a fresh clone, not installed

from benchmarks.photo_sets import HELDOUT, PEOPLE, heldout_photos
from benchmarks.wear import real_prints
from restoration.color import luma
from restoration.inference.damage import MOST_SENSITIVE, Damage
from restoration.inference.paper import find_inside_paper
from restoration.inference.prints import Print, centered, extract
from restoration.pipeline import SHIPPED_WEIGHTS, Restorer

SENSITIVITIES = range(MOST_SENSITIVE + 1)
MEGAPIXELS = 0.25, 1, 12, 100
TAP, TAPS = 8, 3  # px, the radius of a tap; how many for each mark
LONG = 60  # px, of a mark that is worth following
Labeled = tuple[str, np.ndarray, np.ndarray, np.ndarray]  # a print's name, uint8 (H, W), its damage and what to ignore


def reach(mask: np.ndarray, pixels: int) -> np.ndarray:
    """All within that many pixels of a mask, bool (H, W)."""
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * pixels + 1, 2 * pixels + 1))
    return cv2.dilate(mask.astype(np.uint8), disk).view(bool)


def score(found: np.ndarray, mask: np.ndarray, ignore: np.ndarray) -> tuple[float, float]:
    """Recall and precision; the latter is NaN where nothing was found."""
    found, mask = found & ~ignore, mask & ~ignore
    precision = float(reach(mask, 3)[found].mean()) if found.any() else np.nan
    return float(reach(found, 2)[mask].mean()), precision


def laid(image: np.ndarray, angle: float, sheet: np.ndarray) -> np.ndarray:
    """A print, uint8 (h, w), turned in the middle of a sheet, uint8 (H, W)."""
    size = sheet.shape[::-1]
    matrix = centered(Print(size[0] / 2, size[1] / 2, *image.shape[::-1], angle).matrix())
    levels, shape = (
        cv2.warpAffine(levels, matrix, size, flags=cv2.INTER_LANCZOS4) for levels in (image, np.full_like(image, 255))
    )
    return np.where(shape > 127, levels, sheet)


def scanned(gray: np.ndarray, mask: np.ndarray, ignore: np.ndarray, angle: float) -> list[np.ndarray]:
    """The three of a scan with a print on it, turned by so many degrees; the white sheet around it is ignored."""
    shape = [round(1.3 * max(gray.shape))] * 2
    sheet = np.random.default_rng(0).normal(250, 1.5, shape).clip(0, 255).astype(np.uint8)
    masks = ((mask, np.zeros_like(sheet)), (ignore, np.full_like(sheet, 255)))
    return [laid(gray, angle, sheet), *(laid(levels * np.uint8(255), angle, paper) > 127 for levels, paper in masks)]


def turned(gray: np.ndarray, mask: np.ndarray, ignore: np.ndarray, angle: float) -> list[np.ndarray]:
    """The three of a print, cut out of the sheet."""
    scan, *masks = scanned(gray, mask, ignore, angle)
    [found] = find_inside_paper(scan)
    return [np.asarray(extract(Image.fromarray(scan), found)), *map(found.cut, masks)]


def enlarged(gray: np.ndarray, mask: np.ndarray, ignore: np.ndarray, times: float) -> list[np.ndarray]:
    """A print scanned at so many times its resolution: soft, with noise of 2 levels, JPEG 85; the masks as they are."""
    large = cv2.resize(gray, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC)
    noisy = (large + np.random.default_rng(0).normal(0, 2, large.shape)).clip(0, 255).astype(np.uint8)
    _, file = cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, 85])
    return [cv2.imdecode(file, cv2.IMREAD_GRAYSCALE), mask, ignore]


def found_at(damage: Damage, sensitivity: float, shape: tuple[int, int]) -> np.ndarray:
    """What is damaged, bool (h, w), in a photo of that size."""
    found = damage.mask(sensitivity).view(np.uint8) * np.uint8(255)
    return cv2.resize(found, shape[::-1], interpolation=cv2.INTER_AREA) > 127


def few_marks(restorer: Restorer, prints: Path) -> Iterator[Labeled]:
    """Each print with its three largest marks, and with the next six: what is labeled or found besides is filled."""
    for name, gray, mask, ignore in real_prints(prints):
        found = restorer.damage(gray).mask(1)
        _, labels, stats, _ = cv2.connectedComponentsWithStats(reach(mask, 2).view(np.uint8))
        largest = np.argsort(-stats[1:, cv2.CC_STAT_AREA]) + 1
        for which, kept in (("largest", largest[:3]), ("next", largest[3:9])):
            kept = np.isin(labels, kept) & mask
            rest = (reach(mask & ~kept, 2) & ~kept) | (found & ~reach(kept, 4))
            yield f"{name}, {which}", np.asarray(restorer.repair(gray, rest).gray), kept, ignore


def print_scores(restorer: Restorer, prints: Iterable[Labeled]) -> None:
    print(f"| print | {' | '.join(f'sensitivity {n}' for n in SENSITIVITIES)} |\n|---|{'---:|' * len(SENSITIVITIES)}")
    scores = []
    for name, gray, mask, ignore in prints:
        damage = restorer.damage(gray)
        scores.append([score(found_at(damage, n, mask.shape), mask, ignore) for n in SENSITIVITIES])
        print(f"| {name} | {' | '.join(f'{recall:.2f} / {precision:.2f}' for recall, precision in scores[-1])} |")
    means = np.nanmean(scores, axis=0)
    print(f"| mean | {' | '.join(f'{recall:.3f} / {precision:.3f}' for recall, precision in means)} |")


def strokes(missed: np.ndarray) -> Iterator[np.ndarray]:
    """Two over each mark of 6 px or more in a mask, bool (H, W), which reach 5 and 9 px further."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(missed.view(np.uint8), connectivity=8)
    for label in np.flatnonzero(stats[1:, cv2.CC_STAT_AREA] >= 6) + 1:
        yield from (reach(labels == label, pixels) for pixels in (5, 9))


def print_strokes(restorer: Restorer, prints: Iterable[Labeled]) -> None:
    """How well `Damage.snap` fits them, and how often it takes one whole."""
    print("| print | strokes | recall / precision | whole |\n|---|---:|---:|---:|")
    for name, gray, mask, ignore in prints:
        damage, fits = restorer.damage(gray), []
        for stroke in strokes(mask & ~reach(damage.mask(), 2) & ~ignore):
            fitted = damage.snap(stroke, gray)
            _, precision = score(fitted, mask, ignore)
            recall, _ = score(fitted, mask & stroke, ignore)
            fits.append((recall, precision, np.array_equal(fitted, stroke)))
        recall, precision, whole = np.mean(fits or [3 * (np.nan,)], axis=0)
        print(f"| {name} | {len(fits)} | {recall:.3f} / {precision:.3f} | {whole:.2f} |")


def taps(mask: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Each mark as long as LONG in a mask, bool (H, W), and a tap on it, three times."""
    random = np.random.default_rng(0)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(reach(mask, 2).view(np.uint8))
    for label in np.flatnonzero(stats[1:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(axis=1) >= LONG) + 1:
        mark = (labels == label) & mask
        for place in random.choice(np.argwhere(mark), TAPS):
            tap = np.zeros_like(mask)
            tap[tuple(place)] = True
            yield mark, reach(tap, TAP)


def print_taps(restorer: Restorer, prints: Iterable[Labeled]) -> None:
    """The share of a mark that one tap on it takes, and how much of what is taken is a mark."""
    print("| print | taps | under the tap | followed |\n|---|---:|---:|---:|")
    taken = []
    for name, gray, mask, ignore in prints:
        damage, own = restorer.damage(gray), []
        for mark, tap in taps(mask & ~ignore):
            under = damage.snap(tap, gray)
            scores = [
                (score(each, mark, ignore)[0], score(each, mask, ignore)[1])
                for each in (under, damage.follow(under, gray))
            ]
            own.append(scores)
        taken += own
        if own:
            print(_of_taps(name, own))
    print(_of_taps("all taps", taken))


def _of_taps(name: str, scores: list) -> str:
    cells = " | ".join(f"{recall:.3f} / {precision:.3f}" for recall, precision in np.mean(scores, axis=0))
    return f"| {name} | {len(scores)} | {cells} |"


def print_alarms(restorer: Restorer, data: Path, count: int) -> None:
    print(f"\n| {count} undamaged photos each | {' | '.join(f'sensitivity {n}' for n in SENSITIVITIES)} |")
    print(f"|---|{'---:|' * len(SENSITIVITIES)}")
    for file in (HELDOUT, PEOPLE):
        found = [restorer.damage(luma(photo)) for _, _, photo in heldout_photos(data, count, file)]
        shares = np.array([[damage.mask(n).mean() for n in SENSITIVITIES] for damage in found])
        cells = (
            f"{any_:.1%} of photos, {share:.2%} of pixels"
            for any_, share in zip((shares > 0).mean(0), shares.mean(0), strict=True)
        )
        print(f"| {file.stem} | {' | '.join(cells)} |")


def print_cost(weights: str, megapixels: float) -> None:
    """Seconds of `damage` and what memory peaks at, for a photo of noise 4 x 3."""
    restorer = Restorer.from_pretrained(weights)
    height = round((megapixels * 1e6 * 3 / 4) ** 0.5)
    gray = cv2.resize(np.random.default_rng(0).integers(0, 256, (90, 120), np.uint8), (height * 4 // 3, height))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    times = []
    for _ in range(3 if megapixels < 50 else 1):
        started = time.perf_counter()
        restorer.damage(gray).mask()
        times.append(time.perf_counter() - started)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"| {megapixels} | {min(times):.2f} | {peak / 1024:.0f} | {(peak - before) / 1024:.0f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prints", type=Path, help="folder of labeled prints")
    parser.add_argument("--scanned", type=float, metavar="DEGREES", help="lay each print on a white sheet")
    parser.add_argument("--turned", type=float, metavar="DEGREES", help="the same, and cut it out")
    parser.add_argument("--enlarged", type=float, metavar="TIMES", help="make each print larger and softer")
    parser.add_argument("--few", action="store_true", help="leave each print few marks")
    parser.add_argument("--strokes", action="store_true", help="over what was missed, with --prints")
    parser.add_argument("--taps", action="store_true", help="on long marks, with --prints")
    parser.add_argument("--data", type=Path, help="folder of photos or their tar shards")
    parser.add_argument("--photos", type=int, default=300, help="how many of each list, at most")
    parser.add_argument("--weights", default=str(SHIPPED_WEIGHTS), help="folder or hub repository")
    parser.add_argument("--time", action="store_true", help="what it costs, each size in a process of its own")
    parser.add_argument("--megapixels", type=float, help=argparse.SUPPRESS)
    args = parser.parse_args()

    if args.megapixels:
        print_cost(args.weights, args.megapixels)
        return
    if args.prints:
        restorer = Restorer.from_pretrained(args.weights)
        prints, prepared = few_marks(restorer, args.prints) if args.few else real_prints(args.prints), None
        if args.scanned is not None:
            prepared = partial(scanned, angle=args.scanned)
        elif args.enlarged is not None:
            prepared = partial(enlarged, times=args.enlarged)
        elif args.turned is not None:
            prepared = partial(turned, angle=args.turned)
        if prepared:
            prints = ((name, *prepared(*images)) for name, *images in prints)
        report = print_strokes if args.strokes else print_taps if args.taps else print_scores
        report(restorer, prints)
    if args.data:
        print_alarms(Restorer.from_pretrained(args.weights), args.data, args.photos)
    if args.time:
        print("\n| megapixels | s | MB at most | MB more than before |\n|---:|---:|---:|---:|", flush=True)
        for size in MEGAPIXELS:
            subprocess.run([sys.executable, __file__, "--weights", args.weights, "--megapixels", str(size)], check=True)


if __name__ == "__main__":
    main()
