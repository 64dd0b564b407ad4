"""The only loop: folds x stages, each piece epoch by epoch, into one run folder."""

import argparse
import dataclasses
import shlex
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from torch.utils.data import DataLoader, Subset

from restoration import checkpoint
from restoration.config import CRITERION, Stage, TrainConfig
from restoration.data import folds, photos
from restoration.data.batches import Batch, TrainingBatches
from restoration.data.photos import Checked, Photos
from restoration.data.sources import read_names
from restoration.errors import RestorationError
from restoration.training import initialization
from restoration.training.distributed import World, processes_here
from restoration.training.runs import METRICS, STATE, Run, locked
from restoration.training.schedules import learning_rate
from restoration.training.tracking import TRACKERS, MetricsLog, Progress
from restoration.training.trainer import Trainer
from restoration.training.validation import validate

SIGNALS = (signal.SIGINT, signal.SIGTERM)
READ_AHEAD = 4  # batches that wait for each worker
AGREE_EVERY = 10  # steps: how often several processes ask each other whether one was told to stop


class StoppedError(Exception):
    """The run was told to stop by a signal, and has saved its state. Holds the signal's number."""


@dataclass(frozen=True)
class Context:
    """What every piece that this program trains has in common."""

    run: Run
    config: TrainConfig
    world: World
    track: str | None


@dataclass(frozen=True)
class Split:
    """The photos of one fold."""

    training: Photos
    validation: Photos


def train(
    run: Run, config: TrainConfig, fold: int | None = None, stage: Stage | None = None, track: str | None = None
) -> bool:
    """Train every unfinished piece of a run, or the one that is asked for; `track` names one of TRACKERS.

    The first call notes the program's command line in the run, for its report: of a job of an array without its piece.

    Returns:
        Whether this process is the first of all: the one that goes on to write results.

    Raises:
        RestorationError: no data, a run of other settings, a file that does not fit; each in one sentence.
        OSError: a file cannot be read or written; the state saved last is whole.
        StoppedError: a signal came; `train` goes on from there when it is called again.
    """
    world = World()
    config = config.resolved(world.device.type == "cuda", world.has_bf16)
    if config.batch_size < world.size:
        raise RestorationError(f"batch_size is {config.batch_size}: each of {world.size} processes needs 1 or more.")
    if config.batch_size // world.size == 1 and config.size < 64 and not config.freeze_norm:
        raise RestorationError(f"batch norm needs more than one photo of {config.size} px, or --freeze-norm.")
    if fold is not None and not 0 <= fold < config.folds:
        raise RestorationError(f"fold {fold} does not exist: {config.folds} folds are counted from 0.")
    if track and world.is_first:
        TRACKERS[track].check()
    if world.is_first:
        run.check(config)
    pieces = world.from_first(_unfinished(run, config, fold, stage) if world.is_first else [])
    initialization.check(config, {s for _, s, begun in pieces if not begun})
    if pieces:  # else there is no need to read all photos
        job = Context(run, config, world, track)
        checked, groups = _prepare(job)
        with _signals() as told:
            for k, s, _ in pieces:
                _train_piece(job, k, s, _sets(checked, groups, config, k), told)
    world.close()
    return world.is_first


def command_of(words: list[str]) -> str:
    """What a reader types to get a whole run, from what one of its programs was called with: no job's own piece."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for own in ("--fold", "--stage"):
        parser.add_argument(own)
    return shlex.join(["python", *parser.parse_known_args(words)[1]])


def _unfinished(run: Run, config: TrainConfig, fold: int | None, stage: Stage | None) -> list[tuple[int, Stage, bool]]:
    """The pieces still to be trained among those asked for, and whether each has a state to go on from."""
    asked = [(k, s) for k, s in run.missing(config) if fold in (None, k) and stage in (None, s)]
    return [(k, s, (run.piece(k, s) / STATE).exists()) for k, s in asked]


def _sets(checked: Checked, groups: np.ndarray, config: TrainConfig, fold: int) -> Split:
    training, validation = folds.split(groups, config.folds, fold, config.seed)
    # Drawn, not the first by name: names tell what is on a photo.
    drawn = np.random.default_rng([config.seed, fold]).permutation(validation)[: config.validation_photos]
    return Split(checked.photos.subset(training), checked.photos.subset(drawn))


def total_steps(config: TrainConfig, photos: int) -> int:
    """Steps of a piece: whole epochs, the last batch of each filled from the next."""
    return config.epochs * -(-(config.epoch_photos or photos) // config.batch_size)


def _prepare(job: Context) -> tuple[Checked, np.ndarray]:
    config, checked = job.config, load_photos(job.config)
    groups = folds.group(checked, config.group_by, config.group_pattern)
    if job.world.is_first:
        job.run.join(config, command_of(sys.argv))  # not before: what was refused must leave the name free
        job.run.describe_data(_description(config, checked, groups))
        print(f"{folds.describe(groups)}.", *filter(None, [folds.warning(groups)]), flush=True)
        for problem in checked.problems:
            print(f"problem: {problem}", flush=True)
        again = len(checked.photos) - len(checked.photos.memory)
        if again > 0:
            print(f"{again} photos do not fit into memory and are decoded at each use: raise --cache-gib.", flush=True)
    job.world.wait()
    return checked, groups


def load_photos(config: TrainConfig) -> Checked:
    """All usable photos of a run's data, reduced to twice the size that the network sees, or what validation needs."""
    excluded = read_names(config.exclude) if config.exclude else None
    side, budget = max(2 * config.size, config.validation_size), int(config.cache_gib * 2**30) // processes_here()
    return photos.load(config.data, excluded, side, budget)


def _description(config: TrainConfig, checked: Checked, groups: np.ndarray) -> dict:
    return {
        "source": config.data,
        "photos": len(checked.photos),
        "fingerprint": photos.fingerprint(checked.photos),
        "groups": int(groups.max()) + 1,
        "largest_group": int(np.bincount(groups).max()),
        "problems": checked.problems,
    }


def _train_piece(job: Context, fold: int, stage: Stage, sets: Split, told: list[int]) -> None:
    """Take the piece's folder, begin or go on, and finish."""
    folder, first = job.run.piece(fold, stage), job.world.is_first
    with locked(folder, wait=False) if first else nullcontext():
        piece = _piece(job, fold, stage, total_steps(job.config, len(sets.training)))
        if piece is None:
            return
        name = "-".join(folder.parts[-4:])
        tracker = TRACKERS[job.track](name, dataclasses.asdict(job.config)) if job.track and first else None
        _learn(folder, piece, sets, told, MetricsLog(folder / METRICS, piece.step, tracker) if first else None)
        if tracker:
            tracker.close()
        if first:
            checkpoint.save_state({"finished": True, "step": piece.step, "ema": piece.ema}, folder / STATE)


def _piece(job: Context, fold: int, stage: Stage, steps: int) -> Trainer | None:
    """A new piece, or one that goes on; None where another job has finished it after this one had looked."""
    file = job.run.piece(fold, stage) / STATE
    state = checkpoint.load_state(file, job.world.device) if job.world.from_first(file.exists()) else {}
    return None if state.get("finished") else Trainer(job.config, stage, steps, job.world, fold, state or None)


def _learn(folder: Path, piece: Trainer, sets: Split, told: list[int], journal: MetricsLog | None) -> None:
    config, epoch_steps, saved = piece.config, piece.steps // piece.config.epochs, time.monotonic()
    shown = {"photos": epoch_steps * config.batch_size, "done": piece.step * config.batch_size}
    title = f"fold {folder.parent.name} {piece.stage}"
    with Progress(title, config.epochs, **shown, quiet=journal is None) as progress:
        for batch in batches_ahead(sets.training, piece):
            piece.train_step(batch)
            progress.step(config.batch_size, piece.unchecked[0])
            epoch_ends = piece.step % epoch_steps == 0
            if epoch_ends:
                record = _end_epoch(folder, piece, sets.validation, epoch_steps)
                if journal:
                    journal.write(**record)
                progress.end_epoch(record)
            late = time.monotonic() - saved > 60 * config.save_every_minutes
            stops, saves = _agreed(piece, bool(told), late, epoch_ends)
            if epoch_ends or stops or saves:
                piece.save(folder / STATE)
                saved = time.monotonic()
            if stops:
                raise StoppedError(told[0] if told else signal.SIGTERM)


def _end_epoch(folder: Path, piece: Trainer, validation: Photos, epoch_steps: int) -> dict[str, float]:
    """Validate, keep the weights if they are the best so far, and return the epoch's record."""
    piece.check()
    piece.share_statistics()
    step, began = piece.began
    speed = (piece.step - step) * piece.config.batch_size / (time.monotonic() - began)
    losses = {f"train_{name}": value for name, value in piece.mean_losses().items()}
    scores = validate(piece, validation)
    score = scores[CRITERION[piece.stage]]
    if score > piece.best:
        piece.best = score
        if piece.world.is_first:
            piece.averaged().save_pretrained(folder)
    rate = piece.config.learning_rate * learning_rate(piece.step - 1, piece.steps, piece.config)
    piece.began = piece.step, time.monotonic()
    place = {"epoch": piece.step // epoch_steps, "step": piece.step, "learning_rate": rate, "photos_per_second": speed}
    return place | losses | scores


def _agreed(piece: Trainer, told: bool, late: bool, asks: bool) -> tuple[bool, bool]:
    """Whether to stop and whether to save: all processes do it at the same step, as soon as one of them must."""
    if piece.world.size == 1:
        return told, late
    if not asks and piece.step % AGREE_EVERY:
        return False, False
    stops, saves = piece.world.sum_numbers({"told": float(told), "late": float(late)}).values()
    return stops > 0, saves > 0


def batches_ahead(photos: Photos, piece: Trainer) -> Iterator[Batch]:
    """The piece's remaining batches, made by its workers while the step before is still at work."""
    config, world = piece.config, piece.world
    batches = TrainingBatches(photos, config, piece.stage, piece.seed, world.rank, world.size)
    ahead = Subset(batches, range(piece.step, piece.steps))
    if not len(ahead):
        return iter(())
    reading = {"prefetch_factor": READ_AHEAD, "multiprocessing_context": "fork"} if config.workers else {}
    reading |= {"worker_init_fn": _prepare_worker, "pin_memory": world.device.type == "cuda"}
    return iter(DataLoader(ahead, batch_size=None, num_workers=config.workers, **reading))


def _prepare_worker(_: int) -> None:
    """A signal to the whole group is for the process that trains: it still needs its data workers to stop well."""
    cv2.setNumThreads(1)  # else each worker starts a thread for every core
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def _signals() -> Iterator[list[int]]:
    """Signals received, in a list that fills: a stop waits for the end of the step, so that the state is whole.

    A second Ctrl-C does not wait. A second SIGTERM does: launchers send it twice.
    """
    told: list[int] = []
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def tell(number: int, _) -> None:
        told.append(number)
        signal.signal(signal.SIGINT, before[signal.SIGINT])

    for number in SIGNALS:
        signal.signal(number, tell)
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
