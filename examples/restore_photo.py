"""Restore one photo from Python: `python examples/restore_photo.py [IN] [OUT]`."""

import sys
from pathlib import Path

FOLDER = Path(__file__).parent
sys.path.insert(0, str(FOLDER.parent))  # runs on a fresh clone, not installed

import numpy as np
from PIL import Image

from restoration import Restorer


def main(source: str = str(FOLDER / "astronaut.png"), target: str = "restored.png") -> None:
    restorer = Restorer.from_pretrained()  # the shipped weights; a folder or hub repository loads others
    result = restorer.restore(Image.open(source))  # no mask given: the damage is found
    result.image.save(target)
    print(f"{target}: {np.mean(np.asarray(result.mask) > 0):.1%} of the photo was repaired")


if __name__ == "__main__":
    main(*sys.argv[1:])
