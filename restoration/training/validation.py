"""Validation: losses and metrics on fixed photos with fixed damage."""

import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from restoration import machine
from restoration.color import luma, with_chroma
from restoration.config import Stage
from restoration.data.batches import Crop, TrainingBatches
from restoration.data.photos import Photos, Picture
from restoration.evaluation import Row, evaluate_pair
from restoration.masking import damage
from restoration.metrics import WINDOW
from restoration.models import Colorizer, Inpainter
from restoration.training.losses import mean_chroma
from restoration.training.objectives import DISCRIMINATOR_WEIGHTS
from restoration.training.trainer import Trainer

SEED = 1_000_003  # added to the run's, so that validation has other damage than training
EXACT = 60.0  # dB, the limit per photo: a single perfect hole would make the mean infinite


def validate(trainer: Trainer, photos: Photos) -> dict[str, float]:
    """Losses of the averaged weights as `validation_*`, and the metrics' means; each process takes its share."""
    model = trainer.averaged()
    trainer.discriminator.eval()  # keeps its spectral norm fixed
    losses, metrics = _losses(trainer, model, photos), _metrics(trainer, model, photos)
    trainer.discriminator.train()
    return {f"validation_{name}": value for name, value in losses.items()} | metrics


@torch.no_grad()
def _losses(trainer: Trainer, model: nn.Module, photos: Photos) -> dict[str, float]:
    world = trainer.world
    size = max(world.size, min(trainer.config.batch_size, len(photos)))
    config = dataclasses.replace(trainer.config, batch_size=size)
    batches = TrainingBatches(photos, config, trainer.stage, config.seed + SEED, world.rank, world.size)
    sums: dict[str, Tensor] = {}
    with ThreadPoolExecutor(machine.cores()) as pool:
        for batch in pool.map(batches.__getitem__, range(-(-len(photos) // config.batch_size))):
            forward = trainer.forward(batch, model)
            terms = forward.terms
            if trainer.gan_is_on:
                own, pair = trainer.discriminator_losses(forward)
                terms = terms | own | trainer.adversarial_losses(pair)
            for name, term in terms.items():
                sums[name] = torch.stack([part.double() for part in term]) + sums.get(name, 0)
    totals = {name: world.sum(each).tolist() for name, each in sums.items()}
    return weighted(trainer, {name: total / max(1.0, count) for name, (total, count) in totals.items()})


def weighted(trainer: Trainer, means: dict[str, float]) -> dict[str, float]:
    """Loss terms and their sums: `loss`, and `loss_d` if the discriminator took part."""
    sums = {"loss": trainer.weights, "loss_d": DISCRIMINATOR_WEIGHTS if "d_real" in means else {}}
    return means | {
        name: sum(w * means.get(key, 0.0) for key, w in parts.items()) for name, parts in sums.items() if parts
    }


def _metrics(trainer: Trainer, model: nn.Module, photos: Photos) -> dict[str, float]:
    """Means over photos of every metric that is defined for each of them.

    Threads read and measure photos while the network works on another one.
    """
    world, config = trainer.world, trainer.config

    def sample(index: int) -> Damaged:
        rng = np.random.default_rng([config.seed + SEED, index])
        return damaged_crop(photos.picture(index), config.validation_size, rng)

    with ThreadPoolExecutor(machine.cores()) as pool:
        samples = pool.map(sample, range(world.rank, len(photos), world.size))
        rows = [pool.submit(RESTORE[trainer.stage](model, each)) for each in samples]
    sums = {name: sum(row.result()[name] for row in rows) for name in METRICS[trainer.stage]}
    return {name: total / len(photos) for name, total in world.sum_numbers(sums).items()}


class Damaged(NamedTuple):
    """A photo to be restored: the truth, uint8 RGB (H, W, 3), its damaged luma, and the mask, bool (H, W)."""

    truth: np.ndarray
    gray: np.ndarray
    mask: np.ndarray


def damaged_crop(picture: Picture, size: int, rng: np.random.Generator) -> Damaged:
    """The photo's middle square, at most `size` wide, with its real hole; if it has or shows none, one is drawn."""
    side = min(picture.rgb.shape[:2])
    top, left = ((length - side) // 2 for length in picture.rgb.shape[:2])
    crop = Crop(top, left, side, side, (min(side, size),) * 2, mirrored=False)
    truth = crop.cut(picture.rgb)
    mask = crop.cut(picture.hole.mask) if picture.hole else np.zeros(truth.shape[:2], bool)
    if np.count_nonzero(mask) >= WINDOW:
        return Damaged(truth, np.where(mask, np.uint8(picture.level), luma(truth)), mask)
    return Damaged(truth, *damage(luma(truth), rng))


@torch.no_grad()
def restore_gray(model: Inpainter, photo: Damaged) -> Callable[[], Row]:
    """The Inpainter's result with the mask given, and its damage map without: a function that measures both against
    the gray truth. PSNR in the hole is at most EXACT."""
    light = _tensor(photo.gray / 255, model)
    fill = model(light, _tensor(photo.mask, model)).luma[0, 0].clamp(0, 1).cpu().numpy()
    found = (model(light).damage[0, 0] > 0).cpu().numpy()

    def measure() -> Row:
        gray = luma(photo.truth)
        result = np.where(photo.mask, np.rint(fill * 255).astype(np.uint8), gray)
        iou = np.count_nonzero(found & photo.mask) / np.count_nonzero(found | photo.mask)
        row = evaluate_pair(np.stack([gray] * 3, axis=-1), result, photo.mask)
        return row | {"hole_psnr": min(row["hole_psnr"], EXACT), "damage_iou": iou}

    return measure


@torch.no_grad()
def restore_color(model: Colorizer, photo: Damaged) -> Callable[[], Row]:
    """The Colorizer's result on the whole gray photo: a function that measures it. The mask only tells where the
    contest would measure."""
    gray = luma(photo.truth)
    cbcr = mean_chroma(model(_tensor(gray / 255, model)), model.prior, gray.shape)[0].float()
    cbcr = cbcr.cpu().numpy().transpose(1, 2, 0)
    return lambda: evaluate_pair(photo.truth, with_chroma(gray, cbcr), photo.mask)


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
