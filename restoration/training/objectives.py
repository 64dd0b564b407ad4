"""The objectives of a training step: a batch goes through a stage's network and the discriminator to loss terms.

Both see the same pair: the true photo and the restored one, with known pixels copied.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from restoration.config import CHROMA_SCALE, TrainConfig
from restoration.data.batches import Batch
from restoration.models import Colorizer, Inpainter
from restoration.prefill import prefill
from restoration.training import losses
from restoration.training.discriminators import Discriminator
from restoration.training.losses import WeightedSum, patch_mean

PRIOR_MOMENTUM = 0.01
Terms = dict[str, WeightedSum]


class Forward(NamedTuple):
    """The result of one pass of a generator, for the losses."""

    terms: Terms  # of the generator, without those of the GAN
    fake: Tensor  # what the discriminator judges, (B, C, H, W)
    real: Tensor  # the same for the truth
    where: Tensor  # (B, 1, H, W), 1 = what the generator made: patches without it teach nothing


def inpaint_forward(model: Inpainter, batch: Batch, config: TrainConfig) -> Forward:
    """Fill the hole, leave the rest as it is, and find the hole where no hint was given."""
    luma, mask = batch["luma"], batch["mask"]
    filled = model(batch["damaged"], batch["hint"])
    composite = mask * filled.luma + (1 - mask) * luma
    terms = {
        "hole": losses.charbonnier(filled.luma, luma, mask),
        "known": losses.charbonnier(filled.luma, luma, 1 - mask),
        "log_error": losses.log_error(filled.luma, luma, mask),
        "ssim": losses.masked_sum(1 - losses.biased_ssim_map(composite, luma), mask),
        "damage": losses.damage_loss(filled.damage, mask, batch["hint"], config.false_alarm_weight),
    }
    if config.overlap_weight > 0:
        terms["overlap"] = losses.overlap_loss(filled.damage, mask, batch["hint"])
    return Forward(terms, torch.cat([composite, mask], dim=1), torch.cat([luma, mask], dim=1), mask)


def color_forward(model: Colorizer, batch: Batch, config: TrainConfig) -> Forward:
    """Predict how likely each color is in a whole gray photo, given the batch's color hints.

    Where `mask` is 1, the smooth first fill stands in for the Inpainter's result.
    """
    luma, chroma = prefill(batch["luma"], batch["mask"]), batch["chroma"]
    logits = model(luma, batch["hint_chroma"], batch["hint_mask"])
    bins = losses.soft_bins(chroma)
    if model.training and not config.freeze_norm:
        _note_colors(model.prior, *bins)
    terms = {"chroma": losses.chroma_loss(logits, *bins)}
    predicted = losses.mean_chroma(logits, model.prior, luma.shape[-2:])
    fake, real = (torch.cat([luma, colors * CHROMA_SCALE], dim=1) for colors in (predicted, chroma))
    return Forward(terms, fake, real, torch.ones_like(luma))


@torch.no_grad()
def _note_colors(prior: Tensor, nodes: Tensor, shares: Tensor) -> None:
    """Update the running mean of how often each color occurs, as batch norm updates its statistics."""
    met = torch.zeros_like(prior).index_add_(0, nodes.flatten(), shares.flatten().to(prior.dtype))
    prior.lerp_(met / met.sum(), PRIOR_MOMENTUM)


FORWARD: dict[str, Callable[..., Forward]] = {"inpaint": inpaint_forward, "color": color_forward}


class Encoded(NamedTuple):
    """The true and the restored photo, encoded by the discriminator's frozen part."""

    real: list[Tensor]
    fake: list[Tensor]  # with the generator's gradients
    where: Tensor  # (B, 1, H, W), 1 = what the generator made


def encode(discriminator: Discriminator, forward: Forward) -> Encoded:
    """Both photos encoded by the discriminator's frozen part, once per step for the two losses below."""
    with torch.no_grad():
        real = discriminator.encode(forward.real)
    return Encoded(real, discriminator.encode(forward.fake), forward.where)


def discriminator_loss(discriminator: Discriminator, pair: Encoded) -> Terms:
    """The discriminator's hinge loss on true and restored photos (Lim and Ye, "Geometric GAN", 2017)."""
    real = discriminator.features(pair.real)[-1]
    fake = discriminator.features([x.detach() for x in pair.fake])[-1]
    return {"d_real": patch_mean(F.relu(1 - real), pair.where), "d_fake": patch_mean(F.relu(1 + fake), pair.where)}


def adversarial_loss(discriminator: Discriminator, pair: Encoded, with_features: bool) -> Terms:
    """The generator's adversarial loss, and its feature matching loss if that has a weight."""
    judging = [parameter for parameter in discriminator.parameters() if parameter.requires_grad]
    for parameter in judging:
        parameter.requires_grad_(False)
    *fake, score = discriminator.features(pair.fake)
    terms = {"loss_g": patch_mean(-score, pair.where)}
    if with_features:
        real = discriminator.features(pair.real)[:-1]
        terms["features"] = losses.feature_matching(fake, real, pair.where)
    for parameter in judging:
        parameter.requires_grad_(True)
    return terms


DISCRIMINATOR_WEIGHTS = {"d_real": 0.5, "d_fake": 0.5}


def weights(config: TrainConfig, stage: str) -> dict[str, float]:
    """The weight of each of a stage's loss terms, the GAN's included."""
    return {
        "inpaint": {
            "hole": config.hole_weight,
            "known": config.known_weight,
            "log_error": config.log_error_weight,
            "ssim": config.ssim_weight,
            "damage": config.damage_weight,
            "overlap": config.overlap_weight,
            "loss_g": config.inpaint_gan_weight,
            "features": config.inpaint_feature_weight,
        },
        "color": {"chroma": config.chroma_weight, "loss_g": config.color_gan_weight},
    }[stage]
