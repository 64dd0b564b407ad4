"""Spread colors that are known in places over what belongs together: a sparse system at prediction size."""

from typing import NamedTuple

import numpy as np

from restoration.inference.scaling import smoothstep

PULL = 1e3  # weight of a known color: the system matches it to a hundredth
FADE = 5e-4  # weight of no change at each pixel: along a plain strip a dab decays by e in sqrt(3 / FADE) = 77 px
SKIN = 0.1, 0.4  # how much likelier skin is than at the nearest dab where a color begins to fade, and fades fully
SKIN_FADE = 0.04  # added to FADE where it fades fully
EDGE = 0.04  # step of luma between neighbors that a color hardly crosses: 10 levels
HUE_EDGE = 0.009  # of predicted chroma, smoother than luma, between neighbors, that a color hardly crosses
WHOLE = 0.5  # reach from which a pixel is colored fully
OWN = 0.5  # how much of the predicted chroma's own variation a spread color keeps


class Known(NamedTuple):
    """Colors known in some places."""

    chroma: np.ndarray  # float32 (h, w, 2)
    trust: np.ndarray  # float32 (h, w), 1 where it is known, 0 where it is not, in between where it is uncertain


class Spread(NamedTuple):
    """What known colors do to a predicted chroma."""

    keep: np.ndarray  # float32 (h, w, 1), the share of the chroma that stays
    add: np.ndarray  # float32 (h, w, 2), what is added to it

    def over(self, chroma: np.ndarray) -> np.ndarray:
        """A predicted chroma (h, w, 2) changed where the known colors reach."""
        return self.keep * chroma + self.add

    def then(self, later: "Spread") -> "Spread":
        """This change and then another, as one."""
        return Spread(self.keep * later.keep, later.over(self.add))


def fading(skin: np.ndarray, known: Known) -> np.ndarray:
    """The weight of no change, float32 (h, w), near skin: a dab on a blouse must not dye the neck.

    Args:
        skin: how likely skin is, float32 (h, w) in [0, 1]. A dab on skin spreads over it.
    """
    from scipy.ndimage import distance_transform_edt

    nearest = distance_transform_edt(known.trust == 0, return_distances=False, return_indices=True)
    least, most = SKIN
    return FADE + SKIN_FADE * np.clip((skin - skin[tuple(nearest)] - least) / (most - least), 0, 1)


def spread(light: np.ndarray, chroma: np.ndarray, known: Known, fade: np.ndarray | float = FADE) -> Spread:
    """Spread known colors along luma and predicted chroma.

    After Levin, Lischinski and Weiss, "Colorization using Optimization" (2004), with two changes: the system is the
    graph's Laplacian, a fifth of the work of its square, and the reach of the known places is solved for along with
    their colors. Dividing by the reach keeps a color pure up to an edge; the reach alone says how far the color goes.
    Steps of luma are not divided by the local variance, which would let colors cross outlines as easily as texture.

    Args:
        light: luma in [0, 1], float32 (h, w).
        chroma: the prediction, float32 (h, w, 2).
        fade: the weight of no change, for all pixels or for each (h, w).
    """
    from scipy.sparse.linalg import splu  # slow to load, and seldom wanted

    pull = PULL * known.trust.ravel().astype(np.float64)
    wanted = pull[:, None] * np.dstack([known.chroma - OWN * chroma, np.ones_like(light)]).reshape(-1, 3)
    factors = splu(_system(light, chroma, np.ravel(fade) + pull), permc_spec="MMD_AT_PLUS_A")
    solved = factors.solve(wanted).reshape(*light.shape, 3).astype(np.float32)
    reach = np.maximum(solved[..., 2:], 1e-6)
    weight = smoothstep(np.minimum(reach / WHOLE, 1))
    return Spread(1 - OWN * weight, weight * solved[..., :2] / reach)


def _system(light: np.ndarray, chroma: np.ndarray, diagonal: np.ndarray):
    """The Laplacian of the affinities of eight neighbors, plus a diagonal (h * w): scipy's CSC (h * w, h * w)."""
    from scipy.sparse import coo_array, diags_array

    here, there = _neighbors(*light.shape)
    level, color = light.ravel(), chroma.reshape(-1, 2)
    step = ((level[here] - level[there]) / EDGE) ** 2
    step += (((color[here] - color[there]) / HUE_EDGE) ** 2).sum(axis=1)
    affinity = np.exp(-step.astype(np.float64))
    places = np.concatenate([here, there]), np.concatenate([there, here])
    off = coo_array((np.concatenate([affinity, affinity]), places), shape=(level.size, level.size)).tocsc()
    return (diags_array(off.sum(axis=0) + diagonal) - off).tocsc()


def _neighbors(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Flat indices of all pairs of pixels that touch, corners too: each pair once."""
    index = np.arange(height * width).reshape(height, width)
    pairs = (
        (index[:, :-1], index[:, 1:]),
        (index[:-1], index[1:]),
        (index[:-1, :-1], index[1:, 1:]),
        (index[:-1, 1:], index[1:, :-1]),
    )
    return tuple(np.concatenate([pair[side].ravel() for pair in pairs]) for side in (0, 1))
