"""The loop around the steps: what it refuses, agrees on, notes and keeps."""

import dataclasses
import itertools
import os
import signal
import time
from contextlib import suppress
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.distributed as dist
from conftest import is_one_sentence
from small_run import config
from test_steps import batches, maker, ticking_clock

from restoration import checkpoint, machine
from restoration.data import splits
from restoration.data.batches import TrainingBatches
from restoration.data.photos import Photos
from restoration.errors import RestorationError
from restoration.training import loop, runs, validation
from restoration.training.distributed import World
from restoration.training.runs import Run, locked

make = pytest.fixture(maker)
ticking = pytest.fixture(ticking_clock)


def world(size: int, answer: dict | None = None) -> SimpleNamespace:
    return SimpleNamespace(size=size, sum_numbers=lambda own: answer or own, is_first=True, device=torch.device("cpu"))


@pytest.mark.parametrize(
    "size, step, asks, stop, late, expected",
    [
        (1, 3, False, True, False, (True, False)),
        (1, 3, False, False, True, (False, True)),
        (2, 3, False, True, True, (False, False)),  # nobody is asked
        (2, 3, True, True, False, (True, False)),
        (2, 20, False, False, True, (False, True)),
        (2, 20, False, False, False, (False, False)),
    ],
)
def test_processes_agree_at_every_tenth_step_and_at_an_epochs_end(size, step, asks, stop, late, expected):
    trainer = SimpleNamespace(world=world(size), step=step)
    assert loop._agreed(trainer, stop, late, asks) == expected


def test_a_run_that_cannot_be_is_one_sentence(scenes):
    small = {"batch_size": 2, "size": 32, "folds": 3}
    for fields, size, fold, said in (
        ({}, 3, None, "each of 3 processes"),
        ({}, 2, None, "more than one photo of 32 px"),
        ({}, 1, 3, "fold 3 does not exist"),
        ({}, 1, -1, "fold -1 does not exist"),
        ({"batch_size": 1}, 1, None, "--freeze-norm"),
    ):
        with pytest.raises(ValueError, match=said) as error:
            loop._check(config(scenes, **small | fields), world(size), fold)
        assert is_one_sentence(error.value)
    for fields, size, fold in (({}, 1, 0), ({}, 1, 2), ({"size": 64}, 2, None), ({"freeze_norm": True}, 2, None)):
        loop._check(config(scenes, **small | fields), world(size), fold)


def test_a_command_is_shown_without_a_jobs_own_piece():
    words = ["train.py", "run one", "--fold", "3", "--epochs", "2", "--stage=color"]
    assert runs.command_of(words) == "python train.py 'run one' --epochs 2"


def test_batches_come_from_the_trainers_step_on(make):
    trainer = make(steps=3)
    photos, source = Photos.find(trainer.config.data), batches(trainer)
    trainer.step = 1
    ahead = list(loop.batches_ahead(photos, trainer))
    assert len(ahead) == 2 and all(torch.equal(batch["luma"], source[1 + i]["luma"]) for i, batch in enumerate(ahead))
    trainer.step = 3
    assert list(loop.batches_ahead(photos, trainer)) == []
    endless = make(steps=0, seconds=9.0)
    assert len(list(itertools.islice(loop.batches_ahead(photos, endless), 5))) == 5


def test_an_epochs_record(make, tmp_path, monkeypatch, ticking):
    """Its speed is without validation, which is kept time for; only better weights are kept."""
    now = [100.0]
    monkeypatch.setattr(loop.time, "monotonic", lambda: now[0])
    scores = {"hsv_similarity": 0.5}

    def validate(*_):
        now[0] += 30
        ticking[0] += 30
        return dict(scores)

    monkeypatch.setattr(loop, "validate", validate)
    trainer = make(steps=0, seconds=1000.0, epochs=4)
    trainer.train_step(batches(trainer)[0])
    trainer.began, trainer.step, trainer.share, now[0], ticking[0] = (0, 100.0), 5, 0.6, 104.0, 600.0
    record = loop._end_epoch(tmp_path / "best", trainer, None)
    assert record["photos_per_second"] == 2 * 5 / 4 and (record["epoch"], record["step"]) == (2, 5)
    assert trainer.began == (5, 134.0) and trainer.clock.reserve == 30 and trainer.best == 0.5
    assert record["minutes_left"] == pytest.approx(370 / 60) and record["train_loss"] > 0
    kept = (tmp_path / "best" / "model.safetensors").stat().st_mtime_ns
    trainer.train_step(batches(trainer)[1])
    trainer.clock.seconds, now[0] = 40.0, now[0] + 1
    loop._end_epoch(tmp_path / "best", trainer, None)
    assert (tmp_path / "best" / "model.safetensors").stat().st_mtime_ns == kept, "no better than before"
    assert trainer.clock.reserve == 30, "the longest so far"
    trainer.clock.reserve, scores["hsv_similarity"] = 0, 0.6
    trainer.train_step(batches(trainer)[2])
    now[0] += 1
    loop._end_epoch(tmp_path / "best", trainer, None)
    assert trainer.clock.reserve == 10 and trainer.best == 0.6, "of little time, a quarter at most"
    assert (tmp_path / "best" / "model.safetensors").stat().st_mtime_ns > kept


def test_signals_are_given_back():
    before = [signal.getsignal(number) for number in loop.SIGNALS]
    with loop._signals() as received:
        signal.raise_signal(signal.SIGTERM)
        assert received == [signal.SIGTERM] and signal.getsignal(signal.SIGINT) == before[0], "a second Ctrl-C counts"
    assert [signal.getsignal(number) for number in loop.SIGNALS] == before
    with loop._signals() as received:
        loop._prepare_worker(0)
        for number in loop.SIGNALS:
            signal.raise_signal(number)
        assert received == []


@pytest.mark.parametrize("device, cores, workers", [("cuda", 8, 7), ("cuda", 1, 1), ("cpu", 8, 1)])
def test_a_gpu_is_fed_by_all_cores_but_one(make, monkeypatch, device, cores, workers):
    made, trainer = [], make(workers=None)
    trainer.world.device = torch.device(device)
    monkeypatch.setattr(loop, "DataLoader", lambda *_, **how: made.append(how) or ())
    monkeypatch.setattr(machine, "cores", lambda: cores)
    loop.batches_ahead(Photos.find(trainer.config.data), trainer)
    assert made[0]["num_workers"] == workers and made[0]["worker_init_fn"] is loop._prepare_worker
    assert made[0]["multiprocessing_context"] == "fork"  # each has the photos of this process


def test_a_machine_is_shared_by_the_processes_on_it(monkeypatch):
    alone = machine.cores(), machine.memory()
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    assert machine.cores() == max(1, alone[0] // 2) and machine.memory() == alone[1] // 2
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "1000")
    assert machine.cores() == 1
    assert 2**28 < alone[1] < 2**45 and alone[0] >= 1


def test_of_one_process_a_sum_is_its_own():
    alone = World()
    assert alone.is_first and alone.sum_numbers({"a": 2.0}) == {"a": 2.0} and alone.from_first(7) == 7
    assert (alone.rank, alone.size) == (0, 1) and float(alone.sum(torch.tensor(3.0))) == 3


def test_two_processes_sum_each_value_and_each_gradient(monkeypatch):
    """As if the other one had the same of everything."""
    monkeypatch.setattr(dist, "all_reduce", lambda values: values.mul_(2))
    both, own, layer, unused = World(), torch.tensor(3.0), torch.nn.Linear(3, 2), torch.nn.Linear(1, 1)
    both.size = 2
    assert both.sum(own) == 6 and own == 3 and both.sum_numbers({"a": 1.0, "b": 2.0}) == {"a": 2, "b": 4}
    layer(torch.ones(3)).sum().backward()
    both.sum_gradients([*layer.parameters(), *unused.parameters()])
    assert all((parameter.grad == 2).all() for parameter in layer.parameters()) and unused.weight.grad is None
    both.sum_gradients(unused.parameters())


def test_each_process_of_a_machine_works_on_a_gpu_of_its_own(monkeypatch):
    chosen = []
    for name, answer in (("is_available", True), ("get_device_properties", SimpleNamespace(total_memory=3 << 30))):
        monkeypatch.setattr(torch.cuda, name, lambda *_, answer=answer: answer)
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    monkeypatch.setenv("LOCAL_RANK", "1")
    own = World()
    assert chosen == [own.device] == [torch.device("cuda", 1)] and own.gpu_gib == 3
    own.device = torch.device("cpu")
    assert own.gpu_gib is None


@pytest.mark.parametrize(
    "fold, stages, seconds", [(None, ("inpaint", "color"), 15), (1, ("inpaint", "color"), 30), (0, ("color",), 60)]
)
def test_the_time_is_divided_among_the_pieces_that_were_asked_for(scenes, tmp_path, monkeypatch, fold, stages, seconds):
    """Of a minute, less what reading the photos took: four seconds by this clock, which all pieces share."""
    jobs, ticks = [], itertools.count(0, 4.0)
    monkeypatch.setattr(loop, "_train_piece", lambda job, fold, stage, *_: jobs.append((job, fold, stage)))
    monkeypatch.setattr(loop.time, "monotonic", lambda: next(ticks))
    settings = config(scenes, minutes=1.0, epoch_photos=None)
    assert loop.train(Run(tmp_path / "run"), settings, fold, stages)
    assert all(job.seconds == seconds - 4 / len(jobs) for job, *_ in jobs)
    folds = range(2) if fold is None else [fold]
    assert [(k, s) for _, k, s in jobs] == [(k, s) for k in folds for s in stages]
    assert Run(tmp_path / "run").stages() == tuple(s for s in ("inpaint", "color") if s in stages)


def test_reading_may_take_more_than_all_of_the_time(scenes, tmp_path, monkeypatch):
    jobs = []
    monkeypatch.setattr(loop, "_train_piece", lambda job, *_: jobs.append(job.seconds))
    loop.train(Run(tmp_path / "run"), config(scenes, minutes=1e-6, epoch_photos=None), 0, ("color",))
    assert jobs == [0]


def test_a_run_takes_the_precision_that_trains_faster_and_leaves_its_group(scenes, tmp_path, monkeypatch):
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    monkeypatch.setattr(loop, "_train_piece", lambda *_: None)
    monkeypatch.setattr(loop, "torch_precision", lambda _, training: "bf16" if training else "float32")
    loop.train(run := Run(tmp_path / "run"), config(scenes, precision=None), 0, ("color",))
    assert run.config().precision == "bf16" and not dist.is_initialized()


def test_a_budget_is_in_gibibytes_for_all_processes_here(scenes, monkeypatch):
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    monkeypatch.setattr(machine, "memory", lambda: 1000)
    assert splits._budget(config(scenes, cache_gib=3.0)) == 3 * 2**30 // 4
    assert splits._budget(config(scenes)) == 500


def test_photos_too_much_alike_for_its_folds_leave_a_runs_name_free(scenes, tmp_path):
    usable = splits.Usable(Photos.find(scenes), np.zeros(8, int), [])
    with pytest.raises(RestorationError) as error:
        loop.train(Run(tmp_path / "run"), config(scenes), usable=usable)
    assert is_one_sentence(error.value) and not (tmp_path / "run").exists()


def test_what_a_report_says_of_the_data_and_which_photos_validate(scenes):
    photos = Photos.find(scenes)
    usable = splits.Usable(photos, np.array([0, 0, 1, 1, 1, 2, 3, 3]), ["a: gray"])
    said = usable.description("there")
    assert (said["source"], said["photos"], said["groups"], said["largest_group"]) == ("there", 8, 4, 3)
    assert said["problems"] == ["a: gray"]
    split = usable.split(config(scenes, validation_photos=2, folds=2), 0)
    assert len(split.validation) == 2 and not set(split.validation.names) & set(split.training.names)
    every = usable.split(config(scenes, validation_photos=100, folds=2), 0)
    assert sorted(every.validation.names + every.training.names) == photos.names
    assert set(split.validation.names) < set(every.validation.names)
    names = {
        tuple(usable.split(config(scenes, folds=2, seed=s, validation_photos=1), 0).validation.names) for s in range(9)
    }
    assert len(names) > 2, "drawn, not the first"


def test_a_run_is_a_folder_that_knows_itself(scenes, tmp_path):
    run, settings = Run(tmp_path / "new" / "run"), config(scenes, folds=2)
    assert not run.exists and run.agreed(settings, settings) is settings
    with pytest.raises(ValueError, match="holds no run"):
        run.config()
    assert run.join(settings, settings, "python train.py") == settings and run.exists
    assert (run.folder / "command.txt").read_text() == "python train.py\n" and run.stages() == ("inpaint", "color")
    run.join(settings, settings, "another one")
    assert (run.folder / "command.txt").read_text() == "python train.py\n"
    assert run.missing(settings) == [(0, "inpaint"), (0, "color"), (1, "inpaint"), (1, "color")]
    for piece in (run.piece(1, "inpaint"), run.piece(0, "color")):
        piece.mkdir(parents=True)
    checkpoint.save_state({"finished": True}, run.piece(1, "inpaint") / "state.pt")
    checkpoint.save_state({"step": 3}, run.piece(0, "color") / "state.pt")
    assert run.is_finished(1, "inpaint") and not run.is_finished(0, "color")
    assert loop._unfinished(run, settings, None, ["color"]) == [(0, "color", True), (1, "color", False)]
    assert loop._unfinished(run, settings, 1, ["color", "inpaint"]) == [(1, "color", False)]
    run.describe_data({"fingerprint": "a", "photos": 3})
    run.describe_data({"fingerprint": "a", "photos": 4})
    with pytest.raises(ValueError, match="not those"):
        run.describe_data({"fingerprint": "b"})
    assert '\n  "photos": 3\n' in (run.folder / "data.json").read_text()
    moved = Run(run.folder, {"data": "elsewhere"})
    with pytest.raises(ValueError, match="not those"):
        moved.describe_data({"fingerprint": "b"})
    assert moved.config().data == "elsewhere" and run.config() == settings
    moved.describe_data({"fingerprint": "a"})
    assert run.config() == moved.config()


def test_a_folder_that_another_process_holds_is_not_waited_for(tmp_path):
    def taken() -> bool:
        child = os.fork()
        if child == 0:
            with suppress(RestorationError), locked(tmp_path, wait=False):
                os._exit(0)
            os._exit(3)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3

    with locked(tmp_path):
        assert taken()
    assert not taken()


def test_what_a_run_says_of_its_data(scenes, tmp_path, capsys):
    photos = Photos.find(scenes, budget=1 << 30)
    usable, run = splits.Usable(photos, np.arange(8), ["a.png: gray"]), Run(tmp_path / "run")
    run.folder.mkdir()
    for decoded, said in ((0, "8 photos do not fit"), (8, None), (5, "3 photos do not fit")):
        photos.memory._kept = dict.fromkeys(range(decoded))
        loop._describe(run, config(scenes, precision="float32"), usable)
        out = capsys.readouterr().out
        assert "8 photos in 8 groups, the largest of 1." in out and "problem: a.png: gray" in out
        assert (said in out) if said else "do not fit" not in out


def test_a_folder_that_is_held_for_a_moment_is_waited_for(tmp_path):
    taken = tmp_path / "taken"
    child = os.fork()
    if child == 0:
        with locked(tmp_path):
            taken.touch()
            time.sleep(0.3)
        os._exit(0)
    while not taken.exists():
        time.sleep(0.01)
    with locked(tmp_path):
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize("epoch, steps", [(0, 1), (1, 0)])
def test_what_was_stopped_between_its_last_two_writes_takes_no_step_more(monkeypatch, tmp_path, epoch, steps):
    """Where the time was up before the last epoch had ended, one more step ends it."""
    taken, saved = [], []
    trainer = SimpleNamespace(
        config=SimpleNamespace(epochs=1, save_every_minutes=5.0), stage="color", world=world(1), share=1.0, epoch=epoch,
        is_finished=True, epochs_due=1, loss=0.5, train_step=taken.append, save=saved.append,
    )  # fmt: skip
    monkeypatch.setattr(loop, "batches_ahead", lambda *_: iter(["batch", "another"]))
    monkeypatch.setattr(loop, "_end_epoch", lambda *_: {"epoch": 1, "photos_per_second": 1.0})
    loop._learn(tmp_path / "0" / "color", trainer, SimpleNamespace(training=None, validation=None), [], None)
    assert len(taken) == len(saved) == steps


@pytest.mark.parametrize("minutes, saves", [(0.9, 0), (1.1, 3)])
def test_a_state_is_saved_as_often_as_asked_and_where_a_signal_came(monkeypatch, tmp_path, minutes, saves):
    now, saved = [0.0], []
    monkeypatch.setattr(loop.time, "monotonic", lambda: now[0])
    trainer = SimpleNamespace(
        config=SimpleNamespace(epochs=1, save_every_minutes=1.0), stage="color", world=world(1), share=0.1, epoch=0,
        is_finished=False, epochs_due=0, loss=0.5, train_step=lambda _: now.__setitem__(0, now[0] + 60 * minutes),
        save=saved.append,
    )  # fmt: skip
    monkeypatch.setattr(loop, "batches_ahead", lambda *_: iter("abc" if minutes > 1 else "a"))
    split, folder, received = SimpleNamespace(training=None, validation=None), tmp_path / "0" / "color", []
    loop._learn(folder, trainer, split, received, None)
    assert saved == [folder / "state.pt"] * saves
    received.append(15)
    with pytest.raises(loop.StoppedError, match="15"):
        loop._learn(folder, trainer, split, received, None)
    assert len(saved) == saves + 1


def test_what_validation_says_is_the_mean_over_its_photos_and_its_batches(make):
    trainer = make("inpaint", hint_dropout=0.5, batch_size=2, gan_start=0.0)
    photos = Photos.find(trainer.config.data).subset(range(3))
    found, model = validation.validate(trainer, photos), trainer.averaged()
    rows = []
    for index in range(3):
        rng = np.random.default_rng([trainer.config.seed + validation.SEED, index])
        photo = validation.damaged_crop(photos.picture(index), 48, rng)
        rows.append(validation.restore_gray(model, photo)())
    for name in ("hole_psnr", "hole_ssim", "ssim", "masked_ssim", "damage_iou"):
        assert found[name] == pytest.approx(np.mean([row[name] for row in rows]), rel=1e-6)
    source = TrainingBatches(photos, trainer.config, "inpaint", trainer.config.seed + validation.SEED)
    with torch.no_grad():
        terms = [trainer.forward(source[step], model).terms for step in range(2)]
    for name in ("hole", "known", "ssim", "damage"):
        total, count = (sum(float(getattr(each[name], part)) for each in terms) for part in ("total", "count"))
        assert found[f"validation_{name}"] == pytest.approx(total / max(1, count), rel=1e-5)
    assert {"validation_loss", "validation_loss_d", "validation_loss_g"} < set(found) and trainer.discriminator.training
    trainer.share, trainer.config = 0.0, dataclasses.replace(trainer.config, gan_start=0.5)
    assert "validation_loss_d" not in validation.validate(trainer, photos)
