"""The rules that tell paper from pictures, each at its limits."""

import numpy as np
import pytest
from conftest import gray_photo

from restoration.inference import paper
from restoration.inference.paper import (
    Side,
    _are_beside,
    _fitted,
    _groups,
    _paper,
    _prints,
    _rectangle,
    _search,
    _side,
    _without_edge,
)
from restoration.inference.prints import Print

SIZE = 300, 400


def laid(found: Print, shape: tuple[int, int] = SIZE) -> np.ndarray:
    """Where an upright print covers a scan, bool."""
    where = np.zeros(shape, bool)
    where[found.box(shape)] = True
    return where


def page(*prints: Print, level: int = 200) -> np.ndarray:
    """Dark prints with texture on paper of one level, uint8 (300, 400)."""
    covered = np.any([laid(found) for found in prints], axis=0)
    return np.where(covered, gray_photo("grass", 400, 300) // 2, np.uint8(level))


def test_a_scan_is_looked_at_with_800_px_and_three_times_deep(monkeypatch):
    """Each time within a print's edge, which is blurred: 1.5 px of what was looked at."""
    seen = []

    def one_inside(view: np.ndarray) -> list[Print]:
        seen.append(view.shape)
        return [Print.whole(view.shape).grown(*[-50] * 4)]

    monkeypatch.setattr(paper, "_prints", one_inside)
    [found] = paper.find_prints(np.zeros((1000, 1600), np.uint8))
    assert seen == [(500, 800), (454, 797), (403, 797)]
    assert (found.width, found.height) == pytest.approx((697 / 0.656, 303 / 0.656), abs=1)
    small = Print.whole((300, 400))
    seen.clear()
    _search(np.zeros((300, 400), np.uint8), small, paper.MAX_NESTED)
    assert seen == [(300, 400), (197, 297), (94, 194)], "never enlarged"


@pytest.mark.parametrize("off, is_kept", [(15, True), (17, False)])
def test_a_print_in_a_print_reaches_out_of_it_by_a_fiftieth_of_its_longer_side(monkeypatch, off, is_kept):
    inner = Print(398.5 + off, 250, 797, 400)
    monkeypatch.setattr(paper, "_prints", lambda view: [Print(400, 250, 300, 200), inner])
    around = Print(400, 250, 800, 500)
    found = _search(np.zeros((500, 800), np.uint8), around, 1)
    assert (found == [around]) != is_kept
    assert _search(np.zeros((500, 800), np.uint8), around, paper.MAX_NESTED) != [around], "a scan may lack a part"


@pytest.mark.parametrize(
    "found, cut",
    [
        (Print(200, 150, 200, 100), (196, 96)),  # two px of each side
        (Print(500, 400, 750, 500), (744, 494)),  # four thousandths of the longer one
        (Print(500, 400, 1000, 800), (1000, 800)),  # where the scan ends nothing is cut off
        (Print(495, 400, 1000, 800), (991, 800)),  # what lies beyond it is
        (Print(499, 400, 1000, 800), (999, 800)),  # a pixel from its end a side is at its end
        (Print(498.5, 400, 1000, 800), (994.5, 800)),
    ],
)
def test_what_is_cut_off_a_prints_sides(found, cut):
    inside = _without_edge(found, (800, 1000))
    assert (inside.width, inside.height) == pytest.approx(cut, abs=1e-6)
    x, y = inside.corners().T
    assert x.min() >= 0 and y.min() >= 0 and x.max() <= 1000 and y.max() <= 800


@pytest.mark.parametrize("beyond, is_turned", [(19, True), (21, False)])
def test_a_turned_print_that_the_scan_cuts_by_more_than_a_fiftieth_stays_turned(beyond, is_turned):
    """Of 1000 px, at its lowest corner."""
    found = Print(700, 500, 1000, 400, 2.0)
    height = int(np.ceil(found.corners()[:, 1].max())) - beyond
    inside = _without_edge(found, (height, 1500))
    assert (inside.angle == 2.0) == is_turned


@pytest.mark.parametrize("height, counts", [(33, False), (37, True)])
def test_a_print_has_15_thousandths_of_the_scan(height, counts):
    """Of 120,000 px: 50 x 36; the region is found to two px around."""
    large = Print(140, 150, 110, 150)
    small = Print(330, 150, 51, height)
    assert len(_prints(page(large, small))) == 1 + counts


@pytest.mark.parametrize("edge, place", [(14, 36), (-14, 36)])
def test_paper_keeps_the_level_of_the_scans_edge_up_to_14_levels(edge, place):
    """One level from the 21st column on for each, seen blurred; and two columns more."""
    view = np.full(SIZE, 150, np.uint8)
    change = np.clip(np.minimum(np.arange(400), 399 - np.arange(400)) - 20, 0, 60)
    view[20:280] = 150 + np.sign(edge) * change
    middle = _paper(view)[150]
    assert np.flatnonzero(middle[:200]).max() == place and not middle[place + 1 : 399 - place].any()


@pytest.mark.parametrize("saw, slope, is_paper", [(4, 6, True), (4, 7, False), (8, 8, True), (8, 8.5, False)])
def test_grainy_paper_may_be_half_as_rough_again_as_the_scans_edge_up_to_16_levels(saw, slope, is_paper):
    """A saw of four levels a pixel is eight levels rough, twelve are paper; but where it is 16, 17 are not."""
    view = np.full(SIZE, 10, np.uint8) + saw * (np.arange(400, dtype=np.uint8) % 30)
    view[:, 90:200] = 30
    view[:12, 90:200] += (slope * np.arange(12)[:, None]).astype(np.uint8)
    around = np.ones(SIZE, bool)
    around[:12, 90:200], around[:, :84], around[:, 206:] = False, False, False
    view[around] = np.random.default_rng(0).integers(0, 2, around.sum()) * 200
    assert _paper(view)[4, 105:185].all() == _paper(view)[4, 105:185].any() == is_paper


@pytest.mark.parametrize("rise, is_paper", [(42, True), (43, False)])
def test_paper_lit_unevenly_differs_by_42_levels_along_the_edge(rise, is_paper):
    view = (100 + np.clip((np.arange(400) - 100) // 4, 0, rise)).astype(np.uint8)[None].repeat(300, axis=0)
    assert _paper(view).all() == _paper(view).any() == is_paper


def test_paper_inside_a_print_is_none_though_it_has_the_papers_level():
    view = page(Print(200, 150, 300, 200))
    view[120:180, 150:250] = 200
    assert not _paper(view)[110:190, 140:260].any()
    view[120:180, 250:] = 200  # as soon as it reaches the paper outside
    assert _paper(view)[125:175, 155:].all()


@pytest.mark.parametrize("shift, beside", [(49, True), (51, False)])
def test_ranges_are_beside_each_other_with_more_than_half_of_the_shorter_one(shift, beside):
    one, other = np.array([0.0, 300.0]), np.array([200.0 + shift, 300.0 + shift])
    assert _are_beside(one, other) == _are_beside(other, one) == beside


@pytest.mark.parametrize("share, is_one", [(0.57, False), (0.63, True)])
def test_prints_cover_three_fifths_of_what_is_not_paper(monkeypatch, share, is_one):
    """The rest of it is rough, and no print."""
    view = page(Print(100, 150, 120, 200))
    print_area = 120 * 200
    width = round(print_area * (1 - share) / share / 200)
    view[50:250, 240 : 240 + width] = gray_photo("grass", 400, 300)[50:250, 240 : 240 + width] // 2
    seen = Side(1.0, 1.0, 1.0, 2.0)
    monkeypatch.setattr(paper, "_fitted", lambda *given: (given[2], [seen if given[2].x < 200 else None] * 4))
    assert (len(_prints(view)) == 1) == is_one


def test_angles_reach_to_8_degrees():
    for angle in (9.5, -9.5):
        turned = np.zeros((400, 500), bool)
        Print(250, 200, 300, 220, angle).lay(np.ones((220, 300), bool), turned)
        assert abs(_rectangle(turned).angle) == pytest.approx(8, abs=0.05)


@pytest.mark.parametrize("longer, reach", [(350, 10), (700, 14)])
def test_steps_are_looked_for_ten_px_around_or_a_fiftieth_of_the_longer_side(monkeypatch, longer, reach):
    asked = []
    monkeypatch.setattr(paper, "_side", lambda light, where, margin: asked.append((light.shape, margin)) or (0.0, None))
    shape = 500, 900
    found, sides = _fitted(np.zeros(shape, np.uint8), np.zeros(shape, bool), Print(450, 250, longer, 300))
    assert sides == [None] * 4 and [margin for _, margin in asked] == [reach] * 4
    lengths = [longer + 2 * reach, 300 + 2 * reach] * 2  # less the corners: where another side's paper is seen
    assert [shape for shape, _ in asked] == [(2 * reach + 4, n - 2 * (reach + n // 16)) for n in lengths]
    assert found.corners() == pytest.approx(Print(450, 250, longer, 300).corners())


@pytest.mark.parametrize("row, is_seen", [(9, False), (10, True), (18, True), (19, False)])
def test_paper_and_its_spread_are_seen_within_ten_px_of_a_step(row, is_seen):
    light, where = np.full((44, 200), 200, np.float32), np.zeros((44, 200), np.uint8)
    light[20:] = 100
    where[row] = 1
    assert _side(light, where, 20) == (-0.5, Side(1.0 if is_seen else 0.0, 1.0, 1.0, 0.0))
    light[row] += np.linspace(-4, 4, 200)
    assert (_side(light, where, 20)[1].spread > 0.5) == (is_seen and row < 18)


def test_paper_is_seen_to_the_first_row_of_a_strip():
    light, where = strip(10)
    light[0], where[0] = 200 + np.linspace(-9, 9, 200), 1
    assert _side(light, where, 10)[1].spread > 1 and _side(light, where, 10)[1].paper == 1


@pytest.mark.parametrize("step, is_one", [(10, False), (10.5, True), (-10.5, True)])
def test_a_step_of_light_is_more_than_ten_levels(step, is_one):
    light = np.full((24, 200), 100, np.float32)
    light[:10] += step
    assert _side(light, np.zeros((24, 200), np.uint8), 10)[1].step == is_one


@pytest.mark.parametrize("shape, width", [((300, 400), 3), ((500, 240), 2), ((120, 800), 2), ((900, 820), 8)])
def test_grain_is_measured_along_the_edge_in_a_hundredth_of_the_shorter_side(monkeypatch, shape, width):
    asked, frame = [], paper._frame
    monkeypatch.setattr(paper, "_frame", lambda image, *width: asked.extend(width) or frame(image, *width))
    _paper(np.zeros(shape, np.uint8))
    assert asked == [width]


@pytest.mark.parametrize("height, count", [(41, 2), (39, 1)])
def test_a_print_of_less_than_a_tenth_of_the_largest_is_none(monkeypatch, height, count):
    sides = [Side(1.0, 1.0, 1.0, 2.0)] * 4
    fitted = lambda view, paper, found: (found._replace(width=25, height=height if found.x > 250 else 400), sides)  # noqa: E731
    monkeypatch.setattr(paper, "_fitted", fitted)
    monkeypatch.setattr(paper, "_is_print", lambda *_: True)
    assert len(_prints(page(Print(100, 150, 120, 100), Print(300, 150, 120, 100)))) == count


@pytest.mark.parametrize("down, groups", [(14, 1), (20, 2)])
def test_turned_prints_reach_from_their_first_corner_to_their_last(down, groups):
    """A strip of 100 x 20 px turned by 8 degrees is 33.7 px high."""
    prints = [Print(60, 50, 100, 20, 8.0), Print(180, 50 + down, 100, 20, 8.0)]
    assert len(_groups(prints, across=False)) == groups
    upright = [Print(y, x, h, w, -angle) for x, y, w, h, angle in prints]
    assert len(_groups(upright, across=True)) == groups


def strip(step: float) -> tuple[np.ndarray, np.ndarray]:
    """A strip with a margin of 10 px, light to a row and dark from it on, without paper."""
    light = np.full((24, 200), 200, np.float32)
    light[step:] = 100
    return light, np.zeros((24, 200), np.uint8)


@pytest.mark.parametrize("step, found", [(4, 4), (5, 5), (15, 15), (16, 16), (17, 16)])
def test_a_step_is_looked_for_six_px_to_both_sides(step, found):
    assert _side(*strip(step), 10)[0] == 9.5 - found and _side(*strip(3), 10)[0] != 6.5


def test_steps_of_more_than_40_levels_count_as_40():
    """Half of a first step of 60 levels does not outweigh a whole one of 30."""
    light, where = strip(24)
    light[8:, :100] -= 60
    light[13:] -= 30
    assert _side(light, where, 10)[0] == -3.5


@pytest.mark.parametrize("rows, is_side", [(4, True), (5, False)])
def test_a_side_is_none_where_most_of_what_is_beyond_it_is_beyond_the_scan(rows, is_side):
    """Of eight rows."""
    light, where = strip(10)
    where[:rows] = 2
    assert (_side(light, where, 10)[1] is not None) == is_side


def test_paper_is_even_to_nine_pixels():
    """A column that is 90 levels lighter, of a hundred, makes nine ten levels lighter."""
    light, where = strip(10)
    light[:8, 50] += 90
    assert _side(light[:, :100], where[:, :100], 10)[1].spread == pytest.approx(10)


@pytest.mark.parametrize("side, is_searched", [(32_766, True), (32_767, False)])
def test_a_side_that_opencv_can_turn_is_searched(monkeypatch, side, is_searched):
    monkeypatch.setattr(paper, "_search", lambda *_: [])
    assert (paper.find_prints(np.zeros((2, side), np.uint8)) == []) == is_searched
