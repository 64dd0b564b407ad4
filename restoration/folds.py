"""Which photos show the same scene: near-duplicates must not sit on both sides of a split."""

from collections.abc import Sequence

import cv2
import numpy as np

MAX_DISTANCE = 10  # of 64 bits; clusters stay small (5-6 in 6,000 landscapes)


def perceptual_hash(gray: np.ndarray) -> int:
    """64-bit DCT hash of a uint8 luma photo (H, W).

    The lowest 8 x 8 frequencies of the photo at 32 x 32, each compared with their median (C. Zauner,
    "Implementation and benchmarking of perceptual image hash functions", 2010).
    """
    small = cv2.resize(gray, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32)
    low = cv2.dct(small)[:8, :8].ravel()
    return int.from_bytes(np.packbits(low > np.median(low)).tobytes(), "big")


def near_duplicates(hashes: Sequence[int], mirrored: Sequence[int]) -> list[tuple[int, int]]:
    """Pairs (i, j), i < j, of photos of which one is near the other or the other's mirror image."""
    own = np.array(hashes, np.uint64)
    other = np.array(mirrored, np.uint64)
    pairs = []
    for i in range(len(own)):
        rest = slice(i + 1, None)
        near = np.minimum(np.bitwise_count(own[rest] ^ own[i]), np.bitwise_count(other[rest] ^ own[i]))
        pairs += [(i, i + 1 + int(j)) for j in np.flatnonzero(near <= MAX_DISTANCE)]
    return pairs


def groups(hashes: Sequence[int], mirrored: Sequence[int]) -> np.ndarray:
    """Group number of each photo, int (N,): near-duplicates, and near-duplicates of those, share one."""
    parent = list(range(len(hashes)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = i = parent[parent[i]]
        return i

    for i, j in near_duplicates(hashes, mirrored):
        parent[root(j)] = root(i)
    return np.array([root(i) for i in range(len(parent))])
