"""The Inpainter's samples without chance: at the ends of their ranges."""

import cv2
import numpy as np
import pytest
from ends import Ends

from restoration.color import luma
from restoration.config import TrainConfig
from restoration.data import batches
from restoration.data.batches import Crop
from restoration.data.photos import Hole

RGB = np.random.default_rng(0).integers(60, 200, (40, 50, 3), np.uint8)
GRAY = luma(RGB)
MARK = np.zeros((40, 50), bool)
MARK[10:20, 10:30] = True
CONFIG = TrainConfig(size=250, wear=0.4, hint_dropout=0.3, max_area=0.17, max_holes=3)


@pytest.fixture
def asked(monkeypatch):
    """What damage is drawn with; of the rest of a print's way to the computer, as little as can be seen."""
    calls = []

    def drawn(gray, *given, **how):
        calls.append((gray.copy(), *given[1:], how))
        return np.where(MARK, np.uint8(9), gray), MARK.copy()

    monkeypatch.setattr(batches, "add_wear", drawn)
    monkeypatch.setattr(batches, "damage", drawn)
    monkeypatch.setattr(batches, "simulate_scan", lambda gray, rng: gray)
    monkeypatch.setattr(batches, "fade", lambda gray, rng: gray // 2)
    monkeypatch.setattr(batches, "clip_tones", lambda gray, rng: gray // 3)
    monkeypatch.setattr(batches, "jpeg", lambda gray, quality: np.full_like(gray, quality))
    return calls


def planes(sample: dict) -> tuple[np.ndarray, ...]:
    marks = sample["marks"][0]
    return sample["luma"][0], sample["damaged"][0], (marks & 1).astype(bool), (marks >> 1).astype(bool)


@pytest.mark.parametrize("place, margin", [(0, 0), (0.5, 1), (1, 2)])
@pytest.mark.parametrize("share, is_worn", [(0.39, True), (0.4, False)])
def test_a_hint_marks_holes_to_the_pixel_and_wear_as_broadly_as_a_hand(asked, place, margin, share, is_worn):
    gray, damaged, mask, hint = planes(batches.inpaint_sample(RGB, Ends(place, 0.3, share, 0.2), CONFIG))
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    expected = cv2.dilate(MARK.view(np.uint8), cross, iterations=margin if is_worn else 0).view(bool)
    assert np.array_equal(mask, expected) and np.array_equal(hint, mask) and np.array_equal(gray, GRAY)
    assert (damaged[MARK] == 9).all() and np.array_equal(damaged[~MARK], GRAY[~MARK])
    [(seen, *given, how)] = asked
    assert np.array_equal(seen, GRAY)
    if is_worn:
        assert given == [pytest.approx(4**place), batches.NO_SHAPES], "as a part of a print of 1000 px at most"
    else:
        assert how == {"area": (0.01, 0.17), "max_holes": 3}


@pytest.mark.parametrize("share, level", [(0.19, 255 - 9), (0.21, 9)])
def test_one_print_in_five_has_its_wear_dark_for_light(asked, share, level):
    _, damaged, mask, _ = planes(batches.inpaint_sample(RGB, Ends(0, 0.3, 0.39, share), CONFIG))
    assert (damaged[mask] == level).all() and np.array_equal(damaged[~mask], GRAY[~mask])
    assert np.array_equal(asked[0][0], GRAY if level == 9 else 255 - GRAY)


@pytest.mark.parametrize(
    "shares, whole, damaged, marked",
    [  # blind, print, closer, fades, dark for light, whole, mounted, jpeg
        ((0.29, 0.39, 0.75, 0.49, 0.2, 0.3, 0.3, 0.6), GRAY // 2, 9, True),
        ((0.29, 0.39, 0.75, 0.51, 0.2, 0.3, 0.3, 0.6), GRAY // 3, 9, True),
        ((0.29, 0.39, 0.75, 0.49, 0.2, 0.29, 0.3, 0.6), GRAY // 2, None, False),
        ((0.29, 0.39, 0.75, 0.49, 0.2, 0.3, 0.3, 0.59), GRAY // 2, 60, True),
        # blind, no print, tones, what photos have themselves, whole, jpeg
        ((0.29, 0.4, 0.3, 0.2, 0.6), GRAY // 3, 9, True),
        ((0.29, 0.4, 0.29, 0.59, 0.2, 0.6), GRAY // 3, 0, True),
        ((0.29, 0.4, 0.29, 0.61, 0.2, 0.6), GRAY // 3, 255, True),
        ((0.29, 0.4, 0.3, 0.19, 0.6), GRAY // 3, None, False),
        ((0.29, 0.4, 0.3, 0.2, 0.59), GRAY // 3, 60, True),
    ],
)
def test_without_a_hint_damage_is_told_from_what_else_is_flat(asked, shares, whole, damaged, marked):
    """A mark of wear has a margin of one pixel always."""
    gray, seen, mask, hint = planes(batches.inpaint_sample(RGB, Ends(0, *shares), CONFIG))
    assert not hint.any() and np.array_equal(gray, whole) and mask.any() == marked
    is_print = shares[1] < 0.4
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    assert not marked or np.array_equal(
        mask, cv2.dilate(MARK.view(np.uint8), cross, iterations=int(is_print)).view(bool)
    )
    if damaged == 60:
        assert (seen == 60).all()
    else:
        assert np.array_equal(seen, np.where(MARK & mask, np.uint8(damaged or 0), whole))


@pytest.mark.parametrize("place, level, quality", [(0, 0, 60), (1, 6, 95)])
def test_dark_shadows_have_up_to_six_levels_and_jpeg_60_to_95(asked, place, level, quality):
    *_, mask, _ = planes(batches.inpaint_sample(RGB, Ends(place, 0.29, 0.4, 0.29, 0.59, 0.2, 0.6), CONFIG))
    _, damaged, *_ = planes(batches.inpaint_sample(RGB, Ends(place, 0.29, 0.4, 0.29, 0.59, 0.2, 0.6), CONFIG))
    assert (damaged[mask] == level).all()
    _, damaged, *_ = planes(batches.inpaint_sample(RGB, Ends(place, 0.29, 0.4, 0.3, 0.2, 0.59), CONFIG))
    assert (damaged == quality).all()


def test_three_prints_in_ten_lie_on_a_mount_which_is_no_damage(asked, monkeypatch):
    mount = np.zeros((40, 50), np.float32), np.full((40, 50), 240, np.float32)
    mount[0][:15] = 0.5
    mount[0][15:17] = 0.49
    monkeypatch.setattr(batches, "draw_mount", lambda rng, shape: mount)
    shares = (0.29, 0.39, 0.75, 0.5, 0.2, 0.3, 0.29, 0.6)
    gray, damaged, mask, _ = planes(batches.inpaint_sample(RGB, Ends(0, *shares), CONFIG))
    assert not mask[:15].any() and mask[15:20, 10:30].all()
    assert np.abs(gray - (GRAY // 3 + mount[0] * (240.0 - GRAY // 3))).max() <= 0.501
    assert np.abs(damaged[MARK] - (9 + mount[0] * 231)[MARK]).max() <= 0.501


@pytest.mark.parametrize("share, place, closer", [(0.74, 0, 1), (0.74, 0.5, 2), (0.74, 1, 3), (0.76, 1, 1)])
def test_three_scans_in_four_are_seen_from_nearer(share, place, closer):
    seen = batches._enlarged(GRAY, Ends(place, share))
    height, width = (round(side / closer) for side in GRAY.shape)
    top, left = round(place * (40 - height)), round(place * (50 - width))
    part = GRAY[top : top + height, left : left + width]
    assert np.array_equal(seen, cv2.resize(part, (50, 40), interpolation=cv2.INTER_CUBIC))


@pytest.mark.parametrize("pixels, share, is_real", [(20, 0.49, True), (20, 0.5, False), (19, 0.4, False),
                                                     (800, 0.4, True), (801, 0.4, False)])  # fmt: skip
def test_a_real_hole_is_used_once_in_two_where_a_crop_shows_a_hundredth_to_four_tenths(asked, pixels, share, is_real):
    hole = Hole(np.arange(2000).reshape(40, 50) < pixels, 77)
    damaged, mask = batches._filled(GRAY, Ends(0, share), CONFIG, hole)
    assert np.array_equal(mask, hole.mask if is_real else MARK) and (damaged[mask] == (77 if is_real else 9)).all()
    assert bool(asked) != is_real


@pytest.mark.parametrize(
    "shape, least, place, sides, corner",
    [
        ((400, 300), 0.5, 1, (300, 300), (100, 0)),
        ((400, 300), 0.5, 0, (150, 150), (0, 0)),
        ((400, 300), 0.1, 0, (64, 64), (0, 0)),  # never enlarged
        ((50, 300), 0.5, 0, (50, 50), (0, 0)),  # where it can be helped
        ((50, 300), 0.5, 1, (50, 50), (0, 250)),
    ],
)
def test_a_crop_is_a_part_of_at_least_the_least_scale(shape, least, place, sides, corner):
    crop = Crop.draw(shape, (64, 64), least, Ends(place))
    assert (crop.height, crop.width) == sides and (crop.top, crop.left) == corner
    assert crop.mirrored == (place == 0)
