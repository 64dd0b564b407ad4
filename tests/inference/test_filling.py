"""Coarse to fine with a network that adds nothing: what is filled is the membrane, at every size."""

import cv2
import numpy as np
import pytest
from conftest import gray_photo, hole
from hypothesis import given, settings
from hypothesis import strategies as st

from restoration.inference import filling
from restoration.inference.filling import FILL_SIZE, _any_of_four, _halved, fill_smoothly


class Nothing:
    """An Inpainter's network before its first step, or one that adds a few levels; it keeps the sizes that it sees."""

    def __init__(self, levels: float = 0):
        self.seen, self.added = [], levels / 255

    def __call__(self, image, box=None):
        self.seen.append(image.shape[1:])
        return np.full((2, *image.shape[1:]), self.added, np.float32)[(slice(None), *box.slices)]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_half_the_size_is_the_mean_of_what_is_known(height, width, share, seed):
    rng = np.random.default_rng(seed)
    gray, mask = rng.integers(0, 256, (height, width)).astype(np.uint8), rng.random((height, width)) < share
    half, half_mask = _halved(gray, mask)
    assert half.shape == half_mask.shape == (-(-height // 2), -(-width // 2))
    for y, x in np.argwhere(~half_mask):
        block = np.s_[2 * y : 2 * y + 2, 2 * x : 2 * x + 2]
        known = gray[block][~mask[block]].astype(float)
        if gray[block].size == 4:  # at an odd edge, pixels count twice
            assert abs(half[y, x] - known.mean()) <= 0.5
    count = [[(~mask)[y : y + 2, x : x + 2].sum() for x in range(0, width, 2)] for y in range(0, height, 2)]
    if not (height | width) % 2:
        assert np.array_equal(half_mask, np.array(count) < (2 if np.max(count) > 1 else 1))
    masked = [[mask[y : y + 2, x : x + 2].any() for x in range(0, width, 2)] for y in range(0, height, 2)]
    assert np.array_equal(_any_of_four(mask), masked)
    assert half_mask.all() == mask.all(), "something stays known as long as anything is"


@pytest.mark.parametrize("width, height", [(1300, 1100), (2100, 70), (1025, 513)])
def test_a_large_hole_is_filled_in_bounded_pieces_and_nothing_else_changes(width, height):
    gray = gray_photo("coffee", width, height)
    mask = hole(width, height, (width // 8, height // 8, 7 * width // 8, 7 * height // 8))
    network = Nothing()
    filled = fill_smoothly(np.where(mask, 0, gray).astype(np.uint8), mask, network)
    assert np.array_equal(filled[~mask], gray[~mask])
    assert max(max(size) for size in network.seen) <= FILL_SIZE
    known = gray[~mask]
    assert known.min() <= filled[mask].min() and filled[mask].max() <= known.max()
    assert np.abs(filled[mask] - gray[mask].astype(int)).mean() < np.abs(gray[mask] - known.mean()).mean() * 1.2


def test_a_ramp_goes_on_through_a_large_hole_and_a_small_one():
    """The membrane over a plane is that plane: no seam between scales or tiles stands out of it."""
    ramp = np.add.outer(np.linspace(20, 110, 1400), np.linspace(0, 120, 1200))
    mask = hole(1200, 1400, (200, 150, 1000, 1250), (40, 1300, 60, 1320))
    filled = fill_smoothly(np.where(mask, 0, np.rint(ramp)).astype(np.uint8), mask, Nothing())
    assert np.abs(filled - ramp).max() < 20
    assert np.abs(np.diff(filled.astype(int), axis=0)).max() <= 8


@pytest.mark.parametrize(
    "level, added, expected",
    [
        (0, 0, 0),
        (128, 0, 128),
        (255, 0, 255),
        (128, 9.4, 137),
        (128, -9.4, 119),
        (128, 9.6, 138),
        (9, -20, 0),
        (250, 9, 255),
    ],
)
def test_a_hole_in_one_level_gets_exactly_that_and_what_the_network_adds_to_the_nearest_level(level, added, expected):
    gray, mask = np.full((60, 80), level, np.uint8), hole(80, 60, (20, 20, 50, 40))
    filled = fill_smoothly(np.where(mask, 77, gray).astype(np.uint8), mask, Nothing(added))
    assert (filled[mask] == expected).all() and (filled[~mask] == level).all()


@pytest.mark.parametrize("detail, halved", [(0, True), (8, False)])
def test_of_a_photo_without_fine_detail_many_pixels_are_filled_at_half_the_size(detail, halved, monkeypatch):
    """Whatever lies in the mask, and as well as at the full size."""
    soft = cv2.resize(gray_photo("coffee", 300, 220), (1200, 880), interpolation=cv2.INTER_CUBIC)
    gray = (soft + np.random.default_rng(0).normal(0, detail, soft.shape)).clip(0, 255).astype(np.uint8)
    mask = hole(1200, 880, *((left, 40, left + 12, 840) for left in range(100, 1100, 90)))

    def filled(level: int) -> tuple[np.ndarray, float, int]:
        network = Nothing()
        fill = fill_smoothly(np.where(mask, level, gray).astype(np.uint8), mask, network)
        return fill, np.abs(fill[mask] - soft[mask].astype(int)).mean(), sum(map(np.prod, network.seen))

    fill, error, seen = filled(0)
    assert np.array_equal(fill, filled(255)[0]) and np.array_equal(fill[~mask], gray[~mask])
    monkeypatch.setattr(filling, "MANY", np.inf)
    _, full_error, full_seen = filled(0)
    assert error < 1.05 * full_error and (seen < 0.3 * full_seen) == halved
