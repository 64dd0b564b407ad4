"""A smooth first fill: each hole takes the values of a membrane stretched over its border.

It is the Inpainter's starting point: the network predicts the residual. `inference.laplace.membrane` does the same
in NumPy, for inference.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from restoration.config import RELAXATIONS


def prefill(image: Tensor, mask: Tensor, relaxations: int = RELAXATIONS) -> Tensor:
    """Fill the masked pixels of `image` with an approximate solution of Laplace's equation.

    A cascade from coarse to fine (Bornemann and Deuflhard, "The cascadic multigrid method", 1996): every
    level starts from the one below and is relaxed a few times, so the cost is linear in pixels.

    Args:
        image: (B, C, H, W); its values under the mask are not read.
        mask: (B, 1, H, W), 1 = fill.

    Returns:
        (B, C, H, W), equal to `image` where the mask is 0. A sample that is masked everywhere becomes 0.
    """
    known = 1 - mask
    with torch.autocast(image.device.type, enabled=False):  # bfloat16 is coarser than a level of gray
        return _cascade(image * known, known, relaxations)


def _cascade(weighted: Tensor, known: Tensor, relaxations: int) -> Tensor:
    """`weighted` = values times `known`; `known` in [0, 1] is the part of each pixel that is known."""
    height, width = known.shape[-2:]
    values = weighted / known.clamp_min(1e-6)
    # Returning early does not change the result; checking for it would stall a GPU.
    if min(height, width) <= 2 or (known.device.type == "cpu" and bool((known > 0).all())):
        total = known.sum(dim=(-2, -1), keepdim=True).clamp_min(1e-6)
        mean = weighted.sum(dim=(-2, -1), keepdim=True) / total
        return torch.where(known > 0, values, mean)
    coarse = _cascade(_halve(weighted), _halve(known), relaxations)
    filled = F.interpolate(coarse, scale_factor=2, mode="bilinear", align_corners=False)[..., :height, :width]
    filled = torch.where(known > 0, values, filled)
    for _ in range(relaxations):  # by additions: on a CPU, a convolution of one channel takes four times as long
        padded = F.pad(filled, (1, 1, 1, 1), mode="replicate")
        rows, columns = padded[..., 1:-1], padded[..., 1:-1, :]
        mean = (rows[..., :-2, :] + rows[..., 2:, :] + columns[..., :-2] + columns[..., 2:]) / 4
        filled = torch.where(known > 0, values, mean)
    return filled


def _halve(x: Tensor) -> Tensor:
    height, width = x.shape[-2:]
    x = F.pad(x, (0, width % 2, 0, height % 2), mode="replicate")
    return F.avg_pool2d(x, 2)
