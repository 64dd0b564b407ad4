"""Faded tones, by hand: a line between a print's ends, no more, and paper as the prints on average."""

import numpy as np
import pytest
from conftest import gray_photo
from PIL import Image

from restoration.inference.prints import Print
from restoration.inference.tones import freshened, is_tinted, stretch_if_faded, tone_curve


def tones(low: int, high: int, size: int = 40) -> np.ndarray:
    """A print whose darkest and lightest tenths are flat."""
    levels = np.full((size, size), (low + high) // 2, np.uint8)
    levels[: size // 10], levels[-size // 10 :] = low, high
    return levels


def test_a_curve_is_the_line_between_the_ends_rounded_and_clipped():
    curve = tone_curve(tones(60, 160))
    assert [curve[level] for level in (60, 62, 100, 160)] == [5, 10, 103, 250]  # 245 / 100 = 2.45 levels for each
    assert curve[0] == 0 and curve[255] == 255


@pytest.mark.parametrize("low, high", [(5, 250), (0, 255), (100, 140)])
def test_what_is_not_faded_or_has_no_light_and_dark_stays(low, high):
    assert np.array_equal(tone_curve(tones(low, high)), np.arange(256))


def test_a_network_sees_only_faded_prints_stretched():
    faded, whole = tones(30, 229), tones(30, 230)
    assert np.ptp(stretch_if_faded(faded)) == 245 and stretch_if_faded(whole) is whole


def test_each_print_has_its_own_curve_and_paper_the_mean():
    scan = np.full((40, 100), 103, np.uint8)
    scan[:, :40], scan[:, 60:] = tones(60, 160), tones(80, 180)
    result = freshened(scan, [Print(20, 20, 40, 40), Print(80, 20, 40, 40)])
    assert (result[:, 40:60] == 86).all()  # 110 and 61, by the two curves
    assert np.array_equal(result[:, :40], tone_curve(scan[:, :40])[scan[:, :40]])
    assert np.array_equal(result[:, 60:], tone_curve(scan[:, 60:])[scan[:, 60:]])


def test_a_two_hundredth_of_the_pixels_at_either_end_does_not_count():
    levels = np.full(10_000, 110, np.uint8)
    levels[:2000], levels[-2000:] = 70, 150  # the ends: 245 / 80 levels for each
    for low, high in ((levels[:49], levels[-49:]), (levels[:51], levels[-51:])):
        low[:], high[:] = 0, 200
        curve = tone_curve(levels)
        ends = (70, 150) if len(low) == 49 else (0, 200)
        assert [curve[end] for end in ends] == [5, 250]


@pytest.mark.parametrize("gain, changes", [(5.97, True), (6.2, False)])
def test_no_level_becomes_more_than_six(gain, changes):
    assert (tone_curve(tones(100, 100 + int(245 / gain)))[100] == 5) == changes


@pytest.mark.parametrize("chroma, tinted", [((0, 0), True), ((2.2, 2.2), True), ((3.4, 3.4), False), ((0, 5), False)])
def test_a_photo_whose_chroma_follows_its_luma_is_tinted_paper(chroma, tinted):
    """Chroma that rises and falls with luma is a tint; on top of it some of its own, of a standard deviation."""
    luma = gray_photo("coffee", 96, 96).astype(float)
    own = np.where(np.indices(luma.shape).sum(axis=0) % 2, 1, -1)
    planes = [
        luma,
        *(
            128 + sign * (luma / 255 - (luma / 255) ** 2) * 60 + c * own
            for sign, c in zip((-1, 1), chroma, strict=True)
        ),
    ]
    photo = Image.fromarray(np.rint(np.stack(planes, axis=-1)).astype(np.uint8), "YCbCr").convert("RGB")
    assert is_tinted(photo) == tinted


def test_a_tint_bends_with_luma_only_once():
    x = np.linspace(-1, 1, 96)
    planes = [np.broadcast_to(plane, (96, 96)) for plane in (127 + 100 * x, 128 + 12 * (4 * x**3 - 3 * x), 128 + 0 * x)]
    assert not is_tinted(Image.fromarray(np.rint(np.dstack(planes)).astype(np.uint8), "YCbCr").convert("RGB"))


@pytest.mark.parametrize("axis", [0, 1])
def test_color_noise_that_the_mean_of_three_pixels_takes_away_is_no_color(axis):
    """Of 288 px: it is looked at with 96."""
    planes = np.full((288, 288, 3), 128, np.uint8)
    planes[..., 1] += np.uint8(10) * (np.indices((288, 288))[axis] % 3).astype(np.uint8)
    planes[..., 0] += np.indices((288, 288)).sum(axis=0).astype(np.uint8) // 8
    assert is_tinted(Image.fromarray(planes, "YCbCr").convert("RGB"))


def test_a_gray_photo_is_not_tinted_and_one_plain_color_is():
    assert not is_tinted(Image.new("L", (50, 50), 90))
    assert is_tinted(Image.new("RGB", (50, 50), (120, 100, 70)))


def test_a_print_is_freshened_where_most_of_a_pixel_is_of_it():
    scan = np.full((80, 80), 103, np.uint8)
    scan[20:60, 20:60] = tones(60, 160)
    found = Print(40, 40, 40, 40, 10.0)
    changed = freshened(scan, [found, Print(5, 5, 6, 6)])
    inside = found.coverage(np.s_[0:80], np.s_[0:80]) > 0.5
    curve = tone_curve(found.cut(scan))
    assert np.array_equal(changed[inside], curve[scan][inside]) and 1500 < inside.sum() < 1700
