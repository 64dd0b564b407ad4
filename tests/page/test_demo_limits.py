"""Marks, strokes and what is kept, each at its limits; no browser."""

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import hole
from PIL import Image
from scipy.ndimage import distance_transform_edt

from demo import limits, marks, reading, session
from demo.editing import EditState, Search
from demo.session import Session
from restoration.inference.prints import Print


def test_limits_are_those_that_the_guides_tell():
    root = Path(__file__).parents[2]
    told = (root / "README.md").read_text()
    assert "deletes your photo five minutes after" in told and limits.GRACE == 5 * 60
    assert (limits.MEGABYTES, limits.MEGAPIXELS, limits.WAITING) == (256, 64, 16)
    assert (limits.BATCH_PHOTOS, limits.BATCH_MEGAPIXELS, limits.BATCH_MEGABYTES) == (50, 400, 512)
    assert (session.IDLE, session.MOST) == (60 * 60, 32)


def test_a_layers_rings_are_a_fiftieth_of_the_photo_away():
    """In longer sides: what is new from 1/300 on, a ring from 1/56 to 1/45 with a dark rim from 1/60 to 1/42."""
    size, old, new = (900, 600), hole(900, 600, (100, 100, 200, 160)), np.zeros((600, 900), bool)
    new[300:304, 600:606] = True  # a speck by itself
    new[100:160, 200:206] = True  # grown out of what was marked
    layer = np.asarray(marks.marked_layer(old | new, new, size))
    fresh = new & (distance_transform_edt(~old) > 3)
    away = distance_transform_edt(~(fresh & (np.arange(900) > 400))) / 900
    expected = np.zeros((600, 900, 4), np.uint8)
    expected[old | new] = (255, 51, 102, 150)
    expected[(away > 1 / 60) & (away < 1 / 42)] = (0, 0, 0, 150)
    expected[(away > 1 / 56) & (away < 1 / 45) | fresh] = (255, 210, 0, 220)
    assert (layer != expected).any(axis=2).mean() < 0.0001
    painter = (Path(marks.__file__).parent / "browser" / "painter.js").read_text()
    assert "#ff3366" in painter, "the brush has the color of what is marked"


@pytest.mark.parametrize(
    "size, smaller",
    [((1600, 900), (1600, 900)), ((3200, 900), (1600, 450)), ((9000, 2), (1600, 1)), ((2, 9000), (1, 1600))],
)
def test_a_preview_has_1600_px_at_most(size, smaller):
    assert marks.fitted(size) == smaller and marks.fitted((800, 400), 400) == (400, 200)


def test_a_stroke_is_as_broad_as_it_says_and_no_broader_than_the_photo():
    for width, thickness in ((0.05, 10), (0.001, 1), (7, 200)):
        rows = marks.drawn([{"width": width, "points": [[0.1, 0.5], [0.9, 0.5]]}], (200, 400))[:, 100].sum()
        assert abs(rows - thickness) <= 1
    [[row, column]] = np.argwhere(marks.drawn([{"width": 0.001, "points": [[0.525, 0.25]]}], (20, 10)))
    assert (row, column) == (2, 10), "a tap is a point"
    beside = marks.drawn([{"width": 0.01, "points": [[-5, 0.5], [0.5, 0.5]]}], (200, 100))
    assert beside[50, :100].all() and not beside[:, 103:].any()
    assert not marks.drawn([{"width": 0.01, "points": [[2.9, 0.5], [2.5, 0.5]]}], (200, 100)).any()


@pytest.mark.parametrize("length, tap", [(0.049, True), (0.05, False)])
def test_a_tap_goes_less_than_half_of_its_width(length, tap):
    assert marks.is_tap({"width": 0.1, "points": [[0.5, 0.5], [0.5 + length, 0.5], [0.5, 0.5]]}) == tap
    assert marks.is_tap({"width": 0.1, "points": [[0.5, 0.5]]})


def test_thirty_changes_of_the_marks_can_be_undone():
    edit = EditState(
        "a", SimpleNamespace(image=Image.new("L", (40, 30))), None, np.zeros((30, 40), bool), None, "", None
    )
    edit.search = Search(edit.mask)
    for column in range(35):
        mask = edit.mask.copy()
        mask[:, column] = True
        edit.mark(mask, Search(mask, sensitivity=column) if column % 2 else None)
    assert not edit.new.any() and edit.search.sensitivity == 33
    for left in range(34, 4, -1):
        edit.undo()
        assert np.count_nonzero(edit.mask[0]) == left and edit.mask[:, :left].all()
    edit.undo()
    assert np.count_nonzero(edit.mask[0]) == 5 and edit.search.sensitivity == 3 and not edit.history


def test_pictures_for_the_browser_are_fine_jpeg_and_fast_png(tmp_path):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    visit = Session(tmp_path)
    with Image.open(visit.written(noise, "a.jpg")) as jpeg:
        assert max(jpeg.quantization[0]) <= 12 and {layer[1:3] for layer in jpeg.layer} == {(1, 1)}, (
            "95, no subsampling"
        )
    with Image.open(visit.written(noise, "a.png")) as png:
        assert np.array_equal(np.asarray(png), np.asarray(noise))
    assert all(re.fullmatch(r"[0-9a-f]{16}", folder.name) for folder in tmp_path.iterdir()) and len(visit.key) >= 21


@pytest.mark.parametrize(
    "prints, is_cut",
    [
        ([Print(50, 50, 80, 76, 0.9)], False),  # 0.608 of the scan
        ([Print(50, 50, 80, 74, 0.9)], True),
        ([Print(50, 50, 80, 76, 1.0)], True),
        ([Print(50, 50, 80, 76, -0.9)], False),
        ([Print(50, 50, 80, 76), Print(10, 10, 5, 5)], True),
    ],
)
def test_a_straight_print_that_fills_the_scan_is_not_cut_out(monkeypatch, prints, is_cut):
    monkeypatch.setattr(reading, "find_inside_paper", lambda gray: prints)
    assert bool(reading.prints_on(Image.new("RGB", (100, 100)))) == is_cut
