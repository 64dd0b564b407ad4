"""Shapes of real damage for training: gray pictures in a folder or a tar, white where damaged."""

import math
import tarfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from restoration.errors import RestorationError

Shapes = dict[str, list[np.ndarray]]  # by kind, each uint8 (h, w)
NO_SHAPES: Shapes = {}
KINDS = {  # the first word of a file's name: how often it is drawn, its least and greatest scale on a print of 500 px
    "crack": (4.7, 0.3, 1.3), "scratch": (2.8, 0.3, 1.3), "hair": (3.0, 0.2, 1.0), "dust": (5.0, 0.3, 1.3),
    "stain": (2.0, 0.2, 1.2), "fold": (0.4, 0.5, 1.0), "torn": (0.5, 0.05, 0.3),
}  # fmt: skip
LONGEST = 640  # pixels, of a shape in memory


@lru_cache(maxsize=1)
def load_shapes(source: str) -> Shapes:
    """The shapes of a folder or a tar, PNG files named `kind-...`; unknown kinds are left out."""
    shapes: Shapes = {}
    for name, data in _files(Path(source)):
        kind = name.split("-")[0]
        shape = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE) if kind in KINDS else None
        if shape is not None and shape.max() > 0:
            smaller = min(1.0, LONGEST / max(shape.shape))
            shape = cv2.resize(shape, None, fx=smaller, fy=smaller, interpolation=cv2.INTER_AREA)
            shapes.setdefault(kind, []).append(cv2.convertScaleAbs(shape, alpha=255 / shape.max()))
    if not shapes:
        raise RestorationError(f"{source} holds no shapes of wear; give a folder or tar of {', '.join(KINDS)}-*.png.")
    return shapes


def _files(source: Path) -> Iterator[tuple[str, bytes]]:
    if source.is_dir():
        yield from ((file.name, file.read_bytes()) for file in sorted(source.rglob("*.png")))
    elif source.is_file() and tarfile.is_tarfile(source):
        with tarfile.open(source) as tar:
            for member in tar:
                if member.isfile() and member.name.endswith(".png"):
                    yield Path(member.name).name, tar.extractfile(member).read()


def draw_shape(
    rng: np.random.Generator, shapes: Shapes, size: tuple[int, int], unit: float, near: np.ndarray | None
) -> tuple[str, np.ndarray]:
    """A random shape, turned and scaled -> its kind and opacity, uint8 of `size`.

    Args:
        unit: pixels per thousandth of the print's shorter side.
        near: the point (x, y) to place it at; None = anywhere.
    """
    kinds = sorted(shapes)
    chances = np.array([KINDS[kind][0] for kind in kinds])
    kind = kinds[rng.choice(len(kinds), p=chances / chances.sum())]
    shape = shapes[kind][rng.integers(len(shapes[kind]))]
    _, least, most = KINDS[kind]
    scale = 2 * unit * least * (most / least) ** rng.random()
    if scale < 0.6:  # otherwise thin lines would be lost or become faint
        shape = cv2.resize(shape, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        shape, scale = cv2.convertScaleAbs(shape, alpha=min(2.5, scale**-0.7)), 1.0
    angle, mirror = rng.uniform(0, 2 * math.pi), rng.choice([-1, 1])
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    turn = np.array([[cos * mirror, -sin], [sin * mirror, cos]])
    inside = rng.uniform(0.2, 0.8, 2) * shape.shape[::-1]
    place = rng.uniform(0, 1, 2) * size[::-1] if near is None else near
    drawn = cv2.warpAffine(shape, np.column_stack([turn, place - turn @ inside]), size[::-1], flags=cv2.INTER_LINEAR)
    return kind, drawn
