"""Where a print is cut out and laid, to the pixel and to half a pixel."""

import cv2
import numpy as np
import pytest

from restoration.inference.prints import Print, straightened

NOISE = np.random.default_rng(0).normal(0, 1, (60, 80)).astype(np.float32)


@pytest.mark.parametrize(
    "found, rows, columns",
    [
        (Print(10, 12, 6, 4), (10, 14), (7, 13)),
        (Print(10.4, 12.4, 6, 4), (10, 14), (7, 13)),  # to the nearest pixel
        (Print(10.6, 12.6, 6, 4), (11, 15), (8, 14)),
        (Print(10, 12, 6, 4, 90), (8, 16), (8, 12)),  # half a pixel more where it is turned: -0.5 is 0 when rounded
        (Print(3, 2, 10, 10), (0, 7), (0, 8)),
        (Print(26, 19, 10, 10), (14, 20), (21, 30)),
    ],
)
def test_a_box_holds_a_print_to_the_nearest_pixel(found, rows, columns):
    assert found.box((20, 30)) == (slice(*rows), slice(*columns))


def test_how_far_a_print_reaches_out_and_what_of_it_is_left():
    found = Print(10, 12, 30, 20)
    assert found.beyond((15, 22)) == (5, -2, 3, 7) and found.within((15, 22)) == Print(11, 8.5, 22, 13)
    turned = Print(50, 40, 60, 40, 5)
    x, y = turned.corners().T
    inner = turned.within((80, 100))  # between the second and the third of its corners, across and down
    assert inner.corners()[[0, 2]] == pytest.approx(np.array([[x[0], y[1]], [x[2], y[3]]]))
    assert turned.within((60, 70)).corners()[2] == pytest.approx([70, min(60, y[3])])
    assert turned._replace(x=25, y=15).within((80, 100)).corners()[0] == pytest.approx([0, 0])


@pytest.mark.parametrize("size", [(0.2, 30), (30, 0.2), (30.6, 19.4)])
def test_a_cut_has_the_prints_size_and_a_pixel_at_least(size):
    cut = Print(40, 30, *size, 3).cut(np.zeros((60, 80), np.uint8))
    assert cut.shape == tuple(max(1, round(side)) for side in size[::-1])


@pytest.mark.parametrize("turn", [0, 4.0])
def test_what_is_laid_covers_what_was_cut(turn):
    """Of a coarse mask: the print's left half, seen with a fifth of its pixels."""
    found, scan = Print(60, 45, 80, 50, turn), np.zeros((90, 120), bool)
    scan[:, 0] = True
    mask = np.zeros((50, 80) if turn == 0 else (10, 16), bool)
    mask[:, : mask.shape[1] // 2] = True
    found.lay(mask, scan)
    y, x = np.mgrid[:90, :120] + 0.5
    place = ((x - 60) + 1j * (y - 45)) * np.exp(-1j * np.radians(turn))
    inside = (np.abs(place.imag) < 25) & (place.real > -40) & (place.real < 0)
    assert scan[:, 0].all(), "what was there stays"
    assert np.count_nonzero((scan ^ inside)[:, 1:]) <= 0.03 * inside.sum()
    across = place.real[scan & (x > 1)]
    assert across.max() == pytest.approx(0, abs=0.75) and across.min() == pytest.approx(-40, abs=0.75)


@pytest.mark.parametrize("turn", [0.0, 3.0])
def test_an_image_is_laid_at_any_size(turn):
    """Planes of the print's own coordinates are planes of the scan's."""
    found = Print(60, 45, 80, 50, turn)
    box = found.box((90, 120))
    v, u = np.mgrid[:25, :40].astype(np.float32) + 0.5
    for size in ((box[1].stop - box[1].start, box[0].stop - box[0].start), (44, 31)):
        laid = found.laid(np.dstack([2 * u, 2 * v]), box, size, cv2.BORDER_REPLICATE)
        down, right = np.mgrid[: size[1], : size[0]] + 0.5
        x = box[1].start + right * (box[1].stop - box[1].start) / size[0]
        y = box[0].start + down * (box[0].stop - box[0].start) / size[1]
        place = ((x - 60) + 1j * (y - 45)) * np.exp(-1j * np.radians(turn)) + 40 + 25j
        inner = (np.abs(place.real - 40) < 38) & (np.abs(place.imag - 25) < 23)
        assert np.abs(laid[..., 0] - place.real)[inner].max() < 0.1
        assert np.abs(laid[..., 1] - place.imag)[inner].max() < 0.1


@pytest.mark.parametrize("turn", [0.0, 30.0])
def test_half_a_pixel_beside_a_print_counts_by_half(turn):
    found = Print(40, 30, 30.5, 20.5, turn)
    share = found.coverage(np.s_[0:60], np.s_[0:80])
    if turn:
        assert share.sum() == pytest.approx(30.5 * 20.5, rel=0.01) and share.max() == 1 and share.min() == 0
    else:
        assert (share == 1).all(), "of its box, which is all that is asked for"
    wide = found.grown(0.25, 0.25, 0.25, 0.25).coverage(np.s_[0:60], np.s_[0:80])
    assert (wide >= share).all()


@pytest.mark.parametrize("size, how, is_mean", [((25, 20), cv2.INTER_LINEAR, True), ((26, 20), cv2.INTER_LINEAR, False),
                                                 ((25, 20), cv2.INTER_CUBIC, False)])  # fmt: skip
def test_from_half_the_size_on_a_view_is_the_mean_of_all_pixels(size, how, is_mean):
    """Of noise hardly anything is left then."""
    seen = straightened(NOISE, Print(40, 30, 50, 40), size, how)
    assert (seen.std() < 0.4) == is_mean


def test_a_view_is_surrounded_by_what_is_asked_for():
    image = np.full((20, 30), 50, np.uint8)
    over = Print(15, 10, 40, 30)
    assert (straightened(image, over, (40, 30)) == 50).all()
    around = straightened(image, over, (40, 30), cv2.INTER_NEAREST, beyond=2)
    assert (around[5:25, 5:35] == 50).all() and np.count_nonzero(around == 50) == 600 and (around[:5] == 2).all()


@pytest.mark.parametrize("angle", [0, 1.0])
def test_what_is_not_turned_is_taken_as_it_is(angle):
    """To the pixel, without a copy, at any place between two; a print turned by a degree is looked at anew."""
    found, image = Print(20.3, 15.4, 20, 10, angle), NOISE.copy()
    mask, scan = NOISE[:10, :20] > 0, np.zeros((60, 80), bool)
    cut = found.cut(image)
    assert np.shares_memory(cut, image) == (angle == 0) and cut.shape == (10, 20)
    found.lay(mask, scan)
    assert np.array_equal(scan[10:20, 10:30], mask) == (angle == 0)
    assert (found.coverage(*found.box((60, 80))) == 1).all() == (angle == 0)
    assert found.box((60, 80)) == (np.s_[10:20, 10:30] if angle == 0 else np.s_[10:21, 10:31])
