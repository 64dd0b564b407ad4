"""A command's run over its photos: shared among processes, taken up where it was left, streamed, reported."""

import sys
import traceback
from collections.abc import Callable
from contextlib import closing, nullcontext
from pathlib import Path
from typing import TypeVar

from tqdm import tqdm

from restoration.errors import RestorationError
from restoration.files.imaging import claimed_pixels, shown
from restoration.folders.jobs import Job, split_done
from restoration.folders.journal import Journal
from restoration.folders.sharding import Share, ends_together, own_share
from restoration.folders.streaming import Processed, stream

MAX_PIXELS_HELD = 100_000_000  # of photos that are read ahead, in work and being written; each costs up to 20 bytes
FAULT = "which is a fault of this program"
Facts = dict[str, object]  # what is reported of a photo; "notes" are sentences, which are shown too
Read, Worked = TypeVar("Read"), TypeVar("Worked")


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
    """Do every job that is this process's; a photo that fails does not stop the others and is named at the end.

    Args:
        read, work, write: the steps of `streaming.stream`.
        place: the folder of the results; None = the one job is a photo that was named itself, which nobody else does.
        again: do also those whose result is there already.
        report: a file for one JSON line a photo, see `journal.Journal`.
        done_is: what the last line of a folder's run says of its photos.

    Returns:
        The exit status: 0, or 1 when a photo failed; but 0 where a 1 would stop the processes beside this one.
    """
    share = own_share() if place else Share()
    jobs = [job for job in jobs if share.has(job.name.with_suffix(""))]
    to_do, done = split_done(jobs)
    to_do, done = (jobs, []) if again or not place else (to_do, done)
    if done:
        print(f"restoration: {len(done)} of {len(jobs)} photos were done already (--overwrite: anew).", file=sys.stderr)
    problems, damaged = [], []
    redone = {str(job.name) for job in to_do}
    with closing(Journal(report, share, redone)) if report else nullcontext() as journal:
        for job in done:
            if journal and str(job.name) not in journal.known:
                journal.add(photo=str(job.name), result=str(job.target), error=None)  # its process did not live to tell
        steps = stream(to_do, read, work, write, lambda job: claimed_pixels(job.source), MAX_PIXELS_HELD)
        for outcome in tqdm(steps, total=len(to_do), unit="photo", disable=len(to_do) < 2 or share.index > 0 or None):
            problems += _told(outcome, alone=not place)
            damaged += [outcome.value["damaged"] > 0] if outcome.value and "damaged" in outcome.value else []
            if journal:
                journal.add(**_entry(outcome))
    for problem in problems:
        print(f"restoration: {problem}", file=sys.stderr)
    if to_do and place:
        said = [f"{len(to_do) - len(problems)} of {len(to_do)} photo{'s' * (len(to_do) > 1)} {done_is}"]
        said += [f"{sum(damaged)} of them had damage"] if damaged else []
        said += [f"{len(problems)} failed"] if problems else []
        where = f"; the results are in {shown(place)}" if len(problems) < len(to_do) else ""
        print(f"restoration: {', '.join(said)}{where}.", file=sys.stderr)
    return 1 if problems and not ends_together() else 0


def _told(outcome: Processed[Job], alone: bool) -> list[str]:
    """Show the notes of a photo, and the files of one alone; what went wrong with it, to be shown at the end."""
    source = shown(outcome.item.source)
    for note in (outcome.value or {}).get("notes", ()):
        tqdm.write(f"{source}: {note}", file=sys.stderr)  # print would break the bar
    if outcome.error is None:
        prints = map(outcome.item.target.with_name, outcome.value.get("prints", ()))
        if alone:
            print(f"restoration: wrote {', '.join(map(shown, [*prints, outcome.item.target]))}.", file=sys.stderr)
        return []
    problem = _named(source, _sentence(outcome.error))
    if FAULT in problem:
        tqdm.write("".join(traceback.format_exception(outcome.error)), file=sys.stderr)
    return [problem]


def _named(source: str, sentence: str) -> str:
    """A sentence about a file, which may name it already, with its whole path or without."""
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
        return f"it needs more memory than there is ({said or 'none is left'})."
    return f"it could not be worked on, {FAULT} ({type(error).__name__}: {said})."


def _entry(outcome: Processed[Job]) -> Facts:
    job, error = outcome.item, outcome.error
    about = {"photo": str(job.name), "result": str(job.target), "seconds": round(outcome.seconds, 3)}
    return {**about, **(outcome.value or {}), "error": None if error is None else _sentence(error)}
