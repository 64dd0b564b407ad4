"""A run's report: what its folds reached, in a page, its pictures, and a file for programs."""

import dataclasses
import json
import math
import platform
from collections.abc import Collection
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from PIL import Image

from restoration.atomic import replacing
from restoration.config import CRITERION, STAGES, TrainConfig, load_config
from restoration.errors import RestorationError
from restoration.reports.figures import Curves, draw_curves, draw_grid
from restoration.training.schedules import learning_rate
from restoration.training.tracking import MetricsLog, Record

METRICS = {  # titles, and which way is better
    "ssim": "SSIM ↑",
    "masked_ssim": "SSIM, damaged part ↑",
    "hsv_similarity": "color similarity (HSV) ↑",
    "contest_score": "contest score ↑",
    "contest_s": "contest S ↑",
    "contest_m": "contest M ↑",
    "contest_c": "contest C (hue) ↑",
    "hole_psnr": "PSNR in the hole (dB) ↑",
    "hole_ssim": "SSIM in the hole ↑",
    "damage_iou": "damage found (IoU) ↑",
    "ab_mae": "mean color error (ab) ↓",
    "validation_loss": "validation loss ↓",
}
REPORT = "report.md"
CONDITIONS = ("step", "learning_rate", "photos_per_second")  # of an epoch: no metrics
PACKAGES = ("torch", "torchvision", "timm", "segmentation-models-pytorch", "numpy", "opencv-python-headless")
CURVE_POINTS = 500  # of the learning rate
NAMED = 20  # problems of the data that the page names; summary.json has them all
Folds = dict[int, list[Record]]


def write_report(
    run: Path, grid: list[list[Image.Image]] | None, command: str, stages: Collection[str] = STAGES
) -> None:
    """Write `report.md`, `summary.json`, `curves-STAGE.png` and `grid.png` into a run's folder.

    Args:
        run: holds `folds/K/STAGE/metrics.jsonl`, `train.json` and `data.json`; what is not there is named.
        grid: rows of four photos: damaged, gray, color, truth.
        command: what a reader types to get this run.
        stages: that it tells of.

    Raises:
        RestorationError: no epoch of any fold is there.
    """
    pieces = read_pieces(run, stages)
    if not any(pieces.values()):
        raise RestorationError(f"{run} holds no trained fold: there is nothing to report.")
    (run / REPORT).unlink(missing_ok=True)  # an earlier one, of fewer stages
    summary = summarize(pieces, _read_json(run / "data.json"), command)
    for stage, folds in pieces.items():
        if folds:
            best = {int(fold): row["epoch"] for fold, row in summary["stages"][stage]["folds"].items()}
            curves = Curves(stage, folds, best, _title(CRITERION[stage]), _rate(run, folds))
            draw_curves(curves, run / f"curves-{stage}.png")
    if grid:
        draw_grid(grid, run / "grid.png")
    (run / "summary.json").write_text(json.dumps(summary, indent=2, allow_nan=False) + "\n")
    with replacing(run / REPORT) as part:  # it says that these stages are finished: there whole, or not at all
        part.write_text(_page(run, pieces, summary, bool(grid)), encoding="utf-8")


def _rate(run: Path, folds: Folds) -> tuple[np.ndarray, np.ndarray] | None:
    """Epochs and learning rates of the fold that came furthest, as its settings make them; None without those."""
    try:
        config, last = load_config(TrainConfig, run / "train.json"), max(folds.values(), key=len)[-1]
    except (OSError, ValueError):
        return None
    if config.epochs is None or not last.get("step"):
        return None
    epoch_steps, steps = last["step"] / last["epoch"], np.linspace(0, last["step"], CURVE_POINTS)
    rates = [learning_rate(step, epoch_steps * config.epochs, config) for step in steps]
    return steps / epoch_steps, config.learning_rate * np.array(rates)


def stages_of(run: Path) -> list[str]:
    """The stages that a run's report tells of; none where there is no report yet."""
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
    names = [key for key in dict.fromkeys(key for row in rows.values() for key in row) if key != "epoch"]
    values = {key: [row[key] for row in rows.values() if row.get(key) is not None] for key in names}
    return {
        "criterion": criterion,
        "best_fold": max(rows, key=lambda fold: rows[fold][criterion], default=None),
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


def _page(run: Path, pieces: dict[str, Folds], summary: dict, grid: bool) -> str:
    sections = [
        f"# Training report: {run.resolve().name}",
        _lead(summary),
        _missing(run, pieces),
        _results(summary["stages"]),
        *(_stage_section(stage, found) for stage, found in summary["stages"].items()),
        "## Photos\n\n![damaged, gray, color, truth](grid.png)" if grid else "",
        "## How it was made\n\n" + _block([summary["command"]]),
        _settings(_read_json(run / "train.json")),
        _facts(summary),
        _problems(summary["data"]),
    ]
    return "\n\n".join(filter(None, sections)) + "\n"


def _lead(summary: dict) -> str:
    lines = []
    for stage, found in summary["stages"].items():
        if found["best_fold"] is not None:
            row = found["folds"][str(found["best_fold"])]
            reached = f"{_title(found['criterion'])} {_number(found['criterion'], row[found['criterion']])}"
            lines.append(f"- **{stage}**: fold {found['best_fold']} is the best, {reached} at epoch {row['epoch']}.")
    return "\n".join(lines)


def _missing(run: Path, pieces: dict[str, Folds]) -> str:
    lines = [f"- {name} is missing." for name in ("train.json", "data.json") if not (run / name).exists()]
    wanted = {*range(_read_json(run / "train.json").get("folds", 0)), *(k for folds in pieces.values() for k in folds)}
    for stage, folds in pieces.items():
        if absent := [str(fold) for fold in sorted(wanted) if fold not in folds]:
            lines.append(f"- {stage}: no epoch of fold {', '.join(absent)}.")
        if unmeasured := [str(k) for k, records in folds.items() if not best_epoch(records, CRITERION[stage])]:
            lines.append(f"- {stage}: {_title(CRITERION[stage])} was not measured in fold {', '.join(unmeasured)}.")
    return "**Not complete:**\n\n" + "\n".join(lines) if lines else ""


def _results(stages: dict) -> str:
    rows = [[_name(key), *(_mean_and_std(found, key) for found in stages.values())] for key in _keys(*stages.values())]
    said = "Mean ± sample standard deviation over folds, each at its best epoch by the criterion above; "
    said += "that epoch is chosen on the photos it is measured on, which flatters it a little. "
    said += "The Colorizer's are those of true gray photos: in its contest score the luma is perfect."
    return f"## Results\n\n{said}\n\n" + _table(["", *stages], rows)


def _stage_section(stage: str, found: dict) -> str:
    folds = found["folds"]
    rows = [["epoch", *(str(row["epoch"]) for row in folds.values())]]
    rows += [[_name(key), *(_number(key, row.get(key)) for row in folds.values())] for key in _keys(found)]
    table = _table(["", *(f"fold {fold}" for fold in folds)], rows) if folds else ""
    return f"## Stage {stage}\n\n![curves of all folds](curves-{stage}.png)\n\n{table}"


def _keys(*stages: dict) -> list[str]:
    """Metrics that a table shows: known ones in their order, then others; the parts of a loss are for summary.json."""
    found = {key for stage in stages for key in stage["mean"]}
    others = sorted(key for key in found - METRICS.keys() if not key.startswith(("train_", "validation_")))
    return [key for key in METRICS if key in found] + others


def _mean_and_std(stage: dict, key: str) -> str:
    mean, std = (_number(key, stage[part].get(key)) for part in ("mean", "std"))
    measured, folds = sum(row.get(key) is not None for row in stage["folds"].values()), len(stage["folds"])
    return " ".join([mean, *([f"± {std}"] * (measured > 1)), *([f"({measured} of {folds})"] * (0 < measured < folds))])


def _settings(settings: dict) -> str:
    fields = [field for field in dataclasses.fields(TrainConfig) if field.default is not dataclasses.MISSING]
    usual = {field.name: json.loads(json.dumps(field.default)) for field in fields}
    changed = {name: value for name, value in settings.items() if name not in usual or value != usual[name]}
    rows = [[_code(name), _code(value), _code(usual[name]) if name in usual else ""] for name, value in changed.items()]
    table = _table(["setting", "value", "default"], rows, "---")
    return f"Settings that differ from the defaults:\n\n{table}" if rows else ""


def _facts(summary: dict) -> str:
    parts = {
        "Data": [f"{name.replace('_', ' ')} {_code(v)}" for name, v in summary["data"].items() if name != "problems"],
        "Speed": [f"{stage} {v:.1f} photos/s" for stage, v in summary["photos_per_second"].items() if v is not None],
        "Versions": [f"{name} {number or 'not installed'}" for name, number in summary["versions"].items()],
    }
    return "\n".join(f"- {name}: {', '.join(found)}." for name, found in parts.items() if found)


def _problems(data: dict) -> str:
    problems = data.get("problems", [])
    more = [f"and {len(problems) - NAMED} more, in summary.json"] if len(problems) > NAMED else []
    return f"## Problems of the data: {len(problems)}\n\n" + _block([*problems[:NAMED], *more]) if problems else ""


def _table(titles: list[str], rows: list[list[str]], side: str = "---:") -> str:
    lines = [titles, ["---", *(side for _ in titles[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _block(lines: list[str]) -> str:
    """Text that no character in it, nor a line break in a file's name, can turn into markup."""
    return "\n".join("    " + " ".join(line.split()) for line in lines)


def _code(value: object) -> str:
    return "`" + " ".join(str(value).split()).replace("`", "'").replace("|", "\\|") + "`"


def _name(key: str) -> str:
    return METRICS.get(key, key.replace("_", " "))


def _title(key: str) -> str:
    return _name(key).rstrip(" ↑↓")


def _number(key: str, value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}" if key == "hole_psnr" else f"{value:.4f}"


def _finite(record: Record) -> Record:
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in record.items()}


def _read_json(file: Path) -> dict:
    return json.loads(file.read_text()) if file.exists() else {}
