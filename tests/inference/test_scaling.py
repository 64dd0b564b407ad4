"""Shrinking against block means, enlarging against OpenCV and against what must hold at any size."""

import cv2
import numpy as np
import pytest
from conftest import gray_photo, photo
from PIL import Image
from scipy.ndimage import uniform_filter

from restoration.color import chroma, luma
from restoration.inference.scaling import Guided, Rows, _linear, bands, shrink, smoothstep


@pytest.fixture(params=[7, 64, 1 << 16])
def narrow_bands(request, monkeypatch):
    """Results must not depend on how many rows are made at a time."""
    monkeypatch.setattr("restoration.inference.scaling.BAND", request.param * 90)


@pytest.mark.parametrize("height, width", [(1, 1), (1, 70_000), (300, 7), (513, 400)])
def test_bands_are_all_rows_in_order(height, width):
    rows = [row for band in bands(height, width) for row in range(height)[band]]
    assert rows == list(range(height))


def test_shrinking_is_the_mean_over_areas(narrow_bands):
    image = np.random.default_rng(0).random((60, 90, 2), np.float32)
    blocks = image.reshape(20, 3, 15, 6, 2).mean(axis=(1, 3))
    assert np.allclose(shrink((60, 90), (20, 15), lambda rows: image[rows]), blocks, atol=1e-6)
    uneven = shrink((60, 90), (13, 31), lambda rows: image[rows])
    assert np.allclose(uneven, cv2.resize(image, (31, 13), interpolation=cv2.INTER_AREA), atol=1e-5)


def test_over_a_flat_photo_enlarging_is_linear(narrow_bands):
    field = np.random.default_rng(0).random((9, 14, 2), np.float32)
    large = Guided(field, np.full((60, 90), 100, np.uint8))
    whole = np.concatenate([large[rows] for rows in bands(60, 90)])
    assert np.allclose(whole, cv2.resize(field, (90, 60), interpolation=cv2.INTER_LINEAR), atol=1e-4)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (16, 16)])
def test_a_field_of_the_photos_size_comes_back_as_it_is(shape):
    field = np.random.default_rng(0).random((*shape, 2), np.float32)
    assert np.array_equal(Guided(field, np.zeros(shape, np.uint8))[:], field)


def test_a_constant_stays_constant(narrow_bands):
    large = Guided(np.full((10, 15, 2), 0.2, np.float32), gray_photo("coffee", 90, 60))
    assert np.allclose(large[0:60], 0.2, atol=1e-5)


def test_color_edges_follow_the_lumas():
    """Against enlarging without the photo: nearer to the truth, most of all at edges, and no overshoot of its range."""
    truth = photo("coffee", 600, 400)
    gray, true = luma(truth), chroma(truth)
    small = cv2.resize(true, (150, 100), interpolation=cv2.INTER_AREA)
    plain = cv2.resize(small, (600, 400), interpolation=cv2.INTER_LINEAR)
    guided = Guided(small, gray)[0:400]
    edges = cv2.Laplacian(cv2.GaussianBlur(gray, (0, 0), 2), cv2.CV_32F)
    near = np.abs(edges) > np.quantile(np.abs(edges), 0.9)
    error = lambda field, where=slice(None): np.abs(field - true)[where].mean()  # noqa: E731
    assert error(guided) < 0.97 * error(plain) and error(guided, near) < 0.9 * error(plain, near)
    assert np.abs(guided - plain).max() < np.ptp(true)


def test_a_field_is_a_linear_function_of_luma_around_each_pixel():
    """Least squares over 3 x 3 pixels by SciPy's means, with a ridge of (8 levels) squared; slopes are averaged."""
    rng = np.random.default_rng(0)
    field, light = rng.random((6, 8, 2), np.float32), rng.random((6, 8), np.float32) / 8
    mean = lambda x: uniform_filter(x.astype(float), 3, mode="reflect")  # noqa: E731
    slope, offset = _linear(field, light)
    for c in range(2):
        covariance = mean(light * field[..., c]) - mean(light) * mean(field[..., c])
        expected = mean(covariance / (mean(light * light) - mean(light) ** 2 + 0.001))
        assert np.allclose(slope[..., c], expected, atol=2e-3 * np.abs(expected).max())
    assert np.allclose(slope * light[..., None] + offset, field, atol=1e-6), "exact at its own pixels"


def test_a_band_has_65536_pixels_or_is_one_row():
    for height, width, rows in ((1000, 1 << 10, 64), (50, 100_000, 1), (300, 1000, 65), (3, 4, 3)):
        assert {band.stop - band.start for band in list(bands(height, width))[:-1] or bands(height, width)} == {rows}


def test_a_smooth_step_leaves_0_and_reaches_1_without_a_corner():
    step = smoothstep(np.linspace(0, 1, 1001))
    assert step[0] == 0 and np.allclose(step + step[::-1], 1) and (np.diff(step) > 0).all()
    assert max(step[1], 1 - step[-2]) < 1e-5, "flat at both ends"


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_rows_of_an_image_are_its_rows(mode):
    image = Image.fromarray(photo("coffee", 60, 40)).convert(mode)
    assert np.array_equal(Rows(image)[7:19], np.asarray(image)[7:19])
