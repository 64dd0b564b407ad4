"""Colors that are known in places, spread over what belongs together: a sparse system at the size of prediction."""

from typing import NamedTuple

import numpy as np

from restoration.inference.scaling import smoothstep

PULL = 1e3  # weight of a known color: the system meets it to a hundredth
FADE = 5e-4  # weight of no change at each pixel: along a plain strip a dab decays by e in sqrt(3 / FADE) = 77 px
SKIN = 0.1, 0.4  # by so much likelier skin than at the nearest dab: a color begins to fade there, and fades wholly
SKIN_FADE = 0.04  # added to FADE where it fades wholly
EDGE = 0.04  # of luma, between neighbors, that a color hardly crosses: 10 levels
HUE_EDGE = 0.009  # of predicted chroma, smoother than luma, between neighbors, that a color hardly crosses
WHOLE = 0.5  # of what reaches a pixel, enough to color it wholly
OWN = 0.5  # how much of the predicted chroma's own variation a spread color keeps


class Known(NamedTuple):
    """Colors of some places."""

    chroma: np.ndarray  # float32 (h, w, 2)
    trust: np.ndarray  # float32 (h, w), 1 where it is known, 0 where not, less than 1 where it is not sure


class Spread(NamedTuple):
    """What known colors do to a predicted chroma."""

    keep: np.ndarray  # float32 (h, w, 1), the share of the chroma that stays
    add: np.ndarray  # float32 (h, w, 2), and what comes to it

    def over(self, chroma: np.ndarray) -> np.ndarray:
        """A predicted chroma (h, w, 2) changed where the known colors reach."""
        return self.keep * chroma + self.add

    def then(self, later: "Spread") -> "Spread":
        """Both, one after the other."""
        return Spread(self.keep * later.keep, later.over(self.add))


def fading(skin: np.ndarray, known: Known) -> np.ndarray:
    """The weight of no change, float32 (h, w), for dabs beside skin: one on a blouse does not dye the neck.

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
    graph's Laplacian, a fifth of the work of its square, and the known places' reach is solved for beside their
    colors. Divided by it, a color stays itself up to an edge, and it alone says how far the color goes. Steps of luma
    count as they are, not beside the local variance, under which an outline would be as open as a texture.

    Args:
        light: luma in [0, 1], float32 (h, w).
        chroma: what is predicted, float32 (h, w, 2).
        fade: the weight of no change, of all pixels or of each (h, w).
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
