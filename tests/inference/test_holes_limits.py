"""The rules that tell holes of one gray, each at its limits."""

import cv2
import numpy as np
import pytest
from scipy import ndimage

from restoration.inference import holes
from restoration.inference.holes import Region, find_compressed_holes, find_holes, picture_window


def flat(height: int, width: int, level: int, shape: tuple[int, int] = (100, 100)) -> np.ndarray:
    """Noise of 60 to 199 around a rectangle of one level."""
    gray = np.random.default_rng(0).integers(60, 200, shape, np.uint8)
    gray[20 : 20 + height, 20 : 20 + width] = level
    return gray


@pytest.mark.parametrize("height, width, is_hole", [(4, 60, True), (3, 90, False)])
def test_two_fifths_of_a_hole_lie_inside_it(height, width, is_hole):
    """Of 4 x 60 pixels 2 x 58, of 3 x 90 only 88; a hole has 0.4% of the photo, 80 pixels."""
    assert find_holes(flat(height, width, 130, (100, 200))).any() == is_hole


@pytest.mark.parametrize("side, is_hole", [(1, False), (2, False), (3, True)])
def test_where_no_pixel_has_eight_neighbors_nothing_is_flat(side, is_hole):
    gray = flat(0, 0, 0, (side, 200))
    gray[:, 50:90] = 130
    assert find_holes(gray).any() == find_holes(np.ascontiguousarray(gray.T)).any() == is_hole


@pytest.mark.parametrize("levels, pixels, is_one", [(64, 10_000, True), (65, 10_000, False), (64, 9_999, False)])
def test_a_palette_has_less_than_65_hundredths_of_the_levels_between_its_ends(levels, pixels, is_one):
    gray = np.arange(pixels)[None] % levels
    gray[gray == levels - 1] = 99
    gray = (gray + 50).astype(np.uint8)
    assert holes._has_palette(gray, holes._rank(gray)) == is_one
    assert holes._rank(gray)[[0, 50, 51, 149, 255]].tolist() == [0, 1, 2, levels, levels]


def test_two_hundred_flat_regions_are_looked_at_and_four_frames_taken_off():
    grid = (np.add.outer(np.arange(15), 3 * np.arange(15)) % 17 * 10).astype(np.uint8)
    gray = grid.repeat(10, axis=0).repeat(10, axis=1)
    assert len(list(holes._flat_regions(gray, holes._inside(gray)))) == 200
    framed = np.random.default_rng(0).integers(0, 256, (90, 120), np.uint8)
    for level in (10, 90, 30, 200, 60):  # the first lies inside all others
        framed = np.pad(framed, 8, constant_values=level)
    assert picture_window(framed) == np.s_[32 : 32 + 106, 32 : 32 + 136]


def edge(height: int, width: int, top: int, steps: list[int], beyond: list[int]) -> tuple:
    """A rectangle of level 100, 24 px from the left; how many levels lighter its rim and the pixels beyond are.

    Args:
        steps: of the rim, pixel by pixel; the last one goes on.
        beyond: levels more than in the rim, on the left and on the right.
    """
    gray, mask = np.full((80, 80), 100, np.uint8), np.zeros((80, 80), bool)
    mask[top : top + height, 24 : 24 + width] = True
    grown = cv2.dilate(mask.view(np.uint8), np.ones((3, 3)))
    rim = np.argwhere(grown > mask)
    levels = np.array([*steps, *[steps[-1]] * (len(rim) - len(steps))])
    gray[tuple(rim.T)] = 100 + levels
    further = np.where(np.arange(80) < 24 + width / 2, beyond[0], beyond[-1])
    gray = np.where(grown, gray, 100 + steps[-1] + further).astype(np.uint8)
    return Region(np.s_[0:80, 0:80], mask, 100), gray, np.arange(1, 257)


@pytest.mark.parametrize(
    "size, top, steps, beyond, stands_out",
    [
        ((15, 15), 20, [2] * 22 + [60], [0], True),  # 22 of 64 pixels of the rim are near: 0.344
        ((15, 15), 20, [2] * 23 + [60], [0], False),  # 0.359
        ((15, 15), 20, [3], [0], True),
        ((8, 8), 16, [16], [0], False),  # on the grid of JPEG
        ((8, 8), 16, [17], [0], True),
        ((8, 8), 16, [17] * 18 + [16], [0], True),  # half of the rim
        ((8, 8), 16, [17] * 17 + [16], [0], False),
        ((8, 8), 17, [16], [0], True),  # half of the outline
        ((8, 4), 16, [16], [0], False),  # two thirds
        ((30, 30), 20, [1] * 86 + [60], [0], True),  # 38 of 124 are far: drawn
        ((30, 30), 20, [1] * 87 + [60], [0], False),
        ((30, 30), 20, [1] * 80 + [100], [44, -44], True),
        ((30, 30), 20, [1] * 80 + [100], [48, -48], False),
        ((30, 30), 20, [1] * 80 + [100], [22], True),
        ((30, 30), 20, [1] * 80 + [100], [28], False),
    ],
)
def test_an_edge_stands_out_or_looks_like_shading_or_jpeg(size, top, steps, beyond, stands_out):
    assert holes._stands_out(*edge(*size, top, steps, beyond)) == stands_out


def rings(*levels: float) -> np.ndarray:
    """(80, 80): a square of 20 x 20 pixels of the first value, 9 pixels around it of the second, 7 more of the next."""
    distance = np.abs(np.arange(80) - 39.5) - 10
    ring = np.digitize(np.maximum.outer(distance, distance), [0, 9, 16])
    return np.array(levels, np.float32)[ring]


CORE = rings(1, 0, 0, 0).astype(np.uint8)


@pytest.mark.parametrize(
    "logits, near, clipped, halfway",
    [
        ((2, 9, -1, 9), 21, False, 0.5),  # what counts around is from 10 to 16 pixels away
        ((0.625, 9, -1, 9), 21, False, -0.1875),
        ((0.575, 9, -1, 9), 21, False, None),
        ((2, 9, -1, 9), 20, False, None),  # of 84 pixels of the rim a quarter is 21
    ],
)
def test_a_hole_is_seen_between_its_inside_and_what_is_around(logits, near, clipped, halfway):
    step = rings(0, 60, 60, 60)
    rim = np.argwhere(cv2.dilate(CORE, np.ones((3, 3))) > CORE)
    step[tuple(rim[:near].T)] = 3
    found = holes._halfway(CORE, step, rings(*logits), clipped)
    assert found == (None if halfway is None else pytest.approx(halfway))
    step[step == 3] = 4
    assert holes._halfway(CORE, step, rings(*logits), clipped) is None
    assert holes._halfway(np.ones_like(CORE), 0 * step, rings(*logits), clipped) is None, "nothing is around"


@pytest.mark.parametrize(
    "doubtful, least, is_seen", [(39, -9, True), (41, -9, False), (41, 0, True), (41, -0.1, False)]
)
def test_where_light_may_have_made_a_core_nine_tenths_of_it_are_surer_than_nine_tenths_around(doubtful, least, is_seen):
    logits = rings(4, 9, -1, 9)
    logits[tuple(np.argwhere(CORE)[:doubtful].T)] = least
    assert (holes._halfway(CORE, rings(0, 3, 3, 3), logits, True) is not None) == is_seen
    assert holes._halfway(CORE, rings(0, 3, 3, 3), logits, False) is not None
    assert (holes._halfway(CORE, rings(0, 3, 3, 3), -logits[::-1], True)) is None


def test_a_hole_around_its_core_against_scipys_morphology():
    """What is likely and of nearly its level, smoothed; then a pixel around that is mixed with it, and gaps closed."""
    rng, core = np.random.default_rng(0), CORE.view(bool)
    step = np.where(core, 0, 30 * rng.random((80, 80)) ** 2 + 60 * (rng.random((80, 80)) > 0.97)).astype(np.uint8)
    step[:22], step[-22:], step[:, :22], step[:, -22:] = 60, 60, 60, 60
    likely = rng.random((80, 80)) > 0.3
    box = np.ones((3, 3))
    alike = ndimage.binary_closing((step <= 14) & likely | core, box)
    labels, _ = ndimage.label(ndimage.binary_opening(alike, box), box)
    hole = np.isin(labels, np.unique(labels[core & (labels > 0)]))
    mixed = step <= np.maximum(14, ndimage.maximum_filter(step, 7) / 3)
    expected = ndimage.binary_closing(ndimage.binary_dilation(hole, box) & mixed, box)
    found = holes._around_core(CORE, step, likely)
    assert np.array_equal(found, expected) and 500 < found.sum() < 1300 and not (hole <= core).all()


@pytest.mark.parametrize(
    "level, clipped", [(60, True), (61, True), (62, False), (197, False), (198, True), (199, True)]
)
def test_light_may_have_made_a_core_at_an_end_of_the_range(monkeypatch, level, clipped):
    asked = []
    monkeypatch.setattr(holes, "_halfway", lambda core, step, logits, clipped: asked.append((clipped, core)))
    find_compressed_holes(flat(30, 30, level), np.zeros((100, 100)))
    [(asked_clipped, core)] = asked
    assert asked_clipped == clipped and min(core.shape) >= 62, "with 16 px around"


def test_the_lower_side_of_a_wide_photo_is_its_own_side():
    """Two lines of 49 px are drawn, one of 14 is too short; that along the photo's side does not count."""
    mask = np.zeros((60, 80), bool)
    mask[10:, 20:35] = True
    assert holes._is_drawn(Region(np.s_[0:60, 0:80], mask, 0), (60, 80))
    assert holes._is_drawn(Region(np.s_[0:80, 0:60], mask.T, 0), (80, 60))
