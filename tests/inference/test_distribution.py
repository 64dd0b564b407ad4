"""What a distribution over chroma is decoded to, on distributions that are known."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from restoration.chroma_bins import BINS
from restoration.inference import distribution
from restoration.inference.distribution import HUES, OF_HUE, TILTS, ChromaDistribution

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


def others_of(believed: ChromaDistribution) -> list[np.ndarray]:
    return [believed.alternative(number) for number in (1, 2)]


def test_what_is_certain_is_decoded_at_any_strength_from_1():
    certain = belief([(GREEN, 1)], height=8, width=8)
    for strength in (1, 2):
        assert np.abs(certain.decode(strength) - GREEN).max() < 0.03  # of the nearest bin


def test_more_strength_moves_to_the_rarer_of_two_colors():
    torn = belief([(GRAY, 0.8), (BLUE, 0.2)])
    lengths = [np.linalg.norm(middle(torn.decode(strength), 0, 1)) for strength in (1, 1.5, 2)]
    assert lengths == sorted(lengths) and lengths[-1] > lengths[0] + 0.02
    assert np.array_equal(torn.decode(), torn.decode(1)) and np.array_equal(torn.alternative(1), torn.alternative(1, 1))


def test_only_differences_between_colors_count():
    """One place may be surer of all of them than another by any number of logits."""
    torn = belief([(GRAY, 0.7), (BLUE, 0.3)], height=6, width=6)
    surer = replace(torn, logits=torn.logits + 400 * np.arange(6, dtype=np.float32))
    assert np.abs(surer.decode() - torn.decode()).max() < 1e-3


def test_alternatives_change_what_is_open_and_leave_what_is_certain():
    dress, sky = [(GRAY, 0.3), (ORANGE, 0.4), (GREEN, 0.2), (BLUE, 0.1)], [(BLUE, 1)]
    both = belief(dress, sky)
    first, *others = (middle(chroma, 0, 2) for chroma in (both.decode(), *others_of(both)))
    hues = [np.degrees(np.arctan2(*chroma[::-1])) for chroma in (first, *others)]
    wanted = [np.degrees(np.arctan2(*color[::-1])) for color in (ORANGE, GREEN, BLUE)]
    assert all(abs((hue - want + 180) % 360 - 180) < 35 for hue, want in zip(hues, wanted, strict=True))
    for chroma in others_of(both):
        assert np.abs(middle(chroma, 1, 2) - middle(both.decode(), 1, 2)).max() < 0.01


def test_a_close_choice_stays_after_another_repair_and_the_first_coloring_is_the_new_one():
    before, now = (belief([(GRAY, 0.3), (ORANGE, 0.4), (GREEN, 0.15 + d), (BLUE, 0.15 - d)]) for d in (0.01, -0.01))

    def is_green(believed: ChromaDistribution) -> bool:
        chroma = middle(believed.alternative(1), 0, 1)
        return np.linalg.norm(chroma - GREEN) < np.linalg.norm(chroma - BLUE)

    assert (
        is_green(before)
        and not is_green(now)
        and is_green(now.after(before))
        and is_green(now.after(now.after(before)))
    )
    assert np.array_equal(now.after(before).decode(), now.decode())
    assert not is_green(now.after(belief([(GREEN, 1)], [(GREEN, 1)]))), "the choices of a photo of another size"


@pytest.mark.parametrize("height, width", [(1, 1), (1, 75), (75, 1), (9, 14), (160, 300)])
def test_any_size_has_alternatives(height, width):
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (len(BINS), -(-height // 4), -(-width // 4))).astype(np.float32)
    random = ChromaDistribution(logits, rng.random((height, width), np.float32), PRIOR)
    found = others_of(random)
    assert len(found) == 2 and all(chroma.shape == (height, width, 2) and np.isfinite(chroma).all() for chroma in found)
    assert all(np.array_equal(one, other) for one, other in zip(found, others_of(random), strict=True))


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


def test_a_color_has_the_hue_that_it_has():
    degrees = np.degrees(np.arctan2(HUES[1], HUES[0])) % 360
    assert np.allclose(np.sort(degrees), np.arange(24) * 15, atol=1e-3)
    length, hue = np.linalg.norm(BINS, axis=1), np.degrees(np.arctan2(BINS[:, 1], BINS[:, 0]))
    for direction in range(24):
        off = np.abs((hue - degrees[direction] + 180) % 360 - 180)
        weight = OF_HUE[:, direction]
        assert (weight[(length >= 20 / 255) & (off < 1)] > 0.99).all() and (
            weight[(off > 46) | (length < 0.05)] == 0
        ).all()
        assert np.allclose(
            TILTS @ HUES[:, direction], np.minimum(length / 20 * 255, 1) * np.cos(np.radians(off)), atol=1e-4
        )
        near = (length >= 20 / 255) & (off < 45)
        assert np.allclose(weight[near], (np.cos(np.radians(off[near])) - 0.7) / 0.3, atol=1e-4)


def test_what_surroundings_agree_on_is_asked_with_luma_and_variance_of_each_place(monkeypatch):
    """Against mean squares, color by color; the photo's odd edge is repeated."""
    asked = []
    monkeypatch.setattr(distribution, "agreed", lambda *given: asked.append(given) or given[0])
    rng = np.random.default_rng(0)
    logits, light = rng.normal(0, 2, (len(BINS), 2, 3)).astype(np.float32), rng.random((7, 10), np.float32)
    belief = ChromaDistribution(logits, light, PRIOR / PRIOR.sum())
    belief.decode()
    [(given, small, variance)] = asked
    score = (logits - 0.27 * np.log(belief.prior + 1e-6)[:, None, None]) / 0.2
    likely = np.exp(score) / np.exp(score).sum(axis=0)
    mean = sum(p[..., None] * color for p, color in zip(likely, BINS, strict=True))
    spread = sum(p * ((color - mean) ** 2).sum(axis=-1) for p, color in zip(likely, BINS, strict=True))
    assert given is logits and np.allclose(variance, spread, atol=1e-6)
    whole = np.pad(light, ((0, 1), (0, 2)), "edge").reshape(2, 4, 3, 4).mean(axis=(1, 3))
    assert np.allclose(small, whole, atol=1e-6)


@pytest.mark.parametrize("strength, tau", [(1, 0.27), (1.5, 0.42), (2, 0.57)])
def test_strength_takes_more_of_the_prior_off(strength, tau):
    """A color that is e times as rare as another gains tau on it."""
    believed = belief([(GRAY, 1)], height=2, width=2)
    rarest, commonest = believed.prior.min() + 1e-6, believed.prior.max() + 1e-6
    assert np.ptp(believed._rarity(strength)) == pytest.approx(tau * np.log(commonest / rarest), rel=1e-4)


def test_colors_go_over_into_each_other_between_the_places_where_they_are_predicted():
    ramp = np.linspace(0, 0.3, 6, dtype=np.float32)[None, :, None].repeat(3, axis=0).repeat(2, axis=2)
    enlarged = belief([(GRAY, 1)], height=3, width=6)._enlarged(ramp)
    assert np.allclose(np.diff(enlarged[:, 2:-2], axis=1), 0.3 / 5 / 4, atol=1e-5)


def test_how_likely_a_hue_is_counts_the_colors_within_26_degrees_wholly_and_gray_not():
    def likely(*colors: tuple[list[float], float]) -> float:
        return belief(colors).likelihood(np.float32([0.6, 0.8]))[80, 80]

    turned = [0.2 * np.array([np.cos(a), np.sin(a)]) for a in np.radians(53.13 + np.array([0, 15, 70, 180]))]
    found = [likely((color, 1)) for color in (*turned, GRAY)]
    assert min(found[:2]) > 0.97 and max(found[:2]) <= 1 and max(found[2:]) < 0.03
    rare, common = 0.5 * np.array([0.02, 0.98]) ** -0.27
    prior = np.where(np.abs(BINS - turned[0]).max(axis=1) < 0.05, 0.02, 0.98).astype(np.float32)
    torn = replace(belief([(turned[0], 0.5), (GRAY, 0.5)]), prior=prior)
    assert torn.likelihood(np.float32([0.6, 0.8]))[80, 80] == pytest.approx(rare / (rare + common), abs=0.005)


def bin_of(color: list[float]) -> int:
    return int(np.square(BINS - color).sum(axis=1).argmin())


def test_another_hue_gains_two_logits_and_where_it_is_doubtful_less():
    """Believed with 0.4 on the left and 0.075 on the right, halfway from a twentieth to a tenth."""
    parts = belief([(ORANGE, 0.6), (GREEN, 0.4)], [(BLUE, 0.925), (GREEN, 0.075)], height=20)
    tilts = replace(parts, prior=np.ones_like(PRIOR))._tilts
    assert len(tilts) == 2
    for color, gain in ((GREEN, 1), (GRAY, 0), (np.negative(GREEN), -1)):
        left, right = tilts[0][bin_of(color), 10, [10, 70]]
        assert (left, right) == pytest.approx((2 * gain, gain), abs=0.06)


@pytest.mark.parametrize("share, is_free", [(0.2, True), (0.393, True), (0.48, False)])
def test_where_the_first_coloring_is_nearly_gray_its_hue_is_another_one(share, is_free):
    """With 0.393 it has a quarter of a hue's least length, and half of its hue counts as taken; with 0.48 all."""
    pale = replace(belief([(GRAY, 1 - share), (ORANGE, share)]), prior=np.ones_like(PRIOR))
    gain = pale._tilts[0][bin_of(ORANGE), 20, 20]
    assert gain > 1.85 if is_free else gain < 1.5, "a hue at least 45 degrees away"


def test_a_hue_is_free_far_from_those_that_are_taken():
    own = HUES.T[[0, 5]]
    free = distribution._free([own, -own])
    for row, (x, y) in zip(free, own, strict=True):
        away = np.degrees(np.arccos(np.clip(np.abs(x * HUES[0] + y * HUES[1]), 0, 1)))  # 0, 15, 30, ... 90
        assert np.allclose(row, np.where(away < 50, 0, np.where(away < 65, 0.5, 1)), atol=1e-4)


def test_regions_of_one_belief_choose_together():
    area, roots = np.array([1.0, 3.0, 2.0]), np.sqrt([[0.5, 0.5, 0], [0.5, 0.5, 0], [0, 0, 1]])
    pooled = distribution._pooled(roots, area)
    some = np.random.default_rng(0).dirichlet(np.ones(4), 5)
    assert np.allclose(distribution._pooled(np.sqrt(some), np.arange(1.0, 6)).sum(axis=1), 1)
    assert np.allclose(pooled, [[0.25, 0.75, 0], [0.25, 0.75, 0], [0, 0, 1]], atol=1e-9)
    close = np.sqrt([[0.5, 0.5], [0.5 + 0.17, 0.5 - 0.17]])
    coefficient = (close[0] * close[1]).sum()  # 0.985
    weight = np.exp((coefficient - 1) / 0.03)
    assert distribution._pooled(close, np.ones(2))[0, 1] == pytest.approx(weight / (1 + weight))


@pytest.mark.parametrize(
    "likely, area, trust",
    [
        ([0.3, 0.1, 0.05, 0.075], [1, 1, 1, 1], [1, 1, 0, 0.5]),  # from a tenth wholly, to a twentieth not at all
        ([0.3, 0.01], [1, 9], [1, 1]),  # the likely tenth is not enough
        ([0.04, 0.03, 0.01], [1, 4, 5], [1, 1, 0]),  # a quarter always changes: the likeliest places
        ([0.04, 0.03, 0.02], [3, 4, 3], [1, 0.5, 0]),
        ([0.0], [4], [0]),
    ],
)
def test_how_far_another_hue_is_taken(likely, area, trust):
    assert np.allclose(distribution._trust(np.array(likely), np.array(area, float)), trust, atol=1e-6)


@pytest.mark.parametrize("turned", [False, True])
def test_regions_part_a_photo_softly(turned):
    light = np.zeros((80, 120), np.float32)
    light[:, 60:] = 0.8
    believed = ChromaDistribution(belief([(GRAY, 1)], height=20, width=30).logits, light, PRIOR / PRIOR.sum())
    if turned:
        regions = replace(believed, light=light.T, logits=believed.logits.transpose(0, 2, 1))._regions.transpose(
            0, 2, 1
        )
    else:
        regions = believed._regions
    assert regions.shape == (2, 20, 30) and np.allclose(regions.sum(axis=0), 1, atol=1e-5)
    left = regions[np.argmax(regions[:, 0, 0])]
    true = gaussian_filter((light == 0).astype(float), 1.5).reshape(20, 4, 30, 4).mean(axis=(1, 3))
    assert np.abs(left - true).max() < 0.02
    speck = light.copy()
    speck[40:44, 20:25] = 0.8  # less than an eightieth of the photo
    assert len(ChromaDistribution(believed.logits, speck, PRIOR)._regions) == 2
    speck[30:45, 20:35] = 0.8  # more
    assert len(ChromaDistribution(believed.logits, speck, PRIOR)._regions) == 3
