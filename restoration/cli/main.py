"""The command line's entry point, and its commands damage, evaluate, export and doctor."""

import argparse
import io
import json
import os
import signal
import sys
import warnings
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from restoration.cli.arguments import parser
from restoration.cli.restoring import detect, restore
from restoration.errors import RestorationError
from restoration.files import imaging
from restoration.folders.jobs import Job, check_free, find_jobs
from restoration.folders.run import Facts, run


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, or 1 when anything went wrong."""
    args = parser().parse_args(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a name may hold letters that the terminal cannot show
    try:
        return COMMANDS[args.command](args)
    except RestorationError as error:
        said = error
    except ModuleNotFoundError as error:
        if error.name.startswith("restoration"):
            raise
        extra = "export" if error.name == "onnx" else "train"
        said = f"{error.name} is missing: in the project's folder, pip install '.[{extra}]'."
    except OSError as error:
        if error.strerror is None:  # not from the system, such as a name that is too long
            raise
        said = f"{error.filename}: {error.strerror}." if error.filename else f"{error.strerror}."
    except KeyboardInterrupt:
        print("restoration: stopped; finished photos are kept.", file=sys.stderr)
        return 130
    print(f"restoration: {imaging.printable(said)}", file=sys.stderr)
    return 1


def _damage(args: argparse.Namespace) -> int:
    from restoration.color import luma
    from restoration.masking import damage

    if args.seed < 0 or args.holes < 1:
        raise RestorationError(f"--seed {args.seed} --holes {args.holes}: the least seed is 0, and the least holes 1.")
    inputs = args.output / "input"
    jobs = find_jobs(args.input, inputs, args.output, overwrite=True)

    def read(job: Job) -> tuple[Path, Image.Image]:
        below = job.target.relative_to(inputs)
        check_free((args.output / kind / below for kind in ("input", "mask", "gt")), args.overwrite)
        return job.name, imaging.read_photo(job.source).convert("RGB")

    def make(photo: tuple[Path, Image.Image]) -> tuple[Image.Image, np.ndarray, np.ndarray]:
        name, truth = photo
        rng = np.random.default_rng([args.seed, zlib.crc32(os.fsencode(name))])  # independent of the other photos
        return truth, *damage(luma(np.asarray(truth)), rng, max_holes=args.holes)

    def write(job: Job, made: tuple[Image.Image, np.ndarray, np.ndarray]) -> Facts:
        truth, damaged, mask = made
        below = job.target.relative_to(inputs)
        imaging.write_photo(truth, args.output / "gt" / below)
        imaging.write_photo(Image.fromarray(mask).convert("L"), args.output / "mask" / below)
        imaging.write_photo(Image.fromarray(damaged), job.target)
        return {}

    return run(jobs, read, make, write, args.output, done_is="damaged")


def _evaluate(args: argparse.Namespace) -> int:
    from restoration.evaluation import evaluate_folders

    evaluation = evaluate_folders(args.pred, args.truth, args.mask)
    if args.json:
        print(json.dumps(evaluation.as_json()))
        for problem in evaluation.problems:
            print(f"restoration: {problem}", file=sys.stderr)
    else:
        print(evaluation.as_table())
    return 1 if evaluation.problems else 0


def _export(args: argparse.Namespace) -> int:
    from restoration.inference.export import TOLERANCE, export
    from restoration.pipeline import SHIPPED_WEIGHTS

    for name, error in export(args.weights or SHIPPED_WEIGHTS, args.output).items():
        print(f"{name}: differs from PyTorch by at most {error:.1e} (limit: {TOLERANCE:.0e})")
    return 0


def _doctor(args: argparse.Namespace) -> int:
    from restoration.cli.doctor import facts
    from restoration.pipeline import SHIPPED_WEIGHTS

    for line in facts(args.weights or SHIPPED_WEIGHTS):
        print(line)
    return 0


COMMANDS = {
    "restore": restore,
    "detect": detect,
    "damage": _damage,
    "evaluate": _evaluate,
    "export": _export,
    "doctor": _doctor,
}


def run_program() -> None:
    """Run as the main program."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # sent by Slurm and torchrun: stop and keep what is done
    warnings.filterwarnings("ignore", module="PIL")  # of large photos and broken EXIF: our own limits decide
    sys.exit(main())
