"""Training as its user meets it: the script on a few photos, stopped and resumed, and on two processes."""

import ast
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from restoration import Restorer, training
from restoration.checkpoint import load_state
from restoration.config import TrainConfig, load_config, save_config
from restoration.data import TrainingBatches
from restoration.distributed import World
from restoration.photos import Photos
from restoration.piece import Piece
from restoration.runs import METRICS, STATE, Run, RunError, locked
from restoration.steps import FORWARD, weights

ROOT = Path(__file__).parents[1]
SMALL = {
    "encoder": "timm-mobilenetv3_small_minimal_100",
    "decoder_channels": (16, 16, 8, 8, 8),
    "encoder_weights": "none",
    "folds": 2,
    "epochs": 2,
    "epoch_photos": 6,
    "batch_size": 2,
    "size": 32,
    "validation_photos": 2,
    "validation_size": 48,
    "gan_start": 0.5,
    "workers": 0,
    "precision": "float32",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Eight photos of four scenes."""
    folder = tmp_path_factory.mktemp("photos")
    for name in ("astronaut", "chelsea", "coffee", "rocket"):
        for i in range(2):
            crop = getattr(data, name)()[i * 60 : i * 60 + 128 : 2, 100:228:2]
            Image.fromarray(crop).save(folder / f"{name}{i}.png")
    return folder


def config(folder: Path, **fields) -> TrainConfig:
    return TrainConfig(**SMALL | {"data": str(folder)} | fields)


def options(**fields) -> list[str]:
    """The settings as train.py's options."""
    words = []
    for name, value in (SMALL | fields).items():
        option = "--" + name.replace("_", "-")
        if isinstance(value, bool):
            words += [option if value else f"--no-{name.replace('_', '-')}"]
        else:
            words += [option, *map(str, value if isinstance(value, tuple) else [value])]
    return words


def records(run: Path, fold: int, stage: str) -> list[dict]:
    lines = (run / "folds" / str(fold) / stage / METRICS).read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k != "photos_per_second"} for line in lines]


def averages(run: Path, fold: int, stage: str) -> dict[str, torch.Tensor]:
    return load_state(run / "folds" / str(fold) / stage / STATE)["ema"]


def test_the_script_trains_all_pieces_and_gathers_them(folder, tmp_path):
    command = [sys.executable, "train.py", *options(), "--data", folder, "--runs", tmp_path, "--name", "first"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180)
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
    assert Restorer.from_pretrained(run, folds="all").restore(Image.open(folder / "coffee0.png")).image.size == (64, 64)
    assert f"--data {folder}" in (run / "report.md").read_text()


@pytest.mark.parametrize("stage", ["inpaint", "color"])
def test_killed_at_any_step_and_resumed_it_is_as_if_never_stopped(folder, tmp_path, monkeypatch, stage):
    """Bit for bit, journal and weights; a kill leaves whatever was last saved, here one or two steps back."""
    settings = config(folder, save_every_minutes=0.0)
    training.train(Run(tmp_path / "whole"), settings, 0, stage)
    train_step, save = Piece.train_step, Piece.save

    class KilledError(Exception):
        pass

    def killed(self, batch):
        if self.step in stops:
            stops.remove(self.step)
            raise KilledError
        train_step(self, batch)

    stops = [1, 2, 3, 5]
    monkeypatch.setattr(Piece, "train_step", killed)
    monkeypatch.setattr(Piece, "save", lambda self, file: save(self, file) if self.step % 2 else None)
    while stops:
        with pytest.raises(KilledError):
            training.train(Run(tmp_path / "killed"), settings, 0, stage)
    training.train(Run(tmp_path / "killed"), settings, 0, stage)
    assert records(tmp_path / "whole", 0, stage) == records(tmp_path / "killed", 0, stage)
    whole, resumed = averages(tmp_path / "whole", 0, stage), averages(tmp_path / "killed", 0, stage)
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_a_terminated_script_says_how_to_go_on_and_does(folder, tmp_path):
    """SIGTERM, as clusters send it: the state is saved, the status is 143, --resume finishes the run."""
    command = [sys.executable, "train.py", *options(epochs=40, folds=1), "--data", folder, "--runs", tmp_path]
    command += ["--name", "long", "--stage", "inpaint"]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        journal, patience = tmp_path / "long" / "folds" / "0" / "inpaint" / METRICS, time.monotonic() + 120
        while not (journal.exists() and journal.read_text()) and time.monotonic() < patience:
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert f"--resume {tmp_path / 'long'}" in said and "Traceback" not in said
    state = load_state(journal.with_name(STATE))
    assert 3 <= state["step"] < 120 and len(records(tmp_path / "long", 0, "inpaint")) == state["step"] // 3


def test_two_processes_agree_with_one(folder, tmp_path):
    """In float64, with batch norm frozen and no stochastic depth, nothing is left to differ but rounding."""
    exact = options(precision="float64", freeze_norm=True, batch_size=5, folds=2, gan_start=0.3)
    arguments = ["train.py", *exact, "--data", folder, "--runs", tmp_path, "--fold", "1"]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", "29611"]
    for name, start in (("one", [sys.executable]), ("two", torchrun)):
        subprocess.run([*start, *arguments, "--name", name], cwd=ROOT, check=True, capture_output=True, timeout=240)
    for stage in ("inpaint", "color"):
        one, two = averages(tmp_path / "one", 1, stage), averages(tmp_path / "two", 1, stage)
        assert max(float((one[name] - two[name]).abs().max()) for name in one) < 1e-9
        for left, right in zip(records(tmp_path / "one", 1, stage), records(tmp_path / "two", 1, stage), strict=True):
            assert left == pytest.approx(right, rel=1e-9)


def test_a_loss_that_is_no_number_names_the_photos(folder, tmp_path):
    piece = Piece(config(folder), "color", 10, World())
    batches = TrainingBatches(Photos.find(folder), piece.config, "color", 0)
    piece.train_step(batches[0])
    broken = batches[1]
    broken["chroma"][0] = float("nan")
    piece.train_step(broken)
    with pytest.raises(FloatingPointError, match=broken["names"][0]):
        piece.save(tmp_path / STATE)
    assert not (tmp_path / STATE).exists()


@pytest.mark.parametrize("stage", ["inpaint", "color"])
def test_training_lowers_the_loss_on_one_batch(folder, stage):
    piece = Piece(config(folder, hint_dropout=0.0, gan_start=1.0, warmup=0.0, cycles=1), stage, 60, World())
    batch = TrainingBatches(Photos.find(folder), piece.config, stage, 0)[0]
    piece.train_step(batch)
    first = piece.mean_losses()["loss"]
    for _ in range(40):
        piece.train_step(batch)
    piece.mean_losses()
    piece.train_step(batch)
    assert piece.mean_losses()["loss"] < 0.7 * first


def test_the_discriminator_learns_and_the_generator_hears_of_it(folder):
    piece = Piece(config(folder, gan_start=0.0), "inpaint", 60, World())
    batch = TrainingBatches(Photos.find(folder), piece.config, "inpaint", 0)[0]
    piece.train_step(batch)
    first = piece.mean_losses()
    assert first["loss_d"] == pytest.approx(1.0, abs=0.3)  # hinge: it cannot tell them apart yet
    for _ in range(30):
        piece.train_step(batch)
    assert piece.mean_losses()["loss_d"] < first["loss_d"]
    gradients = torch.autograd.grad(piece.convince(piece.forward(batch))["loss_g"].total, piece.model.parameters())
    assert any(bool(g.any()) for g in gradients)
    assert all(p.grad is None or p.requires_grad for p in piece.discriminator.parameters())


def test_no_gan_means_no_discriminator_losses(folder):
    piece = Piece(config(folder, gan_start=0.0, inpaint_gan_weight=0.0), "inpaint", 4, World())
    piece.train_step(TrainingBatches(Photos.find(folder), piece.config, "inpaint", 0)[0])
    assert {"loss_d", "loss_g"}.isdisjoint(piece.mean_losses())


def test_every_weight_changes_the_loss(folder):
    for stage, names in {
        "inpaint": ("hole_weight", "known_weight", "ssim_weight", "damage_weight"),
        "color": ("chroma_weight", "saturation_weight"),
    }.items():
        settings = config(folder, hint_dropout=0.5, batch_size=8)
        batch = TrainingBatches(Photos.find(folder), settings, stage, 0)[0]
        model = training.Piece(settings, stage, 10, World()).model.eval()

        def loss(settings, batch=batch, model=model, stage=stage):
            terms = FORWARD[stage](model, batch, settings, None).terms
            return sum(weights(settings, stage)[name] * term.total / term.count for name, term in terms.items())

        for name in names:
            other = dataclasses.replace(settings, **{name: getattr(settings, name) + 1})
            assert not torch.isclose(loss(settings), loss(other)), name


def test_every_setting_is_read_somewhere():
    read = set()
    for file in (ROOT / "restoration").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Attribute):
                read.add(node.attr)
    assert {field.name for field in dataclasses.fields(TrainConfig)} <= read


def test_a_run_of_other_settings_or_other_photos_is_left_alone(folder, tmp_path):
    run = Run(tmp_path / "run")
    training.train(run, config(folder, epochs=1, folds=1), 0, "color")
    before = {file: file.read_bytes() for file in run.folder.rglob("*") if file.is_file()}
    with pytest.raises(RunError, match="other settings"):
        training.train(run, config(folder, epochs=2, folds=1), 0, "color")
    (tmp_path / "more").mkdir()
    for photo in list(folder.iterdir())[:6]:
        (tmp_path / "more" / photo.name).write_bytes(photo.read_bytes())
    settings = dataclasses.replace(run.config(), data=str(tmp_path / "more"))
    save_config(settings, run.folder / "train.json")
    with pytest.raises(RunError, match="not those"):
        training.train(run, settings, 0, "inpaint")
    save_config(config(folder, epochs=1, folds=1).resolved(False), run.folder / "train.json")
    assert before == {file: file.read_bytes() for file in run.folder.rglob("*") if file.is_file()}


def test_a_folder_in_use_is_refused(tmp_path):
    with locked(tmp_path), pytest.raises(RunError, match="another process"), locked(tmp_path, wait=False):
        pass
    with locked(tmp_path, wait=False):  # free again
        assert os.path.exists(tmp_path / ".lock")


def test_configs_round_trip_and_strange_fields_are_refused(folder, tmp_path):
    save_config(config(folder), tmp_path / "train.json")
    assert load_config(TrainConfig, tmp_path / "train.json") == config(folder)
    (tmp_path / "train.json").write_text('{"seed": 1, "__import__": "os"}')
    with pytest.raises(ValueError, match="__import__"):
        load_config(TrainConfig, tmp_path / "train.json")


@pytest.mark.parametrize("fields", [{"schedule": "steps"}, {"folds": 0}, {"precision": "int8"}, {"size": 8}])
def test_bad_settings_are_one_sentence(fields):
    with pytest.raises(ValueError, match=r"^\w+ is [^\n]*\.$"):
        TrainConfig(**fields)
