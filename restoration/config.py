"""Settings saved with results: the architecture beside the weights, the training settings beside the run."""

import dataclasses
import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar, get_args

from restoration.atomic import replacing
from restoration.errors import RestorationError

Stage = Literal["inpaint", "color"]
STAGES: tuple[Stage, ...] = get_args(Stage)
CRITERION = {"inpaint": "hole_psnr", "color": "hsv_similarity"}  # the metric, higher is better, that picks the best
INPUT_CHANNELS = {"inpaint": 2, "color": 4}  # luma + mask hint; luma + hint chroma (2) + hint mask
DECODER_WIDTHS = 128, 64, 48, 32, 16
DECODER_BLOCKS = {"inpaint": 5, "color": 3}  # up to the photo's size; to a quarter: eyes see color coarser than light
JUDGED_CHANNELS = {"inpaint": 2, "color": 3}  # what the discriminator sees: luma and mask; luma and chroma
DETECTOR = "detect"  # the subfolder of an Inpainter that was trained on to find damage and nothing else
MODEL_CONFIG, MODEL_WEIGHTS = "config.json", "model.safetensors"  # the files of a network in hub layout
STRIDE = 32  # the encoder halves five times
FILL_SIZE = 512  # px, the longest side of what the Inpainter sees at once, whatever the photo's
RELAXATIONS = 4  # Jacobi sweeps a level of the first fill: 0 costs 0.6 dB in the hole, 64 gain 0.15 in 9 times the time
LUMA_MEAN, LUMA_STD = 0.449, 0.226  # ImageNet's, which most encoders were trained with
CHROMA_SCALE = 4  # chroma is small: times 4 it reaches a network at the luma's scale
MAX_CHANNELS = 2048  # of a decoder's layer
MAX_BYTES = 1 << 16  # of a config's file
MAX_NORM = 1e6  # of what normalizes the luma
ENCODER = r"[A-Za-z0-9_.-]{1,80}"  # no "hf-hub:user/name", no path: timm would fetch what they name
_PACKAGE = Path(__file__).parent
_INSTALLED, _CHECKED_OUT = _PACKAGE / "weights", _PACKAGE.parent / "weights"
SHIPPED_WEIGHTS = _INSTALLED if _INSTALLED.is_dir() else _CHECKED_OUT
T = TypeVar("T", "ModelConfig", "TrainConfig")


@dataclass(frozen=True)
class ModelConfig:
    """One U-Net. Saved as `config.json` beside the weights that it describes.

    `luma_mean` and `luma_std` normalize the luma for the encoder: ImageNet's, unless the encoder's
    own pretraining used different ones (EfficientNet-lite: 0.5 and 0.5).
    """

    stage: Stage
    encoder: str = "efficientnet-b3"
    decoder_channels: tuple[int, ...] | None = None  # one for each of the decoder's blocks; None: DECODER_WIDTHS
    luma_mean: float = LUMA_MEAN
    luma_std: float = LUMA_STD

    def __post_init__(self):
        # A downloaded config.json may hold anything, so types are checked as well as ranges.
        if not isinstance(self.stage, str) or self.stage not in INPUT_CHANNELS:
            raise RestorationError(f"stage is {self.stage!r}: use 'inpaint' or 'color'.")
        if not isinstance(self.encoder, str) or not re.fullmatch(ENCODER, self.encoder):
            raise RestorationError(f"encoder is {str(self.encoder)[:80]!r}: use one from segmentation-models-pytorch.")
        blocks = DECODER_BLOCKS[self.stage]
        widths = DECODER_WIDTHS[:blocks] if self.decoder_channels is None else self.decoder_channels
        widths = widths if isinstance(widths, (list, tuple)) else ()
        if len(widths) != blocks or not all(isinstance(w, int) and 1 <= w <= MAX_CHANNELS for w in widths):
            raise RestorationError(
                f"decoder_channels is {self.decoder_channels!r}: give {blocks} widths from 1 to {MAX_CHANNELS}."
            )
        object.__setattr__(self, "decoder_channels", tuple(widths))
        for name, positive in (("luma_mean", False), ("luma_std", True)):
            value = getattr(self, name)
            if not isinstance(value, (int, float)) or not abs(value) <= MAX_NORM or (positive and value <= 0):
                raise RestorationError(f"{name} is {value!r}: give a number{' above 0' if positive else ''}.")


ON_GPU = {"size": 256, "validation_size": 256, "epochs": 40}
ON_CPU = {"size": 128, "validation_size": 128, "epochs": 4, "batch_size": 8}
GPU_BATCH = 8, 128  # the smallest and the largest default: below, a GPU waits for its driver; above, steps get few
CHOSEN = (*ON_CPU, "precision", "workers", "cache_gib")  # settings chosen for the machine where they are None

Range = tuple[float, float]  # of a number, both ends included
TINY = 1e-12  # the least of what must be above 0
COUNT: Range = (1, math.inf)
SIDE: Range = (32, math.inf)  # pixels
SHARE: Range = (0, 1)
AMOUNT: Range = (0, math.inf)
POSITIVE: Range = (TINY, math.inf)


def _bounds(least: float, most: float) -> str:
    low = "above 0" if least == TINY else f"at least {least}"
    high = "below 1" if most == 1 - TINY else f"at most {most}"
    return low if most == math.inf else f"{low} and {high}"


def _setting(default: object, meaning: str, within: Range | None = None, group: str | None = None):
    """A field of TrainConfig, with its sentence in `train.py --help`; `group` begins a new group there."""
    return dataclasses.field(default=default, metadata={"help": meaning, "within": within, "group": group})


@dataclass(frozen=True)
class TrainConfig:
    """A training run. Sizes in pixels, shares in [0, 1]; fields of CHOSEN that are None are chosen for the machine.

    Which pieces one process trains, where it writes and what it pushes are not settings of the run but separate
    options of `train.py`.
    """

    data: str = _setting("data", "folder of photos or tar shards, the contest's folder, or 'bundled'", group="photos")
    exclude: str | None = _setting(None, "text file of photo names to leave out, one per line")
    emphasis: str | None = _setting(None, "a word: photos whose folder or name contains it are drawn twice as often")
    folds: int = _setting(5, "models per stage, for cross-validation; with 1, a small share is held out", (1, 1000))
    seed: int = _setting(0, "seed of everything random", (0, 2**32 - 1))  # what scikit-learn takes
    min_scale: float = _setting(0.5, "smallest side of a crop, as a share of the photo's shorter side", SHARE)
    workers: int | None = _setting(None, "processes that prepare batches (default: 1 on a CPU, cores on a GPU)", AMOUNT)
    cache_gib: float | None = _setting(None, "GiB of memory for photos (default: half of the machine's)", AMOUNT)

    encoder: str = _setting("efficientnet-b3", "encoder's name in segmentation-models-pytorch", group="network")
    decoder_channels: tuple[int, ...] = _setting(DECODER_WIDTHS, "widths, coarse to fine; the Colorizer takes three")
    luma_mean: float = _setting(LUMA_MEAN, "mean of the luma that the encoder was trained on")
    luma_std: float = _setting(LUMA_STD, "standard deviation of that luma")
    encoder_weights: str = _setting("imagenet", "imagenet, none, or a safetensors file with names of timm or smp")
    init: str | None = _setting(None, "folder or hub repository with inpaint/ and color/ to start from")
    freeze_stem: bool = _setting(False, "keep the encoder's first layers, down to a quarter of the size, as they are")
    freeze_norm: bool = _setting(False, "keep batch norm's statistics and the prior of colors, for fine-tuning")

    minutes: float | None = _setting(None, "minutes to train in all, instead of epochs", POSITIVE, group="length")
    epochs: int | None = _setting(None, "epochs per piece; with --minutes, equal shares of the time", COUNT)
    epoch_photos: int | None = _setting(None, "photos per epoch (default: each once)", COUNT)
    batch_size: int | None = _setting(None, "photos per step, of all processes together", COUNT)
    size: int | None = _setting(None, "side of the square training crop, in pixels", SIDE)
    precision: str | None = _setting(None, "bf16, float32 or float64 (default: bf16 on a GPU, what is faster on a CPU)")
    save_every_minutes: float = _setting(5.0, "how often the state is saved within an epoch", AMOUNT)

    learning_rate: float = _setting(1e-3, "peak learning rate", POSITIVE, group="optimization")
    warmup: float = _setting(0.02, "share of the training over which the learning rate rises", SHARE)
    weight_decay: float = _setting(0.01, "AdamW's weight decay", AMOUNT)
    gradient_clip: float = _setting(1.0, "largest norm of the gradient", POSITIVE)
    ema_decay: float = _setting(0.998, "decay per step of the averaged weights, the ones that are saved", (0, 1 - TINY))

    max_area: float = _setting(0.2, "largest share of a crop that holes cover", SHARE, group="damage and hints")
    max_holes: int = _setting(2, "largest number of holes per crop", COUNT)
    hint_dropout: float = _setting(0.25, "share of samples whose damage must be found without a mask", SHARE)
    wear: float = _setting(0.2, "share of samples with an old print's wear instead of holes", SHARE)
    wear_shapes: str | None = _setting(None, "folder or tar of real damage to draw as well (PNGs named crack-*, ...)")
    color_hints: float = _setting(0.3, "share of samples with color hints", SHARE)
    old_gray: float = _setting(0.5, "share of the Colorizer's samples that are as gray as prints of old films", SHARE)
    filled_share: float = _setting(0.2, "share of the Colorizer's samples with a filled hole", SHARE)

    hole_weight: float = _setting(6.0, "weight of the error in the hole", AMOUNT, group="losses of the Inpainter")
    known_weight: float = _setting(1.0, "weight of the error outside the hole", AMOUNT)
    log_error_weight: float = _setting(0.0, "weight of the log of the hole's mean square error, as in PSNR", AMOUNT)
    ssim_weight: float = _setting(0.2, "weight of 1 - SSIM in the hole", AMOUNT)
    damage_weight: float = _setting(0.05, "weight of the damage map's cross-entropy", AMOUNT)
    overlap_weight: float = _setting(0.0, "weight of 1 - the Dice coefficient of the damage map", AMOUNT)
    false_alarm_weight: float = _setting(1.0, "weight of an undamaged photo in which marks are found", AMOUNT)

    chroma_weight: float = _setting(1.0, "weight of the chroma error", AMOUNT, group="losses of the Colorizer")

    inpaint_gan_weight: float = _setting(0.02, "weight of the Inpainter's GAN loss (0: off)", AMOUNT, group="GAN")
    color_gan_weight: float = _setting(0.005, "weight of the Colorizer's GAN loss (0: off)", AMOUNT)
    inpaint_feature_weight: float = _setting(0.0, "weight of the feature matching loss, Inpainter", AMOUNT)
    discriminator: str = _setting("patch", "patch, or projected: judges the Inpainter by a trained encoder's features")
    gan_start: float = _setting(0.3, "share of the training after which the GAN begins", SHARE)
    discriminator_channels: int = _setting(32, "width of the discriminator", COUNT)
    discriminator_learning_rate: float = _setting(4e-4, "peak learning rate of the discriminator", POSITIVE)

    validation_photos: int = _setting(64, "largest number of held-out photos to validate on", COUNT, group="validation")
    validation_size: int | None = _setting(None, "side of the validation photos, in pixels", SIDE)

    def __post_init__(self):
        object.__setattr__(self, "decoder_channels", tuple(self.decoder_channels))
        if empty := [field.name for field in dataclasses.fields(self) if getattr(self, field.name) == ""]:
            raise RestorationError(f"{empty[0]} is empty: give a name or omit it.")  # "" is no path
        self.model_config("inpaint")  # refuses a bad architecture before any photo is read
        choices = {"precision": (None, "bf16", "float32", "float64"), "discriminator": ("patch", "projected")}
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise RestorationError(f"{name} is {getattr(self, name)!r}: use {' or '.join(filter(None, allowed))}.")
        if self.discriminator == "projected" and self.encoder_weights == "none":
            raise RestorationError("discriminator is 'projected', which needs a trained encoder: give encoder_weights.")
        if self.minutes is not None and self.epoch_photos is not None:
            raise RestorationError(f"epoch_photos is {self.epoch_photos}: omit it, minutes sets the length.")
        for field in dataclasses.fields(self):
            value, within = getattr(self, field.name), field.metadata["within"]
            if within and value is not None and not within[0] <= value <= within[1]:  # NaN lies nowhere
                raise RestorationError(f"{field.name} is {value}: it must be {_bounds(*within)}.")

    def resolved(self, precision: str = "float32", gpu_gib: float | None = None) -> "TrainConfig":
        """The same run with its open choices made for a machine: a GPU with `gpu_gib` of memory, or a CPU.

        `precision` is the faster one there. Workers and cache, which do not affect results, stay open, so that another
        machine can continue.
        """
        defaults = ON_CPU | {"precision": precision}
        if gpu_gib is not None:  # the power of two that fits the default sizes into its memory, two photos per GiB
            least, most = GPU_BATCH
            batch = min(most, max(least, 2 ** int(math.log2(max(1.0, 2.1 * gpu_gib)))))
            defaults |= ON_GPU | {"batch_size": batch}
        open_fields = {name: value for name, value in defaults.items() if getattr(self, name) is None}
        return dataclasses.replace(self, **open_fields)

    def steps(self, photos: int) -> int:
        """Steps of a piece: whole epochs; the last batch of each epoch is filled up from the next."""
        return self.epochs * -(-(self.epoch_photos or photos) // self.batch_size)

    def model_config(self, stage: Stage) -> ModelConfig:
        """The architecture, which is saved beside the weights."""
        widths = self.decoder_channels[: DECODER_BLOCKS[stage]]
        return ModelConfig(stage, self.encoder, widths, self.luma_mean, self.luma_std)


def save_config(config: ModelConfig | TrainConfig, file: Path) -> None:
    """Write a config as JSON, one field a line; whole or not at all."""
    with replacing(file) as part:
        part.write_text(json.dumps(dataclasses.asdict(config), indent=2) + "\n")


def load_config(kind: type[T], file: Path) -> T:
    """Read a config of the given kind; an unknown, missing or invalid field is a RestorationError that names it."""
    try:
        if file.stat().st_size > MAX_BYTES:
            raise TypeError(f"it has more than {MAX_BYTES} bytes")
        return kind(**json.loads(file.read_text()))
    except (ValueError, TypeError, RecursionError) as error:
        reason = str(error).rpartition("() ")[2].rstrip(".")
        raise RestorationError(f"{file} is not a valid {kind.__name__} of this version: {reason}.") from error
