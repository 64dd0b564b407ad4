"""What patches are compared in, against its definition."""

import numpy as np
import pytest
from conftest import gray_photo, hole
from scipy.ndimage import gaussian_filter, maximum_filter

from restoration.inference import patches, texture
from restoration.inference.laplace import membrane


def test_contrast_is_the_deviation_of_detail_and_a_membrane_where_too_little_is_known():
    rng = np.random.default_rng(0)
    image, mask = rng.normal(100, 9, (50, 64)).astype(np.float32), hole(64, 50, (20, 14, 44, 40), (50, 45, 51, 46))
    blurred = lambda x, sigma: gaussian_filter(x.astype(float), sigma, mode="mirror")  # noqa: E731
    clean = maximum_filter(mask, 7) == 0  # three px around a mask the detail is that of the fill, too
    share = blurred(clean, 3)
    expected = np.sqrt(blurred((image - blurred(image, 2)) ** 2 * clean, 3) / np.maximum(share, 1e-3))
    has, wanted = patches._contrasts(image, mask)
    known = share >= 0.001
    assert np.allclose(has[known], expected[known], atol=1e-3)
    little = mask | (share < 0.3)
    assert np.allclose(wanted, membrane(has, little), atol=1e-6) and (little & ~mask).sum() > 50
    assert np.array_equal(*patches._contrasts(image, np.zeros_like(mask)))
    assert patches._contrasts(np.full_like(image, 90), mask)[0].max() < 1e-3, "what is all alike has none"


@pytest.mark.parametrize("pixels, is_masked", [(2, False), (3, True)])
def test_a_hundredth_of_a_coarse_pixel_masks_it(pixels, is_masked):
    """Of 16 x 16 px."""
    mask = np.zeros((48, 48), bool)
    mask[5, 20 : 20 + pixels] = True
    small = patches._reduced(mask, 16)
    assert small.shape == (3, 3) and small.sum() == small[0, 1] == is_masked
    assert np.allclose(patches._reduced(np.full((33, 40), 90, np.uint8), 16), 90)


@pytest.mark.parametrize("part", [7, 10_000])
def test_how_many_patches_are_compared_at_a_time_changes_nothing(monkeypatch, part):
    mask, results = hole(120, 110, (20, 20, 80, 80)), []
    for size in (patches.PART, part):
        monkeypatch.setattr(patches, "PART", size)
        found = patches.Patches(gray_photo("coffee", 120, 110), mask, mask, 0)
        found.start(None)
        found.improve(sharp=True)
        results.append(found.image)
    assert len(found.places) > 512 and np.array_equal(*results)


@pytest.mark.parametrize(
    "shape, powers", [((1024, 1024), [2, 1, 0]), ((1024, 1025), [2, 1]), ((2048, 2048), [2, 1]), ((2048, 2049), [2])]
)
def test_of_more_than_a_million_pixels_a_smaller_copy_gets_the_texture(monkeypatch, shape, powers):
    made = []

    class Nothing:
        sources = np.zeros(0)

        def __init__(self, *given):
            made.append(given[3])

    monkeypatch.setattr(texture, "Patches", Nothing)
    fill, mask = np.zeros(shape, np.uint8), np.zeros(shape, bool)
    mask[500:531, 500:531] = True
    assert texture._rebuilt(fill, mask, mask, 0) is fill and made == powers
