"""Folds of groups: photos of the same scene must not sit on both sides of a split."""

import numpy as np
from sklearn.model_selection import KFold

from restoration.data.photos import Checked
from restoration.errors import RestorationError

MAX_DISTANCE = 10  # of 64 bits; clusters stay small (5-6 in 6,000 landscapes)
HELD_OUT = 0.05  # of all groups, where there is one fold only


def group(checked: Checked) -> np.ndarray:
    """Group number of each photo, int (N,): near-duplicates share one, and photos of a scene that is known, such as
    crops of one photo. No hash knows another view of the same place."""
    near = near_duplicates(checked.hashes[:, 0], checked.hashes[:, 1]).tolist()
    keys = [entry.scene or number for entry, number in zip(checked.photos.entries, near, strict=True)]
    number: dict[str | int, int] = {}
    return np.array([number.setdefault(key, len(number)) for key in keys])


def near_duplicates(hashes: np.ndarray, mirrored: np.ndarray) -> np.ndarray:
    """A number for each photo, int (N,): near-duplicates, and near-duplicates of those, share one.

    Two photos are near when one's hash is within MAX_DISTANCE bits of the other's or of the other's mirror
    image. Time is O(N^2) in whole-array steps (30,000 photos: seconds), memory O(N).
    """
    own, other = np.asarray(hashes, np.uint64), np.asarray(mirrored, np.uint64)
    label = np.arange(len(own))
    for i in range(len(own) - 1):
        rest = slice(i + 1, None)
        near = np.minimum(np.bitwise_count(own[rest] ^ own[i]), np.bitwise_count(other[rest] ^ own[i]))
        together = label[rest][near <= MAX_DISTANCE]
        if (together != label[i]).any():
            label[np.isin(label, together)] = label[i]
    return label


def split(groups: np.ndarray, folds: int, fold: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the training and of the validation photos of one fold, each sorted.

    scikit-learn's KFold, shuffled by seed, over the groups. `folds` = 1 holds a share of HELD_OUT out instead.

    Args:
        groups: numbers 0, 1, ... of the photos' groups, as `group` gives them.
        fold: counted from 0.

    Raises:
        RestorationError: there are fewer groups than folds.
    """
    numbers = np.unique(groups)
    if len(numbers) < max(2, folds):
        raise RestorationError(f"{len(numbers)} groups of photos cannot make {folds} folds: give more photos.")
    if folds == 1:
        chosen = np.random.default_rng(seed).permutation(numbers)[: max(1, round(HELD_OUT * len(numbers)))]
    else:
        chosen = numbers[list(KFold(folds, shuffle=True, random_state=seed).split(numbers))[fold][1]]
    held_out = np.isin(groups, chosen)
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)
