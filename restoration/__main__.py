"""The command line: `python -m restoration restore | detect | damage | evaluate | export | doctor`."""

import argparse
import io
import json
import os
import signal
import sys
import zlib
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from restoration.arguments import parser
from restoration.errors import RestorationError
from restoration.files import decoding, imaging
from restoration.folders.jobs import Job, Masks, check_free, check_masks, find_jobs
from restoration.folders.run import Facts, run
from restoration.folders.sharding import own_gpu
from restoration.inference.detection import MOST_SENSITIVE, count_marks
from restoration.inference.paper import find_inside_paper
from restoration.inference.prints import Print, extract, extract_mask
from restoration.inference.tones import is_tinted
from restoration.restored import Restoration


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, or 1 when anything went wrong."""
    args = parser().parse_args(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a name may hold letters that the terminal lacks
    try:
        return COMMANDS[args.command](args)
    except RestorationError as error:
        print(f"restoration: {imaging.shown(error)}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        if error.name.startswith("restoration"):
            raise
        print(f"restoration: {error.name} is missing: pip install 'photo-restoration[train]'.", file=sys.stderr)
        return 1
    except OSError as error:
        if error.strerror is None:  # not the system's, such as of a name too long, of a folder without permission
            raise
        where = f"{error.filename}: " if error.filename else ""
        print(f"restoration: {imaging.shown(f'{where}{error.strerror}')}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("restoration: stopped; finished photos are kept.", file=sys.stderr)
        return 130


class Piece(NamedTuple):
    """A scan, or a print cut out of one, on its way to a file of its own."""

    target: Path
    scan: imaging.Scan
    mask: np.ndarray | None  # bool (H, W); None = the damage is to be found


def _restore(args: argparse.Namespace) -> int:
    decoding.MAX_PIXELS = args.max_pixels
    jobs = find_jobs(args.input, args.output, overwrite=args.overwrite)
    check_masks(args.mask, Path(args.output), jobs)
    masks = args.mask and Masks(args.mask)
    reference = args.reference and imaging.read_photo(args.reference)
    restorer = _restorer(args)

    def read(job: Job) -> list[Piece]:
        scan = imaging.read_scan(job.source)
        prints = _find_prints(job, jobs, scan, args.overwrite) if args.split else {}
        mask = masks and _read_mask(masks(job.name), scan)
        cut = [
            Piece(file, scan.part(partial(extract, found=found)), masks and extract_mask(mask, found))
            for file, found in prints.items()
        ]
        return [*cut, Piece(job.target, scan, mask)]

    def restore(pieces: list[Piece]) -> list[tuple[Piece, Restoration]]:
        return [(piece, one(piece)) for piece in pieces]

    def one(piece: Piece) -> Restoration:
        image = piece.scan.image.convert("L") if args.recolor else piece.scan.image
        result = restorer.restore(image, piece.mask, sensitivity=args.sensitivity, fill=args.fill, reference=reference)
        return result.freshened() if args.freshen else result

    def write(job: Job, restored: list[tuple[Piece, Restoration]]) -> Facts:
        notes = []
        for (file, scan, _), result in restored:  # the whole last: where it is, the photo is done
            gray = result.gray if args.freshen else scan.own_gray(result.gray, result.mask)
            imaging.write_photo(gray if args.gray else result.image, file, scan.shown_at(result.mask))
            name = f"{file.name}: " if args.split and len(restored) > 1 else ""
            notes += [f"{name}{note}" for note in _notes(args, scan.image, result.mask)]
        if args.freshen and args.gray and scan.levels is not None:
            notes.append("its freshened tones have 8 bits.")
        width, height = scan.image.size
        damaged = sum(np.count_nonzero(found.mask) for _, found in restored[:-1] or restored) / (width * height)
        facts = {"width": width, "height": height, "damaged": round(damaged, 6), "notes": [*scan.notes, *notes]}
        return {**facts, "prints": [piece.target.name for piece, _ in restored[:-1]]} if args.split else facts

    return run(jobs, read, restore, write, args.overwrite, args.report, alone=not args.input.is_dir())


def _read_mask(file: Path, scan: imaging.Scan) -> np.ndarray:
    try:
        return imaging.read_mask(file, scan.image.size)
    except imaging.PhotoError as error:  # which may name a file of the photo's own name
        raise imaging.PhotoError(f"its mask {error}") from error


def _notes(args: argparse.Namespace, photo: Image.Image, mask: Image.Image) -> list[str]:
    """What a user may not expect of a result: a tint was kept, little or nothing was repaired, or nearly everything."""
    damaged = np.asarray(mask) > 0
    keeps_color = photo.mode == "RGB" and not args.recolor
    notes = []
    if keeps_color and not args.gray and is_tinted(photo):
        notes = ["it seems to be a gray photo on tinted paper, whose tint was kept: --recolor colors it anew."]
    if args.mask and damaged.mean() > 0.5:
        way = "where that is the sound part, invert the mask"
        return [*notes, f"the mask marks {damaged.mean():.0%} of it as damaged; {way}."]
    if damaged.any():
        return [*notes, *([] if args.mask else _found(damaged, args, "--mask repairs what you mark"))]
    done = "copied" if args.gray or keeps_color else "colored"
    if args.mask:
        return [*notes, f"the mask marks nothing, it was only {done}."]
    ways = "--mask repairs what you mark" + ", --recolor colors it anew" * (keeps_color and not args.gray and not notes)
    return [*notes, f"no damage was found, it was only {done}: {_more(args, ways)}."]


def _find_prints(job: Job, jobs: list[Job], scan: imaging.Scan, overwrite: bool) -> dict[Path, Print]:
    """The prints on a scan by the files that they go to; none where the scan is one print from edge to edge."""
    prints = find_inside_paper(np.asarray(scan.image.convert("L")))
    files = [job.target.with_stem(f"{job.target.stem}-{n}") for n in range(1, len(prints) + 1)]
    others = {other.target for other in jobs}
    for file in files:
        if file in others or (file.exists() and not overwrite):
            raise RestorationError(f"{imaging.shown(file)} would be overwritten: move it away, or give --overwrite.")
    return dict(zip(files, prints, strict=True))


def _detect(args: argparse.Namespace) -> int:
    decoding.MAX_PIXELS = args.max_pixels
    jobs = find_jobs(args.input, args.output, overwrite=args.overwrite)
    restorer = _restorer(args)

    def write(job: Job, mask: Image.Image) -> Facts:
        imaging.write_photo(mask, job.target)
        damaged = np.asarray(mask) > 0
        return {"damaged": damaged.mean(), "notes": _found(damaged, args)}

    def read(job: Job) -> Image.Image:
        return imaging.read_photo(job.source)

    def detect(photo: Image.Image) -> Image.Image:
        return restorer.detect(photo, args.sensitivity)

    return run(jobs, read, detect, write, args.overwrite, alone=not args.input.is_dir(), done_is="looked at")


def _found(damaged: np.ndarray, args: argparse.Namespace, way: str = "") -> list[str]:
    """What was found in a photo that was named itself, and in any photo that nothing was."""
    more = _more(args, way)
    if not damaged.any():
        return [f"no damage was found{'; ' * bool(more)}{more}."]
    marks = count_marks(damaged)
    return [] if args.input.is_dir() else [
        f"found {marks} mark{'s' * (marks > 1)}, {100 * damaged.mean():.2g} % of the photo{'; ' * bool(more)}{more}."
    ]  # fmt: skip


def _more(args: argparse.Namespace, way: str) -> str:
    """How to have more of a photo repaired."""
    closer = [f"--sensitivity {args.sensitivity + 1} finds more"] if args.sensitivity < MOST_SENSITIVE else []
    return ", ".join([*closer, *[way] * bool(way)])


def _damage(args: argparse.Namespace) -> int:
    from restoration.color import luma
    from restoration.masking import damage

    if args.seed < 0 or args.holes < 1:
        raise RestorationError(f"--seed {args.seed} --holes {args.holes}: give a seed of 0 or more and 1 hole or more.")
    inputs = args.output / "input"
    jobs = find_jobs(args.input, inputs, args.output, overwrite=True)

    def read(job: Job) -> tuple[Path, Image.Image]:
        below = job.target.relative_to(inputs)
        check_free((args.output / kind / below for kind in ("input", "mask", "gt")), args.overwrite)
        return job.name, imaging.read_photo(job.source).convert("RGB")

    def make(photo: tuple[Path, Image.Image]) -> tuple[Image.Image, np.ndarray, np.ndarray]:
        name, truth = photo
        rng = np.random.default_rng([args.seed, zlib.crc32(os.fsencode(name))])  # whatever lies beside it
        return truth, *damage(luma(np.asarray(truth)), rng, max_holes=args.holes)

    def write(job: Job, made: tuple[Image.Image, np.ndarray, np.ndarray]) -> Facts:
        truth, damaged, mask = made
        below = job.target.relative_to(inputs)
        imaging.write_photo(truth, args.output / "gt" / below)
        imaging.write_photo(Image.fromarray(mask).convert("L"), args.output / "mask" / below)
        imaging.write_photo(Image.fromarray(damaged), job.target)
        return {}

    return run(jobs, read, make, write, alone=not args.input.is_dir(), done_is="damaged")


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
        print(f"{name}: at most {error:.1e} from PyTorch ({TOLERANCE:.0e} is allowed)")
    return 0


def _doctor(args: argparse.Namespace) -> int:
    from restoration.doctor import facts
    from restoration.pipeline import SHIPPED_WEIGHTS

    for line in facts(args.weights or SHIPPED_WEIGHTS):
        print(line)
    return 0


def _restorer(args: argparse.Namespace):
    from restoration.inference.backends import torch_device  # loaded only where networks are needed
    from restoration.pipeline import SHIPPED_WEIGHTS, Restorer

    device = torch_device()
    if device == "cuda":
        import torch

        device = f"cuda:{own_gpu(torch.cuda.device_count())}"
    restorer = Restorer.from_pretrained(args.weights or SHIPPED_WEIGHTS, device)
    if restorer.precision == "bf16" and args.input.is_dir():
        print("restoration: in bf16, which is faster here (RESTORATION_PRECISION=float32 prevents it)", file=sys.stderr)
    return restorer


COMMANDS = {
    "restore": _restore, "detect": _detect, "damage": _damage, "evaluate": _evaluate, "export": _export,
    "doctor": _doctor,
}  # fmt: skip


def run_program() -> None:
    """Run as a process of its own."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Slurm and torchrun stop a process: keep what is done
    sys.exit(main())


if __name__ == "__main__":
    run_program()
