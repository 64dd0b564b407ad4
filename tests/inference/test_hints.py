"""How far a known color goes."""

import numpy as np
import pytest

from restoration.inference.hints import FADE, SKIN_FADE, Known, _system, fading, spread

SIZE = (40, 60)
RED, GRAY = np.float32([-0.1, 0.3]), np.float32([0, 0])
BROWN = np.float32([-0.08, 0.06])


def two_halves() -> np.ndarray:
    """Dark on the left, light on the right, a slow slope in both."""
    light = np.full(SIZE, 0.3, np.float32) + np.linspace(0, 0.1, SIZE[1], dtype=np.float32)
    light[:, 30:] += 0.3
    return light


def dabbed(light: np.ndarray, dabs: dict[tuple[int, int], np.ndarray], trust: float = 1) -> np.ndarray:
    """What a photo predicted all brown becomes with dabs of 3 x 3 px around some (row, column)."""
    chroma = np.broadcast_to(BROWN, (*light.shape, 2))
    known, where = np.zeros_like(chroma), np.zeros_like(light)
    for (row, column), color in dabs.items():
        around = np.s_[row - 1 : row + 2, column - 1 : column + 2]
        known[around], where[around] = color, trust
    return spread(light, chroma, Known(known, where)).over(chroma)


@pytest.mark.parametrize("color", [RED, GRAY])
def test_a_dab_colors_its_side_of_an_edge_and_not_the_other(color):
    found = dabbed(two_halves(), {(20, 15): color})
    step = np.abs(color - BROWN).sum()
    assert np.abs(found[:, 2:28] - color).sum(axis=-1).mean() < 0.1 * step
    assert np.abs(found[:, 33:] - BROWN).sum(axis=-1).max() < 0.02 * step
    assert np.abs(found[19:22, 14:17] - color).max() < 0.01


def test_on_plain_ground_a_dab_fades_with_distance():
    found = dabbed(np.full((60, 400), 0.5, np.float32), {(30, 20): RED})
    change = np.abs(found[30] - BROWN).sum(axis=-1)
    assert (np.diff(change[22:]) < 1e-6).all() and change[40] > 0.7 * change[20] and change[380] < 0.02 * change[20]


def test_two_dabs_each_keep_their_side():
    found = dabbed(two_halves(), {(20, 15): RED, (20, 45): GRAY})
    assert np.abs(found[:, :28] - RED).mean() < 0.02 and np.abs(found[:, 33:] - GRAY).mean() < 0.02


def test_beside_skin_a_dab_fades_and_one_on_skin_goes_over_it():
    light, skin = np.full((40, 120), 0.5, np.float32), np.zeros((40, 120), np.float32)
    skin[:, 60:] = 0.9
    chroma = np.broadcast_to(BROWN, (*light.shape, 2))
    changes = []
    for column in (40, 80):
        trust = np.zeros_like(light)
        trust[19:22, column - 1 : column + 2] = 1
        known = Known(trust[..., None] * RED, trust)
        changed = spread(light, chroma, known, fading(skin, known)).over(chroma) - BROWN
        changes.append(np.abs(changed[20]).sum(axis=-1))
    cloth, face = changes
    assert cloth[78:].max() < 0.1 * cloth[42] and cloth[50] > 0.8 * cloth[42] and face[105] > 0.6 * face[82]


def test_each_dab_is_compared_with_what_lies_nearest_to_it():
    skin, trust = np.zeros((2, 3, 90), np.float32)
    skin[:, 40:], trust[1, [10, 70]] = [0.5], 1
    skin[:, 20:30] = 0.25
    fade = fading(skin, Known(np.zeros((3, 90, 2), np.float32), trust))
    assert fade[1, [10, 70]] == pytest.approx(FADE) and fade[1, 25] == pytest.approx(FADE + SKIN_FADE / 2)
    assert fade[1, 60] == pytest.approx(FADE) and fade[1, :39].max() == pytest.approx(FADE + SKIN_FADE / 2)
    assert fading(skin, Known(np.zeros((3, 90, 2), np.float32), 0 * trust)).shape == skin.shape, "no dab at all"


def test_nothing_known_or_trusted_changes_nothing():
    light = two_halves()
    assert np.array_equal(dabbed(light, {}), np.broadcast_to(BROWN, (*SIZE, 2)))
    assert np.abs(dabbed(light, {(20, 15): RED}, trust=1e-9) - BROWN).max() < 1e-3


def test_the_system_is_that_of_its_definition():
    rng = np.random.default_rng(0)
    light, chroma = rng.random((4, 5), np.float32) / 20, rng.random((4, 5, 2), np.float32) / 200
    found = _system(light, chroma, np.arange(20.0)).toarray()
    for a in range(20):
        for b in range(20):
            p, q = divmod(a, 5), divmod(b, 5)
            if a != b and max(abs(p[0] - q[0]), abs(p[1] - q[1])) == 1:
                hue = (((chroma[p] - chroma[q]) / 0.009) ** 2).sum()
                assert found[a, b] == pytest.approx(-np.exp(-(((light[p] - light[q]) / 0.04) ** 2) - hue), rel=1e-4)
            elif a != b:
                assert found[a, b] == 0
    assert np.allclose(found.sum(axis=1), np.arange(20.0))


def test_a_photo_of_one_pixel_takes_its_color():
    one = np.ones((1, 1), np.float32)
    assert np.allclose(spread(one, BROWN[None, None], Known(RED[None, None], one)).over(BROWN), RED, atol=1e-3)


def test_two_spreads_after_each_other_are_one():
    light = two_halves()
    chroma = np.broadcast_to(BROWN, (*SIZE, 2))
    first, second = (Known(np.zeros((*SIZE, 2), np.float32), np.zeros(SIZE, np.float32)) for _ in range(2))
    for known, column, color in ((first, 15, RED), (second, 20, GRAY)):
        known.chroma[20, column], known.trust[20, column] = color, 1
    once = spread(light, chroma, first)
    again = spread(light, once.over(chroma), second)
    other = chroma + np.float32(0.05)
    assert np.allclose(once.then(again).over(other), again.over(once.over(other)), atol=1e-6)


def test_a_spread_is_the_solution_of_the_system_that_the_docstring_describes():
    """Solved densely: known places pull 1,000 times, others fade by 0.0005; half of the predicted variation stays."""
    rng = np.random.default_rng(0)
    light, chroma = rng.random((5, 6), np.float32) / 5, rng.random((5, 6, 2), np.float32) / 18
    known = Known(rng.uniform(-0.2, 0.2, (5, 6, 2)).astype(np.float32), np.zeros((5, 6), np.float32))
    known.trust[1, 1], known.trust[3, 4] = 1, 2e-6
    pull = 1000.0 * known.trust.ravel()
    system = _system(light, chroma, np.zeros(30)).toarray() + np.diag(pull + 5e-4)
    reach = np.linalg.solve(system, pull)
    solved = np.linalg.solve(system, pull[:, None] * (known.chroma - 0.5 * chroma).reshape(-1, 2)) / reach[:, None]
    share = np.minimum(reach / 0.5, 1)
    weight = (share**2 * (3 - 2 * share)).reshape(5, 6, 1)
    found = spread(light, chroma, known)
    assert np.count_nonzero((weight > 0.1) & (weight < 0.95)) > 5 and np.allclose(
        found.keep, 1 - 0.5 * weight, atol=1e-3
    )
    assert np.allclose(found.add, weight * solved.reshape(5, 6, 2), atol=1e-3)
    faster = spread(light, chroma, known, fade=0.1)
    assert faster.keep.mean() > found.keep.mean(), "with more fading, more of the prediction stays"
