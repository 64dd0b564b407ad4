"""A run's report: what its folds reached, in a file for programs, a page made of it, and pictures."""

import dataclasses
import json
import math
import platform
from collections.abc import Collection
from importlib.metadata import version
from pathlib import Path

import numpy as np
from PIL import Image

from restoration.atomic import replacing
from restoration.config import CRITERION, Stage
from restoration.reports.figures import Journals, draw_curves, draw_grid
from restoration.reports.page import page
from restoration.training.runs import COMMAND, DATA, METRICS, Run
from restoration.training.tracking import MetricsLog, Record

REPORT, SUMMARY = "report.md", "summary.json"
CONDITIONS = ("step", "learning_rate", "photos_per_second", "minutes_left")  # of an epoch: no metrics
COUNTED = ("epoch", "photos")  # of a fold: no metrics either
PACKAGES = ("torch", "torchvision", "timm", "segmentation-models-pytorch", "numpy", "opencv-python-headless")


def summarize(run: Run, stages: Collection[Stage]) -> dict:
    """All numbers of the report on stages that are trained, ready for JSON."""
    journals, data = {stage: read_journals(run, stage) for stage in stages}, json.loads((run.folder / DATA).read_text())
    return {
        "command": (run.folder / COMMAND).read_text().strip(),
        "versions": {"python": platform.python_version()} | {name: version(name) for name in PACKAGES},
        "data": {name: value for name, value in data.items() if name != "group_of"},
        "settings": dataclasses.asdict(run.config()),
        "stages": {stage: _of_stage(folds, CRITERION[stage]) for stage, folds in journals.items()},
        "photos_per_second": {stage: _median_speed(folds) for stage, folds in journals.items()},
        "whole": None,
        "answers": {},
    }


def read_journals(run: Run, stage: Stage) -> Journals:
    """The records of each of a stage's folds."""
    return {fold: MetricsLog.read(run.piece(fold, stage) / METRICS) for fold in range(run.config().folds)}


def write_report(run: Run, summary: dict, grid: list[list[Image.Image]] | None) -> None:
    """Write `report.md`, `summary.json`, `curves-STAGE.png` and `grid.png` into a run's folder.

    Args:
        summary: of `summarize`, and `whole`, of `over_folds`, and the photos in each of the `answers` to the contest.
        grid: rows of four photos: damaged, gray, color, truth.
    """
    (run.folder / REPORT).unlink(missing_ok=True)  # an earlier one, of fewer stages
    for stage in summary["stages"]:
        draw_curves(stage, read_journals(run, stage), run.folder / f"curves-{stage}.png")
    if grid:
        draw_grid(grid, run.folder / "grid.png")
    (run.folder / SUMMARY).write_text(json.dumps(summary, indent=2, allow_nan=False) + "\n")
    with replacing(run.folder / REPORT) as part:  # it says that these stages are finished: there whole, or not at all
        part.write_text(page(summary, run.folder.resolve().name), encoding="utf-8")


def stages_of(run: Path) -> list[str]:
    """The stages that a run's report covers; none where there is no report yet."""
    return list(json.loads((run / SUMMARY).read_text())["stages"]) if (run / REPORT).exists() else []


def _of_stage(folds: Journals, criterion: str) -> dict:
    best = {fold: best_epoch(records, criterion) for fold, records in folds.items()}
    rows = {fold: {k: v for k, v in record.items() if k not in CONDITIONS} for fold, record in best.items()}
    return {"criterion": criterion, "best_fold": max(rows, key=lambda fold: rows[fold][criterion])} | over_folds(rows)


def best_epoch(records: list[Record], criterion: str) -> Record:
    """The first of the records with the highest criterion."""
    return max(records, key=lambda record: -math.inf if record[criterion] is None else record[criterion])


def over_folds(rows: dict[int, dict]) -> dict:
    """The folds' rows, and mean and sample standard deviation over them; None where there are too few for it."""
    names = [key for key in dict.fromkeys(key for row in rows.values() for key in row) if key not in COUNTED]
    values = {key: [row[key] for row in rows.values() if row.get(key) is not None] for key in names}
    return {
        "folds": {str(fold): row for fold, row in rows.items()},
        "mean": {key: float(np.mean(found)) if found else None for key, found in values.items()},
        "std": {key: float(np.std(found, ddof=1)) if len(found) > 1 else None for key, found in values.items()},
    }


def _median_speed(folds: Journals) -> float:
    """Over all epochs of all folds: the first epoch's start-up, or another job, does not pull it."""
    return float(np.median([record["photos_per_second"] for records in folds.values() for record in records]))
