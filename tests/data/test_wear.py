"""Wear as old prints have it: the mask tells the whole truth, and the same seed gives the same wear."""

import cv2
import numpy as np
import pytest
from skimage import data

from restoration.wear import SEEN, WEAR, fade, scanned, worn

PHOTO = data.camera()[:256, :200]


def generator(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_nothing_changes_outside_the_mask_and_most_of_it_changes():
    for seed in range(60):
        photo, mask = worn(PHOTO, generator(seed))
        assert photo.dtype == np.uint8 and np.array_equal(photo[~mask], PHOTO[~mask])
        assert mask.any() and np.mean(photo[mask] != PHOTO[mask]) > 0.5


def test_a_print_stays_mostly_whole():
    areas = np.array([worn(PHOTO, generator(seed))[1].mean() for seed in range(200)])
    assert areas.max() < 0.35 and 0.005 < np.median(areas) < 0.13


@pytest.mark.parametrize("wear", WEAR, ids=lambda wear: wear.__name__)
def test_each_kind_is_seen(wear):
    """Averaged over many drawings, what lies on a middle gray stands out from it, and is opaque somewhere."""
    layers = [wear(generator(seed), 200, 300) for seed in range(40)]
    assert np.mean([opacity.max() for _, opacity in layers]) > 0.5
    assert max(opacity.max() for _, opacity in layers) <= 1 and min(opacity.min() for _, opacity in layers) >= 0
    assert min(abs(tone - 128) for tone, _ in layers) > 40
    assert sum((opacity >= SEEN).any() for _, opacity in layers) > 30


def test_a_part_of_a_larger_print_has_broader_wear_some_of_it_and_not_too_much():
    """What is drawn for the whole print is cut to the photo: the mask still tells the whole truth."""
    breadths = {}
    for scale in (1, 4):
        masks = []
        for seed in range(60):
            photo, mask = worn(PHOTO, generator(seed), scale)
            assert photo.shape == PHOTO.shape and np.array_equal(photo[~mask], PHOTO[~mask])
            assert mask.any() and mask.mean() < 0.6
            masks.append(mask)
        breadths[scale] = np.mean([cv2.distanceTransform(mask.view(np.uint8), cv2.DIST_L2, 3).max() for mask in masks])
    assert breadths[4] > 1.5 * breadths[1]


def test_same_generator_same_wear():
    one, other, different = (worn(PHOTO, generator(seed)) for seed in (5, 5, 6))
    assert np.array_equal(one[0], other[0]) and np.array_equal(one[1], other[1])
    assert not np.array_equal(one[1], different[1])


@pytest.mark.parametrize("shape", [(32, 32), (33, 400), (400, 33), (1, 50)])
def test_any_shape(shape):
    photo, mask = worn(np.full(shape, 128, np.uint8), generator(1))
    assert photo.shape == mask.shape == shape


def test_a_scanner_keeps_the_mean_and_is_sharp_in_some_photos_only():
    sharpness = [np.abs(np.diff(scanned(PHOTO, generator(seed)).astype(int))).mean() for seed in range(60)]
    true = np.abs(np.diff(PHOTO.astype(int))).mean()
    assert min(sharpness) < 0.8 * true and max(sharpness) > 1.1 * true and np.isclose(sharpness, true, rtol=1e-6).any()
    assert np.allclose([scanned(PHOTO, generator(seed)).mean() for seed in range(60)], PHOTO.mean(), atol=2)


def test_fading_keeps_the_order_of_grays_and_narrows_their_range():
    ramp = np.arange(256, dtype=np.uint8)[None]
    for seed in range(50):
        faded = fade(ramp, generator(seed)).astype(int)
        assert (np.diff(faded) >= 0).all() and np.ptp(faded) <= 255 and faded.min() >= 0
    assert np.mean([np.ptp(fade(ramp, generator(seed))) for seed in range(50)]) < 220
