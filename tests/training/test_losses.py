"""Each loss against its formula written out, and the properties that training relies on."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from skimage import data
from skimage.metrics import structural_similarity

from restoration.chroma_bins import BINS
from restoration.color import chroma
from restoration.inference.distribution import ChromaDistribution
from restoration.training import losses, objectives
from restoration.training.discriminators import PatchDiscriminator
from restoration.training.losses import WeightedSum

torch.manual_seed(0)
MASK = torch.zeros(2, 1, 32, 32)
MASK[0, :, 8:20, 8:20] = 1
MASK[1, :, 0:4, 0:30] = 1
TRUTH, OTHER = torch.rand(2, 1, 32, 32), torch.rand(2, 1, 32, 32)


def value(mean: WeightedSum) -> torch.Tensor:
    return mean.total / mean.count.clamp_min(1)


def test_charbonnier_counts_the_hole_alone():
    difference = (TRUTH - OTHER)[MASK > 0]
    expected = (np.sqrt(difference.double() ** 2 + 1e-6) - 1e-3).mean()
    assert torch.isclose(value(losses.charbonnier(OTHER, TRUTH, MASK)).double(), expected, rtol=1e-5)
    assert value(losses.charbonnier(torch.where(MASK > 0, TRUTH, OTHER), TRUTH, MASK)).abs() < 1e-6
    assert value(losses.charbonnier(OTHER, TRUTH, torch.zeros_like(MASK))) == 0  # a batch without damage


def test_ssim_map_is_scikit_images_inside_the_border():
    photo = data.camera()[::4, ::4]
    noisy = np.clip(photo + np.random.default_rng(0).normal(0, 20, photo.shape), 0, 255).astype(np.uint8)
    tensors = [torch.from_numpy(p / 255.0)[None, None] for p in (photo, noisy)]
    _, expected = structural_similarity(photo, noisy, data_range=255, full=True, use_sample_covariance=False)
    inside = (slice(3, -3), slice(3, -3))
    assert np.abs(losses.biased_ssim_map(*tensors)[0, 0].numpy()[inside] - expected[inside]).max() < 1e-6


def test_damage_loss_counts_blind_samples_only():
    logits = torch.randn(2, 1, 32, 32)
    hint = MASK.clone()
    hint[1] = 0
    expected = F.binary_cross_entropy_with_logits(logits[1], MASK[1])
    assert torch.isclose(value(losses.damage_loss(logits, MASK, hint, 1.0)), expected)
    assert value(losses.damage_loss(logits, MASK, MASK, 1.0)) == 0
    even, whole = torch.zeros(2, 1, 1, 20, 25)  # even odds are no alarm, and one pixel of 500 is none yet
    even[0, 0, 0, 0] = 1
    assert losses.damage_loss(even, whole, whole, 9.0).count == 500


def test_chroma_is_shared_among_bins_whose_mean_it_is():
    rgb = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    squares = torch.from_numpy(chroma(rgb.repeat(4, axis=0).repeat(4, axis=1))).permute(2, 0, 1)[None]
    nodes, shares = losses.soft_bins(squares)
    assert (shares >= 0).all() and torch.allclose(shares.sum(dim=1), torch.ones(1, 40, 40))
    mean = (torch.from_numpy(BINS)[nodes] * shares[..., None]).sum(dim=1)[0].numpy()
    inner = np.linalg.norm(chroma(rgb), axis=-1) < 0.25  # not at the edge of what RGB has, where bins are missing
    assert inner.sum() > 500 and np.allclose(mean[inner], chroma(rgb)[inner], atol=1e-5)


def test_chroma_loss_is_the_cross_entropy_with_those_shares():
    logits = torch.randn(2, len(BINS), 3, 3)
    nodes, shares = losses.soft_bins(0.4 * torch.rand(2, 2, 10, 12) - 0.2)
    target = torch.zeros_like(logits).scatter_add_(1, nodes, shares)
    assert torch.isclose(value(losses.chroma_loss(logits, nodes, shares)), F.cross_entropy(logits, target))


def test_the_mean_chroma_is_what_inference_decodes():
    """Of one belief all over: there no spot is contradicted by its surroundings."""
    logits, prior = torch.randn(1, len(BINS), 1, 1).expand(-1, -1, 3, 4), torch.rand(len(BINS)).softmax(dim=0)
    ours = losses.mean_chroma(logits, prior, (11, 16))[0].permute(1, 2, 0).numpy()
    theirs = ChromaDistribution(logits[0].numpy(), np.zeros((11, 16), np.float32), prior.numpy()).decode()
    assert np.abs(ours - theirs).max() < 1e-6 < np.abs(ours).max()
    varied = torch.randn(1, len(BINS), 3, 4)
    ours = losses.mean_chroma(varied, prior, (11, 16))[0].permute(1, 2, 0).numpy()
    small = [losses.mean_chroma(varied.flatten(2)[..., i, None, None], prior, (1, 1)).flatten() for i in range(12)]
    assert np.abs(ours - cv2.resize(np.reshape(small, (3, 4, 2)), (16, 12))[:11]).max() < 1e-6


def test_log_error_is_the_tenth_of_psnr_over_samples_that_have_a_hole():
    expected = [-10 * torch.log10(((TRUTH - OTHER)[i][MASK[i] > 0] ** 2).mean()) for i in range(2)]
    mean = losses.log_error(OTHER, TRUTH, MASK, floor=1e-30)
    assert torch.isclose(-10 * value(mean), torch.stack(expected).mean(), rtol=1e-5)
    whole = torch.cat([MASK, torch.zeros(1, 1, 32, 32)])
    truth, other = (torch.cat([x, torch.rand(1, 1, 32, 32)]) for x in (TRUTH, OTHER))
    assert torch.isclose(value(losses.log_error(other, truth, whole, floor=1e-30)), value(mean))
    assert torch.isclose(value(losses.log_error(TRUTH, TRUTH, MASK)), torch.tensor(-4.0))  # the floor's


def test_hinge_losses_by_hand():
    score, everywhere = torch.tensor([[[[-2.0, -0.5], [0.5, 2.0]]]]), torch.ones(1, 1, 16, 16)
    judge, pair = SimpleNamespace(features=list, parameters=list), objectives.Encoded([score], [score], everywhere)
    judged = objectives.discriminator_loss(judge, pair)
    assert value(judged["d_real"]) == (3 + 1.5 + 0.5 + 0) / 4 and value(judged["d_fake"]) == (0 + 0.5 + 1.5 + 3) / 4
    score += 0.25
    assert value(objectives.adversarial_loss(judge, pair, with_features=False)["loss_g"]) == -0.25


def test_only_patches_that_see_the_hole_are_judged():
    """A patch counts where a change of the hole changes its score, and no further than the patch reaches."""
    judge, photo, hole = PatchDiscriminator(1, 32).eval(), torch.rand(1, 1, 128, 128), torch.zeros(1, 1, 128, 128)
    hole[..., 60:64, 20:24] = 1
    score = judge.features([photo])[-1]
    seen = (judge.features([photo + hole])[-1] != score).float()
    counted = losses.patch_mean(score, hole).count
    assert 0 < counted < score.numel() / 2
    marked = torch.stack([losses.patch_mean(one.view_as(score), hole).total for one in torch.eye(score.numel())])
    assert (marked.view_as(score) <= seen).all() and marked.sum() > 0.4 * seen.sum()
    assert value(losses.patch_mean(score, torch.zeros_like(hole))) == 0  # a batch without damage


def test_feature_matching_is_the_mean_difference_of_every_layer_for_a_pixel_of_the_hole():
    judge = PatchDiscriminator(1, 32).eval()
    fake, real = judge.features([OTHER]), judge.features([TRUTH])
    assert [x.shape[-1] for x in fake] == [16, 8, 4, 3, 2]
    loss = losses.feature_matching(fake[:-1], real[:-1], MASK)
    by_hand = sum((a - b).abs().mean().item() for a, b in zip(fake[:-1], real[:-1], strict=True)) / 4
    assert abs(value(loss).item() - by_hand / float(MASK.mean())) < 1e-4
    assert value(losses.feature_matching(real[:-1], real[:-1], MASK)) == 0
    halves = [
        losses.feature_matching([x[i : i + 1] for x in fake], [x[i : i + 1] for x in real], MASK[i : i + 1])
        for i in range(2)
    ]
    whole = losses.feature_matching(fake, real, MASK)
    assert torch.isclose(sum(half.total for half in halves), whole.total, rtol=1e-4)


def test_the_overlap_of_a_map_is_its_dice_coefficient_and_whole_photos_want_no_marks():
    mask = torch.zeros(3, 1, 40, 40)
    mask[:2, :, :10] = 1  # 400 px
    hint, sure = torch.zeros_like(mask), 50.0
    hint[1] = mask[1]  # told: it does not count
    half = torch.full_like(mask, -sure)
    half[0, :, :10, :20], half[2, :, 0, :20] = sure, sure  # half of the damage; 20 px of a whole photo
    by_hand = (1 - (2 * 200 + 20) / (200 + 400 + 20) + 1 - 20 / (20 + 20)) / 2
    assert torch.isclose(value(losses.overlap_loss(half, mask, hint)), torch.tensor(by_hand))
    exact = torch.where(mask > 0, sure, -sure)
    assert value(losses.overlap_loss(exact, mask, hint)) < 1e-6


def test_a_whole_photo_with_false_alarms_counts_as_often_as_asked():
    logits = torch.full((4, 1, 8, 8), -2.0)
    logits[1:, :, 0] = 2.0  # an eighth is marked
    mask, hint = torch.zeros_like(logits), torch.zeros_like(logits)
    mask[2, :, 0], hint[3, :, 0] = 1, 1  # the third is damaged there, the fourth was told
    each = F.binary_cross_entropy_with_logits(logits, mask, reduction="none").mean(dim=(1, 2, 3))
    for weight in (1.0, 5.0):
        expected = (each[0] + weight * each[1] + each[2]) / (2 + weight)
        assert torch.isclose(value(losses.damage_loss(logits, mask, hint, weight)), expected)


def test_means_of_parts_add_up_to_the_mean_of_the_whole():
    """What lets one process and many agree: totals and counts are sums over samples."""
    whole = losses.charbonnier(OTHER, TRUTH, MASK)
    parts = [losses.charbonnier(OTHER[i : i + 1], TRUTH[i : i + 1], MASK[i : i + 1]) for i in range(2)]
    assert torch.isclose(sum(p.total for p in parts), whole.total) and sum(p.count for p in parts) == whole.count


@pytest.mark.parametrize(
    "size, grid", [((128, 128), (16, 16)), ((128, 96), (14, 10)), ((40, 64), (5, 8)), ((33, 33), (1, 1))]
)
def test_patches_near_the_hole_are_those_of_a_square_window_at_every_pixel(size, grid):
    where = (torch.rand(3, 1, *size, generator=torch.Generator().manual_seed(0)) > 0.999).float()
    reach = losses.PATCH_REACH
    square = F.adaptive_max_pool2d(F.max_pool2d(where, reach, 1, reach // 2), grid)
    assert square.any() and torch.equal(losses._patches_near(where, torch.Size(grid)), square)


def test_a_hole_of_one_pixel_counts_as_any_other():
    mask = torch.zeros(2, 1, 8, 8)
    mask[0, 0, 3, 4] = 1
    error = losses.log_error(torch.full_like(mask, 0.6), torch.full_like(mask, 0.5), mask, floor=1e-12)
    assert error.count == 1 and torch.isclose(error.total, torch.tensor(-2.0))
