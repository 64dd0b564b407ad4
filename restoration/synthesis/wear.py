"""What time does to a print: cracks, folds, specks, rubbing, stains and losses, drawn for training and tests.

Modeled on real prints, where most marks are faint (about 24 levels), there are dozens, they fork, and they crowd at the
edges. `benchmarks/wear.py` compares. Everything comes from an explicit `numpy.random.Generator`: the
same seed gives the same wear.
"""

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np

from restoration.masking import draw_hole
from restoration.synthesis.drawing import clouds, draw_line, flaked, grow_crack, log_uniform, shadow_of
from restoration.synthesis.shapes import NO_SHAPES, Shapes, draw_shape

SEEN = 6  # levels of change from which a pixel counts as damaged; fainter changes are drawn but not marked
HIDDEN = 1.0  # relative to the print's own texture there, which hides a smaller change
EDGE = 50  # thousandths of the print's shorter side over which marks at the edge thin out


class Sheet(NamedTuple):
    """The part of a print that is drawn on."""

    height: int
    width: int
    sides: tuple[int, ...]  # the part's sides that are also the print's: 0 = top, 1 = right, 2 = bottom, 3 = left
    unit: float  # pixels per thousandth of the whole print's shorter side

    def border_point(self, rng: np.random.Generator) -> tuple[np.ndarray, float]:
        """A point (x, y) on one of `sides`, or on any side if there are none, and an angle inward."""
        side = int(rng.choice(self.sides or (0, 1, 2, 3)))
        along, angle = rng.uniform(0, 1), (side + 1) * np.pi / 2 + rng.normal(0, 0.5)
        x, y = ((along, 0), (1, along), (along, 1), (0, along))[side]
        return np.array([x * (self.width - 1), y * (self.height - 1)]), angle

    def edge_share(self, reach: float) -> np.ndarray:
        """float32 (H, W): 1 at the print's edges, falling to 1/e within `reach` thousandths."""
        y, x = np.mgrid[: self.height, : self.width].astype(np.float32)
        distances = (y, self.width - 1 - x, self.height - 1 - y, x)
        nearest = np.minimum.reduce([distances[side] for side in self.sides] or [np.full_like(x, np.inf)])
        return np.exp(-nearest / max(1.0, reach * self.unit))


class Mark(NamedTuple):
    """One kind of wear on a print."""

    opacity: np.ndarray  # float32 (H, W) in [0, 1]
    contrast: float  # levels toward the paper's tone, or if negative toward black; above 255 nothing shows through
    fades: bool = True  # varies in strength from place to place


Kind = Callable[[np.random.Generator, Sheet], list[Mark]]


def add_wear(
    gray: np.ndarray, rng: np.random.Generator, scale: float = 1, shapes: Shapes = NO_SHAPES
) -> tuple[np.ndarray, np.ndarray]:
    """Age a print with several kinds of wear.

    Args:
        gray: uint8 (H, W), left unchanged.
        scale: size of the whole print relative to the photo: above 1 the photo is a part, anywhere, of a larger print
            whose marks are broader.
        shapes: real damage to draw too, see `shapes.load_shapes`.

    Returns:
        The worn photo, uint8 (H, W), and the mask, bool (H, W): True where a change can be seen.
    """
    sheet = _sheet(gray.shape, scale, rng)
    photo = before = gray.astype(np.float32)
    paper, worn_down = rng.uniform(165, 250), rng.uniform(0.5, 1.5)
    kinds = [kind for kind, chance in KINDS if rng.random() < chance * worn_down]
    for kind in kinds or [KINDS[rng.integers(len(KINDS))][0]]:
        for mark in kind(rng, sheet):
            photo = _pressed(photo, mark if kind is losses else _at_the_edge(rng, sheet, mark), paper, rng)
    for _ in range(rng.integers(0, 2 + round(2 * worn_down)) if shapes else 0):
        photo = _pressed(photo, _at_the_edge(rng, sheet, _shape_mark(rng, sheet, shapes)), paper, rng)
    photo = np.rint(photo.clip(0, 255)).astype(np.uint8)
    texture = cv2.blur(np.abs(before - cv2.GaussianBlur(before, (0, 0), 1.5)), (9, 9))
    return photo, cv2.absdiff(photo, gray) >= np.maximum(SEEN, HIDDEN * texture)


def _sheet(shape: tuple[int, ...], scale: float, rng: np.random.Generator) -> Sheet:
    """A random part of a print `scale` times as large, at each of its sides about equally often."""
    height, width = shape
    corner = rng.uniform(-0.4, scale - 0.6, 2).clip(0, scale - 1)  # of the part, in its sides; often at an edge
    ends = corner[0] == 0, corner[1] == scale - 1, corner[0] == scale - 1, corner[1] == 0
    return Sheet(height, width, tuple(side for side in range(4) if ends[side]), scale * min(shape) / 1000)


def _at_the_edge(rng: np.random.Generator, sheet: Sheet, mark: Mark) -> Mark:
    """Make one mark in two fade away from the print's edges."""
    if not sheet.sides or rng.random() < 0.5:
        return mark
    return mark._replace(opacity=mark.opacity * (0.1 + 1.5 * sheet.edge_share(EDGE)).clip(0, 1))


def _pressed(photo: np.ndarray, mark: Mark, paper: float, rng: np.random.Generator) -> np.ndarray:
    """The photo, float32 (H, W), under one more mark."""
    opacity = mark.opacity
    if mark.fades:
        opacity = opacity * (0.15 + 1.2 * clouds(rng, opacity.shape, rng.choice([4, 8, 16, 32]))).clip(0, 1)
    smooth = cv2.GaussianBlur(photo, (0, 0), 2.5)
    light = mark.contrast > 0
    tone = (paper if rng.random() < 0.7 else rng.uniform(165, 250)) if light else rng.uniform(0, 70)
    if abs(mark.contrast) > 45:  # the emulsion is gone, and the picture's texture with it
        photo = photo - 0.6 * opacity * (photo - smooth)
    change = (tone - smooth).clip(0, mark.contrast) if light else (tone - smooth).clip(mark.contrast, 0)
    return photo + opacity * change


def contrast(rng: np.random.Generator) -> float:
    """Levels between a mark and its surroundings, as on real prints: seldom above 75 in the middle."""
    kind = rng.random()
    return log_uniform(rng, 12, 30) if kind < 0.35 else rng.uniform(25, 75) if kind < 0.8 else rng.uniform(60, 140)


def cracks(rng: np.random.Generator, sheet: Sheet) -> list[Mark]:
    """One to three cracks from the edges that fork into hairlines, some with the shadow of a lifted rim."""
    canvas, width = _canvas(sheet), log_uniform(rng, 4, 20)
    for _ in range(rng.integers(1, 4)):
        point, angle = sheet.border_point(rng)
        length, forks = rng.uniform(100, 800), int(rng.integers(1, 4))
        grow_crack(rng, canvas, point, angle, width * rng.uniform(0.5, 1.1), length, forks, sheet.unit)
    levels = 1.2 * contrast(rng)
    shadow = [Mark(shadow_of(rng, canvas), -0.5 * levels)] if rng.random() < 0.25 else []
    return [*shadow, Mark(flaked(rng, canvas), levels)]


def edge_cracks(rng: np.random.Generator, sheet: Sheet) -> list[Mark]:
    """Dense short cracks along the edges."""
    canvas = _canvas(sheet)
    for _ in range(rng.integers(8, 40) * len(sheet.sides) // 2):
        point, angle = sheet.border_point(rng)
        angle += rng.normal(0, 0.5)
        grow_crack(rng, canvas, point, angle, log_uniform(rng, 3, 9), rng.uniform(15, 120), 1, sheet.unit)
    return [Mark(flaked(rng, canvas), 1.2 * contrast(rng))]


def folds(rng: np.random.Generator, sheet: Sheet) -> list[Mark]:
    """One or two nearly straight lines across the print, light with a dark rim, with short cracks beside them."""
    marks = []
    for _ in range(rng.integers(1, 3)):
        canvas, upright = _canvas(sheet), rng.random() < 0.5
        angle = rng.integers(4) * np.pi / 2 + rng.normal(0, 0.06) if upright else rng.uniform(0, 2 * np.pi)
        middle = rng.uniform(0.1, 0.9, 2) * (sheet.width, sheet.height)
        reach = 2 * max(sheet.height, sheet.width)
        along = np.arange(-reach if rng.random() < 0.7 else 0, reach, max(4.0, 8 * sheet.unit))
        direction, aside = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        sway = np.convolve(rng.normal(0, 2, len(along) + 8), np.ones(9) / 9, "valid") * sheet.unit
        line = middle + along[:, None] * direction + sway[:, None] * aside
        draw_line(canvas, line, log_uniform(rng, 3, 16) * sheet.unit)
        for start in line[rng.integers(len(line), size=rng.integers(0, 12))]:
            turn = rng.choice([-1, 1]) * rng.uniform(0.5, 1.6)
            grow_crack(rng, canvas, start, angle + turn, 2, rng.uniform(10, 60), 0, sheet.unit)
        levels = contrast(rng)
        if rng.random() < 0.4:
            marks.append(Mark(shadow_of(rng, canvas), -0.6 * levels))
        marks.append(Mark(flaked(rng, canvas), levels if rng.random() < 0.85 else -0.6 * levels))
    return marks


def specks(rng: np.random.Generator, sheet: Sheet) -> list[Mark]:
    """Dust and small flakes, mostly light, almost half of them at the edges, a quarter in a cluster."""
    light, dark = _canvas(sheet), _canvas(sheet)
    size = np.array([sheet.width, sheet.height])
    share = size.prod() / (1000 * sheet.unit) ** 2  # of a square print
    cluster = rng.uniform(0, 1, 2) * size
    for _ in range(max(3, int(log_uniform(rng, 15, 350) * share))):
        place = rng.random()
        at_edge = bool(sheet.sides) and place > 0.55
        point = (
            sheet.border_point(rng)[0] + rng.normal(0, 25 * sheet.unit, 2) if at_edge else rng.uniform(0, 1, 2) * size
        )
        point = cluster + rng.normal(0, 0.12, 2) * size if 0.3 < place <= 0.55 else point
        radius = max(0.4, log_uniform(rng, 1.2, 7) * sheet.unit)
        target = light if rng.random() < 0.72 else dark
        axes = max(3, int(8 * radius)), max(3, int(8 * radius * rng.uniform(0.4, 1)))
        filled = -1 if rng.random() < 0.93 else 1
        at, turn, shade = tuple((8 * point).astype(int).tolist()), rng.uniform(0, 180), rng.uniform(60, 255)
        cv2.ellipse(target, at, axes, turn, 0, 360, shade, filled, cv2.LINE_AA, 3)
        if radius > 2 and rng.random() < 0.2:  # a flake's rim
            cv2.circle(dark, at, int(9 * radius), rng.uniform(60, 200), 1, cv2.LINE_AA, 3)
    pairs = (light, 1.4 * contrast(rng)), (dark, -contrast(rng))
    return [Mark(canvas.astype(np.float32) / 255, levels, fades=False) for canvas, levels in pairs]


def rubbing(rng: np.random.Generator, sheet: Sheet) -> list[Mark]:
    """A lacy area where the surface is rubbed off, or a bundle of parallel scuffs."""
    shape = sheet.height, sheet.width
    if rng.random() < 0.4:
        canvas, angle = _canvas(sheet), rng.uniform(0, np.pi)
        middle, spread = rng.uniform(0, 1, 2) * (sheet.width, sheet.height), rng.uniform(10, 80) * sheet.unit
        for _ in range(rng.integers(3, 14)):
            center, turn = middle + rng.normal(0, spread, 2), angle + rng.normal(0, 0.06)
            half = np.array([np.cos(turn), np.sin(turn)]) * rng.uniform(10, 100) * sheet.unit
            draw_line(canvas, np.array([center - half, center + half]), 1, rng.uniform(60, 255))
        return [Mark(canvas.astype(np.float32) / 255, contrast(rng) * (1 if rng.random() < 0.85 else -1))]
    lace = ((clouds(rng, shape, rng.choice([2, 3, 5])) - rng.uniform(0.6, 0.8)) * 8).clip(0, 1)
    where = ((clouds(rng, shape, rng.uniform(40, 150) * sheet.unit) - rng.uniform(0.5, 0.8)) * 6).clip(0, 1)
    return [Mark(lace * np.maximum(where, (2 * sheet.edge_share(EDGE) - 0.6).clip(0, 1)), contrast(rng))]


def stains(rng: np.random.Generator, sheet: Sheet) -> list[Mark]:
    """A blot with an uneven edge, mostly dark and faint; some are opaque."""
    size = min(sheet.height, sheet.width)
    area = (log_uniform(rng, 10, 200) * sheet.unit / size) ** 2
    blot = draw_hole(rng, sheet.height, sheet.width, min(0.15, area)).astype(np.float32)
    blot = cv2.GaussianBlur(blot, (0, 0), 0.5 + log_uniform(rng, 0.5, 12) * sheet.unit)
    levels = log_uniform(rng, 8, 40) if rng.random() < 0.7 else rng.uniform(40, 200)
    blot *= 0.7 + 0.3 * clouds(rng, blot.shape, 60 * sheet.unit)
    return [Mark(blot, levels if rng.random() < 0.35 else -levels, fades=False)]


def losses(rng: np.random.Generator, sheet: Sheet) -> list[Mark]:
    """A torn corner, a notch in the edge or a hole, showing paper, white or black, with a fibrous rim."""
    shape = sheet.height, sheet.width
    center = sheet.border_point(rng)[0] if sheet.sides and rng.random() < 0.9 else rng.uniform(0, 1, 2) * shape[::-1]
    if len(sheet.sides) > 1 and rng.random() < 0.6:  # the corner next to it
        center = np.rint(center / (sheet.width, sheet.height)) * (sheet.width, sheet.height)
    y, x = np.mgrid[: sheet.height, : sheet.width].astype(np.float32)
    radius, stretch = log_uniform(rng, 15, 200) * sheet.unit, rng.uniform(0.5, 2)
    ragged = (clouds(rng, shape, 0.6 * radius + 2) - 0.5) * 0.8 + (clouds(rng, shape, 3) - 0.5) * 4 / max(4, radius)
    lost = 1 - np.hypot((x - center[0]) * stretch, y - center[1]) / radius + ragged
    inside = (lost * radius / 2).clip(0, 1)
    rim = ((lost + rng.uniform(2, 10) * sheet.unit / radius * clouds(rng, shape, 3)) * radius / 2).clip(0, 1)
    return [Mark(rim, 150, fades=False), Mark(inside, 999 if rng.random() < 0.75 else -999, fades=False)]


KINDS: tuple[tuple[Kind, float], ...] = (  # and the share of prints that have it
    (losses, 0.2), (stains, 0.2), (rubbing, 0.3), (edge_cracks, 0.4), (cracks, 0.5), (folds, 0.35), (specks, 0.65),
)  # fmt: skip


def _shape_mark(rng: np.random.Generator, sheet: Sheet, shapes: Shapes) -> Mark:
    """Real damage, mostly near the edges; stains are faint and dark as often as light."""
    near = sheet.border_point(rng)[0] if sheet.sides and rng.random() < 0.6 else None
    kind, canvas = draw_shape(rng, shapes, (sheet.height, sheet.width), sheet.unit, near)
    levels = log_uniform(rng, 8, 30) if kind == "stain" else 999 if kind == "torn" else contrast(rng)
    light = rng.random() < (0.5 if kind == "stain" else 0.75)
    opacity = flaked(rng, canvas)
    return Mark(opacity if canvas.mean() < 90 else np.zeros_like(opacity), levels if light else -levels)


def _canvas(sheet: Sheet) -> np.ndarray:
    return np.zeros((sheet.height, sheet.width), np.uint8)
