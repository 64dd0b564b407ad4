"""What a run is without settings, and where settings end: another default is another network."""

import dataclasses
import json

import pytest

from restoration.config import MODEL_CONFIG, ModelConfig, TrainConfig, load_config, save_config
from restoration.errors import RestorationError

UNSET = {  # nothing, or left to the machine
    "exclude", "emphasis", "workers", "cache_gib", "init", "minutes", "epochs", "epoch_photos", "batch_size", "size",
    "precision", "wear_shapes", "validation_size",
}  # fmt: skip
DEFAULTS = {
    "data": "data", "folds": 5, "seed": 0, "min_scale": 0.5, "encoder": "efficientnet-b3",
    "decoder_channels": (128, 64, 48, 32, 16), "luma_mean": 0.449, "luma_std": 0.226, "encoder_weights": "imagenet",
    "freeze_stem": False, "freeze_norm": False, "save_every_minutes": 5, "learning_rate": 0.001,
    "warmup": 0.02, "weight_decay": 0.01, "gradient_clip": 1, "ema_decay": 0.998, "max_area": 0.2, "max_holes": 2,
    "hint_dropout": 0.25, "wear": 0.2, "color_hints": 0.3, "old_gray": 0.5, "filled_share": 0.2, "hole_weight": 6,
    "known_weight": 1, "log_error_weight": 0, "ssim_weight": 0.2, "damage_weight": 0.05, "overlap_weight": 0,
    "false_alarm_weight": 1, "chroma_weight": 1, "inpaint_gan_weight": 0.02, "color_gan_weight": 0.005,
    "inpaint_feature_weight": 0, "discriminator": "patch", "gan_start": 0.3, "discriminator_channels": 32,
    "discriminator_learning_rate": 0.0004, "validation_photos": 64,
}  # fmt: skip


def test_a_run_without_settings_is_the_one_that_it_always_was():
    assert dataclasses.asdict(TrainConfig()) == DEFAULTS | dict.fromkeys(UNSET)


@pytest.mark.parametrize(
    "gib, batch", [(None, 8), (0.1, 8), (4, 8), (16, 32), (30, 32), (31, 64), (80, 128), (500, 128)]
)
def test_a_machine_chooses_two_photos_for_each_gib_of_its_gpu_and_small_crops_on_a_cpu(gib, batch):
    chosen = TrainConfig().resolved("bf16", gib)
    side, epochs = (128, 4) if gib is None else (256, 40)
    assert (chosen.batch_size, chosen.size, chosen.validation_size, chosen.epochs) == (batch, side, side, epochs)
    assert chosen.precision == "bf16" and chosen.workers is None
    assert TrainConfig(size=64, batch_size=3).resolved("float32", gib).size == 64


@pytest.mark.parametrize("setting, value, bounds", [
    ("folds", 1001, "at least 1 and at most 1000"),
    ("size", 31, "at least 32"), ("hole_weight", -0.1, "at least 0"), ("gan_start", -0.1, "at least 0 and at most 1"),
    ("seed", 2**32, "at least 0 and at most 4294967295"), ("minutes", 0, "above 0"), ("min_scale", float("nan"), "at"),
])  # fmt: skip
def test_where_settings_end(setting, value, bounds):
    with pytest.raises(RestorationError, match=rf"^{setting} is {value}: it must be {bounds}"):
        TrainConfig(**{setting: value})


def test_a_bad_architecture_is_refused_before_any_photo_is_read():
    with pytest.raises(RestorationError, match=r"^encoder is 'a/b'"):
        TrainConfig(encoder="a/b")
    with pytest.raises(RestorationError, match=r"^decoder_channels is .*give 5 widths"):
        TrainConfig(decoder_channels=(8, 8, 8))


@pytest.mark.parametrize("least", [
    {"size": 32}, {"folds": 1}, {"wear": 1}, {"wear": 0}, {"seed": 2**32 - 1}, {"minutes": 1e-12},
    {"ema_decay": 0.999999},
])  # fmt: skip
def test_settings_at_their_ends_are_taken(least):
    assert TrainConfig(**least)


@pytest.mark.parametrize("fields, refused", [
    ({"decoder_channels": [2048, 1, 1]}, False), ({"decoder_channels": [2049, 1, 1]}, True),
    ({"decoder_channels": [1, 1, 0]}, True), ({"decoder_channels": [1, 1]}, True), ({"luma_mean": -1e6}, False),
    ({"luma_mean": 1.1e6}, True), ({"luma_std": 1e-9}, False), ({"luma_std": 0}, True), ({"encoder": "a" * 80}, False),
    ({"encoder": "a" * 81}, True),
])  # fmt: skip
def test_where_an_architecture_ends(fields, refused):
    if not refused:
        assert ModelConfig("color", **fields)
        return
    with pytest.raises(RestorationError):
        ModelConfig("color", **fields)


def test_a_config_has_64_kib_at_most(tmp_path):
    file = tmp_path / MODEL_CONFIG
    save_config(ModelConfig("color"), file)
    assert load_config(ModelConfig, file) == ModelConfig("color") and file.read_text().startswith('{\n  "stage"')
    file.write_text(json.dumps({"stage": "color"}).ljust(1 << 16))
    assert load_config(ModelConfig, file) == ModelConfig("color", decoder_channels=(128, 64, 48))
    file.write_text(json.dumps({"stage": "color"}).ljust((1 << 16) + 1))
    with pytest.raises(RestorationError, match="more than 65536 bytes"):
        load_config(ModelConfig, file)


def test_settings_stand_in_groups():
    """As `train.py --help` shows them, each begun by its first setting."""
    begun = {f.metadata["group"]: f.name for f in dataclasses.fields(TrainConfig) if f.metadata["group"]}
    assert begun == {
        "photos": "data", "network": "encoder", "length": "minutes", "optimization": "learning_rate",
        "damage and hints": "max_area", "losses of the Inpainter": "hole_weight",
        "losses of the Colorizer": "chroma_weight", "GAN": "inpaint_gan_weight", "validation": "validation_photos",
    }  # fmt: skip
