"""What a command reads and what it writes: one photo, or all below a folder, and what of that is left to do."""

import os
from dataclasses import dataclass
from pathlib import Path

from restoration.atomic import part_stem
from restoration.files import imaging
from restoration.folders.sharding import Share


@dataclass(frozen=True)
class Job:
    """A photo and the file that its result goes to."""

    source: Path
    target: Path
    name: Path  # the photo, relative to the folder that was named
    twin: Path | None = None  # an earlier photo with the same target


def find_jobs(source: Path, target: Path, results: Path | None = None) -> list[Job]:
    """One photo, or all below a folder, as PNGs in the same subfolders.

    `results` is the folder that all results go to, where that is more than `target`.

    Raises:
        PhotoError: there is nothing to read, or the results would lie in a place that is not theirs.
    """
    if not source.exists():
        raise imaging.PhotoError(f"{imaging.shown(source)} does not exist: name a photo or a folder of photos.")
    if not source.is_dir():
        return [Job(source, _target(source, target), Path(source.name))]
    root, results = source.resolve(), results or target
    place = imaging.shown(results)
    if results.exists() and not results.is_dir():
        raise imaging.PhotoError(f"{place} is a file: name a folder for the results.")
    if results.resolve() in (root, *root.parents):
        raise imaging.PhotoError(f"{place} is the input itself or holds it: name another place for the results.")
    names = [photo.relative_to(source) for photo in imaging.find_photos(source)]
    names = [name for name in names if results.resolve() not in (root / name).parents]  # none of an earlier run
    if not names:
        known = "PNG, JPEG, TIFF or WebP files"
        raise imaging.PhotoError(f"{imaging.shown(source)} holds no photos: name a folder of {known}.")
    first: dict[Path, Path] = {}
    jobs = []
    for name in names:
        file = (target / name).with_suffix(".png")
        twin = first.setdefault(file, name)
        jobs.append(Job(source / name, file, name, None if twin == name else source / twin))
    _keep_originals(jobs)
    return jobs


def _keep_originals(jobs: list[Job]) -> None:
    """PhotoError where a link among the results leads back to a photo."""
    folders = {folder for job in jobs for folder in (job.source.parent, job.target.parent)}
    real = {folder: folder.resolve() for folder in folders}
    photos = {real[job.source.parent] / job.source.name for job in jobs}
    for job in jobs:
        if real[job.target.parent] / job.target.name in photos:
            place = imaging.shown(job.target)
            raise imaging.PhotoError(f"{place} is one of the photos: name another place for the results.")


def check_masks(mask: Path | None, target: Path, jobs: list[Job]) -> None:
    """PhotoError where results would take the place of masks."""
    if mask is not None and mask.resolve() in {target.resolve(), *(job.target.resolve() for job in jobs[:1])}:
        raise imaging.PhotoError(f"{imaging.shown(mask)} holds the masks: name another place for the results.")


def _target(source: Path, target: Path) -> Path:
    """The file for one photo's result, which may be given as a folder."""
    if target.is_dir() or not target.suffix:
        target = target / f"{source.stem}.png"
    if source.resolve() == target.resolve():
        raise imaging.PhotoError(f"{imaging.shown(target)} is the input itself: name another place for the result.")
    imaging.check_ending(target)
    return target


def own_jobs(jobs: list[Job], share: Share) -> list[Job]:
    """Those of this process; photos with one target stay together."""
    return [job for job in jobs if share.has(job.name.with_suffix(""))]


def split_done(jobs: list[Job]) -> tuple[list[Job], list[Job]]:
    """(to do, done): done is what has a result already; half results of killed processes are removed."""
    present: dict[Path, set[str]] = {}
    own = {part_stem(job.target) for job in jobs}
    for folder in {job.target.parent for job in jobs}:
        present[folder] = set(os.listdir(folder)) if folder.is_dir() else set()
        for name in present[folder]:
            if name.split("-")[0] in own:
                (folder / name).unlink(missing_ok=True)
    to_do = [job for job in jobs if job.target.name not in present[job.target.parent] or job.twin]
    return to_do, [job for job in jobs if job.target.name in present[job.target.parent] and not job.twin]


def mask_file(mask: Path, source: Path, root: Path) -> Path:
    """The mask of a photo: the file itself, or the one of the same stem, in the same subfolder, of a folder.

    Raises:
        PhotoError: the folder holds none.
    """
    if not mask.is_dir():
        return mask
    name = (source.relative_to(root) if root.is_dir() else Path(source.name)).with_suffix(".png")
    if not (mask / name).is_file():
        missing = f"{imaging.shown(mask)} holds no {imaging.shown(name)}"
        raise imaging.PhotoError(f"{missing}: add it, or leave --mask out to have the damage found.")
    return mask / name
