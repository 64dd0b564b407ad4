"""How good a model in training is: the losses and the metrics, on fixed photos with fixed damage."""

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from restoration.color import luma, with_chroma
from restoration.config import Stage
from restoration.data.batches import TrainingBatches
from restoration.data.photos import Photos
from restoration.evaluation import Row, evaluate_pair
from restoration.masking import damage
from restoration.models import Colorizer, Inpainter
from restoration.training.trainer import Trainer

SEED = 1_000_003  # added to the run's: the damage of validation is never that of training
EXACT = 60.0  # dB, the most that a photo counts: one hole filled without any error would make the mean infinite


def validate(piece: Trainer, photos: Photos) -> dict[str, float]:
    """Losses of the averaged weights as `validation_*`, and the metrics' means; each process takes its share."""
    with piece.evaluated() as model:
        losses, metrics = _losses(piece, photos), _metrics(piece, model, photos)
    return {f"validation_{name}": value for name, value in losses.items()} | metrics


@torch.no_grad()
def _losses(piece: Trainer, photos: Photos) -> dict[str, float]:
    config, world = piece.config, piece.world
    batches = TrainingBatches(photos, config, piece.stage, config.seed + SEED, world.rank, world.size)
    sums: dict[str, float] = {}
    for step in range(-(-len(photos) // config.batch_size)):
        forward = piece.forward(batches[step])
        terms = forward.terms
        if piece.gan_is_on:
            pair = piece.encode(forward)
            terms = terms | piece.discriminator_loss(pair) | piece.adversarial_loss(pair)
        for name, mean in terms.items():
            sums[f"{name} total"] = sums.get(f"{name} total", 0.0) + float(mean.total)
            sums[f"{name} count"] = sums.get(f"{name} count", 0.0) + float(mean.count)
    sums = world.sum_numbers(sums)
    means = {name[:-6]: sums[name] / max(1.0, sums[f"{name[:-6]} count"]) for name in sums if name.endswith(" total")}
    return piece.weighted(means)


def _metrics(piece: Trainer, model: nn.Module, photos: Photos) -> dict[str, float]:
    """Means over photos of every metric that is defined for each of them."""
    world, config = piece.world, piece.config
    sums: dict[str, float] = dict.fromkeys(METRICS[piece.stage], 0.0)
    for index in range(world.rank, len(photos), world.size):
        truth = validation_crop(photos[index], config.validation_size)
        row = RESTORE[piece.stage](model, truth, np.random.default_rng([config.seed + SEED, index]))
        for name in sums:
            sums[name] += row[name]
    return {name: total / len(photos) for name, total in world.sum_numbers(sums).items()}


def validation_crop(rgb: np.ndarray, size: int) -> np.ndarray:
    """The photo's middle square, at most `size` wide: (S, S, 3)."""
    side = min(rgb.shape[:2])
    top, left = (rgb.shape[0] - side) // 2, (rgb.shape[1] - side) // 2
    square = rgb[top : top + side, left : left + side]
    return cv2.resize(square, (size, size), interpolation=cv2.INTER_AREA) if side > size else square


@torch.no_grad()
def restore_gray(model: Inpainter, truth: np.ndarray, rng: np.random.Generator) -> Row:
    """The Inpainter's result with the mask given, against the gray truth; and what its damage map finds without.

    PSNR in the hole is at most EXACT.
    """
    gray = luma(truth)
    damaged, mask = damage(gray, rng)
    light = _tensor(damaged / 255, model)
    fill = model(light, _tensor(mask, model)).luma[0, 0].clamp(0, 1).cpu().numpy()
    result = np.where(mask, np.rint(fill * 255).astype(np.uint8), gray)
    found = (model(light).damage[0, 0] > 0).cpu().numpy()
    iou = np.count_nonzero(found & mask) / np.count_nonzero(found | mask)
    row = evaluate_pair(np.stack([gray] * 3, axis=-1), result, mask)
    return row | {"hole_psnr": min(row["hole_psnr"], EXACT), "damage_iou": iou}


@torch.no_grad()
def restore_color(model: Colorizer, truth: np.ndarray, rng: np.random.Generator) -> Row:
    """The Colorizer's result on the whole gray photo; the mask only says where the contest would look."""
    gray = luma(truth)
    _, mask = damage(gray, rng)
    cbcr = model(_tensor(gray / 255, model))[0].float().cpu().numpy().transpose(1, 2, 0)
    return evaluate_pair(truth, with_chroma(gray, cbcr), mask)


RESTORE = {"inpaint": restore_gray, "color": restore_color}
METRICS: dict[Stage, tuple[str, ...]] = {
    "inpaint": ("hole_psnr", "hole_ssim", "ssim", "masked_ssim", "damage_iou"),
    "color": (
        "hsv_similarity", "ab_mae", "colorfulness", "ssim", "masked_ssim",
        "contest_s", "contest_m", "contest_c", "contest_score",
    ),
}  # fmt: skip


def _tensor(plane: np.ndarray, model: nn.Module) -> Tensor:
    like = next(model.parameters())
    return torch.from_numpy(np.asarray(plane, np.float32))[None, None].to(like)
