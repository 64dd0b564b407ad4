"""Every setting that travels: the architecture beside its weights, the training run beside its results."""

import dataclasses
import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from restoration.errors import RestorationError

Stage = Literal["inpaint", "color"]
STAGES: tuple[Stage, ...] = ("inpaint", "color")
CRITERION = {"inpaint": "hole_psnr", "color": "hsv_similarity"}  # the metric, higher is better, that picks the best
INPUT_CHANNELS = {"inpaint": 2, "color": 4}  # luma + mask hint; luma + hint chroma (2) + hint mask
OUTPUT_CHANNELS = {"inpaint": 2, "color": 2}  # luma residual + damage map; Cb and Cr
JUDGED_CHANNELS = {"inpaint": 2, "color": 3}  # what the discriminator sees: luma and mask; luma and chroma
DETECTOR = "detect"  # the subfolder of an Inpainter that was trained on to find damage and nothing else
FILL_SIZE = 512  # px, the longest side of what the Inpainter sees at once, whatever the photo's
RELAXATIONS = (
    4  # Jacobi sweeps a level of the first fill: 0 costs 0.6 dB in the hole, 64 gain 0.15 dB for nine times the time
)
CHROMA_SCALE = 4  # chroma is small: times 4 it reaches a network at the luma's scale
MAX_CHANNELS = 2048  # of a decoder's layer
MAX_BYTES = 1 << 16  # of a config's file
MAX_NORM = 1e6  # of what normalizes the luma
ENCODER = r"[A-Za-z0-9_.-]{1,80}"  # no "hf-hub:user/name", no path: timm would fetch what they name
T = TypeVar("T", "ModelConfig", "TrainConfig")


@dataclass(frozen=True)
class ModelConfig:
    """One U-Net. Saved as `config.json` beside the weights that it describes.

    `luma_mean` and `luma_std` normalize the luma for the encoder: ImageNet's, unless the encoder's
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
            raise RestorationError(f"stage is {self.stage!r}: use 'inpaint' or 'color'.")
        if not isinstance(self.encoder, str) or not re.fullmatch(ENCODER, self.encoder):
            raise RestorationError(f"encoder is {str(self.encoder)[:80]!r}: name one of segmentation-models-pytorch.")
        widths = self.decoder_channels if isinstance(self.decoder_channels, (list, tuple)) else ()
        if len(widths) != 5 or not all(isinstance(w, int) and 1 <= w <= MAX_CHANNELS for w in widths):
            raise RestorationError(
                f"decoder_channels is {self.decoder_channels!r}: give five widths from 1 to {MAX_CHANNELS}."
            )
        object.__setattr__(self, "decoder_channels", tuple(widths))
        for name, positive in (("luma_mean", False), ("luma_std", True)):
            value = getattr(self, name)
            if not isinstance(value, (int, float)) or not abs(value) <= MAX_NORM or (positive and value <= 0):
                raise RestorationError(f"{name} is {value!r}: give a number{' above 0' if positive else ''}.")


ON_GPU = {"size": 256, "validation_size": 256, "batch_size": 32, "epochs": 40, "precision": "bf16", "workers": 8}
ON_CPU = {"size": 128, "validation_size": 128, "batch_size": 8, "epochs": 4, "precision": "float32", "workers": 1}

TINY = 1e-12  # the least of what must be above 0
COUNTS = (
    "folds", "epochs", "epoch_photos", "batch_size", "cycles", "max_holes", "validation_photos",
    "discriminator_channels",
)  # fmt: skip
SHARES = ("min_scale", "warmup", "max_area", "hint_dropout", "color_hints", "gan_start", "wear", "filled_share")
WEIGHTS = (
    "hole_weight", "known_weight", "log_error_weight", "ssim_weight", "damage_weight", "chroma_weight",
    "saturation_weight", "perceptual_weight", "inpaint_gan_weight", "color_gan_weight", "inpaint_feature_weight",
    "color_feature_weight", "weight_decay",
)  # fmt: skip
RANGES: dict[str, tuple[float, float]] = {  # of a run's numbers, both ends included
    **dict.fromkeys(COUNTS, (1, math.inf)),
    **dict.fromkeys(SHARES, (0, 1)),
    **dict.fromkeys(WEIGHTS, (0, math.inf)),
    **dict.fromkeys(("size", "validation_size"), (32, math.inf)),
    **dict.fromkeys(("workers", "cache_gib", "save_every_minutes"), (0, math.inf)),
    **dict.fromkeys(("learning_rate", "discriminator_learning_rate", "gradient_clip"), (TINY, math.inf)),
    "ema_decay": (0, 1 - TINY),
    "seed": (0, 2**32 - 1),  # what scikit-learn takes
}


def _bounds(least: float, most: float) -> str:
    low = "above 0" if least == TINY else f"at least {least}"
    high = "below 1" if most == 1 - TINY else f"at most {most}"
    return low if most == math.inf else f"{low} and {high}"


@dataclass(frozen=True)
class TrainConfig:
    """A training run. Sizes in pixels, shares in [0, 1]; what is None is chosen for the device.

    Which pieces of the run one process trains, where it writes and what it pushes are not settings of
    the run: `train.py` takes them as options of their own.
    """

    data: str = "data"  # a folder of photos or tar shards, the contest's folder, or "bundled"
    exclude: str | None = None  # a list of photo names never to be used, one first in each line
    folds: int = 5  # 1: no cross-validation, a small share is held out
    group_by: str = "near"  # photos that must share a fold: near, folder, name-pattern, none
    group_pattern: str | None = None  # for name-pattern: a regular expression whose first group is the key
    seed: int = 0

    encoder: str = "efficientnet-b3"
    decoder_channels: tuple[int, ...] = (128, 64, 48, 32, 16)
    luma_mean: float = 0.449
    luma_std: float = 0.226
    encoder_weights: str = "imagenet"  # or "none", or a safetensors file with timm's or smp's names
    init: str | None = None  # a folder or hub repository with inpaint/ and color/ to go on from

    epochs: int | None = None
    epoch_photos: int | None = None  # None: every photo once
    batch_size: int | None = None  # over all processes together
    size: int | None = None  # the square crop that the network sees
    min_scale: float = 0.5  # a crop's side is at least this part of the photo's shorter side
    precision: str | None = None  # bf16, float32 or float64
    workers: int | None = None  # processes that make batches ahead
    cache_gib: float = 6.0  # memory for decoded photos, of all processes on a machine; what does not fit is read again
    compile: bool = False  # torch.compile
    freeze_norm: bool = False  # keep batch norm's statistics, as small batches and fine-tuning want

    schedule: str = "cosine"  # with warm restarts; or onecycle
    cycles: int = 3  # of the cosine, each twice as long as the one before
    learning_rate: float = 1e-3
    warmup: float = 0.02  # share of all steps
    weight_decay: float = 0.01
    gradient_clip: float = 1.0
    ema_decay: float = 0.998

    max_area: float = 0.2  # holes in a crop; above the contest's 0.13, since a crop may hold most of one
    max_holes: int = 2
    hint_dropout: float = 0.25  # share of samples that must be restored blind
    wear: float = 0.2  # share of samples that have an old print's scratches, creases and stains instead of holes
    color_hints: float = 0.3  # share of samples that get color hints
    filled_share: float = 0.2  # share of the Colorizer's samples that have a filled hole, as it will see them

    hole_weight: float = 6.0
    known_weight: float = 1.0
    log_error_weight: float = 0.0  # of the hole's mean square error, in tens of decibels
    ssim_weight: float = 0.2
    damage_weight: float = 0.05
    chroma_weight: float = 1.0
    saturation_weight: float = 2.0  # color errors of vivid pixels count up to (1 + this) times
    perceptual_weight: float = 0.1  # counts only where perceptual_weights names a file
    perceptual_weights: str | None = None  # a safetensors file of VGG16's features, torchvision's names
    inpaint_gan_weight: float = 0.02  # 0: no GAN
    color_gan_weight: float = 0.005
    inpaint_feature_weight: float = 0.0  # of the difference that the discriminator's layers see
    color_feature_weight: float = 0.0
    discriminator: str = "patch"  # or "projected": the Inpainter's judges what the encoder of encoder_weights sees
    gan_start: float = 0.3  # share of all steps before the GAN begins
    discriminator_channels: int = 32
    discriminator_learning_rate: float = 4e-4

    validation_photos: int = 64  # at most, of those held out
    validation_size: int | None = None  # of the photos that metrics are taken of
    save_every_minutes: float = 5.0

    def __post_init__(self):
        object.__setattr__(self, "decoder_channels", tuple(self.decoder_channels))
        if empty := [field.name for field in dataclasses.fields(self) if getattr(self, field.name) == ""]:
            raise RestorationError(f"{empty[0]} is empty: give a name, or leave it out.")  # "" is no path
        self.model_config("inpaint")  # refuses a bad architecture before any photo is read
        choices = {
            "group_by": ("near", "folder", "name-pattern", "none"),
            "precision": (None, "bf16", "float32", "float64"),
            "schedule": ("cosine", "onecycle"),
            "discriminator": ("patch", "projected"),
        }
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise RestorationError(f"{name} is {getattr(self, name)!r}: use {' or '.join(filter(None, allowed))}.")
        if self.discriminator == "projected" and self.encoder_weights == "none":
            raise RestorationError("discriminator is 'projected', which needs a trained encoder: give encoder_weights.")
        for name, (least, most) in RANGES.items():
            value = getattr(self, name)
            if value is not None and not least <= value <= most:  # NaN lies nowhere
                raise RestorationError(f"{name} is {value}: it must be {_bounds(least, most)}.")

    def resolved(self, on_gpu: bool, has_bf16: bool = True) -> "TrainConfig":
        """The same run with every choice made: what was None gets the device's default."""
        defaults = (ON_GPU if has_bf16 else ON_GPU | {"precision": "float32"}) if on_gpu else ON_CPU
        open_fields = {name: value for name, value in defaults.items() if getattr(self, name) is None}
        return dataclasses.replace(self, **open_fields)

    def model_config(self, stage: Stage) -> ModelConfig:
        """The architecture part, which is saved beside the weights."""
        return ModelConfig(stage, self.encoder, self.decoder_channels, self.luma_mean, self.luma_std)


def save_config(config: ModelConfig | TrainConfig, file: Path) -> None:
    """Write a config as JSON, one field a line."""
    file.write_text(json.dumps(dataclasses.asdict(config), indent=2) + "\n")


def load_config(kind: type[T], file: Path) -> T:
    """Read a config of the given kind; an unknown or missing field is a RestorationError that names it."""
    try:
        if file.stat().st_size > MAX_BYTES:
            raise TypeError(f"it has more than {MAX_BYTES} bytes")
        return kind(**json.loads(file.read_text()))
    except (json.JSONDecodeError, UnicodeDecodeError, TypeError, RecursionError) as error:
        raise RestorationError(f"{file} is not a valid {kind.__name__}: {error}.") from error
