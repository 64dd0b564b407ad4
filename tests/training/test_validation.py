"""Validation: what it publishes is sound, its means are numbers, and it leaves training as it was."""

import numpy as np
import pytest
import torch
from conftest import files, small_restorer
from small_run import config

from restoration.color import luma
from restoration.data.batches import TrainingBatches
from restoration.data.photos import Photos, Picture
from restoration.metrics import WINDOW
from restoration.training import loop as training
from restoration.training.distributed import World
from restoration.training.runs import METRICS, Run
from restoration.training.trainer import Trainer
from restoration.training.validation import EXACT, damaged_crop, restore_gray, validate


def test_a_hole_filled_without_any_error_does_not_outweigh_all_others():
    flat = np.full((64, 64, 3), 128, np.uint8)
    measure = restore_gray(small_restorer().inpainter.eval(), damaged_crop(Picture(flat), 64, np.random.default_rng(0)))
    row = measure()
    assert row["hole_psnr"] == EXACT == 60 and row["damage_iou"] == 0, "a fresh map is 0: even odds are no damage"


def test_the_real_hole_is_validated_on_where_a_photo_has_one(scenes):
    """Cut as the photo is: at the same place, of the same level."""
    rgb = np.random.default_rng(0).integers(0, 256, (96, 128, 3), np.uint8)
    mask = np.zeros((96, 128), bool)
    mask[20:50, 40:90] = True
    real = damaged_crop(Picture(rgb, np.packbits(mask), 77), 96, np.random.default_rng(0))
    assert np.array_equal(real.mask, mask[:, 16:112]) and (real.gray[real.mask] == 77).all()
    assert np.array_equal(real.gray[~real.mask], luma(rgb[:, 16:112])[~real.mask])
    mask[:, 16:112] = False  # the middle square shows little of it
    for shown in (WINDOW - 1, WINDOW):
        mask[40, 50 : 50 + shown] = True
        drawn = damaged_crop(Picture(rgb, np.packbits(mask), 77), 96, np.random.default_rng(0))
        assert (np.count_nonzero(drawn.mask) == shown) == (shown >= WINDOW) and drawn.mask.any()


def trained(scenes) -> tuple[Trainer, TrainingBatches]:
    """A piece after one step, and the batches of its next."""
    piece = Trainer(config(scenes, gan_start=0.0), "inpaint", 10, World())
    batches = TrainingBatches(Photos.find(scenes), piece.config, "inpaint", 0)
    piece.train_step(batches[0])
    return piece, batches


def test_validation_does_not_change_what_is_trained(scenes):
    (one, batches), (other, _) = trained(scenes), trained(scenes)
    validate(one, Photos.find(scenes).subset([0, 1]))
    for piece in (one, other):
        piece.train_step(batches[1])
    for module in ("model", "discriminator"):
        left, right = getattr(one, module).state_dict(), getattr(other, module).state_dict()
        assert all(torch.equal(left[name], right[name]) for name in left)


def test_an_epoch_whose_last_step_broke_the_weights_publishes_nothing(scenes, tmp_path, monkeypatch):
    step = Trainer.train_step

    def broken(self, batch):
        if self.step == 2:  # the last of the first epoch
            next(self.model.parameters()).data.fill_(float("nan"))
        step(self, batch)

    monkeypatch.setattr(Trainer, "train_step", broken)
    run = Run(tmp_path / "run")
    with pytest.raises(FloatingPointError, match="step 3"):
        training.train(run, config(scenes), 0, ["color"])
    assert files(run.piece(0, "color")) == [".lock", METRICS]
    assert (run.piece(0, "color") / METRICS).read_text() == ""
