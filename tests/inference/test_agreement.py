"""Beliefs averaged along even luma, against the formula of the paper, one pixel after the other."""

from itertools import pairwise

import numpy as np
import pytest

from restoration.inference.agreement import agreed, without_spots


def filtered(values: np.ndarray, light: np.ndarray) -> np.ndarray:
    """Gastal and Oliveira (2011), equations 11, 14 and 21: sigma_s = 12 px, sigma_r = 0.15, three passes; (h, w)."""
    values = values.astype(float)
    for number in (1, 2, 3):
        sigma = 12 * np.sqrt(3) * 2 ** (3 - number) / np.sqrt(4**3 - 1)
        feedback = np.exp(-np.sqrt(2) / sigma)
        for plane, tones in ((values, light), (values.T, light.T)):
            for line, tone in zip(plane, tones, strict=True):
                weight = [feedback ** (1 + 12 / 0.15 * abs(b - a)) for a, b in pairwise(tone)]
                for i in range(1, len(line)):
                    line[i] = (1 - weight[i - 1]) * line[i] + weight[i - 1] * line[i - 1]
                for i in reversed(range(len(line) - 1)):
                    line[i] = (1 - weight[i]) * line[i] + weight[i] * line[i + 1]
    return values


def test_the_filter_is_that_of_the_paper_and_the_surer_count_more():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(2, 5, 7)).astype(np.float32)
    light = rng.uniform(0.4, 0.5, (5, 7)).astype(np.float32)
    variance = rng.uniform(0.001, 0.01, (5, 7))
    trust = 1 / (variance / np.median(variance) + 0.3)
    expected = [filtered(plane * trust, light) / filtered(trust, light) for plane in logits]
    assert np.allclose(agreed(logits, light, variance), expected, atol=1e-5)


def test_where_all_are_sure_all_count_alike():
    light = np.full((4, 6), 0.5, np.float32)
    logits = np.random.default_rng(0).normal(size=(1, 4, 6)).astype(np.float32)
    assert np.allclose(agreed(logits, light, np.zeros((4, 6))), filtered(logits[0], light), atol=1e-5)


def test_one_line_is_no_worse_than_many():
    logits = np.random.default_rng(0).normal(size=(1, 1, 6)).astype(np.float32)
    found = agreed(logits, np.full((1, 6), 0.5, np.float32), np.ones((1, 6)))
    assert np.allclose(found[0], filtered(logits[0], np.full((1, 6), 0.5)), atol=1e-5)


@pytest.mark.parametrize(
    "own, share",
    [(0.12, 0), (0.13, 0), (0.1425, 5 / 32), (0.155, 0.5), (0.18, 1), (0.4, 1), (0.05, 0), (-0.05, 0), (-0.1, 0)],
)
def test_only_what_is_more_vivid_gives_in_from_a_difference_of_003_on_and_wholly_from_008(own, share):
    """Of a common chroma of 0.1: a difference of 0.0425 lies a quarter of the way, 0.055 in the middle."""
    one, common = (np.broadcast_to(np.float32([value, 0]), (9, 9, 2)) for value in (own, 0.1))
    assert without_spots(one, common)[4, 4] == pytest.approx([own + share * (0.1 - own), 0], abs=1e-4)


def test_a_spot_gives_in_softly():
    own = np.zeros((15, 15, 2), np.float32)
    own[7, 7, 1] = 0.3
    found = without_spots(own, np.zeros_like(own))
    assert 0.2 < found[7, 7, 1] < 0.27, "the share is blurred, by a pixel: its middle has a sixth"
    own[5:10, 5:10, 1] = 0.3
    found = without_spots(own, np.zeros_like(own))[..., 1]
    assert found[7, 7] < 0.01 and found[5, 5] == found[9, 9] == found[5, 9] > 0.1
