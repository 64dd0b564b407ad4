"""Find holes filled with one constant gray, and leave a photo's natural flat areas alone.

Light fades: even where a photo looks flat, its levels change one step at a time, so a constant area with a
sudden edge is a hole. Natural constant areas with large steps occur only at the ends of the range, where a photo
is clipped. There the sharpness of the edge decides: a lens blurs every edge over more than one pixel, a drawn
edge stays within one.

Steps are counted in levels that occur in the photo, not in levels of 255: a photo that was brightened or
equalized has gaps in its histogram, and its neighboring shades are several levels apart.
"""

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np

from restoration.inference.regions import Box, touching

MIN_AREA = 0.004  # of the photo; half of the smallest hole of a pair is 0.005, most natural plateaus are less
MIN_INSIDE = 0.4  # of the region's pixels have only equal neighbors; plateaus by chance are mostly outline
FEW_LEVELS, MANY_PIXELS = 0.65, 10_000  # less of the levels between its ends, in so many pixels or more: a palette
PALETTE_INSIDE = 0.72  # MIN_INSIDE then: a palette's flats are ragged, nearly all have at most 0.70, holes 0.73 or more
MAX_SIDE = 0.95  # of a side of the photo; what covers more is a letterbox bar, a pillarbox or a frame
NEAR_STEPS = 2  # shading reaches its next plateau within this many of the photo's levels
MAX_NEAR = 0.35  # of the rim; with more neighbors that near, the edge is shading
END_STEPS = 1  # from the darkest or the brightest level: what clipping leaves, give or take rounding
MAX_BLUR = 0.35  # of the step at the edge: the change one pixel further out, of any sign; a lens leaves more
MAX_DRIFT = 0.1  # of the step, the change with its sign: of texture it cancels, blur goes on in one direction
MIN_FAR = 0.3  # of the rim, clearly another tone, where the rest may be of the region's: a black hole by dark windows
FAR_BLUR, FAR_DRIFT = 0.45, 0.25  # MAX_BLUR and MAX_DRIFT where the outline is drawn
MIN_STRAIGHT, MIN_LINE = 0.8, 15  # of a drawn outline in lines of so many pixels; a clipped one wavers
MIN_OPEN = 0.95  # of a drawn region's pixels in 5 x 5 squares of its own
JPEG_GRID = 8  # pixels: strong JPEG leaves blocks of one level, a few levels from the blocks beside them
MAX_ON_GRID = 0.5  # of the outline on that grid's lines; by chance 1/8 is, of JPEG's plateaus 3/4 and more
MAX_JPEG_STEP = 16  # levels, the median over the rim, that the strongest quantization in use leaves
JPEG_NOISE = 14  # levels: how far JPEG takes what is left of a hole in a block that the hole's edge crosses
JPEG_EDGE = 1 / 3  # of the step at a hole's edge: what is nearer to the hole's level than that is mixed with it
JPEG_REACH = 9  # pixels: a block that the hole's edge crosses, and one more
JPEG_STEPS, MIN_NOISE = 3, 0.25  # levels that JPEG leaves at least so much of a core's rim within; clipping does not
MIN_SURER = 1.6  # logits, inside more than around: of 200 photos as JPEG 40 to 95 one flat area has more
MIN_APART = 1  # where tones may be clipped: nine tenths inside over nine tenths around
MAX_FRAMES = 4  # one inside the other: an album's page, a matte, a border
MAX_REGIONS = 200  # looked at, the largest first: labels fit a byte, time stays bounded

_MARGIN = 2  # pixels around a region: its rim, and the pixels beyond
_BOX = np.ones((3, 3), np.uint8)
_BEYOND = 7  # pixels more, which are of the photo


class Region(NamedTuple):
    """All 8-connected pixels of one value, in a window of the photo with a margin around them."""

    window: tuple[slice, slice]
    mask: np.ndarray  # bool, of the window's shape
    value: int


def find_holes(gray: np.ndarray) -> np.ndarray:
    """uint8 (H, W) -> bool (H, W): the union of all constant-valued holes, all False if there are none.

    Not found, by design: a photo that is constant all over (nothing is left to fill it from), holes under
    0.4% of the photo, and holes that blend into natural areas of the same gray. Black and white holes in
    fine texture may be missed. A drawn box, such as a caption's, is mistaken for a hole.
    """
    holes = np.zeros(gray.shape, bool)
    inside = _inside(gray)
    rank = _rank(gray)
    least = PALETTE_INSIDE if _has_palette(gray, rank) else MIN_INSIDE
    for region in _flat_regions(gray, inside):
        is_solid = np.count_nonzero(region.mask & inside[region.window]) >= least * np.count_nonzero(region.mask)
        if is_solid and not _is_bar(region, gray.shape) and _stands_out(region, gray, rank):
            holes[region.window] |= region.mask
    return holes


def find_compressed_holes(gray: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """Holes of one gray in a photo, uint8 (H, W), that JPEG has blurred: bool (H, W).

    JPEG keeps blocks constant inside a hole, but also in skies and dark doorways. There a damage map, logits (H, W),
    decides: its values must be higher inside than around, however low both are.
    """
    holes, darkest, brightest = np.zeros(gray.shape, bool), int(gray.min()), int(gray.max())
    if _has_palette(gray, _rank(gray)):  # its flats are none of JPEG's
        return holes
    for region in _flat_regions(gray, _inside(gray)):
        if _is_bar(region, gray.shape):
            continue
        core = np.zeros(gray.shape, np.uint8)
        core[region.window] = region.mask
        window = Box.of(*cv2.boundingRect(core)).grown(JPEG_REACH + _BEYOND, gray.shape).slices
        step = cv2.absdiff(gray[window], np.full_like(gray[window], region.value))
        clipped = min(region.value - darkest, brightest - region.value) <= END_STEPS
        if (halfway := _halfway(core[window], step, logits[window], clipped)) is not None:
            holes[window] |= _around_core(core[window], step, logits[window] > halfway)
    return holes


def _rank(gray: np.ndarray) -> np.ndarray:
    """(256,): the rank of each level among those that occur in the photo, from 1."""
    return np.cumsum(np.bincount(gray.ravel(), minlength=256) > 0)


def _has_palette(gray: np.ndarray, rank: np.ndarray) -> bool:
    return bool(gray.size >= MANY_PIXELS and rank[-1] < FEW_LEVELS * (int(np.ptp(gray)) + 1))


def _halfway(core: np.ndarray, step: np.ndarray, logits: np.ndarray, clipped: bool) -> float | None:
    """The damage map's value halfway between a core and its surroundings; None if no hole is seen there.

    Args:
        step: difference from the core's level.
        clipped: whether overexposure or underexposure may have made the core.
    """
    reach = cv2.dilate(core, _square(JPEG_REACH))
    beyond = cv2.dilate(reach, _square(_BEYOND)) > reach
    rim = cv2.dilate(core, _BOX) > core
    if not beyond.any() or np.mean(step[rim] <= JPEG_STEPS) < MIN_NOISE:
        return None
    inside, outside = logits[core.view(bool)], logits[beyond]
    if clipped and np.quantile(inside, 0.1) - np.quantile(outside, 0.9) < MIN_APART:
        return None
    surer = inside.mean() - outside.mean() >= MIN_SURER
    return (inside.mean() + outside.mean()) / 2 if surer else None


def _around_core(core: np.ndarray, step: np.ndarray, likely: np.ndarray) -> np.ndarray:
    """The hole around its constant core: likely pixels near its level, and pixels mixed with it."""
    alike = (step <= JPEG_NOISE) & likely | core.view(bool)
    smooth = cv2.morphologyEx(cv2.morphologyEx(alike.view(np.uint8), cv2.MORPH_CLOSE, _BOX), cv2.MORPH_OPEN, _BOX)
    hole = touching(smooth.view(bool), core.view(bool)).view(np.uint8)
    mixed = step <= np.maximum(JPEG_NOISE, JPEG_EDGE * cv2.dilate(step, _square(3)))
    return cv2.morphologyEx(cv2.dilate(hole, _BOX) & mixed, cv2.MORPH_CLOSE, _BOX).view(bool)


def picture_window(gray: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns of uint8 (H, W) that hold the picture, without bars, frames and mattes."""
    window = Box(0, 0, *gray.shape)
    for _ in range(MAX_FRAMES):  # one inside the other
        inner = _without_bars(gray[window.slices]).moved(window.top, window.left)
        if inner == window:
            break
        window = inner
    return window.slices


def _without_bars(gray: np.ndarray) -> Box:
    picture = np.ones(gray.shape, np.uint8)
    for region in _flat_regions(gray, _inside(gray)):
        if _is_bar(region, gray.shape):
            picture[region.window][region.mask] = 0
    return Box.of(*cv2.boundingRect(picture)) if picture.any() else Box(0, 0, *gray.shape)


def _inside(gray: np.ndarray) -> np.ndarray:
    """Pixels whose eight neighbors have the same level."""
    if min(gray.shape) < 3:  # no pixel has a whole neighborhood, so nothing can be called flat
        return np.zeros(gray.shape, bool)
    return cv2.erode(gray, _BOX) == cv2.dilate(gray, _BOX)


def _flat_regions(gray: np.ndarray, inside: np.ndarray) -> Iterator[Region]:
    """Regions of at least the smallest area, grown by flood fill from the larger parts of their insides."""
    height, width = gray.shape
    smallest = MIN_AREA * gray.size
    _, parts, stats, _ = cv2.connectedComponentsWithStats(inside.view(np.uint8), connectivity=8)
    areas = stats[1:, cv2.CC_STAT_AREA]
    seeds = np.flatnonzero(areas >= MIN_INSIDE * smallest / 4) + 1  # an inside may come in a few parts
    seeds = seeds[np.argsort(-areas[seeds - 1], kind="stable")][:MAX_REGIONS]
    painted = gray.copy()  # where labels are, which stop the next flood
    labels = np.zeros((height + 2, width + 2), np.uint8)
    for label, part in enumerate(seeds, start=2):  # 1 is what flood fill puts on the border of labels
        left, top, part_width = (int(n) for n in stats[part, :3])
        left += int(np.argmax(parts[top, left : left + part_width] == part))
        if labels[top + 1, left + 1]:
            continue  # reached from another part of the same inside
        area, _, _, box = cv2.floodFill(painted, labels, (left, top), 0, 0, 0, 8 | label << 8)
        if area >= smallest:
            window = Box.of(*box).grown(_MARGIN, gray.shape).slices
            mask = labels[1:-1, 1:-1][window] == label
            yield Region(window, mask, int(gray[top, left]))


def _square(reach: int) -> np.ndarray:
    return np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)


def _is_bar(region: Region, shape: tuple[int, int]) -> bool:
    """Whether it covers a side of the photo. A window's edge holds region pixels only at the photo's own edge."""
    mask, (height, width) = region.mask, shape
    sides = (mask[0], width), (mask[-1], width), (mask[:, 0], height), (mask[:, -1], height)
    return any(np.count_nonzero(side) > MAX_SIDE * length for side, length in sides)


def _stands_out(region: Region, gray: np.ndarray, rank: np.ndarray) -> bool:
    """Whether the edge is too sudden for shading and, at either end of the photo's range, too sharp for a lens."""
    around, value = gray[region.window], region.value
    mask = region.mask.view(np.uint8)
    grown = cv2.dilate(mask, _BOX)
    rim = (grown - mask).view(bool)
    levels = around[rim]
    near = np.mean(np.abs(rank[levels] - rank[value]) <= NEAR_STEPS) >= MAX_NEAR
    at_an_end = min(rank[value] - 1, rank[-1] - rank[value]) <= END_STEPS
    beyond = cv2.dilate(grown, _BOX) - grown
    far = rim & (np.abs(around - np.float32(value)) > MAX_JPEG_STEP)
    far_share = np.count_nonzero(far) / levels.size
    drawn = far_share >= MIN_FAR and _is_drawn(region, gray.shape)
    if drawn and _is_sharp(around, value, far, beyond, FAR_BLUR, FAR_DRIFT):
        return True
    if near or (far_share < 0.5 and _on_grid(region) > MAX_ON_GRID):
        return False
    return not at_an_end or _is_sharp(around, value, rim, beyond)


def _is_drawn(region: Region, shape: tuple[int, ...]) -> bool:
    """Whether a region is solid and, away from the photo's border, outlined smoothly, as polygons and circles are."""
    mask = region.mask.view(np.uint8)
    opened = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    if np.count_nonzero(opened) < MIN_OPEN * np.count_nonzero(mask):
        return False
    outlines, _ = cv2.findContours(opened, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    corners = cv2.approxPolyDP(max(outlines, key=cv2.contourArea), 1.5, True)[:, 0].astype(np.float32)
    following = np.roll(corners, -1, axis=0)
    middles = (corners + following) / 2 + [region.window[1].start, region.window[0].start]
    inner = ((middles >= 1) & (middles <= np.array(shape[::-1]) - 2)).all(axis=1)
    lines = np.linalg.norm(following - corners, axis=1)[inner]
    return lines[lines >= MIN_LINE].sum() >= MIN_STRAIGHT * max(lines.sum(), MIN_LINE)


def _on_grid(region: Region) -> float:
    """The share of the outline that runs along lines of the JPEG grid."""
    rows, columns = region.window
    below = np.nonzero(region.mask[1:] != region.mask[:-1])[0] + rows.start + 1
    right = np.nonzero(region.mask[:, 1:] != region.mask[:, :-1])[1] + columns.start + 1
    return float(np.mean(np.concatenate([below, right]) % JPEG_GRID == 0))


def _is_sharp(
    around: np.ndarray, value: int, rim: np.ndarray, beyond: np.ndarray, blur=MAX_BLUR, drift=MAX_DRIFT
) -> bool:
    """Whether the step at the edge takes one pixel: little change is left from the rim to the pixels beyond."""
    total = cv2.boxFilter(around * beyond, cv2.CV_32F, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT)
    count = cv2.boxFilter(beyond, cv2.CV_32F, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT)
    seen = rim & (count > 0)  # in a narrow notch of the outline nothing lies beyond the rim
    step = around[seen].astype(np.float32) - value
    further = (total[seen] / count[seen] - around[seen]) * np.sign(step)
    whole = np.abs(step).sum()
    return bool(np.abs(further).sum() <= blur * whole and abs(further.sum()) <= drift * whole and whole > 0)
