"""Training losses: functions of tensors under the package's contract.

Each returns a `WeightedSum`, a sum and its count. Only the training step divides, after adding both up over all
processes: a mean of means would depend on how a batch is split.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from restoration.chroma_bins import AXIS, BINS, LEAST_PRIOR, NEAREST, TAU, TEMPERATURE

ALARM = 0.002  # of a photo
PATCH_REACH = 45  # px: with the 8 px between patches, just under the 70 px of a patch of the PatchDiscriminator


class WeightedSum(NamedTuple):
    """`total / count`, undivided. A count of 0 stands for a loss of 0."""

    total: Tensor
    count: Tensor


def masked_sum(values: Tensor, mask: Tensor) -> WeightedSum:
    """The mean of `values` over the masked pixels of the whole batch."""
    return WeightedSum((mask * values).sum(), mask.sum())


def charbonnier(prediction: Tensor, truth: Tensor, mask: Tensor, epsilon: float = 1e-3) -> WeightedSum:
    """A smooth L1 (Charbonnier et al. 1994) over the masked pixels."""
    return masked_sum(((prediction - truth).square() + epsilon**2).sqrt() - epsilon, mask)


def log_error(prediction: Tensor, truth: Tensor, mask: Tensor, floor: float = 1e-4) -> WeightedSum:
    """log10 of each sample's mean square error in the hole, averaged over the samples that have one.

    This is -PSNR / 10, so its mean over photos follows the metric. The floor (2.5 levels) keeps easy holes from
    dominating.
    """
    pixels = mask.sum(dim=(1, 2, 3))
    error = (mask * (prediction - truth).square()).sum(dim=(1, 2, 3)) / pixels.clamp_min(1)
    return masked_sum((error + floor).log10(), (pixels > 0).to(error.dtype))


def biased_ssim_map(x: Tensor, y: Tensor, window: int = 7) -> Tensor:
    """SSIM of two (B, 1, H, W) images in [0, 1] per pixel (Wang et al. 2004), uniform window, biased variances."""
    c1, c2 = 0.01**2, 0.03**2

    def blur(image: Tensor) -> Tensor:
        return F.avg_pool2d(image, window, 1, window // 2, count_include_pad=False)

    mean_x, mean_y = blur(x), blur(y)
    var_x, var_y = blur(x * x) - mean_x**2, blur(y * y) - mean_y**2
    covariance = blur(x * y) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    return luminance * (2 * covariance + c2) / (var_x + var_y + c2)


def damage_loss(logits: Tensor, mask: Tensor, hint: Tensor, alarm_weight: float) -> WeightedSum:
    """Binary cross entropy of the damage map over the pixels of the samples without a hint.

    An undamaged sample in which the map marks more than ALARM counts `alarm_weight` times, as long as it does
    (Shrivastava et al., "Online Hard Example Mining", 2016).
    """
    blind, whole = (plane.amax(dim=(1, 2, 3), keepdim=True) == 0 for plane in (hint, mask))
    alarmed = whole & ((logits > 0).to(logits.dtype).mean(dim=(1, 2, 3), keepdim=True) > ALARM)
    weight = blind * torch.where(alarmed, alarm_weight, 1.0).to(logits.dtype)
    each = F.binary_cross_entropy_with_logits(logits, mask, reduction="none")
    return masked_sum(each, weight.expand_as(each))


def overlap_loss(logits: Tensor, mask: Tensor, hint: Tensor, smooth: float = 20.0) -> WeightedSum:
    """1 - the Dice coefficient of the damage map, averaged over the samples without a hint.

    Milletari et al., "V-Net" (2016). `smooth` is added to both terms, so few marks on an undamaged photo cost little.
    """
    found, pixels = logits.sigmoid(), (1, 2, 3)
    dice = (2 * (found * mask).sum(pixels) + smooth) / ((found + mask).sum(pixels) + smooth)
    return masked_sum(1 - dice, (hint.amax(pixels) == 0).to(dice.dtype))


def chroma_loss(logits: Tensor, nodes: Tensor, shares: Tensor) -> WeightedSum:
    """Cross entropy of the Colorizer's logits, (B, N, h, w), with the `soft_bins` of the true chroma.

    Regression would give the mean of all possible colors, which is brown.
    """
    logs = F.log_softmax(logits.to(shares.dtype), dim=1).gather(1, nodes)
    return WeightedSum(-(shares * logs).sum(), shares.sum())


def soft_bins(chroma: Tensor) -> tuple[Tensor, Tensor]:
    """The four bins around the mean chroma of each 4 px of (B, 2, H, W), and the shares with which they average to it.

    Both (B, 4, H / 4, W / 4), rounded up; the shares add up to 1.
    """
    axis = torch.from_numpy(AXIS).to(chroma)
    inside = F.avg_pool2d(chroma, 4, ceil_mode=True).clamp(axis[0], axis[-1]).contiguous()
    low = (torch.searchsorted(axis, inside) - 1).clamp_min(0)
    high = (inside - axis[low]) / (axis[low + 1] - axis[low])
    corners = [(down, right) for down in (0, 1) for right in (0, 1)]
    nodes = [(low[:, 0] + down) * len(axis) + low[:, 1] + right for down, right in corners]
    shares = [(high[:, 0] - 1 + down).abs() * (high[:, 1] - 1 + right).abs() for down, right in corners]
    return torch.from_numpy(NEAREST).to(chroma.device)[torch.stack(nodes, dim=1)], torch.stack(shares, dim=1)


def mean_chroma(logits: Tensor, prior: Tensor, size: Sequence[int]) -> Tensor:
    """The chroma that the Colorizer's logits stand for, (B, 2, *size), as in `ChromaDistribution.decode`."""
    sharp = (logits - TAU * (prior + LEAST_PRIOR).log()[:, None, None]) / TEMPERATURE
    small = torch.einsum("bnhw,nc->bchw", sharp.softmax(dim=1), torch.from_numpy(BINS).to(logits))
    return F.interpolate(small, scale_factor=4, mode="bilinear")[..., : size[0], : size[1]]


def feature_matching(fake: list[Tensor], real: list[Tensor], where: Tensor) -> WeightedSum:
    """The difference between a discriminator's features of the restored and the true photo, per pixel of `where`.

    L1 of the features, averaged over layers (Wang et al., "pix2pixHD", 2018): steadier than the score alone. Where
    nothing was restored both are equal, so the whole map may be summed.
    """
    layers = [(ours - theirs).abs().mean() for ours, theirs in zip(fake, real, strict=True)]
    return WeightedSum(sum(layers) / len(layers) * where.numel(), where.sum())


def patch_mean(values: Tensor, where: Tensor) -> WeightedSum:
    """The mean over the patches that see a pixel of `where`, (B, 1, H, W); their centers lie 8 px apart.

    `values`: (B, S, h, w), averaged over S if each patch has more than one.
    """
    values = values.mean(dim=1, keepdim=True)
    return masked_sum(values, _patches_near(where, values.shape[-2:]).to(values.dtype))


def _patches_near(where: Tensor, grid: torch.Size) -> Tensor:
    """`where`, grown by half of PATCH_REACH and reduced to the grid of patches, each the maximum of its cell.

    A maximum over a square is one over rows and then over columns; where cells are squares that do not overlap, one
    pooling does it all: 80 times as fast as a square window at every pixel, on a CPU.
    """
    reach, cell = PATCH_REACH // 2, where.shape[-1] // grid[-1]
    if (grid[0] * cell, grid[1] * cell) == where.shape[-2:]:
        return F.max_pool2d(where, PATCH_REACH + cell - 1, cell, reach)
    near = F.max_pool2d(where, (PATCH_REACH, 1), 1, (reach, 0))
    return F.adaptive_max_pool2d(F.max_pool2d(near, (1, PATCH_REACH), 1, (0, reach)), grid)
