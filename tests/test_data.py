"""Photos from folders and shards are the same photos; batches are functions of their step."""

import io
import tarfile

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from restoration.color import chroma, luma
from restoration.config import TrainConfig
from restoration.data import Photos, TrainingBatches, color_sample, inpaint_sample, random_crop, read_names
from restoration.folds import groups, perceptual_hash

COLOR = {
    "astronaut.png": data.astronaut()[::3, ::3],
    "cat.png": data.chelsea()[::2, ::2],
    "cup.png": data.coffee()[::3, ::3],
}


def config(stage: str, **fields) -> TrainConfig:
    return TrainConfig(**{"stage": stage, "data": ".", "out": ".", "steps": 8, "batch_size": 4, "size": 64} | fields)


@pytest.fixture
def folder(tmp_path):
    """Two photos in a tar shard, one in a subfolder, and a file that is no photo."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "notes.txt").write_text("no photo")
    with tarfile.open(tmp_path / "shard.tar", "w") as shard:
        for name in ("astronaut.png", "cat.png"):
            buffer = io.BytesIO()
            Image.fromarray(COLOR[name]).save(buffer, "png")
            member = tarfile.TarInfo(f"inner/{name}")
            member.size = buffer.tell()
            buffer.seek(0)
            shard.addfile(member, buffer)
    Image.fromarray(COLOR["cup.png"]).save(tmp_path / "sub" / "cup.png")
    return tmp_path


def test_folders_and_shards_are_found_and_read(folder):
    photos = Photos.find(folder)
    assert photos.names == sorted(COLOR)
    assert all(np.array_equal(photos[i], COLOR[name]) for i, name in enumerate(photos.names))
    assert photos.without({"cat.png"}).names == ["astronaut.png", "cup.png"]
    assert photos.only({"cat.png", "dog.png"}).names == ["cat.png"]


def test_no_photos_is_said(tmp_path):
    with pytest.raises(ValueError, match="no photos"):
        Photos.find(tmp_path)


def test_a_broken_photo_is_named(tmp_path):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n1234")
    with pytest.raises(ValueError, match=r"broken\.png"):
        Photos.find(tmp_path)[0]


def test_names_from_a_list_or_a_table(tmp_path):
    (tmp_path / "list.tsv").write_text("name\tsource\na.webp\tx\n\nb.webp\n")
    assert read_names(tmp_path / "list.tsv") == {"a.webp", "b.webp"}


@pytest.mark.parametrize("stage", ["inpaint", "color"])
def test_a_batch_depends_on_its_step_alone(folder, stage):
    batches = TrainingBatches(Photos.find(folder), config(stage))
    first, again, next_one = batches[3], batches[3], batches[4]
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not torch.equal(first["luma"], next_one["luma"])


def test_every_photo_comes_once_an_epoch(folder, monkeypatch):
    seen = []
    monkeypatch.setattr(Photos, "__getitem__", lambda self, i: seen.append(i) or COLOR["cat.png"])
    batches = TrainingBatches(Photos.find(folder), config("color", batch_size=6))
    _ = [batches[step] for step in range(2)]
    assert all(sorted(seen[i : i + 3]) == [0, 1, 2] for i in range(0, 12, 3))


def test_inpaint_samples_hold_what_the_contract_says():
    rng, blind = np.random.default_rng(0), 0
    for _ in range(60):
        sample = inpaint_sample(COLOR["cat.png"][:64, :64], rng, config("inpaint"))
        mask = sample["mask"]
        assert all(t.shape == (1, 64, 64) and t.dtype == torch.float32 for t in sample.values())
        assert set(mask.unique().tolist()) <= {0.0, 1.0}
        if sample["hint"].any():
            assert torch.equal(sample["hint"], mask)
            assert torch.equal(sample["damaged"] * (1 - mask), sample["luma"] * (1 - mask))
        else:
            blind += 1
    assert 5 <= blind <= 27  # a quarter of 60


def test_color_hints_tell_the_truth():
    rng, shares = np.random.default_rng(0), []
    crop = COLOR["cup.png"][:64, :64]
    truth = torch.from_numpy(chroma(crop).transpose(2, 0, 1))
    for _ in range(60):
        sample = color_sample(crop, rng, config("color", color_hints=0.5))
        assert torch.equal(sample["chroma"], truth)
        assert torch.equal(sample["hint_chroma"], truth * sample["hint_mask"])
        assert np.array_equal(np.rint(sample["luma"][0].numpy() * 255), luma(crop))
        shares.append(float(sample["hint_mask"].mean()))
    assert min(shares) == 0 and any(0 < s < 0.2 for s in shares) and max(shares) > 0.5


def test_crops_have_the_promised_scale():
    ramp = np.broadcast_to(np.arange(200, dtype=np.uint8)[None, :, None], (200, 200, 3)).copy()
    for seed in range(50):
        crop = random_crop(ramp, 64, 0.5, np.random.default_rng(seed))
        assert crop.shape == (64, 64, 3)
        assert 95 <= np.ptp(crop[0, :, 0].astype(int)) + 4 <= 205  # from half of the photo to all of it


def test_near_duplicates_share_a_group_and_others_do_not():
    photos = [data.astronaut(), data.coffee(), data.chelsea(), data.rocket()]
    grays = [luma(photo) for photo in photos]
    grays += [grays[0][:, ::-1], (grays[1] * 0.8).astype(np.uint8), grays[2][3:-2, 4:-3]]
    hashes = [perceptual_hash(gray) for gray in grays]
    mirrored = [perceptual_hash(gray[:, ::-1]) for gray in grays]
    group = groups(hashes, mirrored)
    assert group[0] == group[4] and group[1] == group[5] and group[2] == group[6]
    assert len(set(group[:4])) == 4
