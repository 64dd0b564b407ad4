"""The journal of a run, and what a run shows on a terminal and without one."""

import io
import json
import sys
from types import SimpleNamespace

import pytest
from conftest import files

from restoration.training import tracking
from restoration.training.tracking import MetricsLog, Progress

EPOCH = {
    "epoch": 2,
    "step": 8,
    "train_loss": 0.5,
    "validation_loss": 0.25,
    "hole_psnr": 27.125,
    "photos_per_second": 8.0,
}


@pytest.fixture
def clock(monkeypatch):
    """A clock that a test sets: `clock.now`, in seconds."""
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(tracking, "monotonic", lambda: clock.now)
    return clock


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class UnreadLoss:
    """A loss on a GPU: it counts how often it is waited for."""

    reads = 0

    def __float__(self) -> float:
        UnreadLoss.reads += 1
        return 0.125


def test_a_journal_gives_back_what_was_written(tmp_path):
    journal = MetricsLog(tmp_path / "metrics.jsonl")
    journal.write(epoch=1, step=4, train_loss=0.1, train_loss_d=None)
    journal.write(epoch=2, step=8, train_loss=1e-9, train_loss_d=2.5)
    first, second = MetricsLog.read(tmp_path / "metrics.jsonl")
    assert first == {"epoch": 1, "step": 4, "train_loss": 0.1, "train_loss_d": None}
    assert second == {"epoch": 2, "step": 8, "train_loss": 1e-9, "train_loss_d": 2.5}


def test_what_is_not_finite_is_null_in_strict_json(tmp_path):
    MetricsLog(tmp_path / "metrics.jsonl").write(step=1, hole_psnr=float("inf"), ssim=float("nan"))
    line = (tmp_path / "metrics.jsonl").read_text()
    assert json.loads(line, parse_constant=pytest.fail) == {"step": 1, "hole_psnr": None, "ssim": None}


def test_a_resumed_journal_equals_one_that_was_never_stopped(tmp_path):
    whole, stopped = tmp_path / "whole.jsonl", tmp_path / "stopped.jsonl"
    for file, steps in ((whole, (4, 8, 12, 16)), (stopped, (4, 8, 12))):
        journal = MetricsLog(file)
        for step in steps:
            journal.write(step=step, loss=1 / step)
    journal = MetricsLog(stopped, resumed_at=8)
    assert [record["step"] for record in MetricsLog.read(stopped)] == [4, 8]
    for step in (12, 16):
        journal.write(step=step, loss=1 / step)
    assert stopped.read_bytes() == whole.read_bytes()
    assert files(tmp_path) == ["stopped.jsonl", "whole.jsonl"]


def test_a_line_that_was_cut_off_is_not_a_record(tmp_path):
    file = tmp_path / "metrics.jsonl"
    journal = MetricsLog(file)
    journal.write(step=4)
    journal.write(step=8)
    file.write_bytes(file.read_bytes()[:-4])
    assert MetricsLog.read(file) == [{"step": 4}]
    MetricsLog(file, resumed_at=8).write(step=8)
    assert MetricsLog.read(file) == [{"step": 4}, {"step": 8}]


def test_a_journal_that_cannot_be_replaced_stays_whole(tmp_path, monkeypatch):
    MetricsLog(tmp_path / "metrics.jsonl").write(step=4)
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("killed")))
    with pytest.raises(OSError, match="killed"):
        MetricsLog(tmp_path / "metrics.jsonl", resumed_at=0)
    assert MetricsLog.read(tmp_path / "metrics.jsonl") == [{"step": 4}]


def test_without_a_terminal_an_epoch_is_a_line(clock, capsys):
    with Progress("inpaint, fold 2", epochs=4) as progress:
        for step in range(4):
            clock.now += 2
            progress.step(8, 0.7, (step + 1) / 8)
        progress.end_epoch(EPOCH)
    said = "inpaint, fold 2: epoch 2/4, loss 0.5, validation loss 0.25, hole PSNR 27.12, 8.0 photos/s, 0:00:08 left\n"
    assert capsys.readouterr().out == said


def test_without_a_terminal_a_long_epoch_is_at_most_a_line_a_minute(clock, capsys):
    with Progress("color, fold 0", epochs=2) as progress:
        for step in range(300):
            clock.now += 1
            progress.step(2, UnreadLoss(), (step + 1) / 600)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "color, fold 0: epoch 1/2, loss 0.125, 2.0 photos/s, 0:09:00 left"
    assert len(lines) == UnreadLoss.reads == 5


def test_time_left_does_not_count_what_was_done_before_a_resume(clock, capsys):
    with Progress("color, fold 0", epochs=10, share=0.9) as progress:
        clock.now += 50
        progress.step(50, 0.5, 0.95)
        progress.end_epoch(EPOCH | {"epoch": 10})
    assert capsys.readouterr().out.endswith(", 0:00:50 left\n")


def test_on_a_terminal_a_bar_shows_epoch_loss_speed_and_time_left(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setattr(tracking, "REDRAW", 0.0)
    with Progress("inpaint, fold 2", epochs=4) as progress:
        for step in range(3):
            progress.step(8, 0.75, (step + 1) / 8)
        progress.end_epoch(EPOCH)
    bar = terminal.getvalue().split("\r")[-1]
    for part in ("inpaint, fold 2", " 38% |", "epoch 2/4", "loss 0.75", " photos/s", " left"):
        assert part in bar
    assert "epoch 2/4, loss 0.5, validation loss 0.25" in terminal.getvalue()


def test_a_quiet_process_shows_nothing(clock, capsys):
    with Progress("inpaint, fold 2", epochs=4, quiet=True) as progress:
        clock.now += 1000
        progress.step(8, 0.75, 0.5)
        progress.end_epoch(EPOCH)
    assert capsys.readouterr() == ("", "")
