"""Damage for training and tests: holes drawn in the shapes that the contest's photos have.

Everything is drawn from an explicit `numpy.random.Generator`: the same seed gives the same damage.
To add a shape of hole, add a function `rng -> points` to `SHAPES`: the outline in units of its radius. Damage
without a filled outline (a stain, a crease) needs a function of its own beside `damage`.
"""

import cv2
import numpy as np

MIN_AREA, MAX_AREA = 0.01, 0.13  # of the photo, all holes together: the contest's range
AREA_TOLERANCE = 0.15  # of the wanted area
MAX_SHAPES, MAX_CORRECTIONS = 4, 5
Points = np.ndarray  # (N, 2) float, x and y in units of the shape's radius


def _star_polygon(rng: np.random.Generator) -> Points:
    """An irregular polygon whose outline goes once around its center."""
    count = rng.integers(5, 13)
    angles = np.sort(rng.uniform(0, 2 * np.pi, count))
    radii = rng.uniform(0.4, 1.0, count)
    return np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1)


def _crossing_polygon(rng: np.random.Generator) -> Points:
    """Random corners joined in random order, so that the outline crosses itself."""
    return rng.uniform(-1, 1, (rng.integers(4, 9), 2))


def _triangle(rng: np.random.Generator) -> Points:
    angles = rng.uniform(0, 2 * np.pi) + np.array([0, 1, 2]) * 2 * np.pi / 3 + rng.uniform(-0.6, 0.6, 3)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _rectangle(rng: np.random.Generator) -> Points:
    """A rectangle (one in three a square), one in two turned."""
    aspect = 1.0 if rng.random() < 1 / 3 else rng.uniform(0.3, 1.0)
    corners = np.array([[-1, -aspect], [1, -aspect], [1, aspect], [-1, aspect]])
    turn = rng.uniform(0, np.pi) if rng.random() < 0.5 else 0.0
    return corners @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])


def _circle(rng: np.random.Generator) -> Points:
    angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


SHAPES = _star_polygon, _crossing_polygon, _triangle, _rectangle, _circle


def draw_hole(rng: np.random.Generator, height: int, width: int, area: float) -> np.ndarray:
    """One hole of about `area` (a fraction of the photo), inside the photo as in the contest -> bool (height, width).

    The shape is drawn, its pixels are counted and its radius is corrected, which reaches the wanted area for any
    outline, even one that crosses itself. A shape too thin to reach it is replaced by another.
    """
    wanted = max(4.0, area * height * width)
    for _ in range(MAX_SHAPES):
        points = SHAPES[rng.integers(len(SHAPES))](rng)
        center = rng.uniform(0, 1, 2)
        largest = ((np.array([width, height]) - 1) / np.ptp(points, axis=0)).min()
        radius = np.sqrt(wanted / np.pi)
        for _ in range(MAX_CORRECTIONS):
            radius = min(radius, largest)
            mask = _fill(points * radius, center, height, width)
            drawn = np.count_nonzero(mask) / wanted
            if abs(drawn - 1) <= AREA_TOLERANCE:
                return mask
            radius *= np.sqrt(1 / drawn)
    return mask


def _fill(points: Points, center: np.ndarray, height: int, width: int) -> np.ndarray:
    """Points in pixels, `center` in [0, 1] of the room left for the shape -> bool (height, width)."""
    low, extent = points.min(axis=0), np.ptp(points, axis=0)
    room = np.maximum(np.array([width, height]) - 1 - extent, 0)
    corners = np.rint(points - low + center * room).astype(np.int32)
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [corners], 1)  # even-odd: an outline that crosses itself leaves parts of its inside whole
    return mask.view(bool)


def damage(
    gray: np.ndarray,
    rng: np.random.Generator,
    area: tuple[float, float] = (MIN_AREA, MAX_AREA),
    max_holes: int = 1,
) -> tuple[np.ndarray, np.ndarray]:
    """Fill 1 to `max_holes` random holes of a gray photo, each with one random gray.

    Args:
        gray: uint8 (H, W), left unchanged.
        area: lowest and highest fraction of the photo that all holes cover together.

    Returns:
        The damaged photo, uint8 (H, W), and the mask, bool (H, W). Outside the mask the photo is
        untouched; a hole's gray may by chance equal what was there.
    """
    damaged, mask = gray.copy(), np.zeros(gray.shape, bool)
    holes = int(rng.integers(1, max_holes + 1))
    share = rng.uniform(*area) / holes
    for _ in range(holes):
        hole = draw_hole(rng, *gray.shape, share) & ~mask
        damaged[hole] = rng.integers(0, 256)
        mask |= hole
    return damaged, mask


def clip_tones(gray: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Give one photo in two natural flat areas: blown highlights, crushed shadows, or both; uint8 in, uint8 out.

    The network that looks for damage must learn to leave these alone.
    """
    if rng.random() < 0.5:
        return gray
    gain, offset = rng.uniform(1.0, 2.2), rng.uniform(-140, 60)
    return np.clip(gray * gain + offset, 0, 255).astype(np.uint8)


def jpeg(gray: np.ndarray, quality: int) -> np.ndarray:
    """A gray photo after JPEG compression, which makes constant areas uneven."""
    return cv2.imdecode(cv2.imencode(".jpg", gray, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_GRAYSCALE)
