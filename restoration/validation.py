"""How good a model in training is: a few honest metrics on fixed photos with fixed damage."""

import numpy as np
import torch
from torch import Tensor, nn

from restoration import metrics
from restoration.color import luma, with_chroma
from restoration.masking import damage
from restoration.models import Colorizer, Inpainter
from restoration.photos import Photos


@torch.no_grad()
def validate_inpainter(model: Inpainter, photos: Photos, seed: int) -> dict[str, float]:
    """Mean over photos of hole PSNR and hole SSIM with the mask given, and of the damage map's IoU without."""
    rows = []
    for index in range(len(photos)):
        truth = luma(photos[index])
        damaged, mask = damage(truth, np.random.default_rng([seed, index]))
        light, hint = _tensor(damaged / 255, model), _tensor(mask, model)
        fill = np.rint(model(light, hint).luma[0, 0].clamp(0, 1).cpu().numpy() * 255).astype(np.uint8)
        result = np.where(mask, fill, truth)
        found = (model(light).damage[0, 0] > 0).cpu().numpy()
        rows.append(
            {
                "hole_psnr": metrics.hole_psnr(truth, result, mask),
                "hole_ssim": metrics.hole_ssim(truth, result, mask),
                "damage_iou": float((found & mask).sum() / max(1, (found | mask).sum())),
            }
        )
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


@torch.no_grad()
def validate_colorizer(model: Colorizer, photos: Photos, seed: int) -> dict[str, float]:
    """`ab_mae` over the gray photo's, contest C and relative colourfulness, means over undamaged photos, no hints."""
    error, gray_error, hue, vivid = [], [], [], []
    for index in range(len(photos)):
        truth = photos[index]
        gray = luma(truth)
        cbcr = model(_tensor(gray / 255, model))[0].cpu().numpy().transpose(1, 2, 0)
        result = with_chroma(gray, cbcr)
        error.append(metrics.ab_mae(truth, result))
        gray_error.append(metrics.ab_mae(truth, np.stack([gray] * 3, axis=-1)))
        hue.append(metrics.contest_c(truth, result))
        vivid.append(metrics.colorfulness(result) / max(1.0, metrics.colorfulness(truth)))
    return {
        "ab_ratio": float(np.mean(error) / np.mean(gray_error)),
        "contest_c": float(np.mean(hue)),
        "vividness": float(np.mean(vivid)),
    }


VALIDATIONS = {"inpaint": validate_inpainter, "color": validate_colorizer}


def _tensor(plane: np.ndarray, model: nn.Module) -> Tensor:
    device = next(model.parameters()).device
    return torch.from_numpy(np.asarray(plane, np.float32))[None, None].to(device)
