"""What training in bfloat16 on a CPU computes in float32 all the same."""

import pytest
import torch
from small_run import config
from torch import nn

from restoration import precision
from restoration.precision import widen_depthwise
from restoration.training.distributed import World
from restoration.training.trainer import Trainer


def narrow(layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        return layer(x)


def is_wide(layer: nn.Conv2d) -> bool:
    """Whether a layer given bfloat16 computes in float32 and rounds its result alone."""
    x = torch.rand(1, layer.in_channels, 9, 9, generator=torch.Generator().manual_seed(0)).bfloat16()
    exact = nn.functional.conv2d(x.float(), layer.weight, layer.bias, layer.stride, layer.padding, 1, layer.groups)
    return torch.equal(narrow(layer, x), exact.bfloat16())


@pytest.mark.parametrize("groups, wide", [(16, True), (4, False), (1, False)])
def test_depthwise_convolutions_alone_are_widened(groups, wide):
    torch.manual_seed(0)
    network = widen_depthwise(nn.Sequential(nn.Conv2d(16, 16, 3, padding=1, groups=groups)))
    assert is_wide(network[0]) == wide
    assert list(network.state_dict()) == ["0.weight", "0.bias"]


def test_what_trains_in_bfloat16_is_widened_and_what_is_kept_is_not(scenes):
    trainer = Trainer(config(scenes, precision="bf16"), "inpaint", 4, World())
    kinds = [[is_wide(m) for m in network.modules() if isinstance(m, nn.Conv2d) and m.groups == m.in_channels > 1
              and m.stride == (1, 1)]
             for network in (trainer.model, trainer.averaged())]  # fmt: skip
    assert all(kinds[0]) and not all(kinds[1])
    assert trainer.model.state_dict().keys() == trainer.averaged().state_dict().keys()


@pytest.mark.parametrize("facts, runs, trains", [
    ("GenuineIntel fpu avx512_bf16", "float32", "float32"), ("GenuineIntel avx512_bf16 amx_bf16", "bf16", "bf16"),
    ("AuthenticAMD avx512_bf16", "float32", "bf16"), ("AuthenticAMD avx2", "float32", "float32"),
    (None, "float32", "float32"),
])  # fmt: skip
def test_a_processor_computes_in_what_was_measured_to_be_faster(monkeypatch, facts, runs, trains):
    monkeypatch.setattr("pathlib.Path.exists", lambda file: facts is not None)
    monkeypatch.setattr("pathlib.Path.read_text", lambda file: facts)
    assert (precision.cpu_precision(), precision.torch_precision("cpu", training=False)) == (runs, runs)
    assert precision.torch_precision("cpu", training=True) == trains
