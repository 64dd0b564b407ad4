"""A training run small enough for a test: its settings, and what it leaves behind."""

import json
import subprocess
import sys
import time
from pathlib import Path

import torch

from restoration.checkpoint import load_state
from restoration.config import TrainConfig
from restoration.training.runs import METRICS, STATE

ROOT = Path(__file__).parents[2]
SMALL = {
    "encoder": "timm-mobilenetv3_small_minimal_100",
    "decoder_channels": (16, 16, 8, 8, 8),
    "encoder_weights": "none",
    "folds": 2,
    "epochs": 2,
    "epoch_photos": 6,
    "batch_size": 2,
    "size": 32,
    "validation_photos": 2,
    "validation_size": 48,
    "gan_start": 0.5,
    "workers": 0,
    "precision": "float32",
}


def config(folder: Path, **fields) -> TrainConfig:
    return TrainConfig(**SMALL | {"data": str(folder)} | fields)


def options(**fields) -> list[str]:
    """The settings as train.py's options."""
    words = []
    for name, value in (SMALL | fields).items():
        option = "--" + name.replace("_", "-")
        if isinstance(value, bool):
            words += [option if value else f"--no-{name.replace('_', '-')}"]
        else:
            words += [option, *map(str, value if isinstance(value, tuple) else [value])]
    return words


def records(run: Path, fold: int, stage: str) -> list[dict]:
    lines = (run / "folds" / str(fold) / stage / METRICS).read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k != "photos_per_second"} for line in lines]


def averages(run: Path, fold: int, stage: str) -> dict[str, torch.Tensor]:
    return load_state(run / "folds" / str(fold) / stage / STATE)["ema"]


def command(photos: Path, runs: Path, name: str, **fields) -> list[str]:
    """What a user types to train in folder `runs / name`."""
    return [sys.executable, "train.py", *options(**fields), "--data", str(photos), "--runs", str(runs), "--name", name]


def wait_for(file: Path, process: subprocess.Popen) -> None:
    """Until a running program has written something to the file."""
    patience = time.monotonic() + 120
    while not (file.exists() and file.read_text()) and process.poll() is None and time.monotonic() < patience:
        time.sleep(0.05)
    assert file.exists() and file.read_text()
