"""train.py as its user runs it, on a few small photos with a small network."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from skimage import data

from restoration import training
from restoration.config import TrainConfig, load_config, save_config
from restoration.models import Colorizer
from restoration.steps import STEPS

ROOT = Path(__file__).parents[1]
SMALL = {
    "encoder": "timm-mobilenetv3_small_minimal_100",
    "decoder_channels": (16, 16, 8, 8, 8),
    "encoder_weights": "none",
    "batch_size": 2,
    "size": 32,
    "validation_photos": 2,
    "validate_every": 3,
    "warmup": 0.0,
}


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for name in ("astronaut", "chelsea", "coffee", "rocket"):
        for i in range(2):
            Image.fromarray(getattr(data, name)()[i * 60 : i * 60 + 128 : 2, 100:228:2]).save(folder / f"{name}{i}.png")
    return folder


def config(photos: Path, out: Path, **fields) -> TrainConfig:
    return TrainConfig(**SMALL | {"stage": "inpaint", "data": str(photos), "out": str(out), "steps": 6} | fields)


def test_the_script_writes_a_model_that_loads_and_a_journal(photos, tmp_path):
    options = [f"--{name.replace('_', '-')}={value}" for name, value in SMALL.items() if name != "decoder_channels"]
    command = [sys.executable, "train.py", "--stage", "color", "--data", photos, "--out", tmp_path, "--steps", "4"]
    command += [*options, "--decoder-channels", "16", "16", "8", "8", "8"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    records = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [record["step"] for record in records] == [3, 4]
    loaded = Colorizer.from_pretrained(tmp_path)
    assert loaded.config.decoder_channels == (16, 16, 8, 8, 8) and not loaded.training


def test_a_stopped_run_goes_on_as_if_it_had_not(photos, tmp_path, monkeypatch):
    """Bit for bit, journal and weights, though the stop comes between two validations."""
    training.run(config(photos, tmp_path / "whole"))

    class StopHereError(Exception):
        pass

    whole_step, journals = training.Trainer.train_step, []

    def train_step(self, batch):
        if self.step == 4:
            self.save()
            raise StopHereError
        return whole_step(self, batch)

    monkeypatch.setattr(training.Trainer, "train_step", train_step)
    with pytest.raises(StopHereError):
        training.run(config(photos, tmp_path / "stopped"))
    monkeypatch.setattr(training.Trainer, "train_step", whole_step)
    training.run(config(photos, tmp_path / "stopped"))

    whole, stopped = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "stopped"))
    assert all(torch.equal(whole[name], stopped[name]) for name in whole)
    for name in ("whole", "stopped"):
        lines = (tmp_path / name / "metrics.jsonl").read_text().splitlines()
        journals.append([{k: v for k, v in json.loads(line).items() if k != "photos_per_second"} for line in lines])
    assert journals[0] == journals[1]


def test_a_folder_of_another_run_is_left_alone(photos, tmp_path):
    training.run(config(photos, tmp_path, steps=1))
    before = (tmp_path / "model.safetensors").read_bytes()
    with pytest.raises(ValueError, match="other settings"):
        training.run(config(photos, tmp_path, steps=2))
    assert (tmp_path / "model.safetensors").read_bytes() == before


@pytest.mark.parametrize("stage", ["inpaint", "color"])
def test_training_lowers_the_loss_on_one_batch(photos, tmp_path, stage):
    trainer = training.Trainer(config(photos, tmp_path, stage=stage, steps=40, learning_rate=3e-3, hint_dropout=0.0))
    batch = training.TrainingBatches(training.Photos.find(photos), trainer.config)[0]
    first = trainer.train_step(batch)
    for _ in range(29):
        last = trainer.train_step(batch)
    assert last < 0.7 * first


def test_every_weight_of_the_loss_is_used(photos, tmp_path):
    """A setting that is accepted must change the loss."""
    for stage, names in {
        "inpaint": ("hole_weight", "ssim_weight", "damage_weight"),
        "color": ("saturation_weight",),
    }.items():
        settings = config(photos, tmp_path, stage=stage, hint_dropout=0.5)
        batch = training.TrainingBatches(training.Photos.find(photos), settings)[0]
        model = training.MODELS[stage](settings.model_config()).eval()
        loss = sum(STEPS[stage](model, batch, settings).values())
        for name in names:
            other = config(photos, tmp_path, stage=stage, hint_dropout=0.5, **{name: getattr(settings, name) + 1})
            assert not torch.isclose(sum(STEPS[stage](model, batch, other).values()), loss), name


def test_excluded_photos_are_not_seen(photos, tmp_path):
    (tmp_path / "list.txt").write_text("astronaut0.png\ncoffee1.png\n")
    train, validation = training._split(config(photos, tmp_path, exclude=str(tmp_path / "list.txt")))
    assert len(train) == 4 and len(validation) == 2
    assert not set(train.names) & set(validation.names)
    assert {"astronaut0.png", "coffee1.png"}.isdisjoint(train.names + validation.names)


def test_the_schedule_rises_then_falls_to_zero():
    factors = np.array([training.schedule(step, 1000, 0.1) for step in range(1000)])
    assert np.argmax(factors) in (99, 100) and factors.max() == 1.0
    assert (np.diff(factors[:100]) > 0).all() and (np.diff(factors[100:]) < 0).all() and factors[-1] < 1e-4


def test_configs_round_trip_and_strange_fields_are_refused(photos, tmp_path):
    settings = config(photos, tmp_path)
    save_config(settings, tmp_path / "train.json")
    assert load_config(TrainConfig, tmp_path / "train.json") == settings
    (tmp_path / "train.json").write_text('{"stage": "color", "__import__": "os"}')
    with pytest.raises(ValueError, match="__import__"):
        load_config(TrainConfig, tmp_path / "train.json")
