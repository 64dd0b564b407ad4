"""Photos made smaller, and small fields made large again, in bands of rows: memory does not grow with the photo."""

from collections.abc import Callable, Iterator

import cv2
import numpy as np

BAND = 1 << 19  # pixels in a band
RADIUS = 2  # px of the small field: the neighbourhood in which chroma is a linear function of luma
SMOOTH = 1e-3  # the variance of luma below which a neighbourhood counts as flat: (8 levels)^2


def bands(height: int, width: int) -> Iterator[slice]:
    """Rows of a photo, about BAND pixels at a time."""
    step = max(1, BAND // width)
    return (slice(top, min(top + step, height)) for top in range(0, height, step))


def shrink(shape: tuple[int, int], size: tuple[int, int], band: Callable[[slice], np.ndarray]) -> np.ndarray:
    """Mean over areas of a photo (H, W) that is made band by band -> float32 of `size` (h, w), channels kept.

    Args:
        band: rows -> float32 (rows, W) or (rows, W, C).
    """
    if shape == size:
        return band(slice(0, shape[0]))
    narrow = [_resized(rows, (len(rows), size[1])) for rows in map(band, bands(*shape))]
    return _resized(np.concatenate(narrow), size)


def _resized(image: np.ndarray, size: tuple[int, int], how: int = cv2.INTER_AREA) -> np.ndarray:
    return image if image.shape[:2] == size else cv2.resize(image, size[::-1], interpolation=how)


class Guided:
    """A small field enlarged along the edges of a photo.

    The fast guided filter (He and Sun, "Fast Guided Filter", 2015): around each pixel of the small field it is
    fitted as a linear function of luma; the functions are enlarged smoothly and read at the photo's own luma.

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
            self.wide = _resized(both, (len(field), gray.shape[1]), cv2.INTER_LINEAR)

    def __getitem__(self, rows: slice) -> np.ndarray:
        """float32 (rows, W, C)."""
        if self.plain is not None:
            return self.plain[rows]
        slope, offset = np.split(_stretched(self.wide, len(self.gray), rows), 2, axis=-1)
        return slope * (self.gray[rows, :, None] / np.float32(255)) + offset


def _linear(field: np.ndarray, light: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slope and offset of the field over luma (h, w), least squares around each pixel, then averaged."""
    mean = lambda x: cv2.blur(x, (2 * RADIUS + 1, 2 * RADIUS + 1), borderType=cv2.BORDER_REFLECT)  # noqa: E731
    light_mean, field_mean = mean(light)[..., None], mean(field)
    variance = mean(light * light)[..., None] - light_mean**2
    slope = (mean(light[..., None] * field) - light_mean * field_mean) / (variance + np.float32(SMOOTH))
    return mean(slope), mean(field_mean - slope * light_mean)


def _stretched(field: np.ndarray, height: int, rows: slice) -> np.ndarray:
    """Some rows of a field (h, W, C) whose height is interpolated linearly to `height`."""
    centres = (np.arange(rows.start, rows.stop, dtype=np.float32) + 0.5) * (len(field) / height) - 0.5
    centres = centres.clip(0, len(field) - 1)
    above = centres.astype(int)
    below, share = np.minimum(above + 1, len(field) - 1), (centres - above)[:, None, None]
    return field[above] * (1 - share) + field[below] * share
