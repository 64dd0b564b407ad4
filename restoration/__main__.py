"""The command line: `python -m restoration restore | detect | damage | evaluate | export`."""

import argparse
import json
import os
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from restoration import imaging

Job = tuple[Path, Path]  # a photo and the file that its result goes to
KINDS = "PNG keeps every level, as TIFF, BMP and WebP do; JPEG does not"


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, or 1 when anything went wrong."""
    args = _parser().parse_args(argv)
    try:
        return args.command(args)
    except ValueError as error:  # ours: each says in one sentence what to do
        print(f"restoration: {error}", file=sys.stderr)
        return 1
    except OSError as error:  # a name too long, a folder without permission
        where = f"{error.filename}: " if error.filename else ""
        print(f"restoration: {where}{error.strerror or error}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("restoration: stopped; finished photos are kept.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m restoration", description="Restore damaged gray photos in colour.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    restore = commands.add_parser("restore", help="repair and colour a photo or a folder of photos")
    restore.add_argument("input", type=Path, metavar="IN", help="photo or folder")
    restore.add_argument("output", type=Path, metavar="OUT", help=f"photo ({KINDS}), or folder for PNGs")
    restore.add_argument("--mask", type=Path, help="PNG, white = damaged, or a folder of them with the photos' stems")
    restore.add_argument("--gray", action="store_true", help="write the repaired photo without colour")
    restore.add_argument("--recolor", action="store_true", help="take colour photos (sepia, say) for gray ones")
    restore.add_argument("--weights", default=None, help="folder or hub repository (default: the shipped weights)")
    restore.set_defaults(command=_restore)

    detect = commands.add_parser("detect", help="write a mask of the damage that is found, white = damaged")
    detect.add_argument("input", type=Path, metavar="IN", help="photo or folder")
    detect.add_argument("output", type=Path, metavar="OUT_MASK", help="PNG, or folder for PNGs")
    detect.add_argument("--weights", default=None, help="folder or hub repository (default: the shipped weights)")
    detect.set_defaults(command=_detect)

    damage = commands.add_parser("damage", help="damage a folder of colour photos, ready for restore and evaluate")
    damage.add_argument("input", type=Path, metavar="IN_FOLDER")
    damage.add_argument("output", type=Path, metavar="OUT_FOLDER", help="receives input/, mask/ and gt/")
    damage.add_argument("--seed", type=int, default=0, help="another one for other holes (default: 0)")
    damage.add_argument("--holes", type=int, default=1, help="most holes a photo (default: 1)")
    damage.set_defaults(command=_damage)

    evaluate = commands.add_parser("evaluate", help="compare restored photos with the truth")
    evaluate.add_argument("--pred", type=Path, required=True, help="folder of results")
    evaluate.add_argument(
        "--truth", type=Path, required=True, help="folder of true photos: same stems, same subfolders"
    )
    evaluate.add_argument("--mask", type=Path, help="folder of masks; without it only whole-photo metrics")
    evaluate.add_argument("--json", action="store_true", help="one flat JSON object instead of a table")
    evaluate.set_defaults(command=_evaluate)
    _add_export(commands)
    return parser


def _add_export(commands) -> None:
    export = commands.add_parser("export", help="write models with the graphs that OpenVINO and ONNX Runtime run")
    export.add_argument("output", type=Path, metavar="OUT", help="folder; it may be that of the weights itself")
    export.add_argument("--weights", default=None, help="folder or hub repository (default: the shipped weights)")
    export.set_defaults(command=_export)


def _restore(args: argparse.Namespace) -> int:
    jobs = _jobs(args.input, args.output)
    restorer = _restorer(args.weights)

    def restore(source: Path, target: Path) -> None:
        photo = imaging.read_photo(source)
        mask = None
        if args.mask is not None:
            mask = Image.fromarray(imaging.read_mask(_mask_file(args.mask, source, args.input), photo.size))
        photo = photo.convert("L") if args.recolor else photo
        result = restorer.restore(photo, mask)
        imaging.write_photo(result.gray if args.gray else result.image, target)
        if mask is None and not result.mask.getbbox():
            done = "copied" if args.gray or photo.mode == "RGB" else "coloured"
            note = f"no damage was found, it was only {done}; give --mask where it should be repaired."
            tqdm.write(f"{source}: {note}", file=sys.stderr)  # print would break the bar

    return _each(restore, jobs)


def _detect(args: argparse.Namespace) -> int:
    jobs = _jobs(args.input, args.output)
    restorer = _restorer(args.weights)

    def detect(source: Path, target: Path) -> None:
        imaging.write_photo(restorer.detect(imaging.read_photo(source)), target)

    return _each(detect, jobs)


def _damage(args: argparse.Namespace) -> int:
    from restoration.color import luma
    from restoration.masking import damage

    if args.seed < 0 or args.holes < 1:
        raise ValueError(f"--seed {args.seed} --holes {args.holes}: give a seed of 0 or more and 1 hole or more.")
    inputs = args.output / "input"
    jobs = _jobs(args.input, inputs, args.output)

    def damage_one(source: Path, target: Path) -> None:
        truth = imaging.read_photo(source).convert("RGB")
        name = source.relative_to(args.input) if args.input.is_dir() else source.name
        rng = np.random.default_rng([args.seed, zlib.crc32(os.fsencode(name))])  # whatever lies beside it
        damaged, mask = damage(luma(np.asarray(truth)), rng, max_holes=args.holes)
        below = target.relative_to(inputs)
        imaging.write_photo(truth, args.output / "gt" / below)
        imaging.write_photo(Image.fromarray(mask).convert("L"), args.output / "mask" / below)
        imaging.write_photo(Image.fromarray(damaged), target)

    return _each(damage_one, jobs)


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
    from restoration.export import TOLERANCE, export
    from restoration.pipeline import SHIPPED_WEIGHTS

    for name, error in export(args.weights or SHIPPED_WEIGHTS, args.output).items():
        print(f"{name}: at most {error:.1e} from PyTorch ({TOLERANCE:.0e} is allowed)")
    return 0


def _restorer(weights: str | None):
    from restoration.pipeline import SHIPPED_WEIGHTS, Restorer  # torch is loaded only where it is needed

    return Restorer.from_pretrained(weights or SHIPPED_WEIGHTS)


def _jobs(source: Path, target: Path, results: Path | None = None) -> list[Job]:
    """What to read and what to write: one photo, or all below a folder, as PNGs in the same subfolders.

    `results` is the folder that all results go to, where that is more than `target`.
    """
    if not source.exists():
        raise imaging.PhotoError(f"{source} does not exist: name a photo or a folder of photos.")
    if source.is_file():
        return [(source, _target(source, target))]
    root, results = source.resolve(), results or target
    if results.is_file():
        raise imaging.PhotoError(f"{results} is a file: name a folder for the results.")
    if results.resolve() in (root, *root.parents):
        raise imaging.PhotoError(f"{results} is the input itself or holds it: name another place for the results.")
    names = [photo.relative_to(source) for photo in imaging.find_photos(source)]
    names = [name for name in names if results.resolve() not in (root / name).parents]  # none of an earlier run
    if not names:
        raise imaging.PhotoError(f"{source} holds no photos: name a folder of PNG, JPEG, TIFF or WebP files.")
    return [(source / name, (target / name).with_suffix(".png")) for name in names]


def _target(source: Path, target: Path) -> Path:
    """The file for one photo's result, which may be given as a folder."""
    if target.is_dir() or not target.suffix:
        target = target / f"{source.stem}.png"
    if source.resolve() == target.resolve():
        raise imaging.PhotoError(f"{target} is the input itself: name another place for the result.")
    imaging.check_ending(target)
    return target


def _each(work: Callable[[Path, Path], None], jobs: list[Job]) -> int:
    """Do every job; a photo that fails does not stop the others and is named at the end."""
    problems = []
    for source, target, twin in _with_twins(jobs):
        try:
            if twin is not None:
                raise imaging.PhotoError(f"its result would overwrite that of {twin.name}: rename one of them.")
            work(source, target)
        except (ValueError, OSError) as error:
            problems.append(f"{source}: {error}")
    for problem in problems:
        print(f"restoration: {problem}", file=sys.stderr)
    if len(jobs) > 1 and problems:
        print(f"restoration: {len(problems)} of {len(jobs)} photos failed.", file=sys.stderr)
    return 1 if problems else 0


def _with_twins(jobs: list[Job]) -> Iterator[tuple[Path, Path, Path | None]]:
    """Each job with an earlier photo of the same target, if there is one; a progress bar for several."""
    first: dict[Path, Path] = {}
    for source, target in tqdm(jobs, unit="photo", disable=len(jobs) == 1 or None):
        twin = first.setdefault(target, source)
        yield source, target, None if twin == source else twin


def _mask_file(mask: Path, source: Path, root: Path) -> Path:
    """The mask of a photo: the file itself, or the one of the same stem, in the same subfolder, of a folder."""
    if not mask.is_dir():
        return mask
    name = (source.relative_to(root) if root.is_dir() else Path(source.name)).with_suffix(".png")
    if not (mask / name).is_file():
        raise imaging.PhotoError(f"{mask} holds no {name}: add it, or leave --mask out to have the damage found.")
    return mask / name


if __name__ == "__main__":
    sys.exit(main())
