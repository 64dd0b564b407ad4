"""Each setting of a run does something: with another value another batch, another step or another result follows."""

import dataclasses
import re
from pathlib import Path

import pytest
import torch
from small_run import config

from restoration.config import TrainConfig
from restoration.data.batches import TrainingBatches
from restoration.data.photos import Photos
from restoration.training.distributed import World
from restoration.training.trainer import Trainer

STEPS = 3
ELSEWHERE = {  # settings that change no step of a piece, and where they are shown to do something
    "data": "test_photos", "exclude": "test_photos", "folds": "test_folds", "encoder_weights": "test_initial",
    "init": "test_initial", "epochs": "test_training", "workers": "test_resume",
    "cache_gib": "test_training", "validation_photos": "test_training", "validation_size": "test_folds",
    "save_every_minutes": "test_resume",
    "epoch_photos": "test_settings", "minutes": "test_training", "wear_shapes": "test_data",
    "false_alarm_weight": "test_settings",
}  # fmt: skip
OTHER = {  # settings of each stage's steps: another value than that of the small run
    "inpaint": {
        "seed": 5, "encoder": "resnet18", "decoder_channels": (8, 8, 8, 8, 8), "luma_mean": 0.3, "luma_std": 0.5,
        "batch_size": 3, "size": 64, "min_scale": 1.0, "precision": "float64", "freeze_norm": True,
        "learning_rate": 3e-4, "warmup": 1.0, "weight_decay": 0.5,
        "gradient_clip": 1e-3, "ema_decay": 0.1, "max_area": 0.6, "max_holes": 5, "hint_dropout": 1.0, "wear": 1.0,
        "hole_weight": 9.0, "known_weight": 9.0, "log_error_weight": 9.0, "ssim_weight": 9.0, "damage_weight": 9.0,
        "overlap_weight": 9.0,
        "freeze_stem": True, "emphasis": "coffee",
        "inpaint_gan_weight": 9.0, "inpaint_feature_weight": 9.0,
        "gan_start": 1.0, "discriminator_channels": 8, "discriminator_learning_rate": 0.1, "discriminator": "projected",
    },
    "color": {
        "color_hints": 1.0, "filled_share": 1.0, "old_gray": 1.0, "chroma_weight": 9.0, "color_gan_weight": 9.0,
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def trained(scenes):
    """The averaged weights after a few steps with some settings changed; each is trained once."""
    known, photos = {}, Photos.find(scenes)
    start = {"gan_start": 0.0, "ema_decay": 0.9, "hint_dropout": 0.5}

    def train(stage, **changes):
        key = (stage, *changes.items())
        if key not in known:
            settings = config(scenes, **start | changes)
            piece = Trainer(settings, stage, STEPS, World())
            batches = TrainingBatches(photos, piece.config, stage, piece.seed)
            for step in range(STEPS):
                piece.train_step(batches[step])
            known[key] = torch.cat([t.double().flatten() for t in piece.ema.values() if t.is_floating_point()])
        return known[key]

    return train


@pytest.mark.slow
@pytest.mark.parametrize(("stage", "name"), [(stage, name) for stage, names in OTHER.items() for name in names])
def test_another_value_trains_other_weights(trained, monkeypatch, stage, name):
    changes = {name: OTHER[stage][name]}
    if name == "discriminator":  # the projected one refuses to look with an encoder that was never trained
        monkeypatch.setattr("restoration.training.initialization._load_encoder", lambda *_: None)
        changes["encoder_weights"] = "imagenet"
    one, other = trained(stage), trained(stage, **changes)
    assert one.shape != other.shape or not torch.equal(one, other)


@pytest.mark.slow
def test_a_whole_photo_with_a_false_alarm_weighs_as_the_setting_says(trained, monkeypatch):
    monkeypatch.setattr("restoration.training.losses.ALARM", -1.0)  # each is one
    one, other = (trained("inpaint", hint_dropout=1.0, batch_size=6, false_alarm_weight=w) for w in (1.0, 9.0))
    assert not torch.equal(one, other)


@pytest.mark.slow
def test_the_same_settings_train_the_same_weights(scenes, trained):
    """Else the test above could not fail."""
    assert torch.equal(trained("inpaint"), trained("inpaint", save_every_minutes=7.0))


def test_an_epoch_may_be_shorter_than_all_photos(scenes):
    assert config(scenes, epochs=3, epoch_photos=4, batch_size=2).steps(100) == 6
    assert config(scenes, epochs=3, epoch_photos=None, batch_size=2).steps(100) == 150


def test_no_setting_is_left_out():
    shown = [*ELSEWHERE, *OTHER["inpaint"], *OTHER["color"]]
    assert sorted(shown) == sorted(field.name for field in dataclasses.fields(TrainConfig))
    for name, file in ELSEWHERE.items():
        assert re.search(rf"\b{name}\b", next(Path(__file__).parents[1].rglob(f"{file}.py")).read_text()), name


@pytest.mark.parametrize("setting, value, bounds", [
    ("epochs", 0, "at least 1"), ("learning_rate", 0.0, "above 0"), ("wear", 1.5, "at least 0 and at most 1"),
    ("ema_decay", 1.0, "at least 0 and below 1"),
])  # fmt: skip
def test_a_value_out_of_its_range_is_told_the_range(setting, value, bounds):
    with pytest.raises(ValueError, match=rf"^{setting} is {value}: it must be {bounds}\.$"):
        TrainConfig(**{setting: value})
