"""The limits of what counts as damage, each by itself."""

import numpy as np
import pytest

from restoration.inference import detection
from restoration.inference.damage import Damage, accepted, enlarged
from restoration.inference.detection import find_damage
from restoration.inference.faces import Face

SHAPE = 40, 60


def found(logits: np.ndarray, sensitivity: float, light: np.ndarray | None, softness: float = 0) -> np.ndarray:
    return Damage(np.zeros(SHAPE, bool), logits, np.s_[:, :], light, softness).mask(sensitivity)


@pytest.mark.parametrize(
    "sensitivity, is_worn, softness, grown, seed, pixels",
    [
        (0, False, 0, 0.5, 3, 12),
        (0.5, False, 0, 0.25, 2.65, 11),  # half way to the next
        (1, False, 0, 0, 2.3, 10),
        (2, False, 0, -0.5, 1.4, 8),
        (3, False, 0, -1, 0.3, 8),
        (0, False, 0.5, -0.25, 1.75, 12),  # half soft
        (0, False, 1, -1, 0.5, 12),
        (1, False, 1, -1.2, 0, 10),
        (2, False, 1, -1.4, -0.3, 8),
        (3, False, 1, -1.8, -0.5, 8),
        (0, True, 1, -0.4, 0, 8),  # worn is worn, however soft
        (1, True, 0, -0.7, -0.3, 8),
        (2, True, 0, -1.4, -1, 8),
        (3, True, 0, -1.8, -1.4, 8),
    ],
)
def test_what_a_mark_needs_to_count(sensitivity, is_worn, softness, grown, seed, pixels):
    """Logits of one of its pixels and of all, and how many they are: just more than the rule asks for, and less."""
    light = np.zeros(SHAPE, bool) if is_worn else None
    for of_one, of_all, size in ((0.01, 0.01, 0), (-0.01, 0.01, 0), (0.01, -0.01, 0), (0.01, 0.01, -1)):
        logits = np.full(SHAPE, -6, np.float32)
        logits[20, 10 : 10 + pixels + size], logits[20, 10] = grown + of_all, seed + of_one
        counts = min(of_one, of_all, size) >= 0
        assert found(logits, sensitivity, light, softness).sum() == (pixels if counts else 0)


def test_what_is_just_at_a_limit_does_not_count():
    logits = np.full(SHAPE, -6, np.float32)
    logits[10, 10:40], logits[10, 15] = 1, 3
    logits[20, 10:40], logits[20, 20], logits[20, 30:] = 1, 3.1, 0.5
    assert np.array_equal(np.argwhere(found(logits, 0, None)), [[20, column] for column in range(10, 30)])


@pytest.mark.parametrize("sensitivity, least", [(0, -1.8), (1, -2.1), (2, -2.1), (2.5, -2.3), (3, -2.5)])
def test_from_when_on_what_is_light_goes_on(sensitivity, least):
    logits, light = np.full(SHAPE, -6, np.float32), np.zeros(SHAPE, bool)
    logits[20, 10:20], logits[20, 20:30], light[20, 20:30] = 3, least + 0.01, True
    assert found(logits, sensitivity, light).sum() == 20
    logits[20, 20:30] = least - 0.01
    assert found(logits, sensitivity, light).sum() == 10


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("contrast, width, is_light", [(21, 5, True), (20, 5, False), (21, 19, False), (21, 18, True)])
def test_light_is_narrower_than_19_px_and_more_than_20_levels_over_its_ground(
    monkeypatch, contrast, width, is_light, turned
):
    monkeypatch.setattr(detection.faces, "find_faces", lambda _: [])
    monkeypatch.setattr(detection, "is_worn", lambda _: True)
    monkeypatch.setattr(detection, "picture_window", lambda gray: tuple(slice(0, side) for side in gray.shape))
    gray = np.full((60, 120), 100, np.uint8)
    gray[:, 50 : 50 + width] += np.uint8(contrast)
    seen = np.ascontiguousarray(gray.T) if turned else gray
    light = find_damage(seen, lambda image: np.full((2, *image.shape[1:]), -6, np.float32)).light
    light = light.T if turned else light
    assert light[:, 50 : 50 + width].all() == light.any() == is_light


def test_what_is_filled_for_the_second_look_may_be_doubtful():
    logits = np.full((3, 60), -6, np.float32)
    for number, (of_one, of_all, pixels) in enumerate(((-0.19, -0.59, 8), (-0.21, -0.59, 8), (-0.19, -0.61, 8))):
        logits[1, 20 * number : 20 * number + pixels], logits[1, 20 * number] = of_all, of_one
    assert np.flatnonzero(accepted(logits, detection.FILLED)[1]).tolist() == list(range(8))
    logits[1, 7] = -6
    assert not accepted(logits, detection.FILLED).any(), "seven pixels are too few"


@pytest.mark.parametrize("is_worn, elsewhere, forehead", [(False, -3, -3), (True, -2.2, -1.7)])
def test_marks_lose_two_logits_in_an_eye_and_gain_half_a_one_on_a_worn_prints_skin(
    monkeypatch, is_worn, elsewhere, forehead
):
    """A worn print's second look gains 0.8 everywhere."""
    points = np.array([[27.0, 35], [53, 35], [40, 45], [40, 58], [12, 38], [68, 38]])
    monkeypatch.setattr(detection.faces, "find_faces", lambda _: [Face(0.9, np.array([10.0, 10, 60, 60]), points)])
    monkeypatch.setattr(detection, "is_worn", lambda _: is_worn)
    gray = np.random.default_rng(0).integers(0, 256, (90, 90), np.uint8)
    logits = find_damage(gray, lambda image: np.full((2, *image.shape[1:]), -3, np.float32)).logits
    for (x, y), expected in (((27, 35), elsewhere - 2), ((5, 5), elsewhere), ((40, 20), forehead)):
        assert logits[y, x] == pytest.approx(expected, abs=0.05)


def test_a_large_view_is_seen_in_tiles_of_1024_px():
    seen = []

    def network(image: np.ndarray, box=None) -> np.ndarray:
        seen.append(image.shape[1:])
        return image if box is None else image[(slice(None), *box.slices)]

    for width, count in ((1024, 1), (1025, 2)):
        seen.clear()
        assert not detection._ask(np.full((70, width), 90, np.uint8), network).any()
        assert len(seen) == count and max(map(max, seen)) <= 1024


def test_a_photo_is_seen_with_two_million_pixels_at_most():
    assert detection._seen(np.zeros((1000, 2000), np.uint8)).shape == (1000, 2000)
    assert detection._seen(np.zeros((2000, 4000), np.uint8)).shape == (1000, 2000)
    assert detection._seen(np.zeros((1, 4_500_000), np.uint8)).shape == (1, 3_000_000)


def test_a_map_enlarged_three_times_is_each_pixel_three_times():
    column = np.zeros((5, 9), bool)
    column[:, 4] = True
    assert np.array_equal(enlarged(column, (5, 27)), column.repeat(3, axis=1))


def test_the_edge_of_an_enlarged_map_has_no_stairs_of_whole_pixels():
    lengths = enlarged(np.tri(9, dtype=bool), (36, 36)).sum(axis=1)
    assert np.diff(lengths).min() >= 0 and np.diff(lengths).max() < 4


def test_the_smallest_photo_is_seen_three_times_too():
    seen = []
    logits = detection.damage_logits(
        np.zeros((2, 5), np.uint8), lambda image: seen.append(image.shape[1:]) or np.zeros_like(image)
    )
    assert seen == [(2, 5), *[(1, 2)] * 2, *[(1, 1)] * 2] and logits.shape == (3, 2, 5)
    assert detection._seen(np.zeros((1, 9_000_000), np.uint8)).shape == (1, 4_242_641)
