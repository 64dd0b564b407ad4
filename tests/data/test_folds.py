"""Near-duplicates are found and never split; folds are scikit-learn's, over groups."""

import io
import json
from functools import cache

import cv2
import numpy as np
import pytest
from conftest import is_one_sentence
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage import data
from small_run import config

from restoration.color import luma
from restoration.data import photos, splits
from restoration.data.photos import Checked, Photos, perceptual_hash
from restoration.data.sources import Entry, find_entries

SEEDS = st.integers(0, 2**32 - 1)


def compressed(rgb: np.ndarray, quality: int) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "jpeg", quality=quality)
    return np.asarray(Image.open(buffer))


CHANGES = {
    "itself": lambda rgb: rgb,
    "darker": lambda rgb: (rgb * 0.7).astype(np.uint8),
    "brighter": lambda rgb: np.clip(rgb * 1.2 + 10, 0, 255).astype(np.uint8),
    "compressed": lambda rgb: compressed(rgb, 30),
    "mirrored": lambda rgb: rgb[:, ::-1],
    "mirrored and darker": lambda rgb: (rgb[:, ::-1] * 0.8).astype(np.uint8),
    "cropped": lambda rgb: rgb[3:-2, 4:-3],
    "smaller": lambda rgb: cv2.resize(rgb, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA),
}


@cache
def planted() -> tuple[Checked, np.ndarray]:
    """Eight photos, each with near-duplicates of every kind, as if checked; and which photo each one shows."""
    photos = [data.astronaut(), data.chelsea(), data.coffee(), data.rocket(), *quarters(data.stereo_motorcycle()[0])]
    shown = [change(rgb) for rgb in photos for change in CHANGES.values()]
    return checked(shown), np.repeat(np.arange(len(photos)), len(CHANGES))


def quarters(rgb: np.ndarray) -> list[np.ndarray]:
    height, width = (length // 2 for length in rgb.shape[:2])
    return [rgb[top:, left:][:height, :width] for top in (0, height) for left in (0, width)]


def checked(pictures: list[np.ndarray]) -> Checked:
    grays = [luma(rgb) for rgb in pictures]
    hashes = [(perceptual_hash(gray), perceptual_hash(gray[:, ::-1])) for gray in grays]
    return collection([f"{i:03}.png" for i in range(len(grays))], hashes)


def collection(names: list[str], hashes=None, folders=None) -> Checked:
    folders = folders or ["."] * len(names)
    entries = [Entry(name, None, 0, 0, folder) for name, folder in zip(names, folders, strict=True)]
    hashes = np.zeros((len(names), 2)) if hashes is None else hashes
    return Checked(Photos(entries), np.array(hashes, np.uint64), [])


def test_near_duplicates_of_every_kind_make_one_group_a_photo():
    found, shows = planted()
    assert np.array_equal(splits.group(found), shows)  # eight photos, eight groups, none joined to another


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.integers(1, 8), st.randoms(use_true_random=False))
def test_planted_near_duplicates_are_never_split(seed, count, random):
    """Over seeds, fold counts, and the order and number in which they come."""
    found, shows = planted()
    order = random.sample(range(len(shows)), random.randint(57, len(shows)))  # of each photo one at least
    shuffled = Checked(found.photos.subset(order), found.hashes[order], [])
    groups, shows = splits.group(shuffled), shows[order]
    for fold in range(count):
        train, validation = splits.fold_of(groups, count, fold, seed)
        assert not set(shows[train]) & set(shows[validation])


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.integers(2, 6), st.lists(st.integers(0, 9), min_size=20, max_size=60))
def test_every_photo_validates_in_exactly_one_fold(seed, count, drawn):
    groups = np.array([*range(10), *drawn])
    parts = [splits.fold_of(groups, count, fold, seed) for fold in range(count)]
    assert sorted(np.concatenate([validation for _, validation in parts])) == list(range(len(groups)))
    for train, validation in parts:
        assert sorted([*train, *validation]) == list(range(len(groups)))
        assert not set(groups[train]) & set(groups[validation])
    sizes = [len(set(groups[validation])) for _, validation in parts]
    assert max(sizes) - min(sizes) <= 1  # in groups, as KFold makes them


def test_a_split_is_a_function_of_its_seed():
    groups = np.arange(50)
    first, again, other = (splits.fold_of(groups, 5, 2, seed)[1].tolist() for seed in (1, 1, 2))
    assert first == again and first != other


def test_one_fold_holds_a_share_of_the_groups_out():
    groups = np.arange(300) // 3
    train, validation = splits.fold_of(groups, 1, 0, seed=4)
    assert len(set(groups[validation])) == 5 and len(validation) == 15 and len(train) == 285
    assert [len(part) for part in splits.fold_of(np.array([0, 0, 1]), 1, 0, seed=0)] in ([1, 2], [2, 1])


@pytest.mark.parametrize("count, fold", [(5, 0), (1, 0)])
def test_fewer_groups_than_folds_is_one_sentence(count, fold):
    wanted = f"^folds is {count}: give at least {max(2, count)} groups of photos, not 1"
    with pytest.raises(ValueError, match=wanted) as error:
        splits.fold_of(np.zeros(30, int), count, fold, seed=0)
    assert is_one_sentence(error.value)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 40))
def test_near_duplicates_are_the_connected_parts_of_the_pairs(seed, count):
    """Against the definition, pair by pair, over hashes of which some lie 0 to 14 bits apart, in chains."""
    rng = np.random.default_rng(seed)
    own, other = [int(rng.integers(2**63))], []
    for _ in range(count - 1):
        base = own[rng.integers(len(own))] if rng.random() < 0.8 else int(rng.integers(2**63))
        for bit in rng.choice(63, rng.integers(0, 15), replace=False):
            base ^= 1 << int(bit)
        own.append(base)
    other = [h if rng.random() < 0.5 else int(rng.integers(2**63)) for h in own]
    parts = [{i} for i in range(count)]
    for i in range(count):
        for j in range(i):
            if min((own[i] ^ own[j]).bit_count(), (own[j] ^ other[i]).bit_count()) <= splits.MAX_DISTANCE:
                joined = next(p for p in parts if i in p) | next(p for p in parts if j in p)
                parts = [p for p in parts if not p & joined] + [joined]
    label = splits.near_duplicates(np.array(own, np.uint64), np.array(other, np.uint64))
    assert sorted(map(sorted, parts)) == sorted(np.flatnonzero(label == k).tolist() for k in set(label))


def test_ten_of_64_bits_are_near_and_eleven_are_not():
    label = splits.near_duplicates(np.array([0, 2**10 - 1, 2**63 - 2**42], np.uint64), np.full(3, 2**64 - 1, np.uint64))
    assert label[0] == label[1] != label[2]
    assert len(set(splits.near_duplicates(np.array([0, 2**11 - 1], np.uint64), np.full(2, 2**64 - 1, np.uint64)))) == 2


def test_as_many_groups_as_folds_are_enough():
    parts = [splits.fold_of(np.array([0, 1, 1, 2]), 3, fold, seed=0)[1].tolist() for fold in range(3)]
    assert sorted(parts) == [[0], [1, 2], [3]]


def test_crops_of_a_bundled_photo_stay_together():
    """However photos are grouped; the stereo pair too."""
    photos = Photos(find_entries("bundled"))
    groups = splits.group(Checked(photos, np.arange(2 * len(photos)).reshape(-1, 2), []))
    scenes = np.array([entry.scene for entry in photos.entries])
    assert all(len(set(groups[scenes == scene])) == 1 for scene in set(scenes)) and len(set(groups)) == 10
    for fold in range(5):
        train, validation = splits.fold_of(groups, 5, fold, seed=0)
        assert not set(scenes[train]) & set(scenes[validation])
    assert {name.split("-")[0] for name in np.array(photos.names)[scenes == "motorcycle"]} == {
        "motorcycle_left", "motorcycle_right",
    }  # fmt: skip


def test_photos_are_kept_as_large_as_validation_sees_them(scenes, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(photos, "load", lambda *arguments: asked.append(arguments) or 1 / 0)
    monkeypatch.setattr(splits.machine, "memory", lambda: 8 << 30)
    for fields in ({"validation_size": 48}, {"validation_size": 96}, {"validation_size": 96, "cache_gib": 6.0}):
        monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
        with pytest.raises(ZeroDivisionError):
            splits.find(config(scenes, size=32, **fields), tmp_path / "data.json")
    assert [side for *_, side, _ in asked] == [64, 96, 96]
    assert [budget for *_, budget in asked] == [4 << 30, 4 << 30, (6 << 30) // 4]


def test_photos_are_checked_and_grouped_once_for_a_run(scenes, tmp_path, monkeypatch):
    settings, file = config(scenes), tmp_path / "data.json"
    first = splits.find(settings, file)
    file.write_text(json.dumps(first.description("")))
    monkeypatch.setattr(photos, "load", lambda *_: pytest.fail("photos were checked again"))
    again, unread = splits.find(settings, file), splits.find(settings, file, decoded=False)
    assert again.photos.entries == first.photos.entries and np.array_equal(again.groups, first.groups)
    assert len(again.photos.memory) == len(first.photos.memory) == 8 and len(unread.photos.memory) == 0
    assert again.split(settings, 1).validation.names == first.split(settings, 1).validation.names
