"""What a damage map becomes: one map for every sensitivity and stroke, at any size."""

from collections.abc import Callable
from itertools import pairwise

import cv2
import numpy as np
import pytest
from conftest import gray_photo, hole

from restoration.inference import detection
from restoration.inference.damage import LIGHT, MOST_SENSITIVE, WHOLE, WORN, Damage, ScanDamage, accepted, count_marks
from restoration.inference.detection import FILLED, damage_logits, find_damage
from restoration.inference.laplace import membrane
from restoration.inference.prints import Print
from restoration.masking import jpeg


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def noise(rng) -> Callable[[int, int], np.ndarray]:
    return lambda height, width: rng.integers(1, 150, (height, width), np.uint8)


def bright(image: np.ndarray, box=None) -> np.ndarray:
    """A network that takes what is lighter than 200 for damage, all else for whole."""
    logits = np.where(image[:1] > 200 / 255, 6.0, -6.0).astype(np.float32).repeat(2, axis=0)
    return logits if box is None else logits[(slice(None), *box.slices)]


def damage_of(logits: np.ndarray) -> Damage:
    light = np.zeros(logits.shape, bool) if detection.is_worn(logits) else None
    return Damage(np.zeros(logits.shape, bool), logits.astype(np.float32), np.s_[:, :], light)


def test_a_region_counts_with_a_seed_and_enough_pixels():
    rule, logits = WHOLE[0], np.full((80, 80), -5.0)
    side = int(rule.pixels**0.5) + 1
    logits[10 : 10 + side, 10:40] = rule.grown + 0.1  # grown from one seed
    logits[10, 10] = rule.seed + 0.1
    logits[20, 10 : 10 + rule.pixels] = logits[23, 10 : 9 + rule.pixels] = rule.seed + 0.1  # just enough, one too few
    logits[30 : 30 + side, 10:40] = rule.grown + 0.1  # no seed
    logits[60, 60] = rule.seed + 5  # a pixel
    found = damage_of(logits).mask()
    assert found[10 : 10 + side, 10:40].all() and found[20, 10 : 10 + rule.pixels].all() and count_marks(found) == 2


def test_a_doubtful_mark_counts_among_many_sure_ones():
    logits = np.full((200, 200), -6.0)
    logits[100:104, 20:180], logits[150:154, 20:180], logits[150, 20] = 1, -0.5, -0.2
    assert not damage_of(logits).mask().any()
    for place in range(25):
        logits[10:14, 4 + 7 * place : 9 + 7 * place] = 4
    worn = damage_of(logits)
    assert worn.is_worn and worn.mask()[100:104, 20:180].all() and count_marks(worn.mask()) == 26
    whole = Print.whole(logits.shape)
    scan = ScanDamage(logits.shape, [(whole, damage_of(np.full((200, 200), -6.0))), (whole, worn)])
    assert scan.is_worn and np.array_equal(scan.mask(), worn.mask()) and not np.array_equal(scan.mask(1), scan.mask())
    assert len(repr(worn)) < 100, "and no pixels"


def test_hairlines_that_smaller_views_lose_make_a_print_worn(noise, rng):
    gray = noise(400, 400)
    gray[8::16, 40:360] = rng.integers(240, 256, (25, 320))

    def hairlines(image: np.ndarray) -> np.ndarray:
        return np.where(image[:1] > 230 / 255, 3.0, -3.0).astype(np.float32).repeat(2, axis=0)

    assert find_damage(gray, hairlines).is_worn
    assert not find_damage(cv2.resize(gray, (200, 200), interpolation=cv2.INTER_AREA), hairlines).is_worn


def test_what_is_light_goes_on_from_a_mark_of_a_worn_print():
    logits = np.full((200, 200), -6.0)
    for place in range(25):
        logits[10:14, 4 + 7 * place : 9 + 7 * place] = 4
    logits[14:60, 100:104] = WORN[0].grown - 1  # a crack that grows faint, and the same again far from any mark
    logits[100:150, 100:104] = WORN[0].grown - 1
    damage = damage_of(logits)
    damage.logits[60:70, 100:104] = LIGHT[0]  # just too faint
    assert not damage.mask()[14:].any()
    damage.light[:, 101:103] = True
    expected = np.zeros((200, 200), bool)
    expected[14:60, 101:103] = True
    assert np.array_equal(damage.mask()[14:], expected[14:])


def test_a_map_that_takes_most_of_the_photo_for_damage_is_not_believed():
    logits = np.full((50, 50), -6.0)
    logits[:25] = 6
    assert damage_of(logits).mask().mean() == 0.5
    logits[:26] = 6
    assert not damage_of(logits).mask(MOST_SENSITIVE).any()


def test_more_sensitive_finds_no_less(rng):
    logits = 4 * rng.normal(size=(40, 40)).repeat(4, axis=0).repeat(4, axis=1) - 4
    masks = [damage_of(logits).mask(step / 2) for step in range(2 * MOST_SENSITIVE + 1)]
    for one, more in pairwise(masks):
        assert not (one & ~more).any() and more.sum() > one.sum()
    with pytest.raises(ValueError, match=r"^Sensitivity 4 .*use 0 to 3\.$"):
        damage_of(logits).mask(4)


def test_what_strong_marks_outshine_is_found_by_a_second_look_at_a_worn_print(noise, rng):
    def dazzled(image: np.ndarray) -> np.ndarray:
        least = 230 if (image[0] > 230 / 255).any() else 180
        return np.where(image[:1] > least / 255, 4.0, -6.0).astype(np.float32).repeat(2, axis=0)

    gray = noise(400, 400)
    gray[200:216, 40:360] = rng.integers(200, 220, (16, 320))
    assert find_damage(gray, dazzled).mask()[204:212, 60:340].all()  # the only mark is strong enough
    for top in range(40, 200, 40):
        for left in range(40, 360, 40):
            gray[top : top + 16, left : left + 16] = rng.integers(240, 256, (16, 16))
    assert (found := find_damage(gray, dazzled)).is_worn
    assert found.mask()[204:212, 60:340].all() and found.mask()[44:52, 44:52].all()


def test_a_print_stays_worn_when_the_second_look_sees_its_marks_as_one(noise, rng):
    def joined(image: np.ndarray) -> np.ndarray:
        sure = image[:1] > 230 / 255
        return np.where(sure | (not sure.any()), 4.0, -6.0).astype(np.float32).repeat(2, axis=0)

    gray = noise(400, 400)
    for top in range(40, 200, 40):
        for left in range(40, 360, 40):
            gray[top : top + 16, left : left + 16] = rng.integers(240, 256, (16, 16))
    found = find_damage(gray, joined)
    assert not detection.is_worn(found.logits) and found.is_worn


def test_a_hole_that_jpeg_has_blurred_is_found_with_a_doubtful_map():
    mask = hole(256, 192, (98, 60, 158, 120))  # in the middle: the same in a mirror
    gray = jpeg(np.where(mask, 40, gray_photo("chelsea", 256, 192)).astype(np.uint8), 60)

    def doubtful(image: np.ndarray) -> np.ndarray:
        seen = cv2.resize(mask.view(np.uint8), image.shape[:0:-1], interpolation=cv2.INTER_AREA)
        return np.where(seen, np.float32(-1.5), np.float32(-5))[None].repeat(2, axis=0)

    damage = find_damage(gray, doubtful)
    assert damage.holes[mask].mean() > 0.95 and damage.mask()[mask].mean() > 0.95
    assert damage.mask().sum() < 1.1 * mask.sum()


@pytest.mark.parametrize("level", [0, 93, 255])
def test_nothing_is_damaged_where_nothing_would_be_left(level):
    flat = np.full((240, 320), level, np.uint8)
    assert not find_damage(flat, bright).mask().any()
    flat[:120, :160], flat[120:, 160:], flat[:120, 160:] = 40, 180, 130  # four areas, each like a hole in the others
    assert find_damage(flat, bright).holes.all() and not find_damage(flat, bright).mask().any()


def test_a_hole_keeps_its_exact_edge_and_hides_no_crack(noise):
    gray = noise(200, 200)
    gray[50:100, 50:100] = 255  # the network sees it as well
    logits = np.full(gray.shape, -6.0)
    logits[48:102, 48:102] = 6  # two pixels too far
    logits[75:78, 102:190] = 6  # a crack that runs into it
    hole = gray == 255
    found = Damage(hole, logits.astype(np.float32), np.s_[:, :], light=None).mask()
    assert np.array_equal(found[:, :103], hole[:, :103]) and found[75:78, 110:190].all()


@pytest.mark.parametrize("shape", [(90, 150), (700, 300), (1, 40)])
def test_tiles_and_views_give_the_map_of_the_whole(shape, monkeypatch, noise):
    gray = noise(*shape)
    gray[:, 20:40] = 255
    views = damage_logits(gray, bright)
    monkeypatch.setattr(detection, "TILE", 256)
    assert np.array_equal(damage_logits(gray, bright), views) and views.shape == (3, *shape)
    assert (views[..., 24:36] > 5).all() and (views[..., 60:] < -5).all()


def test_a_large_photo_is_seen_smaller_and_its_mask_has_its_own_size(monkeypatch, noise, rng):
    monkeypatch.setattr(detection, "MAX_SEEN", 10_000)
    gray = noise(400, 300)
    gray[100:140, 100:200] = rng.integers(230, 255, (40, 100))  # no hole of one gray
    damage = find_damage(gray, bright)
    assert damage.logits.size <= 10_500
    found = damage.mask()
    assert found.shape == gray.shape and found[104:136, 104:196].all() and count_marks(found) == 1


def test_a_border_is_left_out(noise):
    gray = np.pad(noise(100, 100), 20, constant_values=255)
    assert not find_damage(gray, bright).mask(MOST_SENSITIVE).any()


def test_paper_of_one_gray_is_no_hole_and_what_is_in_a_print_stays():
    page = np.full((500, 900), 235, np.uint8)
    left, right = np.s_[60:440, 60:420], np.s_[60:440, 480:840]
    for place, name in ((left, "astronaut"), (right, "coffee")):
        page[place] = np.minimum(gray_photo(name, 360, 380), 200)
    page[200:260, 200:280] = 20  # inside
    page[300:380, 400:440] = 20  # over the edge of the left one
    page[60:120, 480:560] = 235  # a corner torn off, on paper of one gray
    found = find_damage(page, lambda image: np.full((2, *image.shape[1:]), np.float32(-6))).mask()
    assert found[200:260, 200:280].all() and found[300:380, 400:420].all() and found[70:118, 490:555].all()
    found[200:260, 200:280] = found[60:440, 400:440] = found[60:120, 480:560] = False
    assert not found.any(), "neither paper nor anything else in the prints"


@pytest.mark.parametrize(
    "marks, pixels, logit, shape, worn",
    [
        (25, 4, 2.1, (200, 200), True),
        (24, 4, 2.1, (200, 200), False),
        (25, 3, 2.1, (200, 200), False),
        (25, 4, 2.0, (200, 200), False),
        (25, 4, 2.1, (200, 500), True),  # 100 of 100,000 pixels
        (25, 4, 2.1, (200, 501), False),
    ],
)
def test_a_print_is_worn_with_25_sure_marks_on_a_thousandth_of_it(marks, pixels, logit, shape, worn):
    logits = np.full(shape, -6.0)
    for number in range(marks):
        logits[10 + 2 * number, 10 : 10 + pixels] = logit
    assert detection.is_worn(logits) == worn


def test_the_map_speaks_of_a_hole_to_three_pixels_around_it():
    hole, logits = np.zeros((60, 60), bool), np.full((60, 60), -6.0, np.float32)
    hole[20:40, 20:40], logits[15:45, 15:45] = True, 6
    expected = np.zeros((60, 60), bool)
    expected[15:45, 15:45], expected[17:43, 17:43], expected[20:40, 20:40] = True, False, True
    assert np.array_equal(Damage(hole, logits, np.s_[:, :], light=None).mask(), expected)


def soft_scan(times: int) -> np.ndarray:
    """A print of 30 light marks, each of 8 x 4 px, scanned at so many times its resolution."""
    gray = np.random.default_rng(0).integers(60, 120, (420, 500), np.uint8)
    for place in range(30):
        row, column = divmod(place, 6)
        gray[40 + 70 * row : 44 + 70 * row, 40 + 70 * column : 48 + 70 * column] += 120
    return np.repeat(np.repeat(gray, times, axis=0), times, axis=1)


def sharp_only(image: np.ndarray, box=None) -> np.ndarray:
    """A network that knows marks of up to 5 px alone; what is wider it takes for anything else."""
    light = (image[0] > 160 / 255).astype(np.uint8)
    wide = cv2.morphologyEx(light, cv2.MORPH_OPEN, np.ones((6, 6)))
    logits = np.where(light > wide, 6.0, -9.0).astype(np.float32)[None].repeat(2, axis=0)
    return logits if box is None else logits[(slice(None), *box.slices)]


@pytest.mark.parametrize("times", [1, 2])
def test_marks_of_a_soft_scan_are_seen_in_a_smaller_view(times):
    scan = soft_scan(times)
    mask = find_damage(scan, sharp_only).mask()
    assert mask[scan >= 180].mean() > 0.9 and mask[scan < 180].mean() < 0.02


@pytest.mark.parametrize("marks, columns, seen", [(30, 500, 390), (1, 500, 390), (0, 500, 780), (6, 399, 780)])
def test_a_smaller_view_is_taken_where_damage_is_surer_and_that_is_400_px_long(marks, columns, seen):
    """However few marks there are: a mark has 32 px in that view."""
    scan = soft_scan(2)[:780, : 2 * columns]
    for number in range(marks, 30):
        scan[70 + 140 * (number // 6) :, 70 + 140 * (number % 6) :][:24, :36] = 90
    looked, _ = detection._look(scan, sharp_only)
    assert len(looked) == seen


def look_at(views: np.ndarray, gray: np.ndarray, monkeypatch) -> np.ndarray:
    """What is seen of a photo with these damage maps, which in any smaller view are empty."""
    maps = lambda seen, _: views if seen is gray else np.full((3, *seen.shape), -6, np.float32)  # noqa: E731
    monkeypatch.setattr(detection, "damage_logits", maps)
    return detection._look(gray, None)[0]


@pytest.mark.parametrize("height, first, is_soft", [(8, 0, True), (6, 0, False), (8, 26, True), (8, 27, False)])
def test_a_scan_is_soft_with_more_than_three_times_as_much_sure_in_a_smaller_view(height, first, is_soft, monkeypatch):
    """A mark of 8 x 10 px there is one of 20 px in that view, which suffices."""
    views = np.full((3, 840, 1000), -6, np.float32)
    views[0].flat[:first], views[:2, -9:] = 2.1, 2  # which is not sure
    views[1, 40 : 40 + height, 40:50] = 2.1
    assert len(look_at(views, np.zeros((840, 1000), np.uint8), monkeypatch)) == (420 if is_soft else 840)


def test_the_smaller_view_and_its_map_are_means_of_all_pixels(monkeypatch, rng):
    """Of a map whose mean is sure though the middle and a corner of each 4 x 4 px are not."""
    part = np.full((4, 4), 6, np.float32)
    part[1:3, 1:3] = part[0, 0] = -6
    views, gray = np.full((3, 1600, 800), -6, np.float32), rng.integers(0, 256, (1600, 800), np.uint8)
    for number in range(24):
        top, left = 40 + number // 6 * 100, 40 + number % 6 * 100
        views[2, top : top + 16, left : left + 16] = np.tile(part, (4, 4))
    seen = look_at(views, gray, monkeypatch)
    assert np.abs(seen - gray.reshape(400, 4, 200, 4).mean(axis=(1, 3))).max() <= 0.5


def scene(blur: float, grain: float = 0) -> np.ndarray:
    """Rectangles at random, as sharp as the blur leaves them."""
    rng, gray = np.random.default_rng(0), np.full((300, 400), 128, np.uint8)
    for _ in range(400):
        top, left, height, width = rng.integers((0, 0, 3, 3), (300, 400, 40, 40))
        gray[top : top + height, left : left + width] = rng.integers(40, 220)
    noise = cv2.GaussianBlur(rng.normal(0, 1, gray.shape), (0, 0), 0.7)
    blurred = cv2.GaussianBlur(gray, (0, 0), blur) if blur else gray
    return (blurred + grain * noise / noise.std()).clip(0, 255).astype(np.uint8)


def test_a_photo_is_as_soft_as_it_is_blurred_whatever_its_grain():
    sees_nothing = lambda image: np.full((2, *image.shape[1:]), -6, np.float32)  # noqa: E731
    softness = [find_damage(scene(blur), sees_nothing).softness for blur in (0, 1.5, 2, 3, 8)]
    assert softness[0] == 0 and softness[-1] == 1 and all(np.diff(softness) >= 0) and 0 < softness[2] < 1
    assert abs(find_damage(scene(2, grain=3), sees_nothing).softness - softness[2]) < 0.25, "grain is no detail"


@pytest.mark.parametrize("levels, softness", [(2.9, 1), (3.4, 0.9), (5, 0.5), (6.6, 0.1), (7.1, 0)])
def test_softness_of_a_wave_is_as_calculated(levels, softness):
    """A Gaussian blur takes exp(-2 (pi sigma / period)^2) of a wave; 0.997 is |sin|'s 95th percentile."""
    kept = [np.exp(-2 * (np.pi * sigma / 12) ** 2) for sigma in (0.7, 1.4)]
    wave = levels / 0.997 / (kept[0] - kept[1]) * np.sin(2 * np.pi * np.arange(240) / 12 + 0.3)
    gray = np.tile(np.rint(128 + wave).astype(np.uint8), (240, 1))
    assert detection._softness(gray) == pytest.approx(softness, abs=0.05)


def test_a_hole_that_jpeg_has_blurred_is_none_where_a_sharp_one_touches_it(monkeypatch):
    """However small that is in what the network sees."""
    holes, blurred = np.zeros((192, 256), bool), np.zeros((12, 16), bool)
    holes[55, 63], blurred[2:4, 2:4], blurred[8:10, 8:12] = True, True, True
    monkeypatch.setattr(detection, "find_compressed_holes", lambda *_: blurred)
    found = detection._with_compressed(holes, np.zeros((12, 16), np.uint8), None)
    assert np.argwhere(found[:100]).tolist() == [[55, 63]] and found[100:].sum() == pytest.approx(32 * 64, rel=0.05)


def test_where_a_person_says_so_what_is_over_minus_15_is_damaged():
    logits = np.full((40, 40), -6.0)
    logits[10:20, 10:20], logits[10:20, 20:30] = -1.4, -1.5
    likely = damage_of(logits).likely()
    assert likely[10:20, 10:20].all() and likely.sum() == 100


@pytest.mark.parametrize("marks, least", [(0, -1.5), (30, -0.5)], ids=["whole", "worn"])
def test_a_tapped_crack_is_followed_as_far_as_it_is_likely_damaged_and_further_on_a_whole_photo(marks, least):
    logits = np.full((120, 200), -6.0)
    logits[20:24, 10:60], logits[20:24, 60:100], logits[20:24, 100:150] = 0, least + 0.1, least - 0.1
    for left in range(0, 6 * marks, 6):  # what makes a print count as worn
        logits[80:84, left : left + 4] = 5
    tap = np.zeros(logits.shape, bool)
    tap[21, 30] = True
    damage, flat = damage_of(logits), np.full(logits.shape, 100, np.uint8)
    assert damage.is_worn == bool(marks)
    assert np.argwhere(damage.follow(tap, flat)).tolist() == np.argwhere(logits[:30, :100] > -5).tolist()


def test_the_second_look_gains_08_and_takes_nothing_away(noise, rng):
    seen = []

    def network(image: np.ndarray) -> np.ndarray:
        seen.append(255 * image[0])
        sure = image[:1] > 230 / 255
        return np.where(sure.any(), np.where(sure, 4, -6), -1).astype(np.float32).repeat(2, axis=0)

    gray = noise(400, 400)
    for top in range(40, 200, 40):
        for left in range(40, 360, 40):
            gray[top : top + 16, left : left + 16] = rng.integers(240, 256, (16, 16))
    logits = find_damage(gray, network).logits
    assert logits[300, 300] == pytest.approx(-0.2) and logits[48, 48] == 4
    assert len(seen) == 10, "three sizes, the smaller ones in a mirror too, twice"
    marks = accepted(damage_logits(gray, network).mean(axis=0), FILLED)
    assert np.abs(seen[5] - membrane(gray.astype(np.float32), marks)).max() < 0.501, "filled, to half a level"


def test_a_photo_is_seen_at_three_sizes_each_half_as_large(noise):
    def by_size(image: np.ndarray) -> np.ndarray:
        return np.full((2, *image.shape[1:]), image.shape[2], np.float32)

    assert np.allclose(damage_logits(noise(48, 64), by_size).mean(axis=(1, 2)), [64, 32, 16])

    def by_place(image: np.ndarray) -> np.ndarray:
        across = np.linspace(0, 3, image.shape[2], dtype=np.float32)
        return np.broadcast_to(across if image.shape[2] < 64 else 0 * across, (2, *image.shape[1:]))

    assert np.allclose(damage_logits(noise(48, 64), by_place)[1:], 1.5, atol=1e-5), "the mean of both ways"
    levels, gray = [], noise(48, 64)
    views = damage_logits(gray, lambda x: levels.append(x) or 0 * x + np.linspace(0, 3, x.shape[1])[:, None])
    means = gray.reshape(12, 4, 16, 4).mean(axis=(1, 3)) / 255
    assert np.allclose(levels[3][0], means, atol=0.003) and np.allclose(levels[4][0], means[:, ::-1], atol=0.003)
    assert np.diff(views[2], axis=0).max() < 0.1, "a slope is one in every view"


def test_a_large_photo_is_seen_as_the_mean_of_its_pixels(monkeypatch):
    monkeypatch.setattr(detection, "MAX_SEEN", 3000)
    seen = detection._seen((np.indices((120, 100)).sum(axis=0) % 2 * 200).astype(np.uint8))
    assert seen.shape == (60, 50) and (seen == 100).all()
    assert detection._seen(seen).shape == (60, 50)


def test_a_hole_over_a_prints_edge_is_cut_at_it_and_one_mostly_in_it_is_kept():
    holes = np.zeros((200, 200), bool)
    holes[60:70, 10:100] = True  # 60 of 90 columns in it
    holes[80:90, 0:100] = True  # 60 of 100
    holes[100:110, 0:70] = True  # 30 of 70, of which the first is too near to the side
    holes[120:130, 165:195] = True  # beside it
    kept = detection._without_paper(holes, [Print(100, 100, 120, 100)])
    assert kept[60:70, 10:100].all() and kept[80:90, :100].all() and not kept[120:130].any()
    columns = np.flatnonzero(kept[104])
    assert (columns.min(), columns.max()) == (41, 69)


@pytest.mark.parametrize("left, first", [(22, 22), (21, 45)])
def test_a_hole_half_in_a_print_is_kept_and_of_another_what_is_a_hundredth_within(left, first):
    """Of a print from 40.6 to 440.6, to the nearest pixel."""
    holes = np.zeros((200, 500), bool)
    holes[100:110, left:60] = True
    assert np.flatnonzero(detection._without_paper(holes, [Print(240.6, 100, 400, 100)])[104]).min() == first


@pytest.mark.parametrize("angle", [0, 3])
def test_a_print_that_paper_outshines_is_looked_at_alone(angle, monkeypatch, noise, rng):
    found = Print(160, 150, 200, 160, angle)
    monkeypatch.setattr(detection, "find_inside_paper", lambda gray: [found] if gray.shape == (300, 320) else [])
    inside = np.zeros((300, 320), bool)
    found.lay(np.ones((160, 200), bool), inside)
    paper = rng.integers(245, 256, (300, 320), dtype=np.uint8)
    scan, crack = np.where(inside, noise(300, 320), paper), np.zeros((300, 320), bool)
    crack[140:152, 100:220] = True
    scan[crack] = rng.integers(212, 228, crack.sum())

    def outshone(image: np.ndarray) -> np.ndarray:
        least = 230 if (image[0] > 240 / 255).mean() > 0.05 else 200
        return np.where(image[:1] > least / 255, 6.0, -6.0).astype(np.float32).repeat(2, axis=0)

    assert not detection._find_damage(scan, outshone).mask()[crack].any()
    damage = find_damage(scan, outshone)
    assert damage.mask()[crack].mean() > 0.85 and damage.mask()[inside].sum() < 1.1 * crack.sum()
    stroke = cv2.dilate(crack.view(np.uint8), np.ones((19, 19))).view(bool)
    assert damage.snap(stroke, scan)[crack].mean() > 0.85 and damage.snap(stroke, scan).sum() < 0.8 * stroke.sum()
    tap = np.zeros_like(crack)
    tap[146, 160] = True
    assert damage.follow(tap, scan)[crack].mean() > 0.85 and damage.follow(tap, scan)[inside].sum() < 1.1 * crack.sum()
    assert not damage.is_worn
