"""Restorer as its users call it. What must hold for any weights is tested on random ones."""

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from conftest import assert_same, dab, gray_photo, hole, photo, pixels, small_restorer
from PIL import Image

from restoration.errors import RestorationError
from restoration.inference.backends import as_network
from restoration.inference.coloring import MAX_COLOR_SIDE, VIEWS
from restoration.inference.damage import WHOLE
from restoration.inference.filling import FILL_SIZE, fill_smoothly
from restoration.inference.texture import add_texture


@pytest.fixture(scope="module")
def untrained():
    return small_restorer()


# Gray photos -----------------------------------------------------------------------------------

CASES = {
    "a photo": ("astronaut", 160, 120, [(40, 30, 90, 70)]),
    "odd sizes": ("coffee", 131, 87, [(0, 0, 33, 21), (100, 50, 131, 87)]),
    "one damaged pixel": ("chelsea", 64, 48, [(63, 47, 64, 48)]),
    "a stamp": ("camera", 16, 16, [(3, 3, 9, 8)]),
    "a row": ("camera", 75, 1, [(20, 0, 41, 1)]),
    "a column": ("camera", 1, 75, [(0, 0, 1, 30)]),
    "two far holes": ("coffee", 700, 500, [(20, 20, 60, 50), (600, 400, 690, 470)]),
    "a hole larger than the network sees": ("astronaut", 620, 260, [(40, 30, 580, 230)]),
    "a panorama": ("chelsea", 1400, 90, [(700, 10, 760, 80)]),
}


@pytest.mark.parametrize("name, width, height, boxes", CASES.values(), ids=CASES)
def test_known_luma_is_exact_and_holes_are_filled(restorer, name, width, height, boxes):
    mask = hole(width, height, *boxes)
    damaged = np.where(mask, 93, gray_photo(name, width, height)).astype(np.uint8)
    result = restorer.restore(damaged, mask)
    assert result.image.mode == "RGB" and result.gray.mode == result.mask.mode == "L"
    assert result.image.size == result.gray.size == result.mask.size == (width, height)
    assert np.array_equal(pixels(result.image.convert("L")), pixels(result.gray))
    assert np.array_equal(pixels(result.gray)[~mask], damaged[~mask])
    assert np.array_equal(pixels(result.mask) == 255, mask)
    assert np.mean(pixels(result.gray)[mask] != 93) > 0.8
    assert np.ptp(pixels(result.image), axis=2).max() > 20, "the result has no color"


def test_a_whole_photo_is_colored_and_its_luma_exact(restorer):
    whole = gray_photo("coffee", 150, 101)
    result = restorer.restore(whole)
    assert not pixels(result.mask).any()
    assert np.array_equal(pixels(result.gray), whole)
    assert np.array_equal(pixels(result.image.convert("L")), whole)
    assert np.ptp(pixels(result.image), axis=2).mean() > 10


def test_vividness_scales_the_chroma_and_keeps_the_luma(restorer):
    gray = gray_photo("coffee", 200, 120)
    result = restorer.restore(gray, np.zeros(gray.shape, bool))
    spread = [np.ptp(pixels(result.vivid(strength)).astype(int), axis=2).mean() for strength in (0, 0.5, 1, 1.5)]
    assert spread[0] == 0 and spread == sorted(spread) and spread[1] < 0.6 * spread[2]
    assert np.array_equal(pixels(result.vivid(1)), pixels(result.image))
    other = [np.ptp(pixels(result.vivid(strength, 1)).astype(int), axis=2).mean() for strength in (0, 0.5, 1, 1.5)]
    assert other[0] == 0 and other == sorted(other) and other[2] != spread[2]
    assert np.array_equal(pixels(result.vivid(1.5).convert("L")), pixels(result.gray))


def test_variants_are_three_of_the_same_luma_and_always_the_same(restorer):
    result = restorer.restore(gray_photo("coffee", 200, 150))
    found = result.variants()
    assert len(found) == 3 and found[0] is result.image
    assert all(np.array_equal(pixels(image.convert("L")), pixels(result.gray)) for image in found)
    assert all(np.array_equal(pixels(a), pixels(b)) for a, b in zip(found, result.variants(), strict=True))
    assert all(np.array_equal(pixels(image), pixels(result.vivid(1, i))) for i, image in enumerate(found))


def on_a_bed(turn):
    bed = Image.new("L", (900, 700), 250)
    bed.paste(
        Image.fromarray(gray_photo("astronaut", 500, 400)).rotate(turn, Image.Resampling.BICUBIC, True, fillcolor=250),
        (90, 80),
    )
    return np.asarray(bed)


@pytest.mark.parametrize(
    "gray", [gray_photo("coffee", 900, 600), on_a_bed(0), on_a_bed(3)], ids=["photo", "print", "turned"]
)
def test_a_smaller_one_looks_like_the_same_shrunk(restorer, gray):
    result = restorer.restore(gray, np.zeros(gray.shape, bool))
    size = (450, gray.shape[0] // 2)
    small, shrunk = pixels(result.smaller(size).image).astype(int), pixels(result.image.resize(size)).astype(int)
    assert np.abs(small - shrunk).mean() < 1.5


def test_a_smaller_narrow_photo_is_colored_to_its_end(restorer):
    """181 px become 18, not 18.1: the height shrinks by a little less than the width."""
    result = restorer.restore(gray_photo("coffee", 181, 3200), np.zeros((3200, 181), bool))
    assert np.ptp(pixels(result.smaller((18, 320)).image)[-1:], axis=2).mean() > 2


def test_another_hint_asks_no_network_and_gives_the_same(restorer, monkeypatch):
    repair = restorer.repair(gray_photo("coffee", 200, 150))
    plain, hinted = restorer.colorize(repair), restorer.colorize(repair, dab(200, 150, (80, 60, 110, 90)))
    monkeypatch.setattr(restorer, "_color", None)
    assert_same(restorer.colorize(repair, dab(200, 150, (80, 60, 110, 90)), before=plain), hinted)


def test_a_photo_with_its_own_colors_is_not_made_more_vivid(restorer):
    result = restorer.restore(photo("coffee", 90, 60), hole(90, 60, (10, 10, 30, 30)))
    assert result.chroma is None and result.vivid(2) is result.image and result.variants() == [result.image]


@pytest.mark.parametrize(
    "size, box, fill", [((640, 600), (100, 100, 500, 480), "smooth"), ((200, 150), (40, 30, 130, 90), "textured")]
)
def test_what_is_under_the_mask_is_not_looked_at(restorer, size, box, fill):
    mask = hole(*size, box)
    photos = [np.where(mask, tone, gray_photo("astronaut", *size)).astype(np.uint8) for tone in (0, 255)]
    assert_same(*[restorer.restore(damaged, mask, fill=fill) for damaged in photos])


def test_far_holes_are_filled_independently(restorer):
    whole = gray_photo("coffee", 700, 500)
    first, second = (20, 20, 60, 50), (600, 400, 690, 470)
    both = pixels(restorer.repair(whole, hole(700, 500, first, second)).gray)
    for box in (first, second):
        mask = hole(700, 500, box)
        assert np.array_equal(both[mask], pixels(restorer.repair(whole, mask).gray)[mask])


def test_a_specks_fill_does_not_depend_on_far_specks(restorer):
    """The specks lie in one chain, 100 px from each other."""
    whole, specks = gray_photo("coffee", 1400, 150), [(x, 70, x + 5, 75) for x in range(50, 1400, 100)]
    expected = pixels(restorer.repair(whole, hole(1400, 150, *specks)).gray)
    for far in specks[::6]:
        others = hole(1400, 150, *(speck for speck in specks if speck != far))
        alone = pixels(restorer.repair(whole, others).gray)
        compared = others & (np.abs(np.arange(1400) - far[0]) > 500)
        assert compared.any() and np.array_equal(alone[compared], expected[compared])


def test_networks_see_bounded_sizes(restorer, monkeypatch):
    seen = []

    def note(name: str) -> None:
        network = getattr(restorer, name)

        def noted(image, box=None):
            seen.append((name, *image.shape[1:]))
            return network(image, box)

        noted.prior = network.prior
        monkeypatch.setattr(restorer, name, noted)

    note("_inpaint")
    note("_color")
    restorer.restore(np.full((900, 1500), 90, np.uint8), hole(1500, 900, (200, 200, 1200, 800)), fill="smooth")
    *fills, (_, *color) = seen
    assert len(fills) > 1 and max(max(size) for _, *size in fills) <= FILL_SIZE
    assert min(color) == VIEWS[1][0] and max(color) <= MAX_COLOR_SIDE
    restorer.restore(np.full((300, 3000), 90, np.uint8), hole(3000, 300, (0, 0, 9, 9)))
    assert max(seen[-1][1:]) == MAX_COLOR_SIDE


@pytest.mark.parametrize("known", [1, 300])
def test_a_flat_photo_comes_back_flat_however_little_is_left(untrained, known):
    """The membrane over a constant border is constant, at any size and after any shrinking."""
    mask = np.ones((700, 1400), bool)
    mask[:, :known] = False
    damaged = np.where(mask, 0, 141).astype(np.uint8)
    assert np.abs(pixels(untrained.repair(damaged, mask, fill="smooth").gray) - 141).max() <= 1


def test_a_constant_hole_is_found(restorer):
    ellipse = cv2.ellipse(np.zeros((150, 200), np.uint8), (120, 70), (40, 25), 30, 0, 360, 1, -1).view(bool)
    damaged = np.where(ellipse, 80, gray_photo("coffee", 200, 150)).astype(np.uint8)
    found = pixels(restorer.detect(damaged)) == 255
    assert np.sum(found & ellipse) / np.sum(found | ellipse) > 0.97
    result = restorer.restore(damaged)
    assert np.array_equal(pixels(result.mask) == 255, found)
    assert_same(result, restorer.restore(damaged, found))


def test_a_sensitive_look_sees_more_than_a_constant_hole(restorer, monkeypatch):
    where = hole(200, 150, (100, 60, 150, 100))
    damaged = np.where(where, np.uint8(80), gray_photo("coffee", 200, 150))
    damaged[(damaged == 80) & ~where] = 81  # a neighbor of the hole's own level would count as well
    doubtful = hole(200, 150, (20, 20, 60, 24))
    logits = np.where(doubtful, np.float32(WHOLE[1].seed + 0.1), np.float32(-6))
    monkeypatch.setattr("restoration.inference.detection.damage_logits", lambda *_: logits[None])
    assert np.array_equal(pixels(restorer.detect(damaged)) == 255, where)
    assert np.array_equal(pixels(restorer.detect(damaged, 1)) == 255, where | doubtful)
    assert np.array_equal(pixels(restorer.restore(damaged, sensitivity=1).mask) == 255, where | doubtful)
    rough = cv2.dilate((where | doubtful).view(np.uint8), np.ones((9, 9))).view(bool) & ~where
    assert np.array_equal(restorer.damage(damaged).snap(rough, damaged)[:30], doubtful[:30])
    with pytest.raises(ValueError, match=r"^Sensitivity 4 .*use 0 to 3\.$"):
        restorer.detect(damaged, 4)


def test_a_smooth_fill_is_the_network_s_and_a_textured_one_has_more_detail(restorer):
    gray, mask = gray_photo("camera", 200, 200), hole(200, 200, (60, 120, 120, 180))  # grass
    network = fill_smoothly(gray, mask, as_network(restorer.inpainter, "cpu"))
    smooth, textured = (np.asarray(restorer.repair(gray, mask, fill=fill).gray) for fill in ("smooth", "textured"))
    assert np.array_equal(smooth, network)
    assert np.array_equal(textured, add_texture(network, mask)) and not np.array_equal(textured, network)
    assert np.array_equal(pixels(restorer.restore(gray, mask).gray), textured)
    with pytest.raises(RestorationError, match=r"^Unknown fill 'rough': use textured or smooth\.$"):
        restorer.repair(gray, mask, fill="rough")


# Color photos ---------------------------------------------------------------------------------


@pytest.mark.parametrize("width, height", [(160, 120), (701, 533)])
def test_a_color_photo_changes_inside_the_mask_only(restorer, width, height):
    color, mask = photo("chelsea", width, height), hole(width, height, (50, 40, 110, 80))
    result = pixels(restorer.restore(color, mask).image)
    assert np.array_equal(result[~mask], color[~mask])
    assert np.mean((result != color)[mask].any(axis=-1)) > 0.9


def test_a_whole_color_photo_comes_back_as_it_was(restorer):
    color = photo("astronaut", 120, 90)
    given = Image.fromarray(color)
    result = restorer.restore(given)
    assert np.array_equal(pixels(result.image), color) and not pixels(result.mask).any()
    assert result.image is not given, "who paints on the result does not paint on the photo"
    assert np.array_equal(pixels(result.gray), pixels(Image.fromarray(color).convert("L")))


@pytest.mark.parametrize("width, height", [(90, 70), (800, 600)])
def test_a_hole_in_one_color_gets_that_color(untrained, width, height):
    mask = hole(width, height, (20, 20, width - 30, height - 25))
    damaged = np.where(mask[..., None], 0, np.uint8([150, 90, 60])).astype(np.uint8)
    assert np.abs(pixels(untrained.restore(damaged, mask, fill="smooth").image) - (150, 90, 60)).max() <= 3


# Hints -----------------------------------------------------------------------------------------


def test_a_dab_changes_colors_around_it_and_no_luma(restorer):
    whole = gray_photo("camera", 320, 240)
    repair = restorer.repair(whole, np.zeros(whole.shape, bool))
    plain, hinted = restorer.colorize(repair), restorer.colorize(repair, dab(320, 240, (200, 100, 220, 120)))
    change = np.abs(pixels(plain.image) - pixels(hinted.image)).max(axis=2)
    assert change[100:120, 200:220].mean() > 2 * change[:, :100].mean() + 5
    assert np.array_equal(pixels(hinted.image.convert("L")), whole)


def test_other_hints_need_no_other_repair(restorer, monkeypatch):
    whole = gray_photo("astronaut", 90, 70)
    mask, hints = hole(90, 70, (10, 10, 30, 30)), dab(90, 70, (40, 40, 60, 60))
    repair = restorer.repair(whole, mask)
    expected = restorer.restore(whole, mask, hints)
    monkeypatch.setattr(restorer, "_inpaint", None)
    assert_same(restorer.colorize(repair, hints), expected)
    assert np.any(pixels(restorer.colorize(repair).image) != pixels(expected.image))


def test_a_dab_without_opacity_changes_nothing(restorer):
    whole, mask = gray_photo("camera", 90, 70), hole(90, 70, (10, 10, 30, 30))
    hints = dab(90, 70, (40, 40, 60, 60), (230, 20, 20, 127))
    hints[0, 0] = (255, 0, 0, 0)
    assert_same(restorer.restore(whole, mask), restorer.restore(whole, mask, hints))


@pytest.mark.slow
def test_a_thin_stroke_counts_beside_a_broad_one(restorer):
    """At the size where color is predicted, the stroke covers a quarter of a pixel."""
    whole = gray_photo("camera", 1024, 1024)
    broad = dab(1024, 1024, (100, 100, 200, 200))
    both = broad | dab(1024, 1024, (700, 800, 900, 801))
    repair = restorer.repair(whole, np.zeros(whole.shape, bool))
    one, other = (pixels(restorer.colorize(repair, hints).image) for hints in (broad, both))
    assert np.abs(one - other)[790:810, 700:900].mean() > 3


def test_a_dab_in_a_color_photo_counts_inside_the_hole(untrained):
    mask = hole(120, 90, (20, 20, 100, 70))
    color = np.where(mask[..., None], 0, np.uint8([90, 110, 150])).astype(np.uint8)
    hints = dab(120, 90, (50, 40, 70, 50)) | dab(120, 90, (0, 0, 10, 10))  # the second lies on known pixels
    result = pixels(untrained.restore(color, mask, hints).image)
    red, green, blue = result[45, 60]
    assert red > green + 50 and red > blue + 50
    assert result[22, 22, 2] > result[22, 22, 0], "far from the dab, the photo's own blue"
    assert np.array_equal(result[~mask], color[~mask])


# Runs ------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_threads_get_what_one_after_another_gets(restorer):
    jobs = []
    for name, width, height in [("camera", 200, 150), ("coffee", 90, 130), ("astronaut", 600, 90), ("chelsea", 64, 64)]:
        jobs.append((gray_photo(name, width, height), hole(width, height, (10, 10, 50, 40))))
    expected = [restorer.restore(*job) for job in jobs]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda job: restorer.restore(*job), jobs * 3))
    for one, other in zip(expected * 3, results, strict=True):
        assert_same(one, other)
