"""Train one stage of one fold: everything that changes during training, and how it is saved and resumed."""

import dataclasses
import math
import time
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from restoration import checkpoint
from restoration.config import INPUT_CHANNELS, ModelConfig, Stage, TrainConfig
from restoration.data.batches import Batch, expanded
from restoration.models import MODELS
from restoration.precision import widen_depthwise
from restoration.training import initialization, objectives
from restoration.training.discriminators import discriminator
from restoration.training.distributed import World
from restoration.training.objectives import Encoded, Forward, Terms
from restoration.training.schedules import Clock, learning_rate

PRECISIONS = {"bf16": torch.float32, "float32": torch.float32, "float64": torch.float64}  # of the weights
CHECK_EVERY = 10  # steps between looks at the loss, which wait for a GPU
AGREE_EVERY = 10  # steps after which several processes agree on the clock and on whether to stop


class Trainer:
    """Generator, discriminator, their optimizers and the averaged weights, under one step counter.

    Args:
        steps: of the whole training, unless it ends by the clock.
        state: what `save` wrote, to resume from; initial weights are then not needed.
        seconds: to train, instead of `steps`; a state keeps its own.
    """

    def __init__(
        self,
        config: TrainConfig,
        stage: Stage,
        steps: int,
        world: World,
        fold: int = 0,
        state: dict | None = None,
        seconds: float | None = None,
    ):
        self.config, self.stage, self.steps, self.world = config, stage, steps, world
        self.weights = objectives.weights(config, stage)
        self.seed = int(np.random.SeedSequence([config.seed, fold]).generate_state(1)[0])
        self.model, self.discriminator = map(self._placed, self._networks(state))
        self.frozen = self._frozen()
        own = self.model.state_dict()
        floating = [name for name, t in own.items() if t.is_floating_point()]
        self.ema = own | {name: own[name].clone() for name in floating}  # counters are the model's own
        self._averages, self._averaged = ([of[name] for name in floating] for of in (self.ema, own))
        adamw = partial(torch.optim.AdamW, weight_decay=config.weight_decay, fused=True)
        self.optimizer = adamw(self.model.parameters())
        judging = [p for p in self.discriminator.parameters() if p.requires_grad]
        self.discriminator_optimizer = adamw(judging, betas=(0.5, 0.99))
        self.step, self.epoch, self.best = 0, 0, -math.inf
        self.clock = Clock(seconds) if seconds is not None else None
        self.share, self._pace = 0.0, 0.0  # the share of the training that is done, and that of one step
        self.sums: dict[str, Tensor] = {}  # of each loss term, and of the steps in which it occurred
        self.loss = torch.zeros(())  # of the last step; not finite if its gradients were not
        if state:
            self._go_on(state)
        self._update_share(resumed=True)
        self.began = self.step, time.monotonic()  # the start of the timing: the last epoch, or when the run was resumed

    def _networks(self, state: dict | None) -> tuple[nn.Module, nn.Module]:
        """The initial generator and discriminator, equal in every process; a state's weights are loaded later."""
        torch.manual_seed(self.seed)
        if state:
            model, judge = MODELS[self.stage](ModelConfig(**state["config"])), discriminator
        else:
            model, judge = initialization.network(self.config, self.stage), initialization.discriminator
        networks = model, judge(self.config, self.stage, model.config)
        on_cpu = self.world.device.type == "cpu"
        return tuple(map(widen_depthwise, networks)) if on_cpu and self.config.precision == "bf16" else networks

    def _placed(self, module: nn.Module) -> nn.Module:
        if self.world.size > 1 and self.world.device.type == "cuda":
            module = nn.SyncBatchNorm.convert_sync_batchnorm(module)
        return module.to(self.world.device, PRECISIONS[self.config.precision], memory_format=torch.channels_last)

    def _frozen(self) -> list[nn.Module]:
        """The layers whose statistics are frozen; those of the stem do not learn either."""
        config, model = self.config, self.model
        stem = initialization.stem(model.unet.encoder, INPUT_CHANNELS[self.stage]) if config.freeze_stem else []
        for layer in stem:
            layer.requires_grad_(False)
        return [*stem, *(layer for layer in model.modules() if config.freeze_norm and isinstance(layer, _BatchNorm))]

    @property
    def gan_is_on(self) -> bool:
        """Whether the discriminator takes part in the next step."""
        asked = self.weights["loss_g"] > 0 or self.weights.get("features", 0) > 0
        return asked and self.share >= self.config.gan_start

    @property
    def is_finished(self) -> bool:
        """Whether no step is left; at least one is always taken."""
        return self.step > 0 and self.share >= 1

    @property
    def epochs_due(self) -> int:
        """Epochs that should be complete by now: equal shares of the steps or of the time."""
        epochs = self.config.epochs
        return int(self.share * epochs) if self.clock else self.step * epochs // self.steps

    def train_step(self, batch: Batch) -> None:
        """One update of the discriminator, if it takes part, and one of the generator."""
        self.model.train()
        for layer in self.frozen:
            layer.eval()
        # Stochastic depth draws from torch's generator: seeded by step, so that a resumed run draws the same.
        torch.manual_seed((self.seed << 32) + self.step * self.world.size + self.world.rank)
        forward = self.forward(batch, self.model)
        values, terms = {}, forward.terms
        if self.gan_is_on:
            own, pair = self.discriminator_losses(forward)
            optimizer = self.discriminator_optimizer
            values |= self._update(self.discriminator, optimizer, own, objectives.DISCRIMINATOR_WEIGHTS, "loss_d")
            terms = terms | self.adversarial_losses(pair)
        values |= self._update(self.model, self.optimizer, terms, self.weights, "loss")
        self.loss = values["loss"] + 0 * values.pop("norm")
        for name, value in values.items():
            value = value.double()
            self.sums[name] = torch.stack([value, torch.ones_like(value)]) + self.sums.get(name, 0)
        self.step += 1
        if self.step % CHECK_EVERY == 0:
            self.check()
        self._update_share()
        self._average()

    def _update_share(self, resumed: bool = False) -> None:
        """The progress: all processes follow the clock of the first, and the pace between two readings."""
        if self.clock is None:
            self.share, self._pace = self.step / self.steps, 1 / self.steps
        elif self.world.size > 1 and not resumed and self.step > AGREE_EVERY and self.step % AGREE_EVERY:
            self.share = min(1.0, self.share + self._pace)
        else:
            own = {"share": self.clock.share if self.world.is_first else 0.0}
            self.share = max(self.share, self.world.sum_numbers(own)["share"])
            self._pace = self.share / max(1, self.step)

    def forward(self, batch: Batch, network: nn.Module) -> Forward:
        """Run a generator on a batch on any device."""
        dtype, device = PRECISIONS[self.config.precision], self.world.device
        planes = expanded({key: plane.to(device, non_blocking=True) for key, plane in batch.items()})
        planes = {key: plane.to(dtype) for key, plane in planes.items()}
        with self._autocast():
            return objectives.FORWARD[self.stage](network, planes, self.config)

    def discriminator_losses(self, forward: Forward) -> tuple[Terms, Encoded]:
        """The discriminator's losses, and the encoded photos that they were computed from."""
        with self._autocast():
            pair = objectives.encode(self.discriminator, forward)
            return objectives.discriminator_loss(self.discriminator, pair), pair

    def adversarial_losses(self, pair: Encoded) -> Terms:
        """The generator's losses from the current discriminator."""
        with self._autocast():
            return objectives.adversarial_loss(self.discriminator, pair, self.weights.get("features", 0) > 0)

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.world.device.type, torch.bfloat16, enabled=self.config.precision == "bf16")

    def _update(self, module: nn.Module, optimizer, terms: Terms, weight: dict[str, float], name: str) -> dict:
        """One optimizer step with gradients over all processes; returns each term's mean and, as `name`, the sum."""
        counts = self.world.sum(torch.stack([term.count.detach() for term in terms.values()]))
        shares = {k: term.total / count.clamp_min(1) for (k, term), count in zip(terms.items(), counts, strict=True)}
        loss = sum(weight[key] * share for key, share in shares.items())
        optimizer.zero_grad()
        loss.backward()
        self.world.sum_gradients(module.parameters())
        norm = nn.utils.clip_grad_norm_(module.parameters(), self.config.gradient_clip)
        peak = self.config.learning_rate if module is self.model else self.config.discriminator_learning_rate
        # By the clock, the rate is that at the step's end, so that the last step is fully annealed.
        share = min(1.0, self.share + self._pace) if self.clock else self.share
        for group in optimizer.param_groups:
            group["lr"] = peak * learning_rate(share, self.config.warmup, self._pace)
        optimizer.step()
        return {key: value.detach() for key, value in (shares | {name: loss, "norm": norm}).items()}

    def check(self) -> None:
        """Raise if the last loss is not finite: no later one would be."""
        if not math.isfinite(float(self.loss)):
            raise FloatingPointError(f"the loss of step {self.step} is not finite: lower --learning-rate.")

    def mean_losses(self) -> dict[str, float]:
        """The mean of each loss term over all processes since the last call."""
        sums, self.sums = self.sums, {}
        return {name: float(self.world.sum(total) / steps) for name, (total, steps) in sums.items()}

    @torch.no_grad()
    def _average(self) -> None:
        decay = min(self.config.ema_decay, (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(self._averages, self._averaged, 1 - decay)

    @torch.no_grad()
    def share_statistics(self) -> None:
        """Average batch norm's running statistics over processes that each gathered their own.

        They are linear in the gathered values, so it does not matter how often this is done.
        """
        if self.world.size == 1 or self.world.device.type == "cuda":  # on a GPU batch norm is synchronized
            return
        for name, own in self.model.named_buffers():
            for tensor in (own, self.ema[name]):
                tensor.copy_(self.world.sum(tensor) / self.world.size)

    def averaged(self) -> nn.Module:
        """A copy of the generator with the averaged weights, in evaluation mode."""
        model = self._placed(MODELS[self.stage](self.model.config))  # from --init, which may differ from the settings
        model.load_state_dict(self.ema)
        return model.eval()

    def save(self, file: Path) -> None:
        """Write the state to resume from, unless the last step broke the weights. All processes must call it."""
        self.check()
        self.share_statistics()
        sums = {name: torch.stack([self.world.sum(total), steps]) for name, (total, steps) in self.sums.items()}
        if self.world.is_first:
            state = {name: getattr(self, name).state_dict() for name in _STATEFUL}
            state |= {name: getattr(self, name) for name in (*_PLAIN, "ema")}
            config = dataclasses.asdict(self.model.config)
            time = {name: getattr(self.clock, name) for name in _TIME} if self.clock else {}
            checkpoint.save_state(state | {"sums": sums, "config": config, "clock": time}, file)

    def _go_on(self, state: dict) -> None:
        for name in _STATEFUL:
            getattr(self, name).load_state_dict(state[name])
        for name in _PLAIN:
            setattr(self, name, state[name])
        for name, average in state["ema"].items():
            self.ema[name].copy_(average)
        self.clock = Clock(**state["clock"]) if state.get("clock") else None
        own = torch.tensor([float(self.world.is_first), 1.0], dtype=torch.float64, device=self.world.device)
        self.sums = {name: sums * own for name, sums in state["sums"].items()}  # totals over all processes count once


_STATEFUL = ("model", "discriminator", "optimizer", "discriminator_optimizer")
_PLAIN = ("step", "epoch", "best")
_TIME = ("seconds", "used", "reserve")
