"""The learning rate over a run, and the clock that may end it."""

import pytest
import torch

from restoration.training import schedules
from restoration.training.schedules import Clock, learning_rate


def test_the_rate_falls_as_pytorchs_cosine():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    oracle = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=64)
    for step in range(64):
        assert learning_rate(step / 64, warmup=0.0, step=1 / 64) == pytest.approx(oracle.get_last_lr()[0], abs=1e-9)
        optimizer.step()
        oracle.step()


def test_the_rate_rises_as_slowly_as_the_setting_says():
    assert learning_rate(0, 0.1, 0.001) == pytest.approx(0.01)


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
