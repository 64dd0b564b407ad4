"""The two networks: the Inpainter fills a damaged gray photo, the Colorizer predicts its chroma."""

from pathlib import Path
from typing import Literal, NamedTuple

import segmentation_models_pytorch as smp
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from restoration import checkpoint
from restoration.chroma_bins import BINS
from restoration.config import CHROMA_SCALE, DETECTOR, INPUT_CHANNELS, STRIDE, ModelConfig
from restoration.errors import RestorationError
from restoration.prefill import prefill

HEAD_WIDTH = 128  # channels between the Colorizer's last features and its bins
# What smp and timm raise for names that they do not know or cannot build an encoder from.
NOT_BUILT = (KeyError, RuntimeError, ValueError, TypeError, AttributeError, AssertionError, IndexError)


class Filled(NamedTuple):
    """What the Inpainter returns."""

    luma: Tensor  # (B, 1, H, W), about [0, 1], not clipped; the pipeline copies known pixels over it
    damage: Tensor  # (B, 1, H, W), logits: above 0 the network believes the pixel damaged


class _Network(nn.Module):
    """A U-Net that takes any size and can be saved and loaded."""

    stage: str

    def __init__(self, config: ModelConfig | None = None):
        super().__init__()
        self.config = config or ModelConfig(self.stage)
        if self.config.stage != self.stage:
            raise RestorationError(f"{type(self).__name__} takes stage {self.stage!r}, not {self.config.stage!r}.")
        widths = self.config.decoder_channels
        try:
            self.unet = smp.Unet(
                self.config.encoder,
                encoder_weights=None,  # ImageNet weights are a step of training, not of every load
                in_channels=INPUT_CHANNELS[self.stage],
                classes=2,
                decoder_channels=(*widths, *[1] * (5 - len(widths))),  # all five, as it insists
            )
        except NOT_BUILT as error:
            raise RestorationError(f"segmentation-models-pytorch has no encoder {self.config.encoder!r}.") from error
        self.unet.decoder.blocks = self.unet.decoder.blocks[: len(widths)]
        self.stride = 2 ** (5 - len(widths))  # px of the input for each of the output
        nn.init.zeros_(self.unet.segmentation_head[0].weight)  # a fresh network adds nothing
        nn.init.zeros_(self.unet.segmentation_head[0].bias)

    def run(self, luma: Tensor, hints: Tensor) -> Tensor:
        """The U-Net alone: luma (B, 1, H, W) in [0, 1] and hints (B, C, H, W) -> its output (B, K, H, W), or one value
        per `stride` px of each side, rounded up."""
        height, width = (-(-side // self.stride) for side in luma.shape[-2:])
        out = self.unet(self._padded(luma, hints))
        return out[..., :height, :width].to(luma.dtype)  # autocast may have narrowed it

    def features(self, luma: Tensor, hints: Tensor) -> Tensor:
        """The same up to the decoder's second block: (B, C, H / 8, W / 8), H and W padded to multiples of STRIDE."""
        *_, eighth, sixteenth, deepest = self.unet.encoder(self._padded(luma, hints))
        first, second = self.unet.decoder.blocks[:2]
        x = first(self.unet.decoder.center(deepest), *sixteenth.shape[-2:], sixteenth)
        return second(x, *eighth.shape[-2:], eighth)

    def _padded(self, luma: Tensor, hints: Tensor) -> Tensor:
        height, width = luma.shape[-2:]
        x = torch.cat([(luma - self.config.luma_mean) / self.config.luma_std, hints], dim=1)
        return F.pad(x, (0, -width % STRIDE, 0, -height % STRIDE), mode="replicate")

    @classmethod
    def from_pretrained(cls, source: str | Path, subfolder: str = ""):
        """Load a model in evaluation mode from a folder or hub repository, or a subfolder of either.

        Raises:
            RestorationError: nothing is found there, or its tensors are not exactly those of its config.
        """
        folder = checkpoint.find_model(source, subfolder)
        config, tensors = checkpoint.load_model(folder)
        try:
            with torch.device("meta"):  # memory is allocated only for the file's tensors, whatever the config asks for
                model = cls(config)
        except RestorationError as error:
            raise RestorationError(f"{folder}: {error}") from error
        weights = f"the weights in {folder}"
        checkpoint.load_strictly(model, tensors, weights, assign=True)
        if any(tensor.is_meta for tensor in (*model.parameters(), *model.buffers())):  # what no file holds
            model = cls(config)
            checkpoint.load_strictly(model, tensors, weights)
        return model.eval()

    def save_pretrained(self, folder: str | Path) -> None:
        """Write the model in hub layout: `config.json` and float16 `model.safetensors`."""
        checkpoint.save_model(self.config, self.state_dict(), Path(folder))


class Inpainter(_Network):
    """Luma and an optional mask hint -> filled luma and a damage map."""

    stage = "inpaint"

    def forward(self, luma: Tensor, hint: Tensor | None = None) -> Filled:
        """Fill a damaged photo.

        Args:
            luma: (B, 1, H, W) in [0, 1], any H and W.
            hint: (B, 1, H, W), 1 = known to be damaged; a sample of zeros, or None, means "find it".
        """
        hint = torch.zeros_like(luma) if hint is None else hint
        start = prefill(luma, hint)
        out = self.run(start, hint)
        return Filled(start + out[:, :1], out[:, 1:])


class Colorizer(_Network):
    """Luma and optional color hints -> how likely each color is."""

    stage = "color"

    def __init__(self, config: ModelConfig | None = None):
        super().__init__(config)
        last = nn.Conv2d(HEAD_WIDTH, len(BINS), 1)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        features = nn.Conv2d(self.config.decoder_channels[-1], HEAD_WIDTH, 3, padding=1, bias=False)
        self.unet.segmentation_head = nn.Sequential(features, nn.BatchNorm2d(HEAD_WIDTH), nn.ReLU(), last)
        self.register_buffer("prior", torch.full((len(BINS),), 1 / len(BINS)))  # how often photos have each color

    def forward(self, luma: Tensor, hint_chroma: Tensor | None = None, hint_mask: Tensor | None = None) -> Tensor:
        """Logits of the colors `chroma_bins.BINS`, (B, N, H / 4, W / 4): one per square of 4 px, rounded up.

        Args:
            luma: (B, 1, H, W) in [0, 1], any H and W.
            hint_chroma: (B, 2, H, W), read where `hint_mask` is 1.
            hint_mask: (B, 1, H, W); both hints are None if there are no hints.
        """
        if hint_chroma is None or hint_mask is None:
            hint_chroma, hint_mask = torch.zeros_like(luma).expand(-1, 2, -1, -1), torch.zeros_like(luma)
        return self.run(luma, torch.cat([hint_chroma * hint_mask * CHROMA_SCALE, hint_mask], dim=1))


MODELS: dict[str, type[_Network]] = {"inpaint": Inpainter, "color": Colorizer}


def load_networks(
    source: str | Path, folds: int | Literal["all"] | None = None
) -> tuple[Inpainter | tuple[Inpainter, ...], Colorizer | tuple[Colorizer, ...], Inpainter | None]:
    """Inpainter and Colorizer of a folder or hub repository: the best, those of one fold, or those of all folds; and,
    beside the best, the separate Inpainter that finds damage, if there is one.

    Raises:
        RestorationError: one of them is not there, or does not fit its config.
    """
    if folds == "all":
        roots = checkpoint.find_folds(source)
        inpainters, colorizers, _ = zip(*map(load_networks, roots), strict=True)
        return inpainters, colorizers, None
    place = "" if folds is None else f"folds/{folds}/"
    inpaint, color = (network.from_pretrained(source, f"{place}{stage}") for stage, network in MODELS.items())
    has_detector = folds is None and checkpoint.has_model(source, DETECTOR)
    return inpaint, color, Inpainter.from_pretrained(source, DETECTOR) if has_detector else None


def imagenet_tensors(encoder: str) -> dict[str, Tensor]:
    """An encoder's ImageNet weights, from the hub through segmentation-models-pytorch.

    Raises:
        RestorationError: the hub is unreachable and there is no local copy.
    """
    pretrained = True if encoder.startswith("tu-") else "imagenet"  # smp has two spellings
    try:
        return smp.encoders.get_encoder(encoder, weights=pretrained).state_dict()
    except OSError as error:
        ways = "pass --encoder-weights FILE, --encoder-weights none, or --init PATH_OR_REPO"
        raise RestorationError(f"ImageNet weights of {encoder} cannot be fetched: {ways}.") from error


def load_encoder(encoder: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Start an encoder from ImageNet weights, under timm's names or smp's.

    The first convolution was trained on RGB: it is summed over its input channels to read luma, and the hint
    channels start at zero.

    Raises:
        RestorationError: a tensor of the encoder is missing or has another shape.
    """
    own = encoder.state_dict()
    wrapped = next(iter(own)).startswith("model.")  # smp keeps timm's encoders in `.model`
    found = {name if name in own or not wrapped else f"model.{name}": t for name, t in tensors.items()}
    stem = next(name for name, t in own.items() if t.ndim == 4)
    if stem in found:
        light = found[stem].sum(dim=1, keepdim=True)
        found[stem] = torch.cat([light, torch.zeros_like(light).expand(-1, own[stem].shape[1] - 1, -1, -1)], dim=1)
    checkpoint.load_strictly(encoder, {name: found[name] for name in own if name in found}, "the encoder weights")
