"""The only loop: folds x stages, each piece epoch by epoch, into one run folder."""

import dataclasses
import shlex
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch.utils.data import DataLoader, Subset

from restoration import checkpoint, folds, photos
from restoration.config import CRITERION, Stage, TrainConfig
from restoration.data import Batch, TrainingBatches
from restoration.distributed import World
from restoration.photos import Checked, Photos
from restoration.piece import Piece
from restoration.runs import METRICS, STATE, Run, locked
from restoration.schedules import learning_rate
from restoration.sources import read_names
from restoration.tracking import TRACKERS, Journal, Progress
from restoration.validation import validate

SIGNALS = (signal.SIGINT, signal.SIGTERM)
AGREE_EVERY = 10  # steps: how often several processes ask each other whether one was told to stop


class StoppedError(Exception):
    """The run was told to stop by a signal, and has saved its state. Holds the signal's number."""


@dataclass(frozen=True)
class Sets:
    """The photos of one fold."""

    training: Photos
    validation: Photos


def train(
    run: Run, config: TrainConfig, fold: int | None = None, stage: Stage | None = None, track: str | None = None
) -> bool:
    """Train every unfinished piece of a run, or the one that is asked for; `track` names one of TRACKERS.

    The first call notes the program's command line in the run, for its report.

    Returns:
        Whether this process is the first of all: the one that goes on to write results.

    Raises:
        ValueError: no data, a run of other settings, a file that does not fit; each in one sentence.
        StoppedError: a signal came; `train` goes on from there when it is called again.
    """
    world = World()
    config = config.resolved(on_gpu=world.device.type == "cuda")
    if config.batch_size < world.size:
        raise ValueError(f"batch_size is {config.batch_size}: give at least 1 for each of {world.size} processes.")
    if world.is_first:
        run.join(config, shlex.join(["python", *sys.argv]))
    world.wait()
    pieces = [(k, s) for k, s in run.missing(config) if fold in (None, k) and stage in (None, s)]
    if pieces:  # else there is no need to read all photos
        with _signals() as told:
            checked, groups = _prepare(run, config, world)
            for k, s in pieces:
                sets = _sets(checked, groups, config, k)
                with locked(run.piece(k, s), wait=False) if world.is_first else nullcontext():
                    piece = Piece(config, s, total_steps(config, len(sets.training)), world)
                    _train_piece(run.piece(k, s), piece, sets, told, track)
    world.close()
    return world.is_first


def _sets(checked: Checked, groups: np.ndarray, config: TrainConfig, fold: int) -> Sets:
    training, validation = folds.split(groups, config.folds, fold, config.seed)
    # Drawn, not the first by name: names tell what is on a photo.
    drawn = np.random.default_rng([config.seed, fold]).permutation(validation)[: config.validation_photos]
    return Sets(checked.photos.subset(training), checked.photos.subset(drawn))


def total_steps(config: TrainConfig, photos: int) -> int:
    """Steps of a piece: whole epochs, the last batch of each filled from the next."""
    return config.epochs * -(-(config.epoch_photos or photos) // config.batch_size)


def _prepare(run: Run, config: TrainConfig, world: World) -> tuple[Checked, np.ndarray]:
    checked = load_photos(config)
    groups = folds.group(checked, config.group_by, config.group_pattern)
    if world.is_first:
        run.describe_data(_description(config, checked, groups))
        print(f"{folds.describe(groups)}.", *filter(None, [folds.warning(groups)]), flush=True)
        for problem in checked.problems:
            print(f"left out: {problem}", flush=True)
    world.wait()
    return checked, groups


def load_photos(config: TrainConfig) -> Checked:
    """All usable photos of a run's data, reduced to twice the size that the network sees."""
    excluded = read_names(config.exclude) if config.exclude else None
    return photos.load(config.data, excluded, side=2 * config.size)


def _description(config: TrainConfig, checked: Checked, groups: np.ndarray) -> dict:
    return {
        "source": config.data,
        "photos": len(checked.photos),
        "fingerprint": photos.fingerprint(checked.photos),
        "groups": int(groups.max()) + 1,
        "largest_group": int(np.bincount(groups).max()),
        "problems": checked.problems,
    }


def _train_piece(folder: Path, piece: Piece, sets: Sets, told: list[int], track: str | None) -> None:
    config, first = piece.config, piece.world.is_first
    if (folder / STATE).exists():
        piece.resume(folder / STATE)
    tracker = TRACKERS[track]("-".join(folder.parts[-4:]), dataclasses.asdict(config)) if track and first else None
    journal = Journal(folder / METRICS, piece.step, tracker) if first else None
    epoch_steps, saved = piece.steps // config.epochs, time.monotonic()
    shown = {"photos": epoch_steps * config.batch_size, "done": piece.step * config.batch_size, "quiet": not first}
    with Progress(f"fold {folder.parent.name} {piece.stage}", config.epochs, **shown) as progress:
        for batch in _batches(sets.training, piece):
            piece.train_step(batch)
            progress.step(config.batch_size, piece.unchecked[0])
            epoch_ends, stops = piece.step % epoch_steps == 0, _must_stop(piece, told)
            if epoch_ends:
                record = _end_epoch(folder, piece, sets.validation, epoch_steps)
                if first:
                    journal.write(**record)
                progress.end_epoch(record)
            if first and (epoch_ends or stops or time.monotonic() - saved > 60 * config.save_every_minutes):
                piece.save(folder / STATE)
                saved = time.monotonic()
            if stops:
                raise StoppedError(told[0] if told else signal.SIGTERM)
    if tracker:
        tracker.close()
    if first:
        checkpoint.save_state({"finished": True, "step": piece.step, "ema": piece.ema}, folder / STATE)


def _end_epoch(folder: Path, piece: Piece, validation: Photos, epoch_steps: int) -> dict[str, float]:
    """Validate, keep the weights if they are the best so far, and return the epoch's record."""
    speed = epoch_steps * piece.config.batch_size / (time.monotonic() - piece.epoch_began)
    losses = {f"train_{name}": value for name, value in piece.mean_losses().items()}
    scores = validate(piece, validation)
    score = scores[CRITERION[piece.stage]]
    if score > piece.best:
        piece.best = score
        if piece.world.is_first:
            piece.averaged().save_pretrained(folder)
    rate = piece.config.learning_rate * learning_rate(piece.step - 1, piece.steps, piece.config)
    piece.epoch_began = time.monotonic()
    place = {"epoch": piece.step // epoch_steps, "step": piece.step, "learning_rate": rate, "photos_per_second": speed}
    return place | losses | scores


def _must_stop(piece: Piece, told: list[int]) -> bool:
    if piece.world.size == 1:
        return bool(told)
    if piece.step % AGREE_EVERY:
        return False
    return piece.world.sum_numbers({"told": float(bool(told))})["told"] > 0


def _batches(photos: Photos, piece: Piece) -> Iterator[Batch]:
    config, world = piece.config, piece.world
    batches = TrainingBatches(photos, config, piece.stage, config.seed, world.rank, world.size)
    ahead = Subset(batches, range(piece.step, piece.steps))
    if not len(ahead):
        return iter(())
    reading = {"prefetch_factor": 4, "multiprocessing_context": "fork"} if config.workers else {}
    return iter(DataLoader(ahead, batch_size=None, num_workers=config.workers, **reading))


@contextmanager
def _signals() -> Iterator[list[int]]:
    """Signals received, in a list that fills: a stop waits for the end of the step, so that the state is whole."""
    told: list[int] = []
    before = [signal.signal(number, lambda number, _: told.append(number)) for number in SIGNALS]
    try:
        yield told
    finally:
        for number, handler in zip(SIGNALS, before, strict=True):
            signal.signal(number, handler)
