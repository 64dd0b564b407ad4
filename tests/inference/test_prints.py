"""Prints on scans that Pillow has laid out, so that the places of the pictures are known."""

from typing import NamedTuple

import numpy as np
import pytest
from conftest import gray_photo, photo, pixels
from PIL import Image, ImageFilter

from restoration.files import imaging
from restoration.inference.paper import Side, _in_reading_order, _is_print, _side, find_inside_paper, find_prints
from restoration.inference.prints import Print, extract, straightened
from restoration.inference.tones import stretch_if_faded, tone_curve


class Laid(NamedTuple):
    """A photo on a scan: its size and center, its angle clockwise, the width of its paper."""

    name: str
    width: int
    height: int
    x: int
    y: int
    angle: float = 0.0
    border: int = 0


def scan(size: tuple[int, int], bed: int, *prints: Laid, paper: int = 240, noise: float = 2.0) -> np.ndarray:
    """Gray uint8 (H, W): prints on a bed, a little blurred, with noise."""
    page = Image.new("L", size, bed)
    for laid in prints:
        picture = Image.fromarray(gray_photo(laid.name, laid.width, laid.height))
        printed = Image.new("L", [side + 2 * laid.border for side in picture.size], paper)
        printed.paste(picture, (laid.border, laid.border))
        whole = Image.new("L", printed.size, 255)
        turned, shape = (
            image.rotate(-laid.angle, Image.Resampling.BICUBIC, expand=True) if laid.angle else image
            for image in (printed, whole)
        )
        page.paste(turned, (laid.x - turned.width // 2, laid.y - turned.height // 2), shape)
    levels = pixels(page.filter(ImageFilter.GaussianBlur(0.6))) + np.random.default_rng(0).normal(0, noise, size[::-1])
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


def corners(laid: Laid) -> np.ndarray:
    turn = np.exp(1j * np.radians(laid.angle))
    half = np.array([-1 - 1j, 1 - 1j, 1 + 1j, -1 + 1j]).real * laid.width / 2
    upright = half + 1j * np.array([-1, -1, 1, 1]) * laid.height / 2
    placed = laid.x + 1j * laid.y + upright * turn
    return np.stack([placed.real, placed.imag], axis=-1)


SCANS = {
    "white borders to the scan's edge": ((560, 440), 245, [Laid("astronaut", 480, 360, 280, 220)]),
    "a tilted print on a gray bed": ((700, 600), 150, [Laid("coffee", 480, 330, 350, 300, 3.4)]),
    "tilted, with a white border, on black": ((700, 600), 12, [Laid("coffee", 440, 330, 350, 300, -4.2, 25)]),
    "an album's page": (
        (900, 700),
        90,
        [
            Laid("astronaut", 300, 220, 230, 180, 2.0, 15),
            Laid("chelsea", 300, 200, 660, 190, -3.0, 12),
            Laid("coffee", 320, 220, 230, 520),
            Laid("camera", 240, 260, 660, 520, 1.2, 20),
        ],
    ),
    "in the corner of a scanner": ((700, 520), 200, [Laid("coffee", 560, 400, 279, 199)]),
}


@pytest.mark.parametrize("size, bed, laid", SCANS.values(), ids=SCANS)
def test_the_pictures_are_found_where_they_lie(size, bed, laid):
    found = find_prints(scan(size, bed, *laid))
    assert len(found) == len(laid), "in reading order, and nothing else"
    for one, true in zip(found, laid, strict=True):
        assert abs(one.angle - true.angle) < 0.4
        assert np.abs(one.corners() - corners(true)).max() < 0.01 * max(true.width, true.height) + 1.5


PLAIN = [
    "astronaut",
    "camera",
    "coffee",
    "chelsea",
    "rocket",
    "cat",
    "brick",
    "grass",
    "gravel",
    "text",
    "page",
    "clock",
]


@pytest.mark.parametrize("name", PLAIN)
def test_a_photo_without_paper_is_one_print(name):
    gray = gray_photo(name, 512, 384)
    assert find_prints(gray) == [Print.whole(gray.shape)]


@pytest.mark.parametrize("top", [(200, 200), (252, 255), (120, 180)], ids=["even", "clipped", "in a gradient"])
def test_a_sky_above_a_ragged_horizon_is_no_paper(top):
    """As wide as the photo, smooth, with a step of light below it: but no ruler drew that line."""
    gray = gray_photo("grass", 400, 300) // 2
    horizon = 110 + np.cumsum(np.random.default_rng(0).integers(-2, 3, 400))
    sky = np.arange(300)[:, None] < horizon
    gray[sky] = np.broadcast_to(np.linspace(*top, 400).astype(np.uint8), gray.shape)[sky]
    assert find_prints(gray) == [Print.whole(gray.shape)]


@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (40, 40), (3, 3), (900, 70)])
@pytest.mark.parametrize("level", [None, 0, 255])
def test_any_size_has_a_print(shape, level):
    noise = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    gray = noise if level is None else np.full(shape, level, np.uint8)
    assert find_prints(gray) == [Print.whole(shape)]


@pytest.mark.parametrize("mode", ["L", "RGB", "I;16"])
def test_a_print_is_cut_out_and_straight(mode):
    """Turned on the scan by Pillow and back by us, it is the photo again."""
    true, size = photo("astronaut", 300, 200), (400, 320)
    levels = np.asarray(Image.fromarray(true).convert("RGB" if mode == "RGB" else "L"))
    layers = []
    for layer in levels.reshape(200, 300, -1).transpose(2, 0, 1):
        turned = Image.fromarray(layer).rotate(-4, Image.Resampling.BICUBIC, expand=True)
        page = Image.new("L", size)
        page.paste(turned, (200 - turned.width // 2, 160 - turned.height // 2))
        layers.append(np.asarray(page))
    page = np.squeeze(np.stack(layers, axis=-1))
    page = Image.fromarray(page.astype(np.uint16) * 257 if mode == "I;16" else page)
    cut = extract(page, Print(200, 160, 300, 200, 4))
    assert cut.mode == mode and cut.size == (300, 200)
    difference = pixels(cut).astype(float) / (257 if mode == "I;16" else 1) - levels
    assert np.abs(difference[8:-8, 8:-8]).mean() < 4, "blurred twice, but nowhere else"


@pytest.mark.parametrize("angle", [0.0, 1.3, -6.8])
def test_a_print_is_cut_out_without_a_line_of_its_bed(angle):
    """Whatever that is, the picture is the same."""
    laid = Laid("coffee", 480, 330, 350, 300, angle)
    on_white, on_black = (scan((700, 600), bed, laid) for bed in (250, 12))
    for page in (on_white, on_black):
        [found] = find_inside_paper(page)
        one, other = (pixels(extract(Image.fromarray(levels), found)).astype(int) for levels in (on_white, on_black))
        assert np.abs(one - other).max() < 12 and one.size > 0.97 * 480 * 330


def test_a_print_that_the_scan_cuts_off_stays_turned():
    """Straight it would lack corners; a little beyond the scan's end is left out instead."""
    page = scan((700, 500), 20, Laid("coffee", 480, 560, 350, 250, 4.0))
    [found] = find_inside_paper(page)
    assert found.angle == 0 and 499 < found.height <= 500 and 480 - 560 * np.sin(np.radians(4)) - 6 < found.width < 450
    assert pixels(extract(Image.fromarray(page), found))[:, [0, -1]].mean() > 60, "no bed"
    turned = Laid("coffee", 560, 400, 279, 199, 1.0)  # in a scanner's corner
    [found] = find_inside_paper(scan((700, 520), 200, turned))
    x, y = found.corners().T
    assert abs(found.angle - 1) < 0.3 and -0.01 < x.min() < 2 and -0.01 < y.min() < 2 and found.width > 540


def test_a_rectangle_in_a_print_that_reaches_out_of_it_is_none():
    """A dark strip beside a white one, both turned against the print, as where its scan was cut badly."""
    page = scan((800, 500), 250, Laid("coffee", 600, 340, 400, 250, 3.0))
    within = Print(400, 250, 600, 340, 3.0).coverage(np.s_[0:500], np.s_[0:800]) > 0.5
    for left, level in ((610, 235), (660, 20)):
        x, y = np.meshgrid(np.arange(800), np.arange(500))
        page[within & (x - left > -0.12 * (y - 250))] = level
    [found] = find_prints(page)
    assert abs(found.angle - 3) < 0.3 and abs(found.width - 600) < 6 and abs(found.height - 340) < 6


def plane(found: Print, u: float, v: float) -> complex:
    """The place on the scan of a place in a print, by complex numbers."""
    turn = np.exp(1j * np.radians(found.angle))
    return found.x + 1j * found.y + (u - found.width / 2 + 1j * (v - found.height / 2)) * turn


TILTED = Print(60, 45, 50, 30, 12.0)


@pytest.mark.parametrize("found", [TILTED, Print(30.5, 20, 21, 20), Print(40, 30, 20, 10, -100.0)])
def test_a_print_lies_where_it_says(found):
    places = [plane(found, u, v) for u, v in ((0, 0), (found.width, 0), (found.width, found.height), (0, found.height))]
    assert np.allclose(found.corners(), [(z.real, z.imag) for z in places])
    grown = found.grown(1, 2, 3, 4)
    assert (grown.width, grown.height, grown.angle) == (found.width + 4, found.height + 6, found.angle)
    assert np.allclose(grown.corners()[[0, 2]], [
        (z.real, z.imag) for z in (plane(found, -1, -2), plane(found, found.width + 3, found.height + 4))
    ])  # fmt: skip
    assert found.scaled(2, 3) == Print(2 * found.x, 3 * found.y, 2 * found.width, 3 * found.height, found.angle)
    rows, columns = found.box((400, 400))
    x, y = found.corners().T
    slack = 1 if found.angle else 0
    assert rows.start <= y.min() + 0.5 and y.max() - 0.5 <= rows.stop and columns.start <= x.min() + 0.5
    assert x.max() - 0.5 <= columns.stop and rows.stop - rows.start <= np.ptp(y) + 1 + 2 * slack


def test_a_box_ends_where_the_scan_does():
    assert Print(10, 10, 30, 40, 3.0).box((20, 15)) == np.s_[0:20, 0:15]
    assert Print(10, 12, 6, 4).box((20, 15)) == np.s_[10:14, 7:13]


def test_how_much_of_a_pixel_is_of_a_print():
    """Against 16 points in each pixel."""
    share = TILTED.coverage(np.s_[10:80], np.s_[20:100])
    steps = (np.arange(4) + 0.5) / 4
    y, x = np.meshgrid(
        np.add.outer(np.arange(10, 80), steps).ravel(), np.add.outer(np.arange(20, 100), steps).ravel(), indexing="ij"
    )
    inside = ((x + 1j * y) - 60 - 45j) * np.exp(-1j * np.radians(12))
    inside = (np.abs(inside.real) <= 25) & (np.abs(inside.imag) <= 15)
    true = inside.reshape(70, 4, 80, 4).mean(axis=(1, 3))
    assert share.shape == (70, 80) and np.abs(share - true).max() < 0.35 and np.abs(share - true).mean() < 0.005
    assert share.sum() == pytest.approx(50 * 30, rel=0.01)
    assert (Print(40, 40, 20, 20).coverage(np.s_[30:50], np.s_[30:50]) == 1).all()


def test_a_cut_takes_the_nearest_pixels_and_a_view_the_mean_of_all():
    """Of a picture whose levels are its columns and rows."""
    y, x = np.mgrid[:90, :120].astype(np.float32)
    cut = TILTED.cut(x.astype(np.uint8))
    u, v = np.meshgrid(np.arange(50) + 0.5, np.arange(30) + 0.5)
    places = np.vectorize(lambda u, v: plane(TILTED, u, v))(u, v) - 0.5 - 0.5j
    assert cut.shape == (30, 50) and np.abs(cut - places.real).max() <= 0.52
    assert TILTED.cut(x > 60).dtype == bool
    for size in ((50, 30), (20, 12), (100, 60)):
        for level, true in ((x, places.real), (y, places.imag)):
            seen = straightened(level, TILTED, size)
            assert seen.shape == size[::-1] and seen.mean() == pytest.approx(true.mean(), abs=0.1)
            assert np.ptp(seen) == pytest.approx(np.ptp(true), rel=0.06)
    fine = (np.indices((90, 120)).sum(axis=0) % 2 * 200).astype(np.float32)
    assert np.ptp(straightened(fine, TILTED, (20, 12))[1:-1, 1:-1]) < 90, "no pixel is skipped"


def test_a_mask_is_cut_out_with_its_print():
    mask = np.zeros((90, 120), bool)
    mask[:45] = True
    cut = TILTED.cut(mask)
    u, v = np.meshgrid(np.arange(50) + 0.5, np.arange(30) + 0.5)
    true = np.vectorize(lambda u, v: plane(TILTED, u, v).imag)(u, v)
    assert cut.dtype == bool and cut[true < 43.9].all() and not cut[true > 46.1].any()


def test_a_photo_longer_than_opencv_can_turn_is_one_print():
    gray = np.zeros((64, 33_000), np.uint8)
    gray[12:52, 12:-12] = 255
    assert find_prints(gray) == [Print.whole(gray.shape)]


@pytest.mark.parametrize("side", range(4))
def test_a_border_on_one_side_alone_is_paper(side):
    page = np.rot90(scan((600, 500), 244, Laid("astronaut", 600, 440, 300, 281)), side)
    [found] = find_prints(page)
    inside = np.rot90(np.arange(500)[:, None].repeat(600, axis=1) >= 61, side)
    rows, columns = found.box(page.shape)
    assert (
        abs(found.angle) < 0.3
        and inside[rows, columns].mean() > 0.99
        and inside[rows, columns].size > 0.98 * inside.sum()
    )


ROWS = [Print(*place) for place in ((50, 60, 80, 100), (150, 85, 60, 40), (250, 30, 90, 50))]
ROWS += [Print(60, 160, 80, 60), Print(160, 140, 80, 60)]
COLUMN = [Print(60, 110, 90, 200, 2.0), Print(180, 60, 100, 80), Print(170, 160, 100, 80)]


@pytest.mark.parametrize("ordered", [ROWS, COLUMN, COLUMN[1:], ROWS[:1], []], ids=len)
def test_prints_are_read_row_by_row(ordered):
    """Of different heights, the left one not the highest; two beside a tall one are a column."""
    for turned in range(len(ordered) or 1):
        assert _in_reading_order([*ordered[turned:], *ordered[:turned]][::-1]) == ordered


def strip(step: int, margin: int = 10, length: int = 200, paper: float = 240.0, picture: float = 100.0) -> tuple:
    """A side whose step of light lies `step` rows down, and where paper is seen."""
    light = np.full((2 * margin + 4, length), paper, np.float32)
    light[step:] = picture
    return light, (light == paper).astype(np.uint8)


@pytest.mark.parametrize("step", range(6, 15))
def test_a_side_is_moved_to_its_step_of_light(step):
    outward, side = _side(*strip(step), 10)
    assert outward == 9.5 - step, "half a pixel within"
    assert side == pytest.approx((1, 1, 1, 0))


def test_what_is_seen_along_a_side():
    light, where = strip(10)
    light[10:, :50] = 230.0  # no step of more than ten levels in a quarter
    where[13:, 150:] = 1  # paper within, in a quarter
    where[:10, 180:] = 0  # none beyond, in a tenth
    _, side = _side(light, where, 10)
    assert side[:3] == pytest.approx((0.9, 0.75, 0.75), abs=0.011) and side.spread == 0
    light, where = strip(10)
    light[:8] += np.linspace(-10, 10, 200)
    assert _side(light, where, 10)[1].spread == pytest.approx(18, abs=1), "from the 5th percentile to the 95th"
    where[:, :90] = 2
    assert _side(light, where, 10)[1].paper == 1, "of what is on the scan"
    where[:, :110] = 2
    assert _side(light, where, 10) == (0.0, None), "the scan ends there"


def test_how_far_from_a_side_paper_picture_and_step_are_looked_for():
    """Each kind of row differs in another tenth of the columns; the step lies at row 10."""
    light, where = strip(10)
    where[:] = 0
    for number, row in enumerate((9, 0, 8)):  # too near to the step, and the first and last that count
        where[row, 20 * number : 20 * number + 20] = 1
    for number, row in enumerate((12, 23, 13, 22), start=3):  # too near, too far, and the first and last that count
        where[row, 20 * number : 20 * number + 20] = 1
    assert _side(light, where, 10)[1][:2] == pytest.approx((0.2, 0.98))
    light[12:14, :20] = 236.0  # the mean of two rows on either side tells whether there is a step
    light[7:9, 180:] = 104.0
    light[12:14, 40:60] = [[220.0], [260.0]]
    light[7:9, 120:140] = [[80.0], [120.0]]
    outward, side = _side(light, where, 10)
    assert outward == -0.5 and side.step == pytest.approx(0.6)


def test_steps_of_the_picture_move_no_side():
    light, where = strip(8)
    light[13:] = 20.0
    assert _side(light, where, 10)[0] == 1.5
    light[13:] = 240.0  # as large: the first counts
    assert _side(light, where, 10)[0] == 1.5


SEEN, EDGE, LARGE = Side(1.0, 1.0, 1.0, 2.0), None, 480_000


@pytest.mark.parametrize(
    "found, sides, is_print",
    [
        (Print(0, 0, 300, 200), [SEEN] * 4, True),
        (Print(0, 0, 300, 31), [SEEN] * 4, False),
        (Print(0, 0, 120, 32), [SEEN] * 4, True),
        (Print(0, 0, 300, 200, 7.8), [SEEN] * 4, False),
        (Print(0, 0, 300, 200, -7.5), [SEEN] * 4, True),
        (Print(0, 0, 500, 100), [SEEN] * 4, False),  # a strip that is small
        (Print(0, 0, 400, 100), [SEEN] * 4, True),
        (Print(0, 0, 800, 120), [SEEN] * 4, True),  # a fifth of the scan
        (Print(0, 0, 300, 200), [EDGE] * 4, False),
        (Print(0, 0, 300, 200), [SEEN] * 3 + [Side(0.85, 1, 1, 2)], False),
        (Print(0, 0, 300, 200), [SEEN] * 3 + [Side(0.87, 1, 1, 2)], True),
        (Print(0, 0, 300, 200), [Side(0.95, 1, 1, 2), SEEN, SEEN, EDGE], True),
        (Print(0, 0, 300, 200), [Side(0.93, 1, 1, 2)] * 4, False),
        (Print(0, 0, 300, 200), [Side(1, 0.5, 1, 2)] * 4, False),
        (Print(0, 0, 300, 200), [Side(1, 0.6, 0.6, 2)] * 4, True),
        (Print(0, 0, 300, 200), [Side(1, 1, 0.5, 2)] * 4, False),
        (Print(0, 0, 300, 200), [SEEN, SEEN, EDGE, EDGE], True),
        (Print(0, 0, 300, 200), [SEEN, Side(1, 1, 1, 10), EDGE, EDGE], False),
        (Print(0, 0, 300, 200), [SEEN, Side(1, 1, 1, 9), EDGE, EDGE], True),
        (Print(0, 0, 300, 200), [SEEN, Side(0.95, 1, 1, 2), EDGE, EDGE], False),
        (Print(0, 0, 300, 200), [Side(1, 0.75, 1, 2)] * 2 + [EDGE, EDGE], False),
        (Print(0, 0, 300, 200), [Side(0.97, 0.8, 0.8, 2)] * 2 + [EDGE, EDGE], True),
        (Print(0, 0, 300, 200), [SEEN, Side(1, 1, 0.6, 2), EDGE, EDGE], False),
        (Print(0, 0, 300, 200), [Side(1, 1, 0.75, 2)] * 2 + [EDGE, EDGE], False),
        (Print(0, 0, 300, 200), [EDGE, SEEN, EDGE, EDGE], True),
        (Print(0, 0, 300, 200, 3), [EDGE, Side(0.98, 0.7, 0.92, 13), EDGE, EDGE], True),
        (Print(0, 0, 300, 200), [EDGE, EDGE, EDGE, Side(1, 1, 1, 14)], False),
        (Print(0, 0, 300, 200), [EDGE, EDGE, EDGE, Side(0.97, 1, 1, 2)], False),
        (Print(0, 0, 300, 200), [EDGE, Side(1, 0.65, 1, 2), EDGE, EDGE], False),
        (Print(0, 0, 300, 200), [EDGE, Side(1, 1, 0.9, 2), EDGE, EDGE], False),
        (Print(0, 0, 300, 200, 0.9), [Side(0.98, 0.87, 0.87, 5), EDGE, EDGE, EDGE], True),
        (Print(0, 0, 300, 200, 1.0), [SEEN, EDGE, EDGE, EDGE], False),  # a roof
        (Print(0, 0, 300, 200), [EDGE, EDGE, Side(1, 1, 1, 6), EDGE], False),
        (Print(0, 0, 300, 200), [Side(0.97, 1, 1, 2), EDGE, EDGE, EDGE], False),
        (Print(0, 0, 300, 200), [Side(1, 0.85, 1, 2), EDGE, EDGE, EDGE], False),
        (Print(0, 0, 300, 200), [Side(1, 1, 0.85, 2), EDGE, EDGE, EDGE], False),
    ],
)
def test_the_fewer_sides_are_seen_the_clearer_they_must_be(found, sides, is_print):
    assert _is_print(found, sides, LARGE) == is_print


# Colored each by itself -------------------------------------------------------------------------


@pytest.mark.parametrize("angle", [0, 3])
def test_paper_stays_gray_and_luma_exact(restorer, angle):
    page = scan((520, 420), 235, Laid("astronaut", 400, 300, 260, 210, angle))
    result = restorer.restore(page, np.zeros(page.shape, bool))
    rgb = pixels(result.image)
    assert np.array_equal(pixels(result.image.convert("L")), page)
    inside = result.prints[0].coverage(np.s_[0:420], np.s_[0:520]) > 0 if angle else np.zeros(page.shape, bool)
    if not angle:
        inside[result.prints[0].box(page.shape)] = True
    spread = np.ptp(rgb.astype(int), axis=2)
    assert spread[~inside].max() <= 1, "of rounding"
    assert spread[inside].mean() > 5 and 0.5 < inside.mean() < 0.6


def test_a_print_is_colored_as_if_it_were_alone(restorer):
    whole = gray_photo("coffee", 400, 300)
    page = np.pad(whole, 40, constant_values=244)
    alone, result = (restorer.restore(gray, np.zeros(gray.shape, bool)) for gray in (whole, page))
    inside = pixels(result.image)[40:-40, 40:-40].astype(int)
    taken_whole = pixels(restorer.restore(page, np.zeros(page.shape, bool), hints=dab(page)).image)[40:-40, 40:-40]
    error, before = (np.abs(rgb - pixels(alone.image)).mean() for rgb in (inside, taken_whole))
    assert error < before / 2, (error, before)


def dab(page: np.ndarray) -> np.ndarray:
    """A gray dab on the paper, uint8 (H, W, 4)."""
    hints = np.zeros((*page.shape, 4), np.uint8)
    hints[:6, :6] = (*[page[0, 0]] * 3, 255)
    return hints


def test_a_hint_on_the_paper_says_that_it_is_none(restorer):
    page = np.pad(gray_photo("coffee", 300, 200), 30, constant_values=244)
    nothing = np.zeros(page.shape, bool)
    assert len(restorer.restore(page, nothing).prints) == 1
    assert restorer.restore(page, nothing).prints != [Print.whole(page.shape)]
    assert restorer.restore(page, nothing, hints=dab(page)).prints == [Print.whole(page.shape)]


# Faded tones ------------------------------------------------------------------------------------


def faded(levels: np.ndarray) -> np.ndarray:
    return np.rint(90 + 0.4 * levels.astype(float)).astype(np.uint8)


def test_a_network_sees_a_faded_photo_nearly_as_it_was():
    whole = gray_photo("astronaut", 300, 300)
    assert np.array_equal(stretch_if_faded(whole), whole), "not faded: not touched"
    error = np.abs(stretch_if_faded(faded(whole)).astype(int) - whole)
    assert error.mean() < 6 and np.abs(faded(whole).astype(int) - whole).mean() > 35


def test_a_faded_photo_gets_the_colors_of_the_whole_one(restorer):
    whole, nothing = gray_photo("astronaut", 300, 300), np.zeros((300, 300), bool)
    fresh, pale = (restorer.restore(gray, nothing).chroma[0].logits for gray in (whole, faded(whole)))
    assert np.abs(pale - fresh).mean() < 0.1 * fresh.std(axis=(1, 2)).mean()


def test_without_light_and_dark_nothing_is_stretched():
    flat = np.full((50, 50), 120, np.uint8)
    assert np.array_equal(stretch_if_faded(flat + (np.arange(50) % 2).astype(np.uint8)), flat + np.arange(50) % 2)
    curve = tone_curve(faded(gray_photo("coffee", 100, 80)))
    assert (np.diff(curve.astype(int)) >= 0).all() and curve.dtype == np.uint8


def test_tones_are_freshened_only_when_asked(restorer):
    page, nothing = faded(gray_photo("coffee", 300, 200)), np.zeros((200, 300), bool)
    kept, fresh = (restorer.restore(page, nothing, freshen=asked) for asked in (False, True))
    assert np.array_equal(pixels(kept.gray), page)
    assert np.ptp(pixels(fresh.gray)) > 240 > 140 > np.ptp(page)
    assert np.array_equal(pixels(fresh.image.convert("L")), pixels(fresh.gray))
    assert fresh.mask is kept.mask or np.array_equal(pixels(fresh.mask), pixels(kept.mask))


def test_a_faded_color_photo_loses_its_cast(restorer):
    true = photo("astronaut", 200, 200)
    cast = np.rint(true * [0.5, 0.35, 0.3] + [110, 80, 60]).astype(np.uint8)
    fresh = restorer.restore(cast, np.zeros((200, 200), bool), freshen=True)
    error = [np.abs(rgb.astype(int) - true).mean() for rgb in (cast, pixels(fresh.image))]
    assert error[1] < error[0] / 4
    assert np.array_equal(pixels(fresh.image.convert("L")), pixels(fresh.gray))


# The command line -------------------------------------------------------------------------------


@pytest.mark.slow
def test_split_writes_each_print_and_overwrites_nothing(run, tmp_path):
    laid = [Laid("astronaut", 240, 200, 170, 150, 3, 15), Laid("coffee", 240, 180, 500, 150, 0, 15)]
    Image.fromarray(scan((680, 300), 20, *laid)).save(tmp_path / "scan.png", dpi=(300, 300))
    given = tmp_path / "scan.png", tmp_path / "out.png", "--split"
    assert run("restore", *given)[0] == 0
    names = ["out-1.png", "out-2.png", "out.png"]
    assert sorted(file.name for file in tmp_path.glob("out*")) == names
    for name, print_ in zip(names[:2], laid, strict=True):
        cut = imaging.read_scan(tmp_path / name)
        assert np.abs(np.subtract(cut.image.size, (print_.width, print_.height))).max() <= 6
        assert [round(n) for n in cut.dpi] == [300, 300]
        gray = pixels(cut.image.convert("L"))[3:193, 3:233].astype(int)  # without two pixels of its edge
        assert np.abs(gray[:160] - gray_photo(print_.name, print_.width, print_.height)[5:165, 5:235]).mean() < 12
    assert "no print" in "".join(run("restore", tmp_path / "out-1.png", tmp_path / "own.png", "--split")[2])
    (tmp_path / "out.png").unlink()
    kept = (tmp_path / "out-1.png").read_bytes()
    status, _, [said] = run("restore", *given)
    assert status == 1 and "out-1.png would be overwritten" in said
    assert (tmp_path / "out-1.png").read_bytes() == kept
    assert run("restore", *given, "--overwrite")[0] == 0


@pytest.mark.slow
def test_split_looks_at_each_print_of_the_scan_alone(run, tmp_path, monkeypatch):
    """Beside paper the crack is not seen; in the print alone it is, and so it is repaired on the scan as well."""

    def looked(gray: np.ndarray, _: object) -> np.ndarray:
        return np.where((gray > 250) & (gray.shape[1] < 400), np.float32(6), np.float32(-6))[None]

    monkeypatch.setattr("restoration.inference.detection.damage_logits", looked)
    laid = [Laid("astronaut", 240, 200, 170, 150, 3), Laid("coffee", 240, 180, 500, 150)]
    page = np.minimum(scan((680, 300), 20, *laid), 240)
    page[140:144, 420:560] = 255
    mask = np.zeros(page.shape, np.uint8)
    mask[120:130, 100:200] = mask[50:250, 370:630] = 255  # a stroke in one, and the whole of the other
    for name, image in (("scan", page), ("mask", mask)):
        Image.fromarray(image).save(tmp_path / f"{name}.png")
    status, _, said = run("restore", tmp_path / "scan.png", tmp_path / "out.png", "--split", "--gray")
    names = ["out-1.png", "out-2.png", "out.png"]
    assert status == 0 and [line.split(": ")[1] for line in said[:-1]] == names
    assert said[-1] == f"restoration: wrote {', '.join(str(tmp_path / name) for name in names)}."
    assert ["no damage" in line for line in said[:-1]] == [True, False, False] and "found 1 mark" in said[1]
    alone = [pixels(extract(Image.fromarray(page), found)) for found in find_inside_paper(page)]
    crack = pixels(Image.open(tmp_path / "out-2.png")) != alone[1]
    assert 200 < crack.sum() < 600 and np.ptp(np.argwhere(crack)[:, 0]) < 8
    changed = np.argwhere(pixels(Image.open(tmp_path / "out.png")) != page)
    assert (
        200 < len(changed) < 600
        and (changed.min(axis=0) >= [138, 418]).all()
        and (changed.max(axis=0) < [146, 562]).all()
    )
    masked = [tmp_path / "scan.png", tmp_path / "b.png", "--split", "--gray", "--mask", tmp_path / "mask.png"]
    status, _, said = run("restore", *masked)
    assert status == 0 and any("b-2.png: the mask marks nothing or all of it" in line for line in said)
    one, other = (pixels(Image.open(tmp_path / f"b-{n}.png")) for n in (1, 2))
    y, x = np.nonzero(one != alone[0])
    assert 900 < len(y) < 1020 and abs(np.polyfit(x, y, 1)[0] + np.tan(np.radians(3))) < 0.02, "turned with the print"
    assert np.array_equal(other, alone[1]), "nothing was left to restore it from"


def test_split_of_a_folder_keeps_other_results(run, tmp_path):
    (tmp_path / "in").mkdir()
    page = scan((680, 300), 20, Laid("astronaut", 240, 200, 170, 150), Laid("coffee", 240, 180, 500, 150))
    for name in ("a.png", "a-1.png"):
        Image.fromarray(page if name == "a.png" else gray_photo("camera", 90, 80)).save(tmp_path / "in" / name)
    status, _, said = run("restore", tmp_path / "in", tmp_path / "out", "--split")
    assert status == 1 and any("a-1.png would be overwritten" in line for line in said)
    assert [file.name for file in (tmp_path / "out").glob("*")] == ["a-1.png"]
    assert Image.open(tmp_path / "out" / "a-1.png").size == (90, 80)
