"""The networks as used: any size, the hint's meaning, and ImageNet weights that arrive unchanged."""

import pytest
import torch

from restoration.chroma_bins import BINS
from restoration.config import DECODER_BLOCKS, MODEL_CONFIG, MODEL_WEIGHTS, SHIPPED_WEIGHTS, ModelConfig, load_config
from restoration.errors import RestorationError
from restoration.inference.graphs import read_table
from restoration.models import Colorizer, Inpainter, imagenet_tensors, load_encoder
from restoration.prefill import prefill
from restoration.training.losses import mean_chroma

ENCODER = "timm-mobilenetv3_small_minimal_100"


def config(stage: str, **fields) -> ModelConfig:
    widths = (16, 16, 8, 8, 8)[: DECODER_BLOCKS[stage]]
    return ModelConfig(stage, encoder=ENCODER, decoder_channels=widths, **fields)


def randomised(model: torch.nn.Module) -> torch.nn.Module:
    """Weights under which every input shows in the output: a fresh head is zero."""
    torch.manual_seed(0)
    for parameter in model.unet.segmentation_head.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return model.eval()


@pytest.mark.parametrize("height, width", [(16, 16), (32, 64), (17, 45), (100, 33), (1, 40)])
@torch.no_grad()
def test_any_size(height, width):
    luma = torch.rand(2, 1, height, width)
    filled = randomised(Inpainter(config("inpaint")))(luma)
    assert filled.luma.shape == filled.damage.shape == luma.shape
    logits = randomised(Colorizer(config("color")))(luma)
    assert logits.shape == (2, len(BINS), -(-height // 4), -(-width // 4)) and logits.isfinite().all()


@torch.no_grad()
def test_a_fresh_inpainter_gives_the_prefill_and_a_fresh_colorizer_gives_gray():
    luma, mask = torch.rand(1, 1, 64, 64), torch.zeros(1, 1, 64, 64)
    mask[..., 20:40, 20:40] = 1
    assert torch.equal(Inpainter(config("inpaint")).eval()(luma, mask).luma, prefill(luma, mask))
    fresh = Colorizer(config("color")).eval()
    assert mean_chroma(fresh(luma), fresh.prior, (64, 64)).abs().max() < 1e-6


@torch.no_grad()
def test_what_lies_under_a_hint_is_not_read():
    model, mask = randomised(Inpainter(config("inpaint"))), torch.zeros(1, 1, 64, 64)
    mask[..., 20:40, 20:40] = 1
    luma = torch.rand(1, 1, 64, 64)
    one, other = model(luma, mask).luma, model(torch.where(mask > 0, 0.9, luma), mask).luma
    assert torch.equal(one, other)
    assert not torch.equal(one, model(luma).luma)


@torch.no_grad()
def test_no_hint_is_a_hint_of_zeros_and_a_color_hint_changes_its_surroundings():
    inpainter, colorizer = randomised(Inpainter(config("inpaint"))), randomised(Colorizer(config("color")))
    luma, none = torch.rand(1, 1, 64, 64), torch.zeros(1, 1, 64, 64)
    assert torch.equal(inpainter(luma).luma, inpainter(luma, none).luma)
    chroma, dab = torch.full((1, 2, 64, 64), 0.3), none.clone()
    assert torch.equal(colorizer(luma), colorizer(luma, chroma, none))
    dab[..., 30:34, 30:34] = 1
    assert not torch.equal(colorizer(luma), colorizer(luma, chroma, dab))


def test_imagenet_weights_read_gray_as_they_read_equal_channels():
    """The stem of a converted encoder answers to gray what the original answers to R = G = B."""
    timm = pytest.importorskip("timm")
    original = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    model = Inpainter(ModelConfig("inpaint", encoder="tu-tf_efficientnet_lite0", luma_mean=0.5, luma_std=0.5))
    load_encoder(model.unet.encoder, original.state_dict())
    gray = torch.randn(1, 1, 64, 64)
    hint = torch.randn(1, 1, 64, 64)
    stem = model.unet.encoder.model.conv_stem(torch.cat([gray, hint], dim=1))
    assert torch.allclose(stem, original.conv_stem(gray.expand(-1, 3, -1, -1)), atol=1e-5)
    block, same = model.unet.encoder.model.blocks[2], original.blocks[2]
    assert all(torch.equal(a, b) for a, b in zip(block.parameters(), same.parameters(), strict=True))


def test_encoder_weights_of_another_encoder_are_refused():
    with pytest.raises(RestorationError):
        load_encoder(Inpainter(config("inpaint")).unet.encoder, {"conv_stem.weight": torch.zeros(8, 3, 3, 3)})


@pytest.mark.parametrize("encoder", ["efficientnet-b3", "tu-tf_efficientnet_lite2"])
def test_imagenet_weights_that_cannot_be_fetched_are_one_sentence(encoder, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(RestorationError, match="--encoder-weights FILE"):
        imagenet_tensors(encoder)


@pytest.mark.parametrize(
    "fields",
    [
        {"stage": "sing"},
        {"stage": "inpaint", "decoder_channels": (1, 2, 3)},
        {"stage": "color", "decoder_channels": (16, 16, 16, 16, 16)},
        {"stage": "color", "decoder_channels": (16, 16, 10**9)},
        {"stage": "color", "decoder_channels": (16, 16, "8")},
        {"stage": "color", "decoder_channels": 16},
        {"stage": "color", "luma_std": 0.0},
        {"stage": "color", "luma_mean": "bright"},
        {"stage": "color", "luma_mean": float("nan")},
        {"stage": "color", "encoder": 5},
        {"stage": ["color"]},
    ],
)
def test_a_bad_architecture_is_refused(fields):
    with pytest.raises(ValueError, match=r"\.$"):
        ModelConfig(**fields)


def test_an_unknown_encoder_is_refused_and_named():
    with pytest.raises(ValueError, match="no-such-net"):
        Inpainter(ModelConfig("inpaint", encoder="no-such-net"))


def test_a_config_of_the_other_stage_is_refused():
    with pytest.raises(ValueError, match="inpaint"):
        Inpainter(config("color"))


def test_the_default_is_efficientnet_b3():
    assert ModelConfig("inpaint").encoder == ModelConfig("color").encoder == "efficientnet-b3"


@pytest.mark.parametrize("network", [Inpainter, Colorizer])
def test_the_shipped_weights_have_the_shapes_of_the_networks(network):
    folder = SHIPPED_WEIGHTS / network.stage
    table, _ = read_table(folder / MODEL_WEIGHTS)
    with torch.device("meta"):
        model = network(load_config(ModelConfig, folder / MODEL_CONFIG))
    shapes = {name: list(tensor.shape) for name, tensor in model.state_dict().items()}
    assert {name: entry["shape"] for name, entry in table.items()} == shapes


def test_features_are_those_of_the_decoders_second_block():
    """A vector for each 8 px, of sides filled up to multiples of 32."""
    model, seen = randomised(Inpainter(config("inpaint"))), []
    model.unet.decoder.blocks[1].register_forward_hook(lambda block, given, out: seen.append(out))
    luma = torch.rand(1, 1, 33, 70, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        features = model.features(luma, torch.zeros_like(luma))
        model.run(luma, torch.zeros_like(luma))
    assert features.shape == (1, 16, 8, 12) and len(seen) == 2 and torch.equal(features, seen[1])
