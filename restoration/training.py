"""The training loop: photos in, a model in hub layout and a journal of its progress out."""

import math
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Subset

from restoration import checkpoint
from restoration.config import TrainConfig, load_config, save_config
from restoration.data import Batch, TrainingBatches
from restoration.models import MODELS, imagenet_tensors, load_encoder
from restoration.photos import Photos
from restoration.sources import read_names
from restoration.steps import STEPS
from restoration.tracking import Journal
from restoration.validation import VALIDATIONS

STATE, CONFIG, METRICS = "state.pt", "train.json", "metrics.jsonl"


class Trainer:
    """One stage's run: everything that changes while it trains, and how to save and resume it."""

    def __init__(self, config: TrainConfig):
        self.config = config
        self.out = Path(config.out)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.manual_seed(config.seed)
        self.model = _new_model(config).to(self.device, memory_format=torch.channels_last)
        self.ema = {name: t.detach().clone() for name, t in self.model.state_dict().items()}
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), config.learning_rate, weight_decay=config.weight_decay
        )
        self.step = 0
        self.loss_sums: dict[str, float] = {}  # of each term, since the last record
        self.recorded_steps = 0

    def train_step(self, batch: Batch) -> float:
        """Forward, backward, update; the loss."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate * schedule(self.step, self.config.steps, self.config.warmup)
        batch = {key: t.to(self.device, non_blocking=True) for key, t in batch.items()}
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            terms = STEPS[self.config.stage](self.model, batch, self.config)
        loss = torch.stack(list(terms.values())).sum()
        if not torch.isfinite(loss):
            raise FloatingPointError(f"the loss of step {self.step} is not finite: lower the learning rate.")
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), self.config.gradient_clip)
        self.optimizer.step()
        self.step += 1
        self._update_ema()
        for name, term in terms.items():
            self.loss_sums[name] = self.loss_sums.get(name, 0.0) + float(term.detach())
        self.recorded_steps += 1
        return float(loss.detach())

    def mean_losses(self) -> dict[str, float]:
        """The mean of each loss term since this was last asked."""
        means = {f"loss_{name}": total / self.recorded_steps for name, total in self.loss_sums.items()}
        self.loss_sums, self.recorded_steps = {}, 0
        return means

    @torch.no_grad()
    def _update_ema(self) -> None:
        decay = min(self.config.ema_decay, (1 + self.step) / (10 + self.step))
        for name, value in self.model.state_dict().items():
            if value.is_floating_point():
                self.ema[name].lerp_(value, 1 - decay)
            else:
                self.ema[name].copy_(value)

    def ema_model(self) -> nn.Module:
        """A copy of the model with the averaged weights, in evaluation mode."""
        model = MODELS[self.config.stage](self.config.model_config()).to(self.device)
        model.load_state_dict(self.ema)
        return model.eval()

    def save(self) -> None:
        """Write the state to resume from."""
        state = {
            "step": self.step,
            "model": self.model.state_dict(),
            "ema": self.ema,
            "optimizer": self.optimizer.state_dict(),
            "random": torch.get_rng_state(),
            "loss_sums": self.loss_sums,
            "recorded_steps": self.recorded_steps,
        }
        checkpoint.save_state(state, self.out / STATE)

    def resume(self) -> None:
        """Go on from the state in the run's folder."""
        state = checkpoint.load_state(self.out / STATE)
        self.model.load_state_dict(state["model"])
        self.ema = {name: t.to(self.device) for name, t in state["ema"].items()}
        self.optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["random"])
        self.step, self.loss_sums, self.recorded_steps = state["step"], state["loss_sums"], state["recorded_steps"]


def run(config: TrainConfig) -> None:
    """Train one stage into `config.out`, or go on where a run of the same config was stopped there.

    Raises:
        ValueError: no photos, or the folder holds a run of another config.
    """
    out = Path(config.out)
    out.mkdir(parents=True, exist_ok=True)
    if (out / CONFIG).exists() and load_config(TrainConfig, out / CONFIG) != config:
        raise ValueError(f"{out} holds a run with other settings: name another folder with --out.")
    training_photos, validation_photos = _split(config)
    trainer = Trainer(config)
    if (out / STATE).exists():
        trainer.resume()
    save_config(config, out / CONFIG)
    journal = Journal(out / METRICS, resumed_at=trainer.step)
    print(f"{config.stage}: {len(training_photos)} photos, {config.steps} steps, from step {trainer.step}", flush=True)
    _loop(trainer, training_photos, validation_photos, journal)


def _loop(trainer: Trainer, training_photos: Photos, validation_photos: Photos, journal: Journal) -> None:
    config, saved, recorded = trainer.config, time.monotonic(), time.monotonic()
    for batch in _batches(training_photos, config, trainer.step):
        trainer.train_step(batch)
        last = trainer.step == config.steps
        if last or trainer.step % config.validate_every == 0:
            photos_per_second = trainer.recorded_steps * config.batch_size / (time.monotonic() - recorded)
            model = trainer.ema_model()
            scores = VALIDATIONS[config.stage](model, validation_photos, config.seed)
            speed = round(photos_per_second, 2)
            journal.write(step=trainer.step, photos_per_second=speed, **trainer.mean_losses(), **scores)
            model.save_pretrained(trainer.out)
            recorded = time.monotonic()
        if last or time.monotonic() - saved > 60 * config.save_every_minutes:
            trainer.save()
            saved = time.monotonic()


def _batches(photos: Photos, config: TrainConfig, first_step: int) -> Iterator[Batch]:
    batches = TrainingBatches(photos, config)
    ahead = Subset(batches, range(first_step, config.steps))
    return iter(DataLoader(ahead, batch_size=None, num_workers=1, prefetch_factor=4) if len(ahead) else ())


def _split(config: TrainConfig) -> tuple[Photos, Photos]:
    photos = Photos.find(config.data)
    if config.exclude:
        photos = photos.without(read_names(config.exclude))
    order = np.random.default_rng(config.seed).permutation(photos.names)
    chosen = set(order[: config.validation_photos])
    return photos.without(chosen), photos.only(chosen)


def _new_model(config: TrainConfig) -> nn.Module:
    if config.init:
        return MODELS[config.stage].from_pretrained(config.init)
    model = MODELS[config.stage](config.model_config())
    if config.encoder_weights == "imagenet":
        load_encoder(model, imagenet_tensors(config.encoder))
    elif config.encoder_weights != "none":
        load_encoder(model, checkpoint.load_tensors(Path(config.encoder_weights)))
    return model


def schedule(step: int, steps: int, warmup: float) -> float:
    """Factor of the learning rate in [0, 1]: a linear rise over `warmup` of the steps, then a half cosine to 0."""
    rise = max(1, int(warmup * steps))
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))
