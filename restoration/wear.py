"""What time does to a print: scratches, creases, stains and fading, drawn for training and tests.

Everything is drawn from an explicit `numpy.random.Generator`: the same seed gives the same wear. The mask holds
every pixel that was changed; only `fade`, which is no damage to be filled, changes pixels outside any mask.
"""

from collections.abc import Callable

import cv2
import numpy as np

from restoration.masking import draw_hole

Layer = tuple[float, np.ndarray]  # what lies on the print: its gray, and its opacity in [0, 1], float32 (H, W)
SEEN = 0.1  # opacity from which a pixel counts as damaged; what is fainter is left out of the picture altogether
MAX_WORN, MAX_PARTS = 0.4, 8  # the share of a part that may be worn, and how many parts are tried for it


def worn(gray: np.ndarray, rng: np.random.Generator, scale: float = 1) -> tuple[np.ndarray, np.ndarray]:
    """A print with one to three kinds of wear.

    Args:
        gray: uint8 (H, W), left unchanged.
        scale: sides of the whole print, in the photo's: above 1 the photo is a part of a larger print, whose scratches
            are broader and reach beyond it. That part has some of the wear.

    Returns:
        The worn photo, uint8 (H, W), and the mask, bool (H, W): True where a pixel was touched.
    """
    shape = [round(scale * side) for side in gray.shape]
    chosen = rng.permutation(len(WEAR))[: rng.integers(1, len(WEAR) + 1)]
    layers = [WEAR[index](rng, *shape) for index in chosen]
    part = _part(layers, gray.shape, rng) if scale > 1 else ...
    photo, mask = gray.astype(np.float32), np.zeros(gray.shape, bool)
    for tone, opacity in layers:
        seen = np.where(opacity[part] >= SEEN, opacity[part], 0)
        photo += seen * (tone + _grain(rng, *gray.shape) - photo)
        mask |= seen > 0
    return np.rint(photo.clip(0, 255)).astype(np.uint8), mask


def _part(layers: list[Layer], size: tuple[int, ...], rng: np.random.Generator) -> tuple[slice, slice]:
    """Where a photo of `size` lies on a larger print: around one of its worn pixels, not mostly in a stain."""
    marks = [opacity >= SEEN for _, opacity in layers]
    places = np.argwhere(marks[rng.integers(len(marks))])  # of one kind: a scratch has few pixels beside a stain's
    anywhere, mask = places if len(places) else np.zeros((1, 2), int), np.logical_or.reduce(marks)
    for _ in range(MAX_PARTS):
        corner = anywhere[rng.integers(len(anywhere))] - rng.uniform(0, 1, 2) * size
        rows, columns = corner.clip(0, np.subtract(mask.shape, size)).astype(int)
        part = np.s_[rows : rows + size[0], columns : columns + size[1]]
        if mask[part].mean() <= MAX_WORN:
            break
    return part


def scratches(rng: np.random.Generator, height: int, width: int) -> Layer:
    """One to six thin lines, nearly straight, light or dark, stronger and weaker along their way."""
    opacity = np.zeros((height, width), np.float32)
    for _ in range(rng.integers(1, 7)):
        length = rng.uniform(0.1, 0.9) * min(height, width)
        line = _wander(rng, rng.uniform(0, 1, 2) * (width, height), rng.uniform(0, 2 * np.pi), length, bend=0.03)
        _draw(opacity, line, thickness=int(rng.integers(1, max(2, min(height, width) // 120 + 2))))
    opacity *= rng.uniform(0.6, 1.0) * _clouds(rng, height, width, cells=12, least=0.6)
    return _tone(rng), opacity


def crease(rng: np.random.Generator, height: int, width: int) -> Layer:
    """One fold from edge to edge, where the emulsion has flaked off a light paper."""
    angle = rng.uniform(0, 2 * np.pi)
    reach = np.hypot(height, width)
    middle = rng.uniform(0.2, 0.8, 2) * (width, height)
    start = middle - reach * np.array([np.cos(angle), np.sin(angle)])
    opacity = np.zeros((height, width), np.float32)
    line = _wander(rng, start, angle, 2 * reach, bend=0.01)
    _draw(opacity, line, thickness=max(1, round(min(height, width) * rng.uniform(0.004, 0.02))))
    flakes = _clouds(rng, height, width, cells=int(min(height, width) / rng.uniform(3, 8)) + 2, least=0.0)
    opacity *= (flakes > rng.uniform(0.1, 0.4)).astype(np.float32)
    return rng.uniform(190, 255), opacity


def stain(rng: np.random.Generator, height: int, width: int) -> Layer:
    """A blot with a soft, uneven edge, dark or light, that lets little through."""
    blot = draw_hole(rng, height, width, rng.uniform(0.005, 0.06)).astype(np.float32)
    softness = min(height, width) * rng.uniform(0.005, 0.02) + 0.5
    blot = cv2.GaussianBlur(blot, (0, 0), softness) * _clouds(rng, height, width, cells=8, least=0.7)
    return _tone(rng), blot * rng.uniform(0.7, 1.0)


WEAR: tuple[Callable[[np.random.Generator, int, int], Layer], ...] = (scratches, crease, stain)


def fade(gray: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A print that light has bleached: less contrast on a lighter ground; uint8 (H, W) in and out."""
    black, white = rng.uniform(0, 90), rng.uniform(190, 255)
    return np.rint(black + gray * ((white - black) / 255)).astype(np.uint8)


def scanned(gray: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A print as scanners see it: one in three less sharp, one in three with grain; uint8 (H, W) in and out."""
    photo = gray.astype(np.float32)
    if rng.random() < 1 / 3:
        photo = cv2.GaussianBlur(photo, (0, 0), rng.uniform(0.4, 1.5))
    if rng.random() < 1 / 3:
        photo += _grain(rng, *gray.shape)
    return np.rint(photo.clip(0, 255)).astype(np.uint8)


def _wander(rng: np.random.Generator, start: np.ndarray, angle: float, length: float, bend: float) -> np.ndarray:
    """Points (N, 2) of a line whose direction strays by about `bend` radians a step."""
    steps = max(2, int(length / 4))
    angles = angle + np.cumsum(rng.normal(0, bend, steps))
    moves = np.stack([np.cos(angles), np.sin(angles)], axis=1) * (length / steps)
    return start + np.cumsum(moves, axis=0)


def _draw(opacity: np.ndarray, line: np.ndarray, thickness: int) -> None:
    points = np.rint(line * 8).astype(np.int32)  # three bits below the pixel
    cv2.polylines(opacity, [points], isClosed=False, color=1.0, thickness=thickness, lineType=cv2.LINE_AA, shift=3)


def _clouds(rng: np.random.Generator, height: int, width: int, cells: int, least: float) -> np.ndarray:
    """Smooth noise in [least, 1], about `cells` of its hills along the photo's shorter side."""
    scale = cells / min(height, width)
    shape = (max(2, round(height * scale)), max(2, round(width * scale)))
    noise = rng.uniform(least, 1, shape).astype(np.float32)
    return cv2.resize(noise, (width, height), interpolation=cv2.INTER_LINEAR)


def _tone(rng: np.random.Generator) -> float:
    """Dark or light: wear of a middle gray would hardly be seen."""
    return float(rng.uniform(0, 60) if rng.random() < 0.4 else rng.uniform(185, 255))


def _grain(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    return rng.normal(0, rng.uniform(1, 8), (height, width)).astype(np.float32)
