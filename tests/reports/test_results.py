"""What comes out of a run whose pieces are trained: here they are written down, not trained."""

import json
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import photo, read, save
from PIL import Image
from small_run import config

from restoration import checkpoint
from restoration.color import luma
from restoration.config import CRITERION
from restoration.data import splits
from restoration.models import MODELS
from restoration.reports import results
from restoration.reports.results import gather
from restoration.training.runs import METRICS, STATE, Run


@pytest.fixture
def run(scenes, tmp_path) -> Run:
    """Begun, on the contest's layout; no piece is trained yet."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "train_gt").symlink_to(scenes)
    run = Run(tmp_path / "runs" / "mine")
    settings = config(data, validation_size=48, size=32).resolved()
    run.join(settings, settings, "python train.py")
    run.describe_data({"photos": 6, "fingerprint": "3f9a2c71", "problems": []})
    return run


def trained(run: Run, stage: str) -> None:
    """Both folds of a stage, fold 1 the better one."""
    for fold, score in enumerate((0.25, 0.75)):
        piece, model = run.piece(fold, stage), MODELS[stage](run.config().model_config(stage))
        model.save_pretrained(piece)
        checkpoint.save_state({"finished": True}, piece / STATE)
        record = {"epoch": 1, "step": 1, CRITERION[stage]: score, "photos_per_second": 1.0}
        (piece / METRICS).write_text(json.dumps(record) + "\n")


@pytest.mark.slow
def test_one_stage_alone_is_gathered_and_both_once_the_other_is_trained(run, capsys):
    trained(run, "color")
    assert not gather(run) and "fold 0 inpaint, fold 1 inpaint" in capsys.readouterr().out
    assert gather(run, ("color",))
    summary = json.loads((run.folder / "summary.json").read_text())
    assert list(summary["stages"]) == ["color"] and summary["command"] == "python train.py --stage color"
    assert summary["stages"]["color"]["mean"][CRITERION["color"]] == 0.5
    assert (run.folder / "color" / "model.safetensors").exists() and not (run.folder / "inpaint").exists()
    trained(run, "inpaint")
    assert gather(run, ("inpaint",))
    summary = json.loads((run.folder / "summary.json").read_text())
    assert set(summary["stages"]) == {"inpaint", "color"} and summary["command"] == "python train.py"
    assert (run.folder / "grid.png").exists()


@pytest.mark.slow
def test_the_contests_photos_are_answered_and_a_broken_one_loses_nothing_else(run, tmp_path, capsys):
    unseen = tmp_path / "data" / "test_input1"
    (unseen / "sub").mkdir(parents=True)
    for name in ("a.jpg", "c.png", "sub/a.png"):
        save(unseen / name, photo("coffee", 64, 48)[..., 0])
    (unseen / "b.png").write_bytes(b"no photo")
    for stage in ("inpaint", "color"):
        trained(run, stage)
    assert gather(run) and "problem: test_input1: b.png is not a readable image file" in capsys.readouterr().out
    with zipfile.ZipFile(run.folder / "test_input1.zip") as archive:
        assert set(archive.namelist()) == {"a.png", "c.png", "sub/a.png"}
    answer = np.asarray(Image.open(run.folder / "test_input1" / "sub" / "a.png").convert("L"))
    assert np.array_equal(answer, read(unseen / "sub" / "a.png")), "known luma is kept"
    assert "- `test_input1.zip`: 3 photos." in (run.folder / "report.md").read_text()
    assert gather(run) and f"{run.folder}/test_input1.zip" in capsys.readouterr().out


def test_the_whole_pipeline_is_scored_on_each_folds_held_out_pairs(run, scenes, tmp_path, monkeypatch):
    """A restorer that knows the truth is perfect; each pair is shown to the one fold that held it out."""
    (tmp_path / "data" / "train_input").mkdir()
    truths = {file.name: np.asarray(Image.open(file).convert("RGB")) for file in sorted(scenes.iterdir())}
    for name, truth in truths.items():
        gray = luma(truth)
        gray[10:30, 20:44] = 3
        save(tmp_path / "data" / "train_input" / name, gray)
    for stage in ("inpaint", "color"):
        trained(run, stage)
    shown = []

    class Knowing:
        def __init__(self, fold):
            self.fold = fold

        def restore(self, photo, mask=None):
            gray = np.asarray(photo)
            name = next((n for n, t in truths.items() if np.array_equal(luma(t)[40:], gray[40:])), None)
            if mask is None:
                shown.append((self.fold, name))
            image = Image.fromarray(truths[name] if name else np.stack([gray] * 3, axis=-1))
            return SimpleNamespace(image=image, gray=image.convert("L"))

    monkeypatch.setattr(results.Restorer, "from_pretrained", lambda folder, folds: Knowing(folds))
    assert gather(run)
    summary = json.loads((run.folder / "summary.json").read_text())
    whole = summary["whole"]
    assert whole["mean"]["contest_score"] == pytest.approx(1) and whole["std"]["contest_score"] == pytest.approx(0)
    usable = splits.find(run.config(), run.folder / "data.json")
    held_out = {(fold, name) for fold in (0, 1) for name in usable.split(run.config(), fold).validation.names}
    assert set(shown) == held_out and sum(row["photos"] for row in whole["folds"].values()) == len(shown)
    assert Image.open(run.folder / "grid.png").height == 36 + 2 * 266, "a row for each photo that fold 0 held out"
    report = (run.folder / "report.md").read_text()
    assert "## The whole pipeline" in report and "| contest score ↑ | 1.0000 ± 0.0000 |" in report
    assert "| `workers` |" in report and "`None`" not in report


def test_all_folds_together_answer_the_contest_under_the_photos_own_names(tmp_path, monkeypatch):
    asked, run = [], SimpleNamespace(folder=tmp_path / "run")
    run.folder.mkdir()
    for name in ("valid_input/deep/a.jpg", "valid_input/deep/c.jpg", "valid_input/b.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        save(tmp_path / name, photo("coffee", 48, 40))
    (tmp_path / "valid_input" / "broken.png").write_bytes(b"no photo")

    class Stub:
        @classmethod
        def from_pretrained(cls, folder, folds=None):
            asked.append((folder, folds))
            return SimpleNamespace(restore=lambda image: SimpleNamespace(image=image.convert("RGB")))

    monkeypatch.setattr(results, "Restorer", Stub)
    assert results._answer_contest(run, SimpleNamespace(data=tmp_path)) == {"valid_input.zip": 3}
    assert asked == [(run.folder, "all")]
    with zipfile.ZipFile(run.folder / "valid_input.zip") as packed:
        assert sorted(packed.namelist()) == ["b.png", "deep/a.png", "deep/c.png"]
    assert read(run.folder / "valid_input" / "deep" / "a.png").shape == (40, 48, 3)
    assert results._answer_contest(run, SimpleNamespace(data=tmp_path / "none")) == {} and len(asked) == 1


def test_a_grid_shows_six_photos_that_fold_0_was_not_trained_on(monkeypatch):
    asked, black = [], Image.new("RGB", (32, 32))
    held_out = type("HeldOut", (), {"__len__": lambda self: 9, "picture": lambda self, index: index})()
    usable = SimpleNamespace(split=lambda config, fold: SimpleNamespace(validation=held_out) if fold == 0 else None)
    crop = SimpleNamespace(gray=np.zeros((32, 32), np.uint8), mask=None, truth=np.full((32, 32, 3), 9, np.uint8))
    restore = SimpleNamespace(restore=lambda gray, mask: SimpleNamespace(gray=black.convert("L"), image=black))
    monkeypatch.setattr(
        results, "damaged_crop", lambda index, size, rng: asked.append((index, size, rng.random())) or crop
    )
    monkeypatch.setattr(
        results.Restorer, "from_pretrained", lambda folder, folds: restore if folds == 0 else pytest.fail("its own")
    )
    rows = results._grid(SimpleNamespace(folder=None), config("photos", validation_size=32, seed=4), usable)
    assert [index for index, *_ in asked] == list(range(6)) and {size for _, size, _ in asked} == {32}
    assert asked[2][2] == np.random.default_rng([4, 2]).random() and len(rows) == 6
    assert [np.asarray(image.convert("L")).max() for image in rows[0]] == [0, 0, 0, 9]
