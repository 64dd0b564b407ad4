"""What a distribution over chroma is decoded to, on distributions that are known."""

import numpy as np
import pytest

from restoration.chroma_bins import BINS
from restoration.inference.distribution import ChromaDistribution

PRIOR = np.exp(-20 * np.linalg.norm(BINS, axis=1)).astype(np.float32)
BLUE, ORANGE, GREEN, GRAY = ([0.2, -0.05], [-0.15, 0.12], [-0.15, -0.15], [0, 0])


def belief(*parts: dict, height: int = 40, width: int = 40) -> ChromaDistribution:
    """Side by side, parts that differ in luma and hold each color with a probability: [(color, probability), ...]."""
    probability = np.full((len(BINS), height, width * len(parts)), 1e-7, np.float32)
    light = np.repeat(np.linspace(0.2, 0.8, len(parts), dtype=np.float32), 4 * width)[None].repeat(4 * height, axis=0)
    for number, part in enumerate(parts):
        for color, share in part:
            nearest = np.square(BINS - color).sum(axis=1).argmin()
            probability[nearest, :, number * width : (number + 1) * width] = share
    return ChromaDistribution(np.log(probability), light, PRIOR / PRIOR.sum())


def middle(chroma: np.ndarray, part: int, parts: int) -> np.ndarray:
    width = chroma.shape[1] // parts
    return chroma[40:-40, part * width + width // 4 : (part + 1) * width - width // 4].mean(axis=(0, 1))


def test_what_is_certain_is_decoded_at_any_strength_from_1():
    certain = belief([(GREEN, 1)])
    for strength in (1, 2):
        assert np.abs(certain.decode(strength) - GREEN).max() < 0.03  # of the nearest bin


def test_more_strength_moves_to_the_rarer_of_two_colors():
    torn = belief([(GRAY, 0.8), (BLUE, 0.2)])
    lengths = [np.linalg.norm(middle(torn.decode(strength), 0, 1)) for strength in (1, 1.5, 2)]
    assert lengths == sorted(lengths) and lengths[-1] > lengths[0] + 0.02


def test_alternatives_change_what_is_open_and_leave_what_is_certain():
    dress, sky = [(GRAY, 0.3), (ORANGE, 0.4), (GREEN, 0.2), (BLUE, 0.1)], [(BLUE, 1)]
    both = belief(dress, sky)
    first, *others = (middle(chroma, 0, 2) for chroma in (both.decode(), *both.alternatives()))
    hues = [np.degrees(np.arctan2(*chroma[::-1])) for chroma in (first, *others)]
    wanted = [np.degrees(np.arctan2(*color[::-1])) for color in (ORANGE, GREEN, BLUE)]
    assert all(abs((hue - want + 180) % 360 - 180) < 35 for hue, want in zip(hues, wanted, strict=True))
    for chroma in both.alternatives():
        assert np.abs(middle(chroma, 1, 2) - middle(both.decode(), 1, 2)).max() < 0.01


@pytest.mark.parametrize("height, width", [(1, 1), (1, 75), (75, 1), (9, 14), (160, 300)])
def test_any_size_has_alternatives(height, width):
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (len(BINS), -(-height // 4), -(-width // 4))).astype(np.float32)
    random = ChromaDistribution(logits, rng.random((height, width), np.float32), PRIOR)
    found = random.alternatives()
    assert len(found) == 2 and all(chroma.shape == (height, width, 2) and np.isfinite(chroma).all() for chroma in found)
    assert all(np.array_equal(one, other) for one, other in zip(found, random.alternatives(), strict=True))


def test_a_spot_fades_where_nothing_in_the_light_parts_it_from_its_surroundings():
    believed = belief([(GRAY, 1)], [(GRAY, 1)])
    inside = np.zeros((40, 80), bool)
    inside[17:23, 17:23] = True  # in the left part, on even ground
    logits = np.where(inside, belief([(BLUE, 1)], [(BLUE, 1)]).logits, believed.logits)
    light = believed.light.copy()
    spot = np.kron(inside, np.ones((4, 4), bool))
    alone = ChromaDistribution(logits, light, believed.prior).decode()[spot].mean(axis=0)
    light[spot] += 0.3  # a blue box with an edge of its own
    apart = ChromaDistribution(logits, light, believed.prior).decode()[spot].mean(axis=0)
    assert np.linalg.norm(alone) < np.linalg.norm(BLUE) / 4 and np.abs(apart - BLUE).max() < 0.05


def test_a_large_color_reaches_its_edge_and_no_further():
    colors = belief([(BLUE, 1)], [(ORANGE, 1)]).decode()
    assert np.abs(colors[:, 8:152] - BLUE).max() < 0.04 and np.abs(colors[:, 168:-8] - ORANGE).max() < 0.04
