"""What a damage map becomes: one map for every sensitivity and stroke, at any size."""

from itertools import pairwise

import numpy as np
import pytest
from conftest import gray_photo

from restoration.inference import detection
from restoration.inference.detection import MOST_SENSITIVE, WHOLE, Damage, count_marks, damage_logits, find_damage

RNG = np.random.default_rng(0)


def bright(image: np.ndarray, box=None) -> np.ndarray:
    """A network that takes what is lighter than 200 for damage, all else for whole."""
    logits = np.where(image[:1] > 200 / 255, 6.0, -6.0).astype(np.float32).repeat(2, axis=0)
    return logits if box is None else logits[(slice(None), *box.slices)]


def damage_of(logits: np.ndarray) -> Damage:
    return Damage(np.zeros(logits.shape, bool), logits.astype(np.float32), np.s_[:, :], detection.is_worn(logits))


def noise(height: int, width: int) -> np.ndarray:
    return RNG.integers(1, 150, (height, width), np.uint8)


def test_a_region_counts_with_a_seed_and_enough_pixels():
    rule, logits = WHOLE[0], np.full((80, 80), -5.0)
    side = int(rule.pixels**0.5) + 1
    logits[10 : 10 + side, 10:40] = rule.grown + 0.1  # grown from one seed
    logits[10, 10] = rule.seed + 0.1
    logits[30 : 30 + side, 10:40] = rule.grown + 0.1  # no seed
    logits[60, 60] = rule.seed + 5  # a pixel
    found = damage_of(logits).mask()
    assert found[10 : 10 + side, 10:40].all() and count_marks(found) == 1


def test_a_doubtful_mark_counts_among_many_sure_ones():
    logits = np.full((200, 200), -6.0)
    logits[100:104, 20:180] = 1
    assert not damage_of(logits).mask().any()
    for place in range(15):
        logits[10:14, 5 + 12 * place : 13 + 12 * place] = 4
    worn = damage_of(logits)
    assert worn.is_worn and worn.mask()[100:104, 20:180].all() and count_marks(worn.mask()) == 16


def test_a_map_that_takes_most_of_the_photo_for_damage_is_not_believed():
    logits = np.full((50, 50), -6.0)
    logits[:24] = 6
    assert damage_of(logits).mask().mean() == 0.48
    logits[:40] = 6
    assert not damage_of(logits).mask(MOST_SENSITIVE).any()


def test_more_sensitive_finds_no_less():
    logits = 4 * RNG.normal(size=(10, 10)).repeat(8, axis=0).repeat(8, axis=1) - 4
    masks = [damage_of(logits).mask(step) for step in range(MOST_SENSITIVE + 1)]
    for one, more in pairwise(masks):
        assert not (one & ~more).any() and more.sum() > one.sum()
    with pytest.raises(ValueError, match=r"^A sensitivity of 4 .*give 0 to 3\.$"):
        damage_of(logits).mask(4)


def test_what_strong_marks_outshine_is_found_by_a_second_look_at_a_worn_print():
    def dazzled(image: np.ndarray) -> np.ndarray:
        least = 230 if (image[0] > 230 / 255).any() else 180
        return np.where(image[:1] > least / 255, 4.0, -6.0).astype(np.float32).repeat(2, axis=0)

    gray = noise(400, 400)
    gray[200:216, 40:360] = RNG.integers(200, 220, (16, 320))
    assert find_damage(gray, dazzled).mask()[204:212, 60:340].all()  # the only mark is strong enough
    for top in range(40, 200, 40):
        for left in range(40, 360, 40):
            gray[top : top + 16, left : left + 16] = RNG.integers(240, 256, (16, 16))
    assert (found := find_damage(gray, dazzled)).is_worn
    assert found.mask()[204:212, 60:340].all() and found.mask()[44:52, 44:52].all()


def test_a_print_stays_worn_when_the_second_look_sees_its_marks_as_one():
    def joined(image: np.ndarray) -> np.ndarray:
        sure = image[:1] > 230 / 255
        return np.where(sure | (not sure.any()), 4.0, -6.0).astype(np.float32).repeat(2, axis=0)

    gray = noise(400, 400)
    for top in range(40, 200, 40):
        for left in range(40, 360, 40):
            gray[top : top + 16, left : left + 16] = RNG.integers(240, 256, (16, 16))
    found = find_damage(gray, joined)
    assert not detection.is_worn(found.logits) and found.is_worn


@pytest.mark.parametrize("level", [0, 93, 255])
def test_nothing_is_damaged_where_nothing_would_be_left(level):
    flat = np.full((240, 320), level, np.uint8)
    assert not find_damage(flat, bright).mask().any()
    flat[:120, :160], flat[120:, 160:], flat[:120, 160:] = 40, 180, 130  # four areas, each like a hole in the others
    assert find_damage(flat, bright).holes.all() and not find_damage(flat, bright).mask().any()


def test_a_hole_keeps_its_exact_edge_and_hides_no_crack():
    gray = noise(200, 200)
    gray[50:100, 50:100] = 255  # the network sees it as well
    logits = np.full(gray.shape, -6.0)
    logits[48:102, 48:102] = 6  # two pixels too far
    logits[75:78, 102:190] = 6  # a crack that runs into it
    hole = gray == 255
    found = Damage(hole, logits.astype(np.float32), np.s_[:, :], is_worn=False).mask()
    assert np.array_equal(found[:, :103], hole[:, :103]) and found[75:78, 110:190].all()


@pytest.mark.parametrize("shape", [(90, 150), (700, 300), (1, 40)])
def test_tiles_and_views_give_the_map_of_the_whole(shape, monkeypatch):
    gray = noise(*shape)
    gray[:, 20:40] = 255
    whole = damage_logits(gray, bright)
    monkeypatch.setattr(detection, "TILE", 256)
    assert np.array_equal(damage_logits(gray, bright), whole) and whole.shape == shape
    assert (whole[:, 24:36] > 5).all() and (whole[:, 60:] < -5).all()


def test_a_large_photo_is_seen_smaller_and_its_mask_has_its_own_size(monkeypatch):
    monkeypatch.setattr(detection, "MAX_SEEN", 10_000)
    gray = noise(400, 300)
    gray[100:140, 100:200] = RNG.integers(230, 255, (40, 100))  # no hole of one gray
    damage = find_damage(gray, bright)
    assert damage.logits.size <= 10_500
    found = damage.mask()
    assert found.shape == gray.shape and found[104:136, 104:196].all() and count_marks(found) == 1


def test_a_border_is_left_out():
    gray = np.pad(noise(100, 100), 20, constant_values=255)
    assert not find_damage(gray, bright).mask(MOST_SENSITIVE).any()


def test_a_rough_stroke_takes_the_crack_and_a_stroke_on_nothing_counts_as_it_is():
    logits = np.full((120, 120), -6.0)
    logits[30:32, 5:100] = 3
    stroke, empty = np.zeros((2, 120, 120), bool)
    stroke[20:42, 10:60] = True
    empty[80:90, 10:60] = True
    snapped = damage_of(logits).snap(stroke | empty)
    assert np.array_equal(snapped[80:], empty[80:])
    expected = np.zeros((120, 120), bool)
    expected[30:32, 6:64] = True  # and a few pixels beyond both ends
    assert np.array_equal(snapped[:80], expected[:80])


def test_a_careful_stroke_counts_whole_and_what_is_only_beside_it_is_left():
    logits = np.full((120, 120), -6.0)
    logits[30:32, 5:100] = 3
    logits[37:38, 5:100] = 3  # near, but not under the stroke
    stroke = np.zeros((120, 120), bool)
    stroke[29:32, 20:60] = True
    assert np.array_equal(damage_of(logits).snap(stroke), stroke)
    stroke[20:34, 20:60] = True
    assert not damage_of(logits).snap(stroke)[35:].any()


def test_paper_of_one_gray_is_no_hole_and_what_is_in_a_print_stays():
    page = np.full((500, 900), 235, np.uint8)
    left, right = np.s_[60:440, 60:420], np.s_[60:440, 480:840]
    for place, name in ((left, "astronaut"), (right, "coffee")):
        page[place] = np.minimum(gray_photo(name, 360, 380), 200)
    page[200:260, 200:280] = 20  # inside
    page[300:380, 400:440] = 20  # over the edge of the left one
    page[60:120, 480:560] = 235  # a corner torn off, on paper of one gray
    found = find_damage(page, bright).holes
    assert found[200:260, 200:280].all() and found[300:380, 400:420].all() and found[70:118, 490:555].all()
    found[200:260, 200:280] = found[60:440, 400:440] = found[60:120, 480:560] = False
    assert not found.any(), "neither paper nor anything else in the prints"
