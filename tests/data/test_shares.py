"""How often training draws what: shares and ranges that the docstrings promise, counted over many samples."""

from collections import Counter

import cv2
import numpy as np
import pytest
from skimage import data

from restoration.color import chroma, luma
from restoration.config import TrainConfig
from restoration.data import batches, color_samples
from restoration.data.batches import Crop
from restoration.data.photos import Hole, Picture

RAMP = np.broadcast_to(np.linspace(60, 190, 64).astype(np.uint8), (48, 64))
COLORS = data.coffee()[100:196, 100:196]
FAINT, SEEN, STRONG = 0.01, 0.05, 0.15  # of chroma


def drawn(count: int, draw) -> list:
    return [draw(np.random.default_rng(seed)) for seed in range(count)]


def recorder(monkeypatch, module, name: str, result=lambda first, *_: first) -> list[tuple]:
    """The arguments of every call of a function, which does no more than return `result` of them."""
    calls = []
    monkeypatch.setattr(module, name, lambda *arguments: calls.append(arguments) or result(*arguments))
    return calls


def near(share: float, count: int = 500) -> object:
    """A share of `count` draws, to three standard deviations."""
    return pytest.approx(share, abs=3 * np.sqrt(share * (1 - share) / count))


def test_a_crop_comes_from_everywhere_and_is_mirrored_half_of_the_time():
    windows = drawn(400, lambda rng: Crop.draw((70, 66, 3), (64, 64), 0.9, rng))
    assert {w.top + w.height for w in windows} >= {70, 69} and {w.left + w.width for w in windows} >= {66, 65}
    assert {w.top for w in windows} >= {0, 1, 5} and {w.left for w in windows} >= {0, 1}
    assert near(0.5, 400) == np.mean([w.mirrored for w in windows])
    assert {w.top + w.height for w in windows} <= {*range(71)} and {w.left + w.width for w in windows} <= {*range(67)}
    tall = drawn(50, lambda rng: Crop.draw((100, 300), (80, 40), 1.0, rng))
    assert {(w.height, w.width) for w in tall} == {(100, 50)}, "the largest of its aspect that fits"


def test_a_crop_is_enlarged_only_from_a_photo_that_is_smaller():
    large = drawn(200, lambda rng: Crop.draw((100, 300), (64, 64), 0.1, rng))
    assert min(w.height for w in large) in (64, 65) and max(w.height for w in large) >= 98
    small = drawn(50, lambda rng: Crop.draw((40, 50), (64, 64), 0.5, rng))
    assert {(w.height, w.width) for w in small} == {(40, 40)}


def test_reducing_takes_the_mean_and_enlarging_is_smooth():
    board = np.indices((64, 64)).sum(axis=0).astype(np.uint8) % 2 * 200
    half = Crop(0, 0, 64, 64, (32, 32), False).cut(board)
    assert (half == 100).all()
    twice = Crop(0, 0, 2, 2, (8, 8), False).cut(np.array([[0, 200], [0, 200]], np.uint8))
    assert len(np.unique(twice[0])) > 2 and (np.diff(twice[0].astype(int)) >= 0).all()


def test_half_of_the_colorizers_crops_show_nearly_the_whole_photo(monkeypatch):
    class Photos(list):
        entries = ()

        def picture(self, index: int) -> Picture:
            return Picture(np.zeros((400, 400, 3), np.uint8))

    sample = {"luma": np.zeros((1, 1, 1), np.uint8)}
    sizes = {}
    for stage in ("color", "inpaint"):
        recorder(monkeypatch, batches, f"{stage}_sample", lambda *_: sample)
        windows, draw = [], Crop.draw
        monkeypatch.setattr(batches.Crop, "draw", lambda *a, w=windows, d=draw: w.append(d(*a)) or w[-1])
        settings = TrainConfig(batch_size=8, size=64, min_scale=0.4)
        found = batches.TrainingBatches(Photos([0] * 8), settings, stage, seed=0)
        _ = [found[step] for step in range(60)]
        monkeypatch.setattr(batches.Crop, "draw", draw)
        assert all(w.height / w.width == pytest.approx(w.size[0] / w.size[1], rel=0.03) for w in windows)
        sizes[stage] = np.array([max(w.height, w.width) / 400 for w in windows])
    assert near(0.5 + 0.5 * 0.25, 480) == np.mean(sizes["color"] >= 0.849)
    assert near(0.25, 480) == np.mean(sizes["inpaint"] >= 0.849) and sizes["inpaint"].min() >= 0.399


def worn(monkeypatch) -> list[tuple]:
    """Wear is one pixel in the middle, 40 levels darker."""
    mask = np.zeros(RAMP.shape, bool)
    mask[24, 32] = True
    return recorder(monkeypatch, batches, "add_wear", lambda gray, *_: (np.where(mask, gray - 40, gray), mask))


def test_wear_is_drawn_at_every_scale_one_in_five_dark_for_light_and_marked_as_broadly_as_by_hand(monkeypatch):
    calls = worn(monkeypatch)
    rgb, settings = np.repeat(RAMP[..., None], 3, axis=-1), TrainConfig(size=250, wear=1.0, hint_dropout=0.0)
    samples = drawn(500, lambda rng: batches.inpaint_sample(rgb, rng, settings))
    middle = np.array([sample["damaged"][0, 24, 32].astype(int) - RAMP[24, 32] for sample in samples])
    assert set(middle) == {-40, 40} and near(0.2) == np.mean(middle == 40)
    scales = np.log([call[2] for call in calls]) / np.log(1000 / 250)
    assert 0 <= scales.min() < 0.02 and 0.98 < scales.max() <= 1 and np.median(scales) == pytest.approx(0.5, abs=0.07)
    areas = Counter(int(sample["marks"].astype(bool).sum()) for sample in samples)
    assert set(areas) == {1, 5, 13} and min(areas.values()) > 130, "a dot, grown by 0, 1 or 2 pixels in a diamond"
    assert all((sample["marks"] >> 1 == (sample["marks"] & 1)).all() for sample in samples)


def test_wear_in_a_crop_that_is_larger_than_a_print_is_drawn_as_it_is(monkeypatch):
    calls = worn(monkeypatch)
    rgb, settings = np.repeat(RAMP[..., None], 3, axis=-1), TrainConfig(size=1200, wear=1.0, hint_dropout=0.0)
    drawn(20, lambda rng: batches.inpaint_sample(rgb, rng, settings))
    assert {call[2] for call in calls} == {1}


@pytest.fixture
def blind(monkeypatch):
    """Samples without a hint, of holes or of wear; how often each part came, of 500."""

    def draw(wear: float, hole: Hole | None = None):
        parts = {
            name: recorder(monkeypatch, batches, name, result)
            for name, result in {
                "simulate_scan": lambda gray, _: gray,
                "_enlarged": lambda gray, _: gray,
                "fade": lambda gray, _: gray // 2,
                "clip_tones": lambda gray, _: gray,
                "draw_mount": lambda _, shape: (np.eye(*shape), np.full(shape, 9)),
                "jpeg": lambda gray, _: gray,
            }.items()
        }
        worn(monkeypatch)
        rgb = np.repeat(RAMP[..., None], 3, axis=-1)
        settings = TrainConfig(size=64, wear=wear, hint_dropout=1.0)
        samples = drawn(500, lambda rng: batches.inpaint_sample(rgb, rng, settings, hole))
        assert not any((sample["marks"] >> 1).any() for sample in samples), "no hint"
        return samples, parts

    return draw


def test_a_print_that_is_seen_without_a_hint(blind):
    samples, parts = blind(wear=1.0)
    faded = [np.ptp(sample["luma"][0]) < 100 for sample in samples]
    assert near(0.5) == np.mean(faded) and len(parts["fade"]) + len(parts["clip_tones"]) == 500
    masks = [sample["marks"][0] & 1 for sample in samples]
    assert near(0.3) == np.mean([not mask.any() for mask in masks])
    assert max(int(mask.sum()) for mask in masks) == 5, "the mark and one pixel around it"
    assert near(0.3) == len(parts["draw_mount"]) / 500 and near(0.6) == len(parts["jpeg"]) / 500
    qualities = [quality for _, quality in parts["jpeg"]]
    assert min(qualities) == 60 and max(qualities) == 95
    assert len(parts["_enlarged"]) == len(parts["simulate_scan"]) == 500
    mounts = [sample for sample in samples if sample["luma"][0, 10, 10] == 9]
    assert len(mounts) == len(parts["draw_mount"]) and all(sample["damaged"][0, 10, 10] == 9 for sample in mounts)


def test_holes_that_are_seen_without_a_hint(blind):
    samples, parts = blind(wear=0.0)
    assert not parts["fade"] and not parts["draw_mount"] and not parts["_enlarged"] and len(parts["clip_tones"]) == 500
    masks = [(sample["marks"][0] & 1).astype(bool) for sample in samples]
    assert near(0.2) == np.mean([not mask.any() for mask in masks])
    tones = [np.unique(s["damaged"][0][mask]) for s, mask in zip(samples, masks, strict=True) if mask.any()]
    dark, white = (np.mean([len(t) == 1 and t[0] in ends for t in tones]) for ends in (range(7), [255]))
    assert near(0.3 * 0.6 + 0.7 / 2 * 7 / 256, 400) == dark and near(0.3 * 0.4 + 0.7 / 2 / 256, 400) == white
    assert {int(t[0]) for t in tones} > set(range(7))


def test_a_print_with_a_real_hole_is_not_enlarged(blind):
    _, parts = blind(1.0, Hole(np.zeros(RAMP.shape, bool), 0))
    assert not parts["_enlarged"]


def test_three_scans_in_four_show_less_detail():
    """On a ramp the range of levels tells how much of it is seen, as much down as across."""
    wide = np.broadcast_to(np.linspace(0, 255, 300).astype(np.uint8), (200, 300))
    tall = np.ascontiguousarray(np.broadcast_to(np.linspace(0, 255, 200).astype(np.uint8)[:, None], (200, 300)))
    seen, down = (drawn(300, lambda rng, ramp=ramp: batches._enlarged(ramp, rng)) for ramp in (wide, tall))
    parts, rows = (np.array([np.ptp(gray.astype(int)) / 255 for gray in grays]) for grays in (seen, down))
    assert (
        all(gray.shape == (200, 300) for gray in seen)
        and np.abs(parts - rows).max() < 0.03
        and 0.3 < parts.min() < 0.36
    )
    assert near(0.25 + 0.75 * 0.005, 300) == np.mean(parts > 0.99)
    assert {gray[100, 0] < 2 for gray in seen} == {True, False} == {gray[100, -1] > 253 for gray in seen}


def test_drawn_holes_keep_to_the_range_that_the_settings_name():
    rgb = np.zeros((200, 200, 3), np.uint8)
    settings = TrainConfig(size=200, wear=0.0, hint_dropout=0.0, max_area=0.01, max_holes=1)
    areas = drawn(60, lambda rng: batches.inpaint_sample(rgb, rng, settings)["marks"].astype(bool).mean())
    assert np.median(areas) == pytest.approx(0.01, rel=0.1)


def test_a_hole_over_half_of_the_crop_is_too_much():
    mask = np.arange(64 * 64).reshape(64, 64) < 0.45 * 64 * 64
    settings, rgb = TrainConfig(size=64, wear=0.0, hint_dropout=0.0), np.zeros((64, 64, 3), np.uint8)
    for sample in drawn(20, lambda rng: batches.inpaint_sample(rgb, rng, settings, Hole(mask, 0))):
        assert not np.array_equal(sample["marks"][0] > 0, mask)


def test_how_a_color_photo_is_aged(monkeypatch):
    """Of film's gray one in three is faded and three in ten hard; some are unevenly lit, three in ten compressed."""
    flat = np.full((40, 40), 100, np.uint8)
    recorder(monkeypatch, color_samples, "film_gray", lambda *_: flat)
    faded = recorder(monkeypatch, color_samples, "fade", lambda gray, _: gray)
    hard = recorder(monkeypatch, color_samples, "simulate_scan")
    pressed = recorder(monkeypatch, color_samples, "jpeg")
    aged = drawn(500, lambda rng: color_samples.aged_gray(COLORS, rng))
    assert near(0.35) == len(faded) / 500 and near(0.3) == len(pressed) / 500
    tones = np.array([gray[0, 0].astype(int) - 100 for gray, _ in hard if (gray != 100).any()])
    assert near(0.3) == len(tones) / 500
    # 100 lies 27 below the middle: a contrast of 1.1 to 1.9 makes it darker by 3 to 24, a shift adds -40 to 30.
    assert -66 < tones.min() < -52 and 18 < tones.max() < 28 and abs(tones.mean() + 18.5) < 5
    qualities = [quality for _, quality in pressed]
    assert min(qualities) in (40, 41) and max(qualities) in (93, 94)
    light = [gray.astype(int) - hard[i][0] for i, gray in enumerate(aged)]
    uneven = [np.ptp(part) for part in light if np.ptp(part)]
    assert near(0.15) == len(uneven) / 500 and 35 < max(uneven) < 75 and max(np.abs(x).max() for x in light) < 40
    flat[:] = 0
    aged = drawn(200, lambda rng: color_samples.aged_gray(COLORS, rng))
    assert np.mean([gray.min() == 0 for gray in aged]) > 0.96, "nothing is darker than black, and unlit it stays so"


def test_two_films_in_five_see_a_color_as_it_is_not_and_three_in_ten_have_other_tones():
    gray = np.full((1, 1, 3), 100, np.uint8)
    tones = drawn(500, lambda rng: int(color_samples.film_gray(gray, rng)[0, 0]))
    assert near(0.3 * 0.98) == np.mean(np.abs(np.array(tones) - 100) > 0) and min(tones) >= 54 and max(tones) <= 145
    assert min(tones) < 60 and max(tones) > 138
    red = np.array([[[255, 0, 0]]], np.uint8)
    levels = np.array(drawn(500, lambda rng: int(color_samples.film_gray(red, rng)[0, 0])))
    own = np.mean(levels == luma(red)[0, 0])
    assert near(0.4 * 0.7) == own, "as luma, with its own tones"
    assert near(0.4) == np.mean(levels < 46), "blind to red: at most a seventh of it, and half of the rest"


def test_kinds_of_hints():
    colors = np.zeros((64, 64, 2), np.float32)
    shares = np.array([hinted.mean() for _, hinted in drawn(500, lambda rng: color_samples.color_hints(colors, rng))])
    assert near(0.25) == np.mean(shares > 0.5), "all but a hole"
    holes = 1 - shares[shares > 0.5]
    assert 0.01 < holes.min() < 0.045 and 0.34 < holes.max() < 0.45


def test_single_pixels_and_dabs(monkeypatch):
    """One in ten hints is single pixels, up to 200; the others are dabs, mostly up to a dozen, some up to fifty."""
    colors = np.zeros((400, 400, 2), np.float32)
    counts = recorder(monkeypatch, color_samples, "_dabs", lambda colors, *_: (colors, np.zeros((400, 400), bool)))
    hinted = [hinted for _, hinted in drawn(500, lambda rng: color_samples.color_hints(colors, rng))]
    pixels = [int(mask.sum()) for mask in hinted if 0 < mask.mean() < 0.5]
    assert near(0.1) == len(pixels) / 500 and max(pixels) <= 200 and max(pixels) > 120 and min(pixels) <= 2
    rows, columns = np.nonzero(np.logical_or.reduce([mask for mask in hinted if mask.mean() < 0.5]))
    assert min(rows.min(), columns.min()) < 10 and min(rows.max(), columns.max()) > 390
    dabs = np.array([count for _, _, count in counts])
    assert dabs.min() == 1 and 48 <= dabs.max() <= 50
    assert np.count_nonzero(dabs == 13) < 4, "a few are twelve at most"
    assert near(0.15 * 37 / 41, 325) == np.mean(dabs > 13) and near(0.85 * np.log(2) / np.log(13), 325) == np.mean(
        dabs == 1
    )


def planes() -> np.ndarray:
    """Chroma in three parts, none, faint and vivid, each a little different from pixel to pixel."""
    colors = np.zeros((90, 90, 2), np.float32)
    for part, strength in enumerate((FAINT, SEEN, STRONG)):
        colors[:, 30 * part : 30 * part + 30, 0] = strength
    colors[..., 1] = np.random.default_rng(0).uniform(-0.002, 0.002, (90, 90))
    return colors


def test_dabs_lie_where_a_person_would_put_them_and_have_one_color_or_the_photos_own():
    colors = planes()
    dabs = drawn(600, lambda rng: color_samples._dabs(colors, rng, 1))
    centers = np.array([np.argwhere(hinted).mean(axis=0) for _, hinted in dabs])
    thirds = np.bincount((centers[:, 1] // 30).astype(int), minlength=3) / 600
    assert near(0.15 + 0.5 / 3, 600) == thirds[0] and near(0.35 + 0.5 / 3, 600) == thirds[2]
    # Of a dab's own pixels alone: one color in six of ten, in half of them the one in its middle.
    inside = [(given, hinted) for given, hinted in dabs if hinted.sum() > 4]
    one = [(g[h], colors[h]) for g, h in inside if np.ptp(g[h], axis=0).max() == 0]
    assert near(0.6, len(inside)) == len(one) / len(inside)
    mean = [np.allclose(given[0], own.mean(axis=0), atol=1e-6) for given, own in one]
    assert near(0.5, len(one)) == np.mean(mean)


def test_dabs_have_radii_of_two_pixels_or_so():
    dabs = drawn(400, lambda rng: color_samples._dabs(np.zeros((90, 90, 2), np.float32), rng, 1)[1])
    inner = [dab for dab in dabs if not (dab[0].any() or dab[-1].any() or dab[:, 0].any() or dab[:, -1].any())]
    radii = np.array([(np.ptp(np.argwhere(dab), axis=0).max()) // 2 for dab in inner])
    assert radii.min() == 0 and np.mean(radii) == pytest.approx(2, abs=0.2) and 1.1 < np.std(radii) < 1.45


def test_several_dabs_are_one_hint():
    _, hinted = color_samples._dabs(np.zeros((300, 300, 2), np.float32), np.random.default_rng(0), 12)
    assert 6 <= cv2.connectedComponents(hinted.view(np.uint8))[0] - 1 <= 12


def test_paper_and_holes_of_the_colorizers_samples(monkeypatch):
    mounts = recorder(monkeypatch, color_samples, "draw_mount", lambda _, shape: (np.eye(*shape), np.full(shape, 9.0)))
    aged = recorder(monkeypatch, color_samples, "aged_gray", lambda rgb, _: luma(rgb))
    settings = TrainConfig(old_gray=0.5, filled_share=1.0, max_area=0.1, color_hints=0.3)
    samples = drawn(500, lambda rng: color_samples.color_sample(COLORS, rng, settings))
    assert near(0.5) == len(aged) / 500
    paper = [sample for sample in samples if (sample["chroma"] != color_samples.chroma_levels(chroma(COLORS))).any()]
    assert len(paper) == len(mounts) and all(np.diagonal(sample["luma"][0]).tolist() == [9] * 96 for sample in paper)
    areas = [(sample["marks"] & 1).mean() for sample in samples]
    assert 0.005 < min(areas) < 0.013 and 0.09 < max(areas) < 0.12
    assert near(0.3) == np.mean([(sample["marks"] >> 1).any() for sample in samples])
    mounts.clear()
    recorder(monkeypatch, color_samples, "draw_hole", lambda _, height, width, area: np.zeros((height, width), bool))
    quick = TrainConfig(old_gray=1.0, color_hints=0.0)
    drawn(2000, lambda rng: color_samples.color_sample(COLORS[:8, :8], rng, quick))
    assert near(0.25, 2000) == len(mounts) / 2000


def test_films_weigh_colors_as_they_do():
    """Blind to red: at most a seventh of it, a quarter to two thirds of blue. Others: three, four, three tenths."""
    primaries = np.eye(3, dtype=np.uint8)[:, None, None] * np.uint8(255)
    levels = np.array(
        drawn(1500, lambda rng: int(color_samples.film_gray(np.full((1, 1, 3), 100, np.uint8), rng)[0, 0]))
    )
    weights = (
        np.array([drawn(1500, lambda rng, p=p: int(color_samples.film_gray(p, rng)[0, 0])) for p in primaries]) / 255
    )
    plain = weights[:, levels == 100]  # without tones of their own
    luminance = np.abs(plain.T - (0.299, 0.587, 0.114)).max(axis=1) < 0.004
    assert np.allclose(plain.sum(axis=0), 1, atol=0.007)
    blind = (plain[0] < 0.146) & ~luminance & (plain[1] < 0.67) & (plain[2] < 0.67)
    assert 0.12 < plain[0, blind].max() < 0.146 and plain[0, blind].min() < 0.01
    for color in (1, 2):
        assert plain[color, blind].min() < 0.37 and plain[color, blind].max() > 0.6
    others = plain[:, ~blind & ~luminance]
    assert others.shape[1] > 100 and np.allclose(others.mean(axis=1), (0.31, 0.4, 0.29), atol=0.035)
