"""Rough brush strokes -> the damage under them."""

import cv2
import numpy as np

from restoration.inference.regions import Box, disk, touching

REACH = 4  # px around a stroke in which damage belongs to it
GAP = 4  # px, half of what a mark that is followed may be interrupted by
ALIKE = 0.7  # of a mark's height over its surroundings, for what continues it
ALIKE_REACH = 8  # px, half the width of the surroundings, in a photo of at most ALIKE_PIXELS
ALIKE_PIXELS = 2_000_000
LEAST, MOST = 0.02, 0.5  # share of a stroke found damaged: below or above these, the whole stroke counts
SEEN = 16  # px, half the greatest width at which a stroke is searched for specks
WAYS = cv2.MORPH_TOPHAT, cv2.MORPH_BLACKHAT  # lighter, and darker, than the surroundings
OUTLYING, CONTRAST = 3.5, 12  # a speck stands out by at least so many median absolute deviations, and levels
FLANK = 0.5  # of OUTLYING and CONTRAST, for pixels that touch a speck
RIM = 2  # px along a stroke's edge
MOST_IN_RIM = 1.5  # times as dense in the rim as overall: above, the stroke follows an edge or its middle is damage


def fitted(mask: np.ndarray, likely: np.ndarray, gray: np.ndarray) -> np.ndarray:
    """What is likely damaged under rough strokes and REACH around, all bool (H, W); else the specks of uint8 (H, W).

    A stroke counts as a whole if neither is found, or if it is mostly damage.
    """
    count, strokes, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8)
    pixels = stats[:, cv2.CC_STAT_AREA]
    share = np.bincount(strokes[likely], minlength=count) / np.maximum(pixels, 1)
    found = (share >= LEAST) & (share <= MOST)
    found[0] = False
    fitting = found[strokes]
    near = cv2.dilate(fitting.view(np.uint8), disk(REACH)).view(bool)
    taken = (mask & ~fitting) | (near & touching(near & likely, fitting))
    for number in np.flatnonzero(share[1:] < LEAST) + 1:
        box = Box.of(*stats[number, :4]).grown(2 * REACH, mask.shape).slices
        stroke = strokes[box] == number
        found = specks(stroke, gray[box])
        if found.any():
            taken[box] &= found | ~stroke
    return taken


def followed(mask: np.ndarray, reachable: np.ndarray, faint: np.ndarray, gray: np.ndarray) -> np.ndarray:
    """A mask and the marks that it touches, each to its ends, over gaps of up to twice GAP; all bool (H, W).

    Args:
        reachable: what may belong to a mark.
        faint: what may, where it is `alike` in uint8 (H, W).
    """
    reachable = reachable | (faint & alike(gray, mask))
    joined = cv2.dilate(reachable.view(np.uint8), disk(GAP)).view(bool)
    return mask | (reachable & touching(joined, mask))


def alike(gray: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """What stands out of uint8 (H, W), lighter or darker than around, nearly as far as what is masked; bool (H, W).

    Nothing if that does not stand out itself.
    """
    scale = min(1.0, (ALIKE_PIXELS / gray.size) ** 0.5)
    smooth, inside = _smoothed(gray, mask, scale)
    hats = [cv2.morphologyEx(smooth, way, disk(ALIKE_REACH)) for way in WAYS]
    height, found = max(((np.percentile(hat[inside], 90), hat) for hat in hats), key=lambda each: each[0])
    if height < CONTRAST:
        return np.zeros_like(mask)
    found = (found > ALIKE * height).view(np.uint8)
    return cv2.resize(found, gray.shape[::-1], interpolation=cv2.INTER_NEAREST).view(bool)


def specks(stroke: np.ndarray, gray: np.ndarray) -> np.ndarray:
    """What is much lighter or much darker than the rest of a stroke, bool (h, w), in uint8 (h, w) around it.

    Top-hats as wide as the stroke ignore its slow changes; of light and dark specks, those that stand out more count.
    None if the specks lie along the stroke's edge or fill most of it.
    """
    radius = cv2.distanceTransform(np.pad(stroke, 1).view(np.uint8), cv2.DIST_L2, 3).max()
    scale = min(1.0, SEEN / radius)
    smooth, inside = _smoothed(gray, stroke, scale)
    hats = [cv2.morphologyEx(smooth, way, disk(int(radius * scale))) for way in WAYS]
    _, found = max((_standing_out(hat, inside) for hat in hats), key=lambda each: each[0])
    found = cv2.dilate(found.view(np.uint8), np.ones((3, 3))).view(bool) & inside
    middle = cv2.erode(inside.view(np.uint8), None, iterations=RIM).view(bool)
    if found[inside & ~middle].mean() > MOST_IN_RIM * found[inside].mean() or found[inside].mean() > MOST:
        return np.zeros_like(stroke)
    return cv2.resize(found.view(np.uint8), gray.shape[::-1], interpolation=cv2.INTER_NEAREST).view(bool) & stroke


def _standing_out(heights: np.ndarray, inside: np.ndarray) -> tuple[float, np.ndarray]:
    """By how much in total heights, uint8 (h, w), inside a stroke exceed their usual value, and where, bool (h, w)."""
    usual = np.median(heights[inside])
    spread = 1.48 * np.median(np.abs(heights[inside] - usual)) + 1  # 1.48: a normal distribution's deviation
    step = max(OUTLYING * spread, CONTRAST)
    sure = (heights > usual + step) & inside
    return float((heights[sure] - usual).sum()), touching((heights > usual + FLANK * step) & inside, sure)


def _smoothed(gray: np.ndarray, mask: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """A photo, uint8 (H, W), shrunk and without its grain, and a mask of it, bool, shrunk as well."""
    small = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    inside = cv2.resize(mask.view(np.uint8), small.shape[::-1], interpolation=cv2.INTER_NEAREST).view(bool)
    return cv2.GaussianBlur(small, (0, 0), 0.8), inside
