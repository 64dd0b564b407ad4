"""Training losses: functions of tensors under the package's contract, each a scalar."""

import torch.nn.functional as F
from torch import Tensor


def hole_l1(prediction: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    """Mean absolute error over the masked pixels of the whole batch; 0 where nothing is masked."""
    return (mask * (prediction - truth).abs()).sum() / mask.sum().clamp_min(1)


def ssim_map(x: Tensor, y: Tensor, window: int = 7) -> Tensor:
    """SSIM of two (B, 1, H, W) images in [0, 1] per pixel (Wang et al. 2004), uniform window, biased variances."""
    c1, c2 = 0.01**2, 0.03**2

    def blur(image: Tensor) -> Tensor:
        return F.avg_pool2d(image, window, 1, window // 2, count_include_pad=False)

    mean_x, mean_y = blur(x), blur(y)
    var_x, var_y = blur(x * x) - mean_x**2, blur(y * y) - mean_y**2
    covariance = blur(x * y) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    return luminance * (2 * covariance + c2) / (var_x + var_y + c2)


def hole_ssim_loss(prediction: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    """1 - SSIM, averaged over the masked pixels, with known pixels copied into the prediction first."""
    composite = mask * prediction + (1 - mask) * truth
    return (mask * (1 - ssim_map(composite, truth))).sum() / mask.sum().clamp_min(1)


def damage_loss(logits: Tensor, mask: Tensor, hint: Tensor) -> Tensor:
    """Binary cross entropy of the damage map over the samples that were given no hint; 0 when all had one."""
    blind = (hint.amax(dim=(1, 2, 3), keepdim=True) == 0).float()
    each = F.binary_cross_entropy_with_logits(logits, mask, reduction="none").mean(dim=(1, 2, 3), keepdim=True)
    return (blind * each).sum() / blind.sum().clamp_min(1)


def chroma_loss(prediction: Tensor, truth: Tensor, saturation_weight: float) -> Tensor:
    """L1 of chroma, with errors of a vivid pixel counted up to (1 + saturation_weight) times.

    Most pixels of most photos are nearly gray; plain L1 answers with the median, which is dull.
    """
    saturation = truth.norm(dim=1, keepdim=True).mul(4).clamp_max(1)  # 0.25 and above: fully vivid
    weight = 1 + saturation_weight * saturation
    return (weight * (prediction - truth).abs()).mean() / weight.mean()
