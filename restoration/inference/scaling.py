"""Shrink photos and enlarge small fields in bands of rows, so that memory grows little with the photo."""

from collections.abc import Callable, Iterator

import cv2
import numpy as np
from PIL import Image

BAND = 1 << 16  # pixels in a band: intermediate results stay in a core's cache
RADIUS = 1  # px of the small field: the neighborhood in which it is a linear function of luma
SMOOTH = 1e-3  # the variance of luma below which a neighborhood counts as flat: (8 levels)^2


def smoothstep(x: np.ndarray) -> np.ndarray:
    """A smooth step from 0 to 1 for x in [0, 1]."""
    return x * x * (3 - 2 * x)


def bands(height: int, width: int) -> Iterator[slice]:
    """Rows of a photo, about BAND pixels at a time."""
    step = max(1, BAND // width)
    return (slice(top, min(top + step, height)) for top in range(0, height, step))


class Rows:
    """An image whose rows become arrays on demand: one array of all rows would double its memory."""

    def __init__(self, image: Image.Image):
        self.image = image

    def __getitem__(self, rows: slice) -> np.ndarray:
        """uint8 (rows, W) or (rows, W, C)."""
        return np.asarray(self.image.crop((0, rows.start, self.image.width, rows.stop)))


def shrink(shape: tuple[int, int], size: tuple[int, int], band: Callable[[slice], np.ndarray]) -> np.ndarray:
    """Area means of a photo (H, W) of which `band` computes some rows, float32 (rows, W) or (rows, W, C) -> float32 of
    `size` (h, w), channels kept."""
    height, width = size
    narrow = [cv2.resize(rows, (width, len(rows)), interpolation=cv2.INTER_AREA) for rows in map(band, bands(*shape))]
    return cv2.resize(np.concatenate(narrow), (width, height), interpolation=cv2.INTER_AREA)


class Guided:
    """A small field enlarged along the edges of a photo.

    Around each of its pixels the field is fitted as a linear function of luma; slope and offset are enlarged
    linearly and applied to the photo's own luma, as in He and Sun's "Fast Guided Filter" (2015). Theirs also smooths
    the offset; here the offset makes the function exact at the field's own pixels, so that no color is blurred.

    Args:
        field: float32 (h, w, C).
        gray: the photo, uint8 (H, W).
    """

    def __init__(self, field: np.ndarray, gray: np.ndarray):
        self.gray = gray
        self.plain = field if field.shape[:2] == gray.shape else None
        if self.plain is None:
            light = shrink(gray.shape, field.shape[:2], lambda rows: gray[rows] / np.float32(255))
            slope, offset = _linear(field, light)
            both = np.concatenate([slope, offset], axis=-1)
            self.wide = cv2.resize(both, (gray.shape[1], len(field)), interpolation=cv2.INTER_LINEAR)

    def __getitem__(self, rows: slice) -> np.ndarray:
        """float32 (rows, W, C)."""
        if self.plain is not None:
            return self.plain[rows]
        slope, offset = np.split(_stretched(self.wide, len(self.gray), rows), 2, axis=-1)
        return slope * (self.gray[rows, :, None] / np.float32(255)) + offset


def _linear(field: np.ndarray, light: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slope and offset of the field (h, w, C) over luma (h, w): least squares around each pixel, slopes averaged."""
    side = 2 * RADIUS + 1
    mean = lambda x: cv2.blur(x, (side, side), borderType=cv2.BORDER_REFLECT).reshape(x.shape)  # noqa: E731
    light = light[..., None]
    light_mean, field_mean = mean(light), mean(field)
    variance = mean(light * light) - light_mean**2
    slope = mean((mean(light * field) - light_mean * field_mean) / (variance + np.float32(SMOOTH)))
    return slope, field - slope * light


def _stretched(field: np.ndarray, height: int, rows: slice) -> np.ndarray:
    """The given rows of a field (h, W, C) after linear interpolation to `height`."""
    band = np.empty((rows.stop - rows.start, *field.shape[1:]), np.float32)
    for row, line in enumerate(band):
        center = min(max((rows.start + row + 0.5) * (len(field) / height) - 0.5, 0), len(field) - 1)
        above = int(center)
        below = min(above + 1, len(field) - 1)
        cv2.addWeighted(field[above], above + 1 - center, field[below], center - above, 0, dst=line)
    return band
