"""A damaged gray photo and its mask -> whole luma. Known pixels are copied, at any size."""

from typing import Literal, get_args

import cv2
import numpy as np

from restoration.config import FILL_SIZE
from restoration.inference.backends import Network
from restoration.inference.laplace import membrane
from restoration.inference.regions import MAX_DEPTH, Box, Window, depth, tiles, windows

Fill = Literal["textured", "smooth"]  # with `texture.add_texture` on top, or without
FILLS: tuple[Fill, ...] = get_args(Fill)
MANY = 50_000  # px: above this, filling is slow, and a photo without fine detail is filled at half the size
SOFT = 2.0  # levels of gray: a photo that loses less than this on average at half the size is soft


def fill_smoothly(
    gray: np.ndarray, mask: np.ndarray, inpainter: Network, wanted: np.ndarray | None = None
) -> np.ndarray:
    """uint8 (H, W) with the pixels of bool (H, W), or only those `wanted`, predicted without reading any masked pixel,
    and all others copied."""
    wanted = mask if wanted is None else wanted
    if np.count_nonzero(wanted) > MANY and _is_soft(gray, mask):
        return np.where(wanted, _fill_half(gray, mask, wanted, inpainter), gray)
    whole = gray.copy()
    at_once, large = windows(wanted, FILL_SIZE)
    for window in at_once:
        _predict(whole, gray, mask, window, inpainter)
    if large is not None:
        _fill_large(whole, gray, mask, large, inpainter)
    return whole


def _is_soft(gray: np.ndarray, mask: np.ndarray) -> bool:
    """Whether what is known of a photo, uint8 (H, W), is hardly sharper than at half the size, as most scans are."""
    half = cv2.resize(gray, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    doubled = cv2.resize(half, gray.shape[::-1], interpolation=cv2.INTER_CUBIC)
    clear = cv2.erode((~mask).view(np.uint8), np.ones((9, 9)))  # of what lies in the mask
    return cv2.norm(gray, doubled, cv2.NORM_L1, clear) <= SOFT * np.count_nonzero(clear)


def _fill_half(gray: np.ndarray, mask: np.ndarray, wanted: np.ndarray, inpainter: Network) -> np.ndarray:
    """The photo filled at half the size and doubled, uint8 (H, W)."""
    half = fill_smoothly(*_halved(gray, mask), inpainter, _any_of_four(wanted))
    return cv2.resize(half, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)[: gray.shape[0], : gray.shape[1]]


def _fill_large(whole: np.ndarray, gray: np.ndarray, mask: np.ndarray, holes: np.ndarray, inpainter: Network) -> None:
    """Fill holes larger than the network sees at once, coarse to fine.

    The inside comes from the photo at half the size, since no detail can be continued that far. It then counts as
    known, and the rim between it and the photo is filled at full resolution.
    """
    deep = holes & (depth(holes) > MAX_DEPTH)
    guess = np.where(deep, _fill_half(gray, mask, holes, inpainter), gray)
    np.copyto(whole, guess, where=deep)
    for window in tiles(holes & ~deep, Box(0, 0, *gray.shape), FILL_SIZE):
        _predict(whole, guess, mask & ~deep, window, inpainter)


def _predict(whole: np.ndarray, gray: np.ndarray, mask: np.ndarray, window: Window, inpainter: Network) -> None:
    """One pass of the network over a window; the fill is written into `whole`."""
    seen, filled = window.seen.slices, window.filled.seen_from(window.seen)
    start = membrane(gray[seen] / np.float32(255), mask[seen])
    residual = inpainter(np.stack([start, mask[seen].astype(np.float32)]), filled)[0]
    luma = np.rint((start[filled.slices] + residual).clip(0, 1) * 255).astype(np.uint8)
    np.copyto(whole[window.filled.slices], luma, where=window.hole)


def _halved(gray: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A photo and its mask at half the size: the mean of the known pixels where at least two of four are known.

    If almost nothing in the photo is known, one of four is enough.
    """
    odd = [(0, side % 2) for side in gray.shape]
    gray, known = np.pad(gray, odd, "edge"), np.pad(~mask, odd, "edge")
    count = _sum_of_four(known)
    mean = (_sum_of_four(gray * known) + count // 2) // np.maximum(count, 1)
    return mean.astype(np.uint8), count < min(2, max(1, int(count.max())))


def _any_of_four(mask: np.ndarray) -> np.ndarray:
    return _sum_of_four(np.pad(mask, [(0, side % 2) for side in mask.shape])) > 0


def _sum_of_four(x: np.ndarray) -> np.ndarray:
    rows = np.add(x[::2], x[1::2], dtype=np.uint16)
    return rows[:, ::2] + rows[:, 1::2]
