"""What another photo lends, and what it does not."""

import numpy as np
import pytest
from conftest import photo, pixels, save
from PIL import Image
from skimage import data

from restoration import Inpainter
from restoration.files.imaging import PhotoError
from restoration.inference.backends import TorchNetwork
from restoration.inference.reference import _agreement, _nearest
from restoration.metrics import ab_mae
from restoration.pipeline import SHIPPED_WEIGHTS, Restorer


@pytest.fixture(scope="module")
def shipped():
    return Restorer.from_pretrained(device="cpu")


def small(image: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(image).resize((300, 200)))


@pytest.mark.slow
def test_the_same_scene_lends_its_colors_and_another_one_none(shipped):
    left, right = map(small, data.stereo_motorcycle()[:2])
    gray = Image.fromarray(left).convert("L")
    repair = shipped.repair(gray, np.zeros(left.shape[:2], bool))
    plain, lent, other = (shipped.colorize(repair, reference=photo) for photo in (None, right, small(data.coffee())))
    assert ab_mae(left, pixels(lent.image).astype(np.uint8)) < 0.6 * ab_mae(left, pixels(plain.image).astype(np.uint8))
    assert np.array_equal(pixels(lent.image.convert("L")), pixels(gray))
    assert np.array_equal(pixels(other.image), pixels(plain.image))


@pytest.mark.slow
def test_a_dab_has_the_last_word_over_what_is_lent(shipped):
    left, right = map(small, data.stereo_motorcycle()[:2])
    repair = shipped.repair(Image.fromarray(left).convert("L"), np.zeros(left.shape[:2], bool))
    dab = np.zeros((200, 300, 4), np.uint8)
    dab[120:126, 150:156] = (60, 90, 200, 255)
    lent, both = (pixels(shipped.colorize(repair, hints, right).image) for hints in (None, dab))
    blue = both[120:126, 150:156].mean(axis=(0, 1)) - lent[120:126, 150:156].mean(axis=(0, 1))
    assert blue[2] - blue[0] > 20


def test_cells_that_moved_alike_agree_and_others_do_not():
    y, x = np.mgrid[:20, :30].astype(np.float32)
    shifted, mirrored = np.stack([y + 3, x - 2], axis=-1), np.stack([y, 29 - x], axis=-1)
    for place in (shifted, mirrored):
        assert (_agreement(place)[2:-2, 2:-2] == 1).all()
        assert _agreement(place)[0, 0] == pytest.approx(8 / 24), "beside the photo nothing agrees"
    chance = np.random.default_rng(0).uniform(0, 30, (20, 30, 2)).astype(np.float32)
    assert _agreement(chance).max() < 0.2
    for off, agrees in ((1, True), (2, False)):
        moved = shifted.copy()
        moved[10, 10, off % 2] += off
        assert _agreement(moved)[10, 10] == agrees, "of the matches around, a cell beside the place that they tell"
    shifted[10, 10] = np.nan
    found = _agreement(shifted)
    assert found[10, 10] == 0 and found[10, 11] == pytest.approx(23 / 24)


def test_the_nearest_are_found_in_both_directions():
    others = np.random.default_rng(0).normal(size=(5, 6, 16)).astype(np.float32)
    match, is_mutual = _nearest(others[:, ::-1], others)
    assert is_mutual.all() and np.array_equal(match, np.arange(30).reshape(5, 6)[:, ::-1])
    match, is_mutual = _nearest(np.repeat(others[:1], 2, axis=0), others)
    assert is_mutual.sum() == 6, "of two cells that want the same one, it wants one"


def test_graphs_and_pytorch_see_the_same(shipped):
    image = np.random.default_rng(0).random((2, 72, 104), np.float32)
    torch = TorchNetwork(Inpainter.from_pretrained(SHIPPED_WEIGHTS / "inpaint"), "cpu")
    expected, found = torch.features(image), shipped._inpaint.features(image)
    assert expected.shape == found.shape == (64, 12, 16)
    assert np.abs(expected - found).max() < 0.05 * np.abs(expected).max()


def test_a_gray_reference_is_refused(restorer):
    with pytest.raises(PhotoError, match="gray photo"):
        restorer.restore(photo("camera", 64, 64), reference=photo("camera", 64, 64))


@pytest.mark.slow
def test_the_command_line_takes_a_reference(run, weights, tmp_path):
    colors = photo("coffee", 96, 64)
    gray = np.asarray(Image.fromarray(colors).convert("L"))
    restorer = Restorer.from_pretrained(weights, "cpu")
    files = save(tmp_path / "in.png", gray), tmp_path / "out.png"
    reference = save(tmp_path / "reference.png", colors)
    assert run("restore", *files, "--reference", reference)[0] == 0
    with Image.open(tmp_path / "out.png") as written:
        result = pixels(written)
    assert np.array_equal(result, pixels(restorer.restore(gray, reference=colors).image))
    assert np.abs(result - colors).mean() < 0.5 * np.abs(pixels(restorer.restore(gray).image) - colors).mean()
    own = save(tmp_path / "color.png", colors)
    _, _, err = run("restore", own, tmp_path / "own.png", "--reference", reference)
    assert any("the reference was not used" in line for line in err)
    status, _, err = run("restore", *files, "--reference", files[0], "--overwrite")
    assert status == 1 and err == ["restoration: The reference is a gray photo; use one in color."], "before any photo"
    status, _, err = run("restore", *files, "--reference", tmp_path / "none.png", "--overwrite")
    assert status == 1 and "none.png" in err[0]
