"""`prefill` for one photo in NumPy: the Inpainter's starting point where PyTorch is not loaded."""

import cv2
import numpy as np

from restoration.config import RELAXATIONS

_CROSS = np.float32([[0, 1, 0], [1, 0, 1], [0, 1, 0]]) / 4


def membrane(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Fill the masked pixels by approximately solving Laplace's equation, as `prefill.prefill` does, up to rounding.

    Args:
        image: float32 (H, W) or (H, W, C); its values under the mask are not read.
        mask: bool (H, W), True = fill.

    Returns:
        An array like `image`, equal to it where the mask is False; 0 where everything is masked.
    """
    known = (~mask).astype(np.float32)
    return _cascade(np.where(_like(mask, image), np.float32(0), image), known)


def _cascade(weighted: np.ndarray, known: np.ndarray) -> np.ndarray:
    """`weighted` = values times `known`; `known` in [0, 1] is the part of each pixel that is known."""
    values = weighted / np.maximum(_like(known, weighted), np.float32(1e-6))
    unknown = known <= 0
    if not unknown.any():
        return values
    if min(known.shape) <= 2:
        values[unknown] = weighted.sum(axis=(0, 1)) / max(known.sum(), 1e-6)
        return values
    coarse = _cascade(_halve(weighted), _halve(known))
    _relax(values, coarse, unknown)
    return values


def _relax(values: np.ndarray, coarse: np.ndarray, unknown: np.ndarray) -> None:
    """Put the coarse fill into the unknown pixels and smooth it; no other pixel changes."""
    fine = cv2.resize(coarse, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)
    inside = _like(unknown, values)
    np.copyto(values, fine[: values.shape[0], : values.shape[1]], where=inside)
    for _ in range(RELAXATIONS):
        np.copyto(values, cv2.filter2D(values, -1, _CROSS, borderType=cv2.BORDER_REPLICATE), where=inside)


def _halve(x: np.ndarray) -> np.ndarray:
    """The mean of each 2 x 2 pixels; an odd edge is repeated."""
    height, width = x.shape[:2]
    if height % 2 or width % 2:
        x = cv2.copyMakeBorder(x, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
    return cv2.resize(x, (x.shape[1] // 2, x.shape[0] // 2), interpolation=cv2.INTER_AREA)


def _like(plane: np.ndarray, image: np.ndarray) -> np.ndarray:
    return plane if image.ndim == 2 else plane[..., None]
