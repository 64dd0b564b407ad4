"""What one step does: rates, averages, clipping, modes, sums; each against its formula."""

import math

import pytest
import torch
from small_run import config
from torch import nn

from restoration.checkpoint import load_state
from restoration.data.batches import TrainingBatches
from restoration.data.photos import Photos
from restoration.training import schedules
from restoration.training.distributed import World
from restoration.training.runs import STATE
from restoration.training.trainer import Trainer
from restoration.training.validation import weighted


class Two(World):
    """The first of two processes of which the other one has the same of everything."""

    def __init__(self, rank: int = 0):
        super().__init__()
        self.rank, self.size, self.summed = rank, 2, []

    def sum(self, values: torch.Tensor) -> torch.Tensor:
        return 2 * values

    def sum_gradients(self, parameters) -> None:
        self.summed.append(sum(p.numel() for p in parameters))

    def from_first(self, value):
        return value


def maker(scenes):
    """Trainers of the small run."""

    def make(stage: str = "color", steps: int = 20, world: World | None = None, seconds=None, state=None, **fields):
        return Trainer(config(scenes, **fields), stage, steps, world or World(), 0, state, seconds)

    return make


def ticking_clock(monkeypatch) -> list[float]:
    """The time by which a training may end, which a test moves."""
    now = [0.0]
    monkeypatch.setattr(schedules, "monotonic", lambda: now[0])
    return now


make = pytest.fixture(maker)
ticking = pytest.fixture(ticking_clock)


def batches(trainer: Trainer) -> TrainingBatches:
    return TrainingBatches(Photos.find(trainer.config.data), trainer.config, trainer.stage, trainer.seed)


def weights_of(module: nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().flatten().clone() for p in module.parameters()])


def test_averages_follow_the_weights_ever_more_slowly(make):
    trainer = make(ema_decay=0.3, learning_rate=0.01)
    source, name = batches(trainer), next(name for name, _ in trainer.model.named_parameters())
    average = trainer.model.state_dict()[name].clone()
    for step in range(1, 5):
        trainer.train_step(source[step])
        decay = min(0.3, (1 + step) / (10 + step))  # 2 / 11, 3 / 12, 0.3, 0.3
        average = decay * average + (1 - decay) * trainer.model.state_dict()[name]
        assert torch.allclose(trainer.ema[name], average, atol=1e-7)
    counters = [name for name in trainer.ema if name.endswith("num_batches_tracked")]
    assert counters and all(trainer.ema[name] == 4 for name in counters)
    averaged = trainer.averaged()
    assert not averaged.training and torch.equal(averaged.state_dict()[name], trainer.ema[name])


def test_the_rate_of_each_step_is_that_of_the_share_that_is_done(make):
    trainer = make(steps=10, gan_start=0.2, learning_rate=0.02, discriminator_learning_rate=0.5, warmup=0.2)
    source = batches(trainer)
    for step, factor in enumerate((0.5, 1.0, 1.0)):  # of two steps of warm-up, then all
        before = weights_of(trainer.discriminator)
        trainer.train_step(source[step])
        cosine = 0.5 * (1 + math.cos(math.pi * step / 10))
        assert trainer.optimizer.param_groups[0]["lr"] == pytest.approx(0.02 * factor * cosine)
        assert torch.equal(weights_of(trainer.discriminator), before) == (step < 2), "it begins at a fifth"
    assert trainer.discriminator_optimizer.param_groups[0]["lr"] == pytest.approx(0.5 * cosine)
    assert trainer.share == pytest.approx(0.3) and not trainer.is_finished
    assert trainer.discriminator_optimizer.defaults["betas"] == (0.5, 0.99)
    assert trainer.optimizer.defaults["betas"] == (0.9, 0.999)


def test_gradients_are_clipped_together(make):
    trainer = make(gradient_clip=1e-3)
    trainer.train_step(batches(trainer)[0])
    norm = torch.cat([p.grad.flatten() for p in trainer.model.parameters() if p.grad is not None]).norm()
    assert float(norm) == pytest.approx(1e-3, rel=1e-3)


def test_losses_are_means_over_steps_and_their_weighted_sum(make):
    trainer = make("inpaint", gan_start=0.1, hole_weight=3.0, steps=20)
    source, each = batches(trainer), []
    for step in range(4):
        trainer.train_step(source[step])
        each.append({name: float(total[0]) for name, total in trainer.sums.items()})
    counts = {name: float(total[1]) for name, total in trainer.sums.items()}
    assert counts["hole"] == counts["loss"] == 4 and counts["d_real"] == counts["loss_d"] == counts["loss_g"] == 2
    means = trainer.mean_losses()
    assert means["hole"] == pytest.approx(each[-1]["hole"] / 4) and trainer.sums == {}
    own = [name for name in trainer.weights if name in means and name != "loss_g"]
    late = 0.02 * each[-1]["loss_g"] / 4
    assert means["loss"] == pytest.approx(sum(trainer.weights[name] * means[name] for name in own) + late, rel=1e-5)
    assert means["loss_d"] == pytest.approx((means["d_real"] + means["d_fake"]) / 2)
    assert trainer.weights["hole"] == 3 and "overlap" not in means


def test_loss_terms_are_weighted_for_validation_as_in_training(make):
    trainer = make(chroma_weight=2.0, color_gan_weight=0.5)
    assert weighted(trainer, {"chroma": 3.0}) == {"chroma": 3.0, "loss": 6.0}
    full = weighted(trainer, {"chroma": 3.0, "loss_g": 4.0, "d_real": 1.0, "d_fake": 2.0})
    assert full["loss"] == 8 and full["loss_d"] == 1.5


def test_a_loss_is_divided_by_what_all_processes_count(make, monkeypatch):
    """Of two with the same batch, each one's share of the mean is half of it."""
    found = []
    for world in (World(), Two()):
        trainer = make("inpaint", world=world, hint_dropout=0.0, wear=0.0)
        trainer.train_step(batches(trainer)[0])
        found.append({name: float(total[0]) for name, total in trainer.sums.items()})
    assert all(found[1][name] == pytest.approx(found[0][name] / 2, rel=1e-4) for name in ("hole", "known", "ssim"))
    assert found[0]["hole"] > 0
    assert world.summed == [sum(p.numel() for p in trainer.model.parameters())]


def test_each_step_of_each_process_draws_its_own_chance(make):
    seeds = set()
    for rank in (0, 1):
        trainer = make(world=Two(rank))
        for step in range(3):
            trainer.step = step
            trainer.train_step(batches(trainer)[0])
            seeds.add(torch.initial_seed())
    assert {seed >> 32 for seed in seeds} == {trainer.seed} and {seed & 63 for seed in seeds} == {*range(6)}


def test_a_loss_that_is_no_number_is_noticed_within_ten_steps(make):
    trainer = make(steps=40)
    next(trainer.model.parameters()).data.fill_(float("nan"))
    for trainer.step in (7, 8):
        trainer.train_step(batches(trainer)[0])
    with pytest.raises(FloatingPointError, match="step 10 is not finite"):
        trainer.train_step(batches(trainer)[0])
    trainer.loss = torch.tensor(1.0)
    trainer.check()


def test_an_infinite_gradient_is_noticed_before_its_weights_are_saved(make, tmp_path):
    trainer = make()
    trainer.model.unet.segmentation_head[0].weight.register_hook(lambda g: g * float("inf"))
    trainer.train_step(batches(trainer)[0])
    with pytest.raises(FloatingPointError):
        trainer.save(tmp_path / STATE)
    assert not (tmp_path / STATE).exists()


@pytest.mark.parametrize(
    "fields, norms, stems",
    [({}, True, True), ({"freeze_norm": True}, False, True), ({"freeze_stem": True}, True, False)],
)
def test_what_is_frozen_stays_as_it_is(make, fields, norms, stems):
    trainer = make("inpaint", **fields)
    before = {name: tensor.clone() for name, tensor in trainer.model.state_dict().items()}
    trainer.train_step(batches(trainer)[0])
    after = trainer.model.state_dict()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    last = [name for name in before if name.endswith("running_mean")][-1]
    first = next(iter(before))
    assert (last in moved) == norms and (first in moved) == stems and len(moved) > 20
    assert trainer.model.training and bool(trainer.frozen) == bool(fields)


def test_the_gan_is_on_from_its_share_on_and_where_it_has_a_weight(make):
    trainer = make("inpaint", gan_start=0.5)
    for share, weights, is_on in (
        (0.49, {}, False), (0.5, {}, True), (0.9, {"loss_g": 0.0}, False),
        (0.9, {"loss_g": 0.0, "features": 0.1}, True),
    ):  # fmt: skip
        trainer.share, trainer.weights = share, {"loss_g": 0.02, "features": 0.0} | weights
        assert trainer.gan_is_on == is_on
    trainer.weights = {"loss_g": 0.02}  # the Colorizer's
    assert trainer.gan_is_on


def test_epochs_are_equal_shares_of_the_steps(make):
    trainer = make(steps=10, epochs=3)
    due = []
    for trainer.step in range(11):
        due.append(trainer.epochs_due)
    assert due == [0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 3]
    trainer.step, trainer.share = 0, 1.0
    assert not trainer.is_finished, "one step is taken in any case"
    trainer.step = 1
    assert trainer.is_finished


def test_a_training_by_the_clock(make, ticking):
    trainer = make(steps=0, seconds=100.0, epochs=4, warmup=0.0, learning_rate=0.01)
    source = batches(trainer)
    assert (trainer.share, trainer.epochs_due) == (0, 0)
    ticking[0] = 1.0
    trainer._update_share()
    for step, (now, due) in enumerate(((20, 0), (40, 1), (99, 3), (120, 4))):
        paced = trainer.share + trainer._pace
        trainer.train_step(source[step])
        rate = 0.005 * (1 + math.cos(math.pi * min(1, paced)))
        assert trainer.optimizer.param_groups[0]["lr"] == pytest.approx(rate, abs=1e-9)
        ticking[0] = now
        trainer._update_share()
        assert trainer.share == pytest.approx(min(1, now / 100)) and trainer.epochs_due == due
        assert trainer._pace == pytest.approx(trainer.share / (step + 1))
    assert trainer.is_finished
    trainer.clock.reserve = -1e9
    trainer._update_share()
    assert trainer.share == 1, "it never goes back"


def test_many_processes_look_at_the_clock_at_every_tenth_step(make, ticking):
    trainer = make(steps=0, seconds=100.0, world=Two())
    trainer.world.sum_numbers = lambda numbers: numbers  # the other one's is 0
    shares = []
    for step in range(1, 22):
        trainer.step, ticking[0] = step, 2.0 * step + (step > 10)
        trainer._update_share()
        shares.append(trainer.share)
    assert shares[:10] == pytest.approx([0.02 * step for step in range(1, 11)])
    assert shares[10:19] == pytest.approx([0.2 + 0.02 * n for n in range(1, 10)]), "by the pace, not the clock"
    assert shares[19] == pytest.approx(0.41) and shares[20] == pytest.approx(0.41 + 0.41 / 20)
    late = make(steps=0, seconds=100.0, world=Two(rank=1))
    late.world.sum_numbers = lambda numbers: numbers
    late._update_share()
    assert late.share == 0, "only the first one's clock counts"


def test_a_state_holds_all_that_goes_on(make, tmp_path, ticking):
    trainer = make(steps=0, seconds=50.0, gan_start=0.0, epochs=5)
    source = batches(trainer)
    trainer.train_step(source[0])
    ticking[0], trainer.best, trainer.epoch, trainer.clock.reserve = 20.0, 17.5, 2, 5.0
    trainer.save(tmp_path / STATE)
    state = load_state(tmp_path / STATE)
    again = make(steps=0, seconds=9.0, gan_start=0.0, epochs=5, state=state)
    assert (again.step, again.epoch, again.best, again.began[0]) == (1, 2, 17.5, 1)
    assert (again.clock.seconds, again.clock.used, again.clock.reserve) == (50, 20, 5)
    assert all(torch.equal(again.sums[name], trainer.sums[name]) for name in trainer.sums)
    trainer._update_share()
    for piece in (trainer, again):
        piece.train_step(source[1])
    for part in ("model", "discriminator"):
        assert torch.equal(weights_of(getattr(trainer, part)), weights_of(getattr(again, part)))
    assert all(torch.equal(again.ema[name], trainer.ema[name]) for name in trainer.ema)
    second = make(world=Two(rank=1), steps=0, gan_start=0.0, state=state)
    for name, (total, steps) in second.sums.items():
        assert total == 0 and steps == state["sums"][name][1] == 1, "totals of all count once"


def test_statistics_become_the_mean_over_processes(make):
    trainer = make(world=Two())
    trainer.world.sum = lambda tensor: tensor + 4  # the other one has 4 everywhere
    name = next(name for name, _ in trainer.model.named_buffers() if name.endswith("running_mean"))
    own, average = trainer.model.state_dict()[name].clone(), trainer.ema[name].clone()
    weight = weights_of(trainer.model)
    trainer.share_statistics()
    assert torch.allclose(trainer.model.state_dict()[name], (own + 4) / 2)
    assert torch.allclose(trainer.ema[name], (average + 4) / 2) and torch.equal(weights_of(trainer.model), weight)


def test_a_resumed_process_among_many_looks_at_the_clock_at_once(make, tmp_path, ticking):
    class Other(Two):
        def sum_numbers(self, numbers):
            return numbers

    trainer = make(steps=0, seconds=100.0, world=Other())
    trainer.step, ticking[0] = 15, 40.0
    trainer.save(tmp_path / STATE)
    again = make(steps=0, world=Other(), state=load_state(tmp_path / STATE))
    assert again.share == pytest.approx(0.4) and again.step == 15


@pytest.mark.parametrize("precision, dtype", [("float32", torch.float32), ("bf16", torch.bfloat16)])
def test_only_bf16_is_narrow(make, precision, dtype):
    trainer = make(precision=precision)
    with trainer._autocast():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == dtype
    assert next(trainer.model.parameters()).dtype == torch.float32
