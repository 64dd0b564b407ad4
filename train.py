"""Train both stages, fold by fold, on a folder of photos.

    python train.py --folds 5 --data photos                              # everything, on this machine
    python train.py --data bundled --encoder-weights none                # a first try, on photos that are here already
    torchrun --nproc-per-node 8 train.py --data photos --name mine       # the same model sooner, on eight GPUs
    python train.py --data photos --name mine --fold 2 --stage color     # one piece, as a job of an array
    python train.py --resume runs/mine                                   # go on, or gather what an array trained
    python train.py --resume runs/mine --push-to user/name               # put it on the hub

Every setting of `restoration.config.TrainConfig` is an option as well; what is None is chosen for the device.
"""

import argparse
import dataclasses
import os
import sys
import time
import types
import typing
from pathlib import Path

from restoration.config import STAGES, TrainConfig


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and train; returns the exit status."""
    parser = _parser()
    args = parser.parse_args(argv)
    if int(os.environ.get("WORLD_SIZE", 1)) > 1 and not (args.name or args.resume):
        parser.error("give --name: several processes must agree on the run's folder.")
    from restoration.hub import push_run  # after parsing: --help and a typing error need no torch
    from restoration.results import gather
    from restoration.runs import Run
    from restoration.training import StoppedError, train

    run = Run(args.resume or args.runs / (args.name or time.strftime("%Y-%m-%d-%H%M%S")))
    settings = {field.name: getattr(args, field.name) for field in dataclasses.fields(TrainConfig)}
    try:
        config = run.config() if args.resume else TrainConfig(**settings)
        first = train(run, config, args.fold, None if args.stage == "both" else args.stage, args.track)
        if first and gather(run) and args.push_to:
            print(f"Pushed to {push_run(run.folder, args.push_to)}")
    except (ValueError, FloatingPointError, OSError) as error:
        print(f"train.py: {error}", file=sys.stderr)
        return 1
    except StoppedError as stopped:
        print(f"train.py: stopped; `python train.py --resume {run.folder}` goes on.", file=sys.stderr)
        return 128 + stopped.args[0]
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--name", help="the run's folder below --runs (default: the time)")
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--resume", type=Path, metavar="RUN", help="go on with this run; its own settings count")
    parser.add_argument("--fold", type=int, help="train this fold alone, counted from 0")
    parser.add_argument("--stage", choices=(*STAGES, "both"), default="both")
    parser.add_argument("--track", choices=("trackio",), help="mirror metrics.jsonl to a tracker")
    parser.add_argument("--push-to", metavar="USER/NAME", help="a hub repository for the finished run")
    settings = parser.add_argument_group("settings of the run")
    for field in dataclasses.fields(TrainConfig):
        _add_setting(settings, field)
    return parser


def _add_setting(group, field: dataclasses.Field) -> None:
    name, kind = "--" + field.name.replace("_", "-"), field.type
    if kind is bool:
        group.add_argument(name, action=argparse.BooleanOptionalAction, default=field.default)
    elif typing.get_origin(kind) is tuple:
        shown = " ".join(map(str, field.default))
        group.add_argument(name, nargs="+", type=int, default=field.default, metavar="N", help=f"default {shown}")
    else:
        convert = typing.get_args(kind)[0] if isinstance(kind, types.UnionType) else kind  # `int | None` reads an int
        group.add_argument(name, type=convert, default=field.default, help=f"default {field.default}")


if __name__ == "__main__":
    sys.exit(main())
