"""A whole gray photo and perhaps color hints -> chroma, and chroma -> a color photo."""

from typing import NamedTuple

import numpy as np
from PIL import Image

from restoration.bands import Rows, bands
from restoration.color import chroma, with_chroma
from restoration.config import CHROMA_SCALE
from restoration.inference.backends import Network
from restoration.inference.laplace import membrane
from restoration.inference.scaling import Guided, shrink

COLOR_SIZE = 160  # px, the shorter side at which chroma is predicted: eyes want color coarser than light
MAX_COLOR_SIDE = 1024  # px, the longer one, for panoramas


class Hints(NamedTuple):
    """Colors to follow."""

    rgb: np.ndarray | Rows  # uint8 (H, W, 3)
    where: np.ndarray  # bool (H, W)


def predict_chroma(gray: np.ndarray, colorizer: Network, hints: Hints | None = None, meet: bool = False) -> np.ndarray:
    """Chroma of a whole gray photo at the size where it is predicted, float32 (h, w, 2).

    Args:
        gray: uint8 (H, W).
        hints: colors that the network follows where it sees fit.
        meet: be exact at the hints and smooth around them.
    """
    size = color_size(*gray.shape)
    image = np.zeros((4, *size), np.float32)
    image[0] = shrink(gray.shape, size, lambda rows: gray[rows] / np.float32(255))
    if hints is None:
        return colorizer(image).transpose(1, 2, 0)
    known, hinted = _shrunk_hints(hints, size)
    image[1:3], image[3] = CHROMA_SCALE * known.transpose(2, 0, 1), hinted  # as models.Colorizer does
    predicted = colorizer(image).transpose(1, 2, 0)
    return predicted + membrane(known - predicted, ~hinted) if meet else predicted


def _shrunk_hints(hints: Hints, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Mean chroma of the hints (h, w, 2), and where there are any, bool (h, w): a dab smaller than a pixel counts."""

    def band(rows: slice) -> np.ndarray:
        weight = hints.where[rows, :, None].astype(np.float32)
        return np.concatenate([chroma(hints.rgb[rows]) * weight, weight], axis=-1)

    summed = shrink(hints.where.shape, size, band)
    weight = summed[..., 2:]
    return summed[..., :2] / np.maximum(weight, np.float32(1e-6)), weight[..., 0] > 0


def painted(gray: np.ndarray, cbcr: np.ndarray) -> Image.Image:
    """A gray photo, uint8 (H, W), in the colors of a smaller chroma (h, w, 2): RGB, its luma exactly the photo's."""
    large, image = Guided(cbcr, gray), Image.new("RGB", gray.shape[::-1])
    for rows in bands(*gray.shape):
        image.paste(Image.fromarray(with_chroma(gray[rows], large[rows])), (0, rows.start))
    return image


def recolored(photo: Image.Image, gray: np.ndarray, mask: np.ndarray, cbcr: np.ndarray) -> Image.Image:
    """The photo's own RGB outside the mask; inside it `gray` in the colors of `cbcr`."""
    large, image = Guided(cbcr, gray), photo.copy()
    for rows in bands(*gray.shape):
        if mask[rows].any():
            colored = with_chroma(gray[rows], large[rows])
            band = np.where(mask[rows, :, None], colored, Rows(photo)[rows])
            image.paste(Image.fromarray(band), (0, rows.start))
    return image


def color_size(height: int, width: int) -> tuple[int, int]:
    """The size at which a photo's chroma is predicted."""
    scale = min(1.0, COLOR_SIZE / min(height, width), MAX_COLOR_SIDE / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))
