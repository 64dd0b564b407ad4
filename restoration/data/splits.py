"""Split photos into training and validation; photos of the same scene must not be in both."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.model_selection import KFold

from restoration import machine
from restoration.config import TrainConfig
from restoration.data import photos
from restoration.data.photos import Checked, Photos
from restoration.data.sources import read_names
from restoration.errors import RestorationError

MAX_DISTANCE = 10  # of 64 bits; clusters stay small (5-6 in 6,000 landscapes)
HELD_OUT = 0.05  # of all groups, if there is only one fold
CACHE_SHARE = 0.5  # of the machine's memory, for decoded photos


class Split(NamedTuple):
    """The photos of one fold."""

    training: Photos
    validation: Photos


@dataclass(frozen=True)
class Usable:
    """The photos of a run that can be used."""

    photos: Photos
    groups: np.ndarray  # int (N,): photos of one group stay on one side of every split
    problems: list[str]  # a line for each photo that is left out

    def split(self, config: TrainConfig, fold: int) -> Split:
        """A fold's training photos, and photos drawn from those it holds out."""
        training, validation = fold_of(self.groups, config.folds, fold, config.seed)
        # Drawn at random, since names often tell what a photo shows.
        drawn = np.random.default_rng([config.seed, fold]).permutation(validation)[: config.validation_photos]
        return Split(self.photos.subset(training), self.photos.subset(drawn))

    def description(self, source: str) -> dict:
        """What a run records about its data, for its report and for `find`."""
        return {
            "source": source,
            "photos": len(self.photos),
            "fingerprint": photos.fingerprint(self.photos),
            "groups": int(self.groups.max()) + 1,
            "largest_group": int(np.bincount(self.groups).max()),
            "problems": self.problems,
            "group_of": dict(zip((entry.key for entry in self.photos.entries), self.groups.tolist(), strict=True)),
        }


def find(config: TrainConfig, noted: Path | None = None, decoded: bool = True) -> Usable:
    """All usable photos of a run's data: those of its `description` in the file `noted`, or else all are decoded,
    checked and compared.

    Photos are shrunk to twice the size that the network sees, or to what validation needs; as many as fit into the
    run's cache stay in memory. Noted ones are decoded at once, or without `decoded` on first use.
    """
    excluded = read_names(config.exclude) if config.exclude else set()
    place = config.data, excluded, max(2 * config.size, config.validation_size), _budget(config)
    known = json.loads(noted.read_text()) if noted and noted.exists() else {}
    if group_of := known.get("group_of"):
        found = Photos.find(*place)
        own = found.subset(i for i, entry in enumerate(found.entries) if entry.key in group_of)
        if len(own) == len(group_of):
            if decoded:
                own.read_ahead()
            return Usable(own, np.array([group_of[entry.key] for entry in own.entries]), known["problems"])
    checked = photos.load(*place)
    return Usable(checked.photos, group(checked), checked.problems)


def _budget(config: TrainConfig) -> int:
    """Bytes of decoded photos that this process may keep."""
    if config.cache_gib is None:
        return int(CACHE_SHARE * machine.memory())
    return int(config.cache_gib * 2**30) // machine.processes()


def group(checked: Checked) -> np.ndarray:
    """Group number of each photo, int (N,): near-duplicates share one, as do photos of one named scene, such as crops
    of one photo. Hashes do not recognize other views of the same place."""
    near = near_duplicates(checked.hashes[:, 0], checked.hashes[:, 1]).tolist()
    keys = [entry.scene or number for entry, number in zip(checked.photos.entries, near, strict=True)]
    number: dict[str | int, int] = {}
    return np.array([number.setdefault(key, len(number)) for key in keys])


def near_duplicates(hashes: np.ndarray, mirrored: np.ndarray) -> np.ndarray:
    """A number for each photo, int (N,), shared by near-duplicates and, in turn, by their near-duplicates.

    Two photos are near-duplicates if one's hash is within MAX_DISTANCE bits of the other's or of its mirror
    image's. Time is O(N^2) in whole-array steps (30,000 photos: seconds), memory O(N).
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


def fold_of(groups: np.ndarray, folds: int, fold: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the training and of the validation photos of one fold, each sorted.

    scikit-learn's KFold, shuffled by seed, over the groups. With `folds` = 1, a share of HELD_OUT is held out instead.

    Args:
        groups: numbers 0, 1, ... of the photos' groups, as `group` gives them.
        fold: counted from 0.

    Raises:
        RestorationError: there are fewer groups than folds.
    """
    numbers = np.unique(groups)
    if len(numbers) < (least := max(2, folds)):
        raise RestorationError(f"folds is {folds}: give at least {least} groups of photos, not {len(numbers)}.")
    if folds == 1:
        chosen = np.random.default_rng(seed).permutation(numbers)[: max(1, round(HELD_OUT * len(numbers)))]
    else:
        chosen = numbers[list(KFold(folds, shuffle=True, random_state=seed).split(numbers))[fold][1]]
    held_out = np.isin(groups, chosen)
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)
