"""Make the README's picture, `before_after.jpg`, and the start page's, `restored.jpg`: what comes back."""

import sys
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples"
sys.path.insert(0, str(ROOT))  # runs on a fresh clone, not installed

from PIL import Image

from restoration import Restorer

ROWS = ("worn.png", "prints/dust_bowl_home.jpg"), ("prints/alps.jpg",)
WIDTH = 1480  # pixels of each row


def main() -> None:
    restorer = Restorer.from_pretrained()
    rows = []
    for names in ROWS:
        photos = [Image.open(FOLDER / name) for name in names]
        restored = [restorer.restore(photo.convert("L")).image for photo in photos]  # no mask: the damage is found
        rows.append(_row([image for pair in zip(photos, restored, strict=True) for image in pair]))
        if "prints/dust_bowl_home.jpg" in names:
            restored[-1].save(FOLDER / "restored.jpg", quality=85)
    sheet = Image.new("RGB", (WIDTH, sum(row.height for row in rows)))
    for number, row in enumerate(rows):
        sheet.paste(row, (0, sum(above.height for above in rows[:number])))
    sheet.save(FOLDER / "before_after.jpg", quality=85)


def _row(images: list[Image.Image]) -> Image.Image:
    """Images of one height beside each other, WIDTH px in all."""
    shares = [image.width / image.height for image in images]
    edges = [round(WIDTH * sum(shares[:count]) / sum(shares)) for count in range(len(images) + 1)]
    row = Image.new("RGB", (WIDTH, round(WIDTH / sum(shares))))
    for image, (left, right) in zip(images, pairwise(edges), strict=True):
        row.paste(image.convert("RGB").resize((right - left, row.height), Image.Resampling.LANCZOS), (left, 0))
    return row


if __name__ == "__main__":
    main()
