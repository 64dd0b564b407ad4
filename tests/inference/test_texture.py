"""Texture on pictures whose truth is known: what a hole gets must be what the picture goes on with."""

import cv2
import numpy as np
import pytest
from conftest import gray_photo, hole

from restoration.inference import patches, texture
from restoration.inference.texture import add_texture, thick_parts


def tiled(side: int = 160, period: int = 20) -> np.ndarray:
    """A tile of noise, blurred a little, over and over: uint8 (side, side)."""
    tile = np.random.default_rng(1).integers(0, 256, (period, period)).astype(np.uint8)
    whole = np.tile(tile, (side // period + 2, side // period + 2))
    return cv2.GaussianBlur(whole, (0, 0), 1.2)[period : period + side, period : period + side]


def fog(truth: np.ndarray, mask: np.ndarray, sigma: float = 4) -> np.ndarray:
    """What a network fills: the truth, blurred."""
    return np.where(mask, cv2.GaussianBlur(truth, (0, 0), sigma), truth).astype(np.uint8)


def error(one: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> float:
    return float(np.sqrt(np.mean((one[mask].astype(float) - truth[mask]) ** 2)))


def test_a_pattern_goes_on_through_holes_and_nothing_else_changes():
    truth, mask = tiled(), hole(160, 160, (20, 20, 60, 60), (100, 90, 140, 130))
    fill = fog(truth, mask)
    textured = add_texture(fill, mask)
    assert error(textured, truth, mask) < 0.6 * error(fill, truth, mask)
    assert np.array_equal(textured[~mask], truth[~mask])


@pytest.mark.parametrize("value", [0, 255])
def test_nothing_is_taken_from_what_is_masked(value):
    """A second hole, foggy black or white, leaves no trace in the first."""
    truth, mask = tiled(), hole(160, 160, (20, 20, 60, 60), (90, 20, 96, 140))
    fill = fog(truth, mask)
    fill[:, 90:96][mask[:, 90:96]] = value
    inside = np.s_[20:60, 20:60]
    assert error(add_texture(fill, mask)[inside], truth[inside], mask[inside]) < 0.6 * error(
        fill[inside], truth[inside], mask[inside]
    )


def test_a_sky_goes_on_without_a_seam(monkeypatch):
    """A gray ramp with grain: what is copied from elsewhere in it has another tone."""
    ramp = np.linspace(90, 130, 200)[:, None] + np.random.default_rng(2).normal(0, 4, (200, 160))
    mask, smooth = hole(160, 200, (40, 60, 120, 140)), np.linspace(90, 130, 200)[:, None].repeat(160, axis=1)
    fill = np.rint(np.where(mask, smooth, ramp)).astype(np.uint8)
    errors = []
    for tone in (patches.TONE, 0):
        monkeypatch.setattr(patches, "TONE", tone)
        tones = cv2.blur(add_texture(fill, mask) - smooth, (9, 9))
        errors.append(np.abs(tones[70:130, 50:110]).max())
    assert errors[0] < 2.5 and errors[0] < errors[1]


def test_any_number_of_cores_gives_the_same(monkeypatch):
    truth, mask = gray_photo("coffee", 180, 140), hole(180, 140, (40, 30, 110, 100))
    results = []
    for cores in (1, 3):
        monkeypatch.setattr(texture, "threads", lambda cores=cores: cores)
        results.append(add_texture(fog(truth, mask), mask))
    assert np.array_equal(*results)


def test_thin_damage_stays_as_the_network_filled_it():
    truth, thin, thick = tiled(), hole(160, 160, (0, 70, 160, 80)), hole(160, 160, (60, 20, 100, 60))
    assert np.array_equal(add_texture(fog(truth, thin), thin), fog(truth, thin))
    scratched = hole(160, 160, (0, 38, 160, 41)) | thick  # a scratch that runs into a hole is no part of it
    changed = thick_parts(scratched)
    assert changed[thick].all() and not changed[:, :40].any() and not changed[:, 120:].any()


def test_where_the_photo_has_nothing_to_take_from_the_fill_stays():
    truth, mask = tiled(), hole(160, 160, (3, 3, 157, 157))
    assert np.array_equal(add_texture(fog(truth, mask), mask), fog(truth, mask))


def test_a_very_large_hole_gets_its_texture_from_a_smaller_copy(monkeypatch):
    monkeypatch.setattr(texture, "MAX_AREA", 6000)
    sizes, make = [], texture.Patches.__init__

    def noted(level, *args):
        make(level, *args)
        sizes.append(level.image.size)

    monkeypatch.setattr(texture.Patches, "__init__", noted)
    truth, mask = tiled(), hole(160, 160, (40, 40, 100, 100))
    textured = add_texture(fog(truth, mask, 8), mask)
    assert max(sizes) <= 6400 and np.array_equal(textured[~mask], truth[~mask])
    assert error(textured, truth, mask) < 0.9 * error(fog(truth, mask, 8), truth, mask)
