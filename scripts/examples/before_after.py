"""Make the README's picture, `before_after.jpg`, and the start page's, `restored.jpg`: what comes back."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples"
sys.path.insert(0, str(ROOT))  # runs on a fresh clone, not installed

from PIL import Image

from restoration import Restorer

HEIGHT = 240  # pixels of each photo


def main() -> None:
    restorer = Restorer.from_pretrained()
    columns = []
    for file in sorted(FOLDER.glob("*.png")):
        photo = Image.open(file)
        result = restorer.restore(photo)  # no mask given: the damage is found
        columns.append([_scaled(image) for image in (photo, result.gray, result.image)])
    widths = [column[0].width for column in columns]
    sheet = Image.new("RGB", (sum(widths), 3 * HEIGHT))
    for number, column in enumerate(columns):
        for row, image in enumerate(column):
            sheet.paste(image, (sum(widths[:number]), row * HEIGHT))
    sheet.save(FOLDER / "before_after.jpg", quality=85)
    tinted = Image.open(FOLDER / "prints" / "dust_bowl_home.jpg")
    restorer.restore(tinted.convert("L")).image.save(FOLDER / "restored.jpg", quality=85)


def _scaled(image: Image.Image) -> Image.Image:
    return image.convert("RGB").resize((round(image.width * HEIGHT / image.height), HEIGHT), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    main()
