"""The folder that training leaves behind, with small files in place of weights."""

import json
from pathlib import Path

NAME = "someone/old-photos"  # where the run is pushed to
FOLDS = ("0", "1", "10")  # "10" comes before "2" as text, and after it as a number
METRICS = {"hole_psnr": 28.25, "hole_ssim": 0.8125}
PRIVATE = ("folds/0/color/state.pt", "run.lock", "inpaint/.model.safetensors.7.part", "notes.txt")


def finished_run(run: Path) -> Path:
    """Write a run, and files that are nobody else's business. A push does not look into weights."""
    for folder in ("", *(f"folds/{fold}/" for fold in FOLDS)):
        for stage in ("inpaint", "color"):
            (run / f"{folder}{stage}").mkdir(parents=True)
            for name in ("config.json", "model.safetensors", *(["metrics.jsonl"] if folder else [])):
                (run / f"{folder}{stage}/{name}").write_text(f"{folder}{stage}/{name}")
    for name in ("train.json", "report.md", "curves-inpaint.png", "grid.png", *PRIVATE):
        (run / name).write_text(name)
    (run / "summary.json").write_text(json.dumps(summary()))
    return run


def summary(stages: tuple[str, ...] = ("inpaint", "color")) -> dict:
    """What summary.json says of these stages."""
    folds = {
        fold: {"epoch": 3} | {name: value + number / 8 for name, value in METRICS.items()}
        for number, fold in enumerate(FOLDS)
    }
    std = {"hole_psnr": 0.125, "hole_ssim": None}
    result = {
        "criterion": "hole_psnr",
        "best_fold": 1,
        "folds": folds,
        "mean": {name: folds["1"][name] for name in METRICS},
        "std": std,
    }
    return {
        "command": "python train.py --folds 3 --data photos",
        "versions": {"python": "3.12.1", "torch": "2.9.0", "timm": None},
        "data": {"photos": 4321, "fingerprint": "9f86d081884c7d65"},
        "stages": dict.fromkeys(stages, result),
    }
