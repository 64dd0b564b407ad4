"""Each loss against its formula written out, and the properties that training relies on."""

import numpy as np
import torch
import torch.nn.functional as F
from skimage import data
from skimage.metrics import structural_similarity

from restoration.losses import chroma_loss, damage_loss, hole_l1, hole_ssim_loss, ssim_map

torch.manual_seed(0)
MASK = torch.zeros(2, 1, 32, 32)
MASK[0, :, 8:20, 8:20] = 1
MASK[1, :, 0:4, 0:30] = 1
TRUTH, OTHER = torch.rand(2, 1, 32, 32), torch.rand(2, 1, 32, 32)


def test_hole_l1_counts_the_hole_alone():
    difference = (TRUTH - OTHER).abs()[MASK > 0]
    assert torch.isclose(hole_l1(OTHER, TRUTH, MASK), difference.mean())
    assert hole_l1(torch.where(MASK > 0, TRUTH, OTHER), TRUTH, MASK) == 0
    assert hole_l1(OTHER, TRUTH, torch.zeros_like(MASK)) == 0  # a batch without damage


def test_ssim_map_is_scikit_images_inside_the_border():
    photo = data.camera()[::4, ::4]
    noisy = np.clip(photo + np.random.default_rng(0).normal(0, 20, photo.shape), 0, 255).astype(np.uint8)
    tensors = [torch.from_numpy(p / 255.0)[None, None] for p in (photo, noisy)]
    _, expected = structural_similarity(photo, noisy, data_range=255, full=True, use_sample_covariance=False)
    inside = (slice(3, -3), slice(3, -3))
    assert np.abs(ssim_map(*tensors)[0, 0].numpy()[inside] - expected[inside]).max() < 1e-6


def test_hole_ssim_loss_does_not_see_known_pixels():
    damaged_outside = torch.where(MASK > 0, TRUTH, OTHER)
    assert hole_ssim_loss(damaged_outside, TRUTH, MASK).abs() < 1e-5
    assert hole_ssim_loss(OTHER, TRUTH, MASK) > 0.1


def test_damage_loss_counts_blind_samples_only():
    logits = torch.randn(2, 1, 32, 32)
    hint = MASK.clone()
    hint[1] = 0
    expected = F.binary_cross_entropy_with_logits(logits[1], MASK[1])
    assert torch.isclose(damage_loss(logits, MASK, hint), expected)
    assert damage_loss(logits, MASK, MASK) == 0


def test_chroma_loss_minds_vivid_pixels_more():
    truth = torch.zeros(1, 2, 4, 4)
    truth[..., :2] = 0.3
    wrong_on_vivid, wrong_on_gray = truth.clone(), truth.clone()
    wrong_on_vivid[..., :2] -= 0.1
    wrong_on_gray[..., 2:] -= 0.1
    assert torch.isclose(chroma_loss(wrong_on_vivid, truth, 2.0), 3 * chroma_loss(wrong_on_gray, truth, 2.0))
    assert torch.isclose(chroma_loss(wrong_on_gray, truth, 0.0), F.l1_loss(wrong_on_gray, truth))
    assert chroma_loss(truth, truth, 2.0) == 0
