"""How well damaged gray photos are restored: ours beside OpenCV's inpainting, on held-out photos.

    python benchmarks/quality.py --data DIR           # DIR holds the photos, or *.tar shards of them
    python benchmarks/quality.py --mini               # 15 crops of photos that scikit-image and scikit-learn bring
    python benchmarks/quality.py --mini --mask none   # the classical rows only, no weights needed

The photos of --data are listed in heldout.tsv beside this file (name, source, sha256). Each is damaged
from (seed, its number in the list), so a photo's hole depends neither on order nor on subset.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).parents[1]))  # runs on a fresh clone, not installed

from restoration.color import luma
from restoration.evaluation import METRICS, Evaluation, Row, evaluate_pair
from restoration.masking import damage

HELDOUT = Path(__file__).with_name("heldout.tsv")
RADIUS = 3  # pixels, OpenCV's usual inpainting radius
CROP = 256
Numbered = list[tuple[int, str, np.ndarray]]  # number in the list, name, uint8 RGB
Competitor = Callable[[np.ndarray, np.ndarray], np.ndarray]  # damaged gray, bool mask -> gray or RGB, all uint8


def telea(damaged: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Telea 2004, fast marching."""
    return cv2.inpaint(damaged, mask.astype(np.uint8), RADIUS, cv2.INPAINT_TELEA)


def navier_stokes(damaged: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Bertalmio et al. 2001, isophotes continued as a fluid would flow."""
    return cv2.inpaint(damaged, mask.astype(np.uint8), RADIUS, cv2.INPAINT_NS)


@dataclass
class Ours:
    """A Restorer as a competitor; it also keeps what only a method that finds damage can show."""

    restorer: "Restorer"  # noqa: F821, imported with torch only when it is run
    find: bool  # look for the damage instead of taking the true mask
    ious: list[float] = field(default_factory=list)
    known_difference: int = 0  # levels, the largest over all photos

    def __call__(self, damaged: np.ndarray, mask: np.ndarray) -> np.ndarray:
        restoration = self.restorer.restore(damaged, mask=None if self.find else mask)
        image, used = np.asarray(restoration.image), np.asarray(restoration.mask) > 127
        self.ious.append(np.count_nonzero(used & mask) / np.count_nonzero(used | mask))
        difference = np.abs(luma(image).astype(int) - damaged)[~used]
        self.known_difference = max(self.known_difference, int(difference.max(initial=0)))
        return image


def competitors(weights: str, masks: str) -> dict[str, Competitor]:
    """The table's rows by name; a new method is one more entry."""
    rows: dict[str, Competitor] = {
        "input as it is": lambda damaged, mask: damaged,
        "OpenCV Telea": telea,
        "OpenCV Navier-Stokes": navier_stokes,
    }
    if masks == "none":
        return rows
    from restoration.pipeline import Restorer

    restorer = Restorer.from_pretrained(weights)
    if masks in ("given", "both"):
        rows["ours, mask given"] = Ours(restorer, find=False)
    if masks in ("found", "both"):
        rows["ours, mask found"] = Ours(restorer, find=True)
    return rows


def measure(photos: Numbered, rows: dict[str, Competitor], seed: int) -> dict[str, Evaluation]:
    """Damage each photo and let every competitor restore it; all metrics are over the true mask."""
    found: dict[str, dict[str, Row]] = {name: {} for name in [*rows, "gray, perfect luma"]}
    for number, name, truth in tqdm(photos, unit="photo", disable=None):
        gray = luma(truth)
        damaged, mask = damage(gray, np.random.default_rng((seed, number)))
        for row, restore in rows.items():
            found[row][name] = evaluate_pair(truth, restore(damaged, mask), mask)
        found["gray, perfect luma"][name] = evaluate_pair(truth, gray, mask)
    return {row: Evaluation(values) for row, values in found.items()}


def heldout_photos(data: Path, count: int) -> Numbered:
    """`count` photos, evenly spread over the list, as read from a folder or its tar shards.

    A missing or altered photo ends the run: figures compare only over the same photos.
    """
    from restoration.photos import Photos  # with torch, which --mini --mask none does without

    listed = [line.split("\t") for line in HELDOUT.read_text().splitlines()[1:]]
    numbers = sorted({int(i) for i in np.linspace(0, len(listed) - 1, min(count, len(listed)))})
    wanted = {listed[i][0]: (i, listed[i][2]) for i in numbers}
    found = Photos.find(data).only(set(wanted))
    digests = {entry.name: hashlib.sha256(entry.read()).hexdigest() for entry in found.entries}
    altered = {name for name, digest in digests.items() if digest != wanted[name][1]}
    for what, names in (("not in", wanted.keys() - digests.keys()), ("altered in", altered)):
        if names:
            sys.exit(f"{len(names)} of {len(wanted)} photos are {what} {data}, among them {min(names)}.")
    photos = {name: found[i] for i, name in enumerate(found.names)}  # a name that two shards share counts once
    return [(wanted[name][0], name, photo) for name, photo in photos.items()]


def mini_photos(count: int) -> Numbered:
    """256 x 256 crops, side by side, of the colour photos that scikit-image and scikit-learn bring."""
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


def finding(rows: dict[str, Competitor]) -> dict[str, float | int]:
    """How well damage was found, and how far known pixels moved (they must not)."""
    ours = [row for row in rows.values() if isinstance(row, Ours)]
    ious = np.array([iou for row in ours if row.find for iou in row.ious])
    found = {"found_iou": float(ious.mean()), "found_iou_over_0.9": float((ious > 0.9).mean())} if len(ious) else {}
    known = {"known_luma_max_difference": max(row.known_difference for row in ours)} if ours else {}
    return found | known


def as_markdown(evaluations: dict[str, Evaluation]) -> str:
    """One line a competitor, one column a metric."""
    lines = ["| | " + " | ".join(METRICS) + " |", "|---|" + "---:|" * len(METRICS)]
    for name, evaluation in evaluations.items():
        digits = {"hole_psnr": 2, "ab_mae": 2, "colorfulness": 1}
        values = (f"{mean:.{digits.get(metric, 4)}f}" for metric, mean in evaluation.means.items())
        lines.append(f"| {name} | " + " | ".join(values) + " |")
    return "\n".join(lines)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--data", type=Path, help="folder of the held-out photos or their tar shards")
    source.add_argument("--mini", action="store_true", help="crops of bundled photos instead")
    parser.add_argument("--weights", default="weights", help="folder or hub repository of our models")
    parser.add_argument("--photos", type=int, default=300, help="how many at most")
    parser.add_argument("--seed", type=int, default=0, help="of the damage")
    parser.add_argument("--mask", choices=("given", "found", "both", "none"), default="both", help="rows of ours")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    photos = mini_photos(arguments.photos) if arguments.mini else heldout_photos(arguments.data, arguments.photos)
    rows = competitors(arguments.weights, arguments.mask)
    evaluations = measure(photos, rows, arguments.seed)
    extra = finding(rows)
    print(f"{len(photos)} photos, seed {arguments.seed}\n\n{as_markdown(evaluations)}\n")
    for name, value in extra.items():
        print(f"{name}: {value:.4g}")
    if arguments.json:
        figures = {name: evaluation.as_json() for name, evaluation in evaluations.items()}
        written = {"photos": len(photos), "seed": arguments.seed, "rows": figures} | extra
        arguments.json.write_text(json.dumps(written, indent=2) + "\n")


if __name__ == "__main__":
    main()
