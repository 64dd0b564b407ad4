"""Make the example photos of examples/: `python scripts/examples/make_photos.py`.

Gray versions of free photos that come inside scikit-image, three of them with holes, one as a worn print.
Run it to see how, or with another seed; the photos themselves are kept in the repository.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples"
sys.path.insert(0, str(ROOT))  # runs on a fresh clone, not installed

from restoration.color import luma
from restoration.masking import damage
from restoration.synthesis.wear import add_wear


def main() -> None:
    holes = {"astronaut": (5, 1), "chelsea": (2, 2), "coffee": (11, 1)}  # seed, most holes
    for name, (seed, most) in holes.items():
        damaged, _ = damage(luma(getattr(data, name)()), np.random.default_rng(seed), area=(0.06, 0.1), max_holes=most)
        Image.fromarray(damaged).save(FOLDER / f"{name}.png", optimize=True)
    Image.fromarray(luma(data.rocket())).save(FOLDER / "rocket.png", optimize=True)
    worn, _ = add_wear(luma(data.astronaut()), np.random.default_rng(3))
    Image.fromarray(worn).save(FOLDER / "worn.png", optimize=True)


if __name__ == "__main__":
    main()
