"""bfloat16 or float32, whichever this machine computes faster."""

from collections.abc import Callable
from functools import partial
from pathlib import Path


def cpu_precision(training: bool = False) -> str:
    """Either "bf16" or "float32", whichever the processor computes faster: bfloat16 with Intel's AMX.

    Without it, AMD's AVX-512 gains in training alone, Intel's nowhere.
    """
    cpuinfo = Path("/proc/cpuinfo")
    facts = cpuinfo.read_text() if cpuinfo.exists() else ""
    trains_faster = "AuthenticAMD" in facts and "avx512_bf16" in facts
    return "bf16" if "amx_bf16" in facts or (training and trains_faster) else "float32"


def torch_precision(device: str, training: bool) -> str:
    """The same for PyTorch on a device; a GPU with bfloat16 units is faster in it."""
    import torch

    if torch.device(device).type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    return cpu_precision(training)


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
