"""A run's report: what its folds reached, in a file for programs, a page made of it, and pictures."""

import json
import math
import platform
import zipfile
from collections.abc import Collection
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from PIL import Image

from restoration.atomic import replacing
from restoration.config import CRITERION, STAGES, TrainConfig, load_config
from restoration.errors import RestorationError
from restoration.reports.figures import Curves, draw_curves, draw_grid
from restoration.reports.page import GRID, page, title_of
from restoration.training.schedules import learning_rate
from restoration.training.tracking import MetricsLog, Record

REPORT = "report.md"
CONDITIONS = ("step", "learning_rate", "photos_per_second", "minutes_left")  # of an epoch: no metrics
COUNTED = ("epoch", "photos")  # of a fold: no metrics either
PACKAGES = ("torch", "torchvision", "timm", "segmentation-models-pytorch", "numpy", "opencv-python-headless")
CURVE_POINTS = 500  # of the learning rate
Folds = dict[int, list[Record]]


def write_report(
    run: Path,
    grid: list[list[Image.Image]] | None,
    command: str,
    stages: Collection[str] = STAGES,
    whole: dict[int, dict] | None = None,
) -> None:
    """Write `report.md`, `summary.json`, `curves-STAGE.png` and `grid.png` into a run's folder.

    Args:
        run: holds `folds/K/STAGE/metrics.jsonl`, `train.json` and `data.json`; what is not there is named.
        grid: rows of four photos: damaged, gray, color, truth.
        command: what a reader types to get this run.
        stages: those that the report covers.
        whole: what both stages together reached in each fold: mean metrics, and of how many `photos`.

    Raises:
        RestorationError: no epoch of any fold is there.
    """
    pieces = read_pieces(run, stages)
    if not any(pieces.values()):
        raise RestorationError(f"{run} holds no trained fold: there is nothing to report.")
    (run / REPORT).unlink(missing_ok=True)  # an earlier one, of fewer stages
    summary = summarize(pieces, _read_json(run / "data.json"), command)
    summary |= {"settings": _read_json(run / "train.json"), "missing": _missing(run, pieces)}
    if whole:
        summary["whole"] = _over_folds({fold: dict(row) for fold, row in whole.items()})
    summary["answers"] = {file.name: len(zipfile.ZipFile(file).namelist()) for file in sorted(run.glob("*.zip"))}
    for stage, folds in pieces.items():
        if folds:
            best = {int(fold): row["epoch"] for fold, row in summary["stages"][stage]["folds"].items()}
            curves = Curves(stage, folds, best, title_of(CRITERION[stage]), _rate(run, folds))
            draw_curves(curves, run / f"curves-{stage}.png")
    if grid:
        draw_grid(grid, run / GRID)
    (run / "summary.json").write_text(json.dumps(summary, indent=2, allow_nan=False) + "\n")
    name = run.resolve().name
    with replacing(run / REPORT) as part:  # it says that these stages are finished: there whole, or not at all
        part.write_text(page(run, summary, f"Training report: {name}", f"runs/{name}"), encoding="utf-8")


def _rate(run: Path, folds: Folds) -> tuple[np.ndarray, np.ndarray] | None:
    """Epochs and learning rates of the fold that came furthest, as its settings make them; None without those."""
    try:
        config, last = load_config(TrainConfig, run / "train.json"), max(folds.values(), key=len)[-1]
    except (OSError, RestorationError):
        return None
    if config.epochs is None or not last.get("step"):
        return None
    epoch_steps, steps = last["step"] / last["epoch"], np.linspace(0, last["step"], CURVE_POINTS)
    total = epoch_steps * config.epochs
    rates = [learning_rate(step / total, config, 1 / total) for step in steps]
    return steps / epoch_steps, config.learning_rate * np.array(rates)


def stages_of(run: Path) -> list[str]:
    """The stages that a run's report covers; none where there is no report yet."""
    return list(_read_json(run / "summary.json")["stages"]) if (run / REPORT).exists() else []


def best_folds(run: Path, stages: Collection[str] = STAGES) -> dict[str, int]:
    """The fold with the highest criterion of each of the stages; the first where it could not be measured."""
    trained = {stage: folds for stage, folds in read_pieces(run, stages).items() if folds}
    return {stage: _summarize_stage(folds, CRITERION[stage])["best_fold"] or 0 for stage, folds in trained.items()}


def read_pieces(run: Path, stages: Collection[str] = STAGES) -> dict[str, Folds]:
    """The records of each stage's folds; a fold that has no epoch yet is not among them."""
    pieces = {stage: {} for stage in STAGES if stage in stages}
    for fold in sorted(int(folder.name) for folder in run.glob("folds/*") if folder.name.isdecimal()):
        for stage, folds in pieces.items():
            records = MetricsLog.read(run / "folds" / str(fold) / stage / "metrics.jsonl")
            if records:
                folds[fold] = [_finite(record) for record in records]
    return pieces


def best_epoch(records: list[Record], criterion: str) -> Record | None:
    """The first of the records with the highest criterion; None where it was never measured."""
    measured = [record for record in records if record.get(criterion) is not None]
    return max(measured, key=lambda record: record[criterion], default=None)


def summarize(pieces: dict[str, Folds], data: dict, command: str) -> dict:
    """All numbers of the report, ready for JSON."""
    trained = {stage: folds for stage, folds in pieces.items() if folds}
    return {
        "command": command,
        "versions": {
            "python": platform.python_version(),
            **{name.removesuffix("-python-headless"): _version(name) for name in PACKAGES},
        },
        "data": data,
        "stages": {stage: _summarize_stage(folds, CRITERION[stage]) for stage, folds in trained.items()},
        "photos_per_second": {stage: _median(folds, "photos_per_second") for stage, folds in trained.items()},
    }


def _summarize_stage(folds: Folds, criterion: str) -> dict:
    best = {fold: record for fold, records in folds.items() if (record := best_epoch(records, criterion))}
    rows = {fold: {k: v for k, v in record.items() if k not in CONDITIONS} for fold, record in best.items()}
    best_fold = max(rows, key=lambda fold: rows[fold][criterion], default=None)
    return {"criterion": criterion, "best_fold": best_fold, **_over_folds(rows)}


def _over_folds(rows: dict[int, dict]) -> dict:
    """The folds' rows, and mean and sample standard deviation over them."""
    names = [key for key in dict.fromkeys(key for row in rows.values() for key in row) if key not in COUNTED]
    values = {key: [row[key] for row in rows.values() if row.get(key) is not None] for key in names}
    return {
        "folds": {str(fold): row for fold, row in rows.items()},
        "mean": {key: float(np.mean(found)) if found else None for key, found in values.items()},
        "std": {key: float(np.std(found, ddof=1)) if len(found) > 1 else None for key, found in values.items()},
    }


def _median(folds: Folds, key: str) -> float | None:
    """Over all epochs of all folds: the first epoch's start-up, or another job, does not pull it."""
    values = [record[key] for records in folds.values() for record in records if record.get(key) is not None]
    return float(np.median(values)) if values else None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _finite(record: Record) -> Record:
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in record.items()}


def _read_json(file: Path) -> dict:
    return json.loads(file.read_text()) if file.exists() else {}


def _missing(run: Path, pieces: dict[str, Folds]) -> list[str]:
    lines = [f"- {name} is missing." for name in ("train.json", "data.json") if not (run / name).exists()]
    wanted = {*range(_read_json(run / "train.json").get("folds", 0)), *(k for folds in pieces.values() for k in folds)}
    for stage, folds in pieces.items():
        if absent := [str(fold) for fold in sorted(wanted) if fold not in folds]:
            lines.append(f"- {stage}: no epoch of fold {', '.join(absent)}.")
        if unmeasured := [str(k) for k, records in folds.items() if not best_epoch(records, CRITERION[stage])]:
            lines.append(f"- {stage}: {title_of(CRITERION[stage])} was not measured in fold {', '.join(unmeasured)}.")
    return lines
