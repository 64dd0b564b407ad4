"""Every setting that travels: the architecture beside its weights, the training run beside its results."""

import dataclasses
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

Stage = Literal["inpaint", "color"]
INPUT_CHANNELS = {"inpaint": 2, "color": 4}  # luma + mask hint; luma + hint chroma (2) + hint mask
OUTPUT_CHANNELS = {"inpaint": 2, "color": 2}  # luma residual + damage map; Cb and Cr
MAX_CHANNELS = 2048  # a config from a stranger cannot ask for more memory than this allows
T = TypeVar("T", "ModelConfig", "TrainConfig")


@dataclass(frozen=True)
class ModelConfig:
    """One U-Net. Saved as `config.json` beside the weights that it describes.

    `luma_mean` and `luma_std` normalise the luma for the encoder: ImageNet's, unless the encoder's
    own pretraining used others (EfficientNet-lite: 0.5 and 0.5).
    """

    stage: Stage
    encoder: str = "efficientnet-b3"
    decoder_channels: tuple[int, ...] = (128, 64, 48, 32, 16)
    luma_mean: float = 0.449
    luma_std: float = 0.226

    def __post_init__(self):
        # A stranger's config.json may hold anything, so types are checked as well as ranges.
        if not isinstance(self.stage, str) or self.stage not in INPUT_CHANNELS:
            raise ValueError(f"stage is {self.stage!r}: use 'inpaint' or 'color'.")
        if not isinstance(self.encoder, str):
            raise ValueError(f"encoder is {self.encoder!r}: give a name.")
        widths = self.decoder_channels if isinstance(self.decoder_channels, (list, tuple)) else ()
        if len(widths) != 5 or not all(isinstance(w, int) and 1 <= w <= MAX_CHANNELS for w in widths):
            raise ValueError(
                f"decoder_channels is {self.decoder_channels!r}: give five widths from 1 to {MAX_CHANNELS}."
            )
        object.__setattr__(self, "decoder_channels", tuple(widths))
        for name, positive in (("luma_mean", False), ("luma_std", True)):
            value = getattr(self, name)
            if not isinstance(value, (int, float)) or not math.isfinite(value) or (positive and value <= 0):
                raise ValueError(f"{name} is {value!r}: give a number{' above 0' if positive else ''}.")


@dataclass(frozen=True)
class TrainConfig:
    """One training run of one stage. Photos per step, sizes in pixels, fractions in [0, 1]."""

    stage: Stage
    data: str
    out: str
    exclude: str | None = None  # a list of photo names, one a line or first in a tab-separated line
    encoder: str = "efficientnet-b3"
    decoder_channels: tuple[int, ...] = (128, 64, 48, 32, 16)
    luma_mean: float = 0.449
    luma_std: float = 0.226
    encoder_weights: str = "imagenet"  # or "none", or a safetensors file with timm's or smp's names
    init: str | None = None  # a model folder or hub repository to go on from
    steps: int = 20_000
    batch_size: int = 16
    size: int = 128  # the square crop that the network sees
    min_scale: float = 0.5  # a crop's side is at least this part of the photo's shorter side
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    warmup: float = 0.05  # of all steps
    gradient_clip: float = 1.0
    ema_decay: float = 0.998
    max_area: float = 0.2  # holes in a crop; above the contest's 0.13, since a crop may hold most of one
    max_holes: int = 2
    hint_dropout: float = 0.25  # samples that must be restored blind
    hole_weight: float = 6.0
    ssim_weight: float = 0.2
    damage_weight: float = 0.05
    saturation_weight: float = 2.0  # colour errors of vivid pixels count up to (1 + this) times
    color_hints: float = 0.3  # samples that get colour hints
    validation_photos: int = 64
    validate_every: int = 500
    save_every_minutes: float = 5.0
    seed: int = 0

    def __post_init__(self):
        object.__setattr__(self, "decoder_channels", tuple(self.decoder_channels))
        self.model_config()  # refuses a bad architecture before any photo is read
        if self.size < 32 or self.batch_size < 1 or self.steps < 1:
            raise ValueError("size must be at least 32, batch_size and steps at least 1.")

    def model_config(self) -> ModelConfig:
        """The architecture part, which is saved beside the weights."""
        return ModelConfig(self.stage, self.encoder, self.decoder_channels, self.luma_mean, self.luma_std)


def save_config(config: ModelConfig | TrainConfig, file: Path) -> None:
    """Write a config as JSON, one field a line."""
    file.write_text(json.dumps(dataclasses.asdict(config), indent=2) + "\n")


def load_config(kind: type[T], file: Path) -> T:
    """Read a config of the given kind; an unknown or missing field is a ValueError that names it."""
    try:
        fields = json.loads(file.read_text())
        return kind(**fields)
    except (json.JSONDecodeError, UnicodeDecodeError, TypeError) as error:
        raise ValueError(f"{file} is not a valid {kind.__name__}: {error}.") from error
