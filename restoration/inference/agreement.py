"""One color for what belongs together: a red spot on a gray suit fades."""

import cv2
import numpy as np

from restoration.inference.scaling import smoothstep

REACH = 12  # px at the size of the logits, the standard deviation along even luma
EDGE = 0.15  # step of luma that costs as much as the whole reach
PASSES = 3
SPREAD = 0.3  # of the median variance, added to each place's so that none is overconfident
SPOT = 0.03, 0.08  # chroma above that of its surroundings from which a color begins to fade, and fades fully


def agreed(logits: np.ndarray, light: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Beliefs averaged along even luma, the surer ones counting more.

    The recursive filter of Gastal and Oliveira, "Domain Transform for Edge-Aware Image and Video Processing" (2011):
    rows and columns in turn, each pass with half the reach of the one before.

    Args:
        logits: float32 (N, h, w).
        light: luma at their size, float32 (h, w) in [0, 1].
        variance: the color's variance at each place, (h, w).

    Returns:
        float32 (N, h, w).
    """
    doubt = variance / max(np.median(variance), 1e-9) + SPREAD
    field = np.concatenate([logits, np.ones_like(variance)[None]]) / doubt
    field = np.moveaxis(field.astype(np.float32), 0, -1).copy()
    for number in range(PASSES):
        reach = REACH * np.sqrt(3) * 2.0 ** (PASSES - number - 1) / np.sqrt(4.0**PASSES - 1)
        for axis in (1, 0):
            way = 1 + REACH / EDGE * np.abs(np.diff(light, axis=axis))
            _smooth_along(np.moveaxis(field, axis, 0), np.moveaxis(np.exp(-np.sqrt(2) / reach * way), axis, 0))
    return np.moveaxis(field[..., :-1] / field[..., -1:], -1, 0)


def _smooth_along(field: np.ndarray, kept: np.ndarray) -> None:
    """Filter a field (n, m, C) in place, down and up: each line takes the share `kept` (n - 1, m) of its neighbor."""
    kept = kept[..., None].astype(np.float32)
    for line in range(1, len(field)):
        field[line] += kept[line - 1] * (field[line - 1] - field[line])
    for line in range(len(field) - 2, -1, -1):
        field[line] += kept[line] * (field[line + 1] - field[line])


def without_spots(own: np.ndarray, common: np.ndarray) -> np.ndarray:
    """Chroma (h, w, 2): each place's own, or that of its surroundings where its own is much more vivid."""
    least, most = SPOT
    share = np.clip((np.linalg.norm(own - common, axis=2) - least) / (most - least), 0, 1)
    share[np.linalg.norm(own, axis=2) <= np.linalg.norm(common, axis=2)] = 0
    share = cv2.GaussianBlur(smoothstep(share), (0, 0), 1)[..., None]
    return own + share * (common - own)
