"""What a batch asks of a network and of its judge, with networks that are known."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from restoration.chroma_bins import BINS
from restoration.color import luma, with_chroma
from restoration.config import TrainConfig
from restoration.data.photos import Picture
from restoration.evaluation import evaluate_pair
from restoration.training import losses, objectives, validation
from restoration.training.discriminators import PatchDiscriminator
from restoration.training.objectives import Encoded

torch.manual_seed(0)
LUMA, FILLED, LOGITS = torch.rand(2, 1, 32, 32), torch.rand(2, 1, 32, 32), torch.randn(2, 1, 32, 32)
MASK = torch.zeros(2, 1, 32, 32)
MASK[:, :, 8:20, 4:28] = 1
BATCH = {"luma": LUMA, "mask": MASK, "damaged": LUMA * (1 - MASK), "hint": torch.zeros_like(MASK)}


def value(mean: losses.WeightedSum) -> float:
    return float(mean.total / mean.count)


def test_an_inpainter_is_judged_by_its_fill_in_the_hole_and_the_truth_around_it():
    model = lambda damaged, hint: SimpleNamespace(luma=FILLED, damage=LOGITS)  # noqa: E731
    forward = objectives.inpaint_forward(model, BATCH, TrainConfig(overlap_weight=0.0))
    composite = torch.where(MASK > 0, FILLED, LUMA)
    assert torch.allclose(forward.fake[:, :1], composite) and torch.equal(forward.real[:, :1], LUMA)
    assert torch.equal(forward.fake[:, 1:], MASK) and torch.equal(forward.real[:, 1:], MASK)
    assert torch.equal(forward.where, MASK) and "overlap" not in forward.terms
    smooth = lambda one, other: ((one - other) ** 2 + 1e-6).sqrt() - 1e-3  # noqa: E731
    assert value(forward.terms["hole"]) == pytest.approx(float(smooth(FILLED, LUMA)[MASK > 0].mean()), rel=1e-4)
    assert value(forward.terms["known"]) == pytest.approx(float(smooth(FILLED, LUMA)[MASK == 0].mean()), rel=1e-4)
    similar = losses.biased_ssim_map(composite, LUMA)[MASK > 0].mean()
    assert value(forward.terms["ssim"]) == pytest.approx(1 - float(similar), rel=1e-4)
    with_overlap = objectives.inpaint_forward(model, BATCH, TrainConfig(overlap_weight=0.1))
    assert "overlap" in with_overlap.terms


class Colors(nn.Module):
    """A Colorizer of one belief, which keeps what it is asked."""

    def __init__(self):
        super().__init__()
        self.register_buffer("prior", torch.full((len(BINS),), 1 / len(BINS)))
        self.seen = []

    def forward(self, *seen):
        self.seen.append(seen)
        return torch.zeros(2, len(BINS), 8, 8).index_fill_(1, torch.tensor([7]), 50.0)


def test_a_colorizer_sees_a_smooth_fill_and_learns_how_common_colors_are():
    chroma, zeros = torch.full((2, 2, 32, 32), 0.1), torch.zeros_like(MASK)
    batch = {"luma": LUMA, "mask": MASK, "chroma": chroma, "hint_chroma": 0 * chroma, "hint_mask": zeros}
    model, before = Colors(), torch.full((len(BINS),), 1 / len(BINS))
    forward = objectives.color_forward(model, batch, TrainConfig())
    light = model.seen[0][0]
    assert torch.equal(light[MASK == 0], LUMA[MASK == 0]) and not torch.equal(light, LUMA)
    assert torch.allclose(forward.fake[:, 1:], 4 * torch.from_numpy(BINS)[7].view(1, 2, 1, 1), atol=1e-4)
    assert torch.allclose(forward.real[:, 1:], 4 * chroma) and torch.equal(forward.fake[:, :1], light)
    assert forward.where.shape == (2, 1, 32, 32) and bool((forward.where == 1).all())
    nodes, shares = losses.soft_bins(chroma)
    met = torch.zeros(len(BINS)).scatter_add_(0, nodes.flatten(), shares.flatten()) / shares.sum()
    assert torch.allclose(model.prior, 0.99 * before + 0.01 * met, atol=1e-6)
    for change in (lambda: model.eval(), lambda: model.train()):
        change()
        kept = model.prior.clone()
        objectives.color_forward(model, batch, TrainConfig(freeze_norm=model.training))
        assert torch.equal(model.prior, kept), "neither in validation nor where norms are frozen"


class Judge(nn.Module):
    """Scores are the mean of the photo, times a weight."""

    def __init__(self):
        super().__init__()
        self.weight, self.frozen = nn.Parameter(torch.tensor(2.0)), nn.Parameter(torch.tensor(1.0), requires_grad=False)

    def encode(self, photo):
        return [photo * self.frozen]

    def features(self, encoded):
        return [encoded[0], self.weight * torch.nn.functional.avg_pool2d(encoded[0], 8)]


def test_the_judge_is_not_taught_by_the_generators_loss_nor_the_generator_by_the_judges():
    judge, fake = Judge(), FILLED.clone().requires_grad_()
    pair = objectives.encode(judge, objectives.Forward({}, fake, LUMA, torch.ones_like(MASK)))
    assert isinstance(pair, Encoded) and not pair.real[0].requires_grad
    own = objectives.discriminator_loss(judge, pair)
    (own["d_real"].total + own["d_fake"].total).backward()
    assert fake.grad is None and judge.weight.grad.any()
    judge.weight.grad = None
    theirs = objectives.adversarial_loss(judge, pair, with_features=True)
    (theirs["loss_g"].total + theirs["features"].total).backward()
    assert judge.weight.grad is None and fake.grad.any()
    assert judge.weight.requires_grad and not judge.frozen.requires_grad
    assert value(theirs["loss_g"]) == pytest.approx(-2 * float(FILLED.mean()), rel=1e-4)
    assert value(theirs["features"]) == pytest.approx(float((FILLED - LUMA).abs().mean()), rel=1e-4)
    assert "features" not in objectives.adversarial_loss(judge, pair, with_features=False)


def test_every_term_has_the_weight_that_the_settings_say():
    names = {
        "hole": "hole_weight", "known": "known_weight", "log_error": "log_error_weight", "ssim": "ssim_weight",
        "damage": "damage_weight", "overlap": "overlap_weight", "loss_g": "inpaint_gan_weight",
        "features": "inpaint_feature_weight",
    }  # fmt: skip
    asked = {name: 2.0 + i for i, name in enumerate(names.values())}
    config = TrainConfig(**asked, chroma_weight=20.0, color_gan_weight=30.0)
    assert objectives.weights(config, "inpaint") == {name: 2.0 + i for i, name in enumerate(names)}
    assert objectives.weights(config, "color") == {"chroma": 20.0, "loss_g": 30.0}


# Validation -------------------------------------------------------------------------------------


def test_what_an_inpainter_is_validated_on():
    """It sees the damaged photo with its mask, and without it where its damage map is asked."""
    rng, seen = np.random.default_rng(0), []
    rgb = rng.integers(0, 256, (64, 80, 3), np.uint8)
    photo = validation.damaged_crop(Picture(rgb), 48, rng)
    assert photo.truth.shape == (48, 48, 3) and photo.mask.any()

    class Model(nn.Module):
        weight = nn.Parameter(torch.zeros(1))

        def forward(self, light, mask=None):
            seen.append((light, mask))
            found = torch.zeros_like(light) - 1
            found[..., :24, :] = 1
            return SimpleNamespace(luma=torch.full_like(light, 0.5), damage=found)

        def parameters(self, recurse=True):
            return iter([self.weight])

    measure = validation.restore_gray(Model(), photo)
    assert np.allclose(seen[0][0][0, 0].numpy() * 255, photo.gray, atol=1e-4)
    assert np.array_equal(seen[0][1][0, 0].numpy() > 0, photo.mask) and seen[1][1] is None
    row = measure()
    half = np.arange(48)[:, None].repeat(48, axis=1) < 24
    assert row["damage_iou"] == pytest.approx((half & photo.mask).sum() / (half | photo.mask).sum())
    error = (luma(photo.truth)[photo.mask].astype(float) - 128) ** 2
    assert row["hole_psnr"] == pytest.approx(10 * np.log10(255**2 / error.mean()), rel=1e-4)


def test_what_a_colorizer_is_validated_on():
    rng = np.random.default_rng(0)
    photo = validation.damaged_crop(Picture(rng.integers(0, 256, (32, 32, 3), np.uint8)), 64, rng)
    seen = []

    class Model(Colors):
        def forward(self, light):
            seen.append(light)
            return torch.zeros(1, len(BINS), 8, 8).index_fill_(1, torch.tensor([7]), 50.0)

        def parameters(self, recurse=True):
            return iter([self.prior])

    colored = with_chroma(luma(photo.truth), np.broadcast_to(BINS[7], (32, 32, 2)))
    row = validation.restore_color(Model(), photo)()
    assert np.allclose(seen[0][0, 0].numpy() * 255, luma(photo.truth), atol=1e-4)
    assert row == pytest.approx(evaluate_pair(photo.truth, colored, photo.mask), abs=0.02)


def test_the_judge_loses_by_the_last_of_its_features():
    torch.manual_seed(0)
    judge, (real, fake) = PatchDiscriminator(1, 32).eval(), torch.rand(2, 1, 1, 64, 64)
    terms = objectives.discriminator_loss(judge, Encoded([real], [fake], torch.ones(1, 1, 64, 64)))
    assert value(terms["d_real"]) == pytest.approx(float(torch.relu(1 - judge.features([real])[-1]).mean()), rel=1e-4)
    assert value(terms["d_fake"]) == pytest.approx(float(torch.relu(1 + judge.features([fake])[-1]).mean()), rel=1e-4)
