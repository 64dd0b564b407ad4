"""The colors among which the Colorizer chooses: a grid of chroma, finer near gray, where the eye sees finer.

Zhang et al., "Colorful Image Colorization" (2016), who use CIELAB and an even grid.
"""

import numpy as np

from restoration.color import offsets

_HALF = np.array((0, 3, 7.5, 13, 20, 29, 40, 54, 72, 96, 128), np.float32) / 255
AXIS = np.concatenate([-_HALF[:0:-1], _HALF])  # (A,), the grid's Cb, and its Cr
_GRID = np.stack(np.meshgrid(AXIS, AXIS, indexing="ij"), axis=-1).reshape(-1, 2)
_IN_GAMUT = np.ptp(offsets(_GRID), axis=0) < 1.09  # of RGB, and what its corners are interpolated from
BINS = _GRID[_IN_GAMUT]  # (N, 2), Cb and Cr
# (A * A,), the bin of each node of the grid, Cb first; of one that no photo needs, the nearest.
NEAREST = np.square(_GRID[:, None] - BINS).sum(axis=-1).argmin(axis=1)
# Only a part of the prior's logarithm is subtracted: Menon et al., "Long-tail learning via logit adjustment" (2021).
TAU = 0.27
LEAST_PRIOR = 1e-6
TEMPERATURE = 0.2  # below 1 the likelier colors count for more than in the mean
