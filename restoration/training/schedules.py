"""How the learning rate varies over a run: a factor in [0, 1] of its peak, a pure function of the step."""

import math

from restoration.config import TrainConfig


def learning_rate(step: float, steps: float, config: TrainConfig) -> float:
    """The factor of step `step` of `steps`, under the config's schedule."""
    progress = step / steps
    if config.schedule == "onecycle":
        return one_cycle(progress)
    rise = min(1.0, (step + 1) / max(1.0, config.warmup * steps))
    return rise * warm_restarts(progress, config.cycles)


def warm_restarts(progress: float, cycles: int) -> float:
    """Half cosines from 1 to 0, each twice as long as the one before (Loshchilov and Hutter, "SGDR", 2017)."""
    position = progress * (2**cycles - 1)  # in units of the first cycle's length
    cycle = min(int(math.log2(position + 1)), cycles - 1)
    within = (position + 1) / 2**cycle - 1
    return 0.5 * (1 + math.cos(math.pi * min(within, 1.0)))


def one_cycle(progress: float, rise: float = 0.3, start: float = 0.04) -> float:
    """A half cosine up over the first `rise`, another down to 0 (Smith and Topin, "Super-convergence", 2018)."""
    if progress < rise:
        return start + (1 - start) * 0.5 * (1 - math.cos(math.pi * progress / rise))
    return 0.5 * (1 + math.cos(math.pi * (progress - rise) / (1 - rise)))
