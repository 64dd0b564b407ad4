"""The only loop: folds x stages, each piece epoch by epoch, into one run folder."""

import signal
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import cv2
from torch.utils.data import DataLoader, Subset

from restoration import checkpoint, machine
from restoration.config import CRITERION, STAGES, Stage, TrainConfig
from restoration.data import splits
from restoration.data.batches import Batch, TrainingBatches
from restoration.data.photos import Photos
from restoration.data.splits import Split, Usable
from restoration.errors import RestorationError
from restoration.precision import torch_precision
from restoration.training import initialization
from restoration.training.distributed import World
from restoration.training.runs import DATA, METRICS, STATE, Run, command_of, locked
from restoration.training.tracking import MetricsLog, advance, end_epoch, progress_bar
from restoration.training.trainer import AGREE_EVERY, Trainer
from restoration.training.validation import validate

SIGNALS = (signal.SIGINT, signal.SIGTERM)
ENDLESS = 1 << 40  # steps of a training that ends by the clock
Unfinished = tuple[int, Stage, bool]  # fold, stage, whether there is a state to resume from
MAX_RESERVE = 0.25  # of a training's time, the most that is reserved for its last validation


class StoppedError(Exception):
    """A signal stopped the run, and its state is saved. Holds the signal's number."""


@dataclass(frozen=True)
class Context:
    """What all pieces trained by this program have in common."""

    run: Run
    config: TrainConfig
    world: World
    seconds: float | None = None  # for each piece


def train(
    run: Run,
    config: TrainConfig,
    fold: int | None = None,
    stages: Collection[Stage] = STAGES,
    usable: Usable | None = None,
) -> bool:
    """Train every unfinished piece of a run, or those asked for.

    The first call records the program's command line in the run for its report, without the options of one array job.
    `usable` are the photos, if a program trains several runs on them.

    Returns:
        Whether this is the first process: the one that writes the results.

    Raises:
        RestorationError: there is no data, the run has other settings, or a file does not fit.
        OSError: a file cannot be read or written; the last saved state is intact.
        StoppedError: a signal came; calling `train` again continues from there.
    """
    # A thread per core in every worker costs a tenth of the CPU, and forking while they work is a deadlock.
    cv2.setNumThreads(1)
    world, began = World(), time.monotonic()
    precision = config.precision or torch_precision(world.device.type, training=True)
    chosen = world.from_first(run.agreed(config, config.resolved(precision, world.gpu_gib)) if world.is_first else None)
    _check(chosen, world, fold)
    pieces = world.from_first(_unfinished(run, chosen, fold, stages) if world.is_first else [])
    initialization.check(chosen, {s for _, s, _ in pieces}, {s for _, s, begun in pieces if not begun})
    if pieces:  # otherwise photos need not be read
        usable = usable or splits.find(chosen, run.folder / DATA)
        usable.split(chosen, 0)  # raises if there are too few groups
        chosen = world.from_first(_begin(run, config, chosen, usable, pieces) if world.is_first else None)
        asked = len(stages) * (chosen.folds if fold is None else 1)
        late = (time.monotonic() - began) / len(pieces)  # each gives up its share of the time spent reading the photos
        seconds = None if chosen.minutes is None else max(0.0, 60 * chosen.minutes / asked - late)
        job = Context(run, chosen, world, seconds)
        with _signals() as received:
            for k, s, _ in pieces:
                _train_piece(job, k, s, usable.split(chosen, k), received)
    world.close()
    return world.is_first


def _begin(run: Run, config: TrainConfig, chosen: TrainConfig, usable: Usable, pieces: list[Unfinished]) -> TrainConfig:
    """Create the run's folder once everything is checked, so that a refused run leaves the name free."""
    chosen = run.join(config, chosen, command_of(sys.argv))
    _describe(run, chosen, usable)
    for k, s, _ in pieces:
        run.piece(k, s).mkdir(parents=True, exist_ok=True)  # records what was asked for
    return chosen


def _check(config: TrainConfig, world: World, fold: int | None) -> None:
    if config.batch_size < world.size:
        raise RestorationError(f"batch_size is {config.batch_size}: each of {world.size} processes needs 1 or more.")
    if config.batch_size // world.size == 1 and config.size < 64 and not config.freeze_norm:
        raise RestorationError(f"batch norm needs more than one photo of {config.size} px, or --freeze-norm.")
    if fold is not None and not 0 <= fold < config.folds:
        raise RestorationError(f"fold {fold} does not exist: the {config.folds} folds are numbered from 0.")


def _unfinished(run: Run, config: TrainConfig, fold: int | None, stages: Collection[Stage]) -> list[Unfinished]:
    """The unfinished pieces among those asked for."""
    asked = [(k, s) for k, s in run.missing(config) if fold in (None, k) and s in stages]
    return [(k, s, (run.piece(k, s) / STATE).exists()) for k, s in asked]


def _describe(run: Run, config: TrainConfig, usable: Usable) -> None:
    """Record what the data is, in the run and on the screen."""
    data = usable.description(config.data)
    run.describe_data(data)
    print(f"{data['photos']:,} photos in {data['groups']:,} groups, the largest of {data['largest_group']:,}.")
    print(f"Training in {config.precision}, {config.batch_size} photos of {config.size} px per step.", flush=True)
    for problem in usable.problems:
        print(f"problem: {problem}", flush=True)
    again = len(usable.photos) - len(usable.photos.memory)
    if again > 0:
        print(f"{again} photos do not fit into memory and are decoded on every use; raise --cache-gib.", flush=True)


def _train_piece(job: Context, fold: int, stage: Stage, split: Split, received: list[int]) -> None:
    """Lock the piece's folder, start or resume, and finish."""
    folder, first = job.run.piece(fold, stage), job.world.is_first
    with locked(folder, wait=False) if first else nullcontext():
        begun = job.world.from_first((folder / STATE).exists())
        state = checkpoint.load_state(folder / STATE, job.world.device) if begun else {}
        if state.get("finished"):  # by another job in the meantime
            return
        steps = job.config.steps(len(split.training))
        trainer = Trainer(job.config, stage, steps, job.world, fold, state, job.seconds)
        state.clear()  # its tensors are copied
        _learn(folder, trainer, split, received, MetricsLog(folder / METRICS, trainer.step) if first else None)
        if first:
            checkpoint.save_state({"finished": True, "step": trainer.step, "ema": trainer.ema}, folder / STATE)


def _learn(folder: Path, trainer: Trainer, split: Split, received: list[int], journal: MetricsLog | None) -> None:
    config, saved = trainer.config, time.monotonic()
    title = f"fold {folder.parent.name} {trainer.stage}"
    if trainer.is_finished and trainer.epoch == config.epochs:  # it was stopped between its last two writes
        return
    with progress_bar(title, trainer.share, quiet=journal is None) as bar:
        for batch in batches_ahead(split.training, trainer):
            trainer.train_step(batch)
            advance(bar, trainer.share, trainer.loss)
            epoch_ends = trainer.epochs_due > trainer.epoch
            if epoch_ends:
                record = _end_epoch(folder, trainer, split.validation)
                if journal:
                    journal.write(**record)
                end_epoch(bar, record)
            late = time.monotonic() - saved > 60 * config.save_every_minutes
            stops, saves = _agreed(trainer, bool(received), late, epoch_ends)
            if epoch_ends or stops or saves:
                trainer.save(folder / STATE)
                saved = time.monotonic()
            if trainer.is_finished:
                return
            if stops:
                raise StoppedError(received[0] if received else signal.SIGTERM)


def _end_epoch(folder: Path, trainer: Trainer, validation: Photos) -> dict[str, float]:
    """Validate, keep the weights if they are the best so far, and return the epoch's record."""
    trainer.check()
    trainer.share_statistics()
    step, began = trainer.began
    ended = time.monotonic()
    speed = (trainer.step - step) * trainer.config.batch_size / (ended - began)
    trainer.epoch = trainer.epochs_due
    losses = {f"train_{name}": value for name, value in trainer.mean_losses().items()}
    scores = validate(trainer, validation)
    score = scores[CRITERION[trainer.stage]]
    if score > trainer.best:
        trainer.best = score
        if trainer.world.is_first:
            trainer.averaged().save_pretrained(folder)
    trainer.began = trainer.step, time.monotonic()
    rate = trainer.optimizer.param_groups[0]["lr"]
    place = {"epoch": trainer.epoch, "step": trainer.step, "learning_rate": rate, "photos_per_second": speed}
    if trainer.clock:
        spent = min(time.monotonic() - ended, MAX_RESERVE * trainer.clock.seconds)
        trainer.clock.reserve = max(trainer.clock.reserve, spent)
        place["minutes_left"] = trainer.clock.left / 60
    return place | losses | scores


def _agreed(trainer: Trainer, stop: bool, late: bool, asks: bool) -> tuple[bool, bool]:
    """Whether to stop and whether to save: all processes do so at the same step, as soon as one of them must."""
    if trainer.world.size > 1 and not asks and trainer.step % AGREE_EVERY:
        return False, False
    stops, saves = trainer.world.sum_numbers({"stop": float(stop), "late": float(late)}).values()
    return stops > 0, saves > 0


def batches_ahead(photos: Photos, trainer: Trainer) -> Iterator[Batch]:
    """The remaining batches, made by worker processes while the previous step still runs."""
    config, world = trainer.config, trainer.world
    batches = TrainingBatches(photos, config, trainer.stage, trainer.seed, world.rank, world.size)
    ahead = Subset(batches, range(trainer.step, ENDLESS if trainer.clock else trainer.steps))
    if not len(ahead):
        return iter(())
    workers = config.workers
    if workers is None:
        workers = max(1, machine.cores() - 1) if world.device.type == "cuda" else 1
    return iter(
        DataLoader(
            ahead, batch_size=None, num_workers=workers, worker_init_fn=_prepare_worker,
            multiprocessing_context="fork" if workers else None, pin_memory=world.device.type == "cuda",
        )
    )  # fmt: skip


def _prepare_worker(_: int) -> None:
    """Make data workers ignore signals to the whole group: the training process needs them to stop cleanly."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def _signals() -> Iterator[list[int]]:
    """A list of signals received so far: stopping waits for the end of the step, so that the state is complete.

    A second Ctrl-C does not wait. A second SIGTERM does, since launchers send it twice.
    """
    received: list[int] = []
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def note(number: int, _) -> None:
        received.append(number)
        signal.signal(signal.SIGINT, before[signal.SIGINT])

    for number in SIGNALS:
        signal.signal(number, note)
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
