"""MI-GAN as a competitor: what it is shown, and what is taken from it."""

import sys

import cv2
import numpy as np
import pytest
from conftest import gray_photo, hole, is_one_sentence

from benchmarks.competitors import MARGIN, MiGan, competitors

SIZE = 96, 80


@pytest.fixture
def shown() -> dict[str, np.ndarray]:
    return {}


@pytest.fixture
def painter(shown) -> MiGan:
    """Paints red everywhere, known or not, and keeps what it was shown."""

    def run(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
        shown.update(image=image, mask=mask)
        red = np.zeros_like(image)
        red[:, 0] = 200
        return red

    return MiGan(run)


def test_it_sees_three_equal_channels_and_a_grown_hole_of_zeros(painter, shown):
    damaged, mask = gray_photo("coffee", *SIZE), hole(*SIZE, (30, 20, 50, 40), (0, 70, 5, 80))
    painter(damaged, mask)
    assert shown["image"].shape == (1, 3, 80, 96) and shown["image"].dtype == np.uint8
    assert all(np.array_equal(channel, damaged) for channel in shown["image"][0])
    distance = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_C, 3)  # chessboard distance to the hole
    assert np.array_equal(shown["mask"][0, 0], np.where(distance <= MARGIN, 0, 255))


def test_known_pixels_are_copied_and_the_hole_is_the_luma_of_the_paint(painter):
    damaged, mask = gray_photo("coffee", *SIZE), hole(*SIZE, (30, 20, 50, 40))
    result = painter(damaged, mask)
    assert np.array_equal(result[~mask], damaged[~mask])
    assert set(result[mask]) == {round(0.299 * 200)}


def test_a_missing_model_is_named_in_one_sentence(tmp_path):
    with pytest.raises(ValueError, match="no file") as error:
        competitors("weights", "none", tmp_path / "migan.onnx")
    assert is_one_sentence(error.value)


def test_a_missing_runtime_is_named_in_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    (tmp_path / "migan.onnx").touch()
    with pytest.raises(ValueError, match="pip install onnxruntime") as error:
        competitors("weights", "none", tmp_path / "migan.onnx")
    assert is_one_sentence(error.value)


def test_without_the_model_there_is_no_row():
    assert "MI-GAN" not in competitors("weights", "none")
