"""Prints that lie on a table: grain and uneven light, where paper would be even."""

import cv2
import numpy as np
import pytest
from conftest import gray_photo

from restoration.inference import ground, paper
from restoration.inference.ground import find_ground
from restoration.inference.paper import find_inside_paper, find_prints
from restoration.inference.prints import Print

SHAPE = 450, 600
WHOLE = np.s_[0:450, 0:600]


def table(grain: float = 6, fall: float = 0.4, level: float = 130) -> np.ndarray:
    """Wood that is lighter on the left, float64 SHAPE."""
    fiber = cv2.GaussianBlur(np.random.default_rng(0).normal(0, 1, SHAPE), (0, 0), sigmaX=20, sigmaY=1)
    return (level + grain * fiber / fiber.std()) * np.linspace(1 + fall / 2, 1 - fall / 2, SHAPE[1])


def lay(below: np.ndarray, *prints: Print, border: int = 8) -> np.ndarray:
    """Prints with a white border on a table, uint8; a print's size is that of its paper."""
    page = np.clip(below, 0, 255).astype(np.float32)
    for number, found in enumerate(prints):
        size = round(found.width), round(found.height)
        photo = gray_photo(("coffee", "astronaut")[number % 2], size[0] - 2 * border, size[1] - 2 * border)
        photo = cv2.copyMakeBorder(photo, *[border] * 4, cv2.BORDER_CONSTANT, value=230).astype(np.float32)
        share = cv2.warpAffine(np.ones_like(photo), found.matrix(), SHAPE[::-1])
        page = page * (1 - share) + share * cv2.warpAffine(photo, found.matrix(), SHAPE[::-1])
    return np.clip(np.rint(page), 0, 255).astype(np.uint8)


def test_the_ground_is_all_but_the_print_though_light_falls_off_and_grain_differs_from_pixel_to_pixel():
    found = Print(310, 230, 330, 260, 4)
    assert np.ptp(cv2.blur(table(), (31, 31))) > 40, "more than the paper of a scan may differ"
    seen = find_ground(lay(table(), found))
    far = found.grown(*[6] * 4).coverage(*WHOLE) == 0
    inside = found.grown(*[-6] * 4).coverage(*WHOLE) == 1
    assert seen[far].mean() > 0.98 and seen[inside].mean() < 0.02


def test_light_is_followed_inward_also_where_it_changes_far_from_the_edge(monkeypatch):
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    lit = table(3) * (1 - 0.3 * np.exp(-((x - 250) ** 2 + (y - 200) ** 2) / 130**2))
    shares = []
    for rounds in (1, 4):
        monkeypatch.setattr(ground, "ROUNDS", rounds)
        shares.append(find_ground(np.clip(lit, 0, 255).astype(np.uint8)).mean())
    assert shares[0] < 0.8 and shares[1] > 0.92


@pytest.mark.parametrize("angle", [-5.0, 0.0, 3.0])
@pytest.mark.parametrize("level", [70, 130, 190])
def test_a_print_on_a_table_is_found_with_the_picture_in_it(angle, level):
    true = Print(310, 230, 330, 260, angle)
    [found] = find_inside_paper(lay(table(level=level), true))
    corners = np.abs(found.corners() - true.corners()).max()
    assert corners < 16 and abs(found.angle - angle) < 0.5, "the paper, or the picture within its border"


def test_several_prints_on_a_table_are_found_in_reading_order_or_none_of_them():
    prints = [Print(150, 120, 220, 170, 3), Print(430, 130, 240, 180, -2), Print(300, 330, 260, 190, 0)]
    found = find_inside_paper(lay(table(), *prints))
    assert len(found) == 3
    for one, true in zip(found, prints, strict=True):
        assert np.abs(one.corners() - true.corners()).max() < 16
    page = lay(table(), *prints[:2])
    cv2.ellipse(page, (300, 340), (110, 80), 0, 0, 360, 40, -1)  # a bowl
    assert find_inside_paper(page) == []


def test_nothing_is_found_on_an_empty_table_nor_where_a_side_is_not_seen():
    for page in (lay(table()), lay(table(), Print(500, 230, 330, 260, 2)), lay(table(), Print(300, 230, 90, 60, 2))):
        assert find_inside_paper(page) == []
    whole = gray_photo("astronaut", *SHAPE[::-1])
    assert find_prints(whole) == [Print.whole(whole.shape)]


def test_what_is_no_rectangle_is_no_print():
    page = table()
    cv2.ellipse(page, (310, 230), (190, 140), 0, 0, 360, 230, -1)
    assert find_inside_paper(np.clip(page, 0, 255).astype(np.uint8)) == []


@pytest.mark.parametrize("off, wrong", [((0, 0, 0, 0), False), ((-20, -20, -20, -20), False), ((0, 60, 0, 0), True)])
def test_where_paper_shows_another_print_the_table_is_believed_but_a_white_border_is_left_to_paper(
    monkeypatch, off, wrong
):
    true = Print(310, 230, 330, 260, 4)
    shown = [true.grown(*off)]  # once: there is nothing inside it
    monkeypatch.setattr(paper, "_prints", lambda view: [shown.pop()] if shown else [])
    [found] = find_prints(lay(table(), true))
    expected = true if wrong else true.grown(*off)
    assert np.abs(found.corners() - expected.corners()).max() < (16 if wrong else 0.1)


def test_a_table_is_not_looked_for_where_paper_has_several_prints_nor_inside_a_print(monkeypatch):
    asked, prints = [], [Print(160, 230, 220, 260, 3), Print(430, 230, 240, 180, -2)]
    monkeypatch.setattr(paper, "find_ground", lambda view: asked.append(view.shape) or find_ground(view))
    find_inside_paper(lay(np.full(SHAPE, 250.0), *prints))
    assert not asked
    find_inside_paper(lay(table(), *prints))
    assert len(asked) == 1
