"""The commands that use the networks, restore and detect: from files to files."""

import argparse
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from restoration.cli.notes import notes_on_found, notes_on_result
from restoration.errors import RestorationError
from restoration.files import decoding, imaging
from restoration.folders.jobs import Job, Masks, check_masks, find_jobs
from restoration.folders.run import Facts, run
from restoration.folders.sharding import own_gpu
from restoration.inference.paper import find_inside_paper
from restoration.inference.prints import Print, extract
from restoration.result import Restoration

DOUBTFUL = 2  # the sensitivity from which about half of what is found on a real print is not damage


class Piece(NamedTuple):
    """A scan, or a print cut out of one, with the file it is written to."""

    target: Path
    scan: imaging.Scan
    mask: np.ndarray | None  # bool (H, W); None = detect the damage


def restore(args: argparse.Namespace) -> int:
    """Restore a photo, or a folder of them; returns the exit status."""
    decoding.MAX_PIXELS = args.max_pixels
    jobs = find_jobs(args.input, args.output, overwrite=args.overwrite)
    check_masks(args.mask, Path(args.output), jobs, args.overwrite)
    steps = Restoring(args, {job.target for job in jobs})
    place = args.output if args.input.is_dir() else None
    status = run(jobs, steps.read, steps.work, steps.write, place, args.overwrite, args.report)
    _warn_of_false_marks(args)
    return status


class Restoring:
    """The steps for one photo and, with --split, the prints on it."""

    def __init__(self, args: argparse.Namespace, targets: set[Path]):
        """`targets`: the result files of all photos, which no print may overwrite."""
        self.args, self.targets = args, targets
        self.masks = args.mask and Masks(args.mask)
        self.reference = args.reference and imaging.read_reference(args.reference)
        self.restorer = _restorer(args)

    def read(self, job: Job) -> list[Piece]:
        """The prints on a scan, and last the scan."""
        scan = imaging.read_scan(job.source)
        prints = self._find_prints(job.target, scan) if self.args.split else {}
        mask = self.masks and _read_mask(self.masks(job.name), scan)
        cut = [
            Piece(file, scan.part(partial(extract, found=found)), self.masks and _mask_of(found, mask))
            for file, found in prints.items()
        ]
        return [*cut, Piece(job.target, scan, mask)]

    def work(self, pieces: list[Piece]) -> list[tuple[Piece, Restoration]]:
        """Each piece with its restoration."""
        return [(piece, self._restored(piece)) for piece in pieces]

    def write(self, job: Job, restored: list[tuple[Piece, Restoration]]) -> Facts:
        """Write every piece, the scan last: once its file exists, the photo is done."""
        for piece, result in restored:
            self._write(piece, result)
        *prints, (whole, _) = restored
        width, height = whole.scan.image.size
        damaged = sum(np.count_nonzero(result.mask) for _, result in prints or restored) / (width * height)
        notes = [*whole.scan.notes, *self._notes(restored)]
        facts = {"width": width, "height": height, "damaged": round(damaged, 6), "notes": notes}
        if self.args.split:
            facts["prints"] = [piece.target.name for piece, _ in prints]
        return facts

    def _notes(self, restored: list[tuple[Piece, Restoration]]) -> Iterator[str]:
        args, scan = self.args, restored[-1][0].scan
        for piece, result in restored:
            name = f"{piece.target.name}: " if len(restored) > 1 else ""
            yield from (f"{name}{note}" for note in notes_on_result(args, scan.image, result.mask))
        if args.freshen and args.gray and scan.levels is not None:
            yield "the freshened tones are 8-bit."
        if args.split and len(restored) == 1:
            yield "no print with paper around it was found, so nothing was cut out."

    def _find_prints(self, target: Path, scan: imaging.Scan) -> dict[Path, Print]:
        """The prints on a scan by their result files; none if the scan is one print from edge to edge."""
        prints = find_inside_paper(np.asarray(scan.image.convert("L")))
        files = [target.with_stem(f"{target.stem}-{n}") for n in range(1, len(prints) + 1)]
        may_be_there = self.args.overwrite or self.args.input.is_dir()  # there it is of a scan that was not finished
        for file in files:
            if file in self.targets or (file.exists() and not may_be_there):
                raise RestorationError(f"{imaging.printable(file)} would be overwritten; move it or use --overwrite.")
        return dict(zip(files, prints, strict=True))

    def _restored(self, piece: Piece) -> Restoration:
        args = self.args
        image = piece.scan.image.convert("L") if args.recolor else piece.scan.image
        settings = {"sensitivity": args.sensitivity, "fill": args.fill, "reference": self.reference}
        result = self.restorer.restore(image, piece.mask, **settings)
        return result.freshened() if args.freshen else result

    def _write(self, piece: Piece, result: Restoration) -> None:
        gray = result.gray if self.args.freshen else piece.scan.own_gray(result.gray, result.mask)
        image = gray if self.args.gray else result.image
        imaging.write_photo(image, piece.target, piece.scan.shown_at(result.mask))


def _read_mask(file: Path, scan: imaging.Scan) -> np.ndarray:
    try:
        return imaging.read_mask(file, scan.image.size)
    except imaging.PhotoError as error:  # the mask may have the same name as the photo
        raise imaging.PhotoError(f"its mask {error}") from error


def _mask_of(found: Print, mask: np.ndarray) -> np.ndarray:
    """The mask of a print on a scan; empty if it covers the whole print, which could not be restored."""
    cut = found.cut(mask)
    return np.zeros_like(cut) if cut.all() else cut


def detect(args: argparse.Namespace) -> int:
    """Write the damage mask of a photo, or of each in a folder; returns the exit status."""
    decoding.MAX_PIXELS = args.max_pixels
    jobs = find_jobs(args.input, args.output, overwrite=args.overwrite)
    restorer = _restorer(args)

    def write(job: Job, mask: Image.Image) -> Facts:
        imaging.write_photo(mask, job.target)
        damaged = np.asarray(mask) > 0
        return {"damaged": damaged.mean(), "notes": notes_on_found(args, damaged)}

    read, find = lambda job: imaging.read_photo(job.source), lambda photo: restorer.detect(photo, args.sensitivity)
    place = args.output if args.input.is_dir() else None
    status = run(jobs, read, find, write, place, args.overwrite, done_is="looked at")
    _warn_of_false_marks(args)
    return status


def _warn_of_false_marks(args: argparse.Namespace) -> None:
    if args.sensitivity < DOUBTFUL or (args.command == "restore" and args.mask):
        return
    way = "check the mask, especially in faces, before using it"
    if args.command == "restore":
        way = f"check the mask that detect --sensitivity {args.sensitivity} writes, especially in faces"
    kinds = "eyes, jewelry or lights may be marked too"
    print(f"restoration: at --sensitivity {args.sensitivity}, {kinds}; {way}.", file=sys.stderr)


def _restorer(args: argparse.Namespace):
    from restoration.inference.backends import torch_device  # loaded only if networks are needed
    from restoration.pipeline import SHIPPED_WEIGHTS, Restorer

    device = torch_device()
    if device == "cuda":
        import torch

        device = f"cuda:{own_gpu(torch.cuda.device_count())}"
    restorer = Restorer.from_pretrained(args.weights or SHIPPED_WEIGHTS, device)
    if restorer.precision == "bf16" and args.input.is_dir():
        print("restoration: using bf16, faster here (RESTORATION_PRECISION=float32 turns it off)", file=sys.stderr)
    return restorer
