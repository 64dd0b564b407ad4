"""The recipe of the shipped weights, on photos and networks small enough for a test."""

import dataclasses
import importlib.util
import itertools
import os
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from small_run import ROOT, SMALL

from restoration import Restorer
from restoration.training import schedules
from restoration.training.tracking import MetricsLog

pytestmark = pytest.mark.slow

SPEC = importlib.util.spec_from_file_location("recipe", ROOT / "scripts" / "weights" / "recipe.py")


@pytest.fixture
def recipe(monkeypatch):
    """Each step takes a fifth of a second, whatever else the machine does."""
    module = importlib.util.module_from_spec(SPEC)
    monkeypatch.setitem(__import__("sys").modules, "recipe", module)  # where dataclasses look types up
    SPEC.loader.exec_module(module)
    small = {name: SMALL[name] for name in ("encoder", "decoder_channels", "validation_photos")}
    monkeypatch.setattr(module, "SHARED", module.SHARED | small | {"luma_mean": 0.449, "luma_std": 0.226, "epochs": 1})
    parts = [dataclasses.replace(part, size=32) for part in module.PARTS]
    monkeypatch.setattr(module, "PARTS", tuple(parts))
    monkeypatch.setattr(module, "PER_PART", 0.0)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: 0.0, sleep=time.sleep))
    ticks = itertools.count(0, 0.2)
    monkeypatch.setattr(schedules, "monotonic", lambda: next(ticks))
    return module


def test_parts_are_trained_in_their_shares_and_a_second_call_finds_all_done(recipe, scenes, tmp_path, capsys):
    words = ["--data", str(scenes), "--minutes", "0.2", "--encoder-weights", "none", "--runs", str(tmp_path)]
    words += ["--precision", "float32", "--parts", "detect", "inpaint", "color"]
    assert recipe.main(words) == 0
    steps = [
        MetricsLog.read(next((tmp_path / name).glob("folds/0/*/metrics.jsonl")))[-1]["step"]
        for name in ("detect", "inpaint", "color")
    ]
    assert 0 < steps[0] < steps[1] < steps[2], "each as long as its share of the minutes"
    assert (tmp_path / "detect" / "train.json").read_text().count("inpaint/last") == 1
    out = tmp_path / "out"
    assert Restorer.from_pretrained(out, "cpu").restore(str(next(scenes.iterdir()))).image.size == (64, 64)
    written = {file: os.stat(file).st_mtime_ns for file in tmp_path.rglob("model.safetensors")}
    assert recipe.main(words) == 0
    assert written == {file: os.stat(file).st_mtime_ns for file in tmp_path.rglob("model.safetensors")}


def test_each_lane_has_its_own_parts_and_waits_for_none_that_nobody_trains(recipe):
    args = recipe._arguments(["--data", "x", "--minutes", "12", "--lanes", "2"])
    assert {part.lane for part in recipe.PARTS} == {0, 1}
    starts = {part.name: part.start for part in recipe.PARTS}
    assert all(start is None or start in starts for start in starts.values())
    assert recipe._config(recipe.PARTS[1], args, 1.0).init == str(args.runs / "inpaint" / "last")
    alone = recipe._arguments(["--data", "x", "--minutes", "12", "--parts", "detect"])
    assert recipe._config(recipe.PARTS[1], alone, 1.0).init is None


def test_no_part_sees_a_photo_of_the_benchmarks_lists(recipe, tmp_path):
    args = recipe._arguments(["--data", "x", "--minutes", "12", "--runs", str(tmp_path)])
    recipe._note_held_out(args)
    excluded = set(Path(recipe._config(recipe.PARTS[2], args, 1.0).exclude).read_text().splitlines())
    for name in ("heldout.tsv", "people.tsv", "people_colors.tsv"):
        names = [line.split("\t")[0] for line in (ROOT / "benchmarks" / name).read_text().splitlines()[1:]]
        assert len(names) >= 200 and excluded.issuperset(names)
    assert "name" not in excluded
