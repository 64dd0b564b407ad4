"""Wear at the ends of its ranges: drawn without chance, so that each number can be worked out by hand."""

from math import pi

import cv2
import numpy as np
import pytest
from ends import Ends
from scipy.ndimage import gaussian_filter, uniform_filter

from restoration.synthesis import wear
from restoration.synthesis.wear import Mark, Sheet, _at_the_edge, _pressed, _sheet

SHEET = Sheet(300, 400, (0, 1, 2, 3), 0.5)


@pytest.fixture
def drawn(monkeypatch):
    """What cracks and lines are asked for, in place of drawing them."""
    calls = []
    monkeypatch.setattr(wear, "grow_crack", lambda rng, canvas, *given: calls.append(("crack", *given)))
    monkeypatch.setattr(wear, "draw_line", lambda canvas, *given: calls.append(("line", *given)))
    monkeypatch.setattr(wear, "flaked", lambda rng, canvas: canvas.astype(np.float32) / 255)
    monkeypatch.setattr(wear, "shadow_of", lambda rng, canvas: -(canvas.astype(np.float32) / 255))
    return calls


def levels(marks: list[Mark]) -> list[float]:
    return [round(float(mark.contrast), 6) for mark in marks]


@pytest.mark.parametrize(
    "place, sides", [(0.1, (0, 3)), (0.11, ()), (0.5, ()), (0.89, ()), (0.9, (1, 2)), (0, (0, 3)), (1, (1, 2))]
)
def test_a_part_of_a_print_has_the_sides_that_it_touches(place, sides):
    """Of a print of four sizes; its corner lies at -0.4 to 3.4 of them."""
    assert _sheet((300, 500), 4, Ends(place)) == Sheet(300, 500, sides, pytest.approx(1.2))
    assert _sheet((300, 500), 1, Ends(place)).sides == (0, 1, 2, 3)


@pytest.mark.parametrize(
    "sides, place, point, angle",
    [
        ((0,), 0.25, (5, 0), pi / 2 - 0.25),
        ((1,), 0.25, (20, 2.5), pi - 0.25),
        ((2,), 0.75, (15, 10), 3 * pi / 2 + 0.25),
        ((3,), 0.5, (0, 5), 2 * pi),
        ((), 0, (0, 0), pi / 2 - 0.5),
        ((), 1, (0, 10), 2 * pi + 0.5),
    ],
)
def test_a_point_on_a_side_and_an_angle_inwards(sides, place, point, angle):
    at, found = Sheet(11, 21, sides, 1.0).border_point(Ends(place))
    assert at == pytest.approx(point) and found == pytest.approx(angle)


def test_how_near_the_sides_are():
    for side, turn in enumerate((0, 3, 2, 1)):
        share = np.rot90(Sheet(100, 100, (side,), 0.5).edge_share(50), -turn)
        assert share[:, 7] == pytest.approx(np.exp(-np.arange(100) / 25), rel=1e-5)
    assert (Sheet(20, 30, (), 0.5).edge_share(50) == 0).all()
    assert Sheet(20, 30, (0,), 0.001).edge_share(50)[1, 3] == pytest.approx(np.exp(-1)), "a pixel at least"
    both = Sheet(20, 30, (0, 3), 1.0).edge_share(5)
    assert both[4, 2] == pytest.approx(np.exp(-2 / 5)), "the nearer one counts"


@pytest.mark.parametrize("share, is_changed", [(0.49, False), (0.5, True)])
def test_one_mark_in_two_is_faint_away_from_the_edges(share, is_changed):
    mark, sheet = Mark(np.full((100, 100), 0.8, np.float32), 30), Sheet(100, 100, (0,), 0.2)
    changed = _at_the_edge(Ends(0, share), sheet, mark).opacity[:, 50]
    expected = 0.8 * np.minimum(0.1 + 1.5 * np.exp(-np.arange(100) / 10), 1)
    assert changed == pytest.approx(expected if is_changed else np.full(100, 0.8), rel=1e-5)
    assert _at_the_edge(Ends(0, share), sheet._replace(sides=()), mark) is mark


@pytest.mark.parametrize("place, share", [(0, 0.15), (0.5, 0.75), (1, 1)])
def test_marks_are_stronger_and_fainter_from_place_to_place(place, share):
    opacity = np.full((30, 30), 0.5, np.float32)
    for fades, expected in ((True, share), (False, 1)):
        photo = _pressed(np.full((30, 30), 100, np.float32), Mark(opacity, 20, fades), 200, Ends(place, 0))
        assert np.allclose(photo, 100 + 10 * expected)


@pytest.mark.parametrize(
    "contrast, place, share, tone",
    [(999, 0, 0.69, 222), (999, 0, 0.7, 165), (999, 1, 0.7, 250), (-999, 0, 0, 0), (-999, 1, 0, 70)],
)
def test_what_hides_all_has_the_papers_tone_or_is_dark(contrast, place, share, tone):
    """Six tenths of the texture go with the emulsion; what is blurred goes wholly."""
    photo = np.random.default_rng(0).normal(125, 3, (40, 50)).astype(np.float32)
    pressed = _pressed(photo, Mark(np.ones_like(photo), contrast, False), 222, Ends(place, share))
    smooth = gaussian_filter(photo.astype(float), 2.5, mode="mirror")
    assert np.abs(pressed - (tone + 0.4 * (photo - smooth))).max() < 0.02


@pytest.mark.parametrize("contrast, left", [(45, 1), (46, 0.4), (-45, 1), (-46, 0.4)])
def test_a_faint_mark_leaves_the_texture(contrast, left):
    photo = (100 + 10 * (-1) ** np.indices((40, 40)).sum(axis=0)).astype(np.float32)
    pressed = _pressed(photo, Mark(np.ones_like(photo), contrast, False), 250, Ends(0, 0.5))[10:30, 10:30]
    assert np.ptp(pressed) == pytest.approx(20 * left, rel=1e-3)


@pytest.mark.parametrize(
    "kind, place, found",
    [(0.34, 0, 12), (0.34, 1, 30), (0.36, 0, 25), (0.79, 1, 75), (0.81, 0, 60), (0.99, 1, 140)],
)
def test_contrasts_are_faint_plain_or_strong(kind, place, found):
    assert wear.contrast(Ends(place, kind)) == pytest.approx(found)


@pytest.mark.parametrize(
    "place, shares, trunks, width, length, forks, contrasts",
    [
        (0, (0, 0.24), 1, 4 * 0.5, 100, 1, [-0.6 * 12, 1.2 * 12]),
        (0, (0, 0.25), 1, 4 * 0.5, 100, 1, [1.2 * 12]),
        (1, (0.9, 0.9), 3, 20 * 1.1, 800, 3, [1.2 * 140]),
    ],
)
def test_cracks_are_one_to_three_trunks(drawn, place, shares, trunks, width, length, forks, contrasts):
    marks = wear.cracks(Ends(place, *shares), SHEET)
    assert levels(marks) == pytest.approx(contrasts) and len(drawn) == trunks
    for name, point, angle, *given in drawn:
        assert name == "crack" and given == pytest.approx([width, length, forks, 0.5])
        assert (point, angle) == (pytest.approx([0, 299 * place]), pytest.approx(2 * pi + 0.5)) or place == 0


@pytest.mark.parametrize(
    "place, sides, count, width, length", [(0, 4, 16, 3, 15), (0, 2, 8, 3, 15), (0, 0, 0, 3, 15), (1, 4, 78, 9, 120)]
)
def test_edge_cracks_are_short_and_many(drawn, place, sides, count, width, length):
    [mark] = wear.edge_cracks(Ends(place, 0), SHEET._replace(sides=(0, 1, 2, 3)[:sides]))
    assert mark.contrast == pytest.approx(1.2 * (12 if place == 0 else 30)) and len(drawn) == count
    for _, _, angle, *given in drawn:
        assert given == pytest.approx([width, length, 1, 0.5])
        turn = 2 * pi + 1 if place else pi / 2 - 1  # half a radian of the side's, and as much of its own
        assert angle == pytest.approx(turn)


@pytest.mark.parametrize("is_upright, is_whole", [(True, True), (False, True), (True, False)])
def test_a_fold_is_a_nearly_straight_line_across_the_print(drawn, is_upright, is_whole):
    shares = (0.49 if is_upright else 0.5, 0.69 if is_whole else 0.7, 0, 0.4, 0.84)
    [mark] = wear.folds(Ends(0, *shares), SHEET)
    assert mark.contrast == pytest.approx(12)
    [(name, line, width)] = drawn
    assert name == "line" and width == pytest.approx(3 * 0.5)
    angle = -0.06 if is_upright else 0
    along, aside = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    assert (line - [40, 30]) @ aside == pytest.approx(np.full(len(line), -1.0)), "swayed by two thousandths"
    assert (line - [40, 30]) @ along == pytest.approx(np.arange(-800 if is_whole else 0, 800, 4))


def test_two_folds_have_shadows_and_eleven_cracks_aside(drawn):
    marks = wear.folds(Ends(1, *(0.4, 0.5, 0.9, 0.39, 0.86) * 2), SHEET._replace(unit=2.0))
    assert levels(marks) == pytest.approx([-0.6 * 140, -0.6 * 140] * 2)
    assert [name for name, *_ in drawn] == (["line"] + ["crack"] * 11) * 2
    (_, line, width), (_, start, turn, *crack) = drawn[:2]
    assert width == pytest.approx(16 * 2) and np.hypot(*np.diff(line, axis=0).T) == pytest.approx(16)
    assert start == pytest.approx(line[-1]) and turn == pytest.approx(3 * pi / 2 + 0.06 + 1.6)
    assert crack == pytest.approx([2, 60, 0, 2.0])
    drawn.clear()
    wear.folds(Ends(0.5, 0.6, 0.6, 0.9, 0.4, 0.86), SHEET)
    (_, line, _), (_, _, turn, *crack) = drawn[:2]
    assert turn == pytest.approx(pi - 1.05) and crack == pytest.approx([2, 35, 0, 0.5]) and len(drawn) == 7


@pytest.mark.parametrize("share, dark", [(0.74, False), (0.76, True)])
def test_a_loss_shows_paper_or_black_and_a_fibrous_rim(share, dark):
    """At the corner of the print: 15 to 200 thousandths around it, and two to ten more."""
    rim, inside = wear.losses(Ends(0.5, 0.89, 0.59, share), SHEET)
    assert (rim.contrast, inside.contrast) == (150, -999 if dark else 999) and not (rim.fades or inside.fades)
    radius, stretch = np.sqrt(15 * 200) * 0.5, 1.25
    y, x = np.mgrid[:300, :400]
    lost = 1 - np.hypot(x * stretch, y - 300) / radius
    assert np.abs(inside.opacity - (lost * radius / 2).clip(0, 1)).max() < 1e-4
    assert np.abs(rim.opacity - ((lost + 6 * 0.5 / radius * 0.5) * radius / 2).clip(0, 1)).max() < 1e-4


@pytest.mark.parametrize(
    "sides, shares, middle",
    [
        ((2,), (0.89,), (199.5, 299)),  # one side has no corner
        ((2,), (0.91,), (200, 150)),  # a hole
        ((1, 2), (0.89, 0.61), (199.5, 299)),
        ((), (0.61,), (200, 150)),
    ],
)
def test_where_a_loss_lies(sides, shares, middle):
    _, inside = wear.losses(Ends(0.5, *shares), SHEET._replace(sides=sides[::-1]))
    y, x = np.mgrid[:300, :400]
    lost = 1 - np.hypot((x - middle[0]) * 1.25, y - middle[1]) / (np.sqrt(15 * 200) * 0.5)
    assert np.abs(inside.opacity - (lost * np.sqrt(15 * 200) / 4).clip(0, 1)).max() < 1e-4


@pytest.mark.parametrize("place", [0.3, 0.6])
def test_the_edge_of_a_loss_is_ragged(place):
    """By clouds as broad as six tenths of it, and by fine ones."""
    rim, inside = wear.losses(Ends(place, 0.91, 0.5), SHEET._replace(sides=(0,)))
    radius, stretch = 15 * (200 / 15) ** place * 0.5, 0.5 + 1.5 * place
    y, x = np.mgrid[:300, :400]
    lost = 1 - np.hypot((x - 400 * place) * stretch, y - 300 * place) / radius
    lost += 0.8 * (place - 0.5) + 4 / radius * (place - 0.5)
    assert np.abs(inside.opacity - (lost * radius / 2).clip(0, 1)).max() < 1e-3
    rim_width = (2 + 8 * place) * 0.5 / radius * place
    assert np.abs(rim.opacity - ((lost + rim_width) * radius / 2).clip(0, 1)).max() < 1e-3


@pytest.mark.parametrize("place, area", [(0, (10 / 500) ** 2), (0.5, 10 * 200 / 250_000), (1, 0.15)])
def test_a_stain_is_a_soft_blot(monkeypatch, place, area):
    """10 to 200 thousandths of the print wide; of this part, which is half of it, a seventh at most."""
    asked, blot = [], np.zeros((300, 400), bool)
    blot[100:200, 100:300] = True
    monkeypatch.setattr(wear, "draw_hole", lambda rng, *given: asked.append(given) or blot)
    sheet = SHEET._replace(unit=0.6)
    [mark] = wear.stains(Ends(place, 0.69, 0.34), sheet)
    assert asked == [(300, 400, pytest.approx(min(0.15, area * (0.6 / 0.6) ** 2)))] and not mark.fades
    soft = 0.5 + 0.5 * 24**place * 0.6
    expected = gaussian_filter(blot.astype(float), soft, mode="mirror") * (0.7 + 0.3 * place)
    assert np.abs(mark.opacity - expected).max() < 0.01
    assert mark.contrast == pytest.approx(8 * 5**place)
    [dark] = wear.stains(Ends(place, 0.71, 0.36), sheet)
    assert dark.contrast == pytest.approx(-(40 + 160 * place))


@pytest.mark.parametrize("place, count", [(0, 3), (1, 13)])
def test_scuffs_are_parallel(drawn, place, count):
    [mark] = wear.rubbing(Ends(place, 0.39, 0.36, 0.84 if place else 0.86), SHEET)
    assert mark.contrast == pytest.approx(75 if place else -25) and len(drawn) == count
    spread, sign = (10 + 70 * place) * 0.5, 2 * place - 1
    center = np.array([400.0, 300]) * place + sign * spread
    turn = pi * place + sign * 0.06
    half = np.array([np.cos(turn), np.sin(turn)]) * (10 + 90 * place) * 0.5
    for _, points, width, shade in drawn:
        assert points == pytest.approx(np.array([center - half, center + half]))
        assert (width, shade) == (1, 60 + 195 * place)


@pytest.mark.parametrize("place", [0, 0.8, 0.9, 1])
def test_a_rubbed_area_is_lacy_and_lies_in_a_patch_or_at_the_edges(place):
    [mark] = wear.rubbing(Ends(place, 0.41, 0.36), SHEET)
    lace = min(max((place - (0.6 + 0.2 * place)) * 8, 0), 1)
    patch = min(max((place - (0.5 + 0.3 * place)) * 6, 0), 1)
    edge = (2 * SHEET.edge_share(50) - 0.6).clip(0, 1)
    assert np.abs(mark.opacity - lace * np.maximum(patch, edge)).max() < 1e-4
    assert mark.contrast == pytest.approx(25 + 50 * place) and mark.fades


@pytest.fixture
def ellipses(monkeypatch):
    calls = []
    for name in ("ellipse", "circle"):
        monkeypatch.setattr(wear.cv2, name, lambda canvas, *given, name=name: calls.append((name, id(canvas), *given)))
    return calls


@pytest.mark.parametrize(
    "place, unit, count, at, axes, shade",
    [(0, 0.5, 7, (0, 0), (4, 3), 60), (1, 0.51, 161, (102, 2494), (28, 28), 255), (0, 0.2, 45, (0, 0), (3, 3), 60)],
)
def test_specks_are_many_and_small(ellipses, place, unit, count, at, axes, shade):
    """15 to 350 on a square print, 1.2 to 7 thousandths of it large; drawn to an eighth of a pixel."""
    light, dark = wear.specks(Ends(place), SHEET._replace(unit=unit))
    assert len(ellipses) == count and not light.fades
    assert {call[:1] + call[2:] for call in ellipses} == {
        ("ellipse", at, axes, 180.0 * place, 0, 360, shade, 1 if place else -1, cv2.LINE_AA, 3)
    }
    faint, strong = (12, 140) if place else (12, 12)
    assert (light.contrast, dark.contrast) == pytest.approx((1.4 * strong, -(strong if place else faint)))


@pytest.mark.parametrize(
    "sides, share, point",
    [
        ((0, 1), 0.3, (100, 75)),
        ((0, 1), 0.31, (76, 57)),  # in a cluster, a deviation of 0.12 of the print's sides wide
        ((0, 1), 0.55, (76, 57)),
        ((0, 1), 0.56, (93.5, -6.25)),  # at the upper edge, 25 thousandths around
        ((), 0.56, (100, 75)),
    ],
)
def test_specks_lie_anywhere_in_a_cluster_or_at_the_edges(ellipses, sides, share, point):
    wear.specks(Ends(0.25, share), SHEET._replace(sides=sides))
    assert ellipses[0][2] == tuple((8 * np.array(point)).astype(int))


@pytest.mark.parametrize("light, solid, rim, unit, is_light, filled, has_rim", [
    (0.71, 0.92, 0.19, 2.0, True, -1, True), (0.73, 0.94, 0.21, 2.0, False, 1, False),
    (0.7, 0.9, 0.1, 1.6, True, -1, False),
])  # fmt: skip
def test_a_large_flake_may_have_a_dark_rim(ellipses, light, solid, rim, unit, is_light, filled, has_rim):
    wear.specks(Ends(0, 0.1, light, solid, rim), SHEET._replace(unit=unit))
    speck, *others = ellipses
    assert speck[8] == filled and (others[0][0] == "circle") == has_rim
    if has_rim:
        assert others[0][1] != speck[1] and others[0][3:] == (int(9 * 1.2 * unit), 60, 1, cv2.LINE_AA, 3)
    last = [call for call in others if call[0] == "ellipse"][-1]
    assert (speck[1] == last[1]) == is_light, "all later ones are light"


SHARES = (0.2, 0.2, 0.3, 0.4, 0.5, 0.35, 0.65)  # of prints that have losses, stains, rubbing, edge cracks, ...


@pytest.mark.parametrize("place, worn_down", [(0, 0.5), (0.5, 1), (1, 1.5)])
def test_how_many_prints_have_each_kind(monkeypatch, place, worn_down):
    seen = []
    kinds = [(lambda rng, sheet, n=n: seen.append(n) or [], share) for n, (_, share) in enumerate(wear.KINDS)]
    monkeypatch.setattr(wear, "KINDS", kinds)
    for off, expected in ((-0.01, list(range(7))), (0.01, [round(6 * place)])):
        seen.clear()
        wear.add_wear(np.zeros((40, 40), np.uint8), Ends(place, *(share * worn_down + off for share in SHARES)))
        assert seen == expected


@pytest.mark.parametrize("place, count", [(0, 2), (0.5, 2), (1, 4)])
def test_shapes_are_drawn_beside_what_grows(monkeypatch, place, count):
    """None to two or four, as worn down as the print is."""
    seen, nothing = [], Mark(np.zeros((40, 40), np.float32), 10)
    monkeypatch.setattr(wear, "KINDS", [(lambda rng, sheet: [], 0.0)])
    monkeypatch.setattr(wear, "_shape_mark", lambda rng, sheet, shapes: seen.append(shapes) or nothing)
    wear.add_wear(np.zeros((40, 40), np.uint8), Ends(place), 1, {"dust": []})
    assert len(seen) == (0 if place == 0 else count)
    seen.clear()
    wear.add_wear(np.zeros((40, 40), np.uint8), Ends(place))
    assert not seen


@pytest.mark.parametrize("change", [5, 6, 12])
def test_a_change_counts_where_it_is_more_than_the_prints_texture(monkeypatch, change):
    rng, gray = np.random.default_rng(0), np.full((60, 90), 100, np.uint8)
    gray[:, 40:] += np.abs(rng.normal(0, 12, (60, 50))).astype(np.uint8)
    opacity = np.full(gray.shape, change / 20, np.float32)
    monkeypatch.setattr(wear, "KINDS", [(lambda rng, sheet: [Mark(opacity, 20, False)], 1.0)])
    photo, mask = wear.add_wear(gray, Ends(0.5, 0, 0, 0))
    texture = np.abs(gray - gaussian_filter(gray.astype(float), 1.5, mode="mirror"))
    least = np.maximum(6, uniform_filter(texture, 9, mode="mirror"))
    assert np.array_equal(mask, cv2.absdiff(photo, gray) >= least) and mask[:, :30].all() == (change >= 6)


@pytest.mark.parametrize(
    "kind, place, shares, found",
    [
        ("stain", 0, (0.61, 0.49), 8), ("stain", 1, (0.61, 0.51), -30), ("torn", 0, (0.61, 0.74), 999),
        ("dust", 0, (0.61, 0, 0.76), -12), ("dust", 1, (0.61, 0.34, 0.74), 30),
    ],
)  # fmt: skip
def test_real_damage_is_faint_if_it_is_a_stain_and_hides_all_if_it_is_torn(monkeypatch, kind, place, shares, found):
    asked, canvas = [], np.full((300, 400), 89, np.uint8)
    monkeypatch.setattr(wear, "draw_shape", lambda rng, shapes, *given: asked.append(given) or (kind, canvas))
    monkeypatch.setattr(wear, "flaked", lambda rng, canvas: canvas / np.float32(255))
    mark = wear._shape_mark(Ends(place, *shares), SHEET, {})
    assert mark.contrast == pytest.approx(found) and mark.opacity.mean() == pytest.approx(89 / 255)
    canvas[:] = 90
    assert not wear._shape_mark(Ends(0, 0.59), SHEET, {}).opacity.any(), "a shape that covers a third is none"
    assert asked[0] == ((300, 400), 0.5, None) and asked[1][2] is not None


def test_losses_alone_are_the_same_everywhere(monkeypatch):
    """All other marks may be faint away from the edges."""
    mark, asked = Mark(np.zeros((40, 40), np.float32), 10), []
    monkeypatch.setattr(wear, "_at_the_edge", lambda rng, sheet, mark: asked.append(mark) or mark)
    for name in ("losses", "stains"):
        monkeypatch.setattr(wear, name, lambda rng, sheet: [mark])
        monkeypatch.setattr(wear, "KINDS", [(getattr(wear, name), 1.0)])
        wear.add_wear(np.zeros((40, 40), np.uint8), Ends(0, 0))
    assert len(asked) == 1


@pytest.mark.parametrize("place", [0, 1])
def test_how_broad_the_hills_of_noise_are(monkeypatch, place):
    sizes = []
    monkeypatch.setattr(wear, "clouds", lambda rng, shape, size: sizes.append(size) or np.zeros(shape, np.float32))

    def asked(*given) -> list[float]:
        sizes.clear()
        given[0](Ends(place, *given[1:]), SHEET)
        return sizes

    assert asked(wear.losses, 0.91, 0.9) == pytest.approx([0.6 * (15 + 185 * place) * 0.5 + 2, 3, 3])
    assert asked(wear.rubbing, 0.41) == pytest.approx([5 if place else 2, (40 + 110 * place) * 0.5])
    monkeypatch.setattr(wear, "draw_hole", lambda *_: np.zeros((300, 400), bool))
    assert asked(wear.stains) == pytest.approx([60 * 0.5])
    sizes.clear()
    _pressed(np.zeros((9, 9), np.float32), Mark(np.ones((9, 9), np.float32), 10), 200, Ends(place))
    assert sizes == [32 if place else 4]
