"""How far a mean over these photos says something about others: percentile bootstrap (Efron 1979) over photos."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

RESAMPLES = 10_000
LEVEL = 0.95
SEED = 0


class Interval(NamedTuple):
    """A mean and the ends of its interval."""

    mean: float
    low: float
    high: float


def interval(values: Sequence[float], scenes: Sequence[str] | None = None) -> Interval:
    """The mean of finite values and its 95% interval, the same at each call.

    Args:
        values: one a photo.
        scenes: what each photo shows. Crops of one photo are no independent witnesses: a resample holds
            all of a scene's values or none. None = each photo is a scene of its own.
    """
    values = np.asarray(values, np.float64)
    scene = np.arange(len(values)) if scenes is None else np.unique(scenes, return_inverse=True)[1]
    sums, counts = np.bincount(scene, values), np.bincount(scene)
    draws = _draws(len(counts))
    low, high = np.quantile(draws @ sums / (draws @ counts), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(values.mean()), float(low), float(high))


@lru_cache(maxsize=4)
def _draws(scenes: int) -> np.ndarray:
    """How often each scene is in each resample, (RESAMPLES, scenes)."""
    return np.random.default_rng(SEED).multinomial(scenes, np.full(scenes, 1 / scenes), RESAMPLES).astype(np.float64)
