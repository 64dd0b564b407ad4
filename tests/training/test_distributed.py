"""Many processes do what one does; one that dies takes the job with it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from small_run import ROOT, averages, command, records, wait_for

from restoration.checkpoint import load_state
from restoration.training.runs import METRICS

pytestmark = pytest.mark.slow

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
STARTS = {"one": [sys.executable], "two": TORCHRUN}


def run(program: list[str]) -> None:
    paths = os.environ | {"PYTHONPATH": str(ROOT)}  # by itself a script in tests/ does not find the package
    done = subprocess.run(program, cwd=ROOT, env=paths, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr


def test_two_processes_agree_with_one(scenes, tmp_path):
    """In float64, with batch norm frozen and no stochastic depth, nothing is left to differ but rounding."""
    exact = {"precision": "float64", "freeze_norm": True, "batch_size": 5, "gan_start": 0.3}
    for name, start in STARTS.items():
        run([*start, *command(scenes, tmp_path, name, **exact)[1:], "--fold", "1"])
    for stage in ("inpaint", "color"):
        one, two = averages(tmp_path / "one", 1, stage), averages(tmp_path / "two", 1, stage)
        assert max(float((one[name] - two[name]).abs().max()) for name in one) < 1e-9
        for left, right in zip(records(tmp_path / "one", 1, stage), records(tmp_path / "two", 1, stage), strict=True):
            assert left == pytest.approx(right, rel=1e-9)


@pytest.fixture(scope="module")
def left(scenes, tmp_path_factory) -> dict[str, Path]:
    """What two_ranks.py leaves behind, run by one process and by two."""
    folders = {name: tmp_path_factory.mktemp(name) for name in STARTS}
    for name, start in STARTS.items():
        run([*start, "tests/helpers/two_ranks.py", str(folders[name]), str(scenes)])
    return folders


def test_in_float32_the_first_steps_losses_and_gradients_agree(left):
    """Later weights cannot: AdamW divides what is nearly nothing by itself."""
    one, two = (load_state(folder / "first_step.pt") for folder in left.values())
    assert one["losses"] == pytest.approx(two["losses"], rel=1e-5) and "loss_d" in one["losses"]
    for part in ("model", "discriminator"):
        ours, theirs = (
            torch.cat([g.flatten() for name, g in each["gradients"].items() if name.startswith(part)])
            for each in (one, two)
        )
        assert ours.norm() > 0 and (ours - theirs).norm() < 1e-5 * ours.norm()


def test_batch_norms_statistics_are_the_same_in_both(left):
    assert load_state(left["two"] / "first_step.pt")["statistics"] == {"own": True, "shared": False}


def test_two_processes_stopped_within_an_epoch_go_on_as_if_never_stopped(left):
    """The journal's training losses are means over the whole epoch: the state keeps the sums of all processes."""
    for folder in left.values():
        assert (folder / "stopped" / "was").exists()
        whole, stopped = (records(folder / name, 0, "color") for name in ("whole", "stopped"))
        assert len(whole) == 2
        for before, after in zip(whole, stopped, strict=True):
            assert before == pytest.approx(after, rel=1e-9)
    one, two = (records(left[name] / "whole", 0, "color") for name in STARTS)
    assert one[1] == pytest.approx(two[1], rel=1e-9)


def test_a_process_that_dies_ends_the_job(scenes, tmp_path):
    """Whatever the others wait for: torchrun ends them, with an error, in seconds."""
    journal = tmp_path / "dead" / "folds" / "0" / "color" / METRICS
    program = [*TORCHRUN, *command(scenes, tmp_path, "dead", epochs=1000, batch_size=4)[1:], "--stage", "color"]
    with subprocess.Popen(program, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as launcher:
        wait_for(journal, launcher)
        _, last = children(launcher.pid)
        os.kill(last, signal.SIGKILL)
        began = time.monotonic()
        assert launcher.wait(60) != 0 and time.monotonic() - began < 30


def children(process: int) -> list[int]:
    tasks = Path(f"/proc/{process}/task").glob("*/children")
    return sorted(int(child) for task in tasks for child in task.read_text().split())
