"""What wear is drawn with: lines and cracks where they are asked for, noise as coarse as it is asked for.

OpenCV adds about two pixels to the width of a smooth line.
"""

import numpy as np
import pytest

from restoration.synthesis.drawing import clouds, draw_line, flaked, grow_crack, log_uniform, shadow_of
from restoration.synthesis.wear import Mark, _pressed


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_a_line_lies_where_it_is_drawn_to_a_fraction_of_a_pixel():
    for row in (20.0, 20.25, 20.5):
        canvas = np.zeros((40, 60), np.uint8)
        draw_line(canvas, np.array([[10, row], [50, row]]), 3, 200)
        rows, columns = canvas.sum(axis=1, dtype=float), canvas.sum(axis=0, dtype=float)
        assert abs((rows * np.arange(40)).sum() / rows.sum() - row) < 0.2
        assert 5 * 200 < columns[30] < 6 * 200 and not columns[:7].any() and not columns[54:].any()


@pytest.mark.parametrize("size", [4, 10, 25])
def test_clouds_have_hills_as_wide_as_they_are_asked_for(size):
    noise = clouds(generator(), (200, 300), size)
    assert noise.shape == (200, 300) and noise.min() >= 0 and noise.max() <= 1 and abs(noise.mean() - 0.5) < 0.05
    high = noise - noise.mean()
    alike = [(high[:, : 300 - lag] * high[:, lag:]).mean() / high.var() for lag in (size // 2, 2 * size)]
    assert alike[0] > 0.5 and abs(alike[1]) < 0.25


def test_each_octave_is_as_likely_as_the_next():
    rng = generator()
    octaves = np.bincount([int(np.log2(log_uniform(rng, 2, 32))) for _ in range(2000)], minlength=5)
    assert octaves[0] == 0 and len(octaves) == 5 and (np.abs(octaves[1:] - 500) < 60).all()


def grown(seed: int, forks: int, angle: float = 0.0) -> np.ndarray:
    canvas = np.zeros((400, 400), np.uint8)
    grow_crack(generator(seed), canvas, np.array([200.0, 200.0]), angle, 8.0, 300.0, forks, 0.5)  # 150 px
    return canvas


def test_a_crack_goes_its_way_and_grows_thinner_and_fainter():
    cracks = [grown(seed, 0) for seed in range(30)]
    ends = [np.argwhere(canvas > 20) for canvas in cracks]
    assert all(315 < end[:, 1].max() < 358 and end[:, 1].min() > 190 for end in ends if np.ptp(end[:, 0]) < 60)
    assert abs(np.mean([end[end[:, 1] > 300, 0].mean() for end in ends if end[:, 1].max() > 300]) - 200) < 15
    ink = np.mean([canvas.sum(axis=0) for canvas in cracks], axis=0)
    assert ink[300:330].mean() < 0.6 * ink[210:240].mean(), "narrower to its end"
    assert 4 < np.mean([np.count_nonzero(canvas[:, 210:240] > 60) / 30 for canvas in cracks]) < 6.5, "4 px, soft sides"
    up = np.argwhere(grown(1, 0, -np.pi / 2) > 20)
    assert up[:, 0].min() < 120 and up[:, 0].max() < 212
    forked = [np.count_nonzero(grown(seed, 3)) for seed in range(30)]
    assert np.mean(forked) > 1.3 * np.mean([np.count_nonzero(canvas) for canvas in cracks])


def test_a_flaked_mark_stays_in_its_place_and_a_shadow_lies_beside_it():
    canvas = np.zeros((80, 80), np.uint8)
    canvas[30:50, 30:50] = 255
    marks = [flaked(generator(seed), canvas) for seed in range(60)]
    assert all(mark.min() >= 0 and mark.max() <= 1 and not mark[:26].any() for mark in marks)
    assert sum(np.array_equal(mark, canvas / 255) for mark in marks) in range(16, 33), "two in five are as drawn"
    assert 0.3 < np.mean([mark[32:48, 32:48].mean() for mark in marks]) < 0.95, "others have islands that have stayed"
    shadows = [shadow_of(generator(seed), canvas) for seed in range(60)]
    y, x = (np.array([np.average(np.arange(80), weights=s.sum(axis=a)) for s in shadows]) - 39.5 for a in (1, 0))
    assert max(np.abs(y).max(), np.abs(x).max()) < 3.1 and abs(y.mean()) < 1 and abs(x.mean()) < 1
    assert np.allclose([s.sum() for s in shadows], 400, rtol=0.01)


@pytest.mark.parametrize("level, contrast, least, most", [
    (100, 20, 20, 20), (100, -25, -25, -25), (100, 999, 65, 150), (100, -999, -100, -30),
    (255, 20, 0, 0), (0, -25, 0, 70), (160, 60, 5, 60),
])  # fmt: skip
def test_a_mark_changes_a_flat_photo_by_its_contrast_but_not_beyond_the_papers_tone(level, contrast, least, most):
    """Light marks are paper, of 165 to 250 levels, dark ones 0 to 70."""
    opacity = np.zeros((30, 30), np.float32)
    opacity[10, 10], opacity[20, 20] = 1, 0.5
    for seed in range(20):
        change = _pressed(np.full((30, 30), level, np.float32), Mark(opacity, contrast, False), 200, generator(seed))
        change -= level
        assert least - 1e-3 <= change[10, 10] <= most + 1e-3 and np.isclose(change[20, 20], change[10, 10] / 2)
        assert np.count_nonzero(change) in (0, 2)
