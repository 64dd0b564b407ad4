"""Wear as old prints have it: the mask tells the whole truth, and the same seed gives the same wear."""

import tarfile

import cv2
import numpy as np
import pytest
from skimage import data

from restoration.errors import RestorationError
from restoration.synthesis.scanning import draw_mount, fade, mounted, simulate_scan
from restoration.synthesis.shapes import draw_shape, load_shapes
from restoration.synthesis.wear import KINDS, SEEN, Sheet, add_wear

PHOTO = data.camera()[:256, :200]
SHEET = Sheet(300, 400, (0, 3), 0.3)


def generator(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("scale", [1, 4])
def test_outside_the_mask_no_change_can_be_seen(scale):
    smooth = cv2.GaussianBlur(PHOTO, (0, 0), 6)  # no texture hides anything
    masks = []
    for seed in range(30):
        photo, mask = add_wear(smooth, generator(seed), scale)
        change = cv2.absdiff(photo, smooth)
        assert photo.dtype == np.uint8 and change[~mask].max() <= SEEN and (change[mask] >= SEEN).all()
        masks.append(mask.mean())
    assert 0.002 < np.median(masks) < 0.2 and np.mean(masks) < 0.2, "a print stays mostly whole"


def test_texture_hides_faint_wear():
    noisy = np.clip(128 + generator(0).normal(0, 25, (200, 200)), 0, 255).astype(np.uint8)
    flat = np.full_like(noisy, 128)
    seen = [[add_wear(gray, generator(seed))[1].sum() for seed in range(20)] for gray in (noisy, flat)]
    assert sum(seen[0]) < 0.7 * sum(seen[1])


@pytest.mark.parametrize("kind", [kind for kind, _ in KINDS], ids=lambda kind: kind.__name__)
def test_each_kind_is_seen(kind):
    marks = [kind(generator(seed), SHEET) for seed in range(12)]
    assert all(mark.opacity.shape == (300, 400) and mark.opacity.min() >= 0 for drawn in marks for mark in drawn)
    assert all(mark.opacity.max() <= 1 and abs(mark.contrast) > 3 for drawn in marks for mark in drawn)
    assert sum(max(mark.opacity.max() for mark in drawn) > 0.5 for drawn in marks) > 6


@pytest.mark.parametrize("kind", [kind for kind, _ in KINDS], ids=lambda kind: kind.__name__)
def test_no_kind_leans_to_one_side(kind):
    """Of marks that come from the upper edge, as many edges run down to the left as to the right."""
    leans = []
    for seed in range(40):
        marks = kind(generator(seed), Sheet(100, 140, (0,), 0.1))
        down, right = np.gradient(sum(mark.opacity for mark in marks).astype(float))
        leans.append((down * right).sum() / max((down**2 + right**2).sum(), 1e-9))
    assert abs(np.mean(leans)) < 0.06


def test_wear_crowds_at_the_edges():
    masks = np.mean([add_wear(np.full((200, 200), 100, np.uint8), generator(seed))[1] for seed in range(40)], axis=0)
    assert np.mean(np.concatenate([masks[:20].ravel(), masks[-20:].ravel()])) > 1.5 * masks[60:140, 60:140].mean()


@pytest.mark.slow
def test_a_part_of_a_larger_print_has_broader_marks():
    def breadth(scale: float) -> float:
        masks = [add_wear(PHOTO, generator(seed), scale)[1] for seed in range(40)]
        return np.mean([cv2.distanceTransform(mask.view(np.uint8), cv2.DIST_L2, 3).max() for mask in masks])

    assert breadth(4) > 1.5 * breadth(1)


def test_same_generator_same_wear():
    one, other, different = (add_wear(PHOTO, generator(seed)) for seed in (5, 5, 6))
    assert np.array_equal(one[0], other[0]) and np.array_equal(one[1], other[1])
    assert not np.array_equal(one[1], different[1])


@pytest.mark.parametrize("shape", [(32, 32), (33, 400), (400, 33), (1, 50)])
def test_any_shape(shape):
    for seed in range(5):
        photo, mask = add_wear(np.full(shape, 128, np.uint8), generator(seed))
        assert photo.shape == mask.shape == shape


def test_shapes_come_from_a_folder_or_a_tar_and_are_drawn_as_they_are(tmp_path):
    cross = np.zeros((80, 80), np.uint8)
    cross[38:42], cross[:, 38:42] = 90, 90
    cv2.imwrite(str(tmp_path / "crack-1.png"), cross)
    cv2.imwrite(str(tmp_path / "paper-1.png"), cross)
    with tarfile.open(tmp_path / "shapes.tar", "w") as tar:
        tar.add(tmp_path / "crack-1.png", "some/crack-1.png")
    for source in (tmp_path, tmp_path / "shapes.tar"):
        shapes = load_shapes(str(source))
        assert list(shapes) == ["crack"] and shapes["crack"][0].max() == 255
    for seed in range(10):
        kind, drawn = draw_shape(generator(seed), shapes, (200, 200), 0.8, np.array([100, 100]))
        assert kind == "crack" and drawn.shape == (200, 200) and 0 < np.mean(drawn > 100) < 0.2
    with pytest.raises(RestorationError, match="holds no shapes of wear"):
        load_shapes(str(tmp_path / "none"))


def test_a_mount_covers_the_sides_and_what_it_covers_is_its_own():
    covered = []
    for seed in range(60):
        opacity, levels = draw_mount(generator(seed), PHOTO.shape)
        assert opacity.shape == levels.shape == PHOTO.shape and opacity.min() >= 0 and opacity.max() <= 1
        photo = mounted(PHOTO, (opacity, levels))
        assert np.array_equal(photo[opacity == 0], PHOTO[opacity == 0])
        assert np.abs(photo - levels.clip(0, 255))[opacity == 1].max(initial=0) <= 0.501
        covered.append(opacity > 0.5)
    assert 0.2 < np.mean([c[:2].any() for c in covered]) < 0.9 and np.mean([c[128, 100] for c in covered]) < 0.05


def test_a_scanner_keeps_the_mean_and_is_sharp_in_some_photos_only():
    sharpness = [np.abs(np.diff(simulate_scan(PHOTO, generator(seed)).astype(int))).mean() for seed in range(60)]
    true = np.abs(np.diff(PHOTO.astype(int))).mean()
    assert min(sharpness) < 0.8 * true and max(sharpness) > 1.1 * true and np.isclose(sharpness, true, rtol=1e-6).any()
    assert np.allclose([simulate_scan(PHOTO, generator(seed)).mean() for seed in range(60)], PHOTO.mean(), atol=2)


def test_fading_keeps_the_order_of_grays_and_narrows_their_range():
    ramp = np.arange(256, dtype=np.uint8)[None]
    for seed in range(50):
        faded = fade(ramp, generator(seed)).astype(int)
        assert (np.diff(faded) >= 0).all() and np.ptp(faded) <= 255 and faded.min() >= 0
    assert np.mean([np.ptp(fade(ramp, generator(seed))) for seed in range(50)]) < 220
