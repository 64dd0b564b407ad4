"""Colors from another photo: where a network sees the same thing in both, its colors become known."""

from itertools import product

import numpy as np

from restoration.color import chroma, luma
from restoration.inference.backends import Network
from restoration.inference.hints import Known
from restoration.inference.scaling import shrink

SIDE, LONGEST = 320, 640  # px, the shorter side at which photos are compared, and the limit of the longer one
CELL = 8  # px, the stride of the features
AROUND = 2  # cells on each side whose matches must agree
OFF = 1.5  # cells by which a match may differ from the place its neighbor's match predicts
AGREEING = 0.12  # of the neighbors, from which a match counts
CERTAIN = 0.2  # of the neighbors, which chance hardly brings together
FEWEST = 8  # certain matches needed: of 120 pairs of unrelated photos, none had more than six
TRUST = 0.01  # of a match whose neighbors all agree; that of a hint is 1
FADE = 1e-3  # for lent colors: there are many, so each reaches less far than a hint


class Reference:
    """A color photo that can lend its colors.

    Args:
        photo: uint8 RGB (H, W, 3).
        network: an Inpainter, whose features work better here than the detector's or the Colorizer's.
    """

    def __init__(self, photo: np.ndarray, network: Network):
        self._network = network
        self._features = self._seen(luma(photo))
        self._chroma = shrink(photo.shape[:2], self._features.shape[:2], lambda rows: chroma(photo[rows]))

    def lend(self, gray: np.ndarray, size: tuple[int, int]) -> Known:
        """The colors of what a gray photo, uint8 (H, W), shares with the reference, at the size of its chroma.

        Mutual nearest neighbors count if the matches around them agree on the shift, in the photo or its mirror image.
        Chance matches do not agree, so an unrelated photo lends nothing.
        """
        features = self._seen(gray)
        cells = features.shape[:2]
        match, is_mutual = _nearest(features, self._features)
        place = np.stack(np.divmod(match, self._chroma.shape[1]), axis=-1).astype(np.float32)
        place[~is_mutual] = np.nan
        agreement = _agreement(place)
        known = Known(np.zeros((*size, 2), np.float32), np.zeros(size, np.float32))
        if np.count_nonzero(agreement >= CERTAIN) >= FEWEST:
            rows, columns = np.nonzero(agreement >= AGREEING)
            y, x = ((n + 0.5) * length / count for n, length, count in zip((rows, columns), size, cells, strict=True))
            center = y.astype(int), x.astype(int)
            known.chroma[center] = self._chroma.reshape(-1, 2)[match[rows, columns]]
            known.trust[center] = TRUST * agreement[rows, columns]
        return known

    def _seen(self, gray: np.ndarray) -> np.ndarray:
        """The network's features of a photo, float32 (h, w, C), one cell per CELL px."""
        scale = min(SIDE / min(gray.shape), LONGEST / max(gray.shape)) / CELL
        size = [CELL * max(4, round(length * scale)) for length in gray.shape]
        light = shrink(gray.shape, tuple(size), lambda rows: gray[rows] / np.float32(255))
        features = self._network.features(np.stack([light, np.zeros_like(light)]))
        return features[:, : size[0] // CELL, : size[1] // CELL].transpose(1, 2, 0)


def _nearest(features: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each cell (h, w, C) the flat index of the most similar cell of the other photo, and whether it is mutual.

    Cosine similarity, after each channel is normalized to mean 0 and variance 1 over both photos.
    """
    own, other = features.reshape(-1, features.shape[-1]), others.reshape(-1, others.shape[-1])
    both = np.concatenate([own, other])
    both = (both - both.mean(axis=0)) / np.maximum(both.std(axis=0), np.float32(1e-6))
    both /= np.maximum(np.linalg.norm(both, axis=1, keepdims=True), np.float32(1e-6))
    similarity = both[: len(own)] @ both[len(own) :].T
    match = similarity.argmax(axis=1)
    is_mutual = similarity.argmax(axis=0)[match] == np.arange(len(own))
    return match.reshape(features.shape[:2]), is_mutual.reshape(features.shape[:2])


def _agreement(place: np.ndarray) -> np.ndarray:
    """The share of cells around each cell whose matches lie likewise around its own match, float32 (h, w).

    Args:
        place: row and column of each cell's match, float32 (h, w, 2); NaN where there is none.
    """
    height, width = place.shape[:2]
    padded = np.pad(place, ((AROUND, AROUND), (AROUND, AROUND), (0, 0)), constant_values=np.nan)
    votes = np.zeros((2, height, width), np.float32)
    steps = [step for step in product(range(-AROUND, AROUND + 1), repeat=2) if any(step)]
    for down, right in steps:
        moved = padded[AROUND + down :, AROUND + right :][:height, :width] - place
        for vote, mirrored in zip(votes, (right, -right), strict=True):
            vote += (np.abs(moved - np.float32([down, mirrored])) <= OFF).all(axis=-1)
    return votes.max(axis=0) / len(steps)
