"""Photos of every place are the same photos; what cannot be used is named; memory is what it says."""

import os
import shutil
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unicodedata import normalize

import numpy as np
import pytest
from conftest import hole, is_one_sentence, photo, save
from PIL import Image
from scipy.fft import dctn
from skimage import data
from torch.utils.data import DataLoader

from restoration.color import luma
from restoration.data import photos, sources
from restoration.data.photos import Photos, fingerprint
from restoration.data.sources import read_names, unseen_inputs

COLOR = {
    "astronaut.png": data.astronaut()[::3, ::3],
    "cat.png": data.chelsea()[::2, ::2],
    "cup.png": data.coffee()[::3, ::3],
}


def write(folder: Path, **pictures: np.ndarray) -> Path:
    """PNG files NAME.png in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, pixels in pictures.items():
        Image.fromarray(pixels).save(folder / f"{name}.png")
    return folder


def pack(shard: Path, *folders: Path, root: Path) -> None:
    """A tar shard of all files of some folders, named as they lie below the root."""
    shard.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(shard, "w") as tar:
        for file in sorted(file for folder in folders for file in folder.rglob("*.png")):
            tar.add(file, file.relative_to(root))


@pytest.fixture
def folder(tmp_path):
    """Three photos in two folders, and files that are no photos of this set."""
    write(tmp_path / "place", astronaut=COLOR["astronaut.png"], cat=COLOR["cat.png"])
    write(tmp_path / "place" / "inner", cup=COLOR["cup.png"])
    (tmp_path / "notes.txt").write_text("no photo")
    (tmp_path / "place" / "._cat.png").write_bytes(b"what macOS leaves behind")
    return tmp_path


def test_a_folder_is_found_and_read(folder):
    found = Photos.find(folder)
    assert found.names == sorted(COLOR)
    assert all(np.array_equal(found[i], COLOR[name]) for i, name in enumerate(found.names))
    assert [entry.folder for entry in found.entries] == ["place", "place", "place/inner"]
    assert Photos.find(folder, exclude={"cat.png"}).names == ["astronaut.png", "cup.png"]
    assert found.subset([2, 0]).names == ["cup.png", "astronaut.png"]


def test_shards_equal_the_folder_they_were_made_of(folder, tmp_path_factory):
    """Names, folders, sizes and pixels, in any order of reading."""
    place = tmp_path_factory.mktemp("shards")
    pack(place / "a.tar", folder / "place" / "inner", root=folder)
    pack(place / "deep" / "b.tar", root=folder)  # an empty one
    with tarfile.open(place / "c.tar", "w") as tar:
        for name in ("cat.png", "astronaut.png"):
            tar.add(folder / "place" / name, f"place/{name}")
        tar.add(folder / "place" / "._cat.png", "place/._cat.png")
    plain, packed = Photos.find(folder), Photos.find(place)
    assert packed.names == plain.names and fingerprint(packed) == fingerprint(plain)
    assert [entry.folder for entry in packed.entries] == [entry.folder for entry in plain.entries]
    assert all(np.array_equal(packed[i], plain[i]) for i in (2, 0, 1, 0))
    assert Photos.find(place / "c.tar").names == ["astronaut.png", "cat.png"]


def test_the_contests_folder_gives_truth_with_its_real_damage(tmp_path):
    truth = {"a": COLOR["astronaut.png"], "b": COLOR["cat.png"], "c": COLOR["cup.png"]}
    grays = {name: luma(rgb) for name, rgb in truth.items()}
    wanted = hole(*grays["a"].shape[::-1], (20, 30, 60, 50)) & (grays["a"] != 73)
    grays["a"][wanted] = 73
    grays["c"] = grays["c"][:-1]  # of another size: no partner
    write(tmp_path / "train_gt", **truth)
    write(tmp_path / "train_input", a=grays["a"], c=grays["c"])
    write(tmp_path / "test_input1", t2=grays["b"], t1=grays["b"])
    checked = photos.load(tmp_path)
    assert checked.photos.names == ["a.png", "b.png", "c.png"]
    assert np.array_equal(checked.photos.picture(0).hole.mask, wanted) and checked.photos.picture(0).hole.level == 73
    assert checked.photos.picture(1).hole is None and checked.photos.picture(2).hole is None
    assert checked.problems == ["c.png: used without its damaged partner, which does not match"]
    unseen = {name: [file.name for file in files] for name, files in unseen_inputs(tmp_path).items()}
    assert unseen == {"test_input1": ["t1.png", "t2.png"]}


@pytest.mark.parametrize("share, is_pair", [(0.4, True), (0.6, False)])
def test_two_photos_that_mostly_differ_are_not_a_pair(tmp_path, share, is_pair):
    gray = luma(COLOR["cat.png"])
    rows = round(share * len(gray))
    gray[:rows] = np.where(gray[:rows] == 9, 8, 9)
    write(tmp_path / "train_gt", a=COLOR["cat.png"])
    write(tmp_path / "train_input", a=gray)
    found = Photos.find(tmp_path).picture(0).hole
    assert found is None if not is_pair else found.mask[:rows].all() and not found.mask[rows:].any()


def test_a_reduced_photo_keeps_its_hole_in_place(tmp_path):
    truth = data.coffee()
    damaged = luma(truth)
    damaged[hole(600, 400, (150, 100, 450, 200))] = 0
    write(tmp_path / "train_gt", a=truth)
    write(tmp_path / "train_input", a=damaged)
    found = Photos.find(tmp_path, side=100)
    mask, _ = found.picture(0).hole
    assert found[0].shape == (100, 150, 3) and mask.shape == (100, 150)
    assert mask[26:49, 39:111].mean() > 0.99 and mask.mean() == pytest.approx(1 / 8, abs=0.01)


def test_a_reduced_photo_is_the_mean_of_its_pixels_and_its_hole_that_of_the_nearest(tmp_path):
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 256, (128, 192, 3), np.uint8)
    damaged, wanted = luma(truth), rng.random((128, 192)) < 0.2
    damaged[wanted] = 255 - (damaged[wanted] > 127) * np.uint8(255)
    write(tmp_path / "train_gt", a=truth)
    write(tmp_path / "train_input", a=damaged)
    picture = Photos.find(tmp_path, side=32).picture(0)
    means = truth.reshape(32, 4, 48, 4, 3).mean(axis=(1, 3))
    assert np.abs(picture.rgb - means).max() <= 0.5
    nearest = Image.fromarray(damaged != luma(truth)).resize((48, 32), Image.Resampling.NEAREST)
    assert np.array_equal(picture.hole.mask, np.asarray(nearest))


def test_the_contests_truth_alone_is_enough(tmp_path):
    write(tmp_path / "train_gt", a=COLOR["cat.png"])
    checked = photos.load(tmp_path)
    assert checked.photos.names == ["a.png"] and checked.photos.picture(0).hole is None and not checked.problems


def test_reading_ahead_stops_where_memory_is_full(tmp_path, monkeypatch):
    write(tmp_path, **{f"{i:02}": COLOR["cat.png"][:40, :48] for i in range(60)})
    read, decode = [], photos.decode
    monkeypatch.setattr(photos, "decode", lambda *arguments: read.append(arguments) or decode(*arguments))
    for room, most in ((0, 0), (8, 8 + 2 * os.cpu_count()), (60, 60)):
        read.clear()
        found = Photos.find(tmp_path, budget=room * 40 * 48 * 3)
        found.read_ahead()
        assert room <= len(read) <= most and len(found.memory) == room


def test_no_bar_is_drawn_into_a_log(folder, capsys):
    photos.load(folder)
    assert capsys.readouterr().err == ""


def test_a_hash_is_of_signs_of_the_lowest_frequencies():
    """Against SciPy's transform of means of squares; a flat photo has none but its brightness."""
    gray = np.random.default_rng(0).integers(0, 256, (64, 96), np.uint8)
    small = gray.reshape(32, 2, 32, 3).mean(axis=(1, 3))
    low = dctn(small, norm="ortho")[:8, :8].ravel()
    bits = "".join("1" if value > np.median(low) else "0" for value in low)
    assert photos.perceptual_hash(gray) == int(bits, 2)
    assert photos.perceptual_hash(np.full((40, 40), 9, np.uint8)) == 1 << 63


@pytest.mark.slow
def test_bundled_photos_are_color_crops_grouped_by_photo():
    checked = photos.load("bundled")
    scenes = {entry.scene for entry in checked.photos.entries}
    assert len(checked.photos) == 11 * 15 and len(set(checked.photos.names)) == 11 * 15 and not checked.problems
    assert len(scenes) == 10  # the stereo pair is one
    assert {e.file.stem for e in checked.photos.entries if e.scene == "motorcycle"} == {
        "motorcycle_left", "motorcycle_right",
    }  # fmt: skip
    assert all(picture.shape == (256, 256, 3) for picture in checked.photos)
    crop = next(i for i, name in enumerate(checked.photos.names) if name == "coffee-72-86.png")
    assert np.array_equal(checked.photos[crop], data.coffee()[72:328, 86:342])


def test_what_cannot_be_used_is_named_and_stops_nothing(folder):
    write(folder, gray=np.stack([luma(COLOR["cat.png"])] * 3, axis=-1), level=luma(COLOR["cat.png"]))
    write(folder, tiny=COLOR["cat.png"][:31, :40], small=COLOR["cat.png"][:32, :40, [0, 0, 2]])
    whole = (folder / "place" / "cat.png").read_bytes()
    (folder / "half.png").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.jpg").write_bytes(b"")
    checked = photos.load(folder, exclude={"cup.png"})
    assert checked.photos.names == ["astronaut.png", "cat.png", "small.png"] and checked.hashes.shape == (3, 2)
    assert [line.split(": ") for line in checked.problems] == [
        ["empty.jpg", "cannot be read as a photo"],
        ["gray.png", "gray, no color to learn"],
        ["half.png", "cannot be read as a photo"],
        ["level.png", "gray, no color to learn"],
        ["tiny.png", "smaller than 32 pixels"],
    ]


def test_a_name_that_is_no_utf8_is_used_and_shown(scenes, tmp_path):
    source = next(scenes.glob("*.png"))
    whole, broken = (tmp_path / os.fsdecode(name) for name in (b"caf\xe9.png", b"caf\xe8.png"))
    shutil.copy(source, whole)
    broken.write_bytes(b"no photo")
    checked = photos.load(tmp_path)
    assert len(photos.fingerprint(checked.photos)) == 12 and checked.photos.names == [whole.name]
    assert checked.problems == [r"caf\udce8.png: cannot be read as a photo"]


@pytest.mark.parametrize("place", ["", "nowhere"])
def test_an_empty_place_is_one_sentence_that_says_what_to_do(scenes, tmp_path, place):
    if place:
        shutil.copy(next(scenes.glob("*.png")), tmp_path)  # beside it, where nobody asked to look
    with pytest.raises(ValueError, match=r"no photos in .*train_gt.*--data bundled") as error:
        photos.load(tmp_path / place)
    assert is_one_sentence(error.value)


def test_nothing_usable_and_a_broken_shard_are_said(folder):
    with pytest.raises(ValueError, match=r"none of the 0 photos .* all are excluded"):
        photos.load(folder, exclude=set(COLOR))
    write(folder / "old", gray=luma(COLOR["cat.png"]))
    with pytest.raises(ValueError, match=r"none of the 1 photos .* such as gray\.png: gray"):
        photos.load(folder / "old")
    (folder / "shard.tar").write_bytes(b"no tar" * 500)
    with pytest.raises(ValueError, match=r"shard\.tar cannot be read") as error:
        photos.load(folder)
    assert is_one_sentence(error.value)


def test_a_photo_that_breaks_later_is_named(folder):
    found = Photos.find(folder)
    (folder / "place" / "cat.png").write_bytes(b"\x89PNG\r\n\x1a\n1234")
    with pytest.raises(ValueError, match=r"cat\.png .* cannot be read"):
        found[1]


@pytest.mark.parametrize("room", [0, 1, 2, 3])
def test_memory_keeps_its_budget_and_never_changes_a_pixel(tmp_path, room):
    """A budget for `room` photos and a half serves as many after their files are gone, each as it was."""
    drawn = {name.removesuffix(".png"): rgb[:100, :120] for name, rgb in COLOR.items()}
    size = 100 * 120 * 3
    kept = photos.load(write(tmp_path, **drawn), budget=room * size + size // 2).photos
    assert kept.memory.used == room * size
    for file in tmp_path.glob("*.png"):
        os.truncate(file, 0)
    served = 0
    for i, rgb in enumerate(drawn.values()):
        try:
            assert np.array_equal(kept[i], rgb) and kept.subset([i])[0] is kept[i]
            served += 1
        except ValueError as error:
            assert "cannot be read" in str(error)
    assert served == room


def test_threads_and_workers_read_the_same_pixels_within_the_budget(tmp_path):
    rng = np.random.default_rng(0)
    drawn = [rng.integers(0, 256, (40, 48, 3), np.uint8) for _ in range(60)]
    write(tmp_path, **{f"{i:02}": rgb for i, rgb in enumerate(drawn)})
    found = Photos.find(tmp_path, budget=50 * drawn[0].nbytes)
    with ThreadPoolExecutor(8) as pool:
        threaded = list(pool.map(found.__getitem__, [*range(60)] * 2))
    assert found.memory.used == found.memory.budget
    forked = list(DataLoader(found, batch_size=None, num_workers=2, multiprocessing_context="fork"))
    assert all(np.array_equal(t, d) for t, d in zip(threaded, drawn * 2, strict=True))
    assert all(np.array_equal(f, d) for f, d in zip(forked, drawn, strict=True))
    assert found.memory.used == found.memory.budget and not found[0].flags.writeable


def test_photos_are_upright_and_the_same_in_any_format(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned a quarter to the right when shown
    Image.fromarray(COLOR["cat.png"]).save(tmp_path / "turned.png", exif=exif)
    Image.fromarray(COLOR["cat.png"]).save(tmp_path / "upright.webp", lossless=True)
    turned, upright = Photos.find(tmp_path)
    assert np.array_equal(turned, np.rot90(COLOR["cat.png"], -1)) and np.array_equal(upright, COLOR["cat.png"])


def test_a_fingerprint_changes_with_names_and_sizes_only(folder):
    found = Photos.find(folder)
    first = fingerprint(found)
    assert fingerprint(found.subset([2, 1, 0])) == first and fingerprint(found.subset([0, 1])) != first
    (folder / "place" / "cat.png").rename(folder / "cat.png")
    assert fingerprint(Photos.find(folder)) == first
    with open(folder / "cat.png", "ab") as file:
        file.write(b"\0")
    assert fingerprint(Photos.find(folder)) != first


def test_names_from_a_list_or_a_table(tmp_path):
    (tmp_path / "list.tsv").write_text("name\tsource\na.webp\tx\n\nb.webp\n")
    assert read_names(tmp_path / "list.tsv") == {"a.webp", "b.webp"}
    (tmp_path / "photo").write_bytes(b"\x89PNG\r\n")
    with pytest.raises(ValueError, match="photo is not a text file") as error:
        read_names(tmp_path / "photo")
    assert is_one_sentence(error.value)


def test_every_bundled_photo_is_really_there():
    """A release of the libraries that drops one must be noticed here, not in a figure that moved."""
    wanted = {Path(name).name for names in sources.BUNDLED_PHOTOS.values() for name in names}
    found = Photos.find("bundled")
    assert {entry.file.name for entry in found.entries} == wanted and len(wanted) == 11


def test_bundled_photos_are_cut_into_squares_from_edge_to_edge():
    found = Photos.find("bundled")
    for file, size, side, grid in (
        ("coffee.png", (600, 400), 256, (5, 3)), ("hubble_deep_field.jpg", (1000, 872), 436, (5, 3)),
        ("astronaut.png", (512, 512), 256, (5, 3)),
    ):  # fmt: skip
        boxes = [entry.box for entry in found.entries if entry.file.name == file]
        lefts, tops = sorted({left for left, _, _ in boxes}), sorted({top for _, top, _ in boxes})
        assert {square for _, _, square in boxes} == {side} and (len(lefts), len(tops)) == grid
        assert (lefts[0], tops[0]) == (0, 0) and (lefts[-1], tops[-1]) == (size[0] - side, size[1] - side)
        assert np.ptp(np.diff(lefts)) <= 1 and np.ptp(np.diff(tops)) <= 1 and len(boxes) == len(lefts) * len(tops)
    crop = found.names.index("coffee-72-86.png")
    assert np.array_equal(found[crop], data.coffee()[72:328, 86:342])
    large = next(i for i, entry in enumerate(found.entries) if entry.file.name == "hubble_deep_field.jpg")
    assert found[large].shape == (256, 256, 3)


def test_an_upright_photo_has_more_squares_below_each_other_than_beside(tmp_path):
    write(tmp_path, tall=np.zeros((700, 300, 3), np.uint8))
    boxes = [entry.box for entry in sources._crops(tmp_path / "tall.png")]
    assert len({left for left, _, _ in boxes}) == 3 and len({top for _, top, _ in boxes}) == 5


def test_names_are_paired_however_their_accents_are_composed(tmp_path):
    """macOS writes 사진 in parts (NFD), most others as whole syllables (NFC)."""
    apart, whole = normalize("NFD", "사진.png"), normalize("NFC", "사진.png")
    color = photo("coffee", 48, 40)
    gray = luma(color)
    gray[5:15, 5:15] = 6
    save(tmp_path / "train_gt" / apart, color)
    save(tmp_path / "train_input" / whole, gray)
    found = Photos.find(tmp_path)
    assert found.picture(0).hole.level == 6
    assert Photos.find(tmp_path, exclude={whole}).names == [] and found.names == [apart]
