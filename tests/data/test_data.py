"""Batches are functions of their step; samples hold what they promise; real damage is used where it is known."""

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from restoration.color import chroma, luma
from restoration.config import TrainConfig
from restoration.data import batches as training_data
from restoration.data.batches import Crop, TrainingBatches, expanded
from restoration.data.photos import Hole, Photos, Picture

COLOR = {
    "astronaut.png": data.astronaut()[::3, ::3],
    "cat.png": data.chelsea()[::2, ::2],
    "cup.png": data.coffee()[::3, ::3],
}


def config(**fields) -> TrainConfig:
    return TrainConfig(**{"batch_size": 4, "size": 64} | fields)


def inpaint_sample(*arguments) -> dict[str, torch.Tensor]:
    """One sample as the network's step reads it, (1, H, W) each."""
    return step_of(training_data.inpaint_sample(*arguments))


def color_sample(*arguments) -> dict[str, torch.Tensor]:
    return step_of(training_data.color_sample(*arguments))


def step_of(sample: dict[str, np.ndarray]) -> dict[str, torch.Tensor]:
    assert all(plane.dtype == np.uint8 for plane in sample.values())
    return {key: x[0] for key, x in expanded({k: torch.from_numpy(p.copy())[None] for k, p in sample.items()}).items()}


@pytest.fixture
def folder(tmp_path):
    """The contest's layout: three photos, of which two have a real hole of level 6."""
    for name, rgb in COLOR.items():
        (tmp_path / "train_gt").mkdir(exist_ok=True)
        Image.fromarray(rgb).save(tmp_path / "train_gt" / name)
    for name in ("astronaut.png", "cat.png"):
        (tmp_path / "train_input").mkdir(exist_ok=True)
        gray = luma(COLOR[name])
        gray[30:90, 40:110] = 6
        Image.fromarray(gray).save(tmp_path / "train_input" / name)
    return tmp_path


@pytest.mark.parametrize("stage", ["inpaint", "color"])
def test_a_batch_depends_on_its_step_alone(folder, stage):
    batches = TrainingBatches(Photos.find(folder), config(), stage, seed=0)
    first, again, next_one = batches[3], batches[3], batches[4]
    assert len(first["marks"]) == 4 and all(torch.equal(first[key], again[key]) for key in first)
    assert not torch.equal(first["marks"], next_one["marks"])


@pytest.mark.parametrize("size", [2, 3])
def test_processes_share_one_and_the_same_batch(folder, size):
    photos, settings = Photos.find(folder), config(batch_size=5)
    whole = TrainingBatches(photos, settings, "color", seed=0)[3]
    parts = [TrainingBatches(photos, settings, "color", 0, rank, size)[3] for rank in range(size)]
    for rank, part in enumerate(parts):
        assert torch.equal(part["chroma"], whole["chroma"][rank::size])


def test_every_photo_comes_once_an_epoch(folder, monkeypatch):
    seen = []
    monkeypatch.setattr(Photos, "picture", lambda self, i: seen.append(i) or Picture(COLOR["cat.png"]))
    batches = TrainingBatches(Photos.find(folder), config(batch_size=6), "color", seed=0)
    _ = [batches[step] for step in range(2)]
    assert all(sorted(seen[i : i + 3]) == [0, 1, 2] for i in range(0, 12, 3))


def test_inpaint_samples_hold_what_the_contract_says():
    rng, blind = np.random.default_rng(0), 0
    for _ in range(60):
        sample = inpaint_sample(COLOR["cat.png"][:64, :64], rng, config())
        mask = sample["mask"]
        assert all(t.shape == (1, 64, 64) and t.dtype == torch.float32 for t in sample.values())
        assert set(mask.unique().tolist()) <= {0.0, 1.0}
        if sample["hint"].any():
            assert torch.equal(sample["hint"], mask)
            assert torch.equal(sample["damaged"] * (1 - mask), sample["luma"] * (1 - mask))
        else:
            blind += 1
    assert 5 <= blind <= 27  # a quarter of 60


def test_bytes_become_the_floats_of_the_formulas():
    """Luma to the bit, chroma to half of a 255th, and gray to none at all."""
    rgb = np.random.default_rng(0).integers(0, 256, (96, 64, 3), np.uint8)
    rgb[:16, :16] = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)  # every gray
    sample = color_sample(rgb, np.random.default_rng(1), config(old_gray=0.0))
    assert np.array_equal(sample["luma"][0].numpy(), (luma(rgb) / 255).astype(np.float32))
    assert np.abs(sample["chroma"].numpy() - chroma(rgb).transpose(2, 0, 1)).max() <= 0.51 / 255
    assert not sample["chroma"][:, :16, :16].any()
    hinted = color_sample(rgb, np.random.default_rng(1), config(color_hints=1.0))
    assert hinted["hint_mask"].any() and not hinted["hint_chroma"][:, hinted["hint_mask"][0] == 0].any()


def test_a_share_of_the_colorizers_photos_has_a_hole_that_it_will_see_filled():
    crop, rng = COLOR["cup.png"][:64, :64], np.random.default_rng(0)
    never, always, some = (
        [float(color_sample(crop, rng, config(filled_share=share))["mask"].mean()) for _ in range(40)]
        for share in (0.0, 1.0, 0.3)
    )
    assert max(never) == 0 and min(always) > 0 and max(always) < 0.3
    assert 4 <= np.count_nonzero(some) <= 20


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_mask_is_cut_as_its_photo_is(mirrored):
    """A photo that is white exactly where the mask is stays so, to the half pixel of the resampling."""
    mask = np.zeros((120, 160), bool)
    mask[30:70, 50:120] = True
    photo = np.repeat(np.uint8(255) * mask[..., None], 3, axis=-1)
    for side in (90, 60, 40):  # reduced, as it is, enlarged
        window = Crop(top=20, left=35, height=side, width=side, size=(60, 60), mirrored=mirrored)
        crop, cut = window.cut(photo), window.cut(mask)
        assert cut.dtype == bool and cut.any() and not cut.all()
        assert np.abs(crop[..., 0] / 255 - cut).max() <= 0.75 and ((crop[..., 0] > 127) != cut).mean() < 0.02


def test_the_colorizer_learns_from_upright_square_and_wide_crops_and_nothing_is_stretched(folder):
    photos = Photos.find(folder)
    shapes = {
        stage: {
            tuple(TrainingBatches(photos, config(size=128, batch_size=1), stage, 0)[step]["luma"].shape[2:])
            for step in range(9)
        }
        for stage in ("color", "inpaint")
    }
    assert shapes == {"color": {(96, 160), (128, 128), (160, 96)}, "inpaint": {(128, 128)}}
    large = TrainingBatches(photos, config(size=256), "color", 0)
    assert {large._crop_shape(step) for step in range(9)} == {(224, 288), (256, 256), (288, 224)}
    assert TrainingBatches(photos, config(size=32), "color", 0)._crop_shape(1)[0] == 32
    for size in shapes["color"]:
        window = Crop.draw((300, 200), size, 0.4, np.random.default_rng(0))
        assert window.height / window.width == pytest.approx(size[0] / size[1], rel=0.02)
        assert window.top + window.height <= 300 and window.left + window.width <= 200


def test_emphasized_photos_come_twice_as_often(folder, monkeypatch):
    seen = []
    monkeypatch.setattr(Photos, "picture", lambda self, i: seen.append(self.names[i]) or Picture(COLOR["cat.png"]))
    batches = TrainingBatches(Photos.find(folder), config(batch_size=4, emphasis="cat"), "inpaint", seed=0)
    _ = [batches[step] for step in range(5)]
    assert {name: seen.count(name) for name in COLOR} == {"astronaut.png": 5, "cat.png": 10, "cup.png": 5}


def test_real_damage_is_used_for_one_sample_in_two(folder):
    """Its hole is constant, its mask is the hole, and the truth is whole beneath it."""
    photos, real, drawn = Photos.find(folder), 0, 0
    whole = config(hint_dropout=0.0)
    crop, hole = COLOR["cat.png"][20:84, 30:94], photos.picture(1).hole
    hole = Hole(hole.mask[20:84, 30:94], hole.level)
    hole.mask[:, 25:] = False  # a part that the crop shows
    for seed in range(200):
        sample = inpaint_sample(crop, np.random.default_rng(seed), whole, hole)
        assert np.array_equal(np.rint(sample["luma"][0].numpy() * 255), luma(crop))
        assert torch.equal(sample["damaged"] * (1 - sample["mask"]), sample["luma"] * (1 - sample["mask"]))
        if np.array_equal(sample["mask"][0].numpy() > 0, hole.mask):
            real += 1
            assert set(np.rint(sample["damaged"][0].numpy()[hole.mask] * 255)) == {6}
        else:
            drawn += 1
    assert 75 <= real <= 125 and real + drawn == 200


@pytest.mark.parametrize("share", [0.0, 0.005, 0.6])
def test_a_crop_that_hardly_shows_the_hole_or_lies_in_it_gets_drawn_damage(share):
    crop = COLOR["cat.png"][:64, :64]
    mask = np.arange(64 * 64).reshape(64, 64) < share * 64 * 64
    for seed in range(20):
        sample = inpaint_sample(crop, np.random.default_rng(seed), config(hint_dropout=0.0), Hole(mask, 0))
        assert not np.array_equal(sample["mask"][0].numpy() > 0, mask) and sample["mask"].any()


def test_batches_use_the_real_damage_of_the_contest(folder):
    """Level 6 fills a hole by chance once in 256: with real damage it is common."""
    settings = config(hint_dropout=0.0, batch_size=6, min_scale=0.9, max_holes=1)
    batches = TrainingBatches(Photos.find(folder), settings, "inpaint", seed=0)
    common = 0
    for step in range(8):
        batch = expanded(batches[step])
        for damaged, mask in zip(batch["damaged"], batch["mask"], strict=True):
            common += set(np.rint(damaged[mask > 0].numpy() * 255)) == {6}
    assert 6 <= common <= 28  # of 48 samples two in three have a real hole, and use it half of the time


def test_wear_is_drawn_with_the_shapes_that_the_settings_name(tmp_path):
    shape = np.full((300, 300), 255, np.uint8)
    cv2.imwrite(str(tmp_path / "torn-1.png"), shape)
    crop, changed = np.full((64, 64, 3), 100, np.uint8), []
    for settings in (config(wear=1.0, hint_dropout=0.0), config(wear=1.0, hint_dropout=0.0, wear_shapes=str(tmp_path))):
        samples = [inpaint_sample(crop, np.random.default_rng(seed), settings) for seed in range(30)]
        changed.append(np.mean([sample["mask"].numpy().mean() for sample in samples]))
    assert changed[1] > 1.1 * changed[0]
