"""Scans and old grays without chance: at the ends of their ranges."""

import cv2
import numpy as np
import pytest
from ends import Ends
from scipy.ndimage import gaussian_filter

from restoration.color import luma
from restoration.config import TrainConfig
from restoration.data import color_samples
from restoration.data.color_samples import aged_gray, chroma_levels, color_hints, film_gray
from restoration.synthesis import scanning
from restoration.synthesis.scanning import draw_mount, fade, mounted, simulate_scan

RAMP = np.arange(256, dtype=np.uint8)[None]


def blurred(x: np.ndarray, sigma: float) -> np.ndarray:
    return gaussian_filter(x.astype(float), sigma, mode="mirror")


@pytest.mark.parametrize("place, black, white", [(0, 0, 190), (0.5, 45, 222.5), (1, 90, 255)])
def test_a_faded_print_has_lighter_blacks_and_darker_whites(place, black, white):
    assert np.abs(fade(RAMP, Ends(place)) - (black + RAMP / 255 * (white - black))).max() <= 0.501


@pytest.mark.parametrize("place, sigma, grain", [(0, 0.4, -1), (0.5, 0.95, 0), (1, 1.5, 8)])
def test_one_scan_in_three_is_unsharp_and_one_has_grain(place, sigma, grain):
    photo = np.random.default_rng(0).integers(60, 200, (40, 50), np.uint8)
    for shares, expected in (
        ((0.33, 0.34), blurred(photo, sigma)),
        ((0.34, 0.33), photo + float(grain)),
        ((0.34, 0.34), photo),
        ((0.33, 0.33), blurred(photo, sigma) + grain),
    ):
        assert np.abs(simulate_scan(photo, Ends(place, *shares)) - expected).max() <= 0.55


class Sides(Ends):
    """It answers for the four sides at once, one after the other."""

    def random(self, size=None, dtype=float):
        return super().random() if size is None else np.array([super(Sides, self).random() for _ in range(size)])


def test_a_border_lies_along_one_side_in_three():
    """Up to an eighth of 80 px: left, top, right, bottom; its edge is a little soft."""
    for sides in ((0.34, 0.36, 0.36, 0.36), (0.36, 0.34, 0.36, 0.34), (0.36,) * 4, (0.34, 0.36, 0.34, 0.36)):
        opacity, levels = draw_mount(Sides(1, 0.5, *sides, 0.59, 0.3), (80, 100))
        bare = np.ones((80, 100))
        for number, cut in enumerate((np.s_[:, :9], np.s_[:9], np.s_[:, -9:], np.s_[-9:])):
            if sides[number] < 0.35:
                bare[cut] = 0
        around = np.pad(bare, 9, "edge")
        assert np.abs(opacity - (1 - gaussian_filter(around, 1.0)[9:-9, 9:-9])).max() < 0.02
        assert np.allclose(levels, 255 + 4)


def test_corners_may_be_round():
    """By a seventh of the shorter side at most."""
    opacity, _ = draw_mount(Sides(1, 0.49, *[0.34] * 4, 0.59, 0.3), (84, 100))
    y, x = np.mgrid[:84, :100]
    inner = np.hypot(np.maximum(0, np.abs(x - 49.5) - 29.5), np.maximum(0, np.abs(y - 41.5) - 21.5)) < 11.5
    assert np.mean((opacity < 0.5) != inner) < 0.003 and np.mean(opacity > 0.5) > 0.3
    sharp, _ = draw_mount(Sides(0, 0.49, *[0.34] * 4, 0.59, 0.3), (84, 100))
    assert not sharp.any(), "of no breadth at least"


@pytest.mark.parametrize(
    "kind, place, tone", [(0.59, 0, 205), (0.59, 1, 255), (0.61, 0, 0), (0.79, 1, 30), (0.81, 0, 60), (0.99, 1, 210)]
)
def test_a_mount_is_paper_or_dark_or_gray(kind, place, tone):
    _, levels = draw_mount(Sides(place, 0.5, *[0.5] * 4, kind, 0.3), (20, 30))
    assert np.allclose(levels, tone + (4 if place else 0))


@pytest.mark.parametrize("place, ink", [(0, 20), (1, 235)])
def test_three_mounts_in_ten_have_a_caption(monkeypatch, place, ink):
    text = np.zeros((20, 30), np.uint8)
    text[5:8, 5:20] = 255
    monkeypatch.setattr(scanning, "_caption", lambda rng, shape: text)
    opacity, levels = draw_mount(Sides(place, 0.5, *[0.5] * 4, 0.59, 0.29), (20, 30))
    assert np.array_equal(opacity > 0.5, text > 0) and (levels[text > 0] == ink).all() and levels[0, 0] > 200
    photo = np.full((20, 30), 100, np.uint8)
    assert np.abs(mounted(photo, (opacity * 0.25, levels)) - (100 + 0.25 * opacity * (levels - 100))).max() <= 0.501
    assert mounted(photo, (np.ones((20, 30)), np.full((20, 30), 300.0))).max() == 255


@pytest.mark.parametrize(
    "place, given", [(0, ("0" * 3, (-20, 10), 0, 0.4, 255, 1)), (1, ("z" * 11, (50, 89), 7, 1.1, 255, 2))]
)
def test_captions_are_letters_and_digits_somewhere(monkeypatch, place, given):
    asked = []
    monkeypatch.setattr(scanning.cv2, "putText", lambda canvas, *given: asked.append(given))
    scanning._caption(Ends(place), (80, 100))
    assert asked == [(*given, cv2.LINE_AA)]


# The Colorizer's ------------------------------------------------------------------------------------

COLORS = np.random.default_rng(0).integers(0, 256, (8, 9, 3), np.uint8)


@pytest.mark.parametrize(
    "place, kind, weights",
    [
        (0, 0.39, (0, 0.5, 0.5)),  # orthochromatic
        (1, 0.39, (1 / 13, 6 / 13, 6 / 13)),
        (0.25, 0.39, (0.025 / 0.775, 0.375 / 0.775, 0.375 / 0.775)),
        (0, 0.41, (0.3, 0.4, 0.3)),
        (0, 0.59, (0.3, 0.4, 0.3)),
        (0, 0.61, (0.299, 0.587, 0.114)),
    ],
)
def test_films_see_colors_as_gray(place, kind, weights):
    assert np.abs(film_gray(COLORS, Ends(place, kind, 0.3)) - COLORS @ np.array(weights)).max() <= 0.51


@pytest.mark.parametrize("place, power", [(0, np.exp(-0.5)), (0.5, 1), (1, np.exp(0.5))])
def test_three_films_in_ten_are_lighter_or_darker_between_black_and_white(place, power):
    gray = np.repeat(RAMP[..., None], 3, axis=-1)
    assert np.abs(film_gray(gray, Ends(place, 0.7, 0.29)) - 255 * (RAMP / 255) ** power).max() <= 0.501


@pytest.fixture
def plain(monkeypatch):
    """No film and no scanner beside what is looked at."""
    monkeypatch.setattr(color_samples, "film_gray", lambda rgb, rng: luma(rgb))
    monkeypatch.setattr(color_samples, "simulate_scan", lambda gray, rng: gray)
    monkeypatch.setattr(color_samples, "jpeg", lambda gray, quality: np.full_like(gray, quality))


@pytest.mark.parametrize(
    "place, tones, expected",
    [
        (0, 0.34, lambda g: g * 190 / 255),  # faded
        (0, 0.36, lambda g: 127 + 1.1 * (g - 127) - 40),
        (1, 0.64, lambda g: 127 + 1.9 * (g - 127) + 30),
        (1, 0.66, lambda g: g),
    ],
)
def test_old_prints_are_faded_or_hard_or_neither(plain, place, tones, expected):
    gray = luma(COLORS).astype(float)
    found = aged_gray(COLORS, Ends(place, tones, 0.15, 0.3))
    assert np.abs(found - expected(gray).clip(0, 255)).max() <= 0.501


@pytest.mark.parametrize("place, light, quality", [(0, -25, 40), (0.335, -8.25, 58), (1, 25, 94)])
def test_old_prints_are_unevenly_lit_and_compressed(plain, place, light, quality):
    gray = luma(COLORS).astype(float)
    assert np.abs(aged_gray(COLORS, Ends(place, 0.7, 0.14, 0.3)) - (gray + light).clip(0, 255)).max() <= 0.501
    assert (aged_gray(COLORS, Ends(place, 0.7, 0.16, 0.29)) == quality).all()


def test_chroma_as_bytes():
    colors = np.float32([[[0, 0.1], [-0.6, 0.6], [125.3 / 255, -10.6 / 255]]])
    assert chroma_levels(colors).tolist() == [[[128, 0, 253]], [[154, 255, 117]]]


@pytest.mark.parametrize("place, area", [(0, 0.02), (1, 0.4)])
def test_one_sample_in_four_knows_all_but_a_hole(monkeypatch, place, area):
    asked, hole = [], np.eye(5, dtype=bool)
    monkeypatch.setattr(color_samples, "draw_hole", lambda rng, *given: asked.append(given) or hole)
    colors = np.zeros((5, 5, 2), np.float32)
    given, hinted = color_hints(colors, Ends(place, 0.24))
    assert given is colors and np.array_equal(hinted, ~hole) and asked == [(5, 5, pytest.approx(area))]


@pytest.mark.parametrize("kind, share, count", [(0.26, 0, 1), (0.34, 0.5, 14), (0.34, 0.9999, 199)])
def test_one_sample_in_ten_knows_single_pixels(kind, share, count):
    """One to 200 of them."""
    noted = []

    class Noted(Ends):
        def integers(self, low, high=None, size=None):
            noted.append(size)
            return super().integers(low, high, size)

    colors = np.zeros((20, 30, 2), np.float32)
    given, hinted = color_hints(colors, Noted(1, kind, share))
    assert given is colors and noted == [count, count] and np.argwhere(hinted).tolist() == [[19, 29]]


@pytest.mark.parametrize("few, share, place, count", [
    (0.84, 0, 0, 1), (0.84, 0.9999, 0, 12), (0.86, 0, 0, 10), (0.86, 0, 1, 50),
])  # fmt: skip
def test_all_others_know_a_few_dabs_or_many(monkeypatch, few, share, place, count):
    asked, colors = [], np.zeros((5, 5, 2), np.float32)
    monkeypatch.setattr(color_samples, "_dabs", lambda colors, rng, count: asked.append(count))
    color_hints(colors, Ends(place, 0.36, few, share))
    assert asked == [count]


@pytest.mark.parametrize("place, radius", [(0, 1), (0.5, 2), (1, 3)])
def test_a_dab_is_round_and_of_one_color_or_the_photos_own(place, radius):
    """Six in ten have one: of their middle, or their mean."""
    colors = np.random.default_rng(0).uniform(0.1, 0.3, (21, 25, 2)).astype(np.float32)
    for share in (0.59, 0.61):
        given, hinted = color_samples._dabs(colors, Ends(place, share), 1)
        y, x = 20 * place, 24 * place
        true = cv2.circle(np.zeros((21, 25), np.uint8), (round(x), round(y)), radius, 1, cv2.FILLED).view(bool)
        assert np.array_equal(hinted, true) and np.array_equal(given[~true], colors[~true])
        mean = colors[true].mean(axis=0)
        one = mean if place == 1 else colors[round(y), round(x)]
        assert np.allclose(given[true], one if share < 0.6 else colors[true], atol=1e-6)


@pytest.mark.parametrize("place, among", [(0, "neutral"), (0.5, "vivid"), (1, "any")])
def test_dabs_lie_where_there_is_no_color_or_much_or_anywhere(place, among):
    """Less than 5 of 255, more than 25, all; in 15, 35 and 50 of a hundred."""
    seen, colors = [], np.zeros((1, 4, 2), np.float32)
    colors[0, :, 0] = np.array([4.99, 5.01, 24.95, 25.01]) / 255

    class Noted(Ends):
        def choice(self, values, p=None):
            assert p is None or p == (0.15, 0.35, 0.5)
            return super().choice(values)

        def integers(self, low, high=None, size=None):
            seen.append(low)
            return 0

    color_samples._dabs(colors, Noted(place, 0.9), 1)
    assert seen == [{"neutral": 1, "vivid": 1, "any": 4}[among]]
    assert color_samples._dabs(np.full((3, 3, 2), 0.03, np.float32), Noted(place, 0.9), 1)[1].any(), "if there are none"
    assert not color_samples._dabs(colors, Noted(place), 0)[1].any()


def test_a_colorizers_sample_ages_borders_and_holes_as_often_as_it_is_told(monkeypatch):
    rgb, hole = np.full((4, 6, 3), (200, 90, 30), np.uint8), np.eye(4, 6, dtype=bool)
    mount = np.zeros((4, 6), np.float32), np.full((4, 6), 240, np.float32)
    mount[0][:, :2] = 0.5, 0.49
    asked = []
    monkeypatch.setattr(color_samples, "aged_gray", lambda rgb, rng: np.full((4, 6), 50, np.uint8))
    monkeypatch.setattr(color_samples, "draw_mount", lambda rng, shape: mount)
    monkeypatch.setattr(color_samples, "draw_hole", lambda rng, *given: asked.append(given) or hole)
    monkeypatch.setattr(color_samples, "color_hints", lambda colors, rng: (colors, ~hole))
    config = TrainConfig(old_gray=0.5, filled_share=0.3, color_hints=0.4, max_area=0.2)
    plain = color_samples.color_sample(rgb, Ends(1, 0.5, 0.3, 0.4), config)
    assert (plain["luma"] == luma(rgb)).all() and not plain["marks"].any() and plain["luma"].shape == (1, 4, 6)
    assert asked == [(4, 6, pytest.approx(0.2))]
    aged = color_samples.color_sample(rgb, Ends(0, 0.49, 0.25, 0.29, 0.39), config)
    assert (aged["luma"] == 50).all() and np.array_equal(aged["marks"][0], hole + 2 * ~hole)
    assert np.array_equal(aged["chroma"], plain["chroma"]) and asked[1] == (4, 6, pytest.approx(0.01))
    bordered = color_samples.color_sample(rgb, Ends(0, 0.49, 0.24, 0.3, 0.4), config)
    assert bordered["luma"][0, 0].tolist() == [145, 143, 50, 50, 50, 50]
    assert (bordered["chroma"][:, :, 0] == 128).all()
    assert np.array_equal(bordered["chroma"][:, :, 1:], plain["chroma"][:, :, 1:])
