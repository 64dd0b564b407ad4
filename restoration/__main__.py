"""The command line: `python -m restoration restore | detect | damage | evaluate | export`."""

import argparse
import json
import os
import signal
import sys
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from restoration.errors import RestorationError
from restoration.files import decoding, imaging
from restoration.folders.jobs import Job, check_masks, find_jobs, mask_file
from restoration.folders.run import Facts, run
from restoration.folders.sharding import own_gpu
from restoration.inference.detection import MOST_SENSITIVE

KINDS = "PNG keeps every level, as TIFF, BMP and WebP do; JPEG does not"


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, or 1 when anything went wrong."""
    args = _parser().parse_args(argv)
    try:
        return args.command(args)
    except RestorationError as error:
        print(f"restoration: {imaging.shown(error)}", file=sys.stderr)
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m restoration", description="Restore damaged gray photos in color.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    restore = commands.add_parser("restore", help="repair and color a photo or a folder of photos")
    restore.add_argument("input", type=_path, metavar="IN", help="photo or folder")
    restore.add_argument("output", type=_path, metavar="OUT", help=f"photo ({KINDS}), or folder for PNGs")
    restore.add_argument("--mask", type=_path, help="PNG, white = damaged, or a folder of them with the photos' stems")
    restore.add_argument("--gray", action="store_true", help="write the repaired photo without color")
    restore.add_argument("--recolor", action="store_true", help="take color photos (sepia, say) for gray ones")
    restore.add_argument(
        "--fill",
        choices=("textured", "smooth"),
        default="textured",
        help="holes with texture from the rest of the photo, which is a guess, or smooth (default: textured)",
    )
    _add_sensitivity(restore)
    _add_weights(restore)
    restore.add_argument(
        "--report", type=_path, metavar="FILE", help="one JSON line a photo: time, damaged share, error"
    )
    _add_folder_options(restore)
    restore.set_defaults(command=_restore)

    detect = commands.add_parser("detect", help="write a mask of the damage that is found, white = damaged")
    detect.add_argument("input", type=_path, metavar="IN", help="photo or folder")
    detect.add_argument("output", type=_path, metavar="OUT_MASK", help="PNG, or folder for PNGs")
    _add_sensitivity(detect)
    _add_weights(detect)
    _add_folder_options(detect)
    detect.set_defaults(command=_detect)

    damage = commands.add_parser("damage", help="damage a folder of color photos, ready for restore and evaluate")
    damage.add_argument("input", type=_path, metavar="IN_FOLDER")
    damage.add_argument("output", type=_path, metavar="OUT_FOLDER", help="receives input/, mask/ and gt/")
    damage.add_argument("--seed", type=int, default=0, help="another one for other holes (default: 0)")
    damage.add_argument("--holes", type=int, default=1, help="most holes a photo (default: 1)")
    damage.set_defaults(command=_damage)

    evaluate = commands.add_parser("evaluate", help="compare restored photos with the truth")
    evaluate.add_argument("--pred", type=_path, required=True, help="folder of results")
    evaluate.add_argument(
        "--truth", type=_path, required=True, help="folder of true photos: same stems, same subfolders"
    )
    evaluate.add_argument("--mask", type=_path, help="folder of masks; without it only whole-photo metrics")
    evaluate.add_argument("--json", action="store_true", help="one flat JSON object instead of a table")
    evaluate.set_defaults(command=_evaluate)
    _add_export(commands)
    return parser


def _add_export(commands) -> None:
    export = commands.add_parser("export", help="write models with the graphs that OpenVINO and ONNX Runtime run")
    export.add_argument("output", type=_path, metavar="OUT", help="folder; it may be that of the weights itself")
    _add_weights(export)
    export.set_defaults(command=_export)


def _add_weights(command: argparse.ArgumentParser) -> None:
    command.add_argument("--weights", type=_name, help="folder or hub repository (default: the shipped weights)")


def _add_sensitivity(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--sensitivity",
        type=int,
        choices=range(MOST_SENSITIVE + 1),
        default=0,
        help="a higher one finds more damage, and more that is none (default: 0)",
    )


def _add_folder_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--again", action="store_true", help="of a folder, do anew what has a result in OUT")
    command.add_argument(
        "--max-pixels",
        type=_pixels,
        default=decoding.MAX_PIXELS,
        metavar="N",
        help="refuse larger photos (%(default)s)",
    )


def _name(text: str) -> str:
    if not text:  # of an unset variable; as a path it would be the folder that one is in
        raise argparse.ArgumentTypeError("the name is empty")
    return text


def _path(text: str) -> Path:
    return Path(_name(text))


def _pixels(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of pixels")
    return int(text)


def _restore(args: argparse.Namespace) -> int:
    decoding.MAX_PIXELS = args.max_pixels
    jobs = find_jobs(args.input, args.output)
    check_masks(args.mask, args.output, jobs)
    restorer = _restorer(args)

    def read(job: Job) -> tuple[imaging.Scan, np.ndarray | None]:
        scan = imaging.read_scan(job.source)
        if args.mask is None:
            return scan, None
        return scan, imaging.read_mask(mask_file(args.mask, job.source, args.input), scan.image.size)

    def restore(photo: tuple[imaging.Scan, np.ndarray | None]):
        scan, mask = photo
        image = scan.image.convert("L") if args.recolor else scan.image
        return scan, restorer.restore(image, mask, sensitivity=args.sensitivity, fill=args.fill)

    def write(job: Job, restored: tuple) -> Facts:
        scan, result = restored
        image = scan.own_gray(result.gray, result.mask) if args.gray else result.image
        imaging.write_photo(image, job.target, scan)
        damaged = np.count_nonzero(result.mask)
        notes = list(scan.notes)
        if args.mask is None and not damaged:
            done = "copied" if args.gray or (scan.image.mode == "RGB" and not args.recolor) else "colored"
            notes.append(f"no damage was found, it was only {done}; give --mask where it should be repaired.")
        width, height = image.size
        return {"width": width, "height": height, "damaged": round(damaged / (width * height), 6), "notes": notes}

    return run(jobs, read, restore, write, args.again, args.report, alone=not args.input.is_dir())


def _detect(args: argparse.Namespace) -> int:
    decoding.MAX_PIXELS = args.max_pixels
    jobs = find_jobs(args.input, args.output)
    restorer = _restorer(args)

    def write(job: Job, mask: Image.Image) -> Facts:
        imaging.write_photo(mask, job.target)
        return {}

    def read(job: Job) -> Image.Image:
        return imaging.read_photo(job.source)

    def detect(photo: Image.Image) -> Image.Image:
        return restorer.detect(photo, args.sensitivity)

    return run(jobs, read, detect, write, args.again, alone=not args.input.is_dir())


def _damage(args: argparse.Namespace) -> int:
    from restoration.color import luma
    from restoration.masking import damage

    if args.seed < 0 or args.holes < 1:
        raise RestorationError(f"--seed {args.seed} --holes {args.holes}: give a seed of 0 or more and 1 hole or more.")
    inputs = args.output / "input"
    jobs = find_jobs(args.input, inputs, args.output)

    def read(job: Job) -> tuple[Path, Image.Image]:
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

    return run(jobs, read, make, write, alone=not args.input.is_dir())


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


def _restorer(args: argparse.Namespace):
    from restoration.inference.backends import torch_device  # loaded only where networks are needed
    from restoration.pipeline import SHIPPED_WEIGHTS, Restorer

    device = torch_device()
    if device == "cuda":
        import torch

        device = f"cuda:{own_gpu(torch.cuda.device_count())}"
    return Restorer.from_pretrained(args.weights or SHIPPED_WEIGHTS, device)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Slurm and torchrun stop a process: keep what is done
    sys.exit(main())
