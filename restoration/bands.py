"""A large photo in bands of rows: memory grows little with the photo."""

from collections.abc import Iterator

import numpy as np
from PIL import Image

BAND = 1 << 16  # pixels in a band: what is computed of them stays in a core's cache


def bands(height: int, width: int) -> Iterator[slice]:
    """Rows of a photo, about BAND pixels at a time."""
    step = max(1, BAND // width)
    return (slice(top, min(top + step, height)) for top in range(0, height, step))


class Rows:
    """An image whose rows become arrays as they are asked for: an array of all would take as much memory again."""

    def __init__(self, image: Image.Image):
        self.image = image

    def __getitem__(self, rows: slice) -> np.ndarray:
        """uint8 (rows, W) or (rows, W, C)."""
        return np.asarray(self.image.crop((0, rows.start, self.image.width, rows.stop)))
