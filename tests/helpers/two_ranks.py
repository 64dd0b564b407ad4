"""What tests ask of one process and of two: `python tests/helpers/two_ranks.py OUT PHOTOS`, alone or under torchrun.

The folder OUT gets `first_step.pt`, and two runs of one piece: `whole`, and `stopped`, which a signal to the last
process interrupts within an epoch and which then goes on.
"""

import os
import signal
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[2]))  # runs on a fresh clone, not installed

from small_run import config

from restoration.checkpoint import save_state
from restoration.data.batches import TrainingBatches
from restoration.data.photos import Photos
from restoration.training import loop as training
from restoration.training.distributed import World
from restoration.training.runs import Run
from restoration.training.trainer import Trainer

STOP_AT = 15  # of 12 steps in each of two epochs: processes ask each other at the 20th


def first_step(photos: Path) -> dict[str, dict]:
    """Losses and gradients of a float32 step, with a discriminator that stays as it is."""
    settings = config(photos, freeze_norm=True, batch_size=5, gan_start=0.0, discriminator_learning_rate=1e-12)
    world = World()
    piece = Trainer(settings, "inpaint", 10, world)
    piece.train_step(TrainingBatches(Photos.find(photos), settings, "inpaint", 0, world.rank, world.size)[0])
    gradients = {
        f"{part}.{name}": parameter.grad
        for part in ("model", "discriminator")
        for name, parameter in getattr(piece, part).named_parameters()
    }
    return {"losses": piece.mean_losses(), "gradients": gradients}


def statistics_differ(photos: Path) -> dict[str, bool]:
    """Whether batch norm's running statistics are different ones in each process, before and after sharing them."""
    world, settings = World(), config(photos, batch_size=6)
    piece = Trainer(settings, "color", 10, world)
    piece.train_step(TrainingBatches(Photos.find(photos), settings, "color", 0, world.rank, world.size)[0])

    def differ() -> bool:
        values = torch.cat([value.double().flatten() for value in (*piece.model.buffers(), *piece.ema.values())])
        return not torch.allclose(world.sum(values), world.size * values)

    own = differ()
    piece.share_statistics()
    return {"own": own, "shared": differ()}


def stop_at(step: int) -> None:
    """Make training in this process meet a SIGTERM after a step."""
    train_step = Trainer.train_step

    def interrupted(self, batch):
        train_step(self, batch)
        if self.step == step:
            os.kill(os.getpid(), signal.SIGTERM)

    Trainer.train_step = interrupted


def main(out: Path, photos: Path) -> None:
    world = World()
    World.close = lambda self: None  # the group serves all that follows
    found = first_step(photos) | {"statistics": statistics_differ(photos)}
    if world.is_first:
        save_state(found, out / "first_step.pt")
    exact = config(photos, precision="float64", freeze_norm=True, epoch_photos=24, gan_start=0.0)
    training.train(Run(out / "whole"), exact, 0, ["color"])
    before = Trainer.train_step
    if world.rank == world.size - 1:
        stop_at(STOP_AT)
    try:
        training.train(Run(out / "stopped"), exact, 0, ["color"])
    except training.StoppedError:
        Trainer.train_step = before
        training.train(Run(out / "stopped"), exact, 0, ["color"])
        (out / "stopped" / "was").touch()


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(*map(Path, sys.argv[1:]))
