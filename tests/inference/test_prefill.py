"""The membrane fill against Laplace's equation solved to the end."""

import numpy as np
import pytest
import torch
from scipy.sparse import lil_matrix
from scipy.sparse.linalg import spsolve

from restoration.prefill import prefill


def laplace(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Each masked pixel the mean of its neighbors in the photo, by a direct solver."""
    numbers = -np.ones(mask.shape, int)
    numbers[mask] = np.arange(mask.sum())
    matrix, right = lil_matrix((mask.sum(), mask.sum())), np.zeros(mask.sum())
    for y, x in np.argwhere(mask):
        row = numbers[y, x]
        for v, u in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
            if 0 <= v < mask.shape[0] and 0 <= u < mask.shape[1]:
                matrix[row, row] += 1
                if mask[v, u]:
                    matrix[row, numbers[v, u]] -= 1
                else:
                    right[row] += image[v, u]
    filled = image.copy()
    filled[mask] = spsolve(matrix.tocsr(), right)
    return filled


@pytest.fixture
def damaged() -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[:61, :83] / 30
    image = 0.5 + 0.3 * np.sin(2 * x + y) * np.cos(y)
    mask = np.zeros(image.shape, bool)
    mask[20:45, 10:50] = mask[0:9, 60:83] = True
    return image, mask


def run(image: np.ndarray, mask: np.ndarray, relaxations: int) -> np.ndarray:
    to = lambda a: torch.from_numpy(a.astype(np.float32))[None, None]  # noqa: E731
    return prefill(to(image), to(mask), relaxations)[0, 0].numpy()


def test_it_tends_to_the_membrane(damaged):
    image, mask = damaged
    exact = laplace(image, mask)
    errors = [np.abs(run(image, mask, n) - exact)[mask].mean() for n in (0, 4, 64)]
    assert errors[0] > errors[1] > errors[2]
    assert errors[1] < 0.1 * np.ptp(image[~mask]) and errors[2] < 0.02 * np.ptp(image[~mask])


def test_known_pixels_are_kept_and_masked_ones_not_read(damaged):
    image, mask = damaged
    one = run(image, mask, 4)
    other = run(np.where(mask, 9.0, image), mask, 4)
    assert np.array_equal(one[~mask], image.astype(np.float32)[~mask])
    assert np.array_equal(one, other)


def test_a_constant_stays_and_bounds_hold(damaged):
    image, mask = damaged
    assert np.allclose(run(np.full_like(image, 0.3), mask, 4), 0.3, atol=1e-6)
    filled = run(image, mask, 4)
    assert image[~mask].min() - 1e-6 <= filled.min() and filled.max() <= image[~mask].max() + 1e-6


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (16, 16), (33, 31)])
def test_any_size(shape):
    image = torch.rand(2, 3, *shape, generator=torch.Generator().manual_seed(0))
    mask = torch.zeros(2, 1, *shape)
    assert torch.equal(prefill(image, mask), image)
    mask[1] = 1  # nothing known: a defined answer, and no effect on the other sample
    filled = prefill(image, mask)
    assert torch.equal(filled[0], image[0]) and torch.equal(filled[1], torch.zeros_like(filled[1]))


def test_autocast_does_not_make_it_coarser(damaged):
    image, mask = damaged
    plain = run(image, mask, 4)
    with torch.autocast("cpu", torch.bfloat16):
        assert np.array_equal(plain, run(image, mask, 4))


def test_leaving_early_changes_no_bit(damaged, monkeypatch):
    """On a GPU, which would have to wait to know, it goes down to the coarsest level always."""
    image, mask = damaged
    early = [run(image, m, 4) for m in (mask, np.zeros_like(mask))]
    monkeypatch.setattr(torch.Tensor, "all", lambda _: False)
    assert all(np.array_equal(a, run(image, m, 4)) for a, m in zip(early, (mask, np.zeros_like(mask)), strict=True))
