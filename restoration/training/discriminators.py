"""Discriminators: they judge patches of a photo, from its pixels or from a trained encoder's features."""

from itertools import pairwise

import segmentation_models_pytorch as smp
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from restoration.config import JUDGED_CHANNELS, ModelConfig, Stage, TrainConfig


class PatchDiscriminator(nn.Module):
    """Judges each patch of a photo separately (Isola et al. 2017), with spectral norm (Miyato et al. 2018).

    (B, channels, H, W) -> scores (B, 1, H/8, W/8) or so; a patch is 70 px wide.
    """

    def __init__(self, channels: int, width: int):
        super().__init__()
        widths = (channels, width, 2 * width, 4 * width)
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [spectral_norm(nn.Conv2d(before, after, 4, stride=2, padding=1)), nn.LeakyReLU(0.2)]
        layers += [spectral_norm(nn.Conv2d(4 * width, 4 * width, 4, padding=1)), nn.LeakyReLU(0.2)]
        layers += [spectral_norm(nn.Conv2d(4 * width, 1, 4, padding=1))]
        self.layers = nn.Sequential(*layers)

    def encode(self, photo: Tensor) -> list[Tensor]:
        """The part that is not trained: here none, so the photo itself."""
        return [photo]

    def features(self, encoded: list[Tensor]) -> list[Tensor]:
        """Each layer's output for an encoded photo, (B, C, h, w), the scores last: above 0 where a patch looks true,
        below 0 where it looks restored."""
        found, (photo,) = [], encoded
        x = photo
        for layer in self.layers:
            x = layer(x)
            if isinstance(layer, nn.LeakyReLU):
                found.append(x)
        return [*found, x.to(photo.dtype)]


class ProjectedDiscriminator(nn.Module):
    """Judges the features of a frozen ImageNet encoder for a gray photo, at strides 2 to 16 (Sauer et al. 2021).

    Since it need not learn features, it is useful after a few hundred steps. (B, 1 or more, H, W), luma
    first -> scores (B, 4, H/8, W/8), one for each stride.
    """

    DEPTH, FINEST = 4, 2  # how many strides, and the first of them: 2, 4, 8, 16
    GRID = 8  # px between the scores

    def __init__(self, encoder: nn.Module, mean: float, std: float, width: int):
        """`encoder`: from segmentation-models-pytorch, for one channel of luma, trained with this mean and std."""
        super().__init__()
        self.encoder = encoder.eval().requires_grad_(False)
        self.mean, self.std = mean, std
        self.heads = nn.ModuleList(
            nn.Sequential(
                spectral_norm(nn.Conv2d(channels, width, 1)),
                nn.LeakyReLU(0.2),
                spectral_norm(nn.Conv2d(width, 1, 3, padding=1)),
            )
            for channels in self.encoder.out_channels[1:]
        )

    def train(self, mode: bool = True) -> "ProjectedDiscriminator":
        """Keep the encoder in evaluation mode."""
        super().train(mode)
        self.encoder.eval()
        return self

    def encode(self, photo: Tensor) -> list[Tensor]:
        """The frozen encoder's features at each stride, normalized to mean square 1 at each position."""
        seen = self.encoder((photo[:, :1] - self.mean) / self.std)[1:]
        return [F.normalize(x, dim=1, eps=1e-3) * x.shape[1] ** 0.5 for x in seen]

    def features(self, encoded: list[Tensor]) -> list[Tensor]:
        """The encoded photo itself and, last, the scores of the trained heads."""
        grid = [side * self.FINEST // self.GRID for side in encoded[0].shape[-2:]]
        scores = [F.adaptive_avg_pool2d(head(x), grid) for head, x in zip(self.heads, encoded, strict=True)]
        return [*encoded, torch.cat(scores, dim=1).to(next(self.parameters()).dtype)]


Discriminator = PatchDiscriminator | ProjectedDiscriminator


def discriminator(config: TrainConfig, stage: Stage, generator: ModelConfig) -> Discriminator:
    """A stage's discriminator with random weights; a projected one uses the generator's type of encoder."""
    if stage == "inpaint" and config.discriminator == "projected":
        depth = ProjectedDiscriminator.DEPTH
        encoder = smp.encoders.get_encoder(generator.encoder, in_channels=1, depth=depth, weights=None)
        return ProjectedDiscriminator(encoder, generator.luma_mean, generator.luma_std, config.discriminator_channels)
    return PatchDiscriminator(JUDGED_CHANNELS[stage], config.discriminator_channels)
