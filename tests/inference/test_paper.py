"""Paper and the rectangles in it, each step by itself, on layouts that are known."""

import numpy as np
import pytest
from conftest import gray_photo

from restoration.inference import paper
from restoration.inference.paper import _fitted, _frame, _paper, _prints, _rectangle, _search
from restoration.inference.prints import Print

SIZE = 300, 400


def covered(found: Print, shape: tuple[int, int] = SIZE) -> np.ndarray:
    """How much of each pixel a print covers, also where it is not turned."""
    upright = found._replace(angle=found.angle or 1e-6)
    return upright.coverage(np.s_[0 : shape[0]], np.s_[0 : shape[1]])


def page(*prints: Print, level: float = 235, noise: float = 1.0, shape: tuple[int, int] = SIZE) -> np.ndarray:
    """Dark prints with texture on paper, uint8."""
    rng, view = np.random.default_rng(0), np.full(shape, level, np.float32)
    texture = gray_photo("grass", shape[1], shape[0]) / 2.0
    for found in prints:
        share = covered(found, shape)
        view = (1 - share) * view + share * texture
    return np.clip(np.rint(view + rng.normal(0, noise, shape)), 0, 255).astype(np.uint8)


def near(one: Print, other: Print, pixels: float, degrees: float = 0.15) -> bool:
    return np.abs(one.corners() - other.corners()).max() <= pixels and abs(one.angle - other.angle) <= degrees


@pytest.mark.parametrize("angle", [-7.8, -3.1, 0, 0.2, 5.0, 7.9])
def test_a_rectangle_is_found_at_its_angle(angle):
    true = Print(200, 150, 220, 140, angle)
    assert near(_rectangle(covered(true) > 0.5), true, 0.8, 0.21)


def test_angles_are_found_to_a_tenth_of_a_degree_on_average():
    prints = [Print(200.3, 150.2, 220, 140, angle) for angle in np.arange(-7.5, 7.6, 0.7)]
    assert np.mean([abs(_rectangle(covered(true) > 0.5).angle - true.angle) for true in prints]) < 0.1


def test_where_the_scan_ends_says_nothing_of_the_angle():
    """Of a turned print whose longer sides lie beyond the scan, the shorter ones count."""
    true = Print(200, 150, 200, 420, 4.0)
    assert abs(_rectangle(covered(true) > 0.5).angle - 4.0) <= 0.2


@pytest.mark.parametrize("off", [(0, 0, 0, 0), (4, -4, 3, -3), (-5, 5, 5, 5)])
@pytest.mark.parametrize("angle", [0.0, 3.0])
def test_sides_are_moved_to_their_steps_of_light(off, angle):
    true = Print(200, 150, 220, 140, angle)
    view, where = page(true), covered(true) < 0.5
    found, sides = _fitted(view, where, true.grown(*off))
    assert near(found, true, 0.6) and all(sides), "half a pixel within, where no paper shines through"
    paper_seen, picture, step, spread = np.array(sides).T
    assert paper_seen.min() > 0.97 and picture.min() > 0.97 and step.min() > 0.97 and spread.max() < 4


def test_a_side_where_the_scan_ends_is_none():
    true = Print(200, 75, 220, 150)
    found, sides = _fitted(page(true), covered(true) < 0.5, true)
    assert [side is None for side in sides] == [True, False, False, False]
    assert abs(found.corners()[0, 1]) < 0.01, "it stays where it was"


def test_paper_runs_along_the_edge_and_has_one_level():
    prints = [Print(120, 150, 120, 160), Print(290, 150, 120, 160, 3.0)]
    view = page(*prints)
    view[140:160, 110:130] = 235  # of the paper's level, but inside
    view[20:40, 300:330] = 200  # a label of another level
    found = _paper(view)
    outside = np.minimum.reduce([1 - covered(p.grown(*[3] * 4)) for p in prints]) == 1
    outside[16:44, 296:334] = False
    inside = np.maximum.reduce([covered(p.grown(*[-4] * 4)) for p in prints]) == 1
    assert found[outside].mean() > 0.995 and not found[inside].any() and not found[24:36, 304:326].any()
    assert np.array_equal(_paper(view[::-1, ::-1]), found[::-1, ::-1])


@pytest.mark.parametrize("fall, is_paper", [(0, True), (36, True), (48, False)])
def test_paper_may_be_lit_unevenly_up_to_a_point(fall, is_paper):
    """Each side is paper of its own levels, but not the whole frame where they differ too much."""
    view = page(Print(200, 150, 220, 140), level=170)
    lit = view + np.linspace(0, fall, 400)[None] * (covered(Print(200, 150, 224, 144)) == 0)
    found = _paper(np.clip(lit, 0, 255).astype(np.uint8))
    assert (found[:60].mean() > 0.9) == is_paper


@pytest.mark.parametrize("noise, is_paper", [(0.5, True), (3, True), (40, False)])
def test_paper_is_smooth(noise, is_paper):
    found = _paper(page(Print(200, 150, 220, 140), level=200, noise=noise))
    assert (found[:60].mean() > 0.9) == is_paper


@pytest.mark.parametrize("slope, is_paper", [(2, True), (3, False)])
def test_even_paper_may_get_lighter_by_four_levels_in_three_pixels(slope, is_paper):
    view = page(Print(200, 150, 220, 140), level=100, noise=0)
    view[:12, 100:200] += slope * np.arange(12, dtype=np.uint8)[:, None]
    assert _paper(view)[5, 110:190].all() == _paper(view)[5, 110:190].any() == is_paper


@pytest.mark.parametrize("length, is_paper", [(22, False), (36, True)])
def test_a_piece_of_paper_reaches_the_edge_along_a_twelfth_of_the_shorter_side(length, is_paper):
    """Of 300 px; 5 px more are rough, where it ends."""
    view = page(Print(200, 150, 420, 320))
    view[:40, 100 : 100 + length] = 235
    assert _paper(view)[10:30, 104 : 96 + length].any() == is_paper


def test_a_frame_is_all_pixels_along_the_edge():
    image = np.arange(20).reshape(4, 5)
    assert sorted(set(_frame(image))) == [0, 1, 2, 3, 4, 5, 9, 10, 14, 15, 16, 17, 18, 19]
    assert set(_frame(image, 2)) == set(range(20))


def test_captions_and_dust_are_no_prints_and_what_is_left_over_speaks_against_all():
    large, small = Print(140, 150, 200, 200), Print(330, 150, 70, 60)
    [one, two] = _prints(page(large, small))
    assert near(one, large, 2) and near(two, small, 2)
    caption = Print(330, 150, 50, 34)  # 0.014 of the scan
    assert len(_prints(page(large, caption))) == 1
    tenth = Print(330, 150, 55, 64)  # less than a tenth of a print that is larger
    assert len(_prints(page(large.grown(10, 20, 10, 20), tenth))) == 1
    view = page(Print(60, 150, 90, 200))
    disc = np.hypot(*(np.mgrid[:300, :400] - np.array([150, 270])[:, None, None])) < 100
    view[disc] = gray_photo("grass", 400, 300)[disc] // 2  # no print, and most of what is not paper
    assert _prints(view) == []


def test_a_print_in_paper_in_a_bed_is_found_at_the_scans_own_size(monkeypatch):
    """Looked for at a fifth of it, and once more within the border."""
    true = Print(1100, 800, 1200, 800, 2.0)
    view = page(true.grown(*[90] * 4), level=20, shape=(1600, 2200))
    share = covered(true, (1600, 2200))
    white = covered(true.grown(*[90] * 4), (1600, 2200)) > 0.5
    view = np.where(white, (1 - share) * 240 + share * gray_photo("grass", 2200, 1600) / 2, view)
    view = np.clip(view + np.random.default_rng(1).normal(0, 1, view.shape), 0, 255).astype(np.uint8)
    monkeypatch.setattr(paper, "WORK", 440)
    whole = Print.whole(view.shape)
    [found] = _search(view, whole, 3)
    assert near(found, true, 12, 0.3)
    [border] = _search(view, whole, 1)
    assert near(border, true.grown(*[90] * 4), 12, 0.3), "asked once, the border is what is found"
    assert _search(view, whole, 0) == [whole] and _search(view[:60, :60], Print.whole((60, 60)), 3) == [
        Print.whole((60, 60))
    ]


def test_where_both_ends_of_a_landscape_scan_cut_a_print_its_one_side_counts():
    """Longer than the side that is seen is the line along the scan's lower edge."""
    assert abs(_rectangle(covered(Print(130, 150, 500, 420, 4.0)) > 0.5).angle - 4.0) <= 0.2


@pytest.mark.parametrize("height, is_searched", [(63, False), (64, True)])
def test_prints_are_searched_where_two_of_the_smallest_fit(monkeypatch, height, is_searched):
    asked = []
    monkeypatch.setattr(paper, "_prints", lambda view: asked.append(view.shape) or [])
    whole = Print.whole((height, 200))
    assert _search(np.zeros((height, 200), np.uint8), whole, 3) == [whole] and bool(asked) == is_searched
