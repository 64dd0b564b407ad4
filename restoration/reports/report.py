"""A run's report: the results of its folds as JSON, as a Markdown page and as pictures.

With a header for the hub's index, the page is also the run's model card.
"""

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
from restoration.config import CHOSEN, CRITERION, STAGES, Stage, TrainConfig
from restoration.errors import RestorationError
from restoration.reports.figures import Journals, draw_curves, draw_grid
from restoration.training.runs import COMMAND, DATA, METRICS, STATE, Run
from restoration.training.tracking import MetricsLog, Record

REPORT, SUMMARY = "report.md", "summary.json"
CONDITIONS = ("step", "learning_rate", "photos_per_second", "minutes_left")  # fields of an epoch that are not metrics
COUNTED = ("epoch", "photos")  # fields of a fold that are not metrics
PACKAGES = ("torch", "torchvision", "timm", "segmentation-models-pytorch", "numpy", "opencv-python-headless")
TITLES = {  # of metrics, with the better direction
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
    "colorfulness": "colorfulness",
    "validation_loss": "validation loss ↓",
}
INTRODUCTION = (
    "Damaged gray photos are repaired and colored. Two U-Nets run in turn: the Inpainter (`inpaint/`) fills what is "
    "missing, then the Colorizer (`color/`) predicts chroma. What was not damaged is copied."
)
CHOICE = "The table shows each fold's best epoch, chosen on the photos that it is measured on: a little flattering."
PERFECT_LUMA = "The photos are true gray ones: in the contest score the luma is perfect."
WHOLE = "Both stages on {photos} contest pairs that their fold was not trained on; the damage is found, not given."
NAMED = 20  # problems of the data listed on the page; summary.json has all


def summarize(run: Run, stages: Collection[Stage]) -> dict:
    """All numbers of the report on trained stages, ready for JSON."""
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
    return {fold: _records(run.piece(fold, stage)) for fold in range(run.config().folds)}


def _records(piece: Path) -> list[Record]:
    if records := MetricsLog.read(piece / METRICS):
        return records
    raise RestorationError(f"{piece / METRICS} is missing or empty; delete {piece / STATE} to train this piece again.")


def write_report(run: Run, summary: dict, grid: list[list[Image.Image]] | None) -> None:
    """Write `report.md`, `summary.json`, `curves-STAGE.png` and `grid.png` into a run's folder.

    Args:
        summary: from `summarize`, with `whole` from `over_folds` and the number of photos in the contest's `answers`.
        grid: rows of four photos: damaged, gray, color, truth.
    """
    (run.folder / REPORT).unlink(missing_ok=True)  # an earlier report on fewer stages
    for stage in summary["stages"]:
        draw_curves(stage, read_journals(run, stage), run.folder / f"curves-{stage}.png")
    if grid:
        draw_grid(grid, run.folder / "grid.png")
    (run.folder / SUMMARY).write_text(json.dumps(summary, indent=2, allow_nan=False) + "\n")
    with replacing(run.folder / REPORT) as part:  # it marks these stages as finished: whole, or not at all
        part.write_text(page(summary, run.folder.resolve().name), encoding="utf-8", errors="backslashreplace")


def stages_of(run: Path) -> list[str]:
    """The stages that a run's report covers; none if there is no report yet."""
    return list(json.loads((run / SUMMARY).read_text())["stages"]) if (run / REPORT).exists() else []


def _of_stage(folds: Journals, criterion: str) -> dict:
    best = {fold: best_epoch(records, criterion) for fold, records in folds.items()}
    rows = {fold: {k: v for k, v in record.items() if k not in CONDITIONS} for fold, record in best.items()}
    return {"criterion": criterion, "best_fold": max(rows, key=lambda fold: rows[fold][criterion])} | over_folds(rows)


def best_epoch(records: list[Record], criterion: str) -> Record:
    """The first of the records with the highest criterion."""
    return max(records, key=lambda record: -math.inf if record[criterion] is None else record[criterion])


def over_folds(rows: dict[int, dict]) -> dict:
    """The folds' rows, with mean and sample standard deviation over them; None where there are too few."""
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


def page(summary: dict, name: str) -> str:
    """The text of the report on a `summary`; `name` is the run's folder below runs/."""
    stages, problems = summary["stages"], summary["data"]["problems"]
    more = [f"and {len(problems) - NAMED} more, in summary.json"] if len(problems) > NAMED else []
    archives = [f"- {_code(file)}: {count} photos." for file, count in summary["answers"].items()]
    sections = [
        f"# Training report: {name}",
        INTRODUCTION,
        _usage(f"runs/{name}", list(stages)),
        *(_stage(stage, found) for stage, found in stages.items()),
        _whole(summary["whole"]) if summary["whole"] else "",
        "## Photos\n\n![damaged, gray, color, truth](grid.png)" if set(stages) == set(STAGES) else "",
        "## Answers to the contest, ready to send in\n\n" + "\n".join(archives) if archives else "",
        "## How it was made\n\n" + _block([summary["command"]]),
        _settings(summary["settings"]),
        _facts(summary),
        f"## Problems of the data: {len(problems)}\n\n" + _block([*problems[:NAMED], *more]) if problems else "",
    ]
    return "\n\n".join(filter(None, sections)) + "\n"


def _usage(source: str, stages: list[str]) -> str:
    network = {"inpaint": "Inpainter", "color": "Colorizer"}[stages[0]]
    whole = [
        "from restoration import Restorer",
        f'restorer = Restorer.from_pretrained("{source}")  # folds="all": the mean of all folds',
        "restorer.restore(photo)  # a PIL image or uint8 array; .image of the result is in color",
    ]
    part = [f"from restoration import {network}", f'{network}.from_pretrained("{source}", "{stages[0]}")']
    lines = whole if set(stages) == set(STAGES) else part
    return "## Use it\n\n```python\n" + "\n".join(lines) + "\n```"


def _stage(stage: str, found: dict) -> str:
    best, criterion = found["best_fold"], found["criterion"]
    row = found["folds"][str(best)]
    reached = f"{TITLES[criterion][:-2]} {_number(criterion, row[criterion])} at epoch {row['epoch']}"
    said = [f"Fold {best} is the best, with {reached}.", CHOICE]
    if stage == "color":
        said.append(PERFECT_LUMA)
    curves = f"![curves of all folds](curves-{stage}.png)"
    return "\n\n".join([f"## Stage {stage}", " ".join(said), curves, _fold_table(found)])


def _whole(found: dict) -> str:
    said = WHOLE.format(photos=sum(row["photos"] for row in found["folds"].values()))
    return f"## The whole pipeline\n\n{said}\n\n{_fold_table(found)}"


def _fold_table(found: dict) -> str:
    """Known metrics, in order: mean and sample standard deviation over the folds, if several, then each fold."""
    keys = [key for key in TITLES if key in found["mean"]]
    columns = {"": [TITLES[key] for key in keys]}
    if len(found["folds"]) > 1:
        pairs = ((_number(key, found["mean"][key]), _number(key, found["std"][key])) for key in keys)
        columns["mean ± deviation"] = [f"{mean} ± {std}" for mean, std in pairs]
    for fold, row in found["folds"].items():
        epoch = f", epoch {row['epoch']}" if "epoch" in row else ""
        columns[f"fold {fold}{epoch}"] = [_number(key, row.get(key)) for key in keys]
    return _table(list(columns), [list(row) for row in zip(*columns.values(), strict=True)])


def _settings(settings: dict) -> str:
    rows = []
    for field in dataclasses.fields(TrainConfig):
        name, value = field.name, settings[field.name]
        usual = "by device" if name in CHOSEN else "none" if field.default is None else _code(field.default)
        if value != field.default:
            rows.append([_code(name), _code(value), usual])
    table = _table(["setting", "value", "default"], rows, "---")
    return f"Settings that differ from the defaults, and those that the machine chose:\n\n{table}"


def _facts(summary: dict) -> str:
    data = [f"{name.replace('_', ' ')} {_code(value)}" for name, value in summary["data"].items() if name != "problems"]
    speed = [f"{stage} {found:.1f} photos/s" for stage, found in summary["photos_per_second"].items()]
    versions = [f"{name} {number}" for name, number in summary["versions"].items()]
    return "\n".join(f"- {', '.join(found)}." for found in (data, speed, versions))


def _table(titles: list[str], rows: list[list[str]], side: str = "---:") -> str:
    lines = [titles, ["---", *(side for _ in titles[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _block(lines: list[str]) -> str:
    """Text escaped so that no character or line break in it can become markup."""
    return "\n".join("    " + " ".join(line.split()) for line in lines)


def _code(value: object) -> str:
    return "`" + " ".join(str(value).split()).replace("`", "'").replace("|", "\\|") + "`"


def _number(key: str, value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}" if key == "hole_psnr" else f"{value:.4f}"
