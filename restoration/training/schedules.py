"""How far a training is, by its steps or by the clock, and the learning rate there: a factor in [0, 1] of its peak."""

import math
from time import monotonic

from restoration.config import TINY, TrainConfig


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


def learning_rate(progress: float, config: TrainConfig, step: float = 0.0) -> float:
    """The factor at `progress`, the share of the training that is done; `step` is the share that one step is."""
    rise = min(1.0, (progress + step) / max(step, config.warmup, TINY))
    return rise * warm_restarts(progress, config.cycles)


def warm_restarts(progress: float, cycles: int) -> float:
    """Half cosines from 1 to 0, each twice as long as the one before (Loshchilov and Hutter, "SGDR", 2017)."""
    position = progress * (2**cycles - 1)  # in units of the first cycle's length
    cycle = min(int(math.log2(position + 1)), cycles - 1)
    within = (position + 1) / 2**cycle - 1
    return 0.5 * (1 + math.cos(math.pi * min(within, 1.0)))
