"""Train the networks that ship, to a deadline: `python scripts/weights/recipe.py --data DIR --minutes N`.

Each part of the recipe gets its share of the minutes: in one lane after the other, or with `--lanes 2` in two programs
side by side, so that one's start and validation fill the other's pauses. The photos are read once per lane. The same
command resumes a stopped one; parts that had begun keep their minutes. `--parts detect color` trains these
alone. OUT gets the weights after each part's last step, in hub layout, with graphs for CPUs.
"""

import argparse
import dataclasses
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # runs on a fresh clone, not installed

from restoration import machine
from restoration.checkpoint import load_model, load_state, save_model
from restoration.config import MODEL_WEIGHTS, Stage, TrainConfig
from restoration.data import splits
from restoration.data.sources import read_names
from restoration.inference.export import export
from restoration.reports.results import gather
from restoration.training.distributed import World
from restoration.training.loop import StoppedError, train
from restoration.training.runs import STATE, Run

HELD_OUT = ("heldout.tsv", "people.tsv", "people_colors.tsv")  # lists in benchmarks/ of photos that no part may see
SHARED = {
    "encoder": "tu-tf_efficientnet_lite2", "luma_mean": 0.5, "luma_std": 0.5, "folds": 1, "epochs": 3,
    "warmup": 0.03, "inpaint_gan_weight": 0.0, "color_gan_weight": 0.0, "emphasis": "people",
}  # fmt: skip
FILLING = {  # the metrics themselves in the loss, and a discriminator, without which large holes become blurry
    "hole_weight": 1.2, "log_error_weight": 0.35, "ssim_weight": 0.5, "max_holes": 4, "max_area": 0.35, "wear": 0.2,
    "hint_dropout": 0.3, "damage_weight": 0.5,
    "inpaint_gan_weight": 0.25, "inpaint_feature_weight": 0.6, "gan_start": 0.4,
}  # fmt: skip
FINDING = {  # only the damage map, mostly on worn prints, with extra weight on false alarms
    "hole_weight": 0.0, "known_weight": 0.0, "ssim_weight": 0.0, "damage_weight": 1.0, "hint_dropout": 1.0,
    "overlap_weight": 0.3, "wear": 0.8, "max_area": 0.45, "false_alarm_weight": 4.0,
}  # fmt: skip
COLORING = {"min_scale": 0.4, "filled_share": 0.15, "freeze_stem": True}
CPU_SIZE, CPU_BATCHES = 0.8, 8  # of the sides of crops on a GPU, those on a CPU; how many times smaller its batches are
PER_PART = 0.15  # minutes that a part's start and report take


@dataclass(frozen=True)
class Part:
    """One network. Its name is that of its run and of its folder among the weights."""

    name: str
    stage: Stage
    minutes: float  # of twelve on a GPU, the other lane beside it
    lane: int
    size: int
    batch_size: int
    learning_rate: float
    settings: dict = field(default_factory=dict)
    start: str | None = None  # the part whose weights it starts from; None: an ImageNet encoder


PARTS = (
    Part("inpaint", "inpaint", 7, 0, 192, 128, 1e-3, FILLING),
    Part("detect", "inpaint", 4, 0, 256, 64, 7e-4, FINDING, "inpaint"),
    Part("color", "color", 11, 1, 192, 128, 1.5e-3, COLORING),
)  # fmt: skip


def main(argv: list[str] | None = None) -> int:
    args = _arguments(argv)
    chosen = [part for part in PARTS if part.name in args.parts]
    lanes = [[part for part in chosen if args.lanes == 1 or part.lane == lane] for lane in range(args.lanes)]
    if args.lane is not None:
        return _train_lane(lanes[args.lane], lanes, args)
    _note_held_out(args)
    words = [sys.executable, __file__, *(sys.argv[1:] if argv is None else argv)]
    others = [subprocess.Popen([*words, "--lane", str(lane)]) for lane in range(1, args.lanes)]
    try:
        status = _train_lane(lanes[0], lanes, args)
        statuses = [status, *(other.wait() for other in others)]
    finally:
        for other in others:
            other.terminate()
    if any(statuses):
        return max(statuses)
    if all((args.out / name / MODEL_WEIGHTS).exists() for name in ("inpaint", "color")):
        export(args.out, args.out)
    print(f"The weights are in {args.out}: {', '.join(sorted(part.name for part in chosen))}.")
    return 0


def _note_held_out(args: argparse.Namespace) -> None:
    names = set().union(*(read_names(Path(__file__).parents[2] / "benchmarks" / name) for name in HELD_OUT))
    args.runs.mkdir(parents=True, exist_ok=True)
    (args.runs / "held-out.txt").write_text("\n".join(sorted(names)))


def _train_lane(lane: list[Part], lanes: list[list[Part]], args: argparse.Namespace) -> int:
    """Train the lane's parts in turn, at the pace at which the fullest lane finishes in time."""
    began = time.monotonic()
    unfinished = [part for part in lane if not _last(args, part.name, part.stage).exists()]
    configs = {part.name: _config(part, args, 1.0) for part in unfinished}
    if not unfinished:
        return 0
    sizes = {name: max(getattr(c, name) for c in configs.values()) for name in ("size", "validation_size")}
    usable = splits.find(dataclasses.replace(configs[unfinished[0].name], **sizes))
    left = args.minutes - (time.monotonic() - began) / 60
    share = left / max(sum(part.minutes for part in each) for each in lanes)
    for part in unfinished:
        run = Run(args.runs / part.name)
        _wait_for(part, lanes, args)
        config = run.config() if run.exists else _config(part, args, max(PER_PART, share * part.minutes - PER_PART))
        try:
            train(run, config, 0, (part.stage,), usable=usable)
        except StoppedError as stopped:
            print(f"{part.name} is stopped; run the same command to continue.", file=sys.stderr)
            return 128 + stopped.args[0]
        gather(run, (part.stage,))
        _keep(run, part, args)
    return 0


def _config(part: Part, args: argparse.Namespace, minutes: float) -> TrainConfig:
    on_gpu, size, batch = World().gpu_gib is not None, part.size, part.batch_size
    if not on_gpu:
        size, batch = 32 * max(1, round(CPU_SIZE * size / 32)), max(8, batch // CPU_BATCHES)
    start = part.start and args.runs / part.start / "last"
    settings = SHARED | part.settings | {
        "data": args.data, "exclude": str(args.runs / "held-out.txt"), "encoder_weights": args.encoder_weights,
        "minutes": minutes, "discriminator": "patch" if args.encoder_weights == "none" else "projected",
        "size": size, "validation_size": max(256, size) if on_gpu else size, "batch_size": batch,
        "learning_rate": part.learning_rate if on_gpu else min(1e-3, part.learning_rate),
        "init": str(start) if start and (part.start in args.parts or start.exists()) else None,
        "wear_shapes": args.shapes,
        "workers": max(1, machine.cores() // args.lanes - 1) if on_gpu else 1,
    }  # fmt: skip
    return TrainConfig(**settings, precision=args.precision)


def _wait_for(part: Part, lanes: list[list[Part]], args: argparse.Namespace) -> None:
    """Wait until the part that this one starts from is trained, if another lane does that."""
    parent = os.getppid()
    for other in (other for lane in lanes for other in lane if other.name == part.start):
        while not _last(args, other.name, other.stage).exists():
            if args.lane and os.getppid() != parent:
                sys.exit(f"{part.name} has nothing to start from: {other.name} was stopped.")
            time.sleep(1)


def _last(args: argparse.Namespace, name: str, stage: Stage) -> Path:
    """The weights after a part's last step, where `init` finds them."""
    return args.runs / name / "last" / stage / MODEL_WEIGHTS


def _keep(run: Run, part: Part, args: argparse.Namespace) -> None:
    """Keep the averaged weights after the last step: a GAN's best epoch by PSNR is its first."""
    piece = run.piece(0, part.stage)
    (config, _), tensors = load_model(piece), load_state(piece / STATE)["ema"]
    for folder in (args.out / part.name, _last(args, part.name, part.stage).parent):
        save_model(config, tensors, folder)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [part.name for part in PARTS]
    parser.add_argument("--data", required=True, help="folder of photos or tar shards")
    parser.add_argument("--minutes", type=float, required=True, help="for all parts together")
    parser.add_argument("--lanes", type=int, choices=(1, 2), default=1, help="programs side by side (default: 1)")
    parser.add_argument("--parts", nargs="+", choices=names, default=names, help="default: all")
    parser.add_argument("--shapes", help="folder or tar of shapes of real damage, to be drawn too")
    parser.add_argument("--encoder-weights", default="imagenet", help="imagenet, none, or a safetensors file")
    parser.add_argument("--precision", choices=("bf16", "float32"), help="default: what is faster here")
    parser.add_argument("--runs", type=Path, default=Path("runs/weights"))
    parser.add_argument("--out", type=Path, help="folder for the weights (default: RUNS/out)")
    parser.add_argument("--lane", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    args.out = args.out or args.runs / "out"
    if not args.minutes > 0:
        parser.error("--minutes must be above 0.")
    return args


if __name__ == "__main__":
    sys.exit(main())
