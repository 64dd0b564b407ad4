"""Train both networks, fold by fold, on a folder of photos.

    python train.py --folds 5 --data photos                              # five folds of both networks
    python train.py --data bundled --encoder-weights none                # a first try, on photos that are already here
    python train.py --data photos --folds 1 --minutes 30                 # both networks, in half an hour
    torchrun --nproc-per-node 8 train.py --data photos --name mine       # the same model sooner, on eight GPUs
    python train.py --data photos --name mine --fold 2 --stage color     # one piece: one job of an array
    python train.py --resume runs/mine                                   # continue; or collect what an array trained
    python train.py --resume runs/mine --data elsewhere                  # continue; the photos were moved
    python train.py --resume runs/mine --push-to user/name               # publish it on the hub

Every setting of a run (`restoration.config.TrainConfig`) is an option, too.
"""

import argparse
import dataclasses
import io
import os
import signal
import sys
import time
import types
import typing
import warnings
from pathlib import Path

from restoration.config import CHOSEN, STAGES, TrainConfig
from restoration.errors import RestorationError
from restoration.files.imaging import printable

PLACES = "data", "exclude", "init", "encoder_weights"  # settings that may change when a run is resumed


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and train; returns the exit status."""
    parser = _parser()
    args = parser.parse_args(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a name may hold letters that the terminal cannot show
    settings = {f.name: getattr(args, f.name) for f in dataclasses.fields(TrainConfig) if f.name in args}
    _check(parser, args, settings)
    try:  # after parsing: --help and usage errors need no torch
        from restoration.reports.hub import check_target, push_run
        from restoration.reports.results import gather
        from restoration.training.loop import StoppedError, train
        from restoration.training.runs import Run
    except ModuleNotFoundError as error:
        print(f"train.py: {error.name} is missing: pip install -r requirements.txt.", file=sys.stderr)
        return 1

    name = args.name or time.strftime("%Y-%m-%d-%H%M%S")
    run = Run(args.resume, settings) if args.resume else Run(args.runs / name)
    try:
        config = run.config() if args.resume else TrainConfig(**settings)
        if args.push_to:
            check_target(args.push_to)
        stages = (args.stage,) if args.stage in STAGES else run.stages() if args.resume and not args.stage else STAGES
        first = train(run, config, args.fold, stages)
        is_whole = first and gather(run, stages)
        if is_whole and args.push_to:
            print(f"Pushed to {push_run(run.folder, args.push_to, args.private)}")
    except (StoppedError, KeyboardInterrupt) as stopped:
        return _ended(run, "stopped", 128 + (stopped.args[0] if stopped.args else signal.SIGINT))
    except OSError as error:
        return _ended(run, str(error), 1)
    except (RestorationError, FloatingPointError) as error:
        sentence = str(error).rpartition(f"{type(error).__name__}: ")[2].strip()  # after a data worker's traceback
        print(f"train.py: {printable(sentence)}", file=sys.stderr)
        return 1
    return 0


def _check(parser: argparse.ArgumentParser, args: argparse.Namespace, settings: dict) -> None:
    """Exit if a run's name is missing, invalid, or given together with --resume."""
    if int(os.environ.get("WORLD_SIZE", 1)) > 1 and not (args.name or args.resume):
        parser.error("--name is required: several processes must agree on the run's folder.")
    if args.name and (Path(args.name).name != args.name or args.name == ".."):
        parser.error("--name is a single folder below --runs: no slashes.")
    own = [name for name in settings if name not in PLACES]
    if args.name:
        own.append("name")
    if args.resume and own:
        parser.error(f"--{own[0].replace('_', '-')} with --resume: a run keeps its own settings.")


def _ended(run, reason: str, status: int) -> int:
    """Print why the program ends and how to continue the run."""
    way = f"; continue with `python train.py --resume {run.folder}`." if run.exists else "."
    print(f"train.py: {printable(reason.rstrip('.'))}{way}", file=sys.stderr)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        usage="%(prog)s [options]", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--name", help="name of the run's folder below --runs (default: the time)")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder of all runs (default: runs)")
    parser.add_argument("--resume", type=Path, metavar="RUN", help="folder of a run to continue, with its own settings")
    parser.add_argument("--fold", type=int, help="train this fold alone, counted from 0")
    whole = "which networks to train (default: both, or with --resume those of the run)"
    parser.add_argument("--stage", choices=(*STAGES, "both"), help=whole)
    parser.add_argument("--push-to", metavar="USER/NAME", help="a hub repository for the finished run")
    parser.add_argument("--private", action="store_true", help="with --push-to: make a private repository")
    group = parser
    for field in dataclasses.fields(TrainConfig):
        if field.metadata["group"]:
            group = parser.add_argument_group(f"settings: {field.metadata['group']}")
        _add_setting(group, field)
    return parser


def _add_setting(group, field: dataclasses.Field) -> None:
    name, kind, meaning = "--" + field.name.replace("_", "-"), field.type, field.metadata["help"]
    default = " ".join(map(str, field.default)) if isinstance(field.default, tuple) else field.default
    if field.default is not None:
        meaning += f" (default: {default})"
    elif field.name in CHOSEN and "default" not in meaning:
        meaning += " (default: by device)"
    shared = {"default": argparse.SUPPRESS, "help": meaning.replace("%", "%%")}
    if kind is bool:
        group.add_argument(name, action=argparse.BooleanOptionalAction, **shared)
    elif typing.get_origin(kind) is tuple:
        group.add_argument(name, nargs="+", type=int, metavar="N", **shared)
    else:
        convert = typing.get_args(kind)[0] if isinstance(kind, types.UnionType) else kind  # `int | None` reads an int
        group.add_argument(name, type=convert, metavar={int: "N", float: "X"}.get(convert, "NAME"), **shared)


if __name__ == "__main__":
    warnings.filterwarnings("ignore", module="PIL")  # of large photos and broken EXIF: our own limits decide
    sys.exit(main())
