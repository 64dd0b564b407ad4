"""What a command reads and writes: one photo, or all photos below a folder, and which are still to do."""

import os
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from restoration.atomic import part_stem
from restoration.files import imaging
from restoration.files.imaging import PhotoError, printable


@dataclass(frozen=True)
class Job:
    """A photo and the file that its result goes to."""

    source: Path
    target: Path
    name: Path  # the photo, relative to the input folder


def find_jobs(source: Path, target: str | Path, results: Path | None = None, *, overwrite: bool) -> list[Job]:
    """A photo, or all below a folder, to PNGs in the same subfolders: b.jpg to b.png, a.jpg beside a.tif to a.jpg.png.

    Args:
        target: a folder if one exists, if it has no extension, or if it ends with a slash; otherwise a file.
        results: the folder of all results, if that is more than `target`.
        overwrite: a single photo's result may already exist. In a folder, `split_done` skips existing results.

    Raises:
        PhotoError: there is nothing to read, or the place for the results is unsuitable.
    """
    if not source.exists():
        raise PhotoError(f"{printable(source)} does not exist; give a photo or a folder of photos.")
    if not source.is_dir():
        file = _target(source, target)
        check_free([file], overwrite)
        return [Job(source, file, Path(source.name))]
    results = results or Path(target)
    _check_place(source, target, results)
    jobs = _named(source, Path(target), _photos_below(source, results))
    if found := _met(jobs, [job.source for job in jobs]):  # through a link among the results
        raise PhotoError(f"{printable(found)} is one of the input photos; choose another folder for the results.")
    return jobs


def _check_place(source: Path, target: str | Path, results: Path) -> None:
    """Raise PhotoError if a folder's place for results is unsuitable."""
    root, place = source.resolve(), printable(results)
    if results.exists() and not results.is_dir():
        raise PhotoError(f"{place} is a file; the results need a folder.")
    is_photo = results.suffix.lower() in imaging.SUFFIXES and not str(target).endswith("/")
    if is_photo and not results.exists():
        raise PhotoError(f"{place} is a photo's name, but {printable(source)} is a folder; give a folder.")
    if results.resolve() in (root, *root.parents):
        raise PhotoError(f"{place} is or contains the input folder; choose another folder for the results.")


def _photos_below(source: Path, results: Path) -> list[Path]:
    """The photos of a folder, relative to it, without earlier results; unsupported files are reported."""
    root, own = source.resolve(), results.resolve()
    names = [photo.relative_to(source) for photo in imaging.find_files(source)]
    names = [name for name in names if own not in (root / name).parents]
    if left_out := [file for file in imaging.find_unread(source) if own not in file.resolve().parents]:
        some = f"{len(left_out)} files look like photos in unsupported formats, such as {printable(left_out[0])}"
        print(f"restoration: {some}; save them as PNG, JPEG or TIFF.", file=sys.stderr)
    if not names:
        raise PhotoError(f"{printable(source)} contains no photos; give a folder of image files.")
    return names


def _named(source: Path, target: Path, names: list[Path]) -> list[Job]:
    """Photos that share a name all keep their extensions, so that no order of adding them matters."""
    count = Counter(name.with_suffix("") for name in names) + Counter(names)
    alone = {name: count[name.with_suffix("")] == 1 for name in names}
    return [Job(source / n, target / (n.with_suffix(".png") if alone[n] else f"{n}.png"), n) for n in names]


def _met(jobs: list[Job], files: list[Path]) -> Path | None:
    """A result that would replace one of these files, even through links."""
    real = {folder: folder.resolve() for folder in {file.parent for file in (*files, *(job.target for job in jobs))}}
    kept = {real[file.parent] / file.name for file in files}
    return next((job.target for job in jobs if real[job.target.parent] / job.target.name in kept), None)


def check_masks(mask: Path | None, target: Path, jobs: list[Job], overwrite: bool) -> None:
    """Raise PhotoError if results would replace masks."""
    files = imaging.find_files(mask) if mask and mask.is_dir() and overwrite else []
    if mask and (mask.resolve() in {target.resolve(), jobs[0].target.resolve()} or _met(jobs, files)):
        raise PhotoError(f"{printable(mask)} holds the masks; choose another place for the results.")


def check_free(files: Iterable[Path], overwrite: bool) -> None:
    """Raise PhotoError if one of them exists and may not be replaced: it may be somebody's work."""
    for file in files:
        if not overwrite and os.path.lexists(file):
            raise PhotoError(f"{printable(file)} already exists; choose another name or use --overwrite.")


def _target(source: Path, target: str | Path) -> Path:
    """The file for one photo's result; `target` may be a folder."""
    is_folder, target = str(target).endswith("/"), Path(target)
    if is_folder or target.is_dir() or not target.suffix:
        target = target / f"{source.stem}.png"
    if source.resolve() == target.resolve():
        raise PhotoError(f"{printable(target)} is the input file itself; choose another name.")
    imaging.check_ending(target)
    return target


def split_done(jobs: list[Job]) -> tuple[list[Job], list[Job]]:
    """(to do, done): done jobs already have a result; partial files of killed processes are removed."""
    present: dict[Path, set[str]] = {}
    own = {part_stem(job.target) for job in jobs}
    for folder in {job.target.parent for job in jobs}:
        present[folder] = set(os.listdir(folder)) if folder.is_dir() else set()
        for name in present[folder]:
            if name.split("-")[0] in own:
                (folder / name).unlink(missing_ok=True)
    to_do = [job for job in jobs if job.target.name not in present[job.target.parent]]
    return to_do, [job for job in jobs if job.target.name in present[job.target.parent]]


class Masks:
    """The masks of a run: one file for its one photo, or a folder of them, each with its photo's name, any extension.

    A photo's mask lies in the same subfolder. Calls raise PhotoError if the folder has none, or several.
    """

    def __init__(self, place: Path):
        self.place, self._files = place, imaging.by_name(place) if place.is_dir() else None

    def __call__(self, photo: Path) -> Path:
        """The mask of a photo, given relative to the input folder."""
        if self._files is None:
            return self.place
        keys = imaging.composed(photo.as_posix()), imaging.name_key(photo)  # a.jpg.png, as `detect` may write, or a.png
        found, place = next(filter(None, map(self._files.get, keys)), []), printable(self.place)
        if not found:
            missing = f"{place} has no {printable(photo.with_suffix('.png'))}"
            raise PhotoError(f"{missing}; add it, or omit --mask to detect the damage.")
        if len(found) > 1:
            names = " and ".join(printable(file.name) for file in found)
            raise PhotoError(f"{place} has {names} for this photo; keep only one.")
        return found[0]
