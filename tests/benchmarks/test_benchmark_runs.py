"""Every benchmark in its smallest case: what it calls of the product is there, and takes what it is given."""

import argparse
import hashlib
import importlib
import io
import json
import re
import sys

import cv2
import numpy as np
import pytest
from conftest import gray_photo, save
from small_run import ROOT, SMALL

import train
from benchmarks import detection, killed, photo_sets, scale, starts, steps
from restoration.masking import damage

pytestmark = pytest.mark.slow

ENCODER = SMALL["encoder"]
RUNS = {  # of each benchmark, in a folder with photos, prints and weights
    "colors": ["--data photos --large photos --weights weights --photos 1 --strength 1 1.5"],
    "dabs": ["photos --weights weights --photos 1 --sheet dabs.png", "photos --weights weights --time"],
    "decoder": ["--size 32 --rounds 1"],
    "detection": ["--data photos --weights weights --photos 1", "--data photos --rule", "--large photos --rule",
                  "--data photos --rule --others"],
    "hold_out": ["--data photos --short-side 64 --photos 2"],
    "prints": ["--data photos --count 1"],
    "real_prints": [
        *(f"--prints prints --weights weights {way}" for way in ("", "--scanned 3", "--turned 3", "--enlarged 1.5")),
        *(f"--prints prints --weights weights --few {way}" for way in ("", "--strokes", "--taps")),
        "--data photos --photos 1 --weights weights",
        "--megapixels 0.01 --weights weights",
    ],
    "speed": ["--only networks photo"],
    "training": [f"--data photos --size 32 --batch-size 2 --steps 1 --encoder {ENCODER}"],
    "wear": ["--prints prints --data photos --photos 1"],
}  # fmt: skip
SMALLER = {  # what no option makes smaller
    "detection.DAMAGED": {"one hole": damage}, "detection.UNDAMAGED": {"JPEG 75": detection.jpeg(75)},
    "dabs.TIMED": ((96, 72), 1), "decoder.ENCODERS": (ENCODER,), "decoder.WIDTHS": ((16, 16, 8, 8, 8),),
    "prints.LAYOUTS": {"one print": (1, 1, 0.8, (0, 0))}, "prints.BEDS": {"white": (244, 255)},
    "speed.SIZES": (512,), "speed.STAGES": ("color",), "speed.LIBRARIES": ("openvino",), "wear.SIDE": 256,
    "speed.damaged": lambda _: scale.damaged(64),
    "speed.turns": lambda runs, *_: {name: run() is None or 1.0 for name, run in runs.items()},
}  # fmt: skip
ELSEWHERE = {"quality"}  # which has tests of its own
BY_HAND = {"fetch", "folders", "load", "page"}  # these wait for other programs, or for a registry


@pytest.fixture
def folder(scenes, weights, tmp_path, monkeypatch) -> None:
    """Where the commands are typed; photos are those of every list, and a print has crossing cracks and specks."""
    digests = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(scenes.iterdir())}
    lines = [{"name": name, "sha256": digest} for name, digest in digests.items()]
    monkeypatch.setattr(photo_sets, "listed", lambda _: lines)
    for place in ("photos", scenes), ("weights", weights):
        tmp_path.joinpath(place[0]).symlink_to(place[1])
    gray, mask = gray_photo("astronaut", 200, 160), np.zeros((160, 200), np.uint8)
    for ends in ((20, 30), (150, 110)), ((30, 120), (140, 20)), *(((x, 140), (x + 4, 143)) for x in (20, 60, 100, 140)):
        cv2.line(mask, *ends, 255, 2)
    images = {"input": np.maximum(gray, mask), "mask": mask, "ignore": np.zeros_like(mask)}
    for part, image in images.items():
        save(tmp_path / "prints" / part / "print.png", image)
    monkeypatch.chdir(tmp_path)


@pytest.mark.filterwarnings("ignore:Mean of empty slice")  # the small networks find nothing
@pytest.mark.parametrize(("name", "words"), [(name, words) for name, runs in RUNS.items() for words in runs])
def test_it_runs_and_its_table_has_figures(folder, monkeypatch, capsys, name, words):
    module = importlib.import_module(f"benchmarks.{name}")
    for constant, value in SMALLER.items():
        if constant.startswith(f"{name}."):
            monkeypatch.setattr(module, constant.partition(".")[2], value)
    monkeypatch.setattr(sys, "argv", [f"{name}.py", *words.split()])
    module.main()
    assert re.search(r"\d", capsys.readouterr().out.rstrip().splitlines()[-1])


def test_steps_of_every_kind_are_timed(scenes, tmp_path, monkeypatch, capsys):
    args = argparse.Namespace(against=None, more=True, kinds=[*steps.KINDS], encoders=[ENCODER], data=str(scenes))
    args.size, args.batch_size = 32, 2
    variants = steps.variants_of(args, {ENCODER: steps.random_weights(ENCODER, str(tmp_path))})
    lines = [json.dumps([0, variant]) for _, variant in variants.values()]
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(lines)))
    steps.serve(str(ROOT))
    taken = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(taken) == len(variants) and all(turn["step"] > 0 and turn["bytes"] > 0 for turn in taken)
    steps.show({names: [turn] for names, turn in zip(variants, taken, strict=True)}, 2)
    assert len(capsys.readouterr().out.splitlines()) == 3 + len(variants)


def test_a_start_is_timed_and_the_command_line_takes_what_scale_asks_for(monkeypatch, quick):
    statuses = []
    monkeypatch.setattr(scale, "_peak", lambda words: statuses.append(quick(*words)[0]) or 1.0)
    assert scale.command(0.01).keys() == scale.CASES.keys() and set(statuses) == {0}
    monkeypatch.setattr(scale, "damaged", lambda _, damaged=scale.damaged: damaged(64))
    assert all(scale.start("openvino").values())


@pytest.mark.parametrize("module", [killed, starts])
def test_training_takes_the_settings_of_those_that_stop_it(module):
    assert train._parser().parse_args(module.SETTINGS.split()).folds == 1


def test_all_that_can_be_started_are_known():
    files = (ROOT / "benchmarks").glob("[!_]*.py")
    started = {file.stem for file in files if '__name__ == "__main__"' in file.read_text()}
    assert started == {*RUNS, *ELSEWHERE, *BY_HAND, "killed", "scale", "starts", "steps"}
