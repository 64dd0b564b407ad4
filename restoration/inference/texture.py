"""Texture for filled holes: the smooth fill is rebuilt from small patches of the same photo.

From the coarsest of several sizes to the finest, two steps alternate (Wexler, Shechtman and Irani, "Space-Time
Completion of Video", 2007): every patch over the hole finds the most similar patch of the photo, and every
pixel of the hole becomes the mean of what the patches over it suggest. `patches` implements both.
"""

from collections.abc import Iterator

import cv2
import numpy as np

from restoration.inference.patches import RADIUS, Patches
from restoration.inference.regions import Box

THIN = 5, 1 / 400  # half the width up to which damage needs no texture: in px, and of the photo's longer side
SHARE = 0.85  # of the texture; the rest is the network's fill, which is numerically closer to the truth
CALM = 1.0  # levels of gray, the local contrast at which half of that share is left: skies have no texture
CONTEXT = 160  # px around a hole that patches are taken from
MAX_AREA = 1 << 20  # px of a hole with its context; for a larger one, texture is made on a smaller copy
MAX_PIXELS = 120_000  # of all holes together; for more, likewise, since a user waits
COARSEST = 4  # px, about the depth of the hole at the coarsest size


def add_texture(fill: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Give the holes of a filled photo texture from the rest of it; thin damage is unchanged.

    Args:
        fill: uint8 (H, W), filled smoothly.
        mask: bool (H, W), the filled pixels; no patch is taken from there.

    Returns:
        uint8 (H, W), equal to `fill` outside the thick parts of the mask.
    """
    thick = thick_parts(mask)
    if not thick.any():
        return fill
    textured, finest = fill.copy(), _halvings(np.count_nonzero(thick), MAX_PIXELS)
    for box, hole in _holes(thick):
        rebuilt = _rebuilt(fill[box.slices], hole, mask[box.slices], finest)
        np.copyto(textured[box.slices], rebuilt, where=hole)
    return textured


def thick_parts(mask: np.ndarray) -> np.ndarray:
    """The parts of bool (H, W) wider than twice THIN in all directions, with their surroundings; without scratches."""
    side = 2 * max(THIN[0], int(THIN[1] * max(mask.shape))) + 1
    core = cv2.erode(mask.astype(np.uint8), np.ones((side, side)))
    return mask & (cv2.dilate(core, np.ones((2 * side - 1, 2 * side - 1))) > 0)


def _holes(thick: np.ndarray) -> Iterator[tuple[Box, np.ndarray]]:
    """Each hole's box with its context, and the hole in it, bool (h, w)."""
    near = cv2.dilate(thick.astype(np.uint8), np.ones((2 * RADIUS + 1, 2 * RADIUS + 1)))  # close holes count as one
    count, labels, stats, _ = cv2.connectedComponentsWithStats(near, connectivity=8)
    for label, (left, top, width, height, _) in zip(range(1, count), stats[1:].tolist(), strict=True):
        box = Box.of(left, top, width, height).grown(CONTEXT, thick.shape)
        yield box, thick[box.slices] & (labels[box.slices] == label)


def _halvings(pixels: int, most: int) -> int:
    """How often to halve both sides until at most `most` pixels are left."""
    return max(0, int(np.ceil(np.log2(pixels / most) / 2)))


def _rebuilt(fill: np.ndarray, hole: np.ndarray, mask: np.ndarray, finest: int) -> np.ndarray:
    """One hole with texture at a size of 1 / 2**finest, uint8 (h, w); the fill if there are no patches."""
    depth = cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, 3).max()
    coarsest = max(0, int(np.ceil(np.log2(depth / COARSEST))))
    finest = max(finest, _halvings(fill.size, MAX_AREA))
    level = None
    for power in range(max(coarsest, finest), finest - 1, -1):
        finer = Patches(fill, hole, mask, power)
        if finer.sources.size and finer.places.size:  # a speck may vanish in a smaller copy
            finer.start(level)
            finer.improve(sharp=power == finest)
            level = finer
    if level is None:
        return fill
    image, contrast = (cv2.resize(x, fill.shape[::-1]) for x in (level.image, level.contrast))
    share = SHARE * contrast / (contrast + CALM)
    return np.rint(fill + share * (image - fill)).clip(0, 255).astype(np.uint8)
