"""A picture on a scan: its place, and the picture cut out and straightened."""

from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image


class Print(NamedTuple):
    """A picture on a scan: a rectangle, rotated about its center."""

    x: float  # of the center, px from the scan's left edge
    y: float  # px from its top edge
    width: float  # px
    height: float
    angle: float = 0.0  # degrees clockwise

    @classmethod
    def whole(cls, shape: tuple[int, ...]) -> "Print":
        """The print that covers a whole scan (H, W)."""
        return cls(shape[1] / 2, shape[0] / 2, shape[1], shape[0])

    def matrix(self) -> np.ndarray:
        """(2, 3): maps a point in the print, px from its upper left corner, to the point on the scan."""
        cosine, sine = np.cos(np.radians(self.angle)), np.sin(np.radians(self.angle))
        turn = np.array([[cosine, -sine], [sine, cosine]])
        return np.column_stack([turn, [self.x, self.y] - turn @ [self.width / 2, self.height / 2]])

    def corners(self) -> np.ndarray:
        """(4, 2): x and y on the scan, clockwise from the upper left."""
        matrix = self.matrix()
        return np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * [self.width, self.height] @ matrix[:, :2].T + matrix[:, 2]

    def grown(self, left: float, top: float, right: float, bottom: float) -> "Print":
        """The print with its sides moved outward, px."""
        width, height = self.width + left + right, self.height + top + bottom
        x, y = self.matrix() @ [(self.width + right - left) / 2, (self.height + bottom - top) / 2, 1]
        return Print(x, y, width, height, self.angle)

    def scaled(self, across: float, down: float) -> "Print":
        """On a scan scaled by these factors, which must be nearly equal if the print is rotated."""
        return Print(self.x * across, self.y * down, self.width * across, self.height * down, self.angle)

    def beyond(self, shape: tuple[int, ...]) -> tuple[float, ...]:
        """How far it extends beyond a scan of this shape: px on the left, top, right and bottom."""
        (left, top), (right, bottom) = self.corners().min(axis=0), self.corners().max(axis=0)
        return -left, -top, right - shape[1], bottom - shape[0]

    def within(self, shape: tuple[int, ...]) -> "Print":
        """The largest unrotated part on a scan of this shape, for prints rotated by a few degrees."""
        x, y = np.sort(self.corners(), axis=0).T
        left, top, right, bottom = max(x[1], 0), max(y[1], 0), min(x[2], shape[1]), min(y[2], shape[0])
        return Print((left + right) / 2, (top + bottom) / 2, right - left, bottom - top)

    def box(self, shape: tuple[int, ...]) -> tuple[slice, slice]:
        """Rows and columns of a scan of this shape that contain it; if it is not rotated, exactly these."""
        low, high = self.corners().min(axis=0), self.corners().max(axis=0)
        (left, top), (right, bottom) = np.rint([low, high] if self.angle == 0 else [low - 0.5, high + 0.5]).astype(int)
        return slice(max(top, 0), min(bottom, shape[0])), slice(max(left, 0), min(right, shape[1]))

    def cut(self, image: np.ndarray, how: int = cv2.INTER_NEAREST) -> np.ndarray:
        """The print cut out of a scan (H, W) or (H, W, C) and straightened: a view if it is not rotated."""
        if self.angle == 0:
            return image[self.box(image.shape)]
        size = max(1, round(self.width)), max(1, round(self.height))
        levels = image.view(np.uint8) if image.dtype == bool else image
        return straightened(levels, self, size, how).view(image.dtype)

    def laid(
        self, image: np.ndarray, box: tuple[slice, slice], size: tuple[int, int], border: int = cv2.BORDER_CONSTANT
    ) -> np.ndarray:
        """An image of the print, (h, w) or (h, w, C), as it lies in its box of the scan, at `size` (width, height)."""
        matrix = self.matrix() - [[0, 0, box[1].start], [0, 0, box[0].start]]
        matrix[:, :2] *= [self.width / image.shape[1], self.height / image.shape[0]]
        matrix *= [[length / (side.stop - side.start)] for length, side in zip(size, box[::-1], strict=True)]
        return cv2.warpAffine(image, centered(matrix), size, borderMode=border)

    def lay(self, mask: np.ndarray, scan: np.ndarray) -> None:
        """Transfer a mask of the cut print, bool (h, w), to the scan's mask, bool (H, W)."""
        box = self.box(scan.shape)
        part = scan[box]
        levels = mask.view(np.uint8) * np.uint8(255)
        part |= mask if self.angle == 0 else self.laid(levels, box, part.shape[::-1]) > 127

    def coverage(self, rows: slice, columns: slice) -> np.ndarray:
        """How much of each pixel of a part of the scan belongs to the print, float32 in [0, 1]."""
        if self.angle == 0:  # a box already
            return np.ones((rows.stop - rows.start, columns.stop - columns.start), np.float32)
        x = np.arange(columns.start, columns.stop, dtype=np.float32) + 0.5
        y = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None] + 0.5
        (a, b, left), (c, d, top) = cv2.invertAffineTransform(self.matrix()).astype(np.float32)
        u, v = a * x + b * y + left, c * x + d * y + top
        nearest = np.minimum(np.minimum(u, self.width - u), np.minimum(v, self.height - v))
        return np.clip(nearest + np.float32(0.5), 0, 1)


def extract(photo: Image.Image, found: Print) -> Image.Image:
    """A print cut out of a photo and straightened, in the photo's mode."""
    return Image.fromarray(found.cut(np.asarray(photo), cv2.INTER_CUBIC))


def straightened(
    image: np.ndarray,
    found: Print,
    size: tuple[int, int],
    how: int = cv2.INTER_LINEAR,
    beyond: int | None = None,
) -> np.ndarray:
    """A print of an image (H, W) or (H, W, C), as an image of `size` (width, height).

    `beyond` is the level outside the image; otherwise its edge pixels are repeated.
    """
    left, top = np.floor(found.corners().min(axis=0) - 1).clip(0).astype(int)
    right, bottom = np.ceil(found.corners().max(axis=0) + 1).astype(int)
    part = image[top:bottom, left:right]
    shrunk = 1.0
    if found.width >= 2 * size[0] and how == cv2.INTER_LINEAR:  # which would skip pixels
        shrunk = size[0] / found.width
        part = cv2.resize(part, None, fx=shrunk, fy=shrunk, interpolation=cv2.INTER_AREA)
    matrix = found.matrix() - [[0, 0, left], [0, 0, top]]
    matrix[:, :2] *= [found.width / size[0], found.height / size[1]]
    matrix *= shrunk
    around = {"borderMode": cv2.BORDER_REPLICATE} if beyond is None else {"borderValue": beyond}
    return cv2.warpAffine(part, centered(matrix), size, flags=how | cv2.WARP_INVERSE_MAP, **around)


def centered(matrix: np.ndarray) -> np.ndarray:
    """An affine map (2, 3) of coordinates from pixel corners, converted to pixel centers as OpenCV wants them."""
    return np.column_stack([matrix[:, :2], matrix @ [0.5, 0.5, 1] - 0.5])
