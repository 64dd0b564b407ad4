"""Windows around damage, so that the work depends on the damage and not on the size of the photo."""

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np

MIN_CONTEXT = 64  # pixels of photo around a hole, at least
MAX_DEPTH = 16  # px from a known pixel up to which damage is thin; from 44 px on, a shrunk, wider view does better


class Box(NamedTuple):
    """Half-open ranges of rows and columns."""

    top: int
    left: int
    bottom: int
    right: int

    @classmethod
    def of(cls, left: int, top: int, width: int, height: int) -> "Box":
        """OpenCV's rectangle."""
        return cls(top, left, top + height, left + width)

    @property
    def slices(self) -> tuple[slice, slice]:
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def longer_side(self) -> int:
        return max(self.bottom - self.top, self.right - self.left)

    def cut(self, other: "Box") -> "Box":
        """The intersection of both."""
        return Box(*map(max, self[:2], other[:2]), *map(min, self[2:], other[2:]))

    def grown(self, context: int, photo: tuple[int, int]) -> "Box":
        """The box and `context` pixels around it, as far as a photo (H, W) reaches."""
        top, left, bottom, right = self
        return Box(top - context, left - context, bottom + context, right + context).cut(Box(0, 0, *photo))

    def snapped(self, grid: int) -> "Box":
        """The smallest box around it whose edges are multiples of `grid`."""
        return Box(*(edge // grid * grid for edge in self[:2]), *(-(-edge // grid) * grid for edge in self[2:]))

    def divided(self, scale: int) -> "Box":
        """The same box in a picture that is `scale` times smaller."""
        return Box(*(edge // scale for edge in self))

    def moved(self, down: int, right: int) -> "Box":
        return Box(self.top + down, self.left + right, self.bottom + down, self.right + right)

    def seen_from(self, other: "Box") -> "Box":
        """The same box in another one's coordinates."""
        return self.moved(-other.top, -other.left)


class Window(NamedTuple):
    """What the network sees, and which part of that it fills."""

    seen: Box
    filled: Box  # inside `seen`
    hole: np.ndarray  # bool, of the shape of `filled`


def windows(mask: np.ndarray, size: int) -> tuple[list[Window], np.ndarray | None]:
    """Windows of at most `size` pixels for bool (H, W), and the holes for which there are none, bool (H, W).

    Windows and holes together hold each masked pixel once. A photo of at most `size` pixels is one window. In a
    larger one each hole has a box; boxes of thin damage that are too long (scratches, clustered specks) are cut into
    tiles. Thick holes with longer boxes are returned as holes; None if there are none.
    """
    if max(mask.shape) <= size:
        whole = Box(0, 0, *mask.shape)
        return [_window(whole, whole, mask)] if mask.any() else [], None
    thick = touching(mask, depth(mask) > MAX_DEPTH)
    boxes = hole_boxes(thick)
    found = [_window(box, box, thick) for box in boxes if box.longer_side <= size]
    left = [box for box in boxes if box.longer_side > size]
    thin = mask & ~thick
    for box in hole_boxes(thin):
        found += [_window(box, box, thin)] if box.longer_side <= size else tiles(thin, box, size)
    holes = np.zeros_like(mask)
    for box in left:
        holes[box.slices] = thick[box.slices]
    return found, holes if left else None


def hole_boxes(mask: np.ndarray) -> list[Box]:
    """Boxes that together hold every masked pixel of bool (H, W), none touching another.

    Each extends past its hole by the hole's longer side (at least MIN_CONTEXT), so that the hole covers about a
    ninth of what the network sees; overlapping boxes are merged.
    """
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    boxes: list[Box] = []
    for left, top, w, h, _ in sorted(stats[1:].tolist(), key=lambda s: -s[2] * s[3]):
        _merge(boxes, Box.of(left, top, w, h).grown(max(MIN_CONTEXT, w, h), mask.shape))
    return boxes


def depth(mask: np.ndarray) -> np.ndarray:
    """Distance of each masked pixel to the nearest known one, float32 (H, W); none is beyond the photo's edge."""
    return cv2.distanceTransform(mask.view(np.uint8), cv2.DIST_L2, 5)


def touching(mask: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The regions of a mask that meet another one, bool (H, W) all three."""
    count, labels = cv2.connectedComponents(mask.view(np.uint8), connectivity=8)
    meets = np.zeros(count, bool)
    meets[labels[other & mask]] = True
    return meets[labels]


def tiles(mask: np.ndarray, box: Box, size: int) -> Iterator[Window]:
    """Windows of `size` over the masked pixels of a box, on the photo's grid, so that no distant speck moves them."""
    step = size - 2 * MIN_CONTEXT
    for top in range(box.top // step * step, box.bottom, step):
        for left in range(box.left // step * step, box.right, step):
            tile = Box(top, left, top + step, left + step)
            filled = tile.cut(box)
            if mask[filled.slices].any():
                yield _window(tile.grown(MIN_CONTEXT, mask.shape), filled, mask)


def _window(seen: Box, within: Box, mask: np.ndarray) -> Window:
    """A window that fills the masked pixels of a part of it; only their box is computed."""
    filled = Box.of(*cv2.boundingRect(mask[within.slices].astype(np.uint8))).moved(within.top, within.left)
    return Window(seen, filled, mask[filled.slices])


def _merge(boxes: list[Box], box: Box) -> None:
    """Add a box to disjoint ones, keeping them disjoint."""
    while touching := next((b for b in boxes if _overlap(b, box)), None):
        boxes.remove(touching)
        box = Box(*map(min, box[:2], touching[:2]), *map(max, box[2:], touching[2:]))
    boxes.append(box)


def _overlap(a: Box, b: Box) -> bool:
    return a.top < b.bottom and b.top < a.bottom and a.left < b.right and b.left < a.right


def disk(radius: int) -> np.ndarray:
    """A structuring element, uint8 (2 radius + 1, 2 radius + 1)."""
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
