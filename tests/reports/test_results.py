"""What comes out of a run whose pieces are trained: here they are written down, not trained."""

import json
import zipfile

import numpy as np
import pytest
from conftest import photo, read, save
from PIL import Image
from small_run import config

from restoration import checkpoint
from restoration.config import CRITERION
from restoration.models import MODELS
from restoration.reports.results import gather
from restoration.training.runs import METRICS, STATE, Run


@pytest.fixture
def run(scenes, tmp_path) -> Run:
    """Begun, on the contest's layout; no piece is trained yet."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "train_gt").symlink_to(scenes)
    run = Run(tmp_path / "runs" / "mine")
    run.join(config(data, validation_size=48, size=32).resolved(on_gpu=False), "python train.py")
    return run


def trained(run: Run, stage: str) -> None:
    """Both folds of a stage, fold 1 the better one."""
    for fold, score in enumerate((0.25, 0.75)):
        piece, model = run.piece(fold, stage), MODELS[stage](run.config().model_config(stage))
        model.save_pretrained(piece)
        checkpoint.save_state({"finished": True}, piece / STATE)
        record = {"epoch": 1, "step": 1, CRITERION[stage]: score, "photos_per_second": 1.0}
        (piece / METRICS).write_text(json.dumps(record) + "\n")


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


def test_the_contests_photos_are_answered_and_a_broken_one_loses_nothing_else(run, tmp_path, capsys):
    unseen = tmp_path / "data" / "test_input1"
    (unseen / "sub").mkdir(parents=True)
    for name in ("a.png", "a.jpg", "sub/a.png"):
        save(unseen / name, photo("coffee", 64, 48)[..., 0])
    (unseen / "b.png").write_bytes(b"no photo")
    for stage in ("inpaint", "color"):
        trained(run, stage)
    assert gather(run) and "problem: test_input1: b.png cannot be read" in capsys.readouterr().out
    with zipfile.ZipFile(run.folder / "test_input1.zip") as archive:
        assert set(archive.namelist()) == {"a.png", "a.jpg.png", "sub/a.png"}
    answer = np.asarray(Image.open(run.folder / "test_input1" / "sub" / "a.png").convert("L"))
    assert np.array_equal(answer, read(unseen / "sub" / "a.png")), "known luma is kept"
    assert (run.folder / "report.md").exists()
