"""Find the damage in a photo: the network runs once, on a worn print twice.

A scan is examined as a whole, and each print on it separately.
"""

from dataclasses import replace

import cv2
import numpy as np

from restoration.inference import faces
from restoration.inference.backends import Network
from restoration.inference.damage import Damage, Rule, ScanDamage, accepted, enlarged
from restoration.inference.holes import find_compressed_holes, find_holes, picture_window
from restoration.inference.laplace import membrane
from restoration.inference.paper import find_inside_paper
from restoration.inference.prints import Print
from restoration.inference.regions import Box, disk, tiles, touching

MAX_SEEN = 2_000_000  # pixels of the largest view that the network sees: finer grain does not help
VIEWS = 3  # each half as large as the one before; their logits are averaged
SOFTER = 3  # times the confident share in a smaller view: then the first is soft, as large scans are, and dropped
SOFT_PIXELS = 20  # confident ones that the smaller view needs for that
LEAST_SEEN = 400  # px, the least longer side of that view
TILE = 1024  # px, the longest side of what the network sees at once
LIGHTER, LIGHTER_REACH = 20, 9  # levels that a worn print's light spots rise above everything wider than 19 px
WORN_LOGIT, WORN_PIXELS = 2, 4  # of a confident mark, at the first view's size, where no hairline is lost
WORN_MARKS, WORN_SHARE = 25, 0.001  # a worn print has at least so many confident marks, covering at least this share
FILLED = Rule(-0.6, -0.2, 8)  # marks filled before the second look
SECOND_LOOK = 0.8  # logits added then: without its confident marks a worn print looks undamaged
SPARED = 2  # logits subtracted in eyes, noses, ears and mouths, which look like wear
SOFT, SHARP = 3, 7  # levels of fine detail in a photo that is wholly soft, and in one that is not at all
PLAIN = 0.5  # logits added on skin of a worn print, where little else is so fine and light
SIDE = 0.01  # of a print's longer side: paper this close to its sides is not inside it


def find_damage(gray: np.ndarray, detector: Network) -> Damage | ScanDamage:
    """Find damage in a photo, uint8 (H, W), and in each print of a scan: next to paper the network is less confident.

    The whole scan is examined too, since what looks like paper may be a print's own border.
    """
    whole, prints = _find_damage(gray, detector), find_inside_paper(gray)
    if not prints:
        return whole
    whole = replace(whole, holes=_without_paper(whole.holes, prints))
    parts = [_find_damage(found.cut(gray, cv2.INTER_CUBIC), detector, found.cut(whole.holes)) for found in prints]
    return ScanDamage(gray.shape, list(zip([Print.whole(gray.shape), *prints], [whole, *parts], strict=True)))


def _find_damage(gray: np.ndarray, detector: Network, known: np.ndarray | None = None) -> Damage:
    """Holes of one constant gray by rule, everything else by the network.

    On a worn print strong marks hide faint ones, so they are filled and the network looks again. `known` are the holes,
    if they were already found on the whole scan.
    """
    window = picture_window(gray)  # inside a frame, plain sky in a corner looks like a hole
    holes = np.zeros(gray.shape, bool) if known is None else known
    if known is None:
        holes[window] = find_holes(gray[window])  # first, since the network keeps its memory
    seen, views = _look(_seen(gray[window]), detector)
    logits = views.mean(axis=0)
    if known is None:
        holes[window] = _with_compressed(holes[window], seen, logits)
    found = faces.find_faces(seen)
    if not is_worn(views[0]):
        return Damage(holes, _by_face(logits, found, skin=0), window, light=None, softness=_softness(seen))
    filled = np.rint(membrane(seen.astype(np.float32), accepted(logits, FILLED))).astype(np.uint8)
    logits = np.maximum(logits, damage_logits(filled, detector).mean(axis=0) + SECOND_LOOK)
    light = cv2.morphologyEx(seen, cv2.MORPH_TOPHAT, disk(LIGHTER_REACH)) > LIGHTER
    return Damage(holes, _by_face(logits, found, skin=PLAIN), window, light)


def _look(seen: np.ndarray, detector: Network) -> tuple[np.ndarray, np.ndarray]:
    """The largest view, uint8 (h, w), in which damage is sharp, and the damage maps of that and smaller ones."""
    views = damage_logits(seen, detector)
    first = np.count_nonzero(views[0] > WORN_LOGIT)
    for halvings in range(1, VIEWS):
        size = [side >> halvings for side in reversed(seen.shape)]
        if max(size) < LEAST_SEEN:
            break
        if np.count_nonzero(views[halvings] > WORN_LOGIT) <= SOFTER * first:
            continue  # as in nearly all photos
        smaller = cv2.resize(views[halvings], size, interpolation=cv2.INTER_AREA)
        if np.count_nonzero(smaller > WORN_LOGIT) >= SOFT_PIXELS:
            return _look(cv2.resize(seen, size, interpolation=cv2.INTER_AREA), detector)
    return seen, views


def _softness(gray: np.ndarray) -> float:
    """How little fine detail a photo, uint8 (h, w), has, 0 to 1: the less, the less in it is mistaken for damage.

    Fine detail is what a blur of 1.4 px takes and one of 0.7 px leaves, unlike grain: the difference in levels that
    only a twentieth of the pixels exceeds.
    """
    levels = gray.astype(np.float32)
    fine, coarse = (cv2.GaussianBlur(levels, (0, 0), sigma) for sigma in (0.7, 1.4))
    return float(np.interp(np.percentile(cv2.absdiff(fine, coarse), 95), (SOFT, SHARP), (1, 0)))


def _by_face(logits: np.ndarray, found: list[faces.Face], skin: float) -> np.ndarray:
    """A damage map lowered in the features of faces, and raised by `skin` on the skin between them."""
    for face in found:
        where = faces.features(face, logits.shape)
        logits = logits - SPARED * where
        if skin:
            logits += skin * faces.skin(face, where)
    return logits


def _with_compressed(holes: np.ndarray, seen: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """Holes that are exact in the file, bool (H, W), and those that JPEG has blurred."""
    blurred = find_compressed_holes(seen, logits)
    if not blurred.any():
        return holes
    known = cv2.resize(holes.view(np.uint8) * np.uint8(255), seen.shape[::-1], interpolation=cv2.INTER_AREA) > 0
    return holes | enlarged(blurred & ~touching(blurred, known), holes.shape)


def _without_paper(holes: np.ndarray, prints: list[Print]) -> np.ndarray:
    """Holes, bool (H, W), less the paper around the prints of a scan, which may be one gray too.

    A hole mostly inside prints is kept whole; of others, only the part inside a print is kept, such as a torn corner.
    """
    inside, deep = np.zeros((2, *holes.shape), np.uint8)
    for found in prints:
        cv2.fillConvexPoly(inside, np.rint(found.corners()).astype(np.int32), 1)
        within = found.grown(*[-SIDE * max(found.width, found.height)] * 4)
        cv2.fillConvexPoly(deep, np.rint(within.corners()).astype(np.int32), 1)
    count, labels = cv2.connectedComponents(holes.view(np.uint8), connectivity=8)
    pixels, printed = (np.bincount(labels[where], minlength=count) for where in (holes, holes & inside.view(bool)))
    mostly = printed >= 0.5 * pixels
    mostly[0] = False
    return mostly[labels] | (holes & deep.view(bool))


def is_worn(logits: np.ndarray) -> bool:
    """Whether a damage map, float32 (h, w), has as many confident marks, over as much area, as a worn print."""
    sure = (logits > WORN_LOGIT).view(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(sure, connectivity=8)
    marks = np.count_nonzero(stats[1:, cv2.CC_STAT_AREA] >= WORN_PIXELS)
    return bool(marks >= WORN_MARKS and np.count_nonzero(sure) >= WORN_SHARE * sure.size)


def _seen(gray: np.ndarray) -> np.ndarray:
    """The largest view of a photo that the network sees."""
    scale = min(1.0, (MAX_SEEN / gray.size) ** 0.5)
    size = [max(1, round(side * scale)) for side in reversed(gray.shape)]
    return cv2.resize(gray, size, interpolation=cv2.INTER_AREA)


def damage_logits(gray: np.ndarray, detector: Network) -> np.ndarray:
    """The network's damage maps of a photo, uint8 (h, w), seen at VIEWS sizes: logits, float32 (VIEWS, h, w).

    The smaller views, which are cheap, are averaged with their mirror images.
    """
    height, width = gray.shape
    views = np.empty((VIEWS, height, width), np.float32)
    for view in range(VIEWS):
        size = max(1, width >> view), max(1, height >> view)
        seen = cv2.resize(gray, size, interpolation=cv2.INTER_AREA)
        logits = _ask(seen, detector)
        if view:
            logits = (logits + _ask(seen[:, ::-1], detector)[:, ::-1]) / 2
        views[view] = cv2.resize(logits, (width, height), interpolation=cv2.INTER_LINEAR)
    return views


def _ask(gray: np.ndarray, detector: Network) -> np.ndarray:
    """Logits of one view, float32 (H, W), in overlapping tiles if it is large."""
    whole = Box(0, 0, *gray.shape)
    image = np.stack([gray / np.float32(255), np.zeros_like(gray, np.float32)])
    if whole.longer_side <= TILE:
        return detector(image)[1]
    logits = np.empty(gray.shape, np.float32)
    for tile in tiles(np.ones(gray.shape, bool), whole, TILE):
        seen = np.ascontiguousarray(image[(slice(None), *tile.seen.slices)])
        logits[tile.filled.slices] = detector(seen, tile.filled.seen_from(tile.seen))[1]
    return logits
