"""Luma is Pillow's to the bit, and survives every change of chroma."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.spatial import cKDTree
from skimage import data

from restoration.chroma_bins import AXIS, BINS, NEAREST
from restoration.color import chroma, luma, with_chroma
from restoration.config import MODEL_WEIGHTS, SHIPPED_WEIGHTS
from restoration.inference.graphs import read_table


def pillow_luma(rgb: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(rgb).convert("L"))


@pytest.fixture(scope="module")
def every_fifth_color() -> np.ndarray:
    levels = np.arange(0, 256, 5, dtype=np.uint8)
    return np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(-1, levels.size, 3)


def test_luma_is_pillows(every_fifth_color):
    assert np.array_equal(luma(every_fifth_color), pillow_luma(every_fifth_color))


def test_luma_of_a_gray_photo_is_the_photo():
    gray = data.camera()
    assert luma(gray) is gray
    assert np.array_equal(luma(np.stack([gray] * 3, axis=-1)), gray)


def test_chroma_is_pillows_ycbcr(every_fifth_color):
    cbcr = np.asarray(Image.fromarray(every_fifth_color).convert("YCbCr"))[..., 1:].astype(float)
    assert np.abs(chroma(every_fifth_color) * 255 + 128 - cbcr).max() <= 1.0  # Pillow's are rounded to levels


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), strength=st.sampled_from([0.0, 0.02, 0.2, 0.5, 3.0]))
def test_luma_survives_any_chroma(seed, strength):
    rng = np.random.default_rng(seed)
    gray = rng.integers(0, 256, (64, 64), dtype=np.uint8)
    gray[:4] = np.array([0, 1, 254, 255])[:, None]
    cbcr = rng.uniform(-strength, strength, (64, 64, 2))
    assert np.array_equal(pillow_luma(with_chroma(gray, cbcr)), gray)


def test_luma_survives_the_corners_of_the_chroma_plane():
    gray, cb, cr = np.meshgrid(np.arange(256), np.linspace(-0.5, 0.5, 41), np.linspace(-0.5, 0.5, 41), indexing="ij")
    gray = gray.reshape(256, -1).astype(np.uint8)
    rgb = with_chroma(gray, np.stack([cb, cr], axis=-1).reshape(256, -1, 2))
    assert np.array_equal(pillow_luma(rgb), gray)


def test_a_photos_own_chroma_gives_the_photo_back():
    photo = data.astronaut()[::2, ::2]
    difference = np.abs(with_chroma(luma(photo), chroma(photo)).astype(int) - photo)
    # Luma's rounding: (0, 0, 3) has luma 0, and only black has that.
    assert difference.max() <= 4 and difference.mean() < 0.5


def test_chroma_out_of_the_cube_keeps_its_hue():
    gray = np.full((1, 200), 200, np.uint8)
    cbcr = np.linspace(0, 1, 200)[None, :, None] * np.array([-0.3, 0.4])
    back = chroma(with_chroma(gray, cbcr))[0, 20:]
    angle = np.arctan2(back[:, 1], back[:, 0])
    assert np.abs(angle - np.arctan2(0.4, -0.3)).max() < 0.15  # clipping the channels turns it by 0.5 and more


def test_no_chroma_is_gray():
    gray = np.arange(256, dtype=np.uint8)[None]
    assert np.array_equal(with_chroma(gray, np.zeros((1, 256, 2))), np.stack([gray] * 3, axis=-1))


def test_bins_are_the_nodes_of_a_grid_cb_first_near_every_color(every_fifth_color):
    grid = np.stack(np.broadcast_arrays(AXIS[:, None], AXIS), axis=-1)
    away = np.linalg.norm(grid[:, :, None] - BINS, axis=-1)
    assert np.array_equal(BINS, grid[away.min(axis=-1) == 0])
    assert np.array_equal(NEAREST.reshape(away.shape[:2]), away.argmin(axis=-1))
    colors = chroma(every_fifth_color).reshape(-1, 2)
    of_bins, (of_nodes, node) = (cKDTree(places.reshape(-1, 2)).query(colors) for places in (BINS, grid))
    assert np.mean(of_bins[0] > of_nodes + 1e-6) < 0.001 and (of_bins[0] - of_nodes).max() < 0.03
    assert len(BINS) <= len(np.unique(node)), "and nowhere else"


def test_bins_are_those_that_the_shipped_weights_were_trained_for():
    """Levels of Cb and of Cr, on both sides of gray; how many of their pairs there are, the weights know."""
    half = np.array([0, 3, 7.5, 13, 20, 29, 40, 54, 72, 96, 128]) / 255
    assert np.allclose(AXIS, [*-half[:0:-1], *half])
    table, _ = read_table(SHIPPED_WEIGHTS / "color" / MODEL_WEIGHTS)
    assert table["prior"]["shape"] == [len(BINS)]
