"""Where a training step's time goes: `python benchmarks/training.py`.

First the photos/s of the real loop beside those of the same step on one constant batch: what reading photos
costs. Then each part's time, without the GAN and with it. What is compared takes turns within one run, so
that whatever else the machine does falls on all of it, and medians are shown. `steps.py` compares whole steps: before
and after, precisions, encoders.
"""

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))  # runs on a fresh clone, not installed

from restoration.config import STAGES, TrainConfig
from restoration.data import batches as data
from restoration.data import splits
from restoration.data.batches import Batch, Crop, TrainingBatches
from restoration.data.photos import Photos, decode
from restoration.precision import torch_precision
from restoration.training import loop as training
from restoration.training.distributed import World
from restoration.training.trainer import Trainer

ENDLESS = 10**6  # steps of a piece, more than are ever made
GAN = "GAN: scores, its own step"
DATA = ("photo, crop", "damage, hints", "collate")  # in the real loop workers do it, beside the step
PARTS = (*DATA, "transfer", "forward", "losses", GAN, "backward", "clipping, optimizer", "EMA", "the rest")


class Stopwatch:
    """Whose time it is: a watched call's time goes to its part, less that of the watched calls inside it."""

    def __init__(self):
        self.milliseconds: dict[str, float] = defaultdict(float)
        self._open, self._since = ["outside"], time.perf_counter()

    def watch(self, call: Callable, part: str | Callable[..., str]) -> Callable:
        """The same callable, watched; `part` may depend on its arguments. All inside the GAN is the GAN's."""

        def watched(*args, **kwargs):
            self._turn()
            self._open.append(GAN if GAN in self._open else part(*args) if callable(part) else part)
            try:
                return call(*args, **kwargs)
            finally:
                self._turn()
                self._open.pop()

        return watched

    def _turn(self) -> None:
        now = finished()
        self.milliseconds[self._open[-1]] += 1000 * (now - self._since)
        self._since = now


def finished() -> float:
    """The time once all that was asked of the device is done."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def pace(call: Callable[[], object], times: int, batch_size: int) -> float:
    """Photos/s of a call that takes one batch."""
    began = finished()
    for _ in range(times):
        call()
    return times * batch_size / (finished() - began)


def on_device(batch: Batch, piece: Trainer) -> Batch:
    """The batch where the networks are."""
    return {key: value.to(piece.world.device) for key, value in batch.items()}


def measure_loop(piece: Trainer, photos: Photos, turns: int) -> dict[str, list[float]]:
    """Photos/s of the real loop, of one constant batch in its place, and of the loader with nobody to wait for.

    Batches that the constant one replaces are read and thrown away: the loader must keep the real loop's pace.
    """
    size, waiting = piece.config.batch_size, 1 + 2 * piece.config.workers  # two wait for each
    steps = 10 if torch.cuda.is_available() else 1  # a GPU must not be waited for at each
    loader = training.batches_ahead(photos, piece)
    constant = on_device(next(loader), piece)
    piece.train_step(constant)
    speeds = defaultdict(list)
    for _ in range(turns):
        pace(lambda: next(loader), steps, size)
        speeds["real loop"].append(pace(lambda: piece.train_step(next(loader)), steps, size))
        speeds["constant batch"].append(pace(lambda: piece.train_step(constant), steps, size))
    pace(lambda: next(loader), waiting, size)  # those that were ready
    speeds["loader alone"] = [pace(lambda: next(loader), waiting, size)] * turns
    return speeds


def profile(piece: Trainer, batches: TrainingBatches, step: int) -> dict[str, float]:
    """Milliseconds of each part of one step, its batch made in this process."""
    clock, sample = Stopwatch(), f"{piece.stage}_sample"
    watched = [
        (batches.photos, "picture", "photo, crop"),
        (Crop, "cut", "photo, crop"),
        (data, sample, "damage, hints"),
        (piece.model, "forward", "forward"),
        (piece, "forward", "losses"),
        (piece, "discriminator_losses", GAN),
        (piece, "adversarial_losses", GAN),
        (torch.Tensor, "backward", "backward"),
        (piece, "_update", lambda module, *_: GAN if module is piece.discriminator else "clipping, optimizer"),
        (piece, "_average", "EMA"),
    ]
    with ExitStack() as stack:
        for owner, name, part in watched:
            stack.enter_context(patch.object(owner, name, clock.watch(getattr(owner, name), part)))
        batch = clock.watch(batches.__getitem__, "collate")(step)
        batch = clock.watch(on_device, "transfer")(batch, piece)
        clock.watch(piece.train_step, "the rest")(batch)
    return {part: clock.milliseconds[part] for part in PARTS}


def measure_parts(pieces: list[Trainer], photos: Photos, turns: int) -> list[dict[str, float]]:
    """The median milliseconds of each part, for each of the pieces; the first step of each is not counted."""
    batches = TrainingBatches(photos, pieces[0].config, pieces[0].stage, seed=0)
    rounds = [[profile(piece, batches, step) for piece in pieces] for step in range(turns + 1)][1:]
    return [{part: np.median([times[part] for times in own]) for part in PARTS} for own in zip(*rounds, strict=True)]


def print_speeds(speeds: dict[str, list[float]], base: str) -> None:
    """Medians over the turns; the ratio is that of the two in the same turn."""
    print(f"\n| | photos/s | of the {base} | quartiles |\n|---|---:|---:|---:|")
    for name, own in speeds.items():
        low, ratio, high = np.quantile(np.divide(own, speeds[base]), (0.25, 0.5, 0.75))
        print(f"| {name} | {np.median(own):.2f} | {ratio:.2f} | {low:.2f} to {high:.2f} |")


def print_parts(parts: list[dict[str, float]]) -> None:
    print("\n| part | ms a batch, no GAN | share | ms a batch, GAN | share |\n|---|---:|---:|---:|---:|")
    totals = [sum(own.values()) for own in parts]
    for part in PARTS:
        cells = [f"{own[part]:.1f} | {own[part] / total:.1%}" for own, total in zip(parts, totals, strict=True)]
        print(f"| {part} | {' | '.join(cells)} |")
    print(f"| all | {totals[0]:.1f} | | {totals[1]:.1f} | |")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="bundled", help="what train.py takes: a folder, tar shards or bundled")
    parser.add_argument("--stage", choices=STAGES, default="inpaint")
    parser.add_argument("--size", type=int, default=256, help="pixels")
    parser.add_argument("--batch-size", type=int, help="default: train.py's for the device")
    parser.add_argument("--steps", type=int, default=12, help="turns of what is compared; half as many of the profile")
    parser.add_argument("--encoder", default=TrainConfig.encoder)
    return parser.parse_args()


def main() -> None:
    args, world = parse_arguments(), World()
    settings = {name: getattr(args, name) for name in ("data", "size", "batch_size", "encoder")}
    config = TrainConfig(**settings, encoder_weights="none", gan_start=0.0)
    config = config.resolved(torch_precision(world.device.type, training=True), world.gpu_gib)
    config = replace(config, workers=1 if config.workers is None else config.workers)
    photos = splits.find(config).photos
    without = replace(config, inpaint_gan_weight=0.0, color_gan_weight=0.0)  # the shorter step, harder to keep fed
    plain, adversarial = (Trainer(each, args.stage, ENDLESS, world) for each in (without, config))
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"CPU, {torch.get_num_threads()} threads"
    print(f"{device}, torch {torch.__version__}; {args.stage}, {config.encoder}, {config.precision}; ", end="")
    print(f"{config.batch_size} photos of {config.size} px a batch, {config.workers} workers; {len(photos)} photos.")
    print_speeds(measure_loop(plain, photos, args.steps), "constant batch")
    print_parts(measure_parts([plain, adversarial], photos, -(-args.steps // 2)))
    decoding = pace(lambda: decode(photos.entries[0], photos.memory.side), args.steps, 1)
    print(f"\nDecoding, paid once for a photo that memory has room for: {decoding:.0f} photos/s.")


if __name__ == "__main__":
    main()
