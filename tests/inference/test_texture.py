"""Texture on pictures whose truth is known: what a hole gets must be what the picture goes on with."""

import cv2
import numpy as np
import pytest
from conftest import gray_photo, hole
from scipy.ndimage import gaussian_filter

from restoration.inference import patches, texture
from restoration.inference.texture import add_texture, thick_parts


def tiled(side: int = 160, period: int = 20) -> np.ndarray:
    """A tile of noise, blurred a little, over and over: uint8 (side, side)."""
    tile = np.random.default_rng(1).integers(0, 256, (period, period)).astype(np.uint8)
    whole = np.tile(tile, (side // period + 2, side // period + 2))
    return cv2.GaussianBlur(whole, (0, 0), 1.2)[period : period + side, period : period + side]


def fog(truth: np.ndarray, mask: np.ndarray, sigma: float = 4) -> np.ndarray:
    """What a network fills: the truth, blurred."""
    return np.where(mask, cv2.GaussianBlur(truth, (0, 0), sigma), truth).astype(np.uint8)


def error(one: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> float:
    return float(np.sqrt(np.mean((one[mask].astype(float) - truth[mask]) ** 2)))


def test_a_pattern_goes_on_through_holes_and_nothing_else_changes():
    truth, mask = tiled(), hole(160, 160, (20, 20, 60, 60), (100, 90, 140, 130))
    fill = fog(truth, mask)
    textured = add_texture(fill, mask)
    assert error(textured, truth, mask) < 0.6 * error(fill, truth, mask)
    assert np.array_equal(textured[~mask], truth[~mask])


@pytest.mark.parametrize("value", [0, 255])
def test_nothing_is_taken_from_what_is_masked(value):
    """A second hole, foggy black or white, leaves no trace in the first."""
    truth, mask = tiled(), hole(160, 160, (20, 20, 60, 60), (90, 20, 96, 140))
    fill = fog(truth, mask)
    fill[:, 90:96][mask[:, 90:96]] = value
    inside = np.s_[20:60, 20:60]
    assert error(add_texture(fill, mask)[inside], truth[inside], mask[inside]) < 0.6 * error(
        fill[inside], truth[inside], mask[inside]
    )


def test_a_sky_goes_on_without_a_seam(monkeypatch):
    """A gray ramp with grain: what is copied from elsewhere in it has another tone."""
    ramp = np.linspace(90, 130, 200)[:, None] + np.random.default_rng(2).normal(0, 4, (200, 160))
    mask, smooth = hole(160, 200, (40, 60, 120, 140)), np.linspace(90, 130, 200)[:, None].repeat(160, axis=1)
    fill = np.rint(np.where(mask, smooth, ramp)).astype(np.uint8)
    errors = []
    for tone in (patches.TONE, 0):
        monkeypatch.setattr(patches, "TONE", tone)
        tones = cv2.blur(add_texture(fill, mask) - smooth, (9, 9))
        errors.append(np.abs(tones[70:130, 50:110]).max())
    assert errors[0] < 2.5 and errors[0] < errors[1]


def test_thin_damage_stays_as_the_network_filled_it():
    truth, thin, thick = tiled(), hole(160, 160, (0, 70, 160, 80)), hole(160, 160, (60, 20, 100, 60))
    assert np.array_equal(add_texture(fog(truth, thin), thin), fog(truth, thin))
    scratched = hole(160, 160, (0, 38, 160, 41)) | thick  # a scratch that runs into a hole is no part of it
    changed = thick_parts(scratched)
    assert changed[thick].all() and not changed[:, :40].any() and not changed[:, 120:].any()


def test_where_the_photo_has_nothing_to_take_from_the_fill_stays():
    truth, mask = tiled(), hole(160, 160, (3, 3, 157, 157))
    assert np.array_equal(add_texture(fog(truth, mask), mask), fog(truth, mask))


@pytest.mark.parametrize("shape", [(1, 1), (8, 8), (60, 1), (1, 60), (60, 6), (60, 7), (7, 60), (60, 60)])
def test_photos_of_few_pixels_and_a_single_source(shape):
    """All but a corner of 7 px is masked, the only source where there is room for it and for a thick hole."""
    height, width = shape
    known, fill = tiled()[:height, :width], np.full(shape, 128, np.uint8)
    mask = ~hole(width, height, (0, 0, 7, 7))
    fill[~mask] = known[~mask]
    textured = add_texture(fill, mask)
    assert np.array_equal(textured[~mask], known[~mask])
    assert (textured != fill).any() == (min(shape) >= 7 and max(shape) == 60)
    flat = np.full_like(fill, 90)
    assert np.array_equal(add_texture(flat, mask), flat), "what is all alike stays so"


def test_a_very_large_hole_gets_its_texture_from_a_smaller_copy(monkeypatch):
    monkeypatch.setattr(texture, "MAX_AREA", 6000)
    sizes, make = [], texture.Patches.__init__

    def noted(level, *args):
        make(level, *args)
        sizes.append(level.image.size)

    monkeypatch.setattr(texture.Patches, "__init__", noted)
    truth, mask = tiled(), hole(160, 160, (40, 40, 100, 100))
    textured = add_texture(fog(truth, mask, 8), mask)
    assert max(sizes) <= 6400 and np.array_equal(textured[~mask], truth[~mask])
    assert error(textured, truth, mask) < 0.9 * error(fog(truth, mask, 8), truth, mask)


# Against definitions, pixel by pixel ------------------------------------------------------------


@pytest.fixture(scope="module")
def level() -> patches.Patches:
    """Patches at half the size, over a hole in a picture, with a second damage that nothing may be taken from."""
    truth, mask = gray_photo("coffee", 90, 80), hole(90, 80, (30, 24, 56, 50), (70, 60, 80, 70))
    only = hole(90, 80, (30, 24, 56, 50))
    found = patches.Patches(fog(truth, mask), only, mask, 1)
    found.start(None)
    return found


def reflected(image: np.ndarray) -> np.ndarray:
    return np.pad(image, 3, "reflect")


def centers(level: patches.Patches, places: np.ndarray) -> np.ndarray:
    return np.stack(np.divmod(places, level.width), axis=-1)


def test_patches_lie_over_the_hole_and_sources_in_known_pixels(level):
    """At half the size and in a border of three pixels; a mask counts where any pixel of it is masked."""
    assert level.image.shape == (40, 45) and level.stride == 2
    small = np.zeros((40, 45), bool)
    small[12:25, 15:28] = True
    assert np.array_equal(level.hole, small)
    wanted = {
        (y, x)
        for y in range(0, 40, 2)
        for x in range(0, 45, 2)
        if small[max(0, y - 3) : y + 4, max(0, x - 3) : x + 4].any()
    }
    assert {tuple(c) for c in (centers(level, level.places) - 3).tolist()} == wanted
    known = ~small
    known[30:35, 35:40] = False
    sources = {(y, x) for y in range(3, 37) for x in range(3, 42) if known[y - 3 : y + 4, x - 3 : x + 4].all()}
    assert {tuple(c) for c in (centers(level, level.sources) - 3).tolist()} == sources


def test_a_match_costs_what_the_docstring_says(level):
    rng = np.random.default_rng(0)
    chosen = rng.integers(0, len(level.places), 6)
    tried = level.sources[rng.integers(0, len(level.sources), (len(level.places), 4))]
    image, has, wanted = (reflected(x) for x in (level.image, level.features[2][3:-3, 3:-3], level.contrast))
    blurred = reflected(cv2.GaussianBlur(level.image, (0, 0), 1.5, borderType=cv2.BORDER_REFLECT_101))
    masked = hole(90, 80, (30, 24, 56, 50), (70, 60, 80, 70)).reshape(40, 2, 45, 2).any(axis=(1, 3))
    known = reflected(np.where(masked, 1.0, 3.0))
    checker = [(y, x) for y in range(-3, 4) for x in range(-3, 4) if (y + x) % 2 == 0]
    corners = [(y, x) for y in (-3, 0, 3) for x in (-3, 0, 3)]
    for is_first in (True, False):
        level.is_first = is_first
        cost = level._cost(tried, level._wanted())
        for patch in chosen:
            y, x = centers(level, level.places)[patch]
            for c, place in enumerate(tried[patch]):
                v, u = centers(level, place)
                looks = sum(known[y + i, x + j] * (image[v + i, u + j] - image[y + i, x + j]) ** 2 for i, j in checker)
                guide = sum((blurred[v + i, u + j] - blurred[y + i, x + j]) ** 2 for i, j in corners) * 0.3 * 25 / 9
                contrast = 25 * (has[v, u] - wanted[y, x]) ** 2
                away = 2 * 25 * 2 * np.hypot(v - y, u - x)  # px of the whole photo
                expected = (0 if is_first else looks) + guide + contrast + away
                assert cost[patch, c] == pytest.approx(expected, rel=1e-3)


def test_a_source_offers_its_own_contrast_and_a_patch_wants_what_goes_on_into_the_hole(monkeypatch):
    own, wanted = np.random.default_rng(0).random((2, 80, 90)).astype(np.float32)
    monkeypatch.setattr(patches, "_contrasts", lambda *_: (own, wanted))
    mask = hole(90, 80, (30, 24, 56, 50))
    found = patches.Patches(gray_photo("coffee", 90, 80), mask, mask, 0)
    sources, places = (tuple((centers(found, x) - 3).T) for x in (found.sources, found.places))
    assert np.array_equal(found.offered[found.sources, -1], own[sources])
    assert np.array_equal(found._wanted()[:, -1], wanted[places])


def test_a_pixel_becomes_the_weighted_mean_of_what_patches_over_it_suggest(level):
    rng = np.random.default_rng(1)
    weights, before = rng.random(len(level.places)), level.image.copy()
    image, guide = (
        reflected(before),
        reflected(cv2.GaussianBlur(before, (0, 0), 1.5, borderType=cv2.BORDER_REFLECT_101)),
    )
    level.features[1] = guide
    sums, counts = np.zeros((2, *image.shape))
    for (y, x), (v, u), weight in zip(
        centers(level, level.places), centers(level, level.matches), weights, strict=True
    ):
        tone = np.mean([guide[y + i, x + j] - guide[v + i, u + j] for i in (-3, 0, 3) for j in (-3, 0, 3)])
        for i in range(-2, 3):
            for j in range(-2, 3):
                sums[y + i, x + j] += weight * (image[v + i, u + j] + np.clip(tone, -3, 3))
                counts[y + i, x + j] += weight
    level._average(weights, 2)
    inside = level.hole
    expected = (sums / np.maximum(counts, 1e-12))[3:-3, 3:-3][inside]
    assert np.allclose(level.image[inside], expected, atol=1e-2) and np.array_equal(
        level.image[~inside], before[~inside]
    )
    assert np.array_equal(level.features[0], reflected(level.image))


def test_the_cheapest_source_wins_and_one_in_use_costs_more(level, monkeypatch):
    """Each use adds ten squared levels for each of 25 pixels, but for the patch's own."""
    monkeypatch.setattr(level, "matches", level.sources[[5, 5, 5, 40, 90]])
    tried = level.sources[[[5, 40, 90], [9, 40, 90], [9, 5, 90], [9, 5, 90], [9, 40, 5]]].copy()
    tried[4, 0] = 0  # in the border, no source
    cost = np.float32([[300, 100, 900], [300, 100, 0], [300, 100, 900], [600, 0, 900], [0, 100, 200]])
    matches, own = level._cheapest(tried, cost)
    assert (matches == tried[range(5), [1, 0, 0, 0, 1]]).all() and own.tolist() == [100, 300, 300, 600, 100]


def test_what_fits_a_neighbor_is_tried_and_places_around(level):
    patch = len(level.places) // 2
    row, column = level.rows[patch], level.columns[patch]
    found = level._candidates(2, np.array([5, 1]), np.random.default_rng(0))
    own = centers(level, level.matches)
    assert found.shape == (len(level.places), 7) and np.array_equal(centers(level, found[:, 0]), own)
    numbers = {(int(r), int(c)): i for i, (r, c) in enumerate(zip(level.rows, level.columns, strict=True))}
    for place, (down, right) in zip(found[patch, 1:5], ((4, 0), (-4, 0), (0, 4), (0, -4)), strict=True):
        near = centers(level, level.matches[numbers[row + down, column + right]])
        assert np.array_equal(centers(level, place), near - (down, right))
    top = int(level.rows.argmin())  # there is no patch above it
    assert found[top, 2] == level.matches[top]
    inner = (np.abs(own - [23, 25]) < [15, 15]).all(axis=1)  # others end at the edge
    for number, reach in ((5, 5), (6, 1)):
        off = (centers(level, found[:, number]) - own)[inner]
        assert {*off.ravel().tolist()} == {*range(-reach, reach + 1)}


def test_a_finer_level_goes_on_with_twice_the_coarser_ones_matches(level):
    truth, mask = gray_photo("coffee", 90, 80), hole(90, 80, (30, 24, 56, 50))
    coarse, fine = (patches.Patches(fog(truth, mask), mask, mask, power) for power in (2, 1))
    coarse.start(None)
    assert not coarse.has_inherited and coarse.is_first and np.isin(coarse.matches, coarse.sources).all()
    coarse.matches = coarse.places - 9 * coarse.width - 1
    fine.start(coarse)
    moved = centers(fine, fine.matches) - centers(fine, fine.places)
    ok = fine.is_source[fine.places - 18 * fine.width - 2]
    assert ok.sum() > 5 and (moved[ok] == (-18, -2)).all() and fine.has_inherited and not fine.is_first


def test_local_contrast_is_that_of_detail_and_goes_on_into_the_mask():
    rng = np.random.default_rng(0)
    image = (100 + rng.normal(0, np.where(np.arange(120) < 60, 4, 12), (100, 120))).astype(np.float32)
    mask = hole(120, 100, (40, 30, 80, 70))
    (has, wanted), (_, other) = (
        patches._contrasts(np.where(mask, fill, image).astype(np.float32), mask) for fill in (100, 140)
    )
    assert np.abs(wanted - other).max() < 1, "what the fill is does not matter"
    detail = image - gaussian_filter(image.astype(float), 2)
    for region in (np.s_[10:90, 8:30], np.s_[10:90, 95:112]):
        assert has[region].mean() == pytest.approx(detail[region].std(), rel=0.1)
    assert np.array_equal(has[:20], wanted[:20]) and np.all(np.diff(wanted[50, 42:78]) > -0.3)
    assert wanted[50, 45] < 7 < wanted[50, 75] and wanted[50, 45] == pytest.approx(has[50, 33], rel=0.35)


def test_trust_falls_with_depth(level):
    depth = cv2.distanceTransform(level.hole.astype(np.uint8), cv2.DIST_L2, 3)[level.rows, level.columns]
    assert np.allclose(np.log(level.trust) / np.log(1.3), -depth.clip(max=20), atol=1e-5) and depth.max() > 5


@pytest.mark.parametrize("contrast, share", [(0.0, 0.0), (1.0, 0.425), (2.0, 0.5667), (1e9, 0.85)])
def test_a_calm_hole_gets_less_texture_than_a_lively_one(monkeypatch, contrast, share):
    """0.85 of what is found, times contrast / (contrast + 1)."""

    def improve(self, sharp):
        self.image[:], self.contrast = 200, np.full(self.image.shape, contrast, np.float32)

    monkeypatch.setattr(texture.Patches, "improve", improve)
    fill, mask = np.full((80, 80), 100, np.uint8), hole(80, 80, (20, 20, 60, 60))
    assert (add_texture(fill, mask)[mask] == round(100 + 100 * share)).all()


@pytest.mark.parametrize("fill, found, becomes", [(254, 258, 255), (1, -3, 0)])
def test_what_is_lighter_than_white_is_white_and_what_is_darker_than_black_is_black(monkeypatch, fill, found, becomes):
    """A patch of white may be lightened by three levels, one of black darkened."""

    def improve(self, sharp):
        self.image[:], self.contrast = found, np.full(self.image.shape, 1e9, np.float32)

    monkeypatch.setattr(texture.Patches, "improve", improve)
    mask = hole(80, 80, (20, 20, 60, 60))
    assert (add_texture(np.full((80, 80), fill, np.uint8), mask)[mask] == becomes).all()


def test_damage_is_thick_from_eleven_pixels_or_a_two_hundredth_of_the_photo_on():
    for side, widest in ((200, 10), (2000, 10), (4000, 20)):
        for width, thick in ((widest, False), (widest + 1, True)):
            mask = hole(side, 100, (40, 20, 40 + width, 80))
            assert thick_parts(mask).any() == thick


def test_what_lies_beside_thick_damage_counts_up_to_ten_pixels_from_its_core():
    """Scratches through a hole of 11 px, whose core is its middle."""
    thick = thick_parts(hole(80, 80, (25, 25, 36, 36), (0, 30, 80, 31), (30, 0, 31, 80)))
    for line in (thick[30], thick[:, 30]):
        assert np.flatnonzero(line).tolist() == list(range(20, 41))


def test_small_pictures_have_a_patch_at_each_pixel():
    truth, mask = gray_photo("coffee", 220, 200), hole(220, 200, (60, 60, 150, 150))
    found = [patches.Patches(fog(truth, mask), mask, mask, power) for power in range(6)]
    assert [(each.stride, each.scale) for each in found] == [(2, 1), (2, 2), (2, 4), (1, 8), (1, 16), (1, 32)]


@pytest.mark.parametrize("sharp, radii", [(True, [3] * 7 + [1]), (False, [3] * 8)])
def test_passes_search_and_average_and_end_with_the_middles_alone(level, monkeypatch, sharp, radii):
    averaged, searched = [], []
    monkeypatch.setattr(patches.Patches, "_average", lambda self, trust, radius: averaged.append((trust, radius)))
    cost = np.linspace(0, 100, len(level.places))
    monkeypatch.setattr(
        patches.Patches, "_search", lambda self, number: searched.append((number, self.is_first)) or cost
    )
    level.is_first = True
    level.improve(sharp)
    assert searched == [(0, True), *((number, False) for number in range(1, 8))] and [r for _, r in averaged] == radii
    assert np.allclose(averaged[0][0], level.trust * np.exp(-cost / 150) + 1e-12), "three quarters are below 75"


@pytest.mark.parametrize("half, powers", [(15, [2, 1, 0]), (17, [3, 2, 1, 0]), (7, [1, 0])])
def test_the_coarsest_size_makes_a_hole_four_pixels_deep(monkeypatch, half, powers):
    made, sharp, init = [], [], patches.Patches.__init__
    monkeypatch.setattr(texture.Patches, "__init__", lambda self, *given: made.append(given[3]) or init(self, *given))
    monkeypatch.setattr(texture.Patches, "improve", lambda *_, **how: sharp.append(how["sharp"]))
    side = 2 * half + 1
    mask = hole(200, 200, (80, 80, 80 + side, 80 + side))
    add_texture(gray_photo("coffee", 200, 200), mask)
    assert made == powers and sharp == [False] * (len(powers) - 1) + [True]


def test_a_hole_comes_with_its_surroundings():
    boxes = [box for box, _ in texture._holes(hole(900, 600, (400, 300, 420, 320)))]
    assert boxes[0].left in range(236, 241) and boxes[0].bottom in range(480, 484), "160 px around"


def test_beside_the_grid_its_edge_is_what_is_found():
    found = object.__new__(patches.Patches)
    found.number = np.arange(12).reshape(3, 4)
    rows, columns = np.array([-5, 0, 1, 2, 9]), np.array([0, -1, 2, 3, 9])
    assert found.patch_at(rows, columns).tolist() == [0, 0, 6, 11, 11]


@pytest.mark.parametrize(
    "inherited, power, number, reaches",
    [
        (True, 1, 0, (16, 2)),
        (True, 2, 0, (25, 12, 6, 3, 8, 3, 1)),
        (False, 1, 1, (49, 24, 12, 6, 8, 3, 1)),
        (False, 1, 2, (12, 6, 3, 1, 8, 3, 1)),
    ],
)
def test_what_was_found_before_is_only_improved_nearby(monkeypatch, inherited, power, number, reaches):
    """Else a search goes over the whole picture, 98 x 80 at the full size, and later over a quarter of it."""
    mask, asked = hole(98, 80, (30, 24, 56, 50)), []
    found = patches.Patches(fog(gray_photo("coffee", 98, 80), mask), mask, mask, power)
    found.start(None)
    found.has_inherited = inherited
    monkeypatch.setattr(
        found, "_candidates", lambda step, reaches, _: asked.append((step, tuple(reaches))) or found.matches[:, None]
    )
    found._search(number)
    assert set(asked) == {(4, reaches), (2, reaches), (1, reaches)}


@pytest.mark.parametrize("pixels, times", [(1, 0), (60_000, 0), (60_001, 1), (240_000, 1), (240_001, 2)])
def test_sides_are_halved_until_there_are_few_pixels(pixels, times):
    assert texture._halvings(pixels, 60_000) == times


def test_all_holes_get_a_coarser_texture_where_they_are_many(monkeypatch):
    made, real = [], texture.Patches
    monkeypatch.setattr(texture, "Patches", lambda *arguments: made.append(arguments[-1]) or real(*arguments))
    fill = np.random.default_rng(0).integers(0, 256, (120, 300), np.uint8)
    mask = np.zeros(fill.shape, bool)
    mask[40:70, 40:70] = mask[40:70, 200:230] = True
    texture.add_texture(fill, mask)
    assert made.count(0) == 2
    monkeypatch.setattr(texture, "MAX_PIXELS", 1799)  # one less than both have
    made.clear()
    textured = texture.add_texture(fill, mask)
    assert made.count(0) == 0 and made.count(1) == 2 and np.array_equal(textured[~mask], fill[~mask])


def test_a_speck_that_vanishes_in_the_smaller_copy_keeps_its_fill(monkeypatch):
    """Beside a large hole, in a photo of 4,000 px, of which so much is damaged that a sixteenth of its size is used."""
    monkeypatch.setattr(texture, "THIN", (10, 0))
    monkeypatch.setattr(texture, "MAX_PIXELS", 100)
    truth, mask = tiled(320), hole(320, 320, (100, 100, 200, 200), (208, 150, 209, 151))
    fill = fog(truth, mask, 8)
    textured = add_texture(fill, mask)
    assert thick_parts(mask)[150, 208] and textured[150, 208] == fill[150, 208]
    assert (textured != fill)[100:200, 100:200].any()


@pytest.mark.parametrize("gap, count", [(2 * texture.RADIUS, 1), (2 * texture.RADIUS + 1, 2)])
def test_holes_count_as_one_where_a_patch_would_span_both(gap, count):
    thick = np.zeros((40, 80), bool)
    thick[10:30, 20:30] = thick[10:30, 30 + gap : 45 + gap] = True
    assert len(list(texture._holes(thick))) == count
