"""LPIPS from its formula, on random weights, against NumPy and SciPy; and the reading of its published weights."""

import os
import pickle

import numpy as np
import pytest
import torch
from conftest import is_one_sentence, photo
from safetensors.torch import save_file
from scipy.signal import correlate
from torch import Tensor

from benchmarks.fetch import CONVOLUTIONS, Arrays, lpips_tensors
from benchmarks.perceptual import SCALE, SHIFT, Lpips
from restoration.color import luma

CHANNELS, SIDES = (3, 64, 192, 384, 256, 256), (11, 5, 3, 3, 3)
STRIDES, PADDINGS, POOLED = (4, 1, 1, 1, 1), (2, 2, 1, 1, 1), (False, True, True, False, False)


@pytest.fixture(scope="module")
def flax() -> dict:
    """Random parameters in the published file's layout."""
    rng = np.random.default_rng(5)
    parameters = {"AlexNet_0": {}}
    for i, side in enumerate(SIDES):
        shape = (side, side, CHANNELS[i], CHANNELS[i + 1])
        kernel = rng.normal(0, (side * side * CHANNELS[i]) ** -0.5, shape).astype(np.float32)
        parameters["AlexNet_0"][f"Conv_{i}"] = {"kernel": kernel, "bias": rng.normal(0, 0.1, shape[3]).astype("f4")}
        weights = rng.uniform(0, 1, (1, 1, shape[3], 1)).astype(np.float32)
        parameters[f"NetLinLayer_{i}"] = {"Conv_0": {"kernel": weights}}
    return parameters


@pytest.fixture(scope="module")
def lpips(flax) -> Lpips:
    return Lpips(lpips_tensors(flax))


@pytest.fixture(scope="module")
def pair() -> tuple[np.ndarray, np.ndarray]:
    truth = photo("astronaut", 75, 67)
    return truth, np.clip(truth + np.random.default_rng(0).normal(0, 25, truth.shape), 0, 255).astype(np.uint8)


def features(parameters: dict, rgb: np.ndarray) -> list[np.ndarray]:
    """AlexNet in NumPy, from kernels of the layout (height, width, in, out)."""
    x = (rgb / 127.5 - 1 - np.array(SHIFT)) / np.array(SCALE)
    found = []
    for i, (stride, padding, pooled) in enumerate(zip(STRIDES, PADDINGS, POOLED, strict=True)):
        if pooled:
            views = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(0, 1))[::2, ::2]
            x = views.max(axis=(-2, -1))
        x = np.pad(x, ((padding, padding), (padding, padding), (0, 0)))
        layer = parameters["AlexNet_0"][f"Conv_{i}"]
        kernels = layer["kernel"].astype(np.float64)
        maps = [correlate(x, kernels[..., k], mode="valid")[::stride, ::stride, 0] for k in range(kernels.shape[3])]
        x = np.maximum(np.stack(maps, axis=-1) + layer["bias"], 0)
        found.append(x)
    return found


def by_the_formula(parameters: dict, one: np.ndarray, other: np.ndarray) -> float:
    total = 0.0
    for i, (a, b) in enumerate(zip(features(parameters, one), features(parameters, other), strict=True)):
        a, b = (x / np.linalg.norm(x, axis=-1, keepdims=True) for x in (a, b))
        weights = parameters[f"NetLinLayer_{i}"]["Conv_0"]["kernel"].reshape(-1)
        total += np.mean(((a - b) ** 2) @ weights)
    return total


@pytest.mark.slow
def test_it_is_the_formula(lpips, flax, pair):
    truth, prediction = pair
    row = lpips.reference(truth).row(prediction)
    assert row["lpips_color"] == pytest.approx(by_the_formula(flax, truth, prediction), abs=1e-5)


def test_gray_stands_for_three_equal_channels(lpips, pair):
    truth, prediction = pair
    row = lpips.reference(truth).row(prediction)
    gray, replicated = (np.stack([luma(image)] * 3, axis=-1) for image in pair)
    assert row["lpips_gray"] == pytest.approx(lpips.reference(gray).row(replicated)["lpips_color"], abs=1e-6)
    assert lpips.reference(truth).row(luma(prediction))["lpips_gray"] == row["lpips_gray"]


def test_equal_photos_are_no_distance_apart_and_order_does_not_matter(lpips, pair):
    truth, prediction = pair
    assert lpips.reference(truth).row(truth) == {"lpips_gray": 0, "lpips_color": 0}
    assert lpips.reference(truth).row(luma(truth))["lpips_gray"] == 0
    assert lpips.reference(truth).row(prediction) == pytest.approx(lpips.reference(prediction).row(truth))


@pytest.mark.parametrize("tensors", [{}, {"features.0.weight": torch.zeros(64, 3, 11, 11)}])
def test_a_file_of_something_else_is_refused_in_one_sentence(tmp_path, tensors: dict[str, Tensor]):
    save_file(tensors, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match=r"other\.safetensors does not hold LPIPS's weights") as error:
        Lpips.from_file(tmp_path / "other.safetensors")
    assert is_one_sentence(error.value)


def test_of_a_pickle_only_arrays_are_read(tmp_path, flax):
    file = tmp_path / "arrays.ckpt"
    pickled = pickle.dumps(flax["NetLinLayer_0"], protocol=3)  # as the published file
    file.write_bytes(pickled.replace(b"numpy._core", b"numpy.core"))  # NumPy 1's name of the module
    with file.open("rb") as stream:
        assert np.array_equal(Arrays(stream).load()["Conv_0"]["kernel"], flax["NetLinLayer_0"]["Conv_0"]["kernel"])
    file.write_bytes(pickle.dumps(os.getcwd))
    with file.open("rb") as stream, pytest.raises(pickle.UnpicklingError, match="getcwd is not allowed"):
        Arrays(stream).load()


def test_the_names_are_torchvisions(flax):
    tensors = lpips_tensors(flax)
    assert {f"features.{i}.weight" for i in CONVOLUTIONS} < tensors.keys()
    assert tensors["features.3.weight"][7, 5, 1, 2] == flax["AlexNet_0"]["Conv_1"]["kernel"][1, 2, 5, 7]
