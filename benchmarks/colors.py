"""How well whole gray photos are colored: error, hue, colorfulness, skin, and how many come out in a single tint.

    python benchmarks/colors.py --data DIR                  # DIR: photos or tar shards of both lists
    python benchmarks/colors.py --data DIR --large DIR/large --strength 1 1.5

Nothing is damaged. Skin is what the true photo of a portrait has of Chai and Ngan's range of Cb and Cr (1999) in its
upper middle; its hue is the direction of its mean chroma.
"""

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).parents[1]))  # runs on a fresh clone, not installed

from benchmarks.photo_sets import COLORED_PEOPLE, HELDOUT, Numbered, heldout_photos, large_photos
from restoration.color import chroma, luma
from restoration.inference.tones import is_tinted
from restoration.metrics import ab_mae, colorfulness, contest_c, hsv_similarity
from restoration.pipeline import Repair, Restoration, Restorer

PORTRAITS = "wiki-portraits", "lfw-faces"
LEAST_SKIN = 0.04  # of a photo
COLUMNS = "ab error / gray's", "contest C", "HSV similarity", "colorfulness / truth's", "tinted", "skin's hue off by"


def colored(restorer: Restorer, truth: np.ndarray) -> Restoration:
    """A photo made gray, as the network colors it."""
    gray = Image.fromarray(luma(truth))
    return restorer.colorize(Repair(gray, gray, Image.new("L", gray.size)))


def skin(truth: np.ndarray) -> np.ndarray:
    """Where a portrait shows skin, bool (H, W)."""
    height, width = truth.shape[:2]
    light, cr, cb = np.moveaxis(cv2.cvtColor(truth, cv2.COLOR_RGB2YCrCb), 2, 0)
    found = (light > 50) & (cr >= 133) & (cr <= 173) & (cb >= 77) & (cb <= 127)
    middle = np.zeros_like(found)
    middle[height // 20 : height * 13 // 20, width // 4 : width * 3 // 4] = True
    return found & middle


def hue_difference(truth: np.ndarray, image: np.ndarray, where: np.ndarray) -> float:
    """Degrees between the mean chroma of both, 0 to 180."""
    angles = [np.degrees(np.arctan2(*chroma(rgb)[where].mean(axis=0)[::-1])) for rgb in (truth, image)]
    return abs((angles[0] - angles[1] + 180) % 360 - 180)


def measured(photos: Numbered, restorer: Restorer, strengths: list[float]) -> dict[float, list[float]]:
    """The columns for each strength of `Restoration.vivid`; the skin's hue is a median."""
    rows = {strength: [] for strength in strengths}
    hues = {strength: [] for strength in strengths}
    for _, name, truth in tqdm(photos, unit="photo", disable=None):
        result = colored(restorer, truth)
        gray, where = np.stack([luma(truth)] * 3, axis=-1), skin(truth)
        for strength in strengths:
            image = np.asarray(result.vivid(strength))
            errors = [ab_mae(truth, image), ab_mae(truth, gray), contest_c(truth, image), hsv_similarity(truth, image)]
            vividness = [colorfulness(image), colorfulness(truth), is_tinted(Image.fromarray(image))]
            rows[strength].append(errors + vividness)
            if name.startswith(PORTRAITS) and where.mean() > LEAST_SKIN:
                hues[strength].append(hue_difference(truth, image, where))
    found = {}
    for strength in strengths:
        ours, grays, c, hsv, vivid, true, tinted = np.mean(rows[strength], axis=0)
        degrees = np.median(hues[strength]) if hues[strength] else np.nan
        found[strength] = [ours / grays, c, hsv, vivid / true, tinted, degrees]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the held-out photos or of their tar shards")
    parser.add_argument("--large", type=Path, help="folder of the photos of large.tsv")
    parser.add_argument("--weights", default="weights", help="folder or hub repository of our models")
    parser.add_argument("--photos", type=int, default=300, help="how many of each set at most")
    parser.add_argument("--strength", type=float, nargs="+", default=[1.0], help="of Restoration.vivid")
    arguments = parser.parse_args()
    restorer = Restorer.from_pretrained(arguments.weights)
    sets = {file.stem: heldout_photos(arguments.data, arguments.photos, file) for file in (HELDOUT, COLORED_PEOPLE)}
    if arguments.large:
        sets["large"] = large_photos(arguments.large, arguments.photos)
    print("| photos | strength |", " | ".join(COLUMNS), "|")
    print("|---|" + "---:|" * (len(COLUMNS) + 1))
    for name, photos in sets.items():
        for strength, row in measured(photos, restorer, arguments.strength).items():
            print(f"| {len(photos)} {name} | {strength:g} |", " | ".join(f"{value:.3f}" for value in row), "|")


if __name__ == "__main__":
    main()
