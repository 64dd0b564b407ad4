"""Rough strokes: the damage under them, else the specks, else all of them."""

import cv2
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from restoration.inference import strokes
from restoration.inference.strokes import alike, fitted, followed, specks

GRAIN = np.random.default_rng(0).normal(100, 3, (120, 140)).clip(0, 255).astype(np.uint8)


def masks(*places: tuple[slice, slice]) -> list[np.ndarray]:
    found = [np.zeros(GRAIN.shape, bool) for _ in places]
    for mask, place in zip(found, places, strict=True):
        mask[place] = True
    return found


def test_a_rough_stroke_takes_the_crack_and_a_stroke_on_nothing_counts_as_it_is():
    stroke, empty, crack, expected = masks(
        np.s_[20:42, 10:60], np.s_[80:90, 10:60], np.s_[30:32, 5:100], np.s_[30:32, 6:64]
    )
    taken = fitted(stroke | empty, crack, GRAIN)
    assert np.array_equal(taken, expected | empty), "the crack and a few pixels beyond both ends of the stroke"


def test_a_careful_stroke_counts_whole_and_what_is_only_beside_it_is_left():
    careful, rough, crack, near = masks(
        np.s_[29:32, 20:60], np.s_[20:34, 20:60], np.s_[30:32, 5:100], np.s_[37:38, 5:100]
    )
    assert np.array_equal(fitted(careful, crack | near, GRAIN), careful)
    assert not fitted(rough, crack | near, GRAIN)[35:].any()


@pytest.mark.parametrize("pixels, taken", [(19, 1000), (20, 20), (500, 500), (501, 1000)])
def test_a_stroke_counts_as_it_is_with_little_found_in_it_or_much(pixels, taken):
    """Of 1,000 pixels, a fiftieth at least and half at most."""
    stroke, likely = masks(np.s_[40:60, 40:90], np.s_[:0, :0])
    likely[40:60, 40:90] = np.arange(1000).reshape(20, 50) < pixels
    assert fitted(stroke, likely, np.full_like(GRAIN, 100)).sum() == taken


@pytest.mark.parametrize("turned", [False, True])
def test_what_belongs_to_a_stroke_lies_within_four_pixels_of_it(turned):
    stroke, line = masks(np.s_[20:40, 40:90], np.s_[30, :])
    given = [np.ascontiguousarray(each.T) if turned else each for each in (stroke, line, GRAIN)]
    taken = fitted(*given)
    rows, columns = np.nonzero(taken.T if turned else taken)
    assert set(rows) == {30} and (columns.min(), columns.max()) == (36, 93)


def test_a_dab_of_one_pixel_on_a_crack_counts_as_it_is():
    dab, crack = masks(np.s_[30:31, 50:51], np.s_[30:32, 5:100])
    assert np.array_equal(fitted(dab, crack, GRAIN), dab)


def test_a_tapped_crack_is_followed_over_gaps_and_no_other_one():
    tap, crack, further, beyond, other = masks(
        np.s_[28:34, 50:56], np.s_[30:32, 5:100], np.s_[30:32, 107:115], np.s_[30:32, 125:130], np.s_[60:62, 5:100]
    )
    reachable = crack | further | beyond | other
    assert np.array_equal(followed(tap, reachable, reachable, GRAIN), tap | crack | further)
    assert np.array_equal(followed(tap, other, other, GRAIN), tap), "nothing under the tap"


@pytest.mark.parametrize("zoom, room", [(1, 0), (6, 2500)])
@pytest.mark.parametrize("way", [1, -1], ids=["light", "dark"])
def test_where_damage_is_less_likely_a_tapped_crack_is_followed_as_far_as_it_looks_the_same(zoom, room, way):
    """Here at 80 % of the height at the tap; at half of it the crack ends, and so it does in the other direction."""
    crack, same, less, opposite = masks(
        np.s_[30:33, 5:60], np.s_[30:33, 60:90], np.s_[30:33, 90:120], np.s_[40:43, 5:60]
    )
    gray = GRAIN.copy()
    for part, height in ((crack, 60), (same, 48), (less, 30), (opposite, -60)):
        gray[part] = 100 + way * height
    tap = masks(np.s_[30:33, 40:46])[0]
    faint = crack | same | less | opposite
    crack, same, faint, gray, tap = (  # 18 px wide, it can be seen in what a photo of 11 megapixels is shrunk to
        np.pad(np.kron(each, np.ones((zoom, zoom), each.dtype)), (0, room), mode="edge")
        for each in (crack, same, faint, gray, tap)
    )
    taken = followed(tap, crack, faint, gray)
    assert (taken & ~(crack | same | tap)).sum() < 0.02 * taken.sum() and taken[crack].all()
    assert taken[same].mean() > 0.3 and taken[:, same.any(axis=0)].any(axis=0).mean() > 0.9, "its middle at least"


def test_with_a_fiftieth_found_by_the_network_no_specks_are_looked_for():
    stroke, likely, speck = masks(np.s_[40:60, 40:90], np.s_[44:46, 45:55], np.s_[50:53, 70:73])
    gray = np.where(speck, 220, GRAIN).astype(np.uint8)
    assert np.array_equal(fitted(stroke, likely, gray), likely)
    likely[44, 45] = False
    taken = fitted(stroke, likely, gray)
    assert taken[speck].all() and not taken[44, 50]


@pytest.mark.parametrize("level", [200, 20])
@pytest.mark.parametrize("zoom", [1, 4])
def test_where_the_network_finds_nothing_the_specks_under_a_stroke_are_taken(level, zoom):
    stroke, other = masks(np.s_[40:66, 20:100], np.s_[90:110, 20:100])
    gray, speck = GRAIN.copy(), np.zeros_like(stroke)
    for x in (35, 60, 85):
        cv2.circle(gray, (x, 53), 2, level, -1)
        cv2.circle(speck.view(np.uint8), (x, 53), 2, 1, -1)
    stroke, other, gray, speck = (
        np.kron(each, np.ones((zoom, zoom), each.dtype)) for each in (stroke, other, gray, speck)
    )
    taken = fitted(stroke | other, np.zeros_like(stroke), gray)
    assert taken[speck].all() and (taken & stroke).sum() < 0.12 * stroke.sum(), "the specks, and little around them"
    assert np.array_equal(taken & other, other), "grain alone is no speck"


def test_a_step_of_light_through_a_stroke_and_what_fills_it_are_no_specks():
    step, patch = GRAIN.copy(), GRAIN.copy()
    step[53:] += 80
    patch[44:62, 24:96] += 80
    (stroke,) = masks(np.s_[40:66, 20:100])
    assert not specks(stroke, step).any(), "an outline"
    assert np.array_equal(fitted(stroke, np.zeros_like(stroke), patch), stroke), "a stain, painted over with some room"


def test_light_that_changes_slowly_hides_no_speck():
    gray = (GRAIN + np.linspace(0, 120, GRAIN.shape[1])).astype(np.uint8)
    gray[50:54, 30:34] = 190
    stroke, speck = masks(np.s_[40:66, 20:100], np.s_[50:54, 30:34])
    taken = fitted(stroke, np.zeros_like(stroke), gray)
    assert taken[speck].all() and taken.sum() < 5 * speck.sum()


@pytest.mark.parametrize("deviation, step", [(0, 12), (1, 12), (2, 13), (4, 24)])
def test_a_speck_stands_out_by_12_levels_and_by_three_and_a_half_deviations(deviation, step):
    """A median absolute deviation of 4 levels is 1.48 * 4 in a normal distribution; one more is for rounding."""
    heights = np.full((40, 50), 100, np.uint8)
    heights[::3] -= np.uint8(deviation)
    heights[1::3] += np.uint8(deviation)
    inside = np.zeros(heights.shape, bool)
    inside[2:38, 2:38] = True
    heights[10, 10], heights[10, 30], heights[10, 45] = 100 + step, 101 + step, 101 + step
    half = step // 2
    heights[20, 20:23] = 101 + step, 101 + half, 100 + half  # what touches a speck, too
    heights[30, 30] = 101 + half  # alone
    more, found = strokes._standing_out(heights, inside)
    assert np.argwhere(found).tolist() == [[10, 30], [20, 20], [20, 21]] and more == 2 * (1 + step)


@pytest.fixture
def shown(monkeypatch) -> list:
    """What is looked at for specks: heights of light, of dark and the stroke; nothing is found there."""
    seen = []

    def standing_out(heights: np.ndarray, inside: np.ndarray) -> tuple[float, np.ndarray]:
        seen.append((heights, inside))
        return 0.0, np.zeros_like(inside)

    monkeypatch.setattr(strokes, "_standing_out", standing_out)
    return seen


@pytest.mark.parametrize("width, seen", [(21, 21), (31, 31), (124, 33.5), (248, 33.5)])
def test_a_wide_stroke_is_searched_at_a_size_at_which_it_is_34_px_wide(shown, width, seen):
    stroke = np.zeros((width + 16, 600), bool)
    stroke[8:-8, 20:-20] = True
    checked = (np.indices(stroke.shape).sum(axis=0) % 2 * 100).astype(np.uint8)
    assert not specks(stroke, checked).any()
    (light, inside), (dark, _) = shown
    assert inside.any(axis=1).sum() == pytest.approx(seen, abs=1)
    if seen < width:
        assert max(light.max(), dark.max()) < 8, "no pixel is skipped"


@pytest.mark.parametrize(
    "width, band, stands_out", [(21, 20, True), (21, 26, False), (124, 80, True), (124, 160, False)]
)
@pytest.mark.parametrize("turned", [False, True])
def test_what_is_wider_than_the_stroke_does_not_stand_out(shown, width, band, stands_out, turned):
    gray = np.full((width + 16, 600), 100, np.uint8)
    gray[:, 300 - band // 2 : 300 + band // 2] = 150
    stroke = np.zeros(gray.shape, bool)
    stroke[8:-8, 20:-20] = True
    specks(*(np.ascontiguousarray(each.T) if turned else each for each in (stroke, gray)))
    light = shown[0][0].T if turned else shown[0][0]
    height = light[light.shape[0] // 2, light.shape[1] // 2]
    assert height > 35 if stands_out else height < 3


def test_grain_is_smoothed_by_four_fifths_of_a_pixel(shown):
    (stroke,) = masks(np.s_[40:66, 20:100])
    gray = np.full_like(GRAIN, 100)
    gray[52, 60] = 250
    specks(stroke, gray)
    assert np.abs(shown[0][0] - gaussian_filter(gray - 100.0, 0.8)).max() < 1.5


@pytest.mark.parametrize(
    "found, is_kept",
    [
        (np.s_[2:3, :], False),  # with a pixel around it, one of the two rows along each edge: a quarter of the rim
        (np.s_[3:4, :], True),  # the third row is none of it
        (np.s_[:, :59], True),  # half of the stroke
        (np.s_[:, :60], False),
    ],
)
def test_what_lies_along_a_strokes_edge_is_no_speck(monkeypatch, found, is_kept):
    (stroke,) = masks(np.s_[40:71, 10:130])
    answer = np.zeros_like(stroke)
    answer[40:71, 10:130][found] = True
    monkeypatch.setattr(strokes, "_standing_out", lambda heights, inside: (1.0, answer))
    assert specks(stroke, GRAIN).any() == is_kept


@pytest.mark.parametrize("width", [31, 120])
def test_a_speck_is_taken_with_a_pixel_around_it(monkeypatch, width):
    """Of those that are looked at."""
    stroke = np.zeros((width + 16, 400), bool)
    stroke[8:-8, 20:-20] = True

    def one(heights: np.ndarray, inside: np.ndarray) -> tuple[float, np.ndarray]:
        answer = np.zeros_like(inside)
        answer[heights.shape[0] // 2, heights.shape[1] // 2] = True
        return 1.0, answer

    monkeypatch.setattr(strokes, "_standing_out", one)
    found = specks(stroke, np.full(stroke.shape, 90, np.uint8))
    rows, columns = np.flatnonzero(found.any(axis=1)), np.flatnonzero(found.any(axis=0))
    side = 3 * max(1, 0.955 * (width + 1) / 2 / 16)  # 0.955: of one pixel, in OpenCV's distances
    assert len(rows) == pytest.approx(side, abs=1 if width > 31 else 0) and abs(len(rows) - len(columns)) <= 1
    assert found.sum() == len(rows) * len(columns), "a square"


@pytest.mark.parametrize("width, stands_out", [(18, True), (19, False)])
def test_what_stands_out_is_at_most_as_wide_as_its_surroundings_and_a_small_photo_is_not_enlarged(width, stands_out):
    (bar,) = masks(np.s_[40 : 40 + width, :])
    gray = np.where(bar, 160, 100).astype(np.uint8)
    assert alike(gray, bar)[bar].any() == stands_out
