"""What training in bfloat16 on a CPU computes in float32 all the same."""

from types import SimpleNamespace

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


@pytest.mark.parametrize("other, faster", [(1.05, False), (1.2, True), (0.9, False)])
def test_the_best_of_three_rounds_counts_after_two_to_warm_up(monkeypatch, other, faster):
    """Each call takes a second but the first of the rounds, which something disturbs."""
    now, calls = [0.0], {"one": 0, "other": 0}

    def call(name: str, seconds: float) -> None:
        calls[name] += 1
        now[0] += 9 if calls[name] in (1, 3) else seconds

    monkeypatch.setattr(precision, "process_time", lambda: now[0])
    assert precision.is_faster(lambda: call("one", 1.0), lambda: call("other", other)) == faster
    assert calls == {"one": 5, "other": 5}


@pytest.mark.parametrize("training", [True, False])
def test_a_probe_runs_a_block_narrow_and_wide_and_changes_no_chance(monkeypatch, training):
    seen, forward = [], nn.Conv2d.forward

    def noted(layer: nn.Conv2d, x: torch.Tensor) -> torch.Tensor:
        seen.append((torch.is_autocast_enabled("cpu"), torch.is_grad_enabled(), layer.groups > 1, x.shape[2:]))
        return forward(layer, x)

    monkeypatch.setattr(nn.Conv2d, "forward", noted)
    monkeypatch.setattr(precision, "is_faster", lambda one, other: (one(), other(), False)[-1])
    backward, back = torch.Tensor.backward, []
    monkeypatch.setattr(torch.Tensor, "backward", lambda loss: back.append(loss.shape) or backward(loss))
    before = torch.random.get_rng_state()
    assert precision.torch_precision.__wrapped__("cpu", training) == "float32"
    assert torch.equal(torch.random.get_rng_state(), before)
    expected = [(narrow and not (training and deep), training, deep, (32, 32))
                for narrow in (True, False) for deep in (False, True, False)]  # fmt: skip
    assert back == [()] * (2 * training)
    assert seen == expected, "three layers, of which training keeps the depthwise one wide"


@pytest.mark.parametrize("units, chosen", [(["FP32"], "float32"), (["FP32", "BF16"], "bf16")])
def test_openvino_is_asked_on_a_processor_with_bfloat16_alone(monkeypatch, units, chosen):
    asked, run = [], []

    class Core:
        def get_property(self, *_):
            return units

        def compile_model(self, model, device, settings):
            hint = settings["INFERENCE_PRECISION_HINT"]
            assert list(model.output(0).shape) == [1, 96, 64, 64]
            asked.append((device, hint, settings["INFERENCE_NUM_THREADS"]))
            request = SimpleNamespace(infer=lambda given: run.append((hint, given[0].shape)))
            return SimpleNamespace(create_infer_request=lambda: request)

    monkeypatch.setattr(precision, "is_faster", lambda one, other: (one(), other(), True)[-1])
    assert precision.openvino_precision.__wrapped__(Core(), 3) == chosen
    if chosen == "bf16":
        assert asked == [("CPU", "bf16", 3), ("CPU", "f32", 3)] and [hint for hint, _ in run] == ["bf16", "f32"]
        assert run[0][1] == (1, 32, 64, 64)
    else:
        assert not asked and not run
