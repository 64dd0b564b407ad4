"""bfloat16 or float32, whichever this machine computes faster: OpenVINO by rule, PyTorch by a short probe."""

import math
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from time import process_time

GAIN = 1.1  # how many times as fast bfloat16 must be before its coarser numbers are taken
ROUNDS = 3
CHANNELS, WIDE, SIDE = 32, 96, 32  # of the probe: about a block of the networks


def is_faster(one: Callable[[], object], other: Callable[[], object]) -> bool:
    """Whether one call is at least GAIN times as fast as the other: the best of alternating runs of each, in processor
    time, which other programs do not disturb."""
    for call in (one, other, one, other):  # memory is taken, kernels are built
        call()
    best = [math.inf, math.inf]
    for _ in range(ROUNDS):
        for index, call in enumerate((one, other)):
            began = process_time()
            call()
            best[index] = min(best[index], process_time() - began)
    return best[0] * GAIN < best[1]


def widen_depthwise(network):
    """The same network with its depthwise convolutions in float32 even under autocast; their output type is unchanged.

    For training on a CPU: there PyTorch's backward pass of such a convolution takes three times as long in bfloat16,
    more than the other layers gain. Weights and names are unchanged.
    """
    import torch

    def wide(forward: Callable, x):
        with torch.autocast(x.device.type, enabled=False):
            return forward(x.float()).to(x.dtype)

    for layer in network.modules():
        if isinstance(layer, torch.nn.Conv2d) and layer.groups == layer.in_channels > 1:
            layer.forward = partial(wide, layer.forward)
    return network


@cache
def torch_precision(device: str, training: bool) -> str:
    """Either "bf16" or "float32", whichever PyTorch trains or runs a small convolutional block faster in.

    A GPU is not timed: launch overhead would hide a small block's work, and a GPU with bfloat16 units is faster in it.
    """
    import torch
    from torch import nn

    if torch.device(device).type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    with torch.random.fork_rng(devices=[]):  # a probe must not change what is drawn after it
        block = nn.Sequential(
            nn.Conv2d(CHANNELS, WIDE, 1), nn.BatchNorm2d(WIDE), nn.ReLU(),
            nn.Conv2d(WIDE, WIDE, 3, padding=1, groups=WIDE), nn.BatchNorm2d(WIDE), nn.ReLU(),
            nn.Conv2d(WIDE, CHANNELS, 3, padding=1),
        )  # fmt: skip
        x = torch.rand(2, CHANNELS, SIDE, SIDE)
    block, x = (value.to(memory_format=torch.channels_last) for value in (block.train(training), x))
    block = widen_depthwise(block) if training else block

    def run(narrow: bool) -> None:
        with torch.set_grad_enabled(training), torch.autocast("cpu", torch.bfloat16, enabled=narrow):
            out = block(x)
        if training:
            out.float().square().mean().backward()

    return "bf16" if is_faster(lambda: run(True), lambda: run(False)) else "float32"


def has_bfloat16_units() -> bool:
    """Whether the processor has AMX: without it OpenVINO is slower in bfloat16 than in float32."""
    facts = Path("/proc/cpuinfo")
    return facts.exists() and "amx_bf16" in facts.read_text()
