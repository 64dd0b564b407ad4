"""LPIPS with AlexNet (Zhang et al. 2018, version 0.1): how differently a network sees two photos, 0 = equally."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torchvision.models import alexnet

from restoration.checkpoint import load_tensors
from restoration.color import luma

METRICS = ("lpips_gray", "lpips_color")
LAYERS = (1, 4, 7, 9, 11)  # AlexNet's five ReLUs
SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)  # LPIPS's own, of RGB in [-1, 1]
EPSILON = 1e-10
Features = list[Tensor]  # one (C, H, W) a layer, each pixel's vector of length 1


class Lpips(nn.Module):
    """Squared distances of unit features, weighted a channel, averaged over pixels, summed over five layers.

    `tensors`: AlexNet's convolutions under torchvision's names (`features.0.weight` and on), and the
    channels' weights as `linear.0` to `linear.4`, (C,) each.

    Raises:
        KeyError, RuntimeError: one is missing or of another shape.
    """

    def __init__(self, tensors: dict[str, Tensor]):
        super().__init__()
        self.net = alexnet(weights=None).features[: LAYERS[-1] + 1]
        self.net.load_state_dict({name: tensors[f"features.{name}"] for name in self.net.state_dict()})
        self.weights = [tensors[f"linear.{i}"].float()[:, None, None] for i in range(len(LAYERS))]
        self.eval().requires_grad_(False)

    @classmethod
    def from_file(cls, file: Path) -> "Lpips":
        """Read what `fetch.py` wrote. ValueError: the file is missing, or holds something else."""
        tensors = load_tensors(file)
        try:
            return cls(tensors)
        except (KeyError, RuntimeError) as error:
            raise ValueError(f"{file} does not hold LPIPS's weights: python benchmarks/fetch.py makes it.") from error

    @torch.inference_mode()
    def features(self, image: np.ndarray) -> Features:
        """What AlexNet sees in uint8 RGB (H, W, 3) or gray (H, W), whose level stands for all three channels."""
        rgb = np.stack([image] * 3, axis=-1) if image.ndim == 2 else image
        x = torch.from_numpy(np.ascontiguousarray(rgb.transpose(2, 0, 1))).float()[None] / 127.5 - 1
        x = (x - torch.tensor(SHIFT)[:, None, None]) / torch.tensor(SCALE)[:, None, None]
        found = []
        for index, layer in enumerate(self.net):
            x = layer(x)
            if index in LAYERS:
                found.append(x[0] / (x[0].norm(dim=0, keepdim=True) + EPSILON))
        return found

    @torch.inference_mode()
    def distance(self, one: Features, other: Features) -> float:
        """LPIPS of two images of one size; 0 or more."""
        layers = zip(self.weights, one, other, strict=True)
        return float(sum((weight * (a - b).square()).sum(dim=0).mean() for weight, a, b in layers))

    def reference(self, truth: np.ndarray) -> "Reference":
        """A color photo, uint8 (H, W, 3), that several results are compared with."""
        return Reference(self, self.features(luma(truth)), self.features(truth))


@dataclass(frozen=True)
class Reference:
    """A truth's features, in gray and in color."""

    lpips: Lpips
    gray: Features
    color: Features

    def row(self, prediction: np.ndarray) -> dict[str, float]:
        """LPIPS of the luma of a gray or RGB result against the truth's, and of the result against the truth."""
        gray = self.lpips.features(luma(prediction))
        color = gray if prediction.ndim == 2 else self.lpips.features(prediction)
        distances = self.lpips.distance(gray, self.gray), self.lpips.distance(color, self.color)
        return dict(zip(METRICS, distances, strict=True))
