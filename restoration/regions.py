"""Where to look: boxes around holes, so that a large photo costs what its damage costs."""

from typing import NamedTuple

import cv2
import numpy as np

MIN_CONTEXT = 64  # pixels of photo around a hole, at least


class Box(NamedTuple):
    """Half-open ranges of rows and columns."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def slices(self) -> tuple[slice, slice]:
        return slice(self.top, self.bottom), slice(self.left, self.right)


def hole_boxes(mask: np.ndarray) -> list[Box]:
    """Boxes that together hold every masked pixel of bool (H, W), none touching another.

    Each reaches past its hole by the hole's own longer side (at least MIN_CONTEXT), so that a hole
    covers about a ninth of what the network sees; boxes that overlap become one.
    """
    height, width = mask.shape
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    boxes: list[Box] = []
    for left, top, w, h, _ in sorted(stats[1:].tolist(), key=lambda s: -s[2] * s[3]):
        context = max(MIN_CONTEXT, w, h)
        box = Box(
            max(0, top - context),
            max(0, left - context),
            min(height, top + h + context),
            min(width, left + w + context),
        )
        _merge(boxes, box)
    return boxes


def _merge(boxes: list[Box], box: Box) -> None:
    """Add a box to disjoint ones, keeping them disjoint."""
    while touching := next((b for b in boxes if _overlap(b, box)), None):
        boxes.remove(touching)
        box = Box(
            min(box.top, touching.top),
            min(box.left, touching.left),
            max(box.bottom, touching.bottom),
            max(box.right, touching.right),
        )
    boxes.append(box)


def _overlap(a: Box, b: Box) -> bool:
    return a.top < b.bottom and b.top < a.bottom and a.left < b.right and b.left < a.right
