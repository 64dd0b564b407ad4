"""bfloat16 or float32: a probe of a few milliseconds measures which one this machine computes faster."""

from collections.abc import Callable
from functools import cache, partial
from time import process_time

import numpy as np

GAIN = 1.1  # how many times as fast bfloat16 must be before its coarser numbers are taken
ROUNDS = 3
CHANNELS, WIDE, SIDE = 32, 96, 32  # of the probe: about a block of the networks


def is_faster(one: Callable[[], object], other: Callable[[], object]) -> bool:
    """Whether one call is at least GAIN times as fast as the other: the best of alternating runs of each, in processor
    time, which other programs do not disturb."""
    for call in (one, other, one, other):  # memory is taken, kernels are built
        call()
    best = [np.inf, np.inf]
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


@cache
def openvino_precision(core, threads: int) -> str:
    """Either "bf16" or "float32", whichever OpenVINO runs faster on this processor with so many threads."""
    import openvino
    from openvino import opset13

    if "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        return "float32"
    kernel = np.random.default_rng(0).normal(size=(WIDE, CHANNELS, 3, 3)).astype(np.float32)
    image = opset13.parameter([1, CHANNELS, 2 * SIDE, 2 * SIDE], np.float32)
    convolved = opset13.convolution(image, opset13.constant(kernel), [1, 1], [1, 1], [1, 1], [1, 1])
    model, pixels = openvino.Model([opset13.relu(convolved)], [image]), np.ones(image.shape, np.float32)
    settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads}
    narrow, wide = (
        core.compile_model(model, "CPU", settings | {"INFERENCE_PRECISION_HINT": precision}).create_infer_request()
        for precision in ("bf16", "f32")
    )
    calls = (lambda: narrow.infer([pixels])), (lambda: wide.infer([pixels]))
    return "bf16" if is_faster(*calls) else "float32"
