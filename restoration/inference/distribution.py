"""How likely each color is in each part of a photo, and the colorings that follow from it."""

from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np

from restoration.chroma_bins import BINS, LEAST_PRIOR, TAU, TEMPERATURE
from restoration.inference.agreement import agreed, without_spots

COLORINGS = 3  # from one belief: the likeliest, and alternatives
VIVID_TAU = 0.3  # how much tau grows from strength 1 to 2
_ANGLES = np.linspace(0, 2 * np.pi, 24, endpoint=False)
HUES = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)]).astype(np.float32)  # (2, 24), directions of chroma
HUED = 20 / 255  # length of a chroma from which a bin fully counts as having a hue
TILTS = BINS / np.maximum(np.linalg.norm(BINS, axis=1, keepdims=True), HUED)  # (N, 2)
OF_HUE = np.clip((TILTS @ HUES - 0.7) / 0.3, 0, 1)  # (N, 24): how much a bin has a hue, 0 from 45 degrees on
TILT = 2.0  # logits that a chosen hue gains over gray
OPEN = 0.1  # probability from which another hue is believable
LEAST_AREA = 0.25  # share of a photo whose hue changes even if no other hue is believable
MOST_REGIONS = 80
ALIKE = 0.03  # difference of two beliefs, in [0, 1], up to which their regions choose alike


@dataclass(frozen=True)
class ChromaDistribution:
    """The Colorizer's belief about one photo.

    Args:
        logits: float32 (N, h, w) of the colors `chroma_bins.BINS`, one per 4 px of `light`.
        light: the luma that the network saw, float32 (H, W) in [0, 1].
        prior: how often photos have each color, float32 (N,).
        before: an earlier belief about the photo, whose hues the alternatives keep, even after a small repair.
    """

    logits: np.ndarray
    light: np.ndarray
    prior: np.ndarray
    before: "ChromaDistribution | None" = None

    def decode(self, strength: float = 1) -> np.ndarray:
        """The coloring with the lowest expected error, float32 (H, W, 2); with a `strength` above 1, rarer and more
        vivid colors are likelier."""
        return self._colored(self._rarity(strength))

    def after(self, before: "ChromaDistribution") -> "ChromaDistribution":
        """The same belief with `before` set to an earlier one of the photo, if that has the same size."""
        return replace(self, before=before.before or before) if before.logits.shape == self.logits.shape else self

    def alternative(self, number: int, strength: float = 1) -> np.ndarray:
        """Another coloring, 1 to COLORINGS - 1, float32 (H, W, 2): a region of uncertain hue takes the next likely.

        A region keeps its color if no other hue is believable, as with skin and sky. `strength` as in `decode`.
        """
        return self._colored(self._rarity(strength) + (self.before or self)._tilts[number - 1])

    def likelihood(self, hue: np.ndarray) -> np.ndarray:
        """How likely a hue is, a direction of chroma (2,): float32 (H, W) in [0, 1]; full weight within 26 degrees."""
        of_hue = np.clip((TILTS @ hue - 0.6) / 0.3, 0, 1)
        return self._enlarged(np.tensordot(of_hue, _softmax(self.logits + self._rarity()), (0, 0)))

    @cached_property
    def _tilts(self) -> list[np.ndarray]:
        """The logits added to the hues of each alternative, float32 (N, h, w)."""
        regions, scores = self._regions, self.logits + self._rarity()
        area = regions.sum(axis=(1, 2))
        likely = np.einsum("nhw,rhw->rn", _softmax(scores), regions) / area[:, None]
        hues = _pooled(np.sqrt(likely), area) @ (likely @ OF_HUE)  # (R, 24)
        first = np.einsum("hwc,rhw->rc", _mean(scores), regions) / area[:, None]
        taken = [first / np.maximum(np.linalg.norm(first, axis=1, keepdims=True), HUED / 2)]
        found = []
        for _ in range(COLORINGS - 1):
            free = hues * _free(taken)
            taken.append(HUES.T[free.argmax(axis=1)])
            tilt = _trust(free.max(axis=1), area)[:, None] * (TILT * taken[-1] @ TILTS.T)
            found.append(np.einsum("rn,rhw->nhw", tilt, regions))
        return found

    def _rarity(self, strength: float = 1) -> np.ndarray:
        """The logits added to each color for being rare, float32 (N, 1, 1)."""
        tau = np.float32(TAU + VIVID_TAU * (strength - 1))
        return -tau * np.log(self.prior + np.float32(LEAST_PRIOR))[:, None, None]

    def _colored(self, favor: np.ndarray) -> np.ndarray:
        """The mean color, float32 (H, W, 2), with `favor` added to the logits, and without spots."""
        return self._enlarged(without_spots(_mean(self.logits + favor), _mean(self._agreed + favor)))

    @cached_property
    def _agreed(self) -> np.ndarray:
        """The belief of each place averaged with its surroundings, logits (N, h, w)."""
        likely = _softmax((self.logits + self._rarity()) / TEMPERATURE)
        mean = np.tensordot(likely, BINS, (0, 0))
        variance = np.tensordot(likely, (BINS**2).sum(axis=1), (0, 0)) - (mean**2).sum(axis=2)
        height, width = (4 * side for side in self.logits.shape[1:])
        below, right = height - self.light.shape[0], width - self.light.shape[1]
        light = cv2.copyMakeBorder(self.light, 0, below, 0, right, cv2.BORDER_REPLICATE)
        return agreed(self.logits, cv2.resize(light, (width // 4, height // 4), interpolation=cv2.INTER_AREA), variance)

    @cached_property
    def _regions(self) -> np.ndarray:
        """Regions that belong together by luma and color, float32 (R, h, w): the share of each, soft at its edges.

        Felzenszwalb and Huttenlocher, "Efficient Graph-Based Image Segmentation" (2004).
        """
        from skimage.segmentation import felzenszwalb  # slow to load, and seldom wanted

        seen, size = np.dstack([self.light, self.decode()]), self.logits.shape[:0:-1]
        least = self.light.size // MOST_REGIONS
        labels = felzenszwalb(seen, scale=60, sigma=0.8, min_size=least)
        masks = [(labels == label).astype(np.float32) for label in range(labels.max() + 1)]
        soft = [cv2.resize(cv2.GaussianBlur(mask, (0, 0), 1.5), size, interpolation=cv2.INTER_AREA) for mask in masks]
        return np.stack(soft) / np.sum(soft, axis=0)

    def _enlarged(self, small: np.ndarray) -> np.ndarray:
        height, width = self.light.shape
        return cv2.resize(small, None, fx=4, fy=4, interpolation=cv2.INTER_LINEAR)[:height, :width]


def _mean(scores: np.ndarray) -> np.ndarray:
    """The mean color of the sharpened distribution: (N, h, w) -> float32 (h, w, 2)."""
    return np.tensordot(_softmax(scores / TEMPERATURE), BINS, (0, 0))


def _softmax(scores: np.ndarray) -> np.ndarray:
    weights = np.exp(scores - scores.max(axis=0))
    return weights / weights.sum(axis=0)


def _free(taken: list[np.ndarray]) -> np.ndarray:
    """How free each hue is of those taken, unit vectors (R, 2): (R, 24), 0 up to 45 degrees and 1 from 73 on."""
    return np.clip((0.7 - np.max([chroma @ HUES for chroma in taken], axis=0)) / 0.4, 0, 1)


def _pooled(roots: np.ndarray, area: np.ndarray) -> np.ndarray:
    """How much each region (rows) follows each other (columns), (R, R): regions with equal beliefs choose alike.

    `roots`: square roots of their probabilities (R, N), whose products are Bhattacharyya's coefficients.
    """
    alike = np.exp(roots @ roots.T / ALIKE) * area
    return alike / alike.sum(axis=1, keepdims=True)


def _trust(likely: np.ndarray, area: np.ndarray) -> np.ndarray:
    """How far each region takes another hue, in [0, 1], by how likely that is. Some regions always change."""
    order = np.argsort(-likely)
    reached = np.searchsorted(np.cumsum(area[order]), LEAST_AREA * area.sum())
    enough = min(OPEN, likely[order][reached])
    return np.clip(2 * likely / max(enough, 1e-6) - 1, 0, 1).astype(np.float32)
