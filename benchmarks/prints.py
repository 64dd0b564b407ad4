"""Prints on scans: are they found, is nothing found on ordinary photos, and what their colors gain.

    python benchmarks/prints.py --data DIR [--count 24]   # DIR: the photos of heldout.tsv, a folder or its tar shards

Scans are made of held-out photos: paper of 3 to 15% around them, on white, cream, gray and black beds with shadows,
noise and captions, tilted by up to 5 degrees, up to six on a page. So are photos of single prints on tables, in uneven
light, as JPEG. Everything is drawn from a fixed seed.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFilter

sys.path.insert(0, str(Path(__file__).parents[1]))  # runs on a fresh clone, not installed

from benchmarks.photo_sets import heldout_photos
from restoration.color import luma
from restoration.inference.coloring import painted, predict_chroma
from restoration.inference.paper import find_prints
from restoration.inference.prints import Print
from restoration.inference.tones import stretch_if_faded
from restoration.metrics import ab_mae, colorfulness
from restoration.pipeline import Repair, Restorer

BEDS = {"white": (244, 255), "cream": (215, 240), "gray": (90, 200), "black": (2, 40)}
LAYOUTS = {  # columns, rows, share of the cell that a print fills, borders of paper as shares of the picture
    "one print": (1, 1, 0.8, (0, 0)),
    "white border": (1, 1, 0.8, (0.03, 0.15)),
    "two": (2, 1, 0.75, (0, 0.12)),
    "four": (2, 2, 0.75, (0, 0.12)),
    "six": (3, 2, 0.75, (0, 0.12)),
}
TABLES = {"plain": (0, 0, 0), "wood": (2, 8, 20), "cloth": (3, 7, 0.6)}  # levels of grain, its length in px
CELL = 460  # px
TABLE = 900, 1200  # px
FADED = {"faded to 0.6": (70, 0.6), "faded to 0.4": (100, 0.4)}  # black's level, contrast left
PAPER = 250


def scan(photos: list[np.ndarray], layout: str, bed: str, rng: np.random.Generator) -> tuple[np.ndarray, list]:
    """A scan, gray uint8 (H, W), and the corners (4, 2) of its pictures in reading order."""
    columns, rows, fill, borders = LAYOUTS[layout]
    level = rng.uniform(*BEDS[bed])
    page = Image.new("L", (columns * CELL, rows * CELL), round(level))
    corners = []
    for cell in range(columns * rows):
        picture = Image.fromarray(luma(photos[cell]))
        scale = fill * CELL * rng.uniform(0.85, 1.05) / max(picture.size)
        picture = picture.resize([round(side * scale) for side in picture.size], Image.Resampling.LANCZOS)
        border = round(rng.uniform(*borders) * min(picture.size)) * int(rng.random() < 0.8)
        paper = Image.new("L", [side + 2 * border for side in picture.size], round(rng.uniform(*_paper(bed))))
        paper.paste(picture, (border, border))
        angle = rng.uniform(-5, 5) * int(rng.random() < 0.8)
        middle = np.array([cell % columns + 0.5, cell // columns + 0.5]) * CELL + rng.uniform(-9, 9, 2)
        turn = Print(*middle, *picture.size, angle)
        corners.append(turn.corners())
        _lay(page, paper, Print(*middle, *paper.size, angle), rng)
        ImageDraw.Draw(page).text(
            (middle[0] - 60, middle[1] + 0.47 * CELL), "summer of 1931", 90 if level > 128 else 200
        )
    levels = np.asarray(page.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1))), np.float32)
    levels = levels + np.linspace(-3, 3, levels.shape[1]) + rng.normal(0, rng.uniform(0.5, 4), levels.shape)
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8), corners


def photographed(photo: np.ndarray, table: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A print on a table with a shadow, in light that falls off to one side and to a spot: gray uint8 (H, W), and the
    picture's corners (4, 2)."""
    least, most, length = TABLES[table]
    grain = cv2.GaussianBlur(rng.normal(0, 1, TABLE), (0, 0), sigmaX=length or 1, sigmaY=1)
    ground = rng.uniform(40, 200) + rng.uniform(least, most) * grain / grain.std()
    page = Image.fromarray(np.clip(np.rint(ground), 0, 255).astype(np.uint8))
    height, width = TABLE
    picture = Image.fromarray(luma(photo))
    scale = min(rng.uniform(0.45, 0.75) * height / picture.height, rng.uniform(0.5, 0.8) * width / picture.width)
    picture = picture.resize([round(side * scale) for side in picture.size], Image.Resampling.LANCZOS)
    border = int(rng.choice([0, 14, 22]))
    paper = Image.new("L", [side + 2 * border for side in picture.size], 228)
    paper.paste(picture, (border, border))
    middle, angle = rng.normal([width / 2, height / 2], [20, 12]), rng.uniform(-6, 6)
    _lay(page, paper, Print(*middle, *paper.size, angle), rng)
    y, x = np.mgrid[:height, :width] / max(TABLE)
    turn, spot = rng.uniform(0, 2 * np.pi), rng.uniform(0, 1, 2) * TABLE / max(TABLE)
    light = 1 + rng.uniform(0.05, 0.25) * (np.cos(turn) * (2 * x - 1) + np.sin(turn) * (2 * y - 1))
    light *= 1 - rng.uniform(0, 0.3) * np.exp(-((x - spot[1]) ** 2 + (y - spot[0]) ** 2) / 0.1)
    levels = np.asarray(page) * light + rng.normal(0, 2, TABLE)
    jpeg = cv2.imencode(".jpg", np.clip(np.rint(levels), 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 88])[1]
    return cv2.imdecode(jpeg, cv2.IMREAD_GRAYSCALE), Print(*middle, *picture.size, angle).corners()


def _paper(bed: str) -> tuple[int, int]:
    return (205, 225) if bed == "white" else (238, 252)  # else nothing would tell paper from bed


def _lay(page: Image.Image, paper: Image.Image, place: Print, rng: np.random.Generator) -> None:
    """Paste a print, with a shadow in half of the cases."""
    (a, b, x), (c, d, y) = cv2.invertAffineTransform(place.matrix())
    shape = Image.new("L", paper.size, 255)
    if rng.random() < 0.5:
        dark = shape.transform(page.size, Image.Transform.AFFINE, (a, b, x - 3, c, d, y - 3))
        dark = dark.filter(ImageFilter.GaussianBlur(3)).point(lambda level: level // 14)
        page.paste(Image.fromarray(np.asarray(page) - np.minimum(np.asarray(page), np.asarray(dark))))
    inverse, how = (a, b, x, c, d, y), Image.Resampling.BICUBIC
    page.paste(
        paper.transform(page.size, Image.Transform.AFFINE, inverse, how),
        mask=shape.transform(page.size, Image.Transform.AFFINE, inverse, how),
    )


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union of two convex quadrilaterals."""
    one, other = one.astype(np.float32), other.astype(np.float32)
    common = cv2.intersectConvexConvex(one, other)[0]
    return common / (cv2.contourArea(one) + cv2.contourArea(other) - common)


def finding(photos: list[np.ndarray], count: int) -> Iterator[str]:
    """Of the pictures on `count` scans of each kind: how many are found, and what is found beside them."""
    yield "| layout | bed | pictures | found (IoU over 0.9) | extra |\n|---|---|---:|---:|---:|"
    for layout in LAYOUTS:
        for bed in BEDS:
            rng = np.random.default_rng([list(LAYOUTS).index(layout), list(BEDS).index(bed)])
            made = [scan([photos[i] for i in _chosen(photos, rng)], layout, bed, rng) for _ in range(count)]
            yield _found(layout, bed, made)
    for number, table in enumerate(TABLES):
        rng = np.random.default_rng([9, number])
        made = [photographed(photos[_chosen(photos, rng)[0]], table, rng) for _ in range(count)]
        yield _found("one print", f"table, {table}", [(gray, [corners]) for gray, corners in made])


def _chosen(photos: list[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    return rng.choice(len(photos), 6, replace=False)


def _found(layout: str, bed: str, made: list[tuple[np.ndarray, list[np.ndarray]]]) -> str:
    hits = pictures = extra = 0
    for gray, corners in made:
        found = [print_.corners() for print_ in find_prints(gray)]
        right = sum(any(overlap(true, one) > 0.9 for one in found) for true in corners)
        hits, pictures, extra = hits + right, pictures + len(corners), extra + len(found) - right
    return f"| {layout} | {bed} | {pictures} | {hits / pictures:.3f} | {extra} |"


def false_alarms(photos: list[tuple[str, np.ndarray]]) -> str:
    """Photos of which a part is proposed."""
    grays = [(name, luma(rgb)) for name, rgb in photos]
    parts = [name for name, gray in grays if find_prints(gray) != [Print.whole(gray.shape)]]
    return f"{len(parts)} of {len(grays)} ordinary photos are not taken as a whole: {', '.join(parts) or 'none'}"


def borders(photos: list[np.ndarray], restorer: Restorer) -> str:
    """A white border of 10%: colorfulness inside against the photo alone, and the paper's mean chroma."""
    inside, paper = [], []
    for rgb in photos:
        gray = luma(rgb)
        width = round(0.1 * min(gray.shape))
        noise = np.random.default_rng(0).normal(0, 1, np.add(gray.shape, 2 * width))
        page = np.clip(np.rint(PAPER + noise), 0, 255).astype(np.uint8)
        page[width:-width, width:-width] = gray
        colored, alone = (np.asarray(_colored(image, restorer)) for image in (page, gray))
        inside.append(colorfulness(colored[width:-width, width:-width]) / max(colorfulness(alone), 1))
        chroma = np.abs(colored.astype(int) - page[..., None]).max(axis=2)
        chroma[width:-width, width:-width] = 0
        paper.append(chroma.sum() / (chroma.size - gray.size))
    said = f"colorfulness inside {np.mean(inside):.3f} of alone, paper off gray by {np.mean(paper):.2f} levels"
    return f"with a border of 10%: {said}"


def _colored(gray: np.ndarray, restorer: Restorer) -> Image.Image:
    image = Image.fromarray(gray)
    return restorer.colorize(Repair(image, image, Image.new("L", image.size))).image


def faded(photos: list[np.ndarray], restorer: Restorer) -> Iterator[str]:
    """The error of colors predicted from faded luma, as it is and as networks see it, put on the true luma."""
    yield "| luma | ab error of gray's, as it is | stretched | colorfulness of truth's, as it is | stretched |"
    yield "|---|---:|---:|---:|---:|"
    for name, (black, contrast) in {"as it was": (0, 1.0), **FADED}.items():
        errors, strengths = [], []
        for rgb in photos:
            gray = luma(rgb)
            old = np.rint(black + contrast * gray.astype(np.float32)).clip(0, 255).astype(np.uint8)
            whole = [Print.whole(gray.shape)]
            results = [
                np.asarray(painted(gray, [predict_chroma(seen, restorer._color).decode()], whole))
                for seen in (old, stretch_if_faded(old))
            ]
            none = ab_mae(rgb, np.repeat(gray[..., None], 3, axis=2))
            errors.append([none, *(ab_mae(rgb, result) for result in results)])
            strengths.append([colorfulness(result) / max(colorfulness(rgb), 1) for result in results])
        none, *error = np.mean(errors, axis=0)
        shown = [value for pair in (np.divide(error, none), np.mean(strengths, axis=0)) for value in pair]
        yield f"| {name} | " + " | ".join(f"{value:.3f}" for value in shown) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--count", type=int, default=24, help="scans of each kind, and photos that are colored")
    args = parser.parse_args()
    photos = [(name, rgb) for _, name, rgb in heldout_photos(args.data, 300)]
    print(*finding([rgb for _, rgb in photos], args.count), sep="\n", flush=True)
    print("", false_alarms(photos), sep="\n", flush=True)
    restorer = Restorer.from_pretrained()
    some = [photos[i][1] for i in np.linspace(0, len(photos) - 1, args.count).astype(int)]
    print("", borders(some, restorer), "", *faded(some, restorer), sep="\n")


if __name__ == "__main__":
    main()
