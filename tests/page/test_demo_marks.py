"""Between the preview that is painted on and the full-size photo."""

import numpy as np
import pytest
from conftest import hole, photo
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from demo import marks
from restoration.inference.tones import is_tinted

MASKS = arrays(bool, (23, 31))


@given(MASKS)
def test_nothing_that_is_marked_is_hidden_in_the_preview(mask):
    assert marks.shrink_mask(mask, (10, 8)).any() == mask.any()


@given(MASKS, MASKS)
def test_a_change_is_undone_to_the_pixel(before, after):
    assert np.array_equal(marks.Change(before, after).undone(after), before)


@given(arrays(float, (3, 2), elements={"min_value": -0.3, "max_value": 1.3}), st.floats(0.01, 0.3))
def test_a_stroke_covers_what_is_near_its_points_and_nothing_far_from_its_lines(points, width):
    size = np.array([200, 120])
    mask = marks.drawn([{"pen": "paint", "width": width, "points": points.tolist()}], (200, 120))
    pixels = np.stack(np.meshgrid(np.arange(200), np.arange(120)), axis=-1) + 0.5
    far = np.min([distance(pixels, *ends * size) for ends in (points[:2], points[1:])], axis=0)
    assert mask[far < 100 * width - 1.5].all() and not mask[far > 100 * width + 2].any()


def distance(pixels, start, end) -> np.ndarray:
    """Of each pixel from the line between two points."""
    way = end - start
    share = np.clip(((pixels - start) @ way) / max(way @ way, 1e-9), 0, 1)
    return np.linalg.norm(pixels - start - share[..., None] * way, axis=-1)


def test_what_was_erased_is_not_found_again_and_what_was_painted_stays():
    erased, kept, painted, new = (hole(60, 40, (x, 5, x + 5, 10)) for x in (0, 10, 20, 30))
    grown = hole(60, 40, (0, 3, 7, 12))  # around what was erased
    marked = marks.with_more(kept | painted, erased | kept, grown | kept | new)
    assert np.array_equal(marked, kept | painted | new)


def test_a_layer_shows_what_is_marked_and_what_is_new_of_it_but_no_rim():
    boxes = (100, 50, 200, 90), (200, 50, 201, 90), (300, 50, 400, 90), (50, 200, 90, 250)
    old, rim, new, erased = (hole(500, 300, box) for box in boxes)
    mask = old | rim | new
    layer = np.asarray(marks.marked_layer(mask, rim | new | erased, (500, 300)))
    yellow, around = (layer == marks.NEW).all(axis=2), hole(500, 300, (285, 35, 415, 105))
    seen = layer[..., 3] > 0
    assert seen.shape == (300, 500) and seen[mask].all() and np.array_equal(seen[~around], mask[~around])
    assert np.array_equal(yellow & mask, new) and not (yellow & ~around).any()
    assert not (np.asarray(marks.marked_layer(mask, old & ~old, (500, 300))) == marks.NEW).all(axis=2).any()


def test_distances_are_counted_in_longer_sides():
    for turned in (hole(100, 40, (50, 20, 51, 21)), hole(100, 80, (50, 20, 51, 21))):
        away = marks._distance(turned)
        assert away[20, 60] == pytest.approx(0.1) and away[23, 54] == pytest.approx(0.05) and away[20, 50] == 0
    assert (marks._distance(np.zeros((9, 9), bool)) == 1).all()


def test_a_new_speck_of_a_large_photo_is_seen_on_a_phone_and_so_is_what_lies_under_it():
    speck = hole(4000, 3000, (2000, 1500, 2004, 1504))
    layer = marks.marked_layer(speck, speck, marks.fitted((4000, 3000))).resize((270, 202), Image.Resampling.BOX)
    red, _, blue, opaque = np.asarray(layer, int).transpose(2, 0, 1)
    rows, columns = np.nonzero((red - blue > 150) & (opaque > 90))
    assert min(np.ptp(rows), np.ptp(columns)) >= 8, "a dot of a few pixels"
    inside = opaque[rows.min() : rows.max(), columns.min() : columns.max()]
    assert (inside < 10).mean() > 0.3


def test_dabs_become_hints_of_the_photos_size_the_last_one_on_top():
    dabs = [{"pen": pen, "width": 0.1, "points": [[x, 0.5]]} for pen, x in (("#c81e1e", 0.5), ("#0000ff", 0.53))]
    hints = np.asarray(marks.colored(dabs, (300, 200)))
    assert hints.shape == (200, 300, 4) and tuple(hints[100, 137]) == (200, 30, 30, 255)
    assert tuple(hints[100, 150]) == (0, 0, 255, 255) and not hints[:80].any() and not hints[:, :130].any()
    assert marks.colored([], (300, 200)) is None


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee", "rocket"])
def test_sepia_is_told_from_color(name):
    color = Image.fromarray(photo(name, 300, 200))
    assert not is_tinted(color)
    levels = np.asarray(color.convert("L"), float)[..., None] / 255
    sepia = np.uint8(255 * levels ** np.array([0.8, 1.0, 1.4]))
    assert is_tinted(Image.fromarray(sepia))


def test_a_preview_is_small_and_a_small_photo_stays():
    assert marks.preview(Image.new("L", (4000, 3000))).size == (1600, 1200)
    small = Image.fromarray(photo("rocket", 90, 60))
    assert np.array_equal(np.asarray(marks.preview(small)), np.asarray(small))
