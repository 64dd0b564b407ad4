"""Between the full-size photo and the small preview that is painted on.

A large photo would be slow to send and to show, so the browser gets a preview. Strokes painted on it are sent back
and drawn at the photo's full size: into its mask, or as its color hints.
"""

from collections.abc import Iterable

import cv2
import numpy as np
from PIL import Image

from restoration.inference.faces import find_faces
from restoration.inference.regions import touching

PREVIEW = 1600  # px, the longest side of a preview
MARK, NEW = (255, 51, 102, 150), (255, 210, 0, 220)  # RGBA of marks, and of new ones
EDGE = (0, 0, 0, 150)  # beside a ring, so that it is visible on white
Mask = np.ndarray  # bool (H, W), True = damaged


def preview(photo: Image.Image) -> Image.Image:
    """The photo with sides of at most PREVIEW px; small photos are unchanged."""
    return photo.resize(fitted(photo.size), Image.Resampling.LANCZOS, reducing_gap=3.0)


def fitted(size: tuple[int, int], longest: int = PREVIEW) -> tuple[int, int]:
    """A photo's (width, height), or a smaller one whose longer side is `longest`."""
    scale = min(1, longest / max(size))
    return max(1, round(scale * size[0])), max(1, round(scale * size[1]))


def shrink_mask(mask: Mask, size: tuple[int, int]) -> Mask:
    """The mask at a preview's (width, height): a pixel is marked if any of the pixels below it is."""
    share = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return share > 0


def is_on_people(mask: Mask, small: Image.Image) -> bool:
    """Whether anything is marked in a face or just below, where a necklace is; `small` is the photo's preview."""
    marked, faces = shrink_mask(mask, small.size), find_faces(np.asarray(small.convert("L")))
    boxes = [np.maximum(face.box, 0).astype(int) for face in faces]
    return any(marked[top : top + 2 * height, left : left + width].any() for left, top, width, height in boxes)


def marked_layer(mask: Mask, new: Mask, size: tuple[int, int]) -> Image.Image:
    """A mask as a layer above a preview of (width, height): RGBA, transparent where nothing is marked.

    New marks have their own color, except mere rims around old ones. New marks apart from old ones also get a ring,
    since on a phone a speck in a large photo is smaller than a pixel.
    """
    layer = np.zeros((*size[::-1], 4), np.uint8)
    marked = shrink_mask(mask, size)
    layer[marked] = MARK
    if new.any():
        old = shrink_mask(mask & ~new, size)
        fresh = marked & (_distance(old) > 1 / 300)
        away = _distance(fresh & ~touching(marked, old))
        layer[(away > 1 / 60) & (away < 1 / 42)] = EDGE
        layer[(away > 1 / 56) & (away < 1 / 45) | fresh] = NEW
    return Image.fromarray(layer)


def _distance(mask: Mask) -> np.ndarray:
    """Distance from each pixel to the nearest marked one, in longer sides of the mask; 1 if there is none."""
    far = cv2.distanceTransform((~mask).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.minimum(far / max(mask.shape), 1)


def drawn(strokes: Iterable[dict], size: tuple[int, int]) -> Mask:
    """Strokes as `browser/painter.js` sends them, at the photo's (width, height); they may begin outside it."""
    mask = np.zeros(size[::-1], np.uint8)
    for stroke in strokes:
        points = np.clip(np.array(stroke["points"], float), -1, 2) * size - 0.5
        thickness = max(1, round(min(stroke["width"], 1) * size[0]))
        points = points[[0, *range(len(points))]]  # one point alone would draw nothing
        cv2.polylines(mask, [np.rint(points * 16).astype(np.int32)], False, 1, thickness, shift=4)  # sixteenths of a px
    return mask > 0


def is_tap(stroke: dict) -> bool:
    """Whether a stroke hardly moves."""
    return np.ptp(stroke["points"], axis=0).max() < stroke["width"] / 2


def colored(dabs: Iterable[dict], size: tuple[int, int]) -> Image.Image | None:
    """Strokes of color as hints, RGBA of the photo's (width, height); None if there are none."""
    hints = None
    for dab in dabs:
        hints = hints or Image.new("RGBA", size)
        hints.paste(dab["pen"], mask=Image.fromarray(drawn([dab], size)))
    return hints


class Change:
    """A mask before a change, stored only where it changed, one bit per pixel."""

    def __init__(self, before: Mask, after: Mask):
        left, top, width, height = cv2.boundingRect((before ^ after).view(np.uint8))
        self._where, self._width = np.s_[top : top + height, left : left + width], width
        self._bits = np.packbits(before[self._where], axis=1)

    def undone(self, after: Mask) -> Mask:
        """The mask as it was before."""
        before = after.copy()
        before[self._where] = np.unpackbits(self._bits, axis=1, count=self._width) > 0
        return before


def with_more(mask: Mask, before: Mask, now: Mask) -> Mask:
    """The mask plus the regions found `now`, except those that touch what was found `before` and erased since."""
    return mask | (now & ~touching(now, before & ~mask))
