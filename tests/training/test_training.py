"""Training as its user meets it: the script on a few photos, and what each setting and each step does."""

import dataclasses
import itertools
import json
import subprocess

import cv2
import numpy as np
import pytest
import torch
from conftest import files, is_one_sentence
from PIL import Image
from small_run import ROOT, command, config, records

import train
from restoration import Restorer
from restoration.checkpoint import load_state
from restoration.config import TrainConfig, load_config, save_config
from restoration.data import splits
from restoration.data.batches import TrainingBatches
from restoration.data.photos import Photos
from restoration.training import loop as training
from restoration.training import schedules
from restoration.training.distributed import World
from restoration.training.runs import METRICS, STATE, Run
from restoration.training.tracking import MetricsLog
from restoration.training.trainer import Trainer


@pytest.mark.slow
def test_the_script_trains_all_pieces_and_gathers_them(scenes, tmp_path):
    done = subprocess.run(command(scenes, tmp_path, "first"), cwd=ROOT, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr
    run = tmp_path / "first"
    for stage, metric in (("inpaint", "hole_psnr"), ("color", "hsv_similarity")):
        journals = [records(run, fold, stage) for fold in range(2)]
        assert [[record["epoch"] for record in journal] for journal in journals] == [[1, 2], [1, 2]]
        best = [max(record[metric] for record in journal) for journal in journals]
        summary = json.loads((run / "summary.json").read_text())["stages"][stage]
        assert summary["mean"][metric] == pytest.approx(np.mean(best))
        assert summary["std"][metric] == pytest.approx(np.std(best, ddof=1))
        best_fold = run / "folds" / str(int(np.argmax(best))) / stage / "model.safetensors"
        assert (run / stage / "model.safetensors").read_bytes() == best_fold.read_bytes()
        assert "train_loss_d" not in journals[0][0] and "validation_loss_d" in journals[0][1]  # the GAN starts halfway
    assert Restorer.from_pretrained(run, folds="all").restore(Image.open(scenes / "coffee0.png")).image.size == (64, 64)
    assert f"--data {scenes}" in (run / "report.md").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("stage, left", [("inpaint", 0.7), ("color", 0.9)])  # not far: entropy remains
def test_training_lowers_the_loss_on_one_batch(scenes, stage, left):
    piece = Trainer(config(scenes, hint_dropout=0.0, gan_start=1.0, warmup=0.0), stage, 60, World())
    batch = TrainingBatches(Photos.find(scenes), piece.config, stage, 0)[0]
    piece.train_step(batch)
    first = piece.mean_losses()["loss"]
    for _ in range(60):
        piece.train_step(batch)
    piece.mean_losses()
    piece.train_step(batch)
    assert piece.mean_losses()["loss"] < left * first


@pytest.mark.slow
def test_the_discriminator_learns_and_the_generator_hears_of_it(scenes):
    piece = Trainer(config(scenes, gan_start=0.0), "inpaint", 60, World())
    batch = TrainingBatches(Photos.find(scenes), piece.config, "inpaint", 0)[0]
    piece.train_step(batch)
    first = piece.mean_losses()
    assert first["loss_d"] == pytest.approx(1.0, abs=0.3)  # hinge: it cannot tell them apart yet
    for _ in range(30):
        piece.train_step(batch)
    assert piece.mean_losses()["loss_d"] < first["loss_d"]
    judged_by = piece.adversarial_losses(piece.discriminator_losses(piece.forward(batch, piece.model))[1])
    gradients = torch.autograd.grad(judged_by["loss_g"].total, piece.model.parameters())
    assert any(bool(g.any()) for g in gradients)
    assert all(p.grad is None or p.requires_grad for p in piece.discriminator.parameters())


def test_configs_round_trip_and_strange_fields_are_refused(scenes, tmp_path):
    save_config(config(scenes), tmp_path / "train.json")
    assert load_config(TrainConfig, tmp_path / "train.json") == config(scenes)
    (tmp_path / "train.json").write_text('{"seed": 1, "__import__": "os"}')
    with pytest.raises(ValueError, match=r"TrainConfig of this version: .*__import__"):
        load_config(TrainConfig, tmp_path / "train.json")


@pytest.mark.parametrize(
    "fields",
    [
        {"discriminator": "place"}, {"folds": 0}, {"precision": "int8"}, {"size": 8}, {"validation_photos": 0},
        {"discriminator_channels": 0}, {"ema_decay": 1.0}, {"gradient_clip": 0.0}, {"gan_start": 1.5},
        {"hint_dropout": float("nan")}, {"data": ""}, {"minutes": 0.0},
        {"epoch_photos": 9, "minutes": 5.0}, {"ssim_weight": -0.1}, {"seed": -1}, {"learning_rate": 0.0},
    ],
)  # fmt: skip
def test_bad_settings_are_one_sentence(fields):
    with pytest.raises(ValueError, match=r"^\w+ is [^\n]*\.$") as error:
        TrainConfig(**fields)
    assert next(iter(fields)) in str(error.value)


def test_the_defaults_lie_within_their_ranges():
    TrainConfig(**dataclasses.asdict(TrainConfig().resolved(gpu_gib=16.0)))


def test_what_is_left_open_is_chosen_for_the_machine():
    """Two photos per GiB of a GPU; no result depends on workers and cache, so another machine may choose anew."""
    batches = [TrainConfig().resolved(gpu_gib=gib).batch_size for gib in (3.9, 11.0, 15.8, 47.5, 79.1, 140.0)]
    assert batches == [8, 16, 32, 64, 128, 128]
    assert TrainConfig(batch_size=3).resolved("bf16", 79.1).batch_size == 3
    chosen = [TrainConfig(precision=asked).resolved("bf16").precision for asked in (None, "float32")]
    assert chosen == ["bf16", "float32"]
    assert TrainConfig().resolved().workers is TrainConfig().resolved().cache_gib is None


def test_photos_beyond_the_budget_are_counted_aloud_and_trained_on(scenes, tmp_path, capsys, monkeypatch):
    one = Photos.find(scenes)[0].nbytes / 2**30
    run, count = Run(tmp_path / "run"), len(Photos.find(scenes))
    training.train(run, config(scenes, epochs=1, folds=1, cache_gib=2.5 * one), 0, ["color"])
    shown = capsys.readouterr().out
    assert f"{count - 2} photos do not fit into memory" in shown
    assert "fold 0 color: epoch 1, loss" in shown and "100%" in shown and run.is_finished(0, "color")
    assert records(run.folder, 0, "color")[0]["step"] == 3 and run.stages() == ("color",)
    assert files(run.piece(0, "color")) == [".lock", "config.json", "metrics.jsonl", "model.safetensors", "state.pt"]
    saved = (run.piece(0, "color") / STATE).stat().st_mtime_ns
    with monkeypatch.context() as patch:
        patch.setattr(Run, "missing", lambda *_: [(0, "color")])  # what was seen before another job ended
        assert training.train(run, run.config(), 0, ["color"])
    monkeypatch.setattr(splits, "find", lambda *_: pytest.fail("photos were read for nothing"))
    assert training.train(run, run.config(), 0, ["color"]), "nothing is left to do"
    assert (run.piece(0, "color") / STATE).stat().st_mtime_ns == saved


def test_folds_begin_with_other_weights_and_see_other_damage(scenes):
    pieces = [Trainer(config(scenes), "color", 4, World(), *fold) for fold in ((), (0,), (1,))]
    first, again, other = (piece.discriminator.state_dict() for piece in pieces)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)
    batches = [next(training.batches_ahead(Photos.find(scenes), piece)) for piece in pieces]
    assert torch.equal(batches[0]["luma"], batches[1]["luma"])
    assert not torch.equal(batches[0]["luma"], batches[2]["luma"])


@pytest.mark.slow
def test_training_ends_by_the_clock_with_its_rate_annealed(scenes, tmp_path, monkeypatch):
    """Six seconds for each of two pieces, at five steps per second; epochs are shares of the time."""
    ticks = itertools.count(0, 0.2)
    monkeypatch.setattr(schedules, "monotonic", lambda: next(ticks))
    run, settings = Run(tmp_path / "run"), config(scenes, minutes=0.2, epoch_photos=None, folds=1, epochs=3)
    training.train(run, settings)
    records = MetricsLog.read(run.piece(0, "color") / METRICS)
    assert records[-1]["epoch"] == 3 and 10 < records[-1]["step"] < 30
    rates, left = ([record[key] for record in records] for key in ("learning_rate", "minutes_left"))
    assert rates == sorted(rates, reverse=True) and rates[-1] < 0.05 * settings.learning_rate
    assert left == sorted(left, reverse=True) and left[0] < 0.1


def test_opencv_has_no_threads_when_workers_are_forked(scenes, tmp_path, monkeypatch):
    """A worker that inherits OpenCV's thread pool without its threads waits for them forever."""
    threads = cv2.getNumThreads()
    monkeypatch.setattr(training, "_train_piece", lambda *_: seen.append(cv2.getNumThreads()))
    seen = []
    try:
        cv2.setNumThreads(4)
        training.train(Run(tmp_path / "run"), config(scenes), 0, ["color"])
    finally:
        cv2.setNumThreads(threads)
    assert seen == [1]


def test_a_resumed_training_has_only_the_time_that_is_left(scenes, tmp_path):
    trainer = Trainer(config(scenes), "color", 0, World(), seconds=1000.0)
    trainer.clock._began -= 900
    batch = TrainingBatches(Photos.find(scenes), trainer.config, "color", 0)[0]
    trainer.train_step(batch)
    trainer.save(tmp_path / STATE)
    again = Trainer(config(scenes), "color", 0, World(), state=load_state(tmp_path / STATE), seconds=5.0)
    assert 0.9 <= trainer.share <= again.share < 0.95 and again.clock.seconds == 1000 and again.step == 1
    again.clock._began -= 200
    again.train_step(batch)
    assert again.is_finished and again.epochs_due == 2


def test_a_fold_that_does_not_exist_is_one_sentence(scenes, tmp_path):
    with pytest.raises(ValueError, match="fold 2 does not exist") as error:
        training.train(Run(tmp_path / "run"), config(scenes, folds=2), fold=2)
    assert is_one_sentence(error.value) and not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "given", [["--epochs", "9"], ["--freeze-stem"], ["--decoder-channels", "1", "2"], ["--name=x"]]
)
def test_a_run_that_goes_on_takes_no_settings(tmp_path, capsys, given):
    with pytest.raises(SystemExit):
        train.main(["--resume", str(tmp_path), *given])
    assert given[0].replace("no-", "").split("=")[0] in capsys.readouterr().err
