"""How far a training is, by its steps or by the clock, and the learning rate there: a factor in [0, 1] of its peak."""

import math
from time import monotonic

from restoration.config import TINY


class Clock:
    """The time that a piece has. What it used before it was stopped and resumed counts.

    Args:
        seconds: to train in, validation included.
        used: seconds used so far.
        reserve: seconds that the last validation will take.
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
        """How much of the training is done, in [0, 1]; 1 leaves time for the last validation."""
        return min(1.0, self.used / max(TINY, self.seconds - self.reserve))


def learning_rate(progress: float, warmup: float, step: float = 0.0) -> float:
    """The factor at `progress`, the share of the training that is done: a rise over the share `warmup`, and half a
    cosine. `step` is the share that one step is."""
    rise = min(1.0, (progress + step) / max(step, warmup, TINY))
    return rise * 0.5 * (1 + math.cos(math.pi * progress))
