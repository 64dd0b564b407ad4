"""What wear is drawn with, and what holes are, without chance: at the ends of their ranges."""

from math import ceil, cos, pi, sin

import cv2
import numpy as np
import pytest
from ends import Ends
from scipy.ndimage import gaussian_filter

from restoration import masking
from restoration.synthesis import drawing, shapes
from restoration.synthesis.drawing import clouds, draw_line, flaked, log_uniform, shadow_of


def blurred(x: np.ndarray, sigma: float) -> np.ndarray:
    return gaussian_filter(x.astype(float), sigma, mode="mirror")


def test_a_line_is_a_pixel_wide_at_least_and_drawn_to_an_eighth_of_one(monkeypatch):
    calls = []
    monkeypatch.setattr(drawing.cv2, "polylines", lambda canvas, points, *given: calls.append((points[0], given)))
    for width in (0.2, 1.4, 2.6):
        draw_line(None, np.array([[1.0, 2.0], [3.3, 4.51]]), width, 90)
    assert [given for _, given in calls] == [(False, 90.0, width, cv2.LINE_AA, 3) for width in (1, 1, 3)]
    assert calls[0][0].tolist() == [[8, 16], [26, 36]]


@pytest.mark.parametrize("size, cells", [(25, [8, 12]), (0.5, [200, 300]), (500, [2, 2]), (30, [7, 10])])
def test_clouds_have_a_cell_for_each_hill(size, cells):
    asked = []

    class Noted(Ends):
        def random(self, size=None, dtype=float):
            asked.append(size)
            return super().random(size, dtype)

    assert np.allclose(clouds(Noted(0.25), (200, 300), size), np.full((200, 300), 0.25)) and asked == [cells]


def test_a_mark_is_as_drawn_ragged_or_has_islands():
    canvas = np.zeros((40, 50), np.uint8)
    canvas[10:30, 10:13], canvas[20:22, 20:40] = 255, 120
    drawn = canvas / 255
    assert np.array_equal(flaked(Ends(0.7, 0.39), canvas), drawn.astype(np.float32))
    for place in (0, 0.3, 0.8, 1):
        wide = blurred(drawn, 0.6 + 0.8 * place)
        ragged = (1.7 * wide + (place - 0.5) * (0.5 + 0.8 * place) * (wide > 0.08) - 0.3) * 3
        assert np.abs(flaked(Ends(place, 0.41), canvas) - ragged.clip(0, 1))[np.abs(wide - 0.08) > 0.002].max() < 0.01
        assert np.allclose(flaked(Ends(place, 0.74), canvas), flaked(Ends(place, 0.41), canvas))
        stayed = min(max((place - (0.1 + 0.5 * place)) * 5, 0), 1)
        assert np.allclose(flaked(Ends(place, 0.76), canvas), drawn * stayed, atol=1e-5)


@pytest.mark.parametrize("place, moved, sigma", [(0, -3, 0.3), (0.5, 0, 0.65), (1, 3, 1.0)])
def test_a_shadow_lies_up_to_three_pixels_beside(place, moved, sigma):
    canvas = np.zeros((30, 40), np.uint8)
    canvas[10:14, 20:30] = 200
    expected = blurred(np.roll(canvas, (moved, moved), (0, 1)) / 255, sigma)
    assert np.abs(shadow_of(Ends(place), canvas) - expected).max() < 0.01
    assert log_uniform(Ends(place), 2, 8) == pytest.approx(2 * 4**place)


class Last(Ends):
    """It chooses the last of all."""

    def choice(self, values, p=None):
        return values[-1]


@pytest.fixture
def crack(monkeypatch):
    """Grow a crack -> its lines (from, to, width, shade), its flakes (place, radius), its forks."""
    grow = drawing.grow_crack

    def grown(rng, angle=0.0, width=2.0, length=30.0, forks=0, unit=0.5, size=400) -> tuple[list, list, list]:
        lines, flakes, others = [], [], []
        with monkeypatch.context() as patch:
            patch.setattr(drawing, "draw_line", lambda canvas, points, *given: lines.append((*points, *given)))
            patch.setattr(drawing.cv2, "circle", lambda canvas, at, radius, *given: flakes.append((at, radius)))
            patch.setattr(drawing, "grow_crack", lambda rng, canvas, *given: others.append(given))
            grow(rng, np.zeros((size, size), np.uint8), np.array([9.0, 5.0]), angle, width, length, forks, unit)
        return lines, flakes, others

    return grown


def test_a_crack_goes_on_in_steps_and_gets_thinner_and_at_last_fainter(crack):
    for angle, unit, length, stride, steps in ((0.3, 0.5, 30, 3, 6), (-2.0, 1.0, 30, 5, 7), (1.0, 0.8, 3, 4, 1)):
        lines, flakes, others = crack(Ends(0.5), angle, 2.0, length, 0, unit)
        assert len(lines) == steps and not flakes and not others
        for step, (start, end, width, shade) in enumerate(lines):
            way = np.array([cos(angle), sin(angle)]) * stride
            assert start == pytest.approx([9, 5] + way * step) and end == pytest.approx(start + way)
            assert width == pytest.approx(2 * (1 - 0.6 * step / steps) * 0.95 * unit)
            assert shade == pytest.approx(187.5 * 0.93 ** max(0, step + 1 - ceil(0.7 * steps)))


@pytest.mark.parametrize(
    "place, turns, width, shade", [(0, [-0.062, -0.1174], 0.4, 100), (1, [0.362, 0.6274], 1.5, 255)]
)
def test_a_crack_strays_and_comes_back_to_its_goal(crack, place, turns, width, shade):
    """The goal by 0.04, the crack by 0.05 to 0.35 more; of what it is off, seven tenths stay."""
    lines, *_ = crack(Ends(place, 0.05, 0.05))
    found = [np.arctan2(*(end - start)[::-1]) for start, end, *_ in lines[:2]]
    assert found == pytest.approx(turns) and lines[0][2:] == pytest.approx((2 * width * 0.5, shade))


def test_a_crack_breaks_off_now_and_then_and_has_flakes_where_it_is_broad(crack):
    lines, flakes, _ = crack(Ends(0.5, 0.04, 0.041), width=4.0)
    assert len(lines) == 5 and not flakes
    lines, flakes, _ = crack(Ends(0.5, 0.9, 0.049, 0.9, 0.051), width=8.0)
    assert flakes == [((12, 5), int(8 * 0.5 * 0.9))]
    assert not crack(Ends(0.5, 0.9, 0.049), width=4.0)[1], "two pixels are not broad"


def test_a_crack_ends_a_little_beyond_the_picture(crack):
    lines, *_ = crack(Ends(0.5), length=900.0, size=30)
    assert lines[-1][0][0] < 30 + 30 <= lines[-1][1][0]
    lines, *_ = crack(Ends(0.5), angle=-pi / 2, length=900.0, size=30)
    assert lines[-1][0][1] > -30 >= lines[-1][1][1]


@pytest.mark.parametrize("share, forks, count", [(0.29, 2, 2), (0.31, 2, 0), (0.29, 0, 0)])
def test_a_crack_forks_after_50_thousandths(crack, share, forks, count):
    """8.3 steps of 3 px; and as far from there to the next fork."""
    shares = [*[0.5] * 9, share, *([0.5] * 9 if share < 0.3 else []), share]
    _, _, others = crack(Ends(0.5, *shares), length=114.0, forks=forks)
    assert len(others) == count
    for number, (point, angle, width, length, left, unit) in enumerate(others):
        assert point == pytest.approx([9 + 27 * (number + 1), 5]) and angle == pytest.approx(-0.9)
        assert (width, length, left, unit) == pytest.approx((2 * 0.5, 114 * 0.45, forks - 1, 0.5))


@pytest.mark.parametrize("place, until", [(0, 20), (1, 80)])
def test_forks_turn_aside_and_are_thinner_and_shorter(crack, place, until):
    steps = int(until * 0.5 / 3) + 1
    _, _, [(_, angle, width, length, *_), *_] = crack(Ends(place, *[0.5] * steps, 0.1), length=91.0, forks=1, size=900)
    assert (width, length) == pytest.approx((2 * (0.3 + 0.4 * place), 91 * (0.2 + 0.5 * place)))
    _, _, [(_, other, *_)] = crack(Ends(0.5, *[0.5] * 9, 0.1), length=91.0, forks=1)
    assert other == pytest.approx(-0.9) and (angle < -0.4 if place == 0 else angle > 1.4)
    _, _, [(_, mirrored, *_)] = crack(Last(0.5, *[0.5] * 9, 0.1), length=91.0, forks=1)
    assert mirrored == pytest.approx(0.9)


# Holes ----------------------------------------------------------------------------------------------


def radii(points: np.ndarray) -> np.ndarray:
    return np.hypot(*points.T)


@pytest.mark.parametrize("place", [0, 1])
def test_outlines_of_holes(place):
    star, crossing = masking._star_polygon(Ends(place)), masking._crossing_polygon(Ends(place))
    assert radii(star) == pytest.approx(np.full(5 + 7 * place, 0.4 + 0.6 * place))
    assert crossing == pytest.approx(np.full((4 + 4 * place, 2), 2 * place - 1))
    triangle, circle = masking._triangle(Ends(place)), masking._circle(Ends(place))
    angles = np.array([0, 2, 4]) * pi / 3 + 1.2 * place - 0.6
    assert triangle == pytest.approx(np.stack([np.cos(angles), np.sin(angles)], axis=1))
    assert circle @ [1, 1j] == pytest.approx(np.exp(2j * pi * np.arange(48) / 48))
    turns = np.diff(np.unwrap(np.angle(masking._star_polygon(np.random.default_rng(0)) @ [1, 1j])))
    assert (turns >= 0).all() and turns.sum() <= 2 * pi, "once around its center"


@pytest.mark.parametrize(
    "place, shares, aspect, turn",
    [(0, (0.33, 0.5), 1, 0), (0, (0.34, 0.5), 0.3, 0), (1, (0.34, 0.5), 1, 0), (0.5, (0.34, 0.49), 0.65, pi / 2)],
)
def test_a_rectangle_is_square_once_in_three_and_turned_once_in_two(place, shares, aspect, turn):
    upright = np.array([[-1, -aspect], [1, -aspect], [1, aspect], [-1, aspect]])
    turned = (upright @ [1, 1j]) * np.exp(1j * turn)
    assert masking._rectangle(Ends(place, *shares)) @ [1, 1j] == pytest.approx(turned)


def test_a_hole_is_drawn_anew_or_corrected_until_its_area_is_right_to_15_hundredths(monkeypatch):
    drawn, fill = [], masking._fill
    monkeypatch.setattr(masking, "_fill", lambda *given: drawn.append(given) or fill(*given))
    masking.draw_hole(np.random.default_rng(0), 60, 80, 2.0)
    assert len(drawn) == 20, "four shapes, each five times"
    assert all((np.ptp(points, axis=0) <= (79.001, 59.001)).all() for points, *_ in drawn), "none larger than the photo"
    off = [abs(masking.draw_hole(np.random.default_rng(s), 200, 300, 0.05).mean() / 0.05 - 1) for s in range(150)]
    assert 0.13 < max(off) <= 0.15
    assert masking.draw_hole(np.random.default_rng(0), 60, 80, 0.0).sum() in range(1, 9), "of four pixels"


@pytest.mark.parametrize("place, holes, area, level", [(0, 1, 0.01, 0), (1, 3, 0.13, 255)])
def test_how_many_holes_how_large_and_of_what_gray(monkeypatch, place, holes, area, level):
    asked = []
    monkeypatch.setattr(masking, "draw_hole", lambda rng, *given: asked.append(given) or np.eye(20, dtype=bool))
    damaged, mask = masking.damage(np.full((20, 20), 90, np.uint8), Ends(place), max_holes=3)
    assert asked == [(20, 20, pytest.approx(area / holes))] * holes
    assert (damaged[mask] == level).all() and mask.sum() == 20


@pytest.mark.parametrize("place, share, gain, offset", [(0, 0.51, 1, -140), (1, 0.51, 2.2, 60), (1, 0.49, 1, 0)])
def test_one_photo_in_two_is_crushed_or_blown(place, share, gain, offset):
    gray = np.arange(256, dtype=np.uint8)[None]
    expected = (gray * float(gain) + offset).clip(0, 255)
    assert np.abs(masking.clip_tones(gray, Ends(place, share)) - expected).max() < 1


# Shapes of real damage ------------------------------------------------------------------------------


class Noted(Ends):
    """It keeps the chances that it is given."""

    def choice(self, values, p=None):
        self.p = getattr(self, "p", None) if p is None else p
        return super().choice(values)


@pytest.mark.parametrize("kind, chance, least, most", [
    ("crack", 4.7, 0.3, 1.3), ("scratch", 2.8, 0.3, 1.3), ("hair", 3.0, 0.2, 1.0), ("dust", 5.0, 0.3, 1.3),
    ("stain", 2.0, 0.2, 1.2), ("fold", 0.4, 0.5, 1.0), ("torn", 0.5, 0.05, 0.3),
])  # fmt: skip
def test_shapes_are_drawn_as_often_and_as_large_as_real_ones_are(monkeypatch, kind, chance, least, most):
    """A shape's own size on a print of 500 px; each beside cracks."""
    drawn, shape = [], np.full((40, 60), 100, np.uint8)
    monkeypatch.setattr(shapes.cv2, "warpAffine", lambda shape, matrix, size, **_: drawn.append((shape, matrix, size)))
    for place, scale in ((0, least), (1, most)):
        rng = Noted(place)
        found, _ = shapes.draw_shape(rng, {kind: [shape]} | {"crack": [shape]}, (200, 300), 2.0, None)
        wanted = 4.7 / (4.7 + chance) if kind != "crack" else 1
        assert rng.p[sorted({kind, "crack"}).index("crack")] == pytest.approx(wanted)
        seen, matrix, size = drawn.pop()
        assert found in {kind, "crack"} and size == (300, 200)
        if found == kind:
            scale *= 4
            shrunk = scale < 0.6
            assert seen.shape == ((round(40 * scale), round(60 * scale)) if shrunk else (40, 60))
            assert seen.max() == (round(100 * min(2.5, scale**-0.7)) if shrunk else 100)
            scale = 1.0 if shrunk else scale
            assert matrix[:, :2] == pytest.approx(scale * np.diag([2.0 * place - 1, 1])), "mirrored, or turned once"
            inside = np.array(seen.shape[::-1]) * (0.2 + 0.6 * place)
            assert matrix @ [*inside, 1] == pytest.approx(np.array([300, 200]) * place)


def test_a_shape_in_memory_has_640_px_and_a_black_one_is_none(tmp_path):
    picture = np.zeros((100, 1280), np.uint8)
    cv2.imwrite(str(tmp_path / "crack-black.png"), picture)
    picture[20:40, 100:900] = 51
    cv2.imwrite(str(tmp_path / "crack-1.png"), picture)
    [found] = shapes.load_shapes(str(tmp_path))["crack"]
    assert found.shape == (50, 640) and found.max() == 255 and not found[:9].any()
