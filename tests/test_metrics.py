"""Every metric against an oracle written from its definition, against its properties, and at its edges."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage import data
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from restoration import metrics
from restoration.color import luma
from restoration.evaluation import evaluate_pair


def ssim(truth: np.ndarray, prediction: np.ndarray) -> float:
    return metrics.interior_mean(metrics.ssim_map(truth, prediction))


def masked_ssim(truth: np.ndarray, prediction: np.ndarray, mask: np.ndarray) -> float:
    return metrics.hole_mean(metrics.ssim_map(truth, prediction), mask)


def contest_score(truth: np.ndarray, prediction: np.ndarray, mask: np.ndarray) -> float:
    m = metrics.contest_m(truth, prediction, mask)
    return metrics.contest_score(metrics.contest_s(truth, prediction), m, metrics.contest_c(truth, prediction))


PAIR_METRICS = (ssim, metrics.hsv_similarity, metrics.contest_s, metrics.contest_c, metrics.ab_mae)
SYMMETRIC = (ssim, metrics.hsv_similarity, metrics.contest_c, metrics.ab_mae)
SYMMETRIC_IN_HOLE = (masked_ssim, metrics.hole_psnr, metrics.hole_ssim)
PHOTOS = {"astronaut": data.astronaut, "coffee": data.coffee, "chelsea": data.chelsea, "rocket": data.rocket}

images = arrays(np.uint8, (9, 11, 3))
masks = arrays(bool, (9, 11)).filter(lambda mask: mask.sum() >= 7)
few = settings(max_examples=20, deadline=None)


@pytest.fixture(params=PHOTOS)
def photo(request) -> np.ndarray:
    return cv2.resize(PHOTOS[request.param](), (72, 60), interpolation=cv2.INTER_AREA)


@pytest.fixture
def prediction(photo) -> np.ndarray:
    """The photo, blurred, noisier, bluer and with less contrast, so that its data range is not 255."""
    noise = np.random.default_rng(0).normal(0, 6, photo.shape)
    changed = 40 + 0.6 * cv2.GaussianBlur(photo, (0, 0), 1.5) + noise + np.array([0, 5, 15])
    return np.clip(changed, 0, 255).astype(np.uint8)


@pytest.fixture
def mask() -> np.ndarray:
    drawn = np.zeros((60, 72), np.uint8)
    return cv2.fillPoly(drawn, [np.array([[0, 4], [30, 20], [50, 2], [45, 40]], np.int32)], 1).view(bool)


def windows_ssim(x: np.ndarray, y: np.ndarray, data_range: float) -> np.ndarray:
    """The SSIM of every whole 7^n window of two (n)-dimensional arrays, by its textbook formula."""
    side = (7,) * x.ndim
    x, y = (np.lib.stride_tricks.sliding_window_view(a.astype(float), side) for a in (x, y))
    x, y = (a.reshape(*a.shape[: -len(side)], -1) for a in (x, y))
    mean_x, mean_y, var_x, var_y = x.mean(-1), y.mean(-1), x.var(-1, ddof=1), y.var(-1, ddof=1)
    covariance = ((x - mean_x[..., None]) * (y - mean_y[..., None])).sum(-1) / (x.shape[-1] - 1)
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    same_light = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    return same_light * (2 * covariance + c2) / (var_x + var_y + c2)


def histogram_correlation(truth: np.ndarray, prediction: np.ndarray, bins: tuple[int, ...]) -> float:
    """Pearson's r of two histograms over hue, or hue and saturation, counted by NumPy."""
    ranges = [(0, 180), (0, 256)][: len(bins)]
    planes = (cv2.cvtColor(a, cv2.COLOR_RGB2HSV).reshape(-1, 3)[:, : len(bins)] for a in (truth, prediction))
    counts = [np.histogramdd(plane.astype(float), bins, ranges)[0].ravel() for plane in planes]
    return np.corrcoef(*counts)[0, 1]


# Oracles ---------------------------------------------------------------------------------------


def test_ssim_is_scikit_images_and_the_textbooks(photo, prediction):
    oracle = structural_similarity(photo, prediction, channel_axis=-1, data_range=255)
    textbook = np.mean([windows_ssim(photo[..., i], prediction[..., i], 255).mean() for i in range(3)])
    assert ssim(photo, prediction) == pytest.approx(oracle, abs=1e-6)
    assert ssim(photo, prediction) == pytest.approx(textbook, abs=1e-6)


def test_masked_ssim_is_the_mean_of_scikit_images_map(photo, prediction, mask):
    _, full = structural_similarity(photo, prediction, channel_axis=-1, data_range=255, full=True)
    assert masked_ssim(photo, prediction, mask) == pytest.approx(full.mean(axis=2)[mask].mean(), abs=1e-6)


def test_hole_ssim_is_the_mean_of_the_luma_map(photo, prediction, mask):
    inner = np.zeros_like(mask)
    inner[3:-3, 3:-3] = mask[3:-3, 3:-3]
    _, full = structural_similarity(luma(photo), luma(prediction), data_range=255, full=True)
    textbook = windows_ssim(luma(photo), luma(prediction), 255)[inner[3:-3, 3:-3]].mean()
    assert metrics.hole_ssim(photo, prediction, mask) == pytest.approx(full[mask].mean(), abs=1e-6)
    assert metrics.hole_ssim(photo, prediction, inner) == pytest.approx(textbook, abs=1e-6)


def test_hole_psnr_is_scikit_images_on_the_holes_luma(photo, prediction, mask):
    oracle = peak_signal_noise_ratio(luma(photo)[mask], luma(prediction)[mask], data_range=255)
    assert metrics.hole_psnr(photo, prediction, mask) == pytest.approx(oracle, abs=1e-6)


def test_histogram_metrics_are_pearsons(photo, prediction):
    for metric, bins in ((metrics.contest_c, (180,)), (metrics.hsv_similarity, (30, 32))):
        oracle = histogram_correlation(photo, prediction, bins)
        assert metric(photo, prediction) == pytest.approx(oracle, abs=1e-6)


def test_ab_mae_is_the_mean_over_both_channels(photo, prediction):
    a, b = (cv2.cvtColor(image, cv2.COLOR_RGB2LAB).astype(int) for image in (photo, prediction))
    expected = (abs(a[..., 1] - b[..., 1]).mean() + abs(a[..., 2] - b[..., 2]).mean()) / 2
    assert metrics.ab_mae(photo, prediction) == pytest.approx(expected, abs=1e-6)


def test_colorfulness_is_hasler_and_suesstrunks(photo):
    r, g, b = np.moveaxis(photo.astype(float), 2, 0)
    rg, yb = r - g, 0.5 * (r + g) - b
    expected = np.sqrt(rg.var() + yb.var()) + 0.3 * np.sqrt(rg.mean() ** 2 + yb.mean() ** 2)
    assert metrics.colorfulness(photo) == pytest.approx(expected, abs=1e-6)
    assert metrics.colorfulness(np.stack([luma(photo)] * 3, axis=-1)) == 0


def test_contest_score_is_the_contests_own_code(photo, prediction, mask):
    data_range = prediction.max() - prediction.min()
    assert data_range < 250
    s = structural_similarity(photo, prediction, channel_axis=-1, data_range=data_range)
    m = structural_similarity(photo[mask], prediction[mask], channel_axis=-1, data_range=data_range)
    hsv = [cv2.cvtColor(image, cv2.COLOR_RGB2HSV) for image in (photo, prediction)]
    hues = [cv2.calcHist([image], [0], None, [180], [0, 180]) for image in hsv]
    c = cv2.compareHist(*hues, cv2.HISTCMP_CORREL)
    assert metrics.contest_s(photo, prediction) == pytest.approx(s, abs=1e-6)
    assert metrics.contest_m(photo, prediction, mask) == pytest.approx(m, abs=1e-6)
    assert metrics.contest_c(photo, prediction) == pytest.approx(c, abs=1e-6)
    assert contest_score(photo, prediction, mask) == pytest.approx(0.2 * s + 0.4 * m + 0.4 * c, abs=1e-6)


def test_contest_m_reads_the_hole_as_a_list(photo, prediction, mask):
    """By the textbook, over windows of seven pixels that are neighbors in row-major order only."""
    data_range = int(prediction.max()) - int(prediction.min())
    textbook = np.mean([windows_ssim(photo[mask][:, i], prediction[mask][:, i], data_range).mean() for i in range(3)])
    assert metrics.contest_m(photo, prediction, mask) == pytest.approx(textbook, abs=1e-6)


# Properties ------------------------------------------------------------------------------------


def test_a_photo_equals_itself(photo, mask):
    for metric in (ssim, metrics.hsv_similarity, metrics.contest_s, metrics.contest_c):
        assert metric(photo, photo) == pytest.approx(1, abs=1e-9)
    for metric in (masked_ssim, metrics.contest_m, contest_score, metrics.hole_ssim):
        assert metric(photo, photo, mask) == pytest.approx(1, abs=1e-9)
    assert metrics.ab_mae(photo, photo) == 0
    assert metrics.hole_psnr(photo, photo, mask) == np.inf


@few
@given(images, images, masks)
def test_symmetry(a, b, mask):
    for metric in SYMMETRIC:
        assert metric(a, b) == pytest.approx(metric(b, a), abs=1e-9)
    for metric in SYMMETRIC_IN_HOLE:
        assert metric(a, b, mask) == pytest.approx(metric(b, a, mask), abs=1e-9)


@few
@given(images, images, masks)
def test_bounds(truth, prediction, mask):
    for metric in PAIR_METRICS[:-1]:
        assert -1 - 1e-9 <= metric(truth, prediction) <= 1 + 1e-9
    for metric in (masked_ssim, metrics.contest_m, contest_score, metrics.hole_ssim):
        assert -1 - 1e-9 <= metric(truth, prediction, mask) <= 1 + 1e-9
    assert metrics.ab_mae(truth, prediction) >= 0
    assert metrics.hole_psnr(truth, prediction, mask) >= 0
    assert metrics.colorfulness(prediction) >= 0


@few
@given(images, images, masks, st.integers(0, 254))
def test_hole_psnr_and_contest_m_read_nothing_outside_the_hole(truth, prediction, mask, level):
    elsewhere = prediction.copy()
    elsewhere[~mask] = level
    elsewhere[0, 0], prediction[0, 0], mask[0, 0] = (0, 128, 255), (0, 128, 255), False  # one data range for M
    if mask.sum() < 7:
        return
    for metric in (metrics.hole_psnr, metrics.contest_m):
        assert metric(truth, prediction, mask) == pytest.approx(metric(truth, elsewhere, mask), abs=1e-9)


# Edges -----------------------------------------------------------------------------------------


def test_ssim_and_the_luma_metrics_take_gray_photos(photo, prediction, mask):
    gray, other = luma(photo), luma(prediction)
    assert ssim(gray, other) == pytest.approx(structural_similarity(gray, other, data_range=255), abs=1e-6)
    for metric in (metrics.hole_psnr, metrics.hole_ssim):
        assert metric(gray, other, mask) == metric(photo, prediction, mask)


def test_a_flat_prediction_gets_a_finite_score(photo, mask):
    """scikit-image divides by the data range, which is 0 here; the smallest range of 8 bits is taken."""
    flat = np.full_like(photo, 77)
    with np.errstate(all="raise"):
        assert 0 <= metrics.contest_s(photo, flat) < 0.01
        assert 0 <= metrics.contest_m(photo, flat, mask) < 0.01
        assert contest_score(flat, flat, mask) == pytest.approx(1)


def test_a_constant_histogram_correlates_as_opencv_says():
    every_hue = np.zeros((9, 180, 3), np.uint8)
    every_hue[...] = np.stack([np.arange(180), np.full(180, 255), np.full(180, 255)], axis=-1)
    every_hue = cv2.cvtColor(every_hue, cv2.COLOR_HSV2RGB)
    counts = np.bincount(cv2.cvtColor(every_hue, cv2.COLOR_RGB2HSV)[..., 0].ravel(), minlength=180)
    assert (counts == 9).all()
    assert metrics.contest_c(every_hue, np.zeros_like(every_hue)) == 1


def test_a_hole_of_seven_pixels_is_enough_for_contest_m(photo, prediction, mask):
    mask[:], mask[10, 10:17] = False, True
    assert -1 <= metrics.contest_m(photo, prediction, mask) <= 1


def test_a_wrong_mask_is_refused(photo, prediction, mask):
    for wrong, said in ((mask.astype(np.uint8), "as bool"), (mask[:-1], "in the photo's")):
        with pytest.raises(ValueError, match=said):
            evaluate_pair(photo, prediction, wrong)


def test_unlike_photos_are_refused(photo):
    for truth, other, said in (
        (photo, photo[:, :-1], "must match"), (photo / 255, photo / 255, "uint8"),
        (photo[..., :2], photo[..., :2], "has shape"), (photo[:0], photo[:0], "has shape"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=said):
            evaluate_pair(truth, other)


@pytest.mark.parametrize("metric", [ssim, metrics.contest_s])
def test_a_photo_below_the_window_is_refused(metric, photo):
    with pytest.raises(ValueError, match="7 x 7 or more"):
        metric(photo[:6, :9], photo[:6, :9])
