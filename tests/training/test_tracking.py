"""The journal of a run, and what a run shows on a terminal and without one."""

import io
import json
import sys

import pytest
from conftest import files

from restoration.training import tracking
from restoration.training.tracking import MetricsLog, advance, end_epoch, progress_bar

EPOCH = {
    "epoch": 2,
    "step": 8,
    "train_loss": 0.5,
    "validation_loss": 0.25,
    "hole_psnr": 27.125,
    "photos_per_second": 8.0,
}


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


def follow(steps: int, quiet: bool = False) -> None:
    """A stage that goes from 0.5 to 0.9 and ends an epoch on the way."""
    with progress_bar("inpaint, fold 2", 0.5, quiet) as bar:
        for step in range(steps):
            advance(bar, 0.5 + 0.4 * (step + 1) / steps, UnreadLoss())
        end_epoch(bar, EPOCH)


def test_without_a_terminal_an_epoch_is_a_line_and_the_bar_a_rare_one(capsys):
    follow(300)
    lines = capsys.readouterr().out.replace("\r", "\n").split("\n")
    said = "inpaint, fold 2: epoch 2, loss 0.5, validation loss 0.25, hole PSNR 27.12, 8.0 photos/s"
    assert said in lines and UnreadLoss.reads == 0 and sum("|" in line for line in lines) <= 3


def test_on_a_terminal_a_bar_shows_share_loss_and_time_left(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setattr(tracking, "REDRAW", 0.0)
    follow(3)
    bar = terminal.getvalue().split("\r")[-1]
    for part in ("inpaint, fold 2", " 90% |", "loss 0.125", " left"):
        assert part in bar
    assert "epoch 2, loss 0.5, validation loss 0.25" in terminal.getvalue()


def test_a_quiet_process_shows_nothing(capsys):
    follow(2, quiet=True)
    assert capsys.readouterr() == ("", "")
