"""What a decoder's width costs: `python benchmarks/decoder.py`.

Time and arithmetic of one Inpainter pass for each encoder and decoder width, in one run: the networks
take turns, so that whatever else the machine does falls on all of them, and the median is shown.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(Path(__file__).parents[1]))  # runs on a fresh clone, not installed

from restoration.config import ModelConfig
from restoration.models import Inpainter

ENCODERS = ("tu-tf_efficientnet_lite2", "efficientnet-b3")
WIDTHS = ((256, 128, 64, 32, 16), (128, 64, 48, 32, 16), (128, 64, 32, 16, 8))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()

    photo, mask = torch.rand(1, 1, args.size, args.size), torch.zeros(1, 1, args.size, args.size)
    mask[..., 100:200, 100:200] = 1
    models = {(encoder, widths): _model(encoder, widths) for encoder in ENCODERS for widths in WIDTHS}
    seconds = {name: [] for name in models}
    with torch.inference_mode():
        for _ in range(args.rounds + 1):
            for name, model in models.items():
                began = time.perf_counter()
                model(photo, mask)
                seconds[name].append(time.perf_counter() - began)
        print("| encoder | decoder | parameters, M | GFLOP | seconds | of the widest |")
        print("|---|---|---:|---:|---:|---:|")
        for (encoder, widths), model in models.items():
            median, widest = (np.median(seconds[encoder, w][1:]) for w in (widths, WIDTHS[0]))
            parameters = sum(p.numel() for p in model.parameters()) / 1e6
            flops = _flops(model, photo, mask) / 1e9
            cells = f"{parameters:.1f} | {flops:.1f} | {median:.3f} | {median / widest:.2f}"
            print(f"| {encoder} | {', '.join(map(str, widths))} | {cells} |")


def _model(encoder: str, widths: tuple[int, ...]) -> Inpainter:
    config = ModelConfig("inpaint", encoder=encoder, decoder_channels=widths)
    return Inpainter(config).eval().to(memory_format=torch.channels_last)


def _flops(model: Inpainter, photo: torch.Tensor, mask: torch.Tensor) -> int:
    """Multiplications and additions, each counted as one."""
    with FlopCounterMode(display=False) as counter:
        model(photo, mask)
    return counter.get_total_flops()


if __name__ == "__main__":
    main()
