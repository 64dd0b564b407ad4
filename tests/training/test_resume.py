"""A run that is stopped in whatever way goes on as if it never was; a folder belongs to one run and one program."""

import dataclasses
import io
import multiprocessing
import os
import resource
import shutil
import signal
import subprocess
import sys
import time

import pytest
import torch
from conftest import files, is_one_sentence
from small_run import ROOT, averages, command, config, records, wait_for

import train
from restoration.checkpoint import load_state, save_state
from restoration.config import save_config
from restoration.errors import RestorationError
from restoration.training import loop as training
from restoration.training.runs import CONFIG, METRICS, STATE, Run, locked
from restoration.training.trainer import Trainer


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["inpaint", "color"])
def test_killed_at_any_step_and_resumed_it_is_as_if_never_stopped(scenes, tmp_path, monkeypatch, stage):
    """Bit for bit, journal and weights; a kill leaves whatever was last saved, here one or two steps back."""
    settings = config(scenes, save_every_minutes=0.0)
    training.train(Run(tmp_path / "whole"), settings, 0, [stage])
    train_step, save = Trainer.train_step, Trainer.save

    class KilledError(Exception):
        pass

    def killed(self, batch):
        if self.step in stops:
            stops.remove(self.step)
            raise KilledError
        train_step(self, batch)

    stops = [1, 2, 3, 5]
    monkeypatch.setattr(Trainer, "train_step", killed)
    monkeypatch.setattr(Trainer, "save", lambda self, file: save(self, file) if self.step % 2 else None)
    while stops:
        with pytest.raises(KilledError):
            training.train(Run(tmp_path / "killed"), settings, 0, [stage])
    training.train(Run(tmp_path / "killed"), settings, 0, [stage])
    assert records(tmp_path / "whole", 0, stage) == records(tmp_path / "killed", 0, stage)
    whole, resumed = averages(tmp_path / "whole", 0, stage), averages(tmp_path / "killed", 0, stage)
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


@pytest.mark.slow
def test_a_terminated_job_says_how_to_go_on_and_does(scenes, tmp_path):
    """SIGTERM to the whole group, data workers too, as clusters send it: the state is saved, the status is 143."""
    long = command(scenes, tmp_path, "long", epochs=40, folds=1, workers=1)
    folder = tmp_path / "long" / "folds" / "0" / "inpaint"
    with subprocess.Popen(
        [*long, "--stage", "inpaint"], cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        wait_for(folder / METRICS, process)
        os.killpg(process.pid, signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM, said
    assert f"--resume {tmp_path / 'long'}" in said and "Traceback" not in said
    state = load_state(folder / STATE)
    assert 3 <= state["step"] < 120 and len(records(tmp_path / "long", 0, "inpaint")) == state["step"] // 3


@pytest.mark.slow
def test_a_run_of_other_settings_or_other_photos_is_left_alone(scenes, tmp_path):
    run = Run(tmp_path / "run")
    training.train(run, config(scenes, epochs=1, folds=1), 0, ["color"])
    before = {file: file.read_bytes() for file in run.folder.rglob("*") if file.is_file()}
    with pytest.raises(RestorationError, match="other settings"):
        training.train(run, config(scenes, epochs=2, folds=1), 0, ["color"])
    (tmp_path / "more").mkdir()
    for photo in list(scenes.iterdir())[:6]:
        (tmp_path / "more" / photo.name).write_bytes(photo.read_bytes())
    settings = dataclasses.replace(run.config(), data=str(tmp_path / "more"))
    save_config(settings, run.folder / "train.json")
    with pytest.raises(RestorationError, match="not those"):
        training.train(run, settings, 0, ["inpaint"])
    save_config(config(scenes, epochs=1, folds=1).resolved(), run.folder / "train.json")
    assert before == {file: file.read_bytes() for file in run.folder.rglob("*") if file.is_file()}


def test_a_job_on_another_machine_takes_the_runs_choices_and_a_resumed_run_keeps_to_its_stage(scenes, tmp_path):
    run, open_ = Run(tmp_path / "run"), config(scenes, precision=None, batch_size=None)
    first = run.join(open_, open_.resolved("bf16", 79.1), "x")
    assert run.join(open_, open_.resolved("float32"), "x") == first and first.batch_size == 128
    for stage, asked in (("color", ("color",)), ("color", ("color",)), ("inpaint", ("inpaint", "color"))):
        run.piece(0, stage).mkdir(parents=True, exist_ok=True)
        assert run.stages() == asked
    with pytest.raises(RestorationError, match="other settings"):
        run.agreed(config(scenes, precision=None, batch_size=4), first)


def test_a_folder_in_use_is_refused_and_a_dead_programs_data_workers_do_not_keep_it(tmp_path):
    """The worker is forked while the folder is held, and lives on."""
    fork = multiprocessing.get_context("fork")
    ready, leave, answers = fork.Event(), fork.Event(), fork.Queue()

    def hold() -> None:
        with locked(tmp_path):
            fork.Process(target=leave.wait, args=(60,)).start()
            ready.set()
            time.sleep(60)  # an event whose waiting process is killed could never be set

    def ask() -> None:
        try:
            with locked(tmp_path, wait=False):
                answers.put("free")
        except RestorationError as error:
            answers.put(str(error))

    holder = fork.Process(target=hold)
    holder.start()
    assert ready.wait(30)
    ask()
    holder.kill()
    holder.join()
    ask()
    leave.set()
    assert "another process" in answers.get(timeout=9) and answers.get(timeout=9) == "free"


@pytest.mark.parametrize("error, status", [(OSError(28, "No space left on device"), 1), (KeyboardInterrupt(), 130)])
def test_a_full_disk_and_ctrl_c_name_the_way_on(scenes, tmp_path, capsys, monkeypatch, error, status):
    """Once it has begun; before, while photos are read, nothing is lost and the name stays free."""

    def fail(*_):
        raise error

    for place, begun in (("_check", False), ("_train_piece", True)):
        with monkeypatch.context() as patch:
            patch.setattr(training, place, fail)
            assert train.main(command(scenes, tmp_path, "run")[2:]) == status
        said = capsys.readouterr().err
        assert (f"--resume {tmp_path / 'run'}" in said) == begun == (tmp_path / "run" / CONFIG).exists()
        assert "Traceback" not in said


def test_a_state_that_cannot_be_written_leaves_the_one_before(tmp_path):
    save_state({"step": 1}, tmp_path / STATE)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, limits[1]))
    try:
        with pytest.raises(OSError, match="cannot be written") as error:
            save_state({"step": 2, "weights": torch.zeros(1 << 20)}, tmp_path / STATE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert is_one_sentence(error.value) and files(tmp_path) == [STATE] and load_state(tmp_path / STATE) == {"step": 1}


def test_names_are_printed_where_the_terminal_lacks_their_letters(scenes, tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    shutil.copytree(scenes, tmp_path / "photos")
    (tmp_path / "photos" / "사진.png").write_bytes(b"no photo")
    monkeypatch.setattr(training, "_train_piece", stop)
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(said := io.BytesIO(), "cp1252"))
    assert train.main(command(tmp_path / "photos", tmp_path, "run", folds=1)[2:]) == 130
    sys.stdout.flush()
    assert rb"problem: \uc0ac\uc9c4.png" in said.getvalue()


def test_photos_that_were_moved_are_named_when_the_run_goes_on(scenes, tmp_path, capsys, monkeypatch):
    """As a path that was relative to another folder; what is refused is not noted."""
    shutil.copytree(scenes, tmp_path / "moved")
    shutil.copytree(scenes, tmp_path / "less", ignore=lambda *_: ["coffee0.png"])
    run, fails = Run(tmp_path / "run"), lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)
    monkeypatch.setattr(training, "_train_piece", fails)
    with pytest.raises(KeyboardInterrupt):
        training.train(run, settings := config(scenes).resolved(), 0, ["color"])
    resume = ["--resume", str(tmp_path / "run")]
    for place, said in (("nowhere", "no photos"), ("less", "not those")):
        assert train.main([*resume, "--data", str(tmp_path / place)]) == 1
        assert said in capsys.readouterr().err and run.config() == settings
    assert train.main([*resume, "--data", str(tmp_path / "moved")]) == 130
    assert run.config() == dataclasses.replace(settings, data=str(tmp_path / "moved"))
    with pytest.raises(SystemExit):
        train.main([*resume, "--epochs", "9"])


def test_a_refusal_in_a_data_worker_is_its_sentence_alone(scenes, tmp_path, capsys, monkeypatch):
    sentence = "a.png cannot be read as a photo."

    def broken(*_):
        raise RestorationError(f"Caught it in a worker.\nTraceback:\nrestoration.errors.RestorationError: {sentence}\n")

    monkeypatch.setattr(training, "train", broken)
    assert train.main(command(scenes, tmp_path, "run")[2:]) == 1
    assert capsys.readouterr().err == f"train.py: {sentence}\n"


def test_a_place_that_is_no_utf8_is_noted(scenes, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "_train_piece", lambda *_: None)
    place = shutil.copytree(scenes, tmp_path / os.fsdecode(b"ph\xff"))
    monkeypatch.setattr(sys, "argv", command(place, tmp_path, "run"))
    training.train(Run(tmp_path / "run"), config(place), 0, ["color"])
    assert "ph\\udcff" in (tmp_path / "run" / "command.txt").read_text() and Run(tmp_path / "run").config().data == str(
        place
    )


@pytest.mark.parametrize("content", [b"", b"hello", b"(lp0\n.", b"N.", b"I1x\n.", b"\x80\x02]q\x00.", b"\x80\x02Q."])
def test_a_broken_state_is_a_sentence(tmp_path, content):
    (tmp_path / STATE).write_bytes(content)
    with pytest.raises(RestorationError, match="corrupt") as error:
        load_state(tmp_path / STATE)
    assert is_one_sentence(error.value)


@pytest.mark.parametrize("name", ["../x", "a/b", "/x", ".."])
def test_a_name_stays_below_the_folder_of_runs(scenes, tmp_path, name, capsys):
    with pytest.raises(SystemExit):
        train.main([*command(scenes, tmp_path / "runs", name)[2:]])
    assert "--name" in capsys.readouterr().err and not list(tmp_path.rglob("train.json"))
