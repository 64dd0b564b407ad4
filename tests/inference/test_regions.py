"""Boxes and windows around holes, on random masks and against scikit-image's own components."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt
from skimage.measure import label, regionprops

from restoration.inference.regions import Box, depth, hole_boxes, windows

CONTEXT = 64  # px around a hole, at least


@st.composite
def masks(draw) -> np.ndarray:
    """Up to eight rectangles, single pixels among them, in photos from one pixel to 700 x 700."""
    height, width = draw(st.integers(1, 700)), draw(st.integers(1, 700))
    mask = np.zeros((height, width), bool)
    for _ in range(draw(st.integers(0, 8))):
        top, left = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
        mask[top : top + draw(st.integers(1, 120)), left : left + draw(st.integers(1, 120))] = True
    return mask


@settings(max_examples=150, deadline=None)
@given(masks())
def test_boxes_hold_all_holes_with_context_and_do_not_meet(mask):
    boxes = hole_boxes(mask)
    times_covered = np.zeros(mask.shape, int)
    for box in boxes:
        assert 0 <= box.top < box.bottom <= mask.shape[0] and 0 <= box.left < box.right <= mask.shape[1]
        times_covered[box.slices] += 1
        assert mask[box.slices].any(), "a box without a hole is work for nothing"
    assert times_covered.max(initial=0) <= 1
    assert (times_covered[mask] == 1).all()
    for hole in regionprops(label(mask, connectivity=2)):
        assert any(has_context(box, hole.bbox, mask.shape) for box in boxes)


def has_context(box: Box, hole: tuple[int, int, int, int], photo: tuple[int, int]) -> bool:
    """Whether the box reaches past the hole by its longer side and CONTEXT, or to the photo's edge."""
    top, left, bottom, right = hole
    context = max(CONTEXT, bottom - top, right - left)
    wanted = (
        max(0, top - context),
        max(0, left - context),
        min(photo[0], bottom + context),
        min(photo[1], right + context),
    )
    return box.top <= wanted[0] and box.left <= wanted[1] and box.bottom >= wanted[2] and box.right >= wanted[3]


@given(st.integers(0, 400), st.integers(1, 60), st.integers(1, 60))
@settings(max_examples=40, deadline=None)
def test_two_holes_share_a_box_only_when_their_contexts_overlap(gap, first, second):
    mask = np.zeros((100, 900), bool)
    mask[40 : 40 + min(first, 50), 100 : 100 + first] = True
    start = 100 + first + 1 + gap
    mask[40 : 40 + min(second, 50), start : start + second] = True
    contexts = max(CONTEXT, first) + max(CONTEXT, second)
    assert len(hole_boxes(mask)) == (1 if gap + 1 < contexts else 2)


def test_no_hole_no_box():
    assert hole_boxes(np.zeros((50, 40), bool)) == []


def test_a_mask_over_everything_is_one_box():
    assert hole_boxes(np.ones((50, 400), bool)) == [Box(0, 0, 50, 400)]


def test_a_corner_hole_costs_its_surroundings_only():
    mask = np.zeros((3000, 4000), bool)
    mask[:10, -10:] = True
    assert hole_boxes(mask) == [Box(0, 4000 - 10 - CONTEXT, 10 + CONTEXT, 4000)]


@settings(max_examples=150, deadline=None)
@given(masks(), st.sampled_from([150, 200, 512]))
def test_windows_and_large_holes_hold_every_masked_pixel_exactly_once(mask, size):
    at_once, large = windows(mask, size)
    held = np.zeros(mask.shape, int) if large is None else large.astype(int)
    for window in at_once:
        assert window.hole.any() and window.filled.cut(window.seen) == window.filled
        assert window.seen.longer_side <= size
        held[window.filled.slices] += window.hole
    assert np.array_equal(held, mask)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
def test_specks_have_windows_beside_a_hole_that_is_too_large(seed, specks):
    mask = np.zeros((900, 1100), bool)
    for top, left in np.random.default_rng(seed).integers(0, (600, 1100), (specks, 2)):
        mask[top : top + 3, left : left + 7] = True
    mask[620:, 300:700] = True
    _, large = windows(mask, 512)
    assert np.count_nonzero(large) == 280 * 400


def test_a_hole_is_thick_when_it_is_far_from_known_pixels():
    for half, thin in [(16, True), (17, False)]:
        mask = np.zeros((1000, 1000), bool)
        mask[500 - half : 500 + half, 100:900] = True
        assert (windows(mask, 512)[1] is None) == thin


@settings(max_examples=60, deadline=None)
@given(masks())
def test_depth_is_scipys_distance_to_the_nearest_known_pixel(mask):
    if mask.all() or not mask.any():
        return
    assert np.allclose(depth(mask), distance_transform_edt(mask), rtol=0.03, atol=1e-6)


@given(st.integers(0, 90), st.integers(0, 90), st.integers(1, 60), st.integers(1, 60), st.sampled_from([4, 8, 32]))
def test_a_snapped_box_is_the_least_on_the_grid(top, left, height, width, grid):
    box = Box(top, left, top + height, left + width)
    snapped = box.snapped(grid)
    assert snapped.cut(box) == box and all(edge % grid == 0 for edge in snapped)
    assert all(abs(mine - own) < grid for mine, own in zip(snapped, box, strict=True))
    assert tuple(snapped.divided(grid)) == tuple(edge // grid for edge in snapped)


def test_what_just_fits_is_one_window():
    """A photo of 512 px; in a corner of a larger one a hole of 256, whose box is 512 px long, thick or thin."""
    mask = np.zeros((512, 512), bool)
    mask[5, 5] = mask[500, 500] = True
    assert len(windows(mask, 512)[0]) == 1 and len(windows(np.pad(mask, ((0, 1), (0, 0))), 512)[0]) == 2
    for height in (256, 10):
        for length, fits in ((256, True), (257, False)):
            mask = np.zeros((1000, 1000), bool)
            mask[: min(height, length), :length] = True
            found, large = windows(mask, 512)
            assert (large is None and len(found) == 1 and found[0].seen.longer_side == 512) == fits


def test_boxes_that_only_touch_are_two():
    for gap, count in ((128, 2), (127, 1)):
        mask = np.zeros((300, 600), bool)
        mask[100:110, 100:110] = mask[100:110, 110 + gap : 120 + gap] = True
        for turned in (mask, mask[:, ::-1], mask.T, mask.T[::-1]):
            assert len(hole_boxes(turned)) == count
