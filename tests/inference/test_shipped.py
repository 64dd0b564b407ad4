"""What is in the box: the shipped weights, the examples, and what the README promises about them."""

import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage import data

from restoration import Restorer
from restoration.color import luma
from restoration.masking import damage
from restoration.metrics import ab_mae, hole_psnr

ROOT = Path(__file__).parents[2]
PHOTOS = ("astronaut", "coffee", "chelsea", "rocket")  # not one of them was trained on


@pytest.fixture(scope="module")
def shipped() -> Restorer:
    return Restorer.from_pretrained()


@pytest.fixture(scope="module")
def restored(shipped) -> list[tuple]:
    """Crops of 256 px, twelve in all: truth, mask, damaged, and what comes back with the mask given."""
    rows = []
    for number, name in enumerate(PHOTOS):
        for left in (0, 80, 160):
            truth = np.ascontiguousarray(getattr(data, name)()[40:296, left : left + 256])
            damaged, mask = damage(luma(truth), np.random.default_rng([7, number, left]))
            rows.append((truth, mask, damaged, shipped.restore(damaged, mask)))
    return rows


@pytest.mark.slow
def test_holes_are_filled_better_than_by_opencv(restored):
    gains = []
    for truth, mask, damaged, result in restored:
        telea = cv2.inpaint(damaged, mask.astype(np.uint8), 3, cv2.INPAINT_TELEA)
        gains.append(hole_psnr(truth, np.asarray(result.image), mask) - hole_psnr(luma(truth), telea, mask))
    assert np.mean(gains) > 0.3


@pytest.mark.slow
def test_texture_has_the_photo_s_contrast_and_a_smooth_fill_errs_less(shipped, restored):
    """Detail in the hole, as its standard deviation: a smooth fill has more than fog, texture more, the truth most."""
    errors, contrasts = [], []
    for truth, mask, damaged, result in restored:
        gray, smooth = luma(truth), np.asarray(shipped.repair(damaged, mask, fill="smooth").gray)
        errors.append([hole_psnr(gray, fill, mask) for fill in (np.asarray(result.gray), smooth)])
        detail = [np.float32(x) - cv2.GaussianBlur(np.float32(x), (0, 0), 2) for x in (result.gray, smooth, gray)]
        contrasts.append([x[mask].std() for x in detail])
    textured, smooth, true = np.mean(contrasts, axis=0)
    assert np.diff(np.mean(errors, axis=0)) > 0.2
    assert 0.4 * true < smooth and 1.1 * smooth < textured < true, (smooth, textured, true)


@pytest.mark.slow
def test_scratches_and_specks_of_a_large_photo_are_filled_at_full_resolution(shipped):
    """Shrunk to what the network sees at once, the photo would lose the pixels beside them."""
    truth = cv2.resize(luma(data.coffee()), (1200, 800), interpolation=cv2.INTER_CUBIC)
    mask, rng = np.zeros(truth.shape, np.uint8), np.random.default_rng(0)
    for start, end in rng.integers(0, (1200, 800), (12, 2, 2)).tolist():
        cv2.line(mask, start, end, 1, 3)
    for center in rng.integers(0, (1200, 800), (300, 2)).tolist():
        cv2.circle(mask, center, 3, 1, -1)
    hole = mask.view(bool)
    damaged = np.where(hole, 255, truth).astype(np.uint8)
    ours = hole_psnr(truth, np.asarray(shipped.restore(damaged, hole).gray), hole)
    known = cv2.resize(np.float32(~hole), (512, 341), interpolation=cv2.INTER_AREA)
    mean = cv2.resize(np.float32(truth * ~hole), (512, 341), interpolation=cv2.INTER_AREA) / np.maximum(known, 1e-6)
    small = np.asarray(shipped.restore(np.uint8(np.rint(mean)), known < 0.5).gray)
    shrunk = hole_psnr(truth, cv2.resize(small, (1200, 800), interpolation=cv2.INTER_CUBIC), hole)
    telea = hole_psnr(truth, cv2.inpaint(damaged, mask, 3, cv2.INPAINT_TELEA), hole)
    assert ours > telea + 0.3 and ours > shrunk + 1


@pytest.mark.slow
def test_black_and_white_holes_are_found_after_jpeg_and_nothing_where_none_are(restored, shipped):
    def compressed(gray: np.ndarray) -> np.ndarray:
        return cv2.imdecode(cv2.imencode(".jpg", gray, [cv2.IMWRITE_JPEG_QUALITY, 95])[1], cv2.IMREAD_GRAYSCALE)

    for truth, hole, *_ in restored[::3]:
        gray = luma(truth)
        assert not shipped.damage(compressed(gray)).holes.any()
        for level in (0, 255):
            found = shipped.damage(compressed(np.where(hole, np.uint8(level), gray))).mask()
            assert np.count_nonzero(found & hole) > 0.8 * np.count_nonzero(found | hole)


@pytest.mark.slow
def test_colors_are_nearer_to_the_truth_than_gray_is(restored):
    ours = np.mean([ab_mae(truth, np.asarray(result.image)) for truth, _, _, result in restored])
    gray = np.mean([ab_mae(truth, np.stack([luma(truth)] * 3, axis=-1)) for truth, *_ in restored])
    assert ours < 0.95 * gray


@pytest.mark.slow
def test_the_example_prints_and_writes_what_it_says(tmp_path, shipped):
    target = tmp_path / "out.png"
    command = [sys.executable, "examples/restore_photo.py", "examples/coffee.png", target]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120)
    result = shipped.restore(Image.open(ROOT / "examples" / "coffee.png"))
    assert np.array_equal(np.asarray(Image.open(target)), np.asarray(result.image))
    share = np.mean(np.asarray(result.mask) > 0)
    assert f"{share:.1%}" in done.stdout and 0.02 < share < 0.13


def test_every_example_photo_is_credited():
    credits = (ROOT / "examples" / "README.md").read_text()
    photos = {*(ROOT / "examples").glob("*.png"), *(ROOT / "examples" / "prints").iterdir()}
    named = set(re.findall(r"\| `([\w/]+\.(?:png|jpg))` \| ", credits))
    assert {str(file.relative_to(ROOT / "examples")) for file in photos} == named


def test_every_picture_and_file_that_the_readme_links_is_there():
    links = re.findall(r"\]\((?!http)([^)#]+)\)", (ROOT / "README.md").read_text())
    assert links and all((ROOT / link).exists() for link in links)
