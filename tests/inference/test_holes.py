"""Constant holes are found to the pixel; what light, clipping and borders make flat is left alone."""

from itertools import product

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage import data
from sklearn.datasets import load_sample_image

from restoration.color import luma
from restoration.inference import holes
from restoration.inference.holes import Region, find_compressed_holes, find_holes, picture_window
from restoration.masking import damage

HEIGHT, WIDTH = 192, 256
MID_GRAY = 118


def small(photo: np.ndarray) -> np.ndarray:
    return cv2.resize(luma(photo), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)


PHOTOS = {name: small(getattr(data, name)()) for name in ("astronaut", "camera", "chelsea", "coffee", "rocket")}
PHOTOS |= {name: small(load_sample_image(f"{name}.jpg")) for name in ("china", "flower")}


def polygon(*corners: tuple[int, int]) -> np.ndarray:
    """The pixels of a polygon given by (x, y), even-odd where it crosses itself."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.fillPoly(mask, [np.array(corners, np.int32)], 1)
    return mask.view(bool)


def disc(x: int, y: int, radius: int) -> np.ndarray:
    return cv2.circle(np.zeros((HEIGHT, WIDTH), np.uint8), (x, y), radius, 1, -1).view(bool)


SHAPES = {
    "triangle": polygon((30, 150), (120, 160), (70, 60)),
    "square": polygon((150, 60), (200, 60), (200, 110), (150, 110)),
    "turned rectangle": polygon((60, 40), (120, 70), (105, 100), (45, 70)),
    "circle": disc(180, 100, 32),
    "irregular": polygon((100, 50), (150, 40), (170, 80), (140, 120), (125, 90), (90, 110)),
    "crossing itself": polygon((60, 50), (160, 130), (60, 130), (160, 50)),
    "at the border": polygon((0, 60), (50, 70), (60, 120), (0, 130)),
}


def filled(gray: np.ndarray, hole: np.ndarray, level: int) -> np.ndarray:
    return np.where(hole, level, gray).astype(np.uint8)


def check_found(found: np.ndarray, damaged: np.ndarray, hole: np.ndarray) -> None:
    """All of the hole, and beyond it only pixels of the hole's own level that happen to touch it."""
    assert found[hole].all()
    extra = found & ~hole
    assert np.isin(damaged[extra], damaged[hole]).all()
    assert np.count_nonzero(extra) <= 0.05 * np.count_nonzero(hole)


# Holes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("photo", PHOTOS)
def test_a_hole_of_any_shape_is_found_to_the_pixel(photo, shape):
    damaged = filled(PHOTOS[photo], SHAPES[shape], MID_GRAY)
    check_found(find_holes(damaged), damaged, SHAPES[shape])


@pytest.mark.parametrize("photo", PHOTOS)
def test_holes_of_random_shape_and_level_are_found(photo):
    ious = []
    for seed in range(10):
        damaged, mask = damage(PHOTOS[photo], np.random.default_rng(seed))
        found = find_holes(damaged)
        ious.append(np.count_nonzero(found & mask) / np.count_nonzero(found | mask))
    assert np.mean(ious) >= 0.89, ious  # one of ten may blend in


@pytest.mark.parametrize("levels", [(100, 100), (6, 200)])  # (70, 70) would blend into the rocket's sky
@pytest.mark.parametrize("photo", PHOTOS)
def test_two_holes_are_both_found(photo, levels):
    first, second = SHAPES["turned rectangle"], SHAPES["circle"]
    damaged = filled(filled(PHOTOS[photo], first, levels[0]), second, levels[1])
    check_found(find_holes(damaged), damaged, first | second)


@pytest.mark.parametrize("level", [0, 1, 254, 255])
def test_a_hole_of_a_level_that_clipping_makes_is_told_by_its_sharp_edge(level):
    damaged = filled(PHOTOS["chelsea"], SHAPES["irregular"], level)
    check_found(find_holes(damaged), damaged, SHAPES["irregular"])


def test_a_hole_on_the_grid_of_jpeg_is_a_hole():
    hole = polygon((64, 64), (127, 64), (127, 127), (64, 127))
    damaged = filled(PHOTOS["chelsea"], hole, 30)
    check_found(find_holes(damaged), damaged, hole)


def test_parts_that_touch_at_a_corner_are_one_hole():
    hole = np.zeros((HEIGHT, WIDTH), bool)
    hole[40:80, 40:80] = hole[80:84, 80:84] = True  # the second is too small to be found alone
    damaged = filled(PHOTOS["chelsea"], hole, 30)
    check_found(find_holes(damaged), damaged, hole)


def test_a_hole_in_a_photo_with_bars_is_found_and_the_bars_are_not():
    boxed = PHOTOS["coffee"].copy()
    boxed[:24] = boxed[-24:] = 0
    damaged = filled(boxed, SHAPES["circle"], 200)
    check_found(find_holes(damaged), damaged, SHAPES["circle"])


# No holes --------------------------------------------------------------------------------------


def scaled(gain: float, offset: float = 0):
    return lambda gray: np.clip(gain * gray.astype(np.float32) + offset, 0, 255).astype(np.uint8)


def framed(level: int, rows: int, columns: int):
    return lambda gray: cv2.copyMakeBorder(gray, rows, rows, columns, columns, cv2.BORDER_CONSTANT, value=level)


def jpeg(quality: int):
    return lambda gray: cv2.imdecode(cv2.imencode(".jpg", gray, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], 0)


UNDAMAGED = {
    "clean": lambda gray: gray,
    "overexposed": scaled(1.5),
    "brightened": scaled(1, 60),
    "crushed": scaled(1.4, -80),
    "low contrast": scaled(0.4, 80),
    "equalized": cv2.equalizeHist,
    "letterboxed": framed(0, 24, 0),
    "pillarboxed": framed(16, 0, 32),
    "white frame": framed(255, 12, 12),
    "strong JPEG": jpeg(20),
}


@pytest.mark.parametrize("change", UNDAMAGED)
@pytest.mark.parametrize("photo", PHOTOS)
def test_no_false_alarm(photo, change):
    assert not find_holes(UNDAMAGED[change](PHOTOS[photo])).any()


@pytest.mark.parametrize("level", [0, 128, 255])
@pytest.mark.parametrize("shape", [(16, 16), (1, 1), (1, 300), (300, 1), (2, 50), (64, 96)])
def test_a_photo_of_one_level_is_not_damage(shape, level):
    found = find_holes(np.full(shape, level, np.uint8))
    assert found.shape == shape and found.dtype == bool and not found.any()


def test_a_smooth_gradient_is_not_damage():
    ramp = np.tile(np.linspace(40, 60, WIDTH).astype(np.uint8), (HEIGHT, 1))
    assert not find_holes(ramp).any()


# After JPEG --------------------------------------------------------------------------------------


def faint_map(hole: np.ndarray) -> np.ndarray:
    """What a network says of a hole that it doubts: logits below zero, higher inside, soft edges."""
    return cv2.GaussianBlur(4 * hole.astype(np.float32), (0, 0), 3) - 5


@pytest.mark.parametrize(("level", "quality"), [(0, 95), (255, 95), (40, 60), (90, 75)])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_hole_that_jpeg_has_blurred_is_found_where_a_doubtful_map_sees_it_too(shape, level, quality):
    hole = SHAPES[shape]
    damaged = jpeg(quality)(filled(PHOTOS["chelsea"], hole, level))
    assert not find_compressed_holes(damaged, np.full(hole.shape, -5, np.float32)).any()
    assert not find_compressed_holes(jpeg(quality)(PHOTOS["chelsea"]), faint_map(hole)).any()
    found = find_compressed_holes(damaged, faint_map(hole))
    assert np.count_nonzero(found & hole) / np.count_nonzero(found | hole) > 0.85
    assert found[hole].mean() > 0.95  # a rim that stays would outline what is filled


def test_what_clipping_may_have_made_needs_a_map_that_tells_it_apart_everywhere():
    hole, noise = SHAPES["circle"], np.random.default_rng(0).normal(scale=1.5, size=(HEIGHT, WIDTH))
    for level, is_found in ((60, True), (0, False), (255, False)):
        damaged = jpeg(90)(filled(PHOTOS["chelsea"], hole, level))
        assert find_compressed_holes(damaged, 3 * hole - 5 + noise).any() == is_found
    abrupt = filled(PHOTOS["chelsea"], hole, 255)  # as clipping leaves it, without the noise of JPEG
    assert not find_compressed_holes(abrupt, faint_map(hole)).any()


# Properties ------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(16, 16), (1, 200), (200, 1), (3, 3), (17, 301), (301, 17)])
def test_any_size_gives_a_mask_of_that_size(shape):
    found = find_holes(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))
    assert found.shape == shape and found.dtype == bool and not found.any()


@pytest.mark.parametrize("name, height", [("rocket", 342), ("astronaut", 512)])
def test_flats_of_a_color_gif_are_no_holes_but_its_holes_are(name, height):
    """As Pillow chooses its 256 colors; a dark corner of the sky, half a percent of it, still counts as one."""
    photo = cv2.resize(getattr(data, name)(), (512, height), interpolation=cv2.INTER_AREA)

    def as_gif(rgb: np.ndarray) -> np.ndarray:
        return np.asarray(Image.fromarray(rgb).quantize(256).convert("RGB").convert("L"))

    gray = as_gif(photo)
    everywhere = np.where(np.indices(gray.shape)[1] < 256, np.float32(3), np.float32(-6))  # in half of it
    assert find_holes(gray).mean() < 0.006 and not find_compressed_holes(gray, everywhere).any()
    damaged, mask = damage(luma(photo), np.random.default_rng([1, 7]), max_holes=1)
    found = find_holes(as_gif(np.where(mask[..., None], damaged[..., None], photo)))
    assert found[mask].mean() > 0.95 and found[~mask].mean() < 0.006


def test_a_black_hole_among_the_dark_windows_of_a_facade_is_found():
    """Windows as dark as the hole lie along its edges; only the size and the straight edges tell it from them."""
    found = []
    for seed, level in product(range(20), (0, 2)):
        rng = np.random.default_rng([34, level, seed])
        facade, (down, across) = rng.normal(150, 4, (HEIGHT, WIDTH)), rng.integers(0, 34, 2)
        for top, left in product(range(8 - down, HEIGHT, 34), range(8 - across, WIDTH, 34)):
            facade[max(0, top) : max(0, top + 18), max(0, left) : max(0, left + 18)] = rng.integers(0, 6)
        side = rng.integers(60, 110)
        top, left = rng.integers(10, (HEIGHT - side - 10, WIDTH - side - 10))
        hole = np.zeros((HEIGHT, WIDTH), bool)
        hole[top : top + side, left : left + side] = True
        seen = find_holes(filled(cv2.GaussianBlur(facade, (0, 0), 0.7).clip(0, 255), hole, level))
        found.append(np.count_nonzero(seen & hole) > 0.8 * np.count_nonzero(seen | hole))
    assert sum(found) >= 36


def test_a_white_hole_in_a_page_of_text_is_found():
    """Without straight edges it would be paper that overexposure made white."""
    hole = np.zeros((191, 384), bool)
    hole[100:170, 250:330] = True
    damaged = np.where(hole, 255, data.page()).astype(np.uint8)
    check_found(find_holes(damaged), damaged, hole)


def test_a_hole_is_found_in_a_tiny_photo():
    gray = cv2.resize(PHOTOS["chelsea"], (16, 16), interpolation=cv2.INTER_AREA)
    gray[4:10, 5:11] = 60
    assert np.array_equal(find_holes(gray), gray == 60)


def test_the_input_is_left_as_it_is_and_may_be_read_only_or_a_view():
    damaged = filled(PHOTOS["coffee"], SHAPES["circle"], MID_GRAY)
    before, expected = damaged.copy(), find_holes(damaged)
    damaged.setflags(write=False)
    assert np.array_equal(find_holes(damaged), expected)
    assert np.array_equal(damaged, before)
    view = np.repeat(damaged, 2, axis=1)[:, ::2]
    assert np.array_equal(find_holes(view), expected)


@pytest.mark.parametrize("photo", PHOTOS)
def test_mirroring_the_photo_mirrors_what_is_found(photo):
    damaged = filled(PHOTOS[photo], SHAPES["irregular"], MID_GRAY)
    expected = find_holes(damaged)
    assert np.array_equal(find_holes(damaged[:, ::-1]), expected[:, ::-1])
    assert np.array_equal(find_holes(damaged[::-1]), expected[::-1])
    assert np.array_equal(find_holes(damaged.T), expected.T)


@pytest.mark.parametrize("photo", PHOTOS)
def test_every_region_found_is_constant(photo):
    damaged, _ = damage(PHOTOS[photo], np.random.default_rng(3), max_holes=3)
    count, labels = cv2.connectedComponents(find_holes(damaged).view(np.uint8), connectivity=8)
    for label in range(1, count):
        assert np.unique(damaged[labels == label]).size == 1


def test_the_picture_lies_inside_its_bars_and_frames():
    photo = np.random.default_rng(0).integers(1, 255, (80, 120), np.uint8)
    for bar, inside in (
        (np.s_[:12], np.s_[12:80, 0:120]),
        (np.s_[-12:], np.s_[0:68, 0:120]),
        (np.s_[:, :12], np.s_[0:80, 12:120]),
        (np.s_[:, -12:], np.s_[0:80, 0:108]),
    ):
        barred = photo.copy()
        barred[bar] = 0
        assert picture_window(barred) == inside
    assert picture_window(np.pad(photo, 6, constant_values=255)) == np.s_[6:86, 6:126]
    ring = np.pad(photo, 20, constant_values=255)  # a print's white edge on an album's page
    assert picture_window(np.pad(ring, 60, constant_values=30)) == np.s_[80:160, 80:200]
    holed = photo.copy()
    holed[30:60, 20:50] = 90
    assert picture_window(holed) == np.s_[0:80, 0:120]
    assert picture_window(np.zeros((40, 40), np.uint8)) == np.s_[0:40, 0:40]  # nothing but bar: all of it


# Each rule by itself ----------------------------------------------------------------------------


def square(top: int, left: int, side: int, value: int = 100, shape: tuple[int, int] = (60, 60)) -> Region:
    """A square region in a window of the whole photo."""
    mask = np.zeros(shape, bool)
    mask[top : top + side, left : left + side] = True
    return Region(np.s_[0 : shape[0], 0 : shape[1]], mask, value)


@pytest.mark.parametrize("top, left, share", [(8, 16, 1.0), (9, 17, 0.0), (8, 17, 0.5), (12, 8, 0.5)])
def test_how_much_of_an_outline_lies_on_the_grid_of_jpeg(top, left, share):
    region = square(top, left, 16)
    assert holes._on_grid(region) == share
    part = Region(np.s_[3:50, 5:55], region.mask[3:50, 5:55], 100)
    assert holes._on_grid(part) == share, "wherever the window lies"


@pytest.mark.parametrize("length, is_bar", [(57, False), (58, True), (60, True)])
def test_a_bar_covers_more_than_95_hundredths_of_a_side(length, is_bar):
    for turn, breadth in product(range(4), (5, 1)):
        mask = np.zeros((60, 60), bool)
        mask[:breadth, :length] = True
        assert holes._is_bar(Region(np.s_[0:60, 0:60], np.rot90(mask, turn), 0), (60, 60)) == is_bar


@pytest.mark.parametrize(
    "further, blur, drift",
    [
        ((0, 0), True, True),
        ((17, -17), True, True),  # a third of the step of 50, both ways
        ((21, -21), False, True),
        ((4, 4), True, True),  # a twelfth, on and on
        ((6, 6), True, False),
        ((-6, -6), True, False),
    ],
)
def test_an_edge_is_sharp_when_little_of_its_step_is_left_beyond(further, blur, drift):
    """Rows in turn go on by one of two amounts."""
    around = np.full((40, 40), 150, np.float32)
    around[10:30, 10:30] = 100
    rim, beyond = np.zeros((40, 40), bool), np.zeros((40, 40), np.uint8)
    rim[12:28, 9], beyond[12:28, 8] = True, 1
    around[12:20, 8] += further[0]
    around[20:28, 8] += further[1]
    assert holes._is_sharp(around, 100, rim, beyond) == (blur and drift)
    assert holes._is_sharp(around, 100, rim, beyond, 9.0, 9.0)
    assert holes._is_sharp(around, 100, rim, beyond, 9.0, 0.1) == drift
    assert not holes._is_sharp(np.full_like(around, 100), 100, rim, beyond), "no step, no edge"


def test_what_is_drawn_has_straight_sides_and_is_solid():
    assert holes._is_drawn(square(15, 15, 30), (60, 60))
    ragged = square(15, 15, 30)
    for row in range(15, 45, 2):
        ragged.mask[row, 15:18] = False
    assert not holes._is_drawn(ragged, (60, 60)), "a twentieth is no square of 5 x 5 pixels"
    blob = np.zeros((60, 60), bool)
    angle = np.arctan2(*(np.mgrid[:60, :60] - 30))
    blob[np.hypot(*(np.mgrid[:60, :60] - 30)) < 18 + 4 * np.sin(9 * angle)] = True
    assert not holes._is_drawn(Region(np.s_[0:60, 0:60], blob, 0), (60, 60))
    hill = np.indices((60, 60))[0] < 18 + 9 * np.sin(np.arange(60) / 4)
    assert not holes._is_drawn(Region(np.s_[0:60, 0:60], hill, 0), (60, 60)), "the photo's own sides are not drawn"


@pytest.mark.parametrize("turn", range(4))
@pytest.mark.parametrize(
    "place, is_drawn",
    [
        (np.s_[20:36, 20:36], True),  # four lines of 15 pixels from center to center
        (np.s_[20:35, 20:35], False),
        (np.s_[1:58, 20:35], True),  # two lines of 56, which are 0.8 of all, and two too short ones
        (np.s_[1:57, 20:35], False),
        (np.s_[:30, 20:50], True),  # at the photo's edge
        (np.s_[1:], True),
        (np.s_[:], False),  # whose sides alone are its outline
    ],
)
def test_lines_of_15_pixels_beside_the_edges_are_drawn_where_they_are_four_fifths(place, is_drawn, turn):
    mask = np.zeros((60, 60), bool)
    mask[place] = True
    assert holes._is_drawn(Region(np.s_[0:60, 0:60], np.rot90(mask, turn), 0), (60, 60)) == is_drawn


@pytest.mark.parametrize("level, is_hole", [(10, False), (11, False), (12, True)])
def test_a_soft_edge_is_that_of_a_clipped_area_up_to_one_level_from_the_ends(level, is_hole):
    gray = np.random.default_rng(0).integers(60, 200, (120, 160), np.uint8)
    gray[:1, :2] = 10, 11
    for rim, more in ((2, 120), (1, 60), (0, 0)):  # the step is not over at once
        gray[40 - rim : 62 + rim, 60 - rim : 82 + rim] = level + more
    for photo in (gray, 255 - gray):
        assert find_holes(photo).any() == is_hole


def test_flat_regions_are_the_largest_first_and_none_is_small():
    gray = np.random.default_rng(0).integers(0, 256, (200, 200), np.uint8)
    sides = (40, 40), (25, 25), (16, 10), (12, 13)  # 0.4% of 40,000 is 160: just enough, and not
    for number, (height, width) in enumerate(sides):
        gray[20 : 20 + height, 10 + 45 * number : 10 + 45 * number + width] = 90 + number
    found = list(holes._flat_regions(gray, holes._inside(gray)))
    assert [(region.value, int(region.mask.sum())) for region in found] == [(90, 1600), (91, 625), (92, 160)]
    for region, left in zip(found, (10, 55, 100), strict=True):
        rows, columns = region.window
        assert (rows.start, columns.start) == (18, left - 2) and region.mask[2, 2] and not region.mask[1, 1]
