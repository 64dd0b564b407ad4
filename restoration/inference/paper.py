"""Find the pictures on a scan: prints surrounded by paper, an album page, a matte or a scanner's bed.

Paper is smooth, of about one level, and reaches the edge of the scan. What it surrounds is a print if it is a
rectangle, rotated by a few degrees at most, with a step in brightness along its sides; inside it there may be paper
again. A sky above a horizon is smooth too: the fewer sides are visible, the more even the paper must be.
"""

from typing import NamedTuple

import cv2
import numpy as np

from restoration.inference.ground import find_ground
from restoration.inference.prints import Print, straightened

WORK = 800  # px, the longer side at which prints are looked for
MAX_SIDE = 32_766  # px, the limit of OpenCV's rotation; a longer photo counts as one print
MIN_SIDE = 32  # px at that size
MIN_AREA = 0.015  # of the scan, and at least a tenth of its largest print: captions are smaller
LEAST_ON_TABLE = 0.04  # of a photo: a print on a table
MAX_NESTED = 3  # levels of paper inside paper: a bed, an album page, a print's white border
ANGLES = np.radians(sorted(np.arange(-80, 81, 2) / 10, key=abs))  # of two equally good ones the smaller counts
TOLERANCE = 14  # levels from those at the scan's edge that are still paper
SHADOW = 10  # px: paper must be visible within this distance of a side
STEP = 10  # levels from paper to picture that count as an edge
TRIM, LEAST_TRIM = 0.004, 2  # of the longer side, px: cut off along the sides, since a line of paper hides marks
MAX_BEYOND = 0.02  # of the longer side: how much of a print that is cut out straight may lie off the scan

_BOX, _WIDE_BOX = np.ones((3, 3), np.uint8), np.ones((5, 5), np.uint8)


class Side(NamedTuple):
    """Evidence along one side of a possible print, as shares of the side's length."""

    paper: float  # with paper beyond it
    picture: float  # with no paper within it
    step: float  # with a step in brightness
    spread: float  # levels by which the paper varies along the side


def find_prints(gray: np.ndarray) -> list[Print]:
    """The pictures on a scan, uint8 (H, W), in reading order; one Print covering it if there is no border."""
    whole = Print.whole(gray.shape)
    return [whole] if max(gray.shape) > MAX_SIDE else _search(gray, whole, MAX_NESTED)


def find_inside_paper(gray: np.ndarray) -> list[Print]:
    """The same, trimmed for cutting out so that no line of paper is left; none if one print covers the scan."""
    whole, prints = Print.whole(gray.shape), find_prints(gray)
    return [] if prints == [whole] else [_without_edge(found, gray.shape) for found in prints]


def _without_edge(found: Print, shape: tuple[int, ...]) -> Print:
    """A print trimmed a little and limited to its scan; if too much of it lies off the scan, it is not straightened."""
    longer, beyond = max(found.width, found.height), found.beyond(shape)
    if found.angle and max(beyond) > MAX_BEYOND * longer:
        return _without_edge(found.within(shape), shape)
    trim = max(LEAST_TRIM, TRIM * longer)
    return found.grown(*[-trim if side < -1 else -max(side, 0) for side in beyond])


def _search(gray: np.ndarray, around: Print, nested: int) -> list[Print]:
    """The prints within `around`, or `around` itself if there is no paper in it."""
    scale = min(1, WORK / max(around.width, around.height))
    inside = around if nested == MAX_NESTED else around.grown(*[-1.5 / scale] * 4)  # its blurred edge left out
    size = round(inside.width * scale), round(inside.height * scale)
    if min(size) < 2 * MIN_SIDE or not nested:
        return [around]
    view = straightened(gray, inside, size)
    prints = _prints(view)
    if nested == MAX_NESTED and len(prints) < 2:
        on_table = _photographed(view)  # the evidence is stronger there: all four sides are seen
        prints = on_table if on_table and _differ(prints, on_table) else prints
    if nested < MAX_NESTED and any(max(p.beyond(size[::-1])) > MAX_BEYOND * max(size) for p in prints):
        return [around]  # a scan may lack a part of a print, a print cannot
    found = []
    for x, y, width, height, angle in prints:
        x, y = inside.matrix() @ [x / scale, y / scale, 1]
        found += _search(gray, Print(x, y, width / scale, height / scale, angle + around.angle), nested - 1)
    return found or [around]


def _prints(view: np.ndarray) -> list[Print]:
    """The prints of a scan at working size, if they cover nearly everything that is not paper."""
    paper = _paper(view)
    rest = cv2.morphologyEx((~paper).view(np.uint8), cv2.MORPH_OPEN, _WIDE_BOX)  # without writing and dust
    _, labels, stats, _ = cv2.connectedComponentsWithStats(rest, connectivity=4)
    found = {}
    for label in range(1, len(stats)):
        if stats[label, cv2.CC_STAT_AREA] >= MIN_AREA * view.size:
            rectangle, sides = _fitted(view, paper, _rectangle(labels == label))
            if _is_print(rectangle, sides, view.size):
                found[rectangle] = stats[label, cv2.CC_STAT_AREA]
    if not found or sum(found.values()) < 0.6 * np.count_nonzero(~paper):
        return []
    largest = max(p.width * p.height for p in found)
    return _in_reading_order([p for p in found if p.width * p.height > largest / 10])


def _photographed(view: np.ndarray) -> list[Print]:
    """The prints that lie on a table, in full view; none if there is something else, or a side of one is in doubt."""
    ground = find_ground(view)
    rest = cv2.morphologyEx((~ground).view(np.uint8), cv2.MORPH_OPEN, _WIDE_BOX)
    outlines, _ = cv2.findContours(rest, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    large = [outline for outline in outlines if cv2.contourArea(outline) > LEAST_ON_TABLE * view.size]
    if not all(map(_is_rectangle, large)):
        return []
    regions = [cv2.drawContours(np.zeros_like(view), [outline], 0, 1, cv2.FILLED).view(bool) for outline in large]
    found = [_fitted(view, ground, _rectangle(region)) for region in regions]
    return (
        _in_reading_order([each for each, _ in found]) if all(_is_in_view(*each, view.size) for each in found) else []
    )


def _differ(prints: list[Print], others: list[Print]) -> bool:
    """Whether two findings differ in number, or in a corner by more than a print's white border."""
    if len(prints) != len(others):
        return True
    pairs = zip(prints, others, strict=True)
    return any(np.abs(a.corners() - b.corners()).max() > 0.1 * max(b.width, b.height) for a, b in pairs)


def _is_rectangle(outline: np.ndarray) -> bool:
    """Whether a region fills most of the smallest rotated rectangle around it."""
    width, height = cv2.minAreaRect(outline)[1]
    return cv2.contourArea(outline) > 0.8 * width * height


def _is_in_view(found: Print, sides: list[Side | None], scan: int) -> bool:
    """Whether all four sides of a print are seen, each with a step in brightness."""
    steps = [side.step if side else 0.0 for side in sides]
    return _is_print(found, sides, scan) and min(steps) > 0.6 and sum(steps) > 4 * 0.75


def _in_reading_order(prints: list[Print], across: bool = False) -> list[Print]:
    """Sort prints into rows from the top, each row into columns from the left, each column into rows, and so on."""
    groups = _groups(prints, across) if len(prints) > 1 else []
    if len(groups) > 1:
        return [found for group in groups for found in _in_reading_order(group, not across)]
    return sorted(prints) if across else _in_reading_order(prints, across=True)


def _groups(prints: list[Print], across: bool) -> list[list[Print]]:
    """Columns if `across`, else rows."""
    spans = {found: np.sort(found.corners()[:, 0 if across else 1])[[0, -1]] for found in prints}
    groups: list[list[Print]] = []
    for found in sorted(prints, key=lambda p: spans[p][0]):
        if groups and any(_are_beside(spans[found], spans[other]) for other in groups[-1]):
            groups[-1].append(found)
        else:
            groups.append([found])
    return groups


def _are_beside(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two ranges overlap by more than half of the shorter one."""
    shared = min(one[1], other[1]) - max(one[0], other[0])
    return shared > 0.5 * min(np.ptp(one), np.ptp(other))


def _paper(view: np.ndarray) -> np.ndarray:
    """Smooth areas along the view's edge, as far as they keep the level they have there, bool (h, w)."""
    shortest = min(view.shape)
    blurred = cv2.blur(view, (3, 3))
    rough = cv2.dilate(blurred, _BOX) - cv2.erode(blurred, _BOX)
    noise = np.median(_frame(rough, max(2, shortest // 100)))
    _, labels = cv2.connectedComponents((rough <= np.clip(1.5 * noise, 4, 16)).view(np.uint8), connectivity=4)
    at_edge = _frame(labels)
    paper = np.zeros(view.shape, bool)
    for label in np.flatnonzero(np.bincount(at_edge) >= 0.08 * shortest):
        low, high = np.percentile(_frame(blurred)[at_edge == label], [5, 95])
        if label and high - low <= 3 * TOLERANCE:
            paper |= (labels == label) & (blurred >= low - TOLERANCE) & (blurred <= high + TOLERANCE)
    _, labels = cv2.connectedComponents(paper.view(np.uint8), connectivity=4)
    paper &= np.isin(labels, _frame(labels))
    return cv2.dilate(paper.view(np.uint8), _WIDE_BOX).view(bool)  # up to the step, which is rough


def _frame(image: np.ndarray, width: int = 1) -> np.ndarray:
    """The pixels along an image's edge."""
    sides = image[:width], image[-width:], image[:, :width], image[:, -width:]
    return np.concatenate([side.ravel() for side in sides])


def _rectangle(region: np.ndarray) -> Print:
    """The rectangle around a region, bool (h, w), rotated so that most of the outline lies along its sides."""
    contours, _ = cv2.findContours(region.view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = max(contours, key=len)[:, 0] + 0.5
    cosine, sine = np.float32([np.cos(ANGLES), np.sin(ANGLES)])[..., None]
    x, y = np.float32(outline.T)
    turned = np.stack([x * cosine + y * sine, y * cosine - x * sine])  # (2, angles, points)
    low, high = np.percentile(turned, [0.3, 99.7], axis=-1)
    along = (np.minimum(turned - low[..., None], high[..., None] - turned) < 1.5).any(axis=0)
    from_end = np.minimum(outline, np.array(region.shape[::-1]) - outline)
    along &= (from_end > 3).all(axis=1)  # where the scan ends says nothing
    best = np.argmax(along.sum(axis=1))
    (left, top), (right, bottom) = low[:, best] - 0.5, high[:, best] + 0.5
    return Print(0, 0, 0, 0, np.degrees(ANGLES[best])).grown(-left, -top, right, bottom)


def _fitted(view: np.ndarray, paper: np.ndarray, found: Print) -> tuple[Print, list[Side | None]]:
    """The rectangle with its sides moved to the nearest steps in brightness, and the sides (top, right, bottom, left).

    None stands for a side at the edge of the scan.
    """
    margin = max(10, round(0.02 * max(found.width, found.height)))
    wide = found.grown(*[margin] * 4)
    size = round(wide.width), round(wide.height)
    light = straightened(view, wide, size).astype(np.float32)
    where = straightened(paper.view(np.uint8), wide, size, cv2.INTER_NEAREST, beyond=2)
    moved, sides = [], []
    for turn in range(4):  # each side in turn becomes the upper one
        corner = margin + np.rot90(light, turn).shape[1] // 16
        strips = (np.rot90(image, turn)[: 2 * margin + 4, corner:-corner] for image in (light, where))
        step, side = _side(*strips, margin)
        moved.append(step)
        sides.append(side)
    top, right, bottom, left = moved
    return found.grown(left, top, right, bottom), sides


def _side(light: np.ndarray, where: np.ndarray, margin: int) -> tuple[float, Side | None]:
    """How far a side lies outward from the middle of a strip along it, and the evidence for it.

    Args:
        light: float32 (2 margin + 4, length), paper above, picture below.
        where: 1 = paper, 0 = none, 2 = beyond the scan.
    """
    if np.mean(where[: margin - 2] == 2) > 0.5:
        return 0.0, None
    jumps = np.minimum(np.abs(light[2:] - light[:-2]), 40).mean(axis=1)[margin - 7 : margin + 6]
    edge = int(np.argmax(jumps >= 0.7 * jumps.max()))  # the first large one: the picture has steps of its own
    while edge + 1 < len(jumps) and jumps[edge + 1] >= jumps[edge]:
        edge += 1
    edge += margin - 6
    beyond, within = where[max(0, edge - SHADOW) : edge - 1], where[edge + 3 : edge + 3 + margin]
    on_scan = (beyond != 2).any(axis=0)
    step = np.abs(light[edge - 3 : edge - 1].mean(axis=0) - light[edge + 2 : edge + 4].mean(axis=0)) > STEP
    level = cv2.blur(light[max(0, edge - SHADOW) : edge - 2].mean(axis=0)[None], (9, 1))
    paper = (beyond == 1).any(axis=0)[on_scan].mean() if on_scan.any() else 0.0
    spread = np.ptp(np.percentile(level, [5, 95]))
    return margin - edge - 0.5, Side(paper, (within == 0).mean(), step.mean(), spread)


def _is_print(found: Print, sides: list[Side | None], scan: int) -> bool:
    """Whether there is enough evidence along its sides; the limits come from benchmarks/prints.py."""
    short, long = sorted((found.width, found.height))
    if short < MIN_SIDE or abs(found.angle) > 7.5 or (long > 4 * short and long * short < 0.2 * scan):
        return False
    seen = [side for side in sides if side]
    if not seen:
        return False
    paper, picture, step, spread = np.array(seen).T
    if len(seen) >= 3:
        return bool(paper.min() > 0.85 and paper.mean() > 0.93 and picture.mean() > 0.5 and step.mean() > 0.5)
    if len(seen) == 2:
        even = spread.max() < 10
        return bool(even and paper.min() > 0.95 and picture.mean() > 0.75 and step.min() > 0.6 and step.mean() > 0.75)
    if sides[1] or sides[3]:  # no horizon
        return bool(spread[0] < 14 and paper[0] > 0.97 and picture[0] > 0.65 and step[0] > 0.9)
    upright = abs(found.angle) < 1  # no roof in front of a white sky
    return bool(upright and spread[0] < 6 and paper[0] > 0.97 and picture[0] > 0.85 and step[0] > 0.85)
