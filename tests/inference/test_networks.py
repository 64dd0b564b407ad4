"""What runs the networks, with graphs and machines that are known."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from restoration.errors import RestorationError
from restoration.inference import backends
from restoration.inference.backends import GraphNetwork, TorchNetwork, as_network, chosen_precision, threads
from restoration.inference.regions import Box


def shrunk(image: np.ndarray, scale: int) -> np.ndarray:
    _, channels, height, width = image.shape
    return image.reshape(1, channels, height // scale, scale, width // scale, scale).mean(axis=(3, 5))


def grown(image: np.ndarray, scale: int) -> np.ndarray:
    return image.repeat(scale, axis=2).repeat(scale, axis=3)


def network(scales: tuple[int, ...]) -> tuple[GraphNetwork, list]:
    """A trunk that shrinks, and a tail that adds what it is given, at twice its finest size or as it is."""
    seen = []

    def trunk(inputs: list[np.ndarray]) -> list[np.ndarray]:
        return [shrunk(inputs[0], scale) for scale in scales]

    def tail(inputs: list[np.ndarray]) -> list[np.ndarray]:
        seen.append(inputs[-1].shape[2:])
        finest = scales[-1]
        whole = sum(grown(x, scale // finest) for x, scale in zip(inputs, scales, strict=True))
        return [grown(whole, 2) if finest == 2 else whole]

    return GraphNetwork(trunk, tail), seen


@pytest.mark.parametrize("shape", [(96, 160), (70, 101), (33, 31)])
@pytest.mark.parametrize("scales, stride", [((8, 4, 2), 1), ((8, 4), 4)])
def test_a_box_of_an_exported_network_is_that_part_of_the_whole(shape, scales, stride):
    image = np.random.default_rng(0).random((2, *shape), np.float32)
    graph, seen = network(scales)
    whole = graph(image)
    assert whole.shape == (2, -(-shape[0] // stride), -(-shape[1] // stride))
    padded = np.pad(image, ((0, 0), (0, -shape[0] % 32), (0, -shape[1] % 32)), "edge")[None]
    expected = sum(grown(shrunk(padded, scale), scale) for scale in scales)[0, :, ::stride, ::stride]
    assert np.allclose(whole, expected[:, : whole.shape[1], : whole.shape[2]], atol=1e-5)
    assert graph.features(image).shape[1:] == (padded.shape[2] // 8, padded.shape[3] // 8)
    for top, left, bottom, right in ((0, 0, 1, 1), (9, 3, 30, 31), (20, 17, 33, 29)):
        part = graph(image, Box(top, left, bottom, right))
        rows, columns = slice(top // stride, -(-bottom // stride)), slice(left // stride, -(-right // stride))
        assert np.allclose(part, whole[:, rows, columns], atol=1e-5)
    assert np.prod(seen[-1]) <= np.prod(seen[0])


def test_a_small_box_of_a_large_photo_costs_little():
    graph, seen = network((8, 4, 2))
    graph(np.zeros((2, 640, 640), np.float32), Box(300, 300, 310, 310))
    assert seen == [(32, 32)], "half of 64: with 24 px around it, on a grid of 8"


class Member:
    """Half of a network: what it says is its number, and the luma times it."""

    def __init__(self, number: float):
        self.number, self.prior = number, torch.full((3,), number)

    def run(self, luma, hints):
        return self.number * torch.cat([luma, hints.mean(dim=1, keepdim=True)], dim=1)

    def features(self, luma, hints):
        return luma + self.number

    def eval(self):
        return self

    def to(self, *_, **__):
        return self


def test_an_ensemble_answers_with_the_mean_of_its_members():
    image = np.random.default_rng(0).random((4, 6, 8), np.float32)
    together = TorchNetwork((Member(1.0), Member(2.0), Member(6.0)), "cpu")
    whole = together(image)
    assert np.allclose(whole[0], 3 * image[0], atol=1e-6) and np.allclose(
        whole[1], 3 * image[1:].mean(axis=0), atol=1e-6
    )
    assert np.array_equal(together(image, Box(1, 2, 4, 7)), whole[:, 1:4, 2:7])
    assert np.allclose(together.features(image)[0], image[0] + 1) and np.allclose(together.prior, 3)
    assert as_network(GraphNetwork(None, None)).prior is None and as_network(together) is together


def test_a_device_that_is_not_there_is_one_sentence():
    with pytest.raises(RestorationError, match=r"^device 'nowhere' is not available here: use 'cuda' or 'cpu'\.$"):
        TorchNetwork(Member(1.0), "nowhere")


@pytest.mark.parametrize("said, expected", [("3", 3), ("0", 1), ("", 2), ("many", 2)])
def test_threads_are_those_of_the_environment_or_the_cores_of_this_process(monkeypatch, said, expected):
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    monkeypatch.setattr(Path, "read_text", lambda _: "max 100000")
    assert threads() == expected


@pytest.mark.parametrize(
    "quota, cores", [("150000 100000", 2), ("800000 100000", 4), ("max 100000", 4), ("10000 100000", 1), (None, 4)]
)
def test_a_containers_share_counts(monkeypatch, quota, cores):
    def read(_: Path) -> str:
        if quota is None:
            raise FileNotFoundError
        return quota

    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
    monkeypatch.setattr(Path, "read_text", read)
    assert threads() == cores


def test_a_precision_is_what_is_asked_for_or_what_the_environment_says(monkeypatch):
    monkeypatch.setenv(backends.PRECISION, "bf16")
    assert chosen_precision("float32") == "float32" and chosen_precision() == "bf16"
    monkeypatch.delenv(backends.PRECISION)
    assert chosen_precision() == "auto"
    with pytest.raises(RestorationError, match=r"^precision is 'half': use one of auto, bf16, float32\.$"):
        chosen_precision("half")


@pytest.mark.parametrize("driver, asked, cuda, device", [
    (False, None, True, "cpu"), (True, None, True, "cuda"), (True, None, False, "cpu"), (True, "cpu", True, "cpu"),
    (False, "cuda:1", True, "cuda:1"),
])  # fmt: skip
def test_a_gpu_is_taken_where_there_is_one(monkeypatch, driver, asked, cuda, device):
    monkeypatch.setattr(Path, "exists", lambda _: False)
    monkeypatch.setattr(backends.shutil, "which", lambda _: "/usr/bin/nvidia-smi" if driver else None)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    assert backends.torch_device(asked) == device
