"""The learning rate over a run, and the clock that may end it."""

import numpy as np
import pytest
import torch

from restoration.config import TrainConfig
from restoration.training import schedules
from restoration.training.schedules import Clock, learning_rate, warm_restarts


@pytest.mark.parametrize("cycles", [1, 2, 3])
def test_warm_restarts_are_pytorchs(cycles):
    """Each cycle twice as long as the one before: T_0 = 32, T_mult = 2."""
    length = 32 * (2**cycles - 1)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    oracle = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=32, T_mult=2)
    for step in range(length):
        assert warm_restarts(step / length, cycles) == pytest.approx(oracle.get_last_lr()[0], abs=1e-9)
        optimizer.step()
        oracle.step()


def test_the_rate_varies_periodically():
    rates = np.array([learning_rate(step / 700, TrainConfig(cycles=3), 1 / 700) for step in range(700)])
    assert np.flatnonzero(np.diff(rates) > 0.5).tolist() == [99, 299]  # back to the peak at 1/7 and 3/7
    assert (rates[:13] < 1).all() and rates.max() <= 1 and rates[-1] < 1e-4


def test_the_rate_rises_as_slowly_as_the_config_says():
    assert learning_rate(0, TrainConfig(warmup=0.1), 0.001) == pytest.approx(0.01)


def test_a_clock_counts_what_was_used_before_and_leaves_time_for_the_last_validation(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(schedules, "monotonic", lambda: now[0])
    clock = Clock(100, used=40)
    now[0] += 20
    assert (clock.used, clock.left, clock.share) == (60, 40, 0.6)
    clock.reserve = 20
    assert clock.share == 0.75
    now[0] += 500
    assert (clock.left, clock.share) == (0, 1)
