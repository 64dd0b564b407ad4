"""From chroma to a color photo, and what a network is shown for it; with networks and fields that are known."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from conftest import gray_photo, hole, photo
from PIL import Image

from restoration.chroma_bins import BINS
from restoration.color import chroma, luma
from restoration.inference import coloring, reference
from restoration.inference.coloring import (
    Hints,
    color_size,
    meeting,
    painted,
    predict_chroma,
    predict_hole,
    predict_prints,
    recolored,
    spread_known,
)
from restoration.inference.distribution import ChromaDistribution
from restoration.inference.faces import Face
from restoration.inference.hints import Known, fading, spread
from restoration.inference.prints import Print
from restoration.inference.reference import Reference


@pytest.mark.parametrize(
    "shape, size",
    [
        ((384, 576), (192, 288)),
        ((576, 384), (288, 192)),
        ((100, 120), (100, 120)),  # never enlarged
        ((300, 3000), (102, 1024)),
        ((3000, 300), (1024, 102)),
        ((1, 4000), (1, 1024)),
        ((4000, 1), (1024, 1)),
        ((193, 193), (192, 192)),
    ],
)
def test_color_is_predicted_at_192_px_and_a_panoramas_at_1024(shape, size):
    assert color_size(*shape) == size


def test_hints_count_where_they_are_mostly_opaque():
    rgba = np.zeros((2, 3, 4), np.uint8)
    assert Hints.painted(rgba) is None
    rgba[0, :, 3], rgba[0, :, 0] = (127, 128, 255), 9
    found = Hints.painted(rgba)
    assert found.where.tolist() == [[False, True, True], [False] * 3] and found.rgb.shape == (2, 3, 3)
    assert found.rgb[0, 0, 0] == 9


@pytest.mark.parametrize("band", [4 * 80, 1 << 16])  # of rows without hints, and with
def test_a_hint_smaller_than_a_pixel_keeps_its_color(monkeypatch, band):
    """Of each 4 x 4 px the mean of those that are hinted."""
    monkeypatch.setattr("restoration.inference.scaling.BAND", band)
    color, where = photo("coffee", 80, 60), np.random.default_rng(0).random((60, 80)) < 0.1
    where[:8] = False
    found = coloring._shrunk(Hints(color, where), (15, 20))
    weight = where.reshape(15, 4, 20, 4).sum(axis=(1, 3))
    summed = (chroma(color) * where[..., None]).reshape(15, 4, 20, 4, 2).sum(axis=(1, 3))
    assert np.array_equal(found.trust, weight > 0)
    assert np.allclose(found.chroma[weight > 0], summed[weight > 0] / weight[weight > 0][:, None], atol=1e-4)


class Colorizer:
    """It believes in one color, and keeps what it is shown."""

    prior = np.full(len(BINS), 1 / len(BINS), np.float32)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        self.seen = image
        return np.zeros((len(BINS), -(-image.shape[1] // 4), -(-image.shape[2] // 4)), np.float32)


def test_a_network_is_shown_luma_and_known_colors_times_four():
    color, network = photo("coffee", 576, 384), Colorizer()
    where = ~hole(576, 384, (100, 80, 300, 240))
    belief = predict_hole(luma(color), network, Hints(color, where))
    means = luma(color).reshape(192, 2, 288, 2).mean(axis=(1, 3)) / 255
    assert network.seen.shape == (4, 192, 288) and np.allclose(network.seen[0], means, atol=1e-5)
    assert np.array_equal(belief.light, network.seen[0]) and belief.prior is network.prior
    known = where.reshape(192, 2, 288, 2).all(axis=(1, 3))
    assert np.array_equal(network.seen[3] > 0, known) and set(np.unique(network.seen[3])) == {0, 1}
    true = chroma(color).reshape(192, 2, 288, 2, 2).mean(axis=(1, 3))
    assert np.allclose(network.seen[1:3].transpose(1, 2, 0)[known], 4 * true[known], atol=1e-4)


def test_a_gray_photo_is_seen_twice_once_mirrored():
    """By a network that believes where it is light: both views are laid on each other, at a quarter of 192 px."""
    seen = []

    def colorizer(image: np.ndarray) -> np.ndarray:
        seen.append(image)
        light = image[0, : image.shape[1] // 4 * 4, : image.shape[2] // 4 * 4]
        means = light.reshape(len(light) // 4, 4, -1, 4).mean(axis=(1, 3))
        return np.stack([len(seen) * means, -means])

    colorizer.prior = np.full(2, 0.5, np.float32)
    gray = cv2.GaussianBlur(gray_photo("coffee", 480, 320), (0, 0), 8)
    belief = predict_chroma(gray, colorizer)
    assert [view.shape for view in seen] == [(4, 160, 240), (4, 224, 336)] and not any(view[1:].any() for view in seen)
    assert np.abs(seen[0][0, ::40, ::40] - cv2.resize(seen[1][0, :, ::-1], (240, 160))[::40, ::40]).max() < 0.02
    means = cv2.resize(gray, (72, 48), interpolation=cv2.INTER_AREA) / 255
    assert belief.light.shape == (192, 288) and belief.logits.shape == (2, 48, 72)
    assert np.abs(belief.logits - [1.5 * means, -means]).max() < 0.03


@pytest.mark.parametrize("zoom", [1, 8])
def test_the_hue_of_skin_gains_two_logits_in_a_face_that_is_looked_for_with_1024_px(monkeypatch, zoom):
    """The oval is 0.7 times as wide as the box of a face, and 1.1 times as high."""
    seen, shape = [], (256 * zoom, 208 * zoom)

    def faces(gray: np.ndarray) -> list[Face]:
        seen.append(gray)
        scale = gray.shape[1] / 208
        points = [[90, 120], [118, 120], [104, 130], [104, 140], [80, 125], [128, 125]]
        return [Face(0.9, np.array([64.0, 80, 80, 80]) * scale, np.array(points, float) * scale)]

    monkeypatch.setattr(coloring.faces, "find_faces", faces)
    checked = np.zeros(shape, np.uint8)
    checked[::2, ::2] = checked[1::2, 1::2] = 200
    light = np.zeros(color_size(*shape), np.float32)
    plain = ChromaDistribution(np.zeros((len(BINS), 59, 48), np.float32), light, Colorizer.prior)
    gained = coloring._with_skin(plain, checked).logits
    assert max(seen[0].shape) == min(1024, max(shape)) and (zoom == 1 or (seen[0] == 100).all())
    away = np.radians(130.5) - np.arctan2(BINS[:, 1], BINS[:, 0])
    hued = np.linalg.norm(BINS, axis=1) >= 20 / 255
    for column in (24, 20, 28):
        assert np.allclose(gained[hued, 26, column], 2 * np.cos(away[hued]), atol=0.02)
    assert (
        not gained[:, 26, [15, 34]].any()
        and not gained[:, [13, 40], 24].any()
        and np.abs(gained[hued][:, [17, 35], 24]).min() > 0.01
    )


@pytest.mark.parametrize("count, is_known", [(0, False), (1, True), (2, False)])
def test_what_was_believed_of_as_many_prints_is_kept_beside_the_new(monkeypatch, count, is_known):
    monkeypatch.setattr(coloring.faces, "find_faces", lambda _: [])
    gray = gray_photo("coffee", 80, 64)
    old = ChromaDistribution(np.ones((len(BINS), 16, 20), np.float32), gray / np.float32(255), Colorizer.prior)
    [belief] = predict_prints(gray, [Print.whole(gray.shape)], Colorizer(), [old] * count)
    assert (belief.before is old) == is_known and not belief.logits.any()


def test_a_prediction_meets_known_colors_exactly_and_goes_over_smoothly():
    color, where = photo("coffee", 60, 40), ~hole(60, 40, (20, 10, 40, 30))
    predicted = np.full((40, 60, 2), 0.1, np.float32)
    met = meeting(predicted, Hints(color, where))
    assert np.allclose(met[where], chroma(color)[where], atol=1e-5)
    off = met - predicted
    assert (
        np.abs(off[15:25, 25:35]).max() <= np.abs(off[where]).max()
        and np.abs(off[10, 20:40] - off[9, 20:40]).mean() < 0.03
    )


@pytest.mark.parametrize("found", [Print(70, 60, 80, 60, 7.0), Print(64, 48, 64, 48, -5.0)])
def test_the_chroma_of_a_turned_print_lies_where_the_print_does(found):
    """A plane of chroma over the print is that plane on the scan."""
    v, u = np.mgrid[:15, :20] + 0.5
    plane = np.dstack([u / 20, v / 15]).astype(np.float32)  # shares of width and height
    box = found.box((140, 160))
    small = coloring._turned(plane, found, box)
    height, width = (side.stop - side.start for side in box)
    assert (
        abs(small.shape[1] - width * 20 / found.width) <= 0.5
        and abs(small.shape[0] - height * 15 / found.height) <= 0.5
    )
    down, right = np.mgrid[: small.shape[0], : small.shape[1]] + 0.5
    x = box[1].start + right * width / small.shape[1]
    y = box[0].start + down * height / small.shape[0]
    turn = np.exp(-1j * np.radians(found.angle))
    place = ((x - found.x) + 1j * (y - found.y)) * turn
    across, along = place.real / found.width + 0.5, place.imag / found.height + 0.5
    inner = (np.abs(across - 0.5) < 0.46) & (np.abs(along - 0.5) < 0.46)
    assert inner.mean() > 0.5
    assert np.abs(small[..., 0] - across)[inner].max() < 0.01 and np.abs(small[..., 1] - along)[inner].max() < 0.01
    outside = (across < -0.02) & (np.abs(along - 0.5) < 0.3)
    assert np.allclose(small[..., 0][outside], 0.025, atol=0.01), "its edge goes on"
    assert coloring._turned(plane, found._replace(angle=0.0), box) is plane
    corner = np.s_[0:8, 0:9]  # the scan lacks the rest
    assert coloring._turned(plane[::5, ::5], found._replace(width=320, height=240), corner).shape == (1, 1, 2)


@pytest.mark.parametrize("band", [7 * 160, 1 << 16])
def test_prints_are_painted_and_the_paper_is_not(monkeypatch, band):
    monkeypatch.setattr("restoration.inference.scaling.BAND", band)
    gray = np.full((120, 160), 120, np.uint8)
    prints = [Print(40, 40, 60, 50), Print(115, 75, 70, 60, 5.0)]
    reds, blues = np.float32([-0.05, 0.1]), np.float32([0.1, -0.05])
    chromas = [np.broadcast_to(color, (10, 12, 2)).astype(np.float32) for color in (reds, blues)]
    image = painted(gray, chromas, prints)
    found, shares = chroma(np.asarray(image)), [np.zeros(gray.shape), prints[1].coverage(np.s_[0:120], np.s_[0:160])]
    shares[0][15:65, 10:70] = 1
    expected = sum(share[..., None] * color for share, color in zip(shares, (reds, blues), strict=True))
    assert np.abs(found - expected).max() < 0.006 and np.array_equal(np.asarray(image.convert("L")), gray)
    nothing = (shares[0] == 0) & (shares[1] == 0)
    assert np.ptp(np.asarray(image)[nothing].astype(int), axis=-1).max() == 0


@pytest.mark.parametrize("band", [9 * 90, 1 << 16])
def test_inside_the_mask_a_photo_gets_other_colors_and_outside_its_own(monkeypatch, band):
    monkeypatch.setattr("restoration.inference.scaling.BAND", band)
    color, mask, gray = photo("coffee", 90, 60), hole(90, 60, (20, 30, 50, 50)), np.full((60, 90), 99, np.uint8)
    result = np.asarray(recolored(Image.fromarray(color), gray, mask, np.full((8, 12, 2), 0.1, np.float32)))
    assert np.array_equal(result[~mask], color[~mask]) and (luma(result)[mask] == 99).all()
    assert np.abs(chroma(result)[mask] - 0.1).max() < 0.01


# Another photo's colors -------------------------------------------------------------------------


class Blocks:
    """A network whose features are the pixels of each 8 x 8 block."""

    def features(self, image: np.ndarray) -> np.ndarray:
        height, width = image.shape[1] // 8, image.shape[2] // 8
        return image[0].reshape(height, 8, width, 8).transpose(1, 3, 0, 2).reshape(64, height, width).copy()


NOISE = np.random.default_rng(0).integers(0, 256, (320, 400, 3), np.uint8)


def test_what_another_photo_shares_is_lent_where_it_lies_here():
    """Moved by two cells down and three to the right."""
    lender = Reference(NOISE, Blocks())
    moved = np.roll(luma(NOISE), (16, 24), axis=(0, 1))
    known = lender.lend(moved, (160, 200))
    means = chroma(NOISE).reshape(40, 8, 50, 8, 2).mean(axis=(1, 3))
    for row, column in ((10, 10), (25, 40), (2, 3)):
        place = int((row + 0.5) * 4), int((column + 0.5) * 4)
        assert np.allclose(known.chroma[place], means[row - 2, column - 3], atol=1e-4)
    assert known.trust[42, 42] == pytest.approx(0.01) and known.trust.max() == pytest.approx(0.01)
    assert 0.8 * 2000 < np.count_nonzero(known.trust) <= 2000
    other = np.random.default_rng(1).integers(0, 256, (320, 400), np.uint8)
    assert not lender.lend(other, (160, 200)).trust.any(), "nothing in common, nothing lent"


def test_hints_are_followed_alone_or_after_a_reference():
    light = np.float32([0.2] * 20 + [0.5] * 20 + [0.8] * 10)[None].repeat(40, axis=0)
    predicted, gray = np.full((40, 50, 2), 0.05, np.float32), np.zeros((160, 200), np.uint8)
    skin = np.float32([0] * 25 + [0.9] * 25)[None].repeat(40, axis=0)
    belief = SimpleNamespace(light=light, decode=lambda: predicted, likelihood=lambda hue: skin * (hue[1] > 0 > hue[0]))
    hints = Hints(np.full((160, 200, 3), (200, 30, 30), np.uint8), hole(200, 160, (40, 40, 60, 60)))
    lent = Known(np.full((40, 50, 2), -0.1, np.float32), (light == 0.5).astype(np.float32))
    known, prints = coloring._shrunk(hints, light.shape), [Print.whole(gray.shape)]
    fade = fading(skin, known)
    [alone] = spread_known(gray, prints, [belief], hints)
    assert np.allclose(alone.over(predicted), spread(light, predicted, known, fade).over(predicted), atol=1e-6)
    [both] = spread_known(gray, prints, [belief], hints, SimpleNamespace(lend=lambda *_: lent))
    first = spread(light, predicted, lent).over(predicted)
    assert np.allclose(both.over(predicted), spread(light, first, known, fade).over(first), atol=1e-6)


@pytest.mark.parametrize("certain, lent", [(8, True), (7, False)])
def test_eight_certain_matches_are_needed_and_a_doubtful_one_counts_then(monkeypatch, certain, lent):
    agreement = np.zeros((40, 50), np.float32)
    agreement[5, :certain], agreement[20, 20], agreement[20, 30] = 0.201, 0.121, 0.119
    monkeypatch.setattr(reference, "_agreement", lambda _: agreement)
    known = Reference(NOISE, Blocks()).lend(luma(NOISE), (40, 50))
    assert np.count_nonzero(known.trust) == (certain + 1 if lent else 0)
    assert known.trust[20, 20] == (pytest.approx(0.00121) if lent else 0) and known.trust[20, 30] == 0


@pytest.mark.parametrize(
    "shape, cells", [((640, 800), (40, 50)), ((160, 200), (40, 50)), ((200, 1600), (10, 80)), ((100, 6000), (4, 80))]
)
def test_photos_are_compared_at_320_px_or_640_at_the_longer_side(shape, cells):
    seen = Reference(np.zeros((*shape, 3), np.uint8), Blocks())._seen(np.zeros(shape, np.uint8))
    assert seen.shape == (*cells, 64)


def test_the_scale_of_a_channel_does_not_matter():
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(4, 5, 8)).astype(np.float32), rng.normal(size=(6, 7, 8)).astype(np.float32)
    scale, shift = np.float32([1, 100, 1e-3, 1, 5, 1, 1, 1]), np.float32([0, 9, 9, 0, -7, 0, 0, 0])
    match, mutual = reference._nearest(one, other)
    again, both = reference._nearest(one * scale + shift, other * scale + shift)
    assert np.array_equal(match, again) and np.array_equal(mutual, both) and match.shape == (4, 5)
    flat = np.concatenate([one.reshape(-1, 8), other.reshape(-1, 8)])
    flat = (flat - flat.mean(axis=0)) / flat.std(axis=0)
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    assert np.array_equal(match.ravel(), [np.argmax([row @ there for there in flat[20:]]) for row in flat[:20]])


def test_a_gray_photo_has_gray_features_of_its_own():
    gray = gray_photo("camera", 320, 320)
    seen = Reference(np.dstack([gray] * 3), Blocks())._features
    assert np.allclose(seen[3, 4], gray[24:32, 32:40].ravel() / 255, atol=1e-6) and cv2.mean(seen[..., 0])[0] > 0
