"""The projected discriminator: it judges what a frozen encoder sees, and needs that encoder's file only once."""

import pytest
import segmentation_models_pytorch as smp
import torch
import torch.nn.functional as F
from conftest import is_one_sentence
from safetensors.torch import save_file
from small_run import SMALL, config

from restoration.checkpoint import load_state
from restoration.data.batches import TrainingBatches
from restoration.data.photos import Photos
from restoration.training import initialization
from restoration.training.discriminators import PatchDiscriminator
from restoration.training.distributed import World
from restoration.training.runs import STATE
from restoration.training.trainer import Trainer


@pytest.fixture
def settings(scenes, tmp_path):
    """A run whose discriminator sees with an encoder from a file; the weights are random, as its features are then."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        encoder = smp.encoders.get_encoder(SMALL["encoder"], weights=None)
    save_file(encoder.state_dict(), tmp_path / "encoder.safetensors")
    return config(
        scenes, discriminator="projected", encoder_weights=str(tmp_path / "encoder.safetensors"), gan_start=0.0,
        inpaint_feature_weight=0.5, discriminator_learning_rate=4e-3,
    )  # fmt: skip


@pytest.mark.slow
def test_its_heads_learn_its_encoder_does_not_and_the_generator_hears_of_both(settings):
    piece = Trainer(settings, "inpaint", 60, World())
    before = {name: tensor.clone() for name, tensor in piece.discriminator.encoder.state_dict().items()}
    batch = TrainingBatches(Photos.find(settings.data), settings, "inpaint", 0)[0]
    piece.train_step(batch)
    first = piece.mean_losses()
    for _ in range(20):
        piece.train_step(batch)
    assert piece.mean_losses()["loss_d"] < first["loss_d"] and first["features"] > 0
    after = piece.discriminator.encoder.state_dict()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items()), "batch norm's statistics too"
    for term in ("loss_g", "features"):
        loss = piece.adversarial_losses(piece.discriminator_losses(piece.forward(batch, piece.model))[1])[term].total
        assert any(bool(g.any()) for g in torch.autograd.grad(loss, piece.model.parameters()))
    assert not any(p.requires_grad for p in piece.discriminator.encoder.parameters())


def test_a_run_goes_on_without_the_encoders_file_to_the_bit(settings, tmp_path):
    batches = TrainingBatches(Photos.find(settings.data), settings, "inpaint", 0)
    whole = Trainer(settings, "inpaint", 6, World())
    whole.train_step(batches[0])
    whole.save(tmp_path / STATE)
    (tmp_path / "encoder.safetensors").unlink()
    again = Trainer(settings, "inpaint", 6, World(), state=load_state(tmp_path / STATE))
    for piece in (whole, again):
        piece.train_step(batches[1])
    states = [piece.model.state_dict() | piece.discriminator.state_dict() for piece in (whole, again)]
    assert all(torch.equal(tensor, states[1][name]) for name, tensor in states[0].items())


def test_every_stride_counts_alike_and_a_stronger_blur_is_further_away(settings):
    judge = initialization.discriminator(settings, "inpaint", settings.model_config("inpaint")).eval()
    photo = torch.rand(1, 2, 128, 128)
    luma, mask = photo.chunk(2, dim=1)
    *seen, scores = judge.features(judge.encode(photo))
    assert [x.shape[-1] for x in seen] == [64, 32, 16, 8] and scores.shape == (1, 4, 16, 16)
    assert all(x.square().mean() == pytest.approx(1.0, abs=0.05) for x in seen)
    weaker, stronger = (torch.nn.functional.avg_pool2d(luma, k, 1, k // 2, count_include_pad=False) for k in (3, 7))
    far = [
        sum(float((a - b).abs().mean()) for a, b in zip(seen, judge.encode(blurred), strict=True))
        for blurred in (weaker, stronger)
    ]
    assert 0 < far[0] < far[1]
    assert torch.equal(scores, judge.features(judge.encode(torch.cat([luma, 1 - mask], dim=1)))[-1]), (
        "luma alone is judged"
    )


def test_an_untrained_encoder_is_refused(scenes):
    with pytest.raises(ValueError, match="encoder_weights") as error:
        config(scenes, discriminator="projected")
    assert is_one_sentence(error.value)


def test_a_missing_encoder_is_named_before_any_photo_is_read(scenes, weights):
    settings = config(scenes, discriminator="projected", encoder_weights="nowhere.safetensors", init=str(weights))
    with pytest.raises(ValueError, match="nowhere"):
        initialization.check(settings, ["inpaint"], ["inpaint"])


def test_the_patch_discriminator_is_that_of_its_paper():
    """Isola et al. (2017): 4 x 4 convolutions, three that halve, twice as wide each, two more, slopes of 0.2."""
    judge = PatchDiscriminator(2, width=4).eval()
    photo = torch.randn(1, 2, 64, 64)
    x, seen = photo, []
    weights = [layer for layer in judge.layers if isinstance(layer, torch.nn.Conv2d)]
    assert [tuple(layer.weight.shape) for layer in weights] == [
        (4, 2, 4, 4), (8, 4, 4, 4), (16, 8, 4, 4), (16, 16, 4, 4), (1, 16, 4, 4),
    ]  # fmt: skip
    for number, layer in enumerate(weights):
        x = F.conv2d(x, layer.weight, layer.bias, stride=2 if number < 3 else 1, padding=1)
        x = torch.where(x > 0, x, 0.2 * x) if number < 4 else x
        seen.append(x)
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(judge.features(judge.encode(photo)), seen, strict=True))
    assert x.shape == (1, 1, 6, 6)


def test_the_projected_discriminators_heads_are_two_convolutions(settings):
    judge = initialization.discriminator(settings, "inpaint", settings.model_config("inpaint")).eval()
    photo = torch.rand(1, 2, 64, 64)
    *seen, scores = judge.features(judge.encode(photo))
    luma = (photo[:, :1] - settings.luma_mean) / settings.luma_std
    for x, raw in zip(seen, judge.encoder(luma)[1:], strict=True):
        assert torch.allclose(x, raw / raw.norm(dim=1, keepdim=True).clamp_min(1e-3) * raw.shape[1] ** 0.5, atol=1e-4)
    for number, (x, (first, _, second)) in enumerate(zip(seen, judge.heads, strict=True)):
        hidden = F.conv2d(x, first.weight, first.bias)
        score = F.conv2d(torch.where(hidden > 0, hidden, 0.2 * hidden), second.weight, second.bias, padding=1)
        assert torch.allclose(scores[:, number : number + 1], F.adaptive_avg_pool2d(score, (8, 8)), atol=1e-5)
    assert judge.train().training and not judge.encoder.training
