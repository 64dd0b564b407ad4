"""Rough strokes: the damage under them, else the specks, else all of them."""

import cv2
import numpy as np
import pytest

from restoration.inference.strokes import fitted, specks

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


def test_what_belongs_to_a_stroke_lies_within_four_pixels_of_it():
    stroke, line = masks(np.s_[20:40, 40:90], np.s_[30, :])
    rows, columns = np.nonzero(fitted(stroke, line, GRAIN))
    assert set(rows) == {30} and (columns.min(), columns.max()) == (36, 93)


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
