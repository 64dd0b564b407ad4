"""A command's run over its photos: shared among processes, resumable, streamed, reported."""

import sys
import traceback
from collections.abc import Callable
from contextlib import closing, nullcontext
from pathlib import Path

from tqdm import tqdm

from restoration.errors import RestorationError
from restoration.files.imaging import claimed_pixels, printable
from restoration.folders.jobs import Job, split_done
from restoration.folders.journal import Journal
from restoration.folders.sharding import Share, ends_together, own_share
from restoration.folders.streaming import Processed, Read, Worked, stream

MAX_PIXELS_HELD = 100_000_000  # of photos being read ahead, processed and written; each costs up to 20 bytes
FAULT = "this is a bug in the program"
Facts = dict[str, object]  # reported about a photo; "notes" are sentences, also shown to the user


def run(
    jobs: list[Job],
    read: Callable[[Job], Read],
    work: Callable[[Read], Worked],
    write: Callable[[Job, Worked], Facts],
    place: str | Path | None,
    again: bool = True,
    report: Path | None = None,
    done_is: str = "restored",
) -> int:
    """Do this process's jobs; a photo that fails does not stop the others and is named at the end.

    Args:
        read, work, write: the steps of `streaming.stream`.
        place: the folder of the results; None = the job is a single photo, not shared with other processes.
        again: also redo jobs whose result exists.
        report: a file for one JSON line per photo, see `journal.Journal`.
        done_is: the verb for finished photos in the last line of a folder's run.

    Returns:
        The exit status: 0, or 1 if a photo failed, except where 1 would stop the other processes.
    """
    share = own_share() if place else Share()
    jobs = [job for job in jobs if share.has(job.name.with_suffix(""))]
    to_do, done = split_done(jobs)
    if again or not place:
        to_do, done = jobs, []
    if done:
        print(f"restoration: {len(done)} of {len(jobs)} photos were already done (--overwrite: redo).", file=sys.stderr)
    problems, damaged = [], []
    with closing(Journal(report, share, {str(job.name) for job in to_do})) if report else nullcontext() as journal:
        for job in done if journal else ():
            if str(job.name) not in journal.known:  # its process was killed before it reported it
                journal.add(photo=str(job.name), result=str(job.target), error=None)
        steps = stream(to_do, read, work, write, lambda job: claimed_pixels(job.source), MAX_PIXELS_HELD)
        for photo in tqdm(steps, total=len(to_do), unit="photo", disable=len(to_do) < 2 or share.index > 0 or None):
            problems += _show(photo, alone=not place)
            if photo.value and "damaged" in photo.value:
                damaged.append(photo.value["damaged"] > 0)
            if journal:
                journal.add(**_entry(photo))
    for problem in problems:
        print(f"restoration: {problem}", file=sys.stderr)
    if to_do and place:
        print(f"restoration: {_summary(len(to_do), len(problems), damaged, done_is, place)}.", file=sys.stderr)
    return 1 if problems and not ends_together() else 0


def _summary(count: int, failed: int, damaged: list[bool], done_is: str, place: str | Path) -> str:
    said = [f"{count - failed} of {count} {'photos' if count > 1 else 'photo'} {done_is}"]
    if damaged:
        said.append(f"{sum(damaged)} of them had damage")
    if failed:
        said.append(f"{failed} failed")
    where = f"; the results are in {printable(place)}" if failed < count else ""
    return f"{', '.join(said)}{where}"


def _show(photo: Processed[Job], alone: bool) -> list[str]:
    """Show a photo's notes, and the files if it is a single photo; return its problem, to be shown at the end."""
    source = printable(photo.item.source)
    for note in (photo.value or {}).get("notes", ()):
        tqdm.write(f"{source}: {note}", file=sys.stderr)  # print would break the bar
    if photo.error is None:
        prints = map(photo.item.target.with_name, photo.value.get("prints", ()))
        if alone:
            print(f"restoration: wrote {', '.join(map(printable, [*prints, photo.item.target]))}.", file=sys.stderr)
        return []
    problem = _named(source, _sentence(photo.error))
    if FAULT in problem:
        tqdm.write("".join(traceback.format_exception(photo.error)), file=sys.stderr)
    return [problem]


def _named(source: str, sentence: str) -> str:
    """A sentence about a file with its path in front; the sentence may already begin with its name."""
    for name in (source, Path(source).name):
        if sentence.startswith(f"{name} "):
            return source.removesuffix(name) + sentence
    return f"{source}: {sentence}"


def _sentence(error: Exception) -> str:
    if isinstance(error, RestorationError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}."
    said = (str(error).splitlines() or [""])[0]
    if isinstance(error, MemoryError) or "memory" in said.lower():  # torch and OpenCV have errors of their own for it
        return f"it needs more memory than is available ({said or 'none is left'})."
    return f"it could not be processed; {FAULT} ({type(error).__name__}: {said})."


def _entry(photo: Processed[Job]) -> Facts:
    job, error = photo.item, photo.error
    about = {"photo": str(job.name), "result": str(job.target), "seconds": round(photo.seconds, 3)}
    return {**about, **(photo.value or {}), "error": None if error is None else _sentence(error)}
