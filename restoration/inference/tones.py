"""Stretch faded tones, always for the Colorizer, in the result on request; recognize tinted paper."""

import numpy as np
from PIL import Image

from restoration.inference.prints import Print
from restoration.inference.scaling import bands

FADED = 200  # levels: a photo with a smaller range is stretched before a network sees it
MAX_GAIN = 6.0  # more would amplify noise; a photo of almost no contrast is unchanged
TAIL = 0.005  # of the pixels at either end may be clipped, such as dust and scratches
LOWEST, HIGHEST = 5, 250  # the levels that the ends are mapped to
TINT_TOLERANCE = 4.0  # levels of chroma that paper, stains and JPEG add to a photo of one tint


def freshened(levels: np.ndarray, prints: list[Print]) -> np.ndarray:
    """The levels of a scan, uint8 (H, W): each print stretched over the whole range, the paper by their average curve.

    In a color photo, every channel is stretched separately, which removes the cast of a faded dye.
    """
    curves = [tone_curve(found.cut(levels)) for found in prints]
    result = np.rint(np.mean(curves, axis=0)).astype(np.uint8)[levels]
    for found, curve in zip(prints, curves, strict=True):
        box, columns = found.box(levels.shape)
        for band in bands(box.stop - box.start, columns.stop - columns.start):
            rows = slice(box.start + band.start, box.start + band.stop)
            inside = found.coverage(rows, columns) > 0.5
            result[rows, columns][inside] = curve[levels[rows, columns][inside]]
    return result


def stretch_if_faded(levels: np.ndarray) -> np.ndarray:
    """A print's levels, uint8 (H, W), stretched if they are faded, as the networks expect them."""
    low, high = _ends(levels)
    return levels if high - low >= FADED else tone_curve(levels)[levels]


def tone_curve(levels: np.ndarray) -> np.ndarray:
    """uint8 (256,): what each level becomes when the photo's ends are stretched to the ends of the range."""
    low, high = _ends(levels)
    gain = (HIGHEST - LOWEST) / max(high - low, 1)
    every = np.arange(256)
    return np.rint(np.clip((every - low) * gain + LOWEST, 0, 255) if 1 < gain <= MAX_GAIN else every).astype(np.uint8)


def _ends(levels: np.ndarray) -> tuple[int, int]:
    """The levels below and above which there are hardly any pixels."""
    share = np.cumsum(np.bincount(levels.ravel(), minlength=256)) / levels.size
    return int(np.searchsorted(share, TAIL)), int(np.searchsorted(share, 1 - TAIL))


def is_tinted(photo: Image.Image) -> bool:
    """Whether a color photo is really a gray one on yellowed or sepia paper: its chroma is a function of its luma."""
    if photo.mode == "L":
        return False
    small = photo.resize((96, 96), Image.Resampling.BOX).convert("YCbCr")
    luma, *chroma = (band.ravel().astype(float) for band in np.moveaxis(np.asarray(small), 2, 0))
    left = [band - np.polyval(np.polyfit(luma, band, 2), luma) for band in chroma] if np.ptp(luma) else [np.zeros(1)]
    return float(np.hypot.reduce([np.std(band) for band in left])) < TINT_TOLERANCE
