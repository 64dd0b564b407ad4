"""Between the preview that is painted on and the full-size photo."""

import numpy as np
import pytest
from conftest import hole, photo
from hypothesis import given
from hypothesis.extra.numpy import arrays
from PIL import Image

from demo import overlay

MASKS = arrays(bool, (23, 31))


@given(MASKS)
def test_a_shown_mask_that_is_not_touched_stays_to_the_pixel(mask):
    shown = overlay.shrink_mask(mask, (10, 8))
    assert np.array_equal(overlay.changed_mask(mask, shown, shown), mask)


@given(MASKS)
def test_nothing_that_is_marked_is_hidden_in_the_preview(mask):
    shown = overlay.shrink_mask(mask, (10, 8))
    assert shown.any() == mask.any()
    nothing = np.zeros_like(shown)
    assert not overlay.changed_mask(mask, shown, nothing).any(), "all was erased, yet something is still marked"


def test_a_stroke_and_an_erasure_reach_the_same_place_at_full_size():
    mask = hole(400, 200, (0, 0, 40, 40))
    shown = overlay.shrink_mask(mask, (100, 50))
    now = hole(100, 50, (5, 0, 10, 10), (60, 20, 70, 30))  # the left half erased, a box added
    assert np.array_equal(overlay.changed_mask(mask, shown, now), hole(400, 200, (20, 0, 40, 40), (240, 80, 280, 120)))


def test_what_was_erased_is_not_found_again_and_what_was_painted_stays():
    erased, kept, painted, new = (hole(60, 40, (x, 5, x + 5, 10)) for x in (0, 10, 20, 30))
    grown = hole(60, 40, (0, 3, 7, 12))  # around what was erased
    marked = overlay.with_more(kept | painted, erased | kept, grown | kept | new)
    assert np.array_equal(marked, kept | painted | new)


def test_a_layer_goes_to_the_editor_and_back():
    shown = hole(50, 30, (10, 5, 20, 9))
    layer = overlay.marked_layer(shown)
    assert layer.mode == "RGBA" and np.array_equal(overlay.painted([layer], (50, 30)), shown)
    assert not overlay.painted([], (50, 30)).any()


def test_dabs_become_hints_of_the_photos_size():
    dabs = np.zeros((20, 30, 4), np.uint8)
    dabs[5:7, 10:12] = (200, 30, 30, 255)
    dabs[15, 15] = (0, 0, 255, 40)  # the faint border of a stroke
    hints = np.asarray(overlay.full_hints([Image.fromarray(dabs)], (300, 200)))
    assert hints.shape == (200, 300, 4) and (hints[55, 105] == (200, 30, 30, 255)).all()
    assert np.array_equal(hints[..., 3] > 127, hole(300, 200, (100, 50, 120, 70)))
    assert overlay.full_hints([], (300, 200)) is None
    assert overlay.full_hints([Image.new("RGBA", (30, 20))], (300, 200)) is None


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee", "rocket"])
def test_sepia_is_told_from_color(name):
    color = Image.fromarray(photo(name, 300, 200))
    assert not overlay.is_tinted(color)
    levels = np.asarray(color.convert("L"), float)[..., None] / 255
    sepia = np.uint8(255 * levels ** np.array([0.8, 1.0, 1.4]))
    assert overlay.is_tinted(Image.fromarray(sepia))


def test_a_preview_is_small_and_a_small_photo_stays():
    assert overlay.preview(Image.new("L", (4000, 3000))).size == (1600, 1200)
    small = Image.fromarray(photo("rocket", 90, 60))
    assert np.array_equal(np.asarray(overlay.preview(small)), np.asarray(small))
