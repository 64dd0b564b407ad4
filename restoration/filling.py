"""A damaged gray photo and its mask -> whole luma. Known pixels are copied, at any size."""

import cv2
import numpy as np

from restoration.backends import Network
from restoration.membrane import membrane
from restoration.regions import Box, Window, hole_boxes, tiles, windows

FILL_SIZE = 512  # px, the longest side at which the Inpainter works; a larger thick hole is filled coarse to fine
RIM = 24  # px from the known ones that are filled again at each finer scale; deeper, there is no detail to go on


def fill(gray: np.ndarray, mask: np.ndarray, inpainter: Network) -> np.ndarray:
    """uint8 (H, W) with the pixels of bool (H, W) predicted and all others copied; what lies there is not read."""
    whole = gray.copy()
    for window in windows(mask, FILL_SIZE):
        seen = window.seen.slices
        _fill_window(whole, gray[seen], mask[seen], window, inpainter)
    return whole


def _fill_window(whole, gray, mask, window, inpainter):
    filled = _coarse_to_fine(gray, mask, window.filled.seen_from(window.seen), inpainter)
    whole[window.filled.slices][window.hole] = filled[window.hole]


def _coarse_to_fine(gray: np.ndarray, mask: np.ndarray, wanted: Box, inpainter: Network) -> np.ndarray:
    """The box `wanted` of a window, uint8; right under the mask only."""
    if max(gray.shape) <= FILL_SIZE:
        return _predict(gray, mask, wanted, inpainter)
    small = Box(wanted.top // 2, wanted.left // 2, (wanted.bottom + 1) // 2, (wanted.right + 1) // 2)
    coarse = _coarse_to_fine(*_halved(gray, mask), small, inpainter)
    filled = gray.copy()
    deep = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 3) > RIM
    double = _doubled(coarse, small, wanted)
    inside = mask[wanted.slices]
    filled[wanted.slices][inside] = double[inside]
    rim = mask & ~deep
    guess = filled.copy()
    for tile in tiles(rim & _only(wanted, mask.shape), wanted, FILL_SIZE):
        seen = tile.seen.slices
        part = _predict(guess[seen], rim[seen], tile.filled.seen_from(tile.seen), inpainter)
        filled[tile.filled.slices][tile.hole] = part[tile.hole]
    return filled[wanted.slices]


def _only(box: Box, shape: tuple[int, int]) -> np.ndarray:
    inside = np.zeros(shape, bool)
    inside[box.slices] = True
    return inside


def _halved(gray: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean of the known ones of each 2 x 2 pixels; damaged where most are, and everywhere but the best if all are."""
    height, width = gray.shape
    odd = (0, height % 2), (0, width % 2)
    gray, known = np.pad(gray, odd, "edge"), np.pad(~mask, odd, "edge")
    blocks = lambda x: sum(x[i::2, j::2].astype(np.uint16) for i in (0, 1) for j in (0, 1))  # noqa: E731
    count = blocks(known)
    total = blocks(gray * known)
    mean = (total + count // 2) // np.maximum(count, 1)
    return mean.astype(np.uint8), count < min(2, max(1, int(count.max())))


def _doubled(coarse: np.ndarray, small: Box, wanted: Box) -> np.ndarray:
    large = cv2.resize(coarse, (2 * coarse.shape[1], 2 * coarse.shape[0]), interpolation=cv2.INTER_CUBIC)
    top, left = wanted.top - 2 * small.top, wanted.left - 2 * small.left
    return large[top : top + wanted.bottom - wanted.top, left : left + wanted.right - wanted.left]


def _predict(gray: np.ndarray, mask: np.ndarray, wanted: Box, inpainter: Network) -> np.ndarray:
    """One pass of the network over all of a window; of its answer the box `wanted`, uint8."""
    start = membrane(gray / np.float32(255), mask)
    residual = inpainter(np.stack([start, mask.astype(np.float32)]), wanted)[0]
    return np.rint((start[wanted.slices] + residual).clip(0, 1) * 255).astype(np.uint8)


def damage_map(gray: np.ndarray, inpainter: Network) -> np.ndarray:
    """How likely each pixel is damaged, float32 (H, W) in [0, 1], asked without a mask."""
    height, width = gray.shape
    scale = min(1.0, FILL_SIZE / max(height, width))
    size = max(1, round(height * scale)), max(1, round(width * scale))
    light = cv2.resize(gray, size[::-1], interpolation=cv2.INTER_AREA) if scale < 1 else gray
    logits = inpainter(np.stack([light / np.float32(255), np.zeros(size, np.float32)]))[1]
    return cv2.resize(1 / (1 + np.exp(-logits)), (width, height), interpolation=cv2.INTER_LINEAR)
