"""How well damaged gray photos are restored: ours beside OpenCV's inpainting and MI-GAN, on photos never trained on.

    python benchmarks/quality.py --data DIR           # 300 photos at 256 px; DIR holds them, or *.tar shards of them
    python benchmarks/quality.py --mini               # 15 crops of photos that scikit-image and scikit-learn bring
    python benchmarks/quality.py --mini --mask none   # the classical rows only, no weights needed
    python benchmarks/quality.py --large DIR          # whole photos of 512 px and more, from packages
    python benchmarks/quality.py --data DIR --jpeg 75 --sheet sheet.jpg --json figures.json

`python benchmarks/fetch.py DIR` fetches what makes the table complete: --lpips DIR/lpips_alexnet.safetensors,
--migan DIR/migan_pipeline_v2.onnx (with `pip install onnxruntime`) and --large DIR/large. Each photo is damaged
from (seed, its number in its list), so a photo's hole depends neither on order nor on subset.
"""

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).parents[1]))  # runs on a fresh clone, not installed

from benchmarks import tables
from benchmarks.competitors import GIVEN, OURS, RIVALS, Competitor, competitors, finding
from benchmarks.contact_sheet import contact_sheet
from benchmarks.photo_sets import HELDOUT, LARGE, Numbered, heldout_photos, large_photos, mini_photos, mini_scene
from restoration.color import luma
from restoration.evaluation import Evaluation, Row, evaluate_pair
from restoration.files.imaging import check_ending, write_photo
from restoration.masking import damage, jpeg

PERFECT, TRUTH = "gray, perfect luma", "the truth"
WITHOUT = {  # what is said when a part of the table is left out
    "lpips": "LPIPS is left out: --lpips FILE names its weights, which `python benchmarks/fetch.py DIR lpips` fetches.",
    "migan": "MI-GAN is left out: --migan FILE names its model, which `python benchmarks/fetch.py DIR migan` fetches.",
}


@dataclass(frozen=True)
class Damaging:
    """The same damage for the same photo, always."""

    seed: int
    quality: int | None = None  # of the JPEG file that the damaged photo was saved as

    def __call__(self, truth: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray]:
        """The damaged gray photo that all competitors get, uint8 (H, W), and its hole, bool (H, W)."""
        damaged, mask = damage(luma(truth), np.random.default_rng((self.seed, number)))
        return damaged if self.quality is None else jpeg(damaged, self.quality), mask


def measure(
    photos: Numbered,
    rows: dict[str, Competitor],
    damaging: Damaging,
    lpips: "Lpips | None" = None,  # noqa: F821, imported with torch only when it is asked for
) -> tables.Table:
    """Damage each photo and let every competitor restore it; all metrics of the hole are over the true mask."""
    found: dict[str, dict[str, Row]] = {name: {} for name in [*rows, PERFECT, TRUTH]}
    for number, name, truth in tqdm(photos, unit="photo", disable=None):
        damaged, mask = damaging(truth, number)
        results = {row: restore(damaged, mask) for row, restore in rows.items()}
        reference = lpips.reference(truth) if lpips else None
        for row, result in (results | {PERFECT: luma(truth), TRUTH: truth}).items():
            found[row][name] = evaluate_pair(truth, result, mask) | (reference.row(result) if reference else {})
    return {row: Evaluation(values) for row, values in found.items()}


def color_shares(found: tables.Intervals) -> dict[str, float]:
    """What contest C must not be read without: chroma has to err less than gray's, and not to be dull."""
    shares = {}
    for row in (row for row in OURS if row in found):
        shares[f"{row}: ab error / gray's"] = found[row]["ab_mae"].mean / found[PERFECT]["ab_mae"].mean
        shares[f"{row}: colorfulness / truth's"] = found[row]["colorfulness"].mean / found[TRUTH]["colorfulness"].mean
    return shares


def compared_pairs(rows: dict[str, Competitor]) -> list[tuple[str, str]]:
    """Ours less each rival, and what not being told the mask costs."""
    ours = [row for row in OURS if row in rows]
    pairs = [(row, rival) for row in ours for rival in RIVALS if rival in rows]
    return pairs + [(row, GIVEN) for row in ours if row != GIVEN and GIVEN in rows]


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--data", type=Path, help=f"folder of the photos of {HELDOUT.name}, or of their tar shards")
    source.add_argument("--mini", action="store_true", help="crops of bundled photos instead")
    source.add_argument("--large", type=Path, help=f"folder of the photos of {LARGE.name}")
    parser.add_argument("--weights", default="weights", help="folder or hub repository of our models")
    parser.add_argument("--photos", type=int, default=300, help="how many at most")
    parser.add_argument("--seed", type=int, default=0, help="of the damage")
    parser.add_argument(
        "--jpeg", type=int, metavar="QUALITY", help="save the damaged photo as JPEG before it is restored"
    )
    parser.add_argument("--mask", choices=("given", "found", "both", "none"), default="both", help="rows of ours")
    parser.add_argument("--lpips", type=Path, metavar="FILE", help="LPIPS's weights, for its two columns")
    parser.add_argument("--migan", type=Path, metavar="FILE", help="MI-GAN's ONNX model, for its row")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--sheet", type=Path, help="also draw the best, median and worst photos of ours here")
    arguments = parser.parse_args()
    if arguments.jpeg is not None and not 1 <= arguments.jpeg <= 100:
        parser.error("--jpeg takes a quality of 1 to 100.")
    if arguments.photos < 1:
        parser.error("--photos takes 1 or more.")
    if arguments.sheet and arguments.mask == "none":
        parser.error("--sheet shows our results: leave --mask none out.")
    for file in filter(None, (arguments.json, arguments.sheet)):
        if not file.parent.is_dir():
            parser.error(f"there is no folder {file.parent} to write {file.name} into.")
    return arguments


def load_photos(arguments: argparse.Namespace) -> tuple[Numbered, tables.Scenes]:
    """The photos that are asked for, and what each of them shows."""
    if arguments.mini:
        photos = mini_photos(arguments.photos)
        return photos, {name: mini_scene(name) for _, name, _ in photos}
    if arguments.large:
        photos = large_photos(arguments.large, arguments.photos)
    else:
        photos = heldout_photos(arguments.data, arguments.photos)
    return photos, {name: name for _, name, _ in photos}


def load_lpips(file: Path | None) -> "Lpips | None":  # noqa: F821
    """The metric, where its weights are named."""
    if file is None:
        return None
    from benchmarks.perceptual import Lpips

    return Lpips.from_file(file)


def main() -> None:
    arguments = parse_arguments()
    try:
        if arguments.sheet:
            check_ending(arguments.sheet)
        lpips = load_lpips(arguments.lpips)
        rows = competitors(arguments.weights, arguments.mask, arguments.migan)
    except ValueError as error:
        sys.exit(str(error))
    photos, scenes = load_photos(arguments)
    damaging = Damaging(arguments.seed, arguments.jpeg)

    table = measure(photos, rows, damaging, lpips)
    found = tables.intervals(table, scenes)
    compared = tables.differences(table, compared_pairs(rows), scenes)
    extra = finding(rows) | color_shares(found)  # before the sheet, for which some photos are restored again

    inputs = "PNG" if arguments.jpeg is None else f"JPEG {arguments.jpeg}"
    print(f"{len(photos)} photos, {inputs}, seed {arguments.seed}\n\n{tables.as_markdown(table, found, compared)}\n")
    print("\n".join(f"{name}: {value:.4g}" for name, value in extra.items()))
    print("\n".join(sentence for name, sentence in WITHOUT.items() if getattr(arguments, name) is None))
    if arguments.json:
        settings = {"photos": len(photos), "seed": arguments.seed, "jpeg": arguments.jpeg}
        figures = settings | tables.as_json(table, found, compared) | extra
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")
    if arguments.sheet:
        write_photo(contact_sheet(table, photos, rows, damaging), arguments.sheet)


if __name__ == "__main__":
    main()
