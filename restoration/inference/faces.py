"""Faces in a photo: eyes, noses, mouths and ears look like wear; on the skin between them, wear is easy to tell.

Faces are found by BlazeFace's full-range network (Bazarevsky et al. 2019; MediaPipe, Apache-2.0), which does not
identify anyone.
"""

import math
from functools import cache
from itertools import product
from typing import NamedTuple

import cv2
import numpy as np

from restoration.config import SHIPPED_WEIGHTS
from restoration.inference.backends import openvino_graph

NETWORK = SHIPPED_WEIGHTS / "faces" / "face_detection_full_range.tflite"
SIDE = 192  # px of the square that the network sees
GRID = 48  # cells per side, each of which may be the center of a face
LEAST_SCORE = 0.5  # of a face
MOST_OVERLAP = 0.3  # of two faces, intersection over union
ZOOM = 1.6  # magnification of the photo's parts, for small faces
STEP = 0.6  # of a part's side, the greatest step to the next part
EYE, NOSE, MOUTH, EAR = (0.62, 0.42), (0.6, 0.35), (1.1, 0.6), (0.6, 1.0)  # ellipses, in eye distances
OVAL = 0.7, 1.1  # a face's ellipse relative to its box, which reaches from ear to ear
OVAL_MIDDLE = 0.45  # of the box's height, the center of the ellipse
OUTWARD = 0.15  # eye distances from the network's ear point, at the cheek, to the ear's center
SOFTNESS = 0.04  # eye distances, of an ellipse's edge


class Face(NamedTuple):
    """One face; all in px of the photo, points as (x, y)."""

    score: float  # in [0, 1]
    box: np.ndarray  # left, top, width, height
    points: np.ndarray  # (6, 2): both eyes, tip of the nose, mouth, both ears where they meet the cheek

    @property
    def distance(self) -> float:
        """Distance between the eyes, px."""
        return float(np.linalg.norm(self.points[1] - self.points[0]))

    def scaled(self, scale: float) -> "Face":
        """The same in a photo of another size."""
        return Face(self.score, self.box * scale, self.points * scale)


def find_faces(gray: np.ndarray) -> list[Face]:
    """The faces in a photo, uint8 (H, W), nearly upright; the photo is searched whole and in overlapping parts."""
    side = math.ceil(max(gray.shape) / ZOOM)
    parts = [_offsets(length, side) for length in gray.shape]
    seen = [_faces_in(gray, 0, 0, max(gray.shape))]
    seen += [_faces_in(gray, top, left, side) for top, left in product(*parts)]
    found = [face for faces in seen for face in faces]
    kept = cv2.dnn.NMSBoxes([face.box for face in found], [face.score for face in found], LEAST_SCORE, MOST_OVERLAP)
    return [found[index] for index in kept]


def features(face: Face, shape: tuple[int, ...]) -> np.ndarray:
    """Where its eyes, nose, mouth and ears are: float32 (H, W) in [0, 1], with soft edges."""
    eyes, (nose, mouth), ears = face.points[:2], face.points[2:4], face.points[4:]
    outward = ears - eyes.mean(axis=0)
    outward /= np.maximum(np.linalg.norm(outward, axis=1, keepdims=True), 1e-6)
    ears = ears + OUTWARD * face.distance * outward
    middles, sizes = [*eyes, nose, mouth, *ears], np.array([EYE, EYE, NOSE, MOUTH, EAR, EAR]) * face.distance
    return _ellipses(middles, sizes, face, shape)


def oval(face: Face, shape: tuple[int, ...]) -> np.ndarray:
    """The face from chin to hair: float32 (H, W) in [0, 1], with soft edges."""
    return _ellipses([face.box[:2] + face.box[2:] * (0.5, OVAL_MIDDLE)], [face.box[2:] * OVAL], face, shape)


def skin(face: Face, where: np.ndarray) -> np.ndarray:
    """The oval without the features; both float32 (H, W) in [0, 1]."""
    return np.maximum(oval(face, where.shape) - where, 0)


def _ellipses(middles, sizes, face: Face, shape: tuple[int, ...]) -> np.ndarray:
    """Ellipses tilted like the face."""
    across = face.points[1] - face.points[0]
    angle = np.degrees(np.arctan2(across[1], across[0]))
    filled = np.zeros(shape, np.uint8)
    for middle, size in zip(middles, sizes, strict=True):
        cv2.ellipse(filled, (middle, size, angle), 255, cv2.FILLED)
    return cv2.GaussianBlur(filled, (0, 0), max(0.5, SOFTNESS * face.distance)) / np.float32(255)


@cache
def _network():
    return openvino_graph(NETWORK, "float32")


def _offsets(length: int, side: int) -> list[int]:
    """Where the parts begin along one side."""
    beyond = max(0, length - side)
    return [round(offset) for offset in np.linspace(0, beyond, 1 + math.ceil(beyond / (STEP * side)))]


def _faces_in(gray: np.ndarray, top: int, left: int, side: int) -> list[Face]:
    """Faces in a square of a photo, black beyond the photo."""
    part = gray[top : top + side, left : left + side]
    scale = SIDE / side
    size = [max(1, round(length * scale)) for length in reversed(part.shape)]
    image = np.zeros((SIDE, SIDE), np.float32)
    image[: size[1], : size[0]] = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    image = image / np.float32(127.5) - 1
    logits, places = sorted(_network()([np.repeat(image[None, ..., None], 3, axis=-1)]), key=lambda out: out.shape[-1])
    scores = 1 / (1 + np.exp(-logits.ravel()))
    faces = []
    for cell in np.flatnonzero(scores > LEAST_SCORE):
        middle, box, *points = (places[0, cell].reshape(8, 2) / SIDE).astype(np.float64)
        at = (np.array([cell % GRID, cell // GRID]) + 0.5) / GRID
        points = (np.array(points) + at) * side + [left, top]
        corner = (middle + at - box / 2) * side + [left, top]
        faces.append(Face(float(scores[cell]), np.concatenate([corner, box * side]), points))
    return faces
