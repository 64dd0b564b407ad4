"""Training steps side by side: `python benchmarks/steps.py --against CHECKOUT`.

Inpainter, Inpainter with the projected GAN and Colorizer, in float32 and bfloat16, in this checkout and in another one.
Each variant takes one step in turn, so that whatever else the machine does falls on all of them. Shown are medians of
the CPU seconds of a step and of making one sample, and the bytes of a sample. `--more` also times a frozen stem, and
what was decided against: memory in the order of channels (contiguous), bfloat16 in depthwise convolutions too (narrow).
`--encoders A B` compares encoders.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from functools import cache
from itertools import product
from pathlib import Path
from statistics import median
from unittest.mock import patch

HERE = Path(__file__).parents[1]
GAN = {"discriminator": "projected", "inpaint_gan_weight": 0.2, "inpaint_feature_weight": 0.5}
NO_GAN = {"inpaint_gan_weight": 0.0, "color_gan_weight": 0.0}
KINDS = {"inpaint": ("inpaint", NO_GAN), "inpaint, GAN": ("inpaint", GAN), "color": ("color", NO_GAN)}
SHARED = {"validation_size": 128, "workers": 0, "gan_start": 0.0, "wear": 0.3, "max_holes": 4, "max_area": 0.35}
PHOTOS = 30


class Side:
    """A checkout at work in a process of its own."""

    def __init__(self, checkout: Path):
        words = [sys.executable, __file__, "--serve", str(checkout)]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=checkout)

    def step(self, step: int, variant: dict) -> dict[str, float]:
        """What one step of a variant took."""
        self.process.stdin.write(json.dumps([step, variant]) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


def serve(checkout: str) -> None:
    """Answer each line of JSON, a step and a variant, with what that step took."""
    sys.path.insert(0, checkout)
    import torch

    variants = {}
    for line in sys.stdin:
        step, variant = json.loads(line)
        name = json.dumps(variant)
        variants[name] = variants.get(name) or prepared(**variant)
        trainer, batches = variants[name]
        began = time.process_time()
        batch = batches[step]
        made = time.process_time()
        trainer.train_step(batch)
        took = time.process_time() - made
        size = sum(x.numel() * x.element_size() for x in batch.values() if isinstance(x, torch.Tensor))
        photos = len(next(iter(batch.values())))
        print(json.dumps({"step": took, "sample": (made - began) / photos, "bytes": size / photos}), flush=True)


def prepared(kind: str, settings: dict, narrow: bool, contiguous: bool) -> tuple:
    """The trainer of a variant, and its batches."""
    import torch

    try:
        from restoration.data.batches import TrainingBatches
        from restoration.data.photos import Photos
        from restoration.training import trainer as module
        from restoration.training.distributed import World
        from restoration.training.trainer import Trainer
    except ImportError:  # an older checkout, flat
        from restoration import piece as module
        from restoration.data import TrainingBatches
        from restoration.distributed import World
        from restoration.photos import Photos
        from restoration.piece import Piece as Trainer
    from restoration.config import TrainConfig

    stage, own = KINDS[kind]
    config = TrainConfig(**SHARED | own | settings, epochs=4)
    photos = read_photos(Photos, config.data, config.size)
    with patch.object(module, "widen_depthwise", lambda network: network, create=True) if narrow else patch.dict({}):
        trainer = Trainer(config, stage, 10**6, World())
    if contiguous:
        for network in (trainer.model, trainer.discriminator):
            network.to(memory_format=torch.contiguous_format)
    return trainer, TrainingBatches(photos, config, stage, 0)


@cache
def read_photos(photos_class: type, data: str, size: int):
    """The first photos of a place, decoded and kept."""
    found = photos_class.find(data, side=4 * size, budget=2 << 30)
    found = found.subset(range(min(PHOTOS, len(found))))
    for index in range(len(found)):
        found[index]
    return found


def variants_of(args: argparse.Namespace, weights: dict[str, str]) -> dict[tuple[str, ...], tuple[str, dict]]:
    """By kind, encoder, checkout and precision: the side that makes the step, and what it is told."""
    ways = [(side, precision, {}) for side in ("other", "this") for precision in ("float32", "bf16")]
    ways = [way for way in ways if args.against or way[0] == "this"]
    if args.more:
        ways += [("this", "bf16", {"narrow": True})]
        ways += [("this", precision, {"contiguous": True}) for precision in ("float32", "bf16")]
        ways += [("this", "bf16", {"freeze_stem": True})]
    found = {}
    for kind, encoder, (side, precision, how) in product(args.kinds, args.encoders, ways):
        luma = {"luma_mean": 0.5, "luma_std": 0.5} if "lite" in encoder else {}
        settings = {"encoder": encoder, "encoder_weights": weights[encoder], "precision": precision, **luma}
        settings |= {"data": args.data, "size": args.size, "batch_size": args.batch_size}
        built = {"narrow": how.get("narrow", False), "contiguous": how.get("contiguous", False)}
        settings |= {name: value for name, value in how.items() if name not in built}
        variant = {"kind": kind, "settings": settings} | built
        found[kind, encoder, side, " ".join([precision, *how])] = side, variant
    return found


def random_weights(encoder: str, folder: str) -> str:
    """A file of an encoder's weights: a step's time does not depend on what they are."""
    import segmentation_models_pytorch as smp
    from safetensors.torch import save_file

    file = f"{folder}/{encoder}.safetensors"
    save_file(smp.encoders.get_encoder(encoder, weights=None).state_dict(), file)
    return file


def show(taken: dict[tuple[str, ...], list[dict[str, float]]], batch_size: int) -> None:
    """A table; the ratio is that to the kind's first line, in the same turn."""
    print("\n| | encoder | checkout | computed in | CPU s a step | photos/s | speed | ms a sample | kB a sample |")
    print("|---|---|---|---|---:|---:|---:|---:|---:|")
    first = {}
    for names, own in taken.items():
        steps = [turn["step"] for turn in own]
        base = first.setdefault(names[0], steps)
        speed = median(theirs / ours for ours, theirs in zip(steps, base, strict=True))
        sample, size = (median(turn[name] for turn in own) for name in ("sample", "bytes"))
        cells = f"{median(steps):.3f} | {batch_size / median(steps):.1f} | {speed:.2f} | {1000 * sample:.2f}"
        print(f"| {' | '.join(names)} | {cells} | {size / 1000:.0f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", type=Path, help="another checkout (git worktree add FOLDER COMMIT)")
    parser.add_argument("--data", default="bundled", help="what train.py takes: a folder, tar shards or bundled")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--encoders", nargs="+", default=["tu-tf_efficientnet_lite2"])
    parser.add_argument("--more", action="store_true", help="also what was decided against")
    parser.add_argument("--size", type=int, default=128, help="pixels")
    parser.add_argument("--batch-size", type=int, default=12)
    parser.add_argument("--steps", type=int, default=5, help="turns")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        return serve(args.serve)
    sys.path.insert(0, str(HERE))  # runs on a fresh clone, not installed
    from restoration.precision import torch_precision

    print(f"The probe of this machine chooses {torch_precision('cpu', training=True)} for training.")
    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # CPU seconds say nothing of a GPU
    sides = {"this": Side(HERE)} | ({"other": Side(args.against.resolve())} if args.against else {})
    taken = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        variants = variants_of(args, {encoder: random_weights(encoder, folder) for encoder in args.encoders})
        for kind in args.kinds:
            own = {names: variant for names, variant in variants.items() if names[0] == kind}
            for turn, (names, (side, variant)) in product(range(args.steps + 1), own.items()):
                figures = sides[side].step(turn, variant)
                if turn:  # the first builds kernels
                    taken[names].append(figures)
    show(taken, args.batch_size)
    for side in sides.values():
        side.process.stdin.close()


if __name__ == "__main__":
    main()
