"""What a piece starts from: --init, or an encoder's weights, also for the projected discriminator."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path

import torch
from huggingface_hub import constants, get_session
from huggingface_hub.errors import HTTPError
from torch import nn

from restoration.checkpoint import load_tensors
from restoration.config import INPUT_CHANNELS, ModelConfig, Stage, TrainConfig
from restoration.errors import RestorationError
from restoration.models import MODELS, NOT_BUILT, STRIDE, imagenet_tensors, load_encoder
from restoration.synthesis.shapes import load_shapes
from restoration.training import discriminators
from restoration.training.discriminators import ProjectedDiscriminator

PATIENCE = 3.0  # seconds for the hub to answer; after that, only earlier downloads are used
ARCHITECTURE = ("encoder", "decoder_channels", "luma_mean", "luma_std")


def check(config: TrainConfig, stages: Iterable[Stage], fresh: Iterable[Stage]) -> None:
    """Load once what pieces of these stages need, so that what is missing shows before any photo is read.

    `fresh` are the stages of pieces without a saved state, which start from weights.
    """
    if config.wear_shapes and "inpaint" in stages:
        load_shapes(config.wear_shapes)
    for stage in sorted(fresh):
        model = network(config, stage).eval()
        try:
            with torch.inference_mode():
                model.unet(torch.zeros(1, INPUT_CHANNELS[stage], 64, 96))
        except NOT_BUILT as error:
            raise RestorationError(f"encoder {model.config.encoder!r} takes one size only; choose another.") from error
        discriminator(config, stage, model.config)


def network(config: TrainConfig, stage: Stage) -> nn.Module:
    """A stage's network before its first step."""
    if config.init:
        return _further(config, stage)
    model = MODELS[stage](config.model_config(stage))
    _load_encoder(model.unet.encoder, config, model.config)
    return model


def discriminator(config: TrainConfig, stage: Stage, generator: ModelConfig) -> nn.Module:
    """A stage's discriminator before its first step; a projected one has ImageNet weights."""
    judge = discriminators.discriminator(config, stage, generator)
    if isinstance(judge, ProjectedDiscriminator):
        _load_encoder(judge.encoder, config, generator)
    return judge


def _load_encoder(encoder: nn.Module, config: TrainConfig, model: ModelConfig) -> None:
    if config.encoder_weights == "imagenet":
        with _hub_or_cache():
            load_encoder(encoder, imagenet_tensors(model.encoder))
    elif config.encoder_weights != "none":
        load_encoder(encoder, load_tensors(Path(config.encoder_weights)))


def _further(config: TrainConfig, stage: Stage) -> nn.Module:
    """The network of --init, whose architecture counts: the settings must agree with it or be left at defaults."""
    with nullcontext() if Path(config.init).is_dir() else _hub_or_cache():
        model = MODELS[stage].from_pretrained(config.init, stage)
    asked, usual = config.model_config(stage), ModelConfig(stage)
    for name in ARCHITECTURE:
        value, theirs = getattr(asked, name), getattr(model.config, name)
        if value not in (theirs, getattr(usual, name)):
            raise RestorationError(f"{name} is {value}, but --init {config.init} has {theirs}: omit it.")
    return model


@torch.inference_mode()
def stem(encoder: nn.Module, channels: int) -> list[nn.Module]:
    """The layers of an encoder that run before its features are at 1/8 of the size of a photo of so many channels."""
    layers, running, side = [], True, 2 * STRIDE

    def note(layer: nn.Module, _, features: torch.Tensor) -> None:
        nonlocal running
        running &= not 1 < features.shape[-1] <= side // 8  # 1: squeeze-and-excitation inside a block
        if running:
            layers.append(layer)

    with ExitStack() as hooks:
        for layer in (layer for layer in encoder.modules() if [*layer.parameters(recurse=False)]):
            hooks.callback(layer.register_forward_hook(note).remove)
        was = encoder.training
        encoder.eval()(torch.zeros(1, channels, side, side).to(next(encoder.parameters())))
        encoder.train(was)
    return layers


@contextmanager
def _hub_or_cache() -> Iterator[None]:
    """Use the hub if it answers at all, otherwise only earlier downloads."""
    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = before or not _hub_answers()
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def _hub_answers() -> bool:
    """Whether the hub is reachable: huggingface_hub itself would try for minutes."""
    try:
        get_session().head(constants.ENDPOINT, timeout=PATIENCE)
    except (HTTPError, OSError):
        return False
    return True
