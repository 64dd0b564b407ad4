"""The progress of a training, by steps or by the clock, and its learning rate: a factor in [0, 1] of the peak."""

import math
from time import monotonic

from restoration.config import TINY


class Clock:
    """The time that a piece has. Time used before it was stopped and resumed counts.

    Args:
        seconds: to train, validation included.
        used: seconds used so far.
        reserve: seconds reserved for the last validation.
    """

    def __init__(self, seconds: float, used: float = 0.0, reserve: float = 0.0):
        self.seconds, self.reserve = seconds, reserve
        self._before, self._began = used, monotonic()

    @property
    def used(self) -> float:
        """Seconds."""
        return self._before + monotonic() - self._began

    @property
    def left(self) -> float:
        """Seconds, 0 or more."""
        return max(0.0, self.seconds - self.used)

    @property
    def share(self) -> float:
        """The share of the training that is done, in [0, 1]; at 1 there is still time for the last validation."""
        return min(1.0, self.used / max(TINY, self.seconds - self.reserve))


def learning_rate(progress: float, warmup: float, step: float = 0.0) -> float:
    """The factor at `progress`, the share of the training that is done: a rise over the share `warmup`, then half a
    cosine. `step` is the share of one step."""
    rise = min(1.0, (progress + step) / max(step, warmup, TINY))
    return rise * 0.5 * (1 + math.cos(math.pi * progress))
