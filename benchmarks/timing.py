"""What a figure of speed is made of: runs that take turns, the work of a network, the rate of the machine."""

import statistics
import time
from collections.abc import Callable

import numpy as np

Clock = Callable[[], float]


def turns(runs: dict, rounds: int, clock: Clock = time.perf_counter) -> dict[object, float]:
    """Median seconds of each run. They take turns, so that what else the machine does meets them all alike."""
    seconds: dict[object, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        run()
        run()  # compiled, cached, warm
    for _ in range(rounds):
        for name, run in runs.items():
            started = clock()
            run()
            seconds[name].append(clock() - started)
    return {name: statistics.median(values) for name, values in seconds.items()}


def convolution_flops(model, size: int) -> float:
    """Operations of all convolutions for one photo of size x size px; multiplying and adding are two."""
    import torch

    total = 0

    def count(layer, _, out) -> None:
        nonlocal total
        total += 2 * out.numel() * layer.weight[0].numel()

    hooks = [m.register_forward_hook(count) for m in model.modules() if isinstance(m, torch.nn.Conv2d)]
    with torch.inference_mode():
        model(torch.zeros(1, 1, size, size))
    for hook in hooks:
        hook.remove()
    return total


def matrix_product(kind: str, threads: int, side: int = 1024) -> tuple[float, Callable[[], object]]:
    """Operations of a product of two square matrices in PyTorch, and the run: together the machine's rate."""
    import torch

    torch.set_num_threads(threads)
    one, other = (torch.randn(side, side).to(getattr(torch, kind)) for _ in range(2))
    return 2 * side**3, lambda: one @ other


def gray_noise(height: int, width: int) -> np.ndarray:
    """uint8 (H, W) with detail at every scale and no flat area, the same always."""
    import cv2

    rng, photo = np.random.default_rng(0), np.zeros((height, width), np.float32)
    for side in (4, 16, 64, 256):
        photo += cv2.resize(rng.normal(128 / 4, 20, (side, side)).astype(np.float32), (width, height))
    step = max(1, (1 << 22) // width)
    for top in range(0, height, step):  # in bands: the noise of 100 megapixels would be most of the memory measured
        photo[top : top + step] += rng.normal(0, 6, photo[top : top + step].shape)
    return np.clip(photo, 1, 254).astype(np.uint8)
