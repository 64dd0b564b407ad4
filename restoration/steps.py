"""One training step a stage: a batch goes through the network, its loss terms come out."""

from torch import Tensor

from restoration.config import TrainConfig
from restoration.data import Batch
from restoration.losses import chroma_loss, damage_loss, hole_l1, hole_ssim_loss
from restoration.models import Colorizer, Inpainter

Terms = dict[str, Tensor]  # each term as it enters the sum, weight included


def inpaint_step(model: Inpainter, batch: Batch, config: TrainConfig) -> Terms:
    """Fill the hole, leave the rest as it is, and find the hole where no hint was given."""
    luma, mask = batch["luma"], batch["mask"]
    filled = model(batch["damaged"], batch["hint"])
    return {
        "hole": config.hole_weight * hole_l1(filled.luma, luma, mask),
        "known": hole_l1(filled.luma, luma, 1 - mask),
        "ssim": config.ssim_weight * hole_ssim_loss(filled.luma, luma, mask),
        "damage": config.damage_weight * damage_loss(filled.damage, mask, batch["hint"]),
    }


def color_step(model: Colorizer, batch: Batch, config: TrainConfig) -> Terms:
    """Predict the chroma of a whole gray photo, with whatever colour hints the batch gives."""
    chroma = model(batch["luma"], batch["hint_chroma"], batch["hint_mask"])
    return {"chroma": chroma_loss(chroma, batch["chroma"], config.saturation_weight)}


STEPS = {"inpaint": inpaint_step, "color": color_step}
