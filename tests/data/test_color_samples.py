"""What the Colorizer is shown in training: grays of old prints, paper without color, hints as people give them."""

import numpy as np
from skimage import data

from restoration.color import chroma, luma
from restoration.config import TrainConfig
from restoration.data.color_samples import aged_gray, chroma_levels, color_hints, color_sample, film_gray

PHOTO = data.coffee()[100:196, 100:228]
SEEDS = range(60)


def test_films_keep_the_order_of_grays_and_many_see_hardly_any_red():
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=-1)
    red = np.array([[[200, 20, 20]]], np.uint8)
    dark = 0
    for seed in SEEDS:
        gray = film_gray(ramp, np.random.default_rng(seed))[0].astype(int)
        assert (np.diff(gray) >= 0).all() and (gray[0], gray[-1]) == (0, 255)
        dark += int(film_gray(red, np.random.default_rng(seed))[0, 0]) < luma(red)[0, 0] - 15
    assert 12 <= dark <= 40


def test_an_aged_photo_is_still_that_photo():
    likeness = [
        np.corrcoef(aged_gray(PHOTO, np.random.default_rng(s)).ravel(), luma(PHOTO).ravel())[0, 1] for s in SEEDS
    ]
    assert min(likeness) > 0.3 and np.median(likeness) > 0.9
    assert len({round(x, 4) for x in likeness}) > 40, "hardly one is as another"


def test_paper_around_a_photo_has_no_color_and_all_else_keeps_its_own():
    truth, bordered = chroma_levels(chroma(PHOTO)), 0
    for seed in SEEDS:
        sample = color_sample(PHOTO, np.random.default_rng(seed), TrainConfig(old_gray=1.0, color_hints=0.0))
        paper = (sample["chroma"] != truth).any(axis=0)
        assert (sample["chroma"][:, paper] == 128).all()
        bordered += paper.any()
    assert 4 <= bordered <= 25
    plain = color_sample(PHOTO, np.random.default_rng(0), TrainConfig(old_gray=0.0))
    assert np.array_equal(plain["luma"][0], luma(PHOTO)) and np.array_equal(plain["chroma"], truth)


def test_hints_show_colors_of_the_place_from_single_pixels_to_all_but_a_hole():
    colors, shares = chroma(PHOTO), []
    for seed in SEEDS:
        given, hinted = color_hints(colors, np.random.default_rng(seed))
        off = np.hypot(*(given - colors)[hinted].T)
        assert np.quantile(off, 0.5) < 0.03, "a dab is of one color, that of its place"
        shares.append(hinted.mean())
    assert min(shares) < 0.005 and max(shares) > 0.6 and 0.3 < np.mean(np.array(shares) < 0.1) < 0.9
