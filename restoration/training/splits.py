"""Which photos a run trains on and which it holds out: found, checked and grouped once, then kept in the run."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from restoration.atomic import replacing
from restoration.config import TrainConfig
from restoration.data import folds, photos
from restoration.data.photos import Photos
from restoration.data.sources import read_names
from restoration.training.distributed import memory, processes_here

CACHE_SHARE = 0.5  # of the machine's memory, for decoded photos


@dataclass(frozen=True)
class Split:
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
        """What a fold is trained on, and the photos drawn from those that it holds out."""
        training, validation = folds.split(self.groups, config.folds, fold, config.seed)
        # Drawn, not the first by name: names tell what is on a photo.
        drawn = np.random.default_rng([config.seed, fold]).permutation(validation)[: config.validation_photos]
        return Split(self.photos.subset(training), self.photos.subset(drawn))

    def description(self, source: str) -> dict:
        """What the run's report says of its data."""
        return {
            "source": source,
            "photos": len(self.photos),
            "fingerprint": photos.fingerprint(self.photos),
            "groups": int(self.groups.max()) + 1,
            "largest_group": int(np.bincount(self.groups).max()),
            "problems": self.problems,
        }

    def keep(self, file: Path) -> None:
        """Write down what was found out, for `find` to read."""
        kept = {entry.key: int(group) for entry, group in zip(self.photos.entries, self.groups, strict=True)}
        with replacing(file) as part:
            part.write_text(json.dumps({"groups": kept, "problems": self.problems}))


def find(config: TrainConfig, kept: Path | None = None, decoded: bool = True) -> Usable:
    """All usable photos of a run's data: those that the file `kept` names, or else all are decoded, checked, compared.

    Photos are reduced to twice the size that the network sees, or to what validation needs, and as many as fit into
    the run's cache stay in memory.

    Args:
        decoded: decode them now; else each is decoded when it is first used.

    Raises:
        RestorationError: no photo is found, or none can be used.
    """
    excluded = read_names(config.exclude) if config.exclude else None
    side = max(2 * config.size, config.validation_size)
    if kept and kept.exists():
        known = json.loads(kept.read_text())
        found = Photos.find(config.data, side, _budget(config)).without(excluded or ())
        usable = [i for i, entry in enumerate(found.entries) if entry.key in known["groups"]]
        if len(usable) == len(known["groups"]):
            own = found.subset(usable)
            if decoded:
                own.read_ahead()
            return Usable(own, np.array([known["groups"][entry.key] for entry in own.entries]), known["problems"])
    checked = photos.load(config.data, excluded, side, _budget(config))
    return Usable(checked.photos, folds.group(checked), checked.problems)


def _budget(config: TrainConfig) -> int:
    """Bytes of decoded photos that this process may keep."""
    return (
        int(CACHE_SHARE * memory()) if config.cache_gib is None else int(config.cache_gib * 2**30) // processes_here()
    )
