"""Faded tones, by hand: a line between a print's ends, no more, and paper as the prints on average."""

import numpy as np
import pytest

from restoration.inference.prints import Print
from restoration.inference.tones import for_eyes, freshened, tone_curve


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
    assert np.ptp(for_eyes(faded)) == 245 and for_eyes(whole) is whole


def test_each_print_has_its_own_curve_and_paper_the_mean():
    scan = np.full((40, 100), 103, np.uint8)
    scan[:, :40], scan[:, 60:] = tones(60, 160), tones(80, 180)
    result = freshened(scan, [Print(20, 20, 40, 40), Print(80, 20, 40, 40)])
    assert (result[:, 40:60] == 86).all()  # 110 and 61, by the two curves
    assert np.array_equal(result[:, :40], tone_curve(scan[:, :40])[scan[:, :40]])
    assert np.array_equal(result[:, 60:], tone_curve(scan[:, 60:])[scan[:, 60:]])
