"""The fill in NumPy against the one in PyTorch, which has its own tests against Laplace's equation."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from restoration.inference.laplace import membrane
from restoration.prefill import prefill


def in_torch(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    planes = torch.from_numpy(np.atleast_3d(image)).permute(2, 0, 1)[None]
    filled = prefill(planes, torch.from_numpy(mask[None, None].astype(np.float32)))
    return filled[0].permute(1, 2, 0).numpy().reshape(image.shape)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 90), st.integers(1, 90), st.sampled_from([None, 2]), st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_it_is_prefill(height, width, channels, share, seed):
    rng = np.random.default_rng(seed)
    image = rng.random((height, width) if channels is None else (height, width, channels), np.float32)
    mask = np.zeros((height, width), bool)
    mask[: int(np.ceil(share * height)), int(rng.integers(width)) :] = True
    filled = membrane(image, mask)
    assert np.array_equal(filled[~mask], image[~mask])
    assert np.abs(filled - in_torch(image, mask)).max() < 1e-6


@pytest.mark.parametrize("known", [0, 1])
def test_hardly_a_known_pixel(known):
    image, mask = np.full((33, 50), 0.7, np.float32), np.ones((33, 50), bool)
    mask[0, :known] = False
    assert np.allclose(membrane(image, mask), 0.7 if known else 0, atol=1e-6)
