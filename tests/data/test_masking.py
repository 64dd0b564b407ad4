"""Damage as the contest has it: constant holes of the promised size, the rest untouched."""

import cv2
import numpy as np
import pytest
from skimage import data

from restoration import masking
from restoration.masking import SHAPES, clip_tones, damage, draw_hole, jpeg

PHOTO = data.camera()[:256, :256]


def test_outside_the_mask_nothing_changes_and_each_hole_is_one_gray():
    for seed in range(200):
        damaged, mask = damage(PHOTO, np.random.default_rng(seed))
        assert np.array_equal(damaged[~mask], PHOTO[~mask])
        assert np.unique(damaged[mask]).size == 1


def test_several_holes_have_their_own_grays_and_share_the_area():
    counts = set()
    for seed in range(100):
        damaged, mask = damage(PHOTO, np.random.default_rng(seed), area=(0.08, 0.1), max_holes=3)
        counts.add(np.unique(damaged[mask]).size)
        assert 0.02 < mask.mean() < 0.12  # holes may overlap, so that they cover less
    assert counts == {1, 2, 3}


def test_areas_keep_to_the_contests_range():
    areas = np.array([damage(PHOTO, np.random.default_rng(seed))[1].mean() for seed in range(1000)])
    assert areas.min() > 0.005 and areas.max() < 0.15
    assert np.mean((areas > 0.0085) & (areas < 0.1496)) > 0.99
    assert np.histogram(areas, bins=6, range=(0.01, 0.13))[0].min() > 100  # evenly spread, not of one size


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__.strip("_"))
def test_every_shape_reaches_its_area(shape, monkeypatch):
    monkeypatch.setattr(masking, "SHAPES", (shape,))
    areas = [draw_hole(np.random.default_rng(seed), 256, 384, 0.05).mean() for seed in range(50)]
    assert 0.04 < np.median(areas) < 0.06


def test_crossing_outlines_fill_by_the_even_odd_rule():
    """Some self-crossing polygon must enclose known pixels that its filled hull would cover."""
    fractions = []
    for seed in range(60):
        points = masking._crossing_polygon(np.random.default_rng(seed)) * 60
        mask = masking._fill(points, np.array([0.5, 0.5]), 256, 256)
        hull = cv2.convexHull(np.argwhere(mask)[:, ::-1].astype(np.int32))
        fractions.append(mask.sum() / max(1.0, cv2.contourArea(hull)))
    assert min(fractions) < 0.5


def test_same_generator_same_damage():
    one, other, different = (damage(PHOTO, np.random.default_rng(seed), max_holes=3) for seed in (5, 5, 6))
    assert np.array_equal(one[0], other[0]) and np.array_equal(one[1], other[1])
    assert not np.array_equal(one[1], different[1])


def test_the_grays_cover_all_levels():
    grays = [damage(PHOTO, np.random.default_rng(seed))[0] for seed in range(300)]
    masks = [damage(PHOTO, np.random.default_rng(seed))[1] for seed in range(300)]
    values = [int(gray[mask][0]) for gray, mask in zip(grays, masks, strict=True)]
    assert min(values) < 10 and max(values) > 245 and abs(np.mean(values) - 127.5) < 15


@pytest.mark.parametrize("size", [(16, 16), (1, 40), (40, 1), (17, 300)])
def test_small_and_narrow_photos_are_damaged_too(size):
    damaged, mask = damage(np.zeros(size, np.uint8), np.random.default_rng(0))
    assert damaged.shape == mask.shape == size and mask.any()


def test_clipped_tones_make_flat_areas_but_no_new_order():
    for seed in range(20):
        clipped = clip_tones(PHOTO, np.random.default_rng(seed)).astype(int)
        order = np.argsort(PHOTO, axis=None, kind="stable")
        assert (np.diff(clipped.ravel()[order]) >= 0).all()


def test_jpeg_is_near_but_no_longer_constant():
    damaged, mask = damage(PHOTO, np.random.default_rng(3))
    compressed = jpeg(damaged, 75)
    assert np.unique(compressed[mask]).size > 1
    assert 0 < np.abs(compressed.astype(int) - damaged).mean() < 6
