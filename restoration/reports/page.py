"""A finished run for its readers, in Markdown: its report, and, with other names for the run, its card on the hub."""

import dataclasses
import json
from pathlib import Path

from restoration.config import CHOSEN, STAGES, TrainConfig

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
GRID = "grid.png"
INTRODUCTION = (
    "Damaged gray photos become whole and get their color. Two U-Nets run in turn: the Inpainter (`inpaint/`) fills "
    "what is missing, the Colorizer (`color/`) predicts chroma. What was not damaged is copied."
)
NAMED = 20  # problems of the data that the page names; summary.json has them all


def page(run: Path, summary: dict, title: str, source: str) -> str:
    """A finished run for its readers, in Markdown.

    Args:
        run: the folder that holds the pictures.
        source: what `from_pretrained` takes to load the run.
    """
    missing = summary.get("missing")
    sections = [
        f"# {title}",
        INTRODUCTION,
        _usage(source, list(summary["stages"])),
        _lead(summary),
        "**Not complete:**\n\n" + "\n".join(missing) if missing else "",
        _results(summary["stages"]),
        _whole(summary["whole"]) if "whole" in summary else "",
        *(_stage_section(run, stage, found) for stage, found in summary["stages"].items()),
        f"## Photos\n\n![damaged, gray, color, truth]({GRID})" if (run / GRID).is_file() else "",
        _answers(summary.get("answers", {})),
        "## How it was made\n\n" + _block([summary["command"]]),
        _settings(summary.get("settings", {})),
        _facts(summary),
        _problems(summary["data"]),
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


def _lead(summary: dict) -> str:
    lines = []
    for stage, found in summary["stages"].items():
        if found["best_fold"] is not None:
            row = found["folds"][str(found["best_fold"])]
            reached = f"{title_of(found['criterion'])} {_number(found['criterion'], row[found['criterion']])}"
            lines.append(f"- **{stage}**: fold {found['best_fold']} is the best, {reached} at epoch {row['epoch']}.")
    return "\n".join(lines)


def _results(stages: dict) -> str:
    rows = [[_name(key), *(_mean_and_std(found, key) for found in stages.values())] for key in _keys(*stages.values())]
    said = "Mean ± sample standard deviation over folds, each at its best epoch by the criterion above; "
    said += "that epoch is chosen on the photos it is measured on, which flatters it a little. "
    said += "The Colorizer's are those of true gray photos: in its contest score the luma is perfect."
    return f"## Results\n\n{said}\n\n" + _table(["", *stages], rows)


def _whole(found: dict) -> str:
    photos = sum(row["photos"] for row in found["folds"].values())
    said = (
        f"Both stages on {photos} pairs that their fold was not trained on, as the contest gives them: the damage is "
    )
    said += "found, not given. Mean ± sample standard deviation over folds."
    rows = [[_name(key), _mean_and_std(found, key), *_cells(found, key)] for key in _keys(found)]
    return f"## The whole pipeline\n\n{said}\n\n" + _table(["", "mean", *_fold_names(found)], rows)


def _answers(archives: dict[str, int]) -> str:
    lines = [f"- {_code(name)}: {count} photos." for name, count in archives.items()]
    return "## Answers to the contest, ready to send in\n\n" + "\n".join(lines) if lines else ""


def _stage_section(run: Path, stage: str, found: dict) -> str:
    rows = [["epoch", *(str(row["epoch"]) for row in found["folds"].values())]]
    rows += [[_name(key), *_cells(found, key)] for key in _keys(found)]
    curves = f"curves-{stage}.png"
    parts = [
        f"## Stage {stage}",
        f"![curves of all folds]({curves})" if (run / curves).is_file() else "",
        _table(["", *_fold_names(found)], rows) if found["folds"] else "",
    ]
    return "\n\n".join(filter(None, parts))


def _fold_names(found: dict) -> list[str]:
    return [f"fold {fold}" for fold in found["folds"]]


def _cells(found: dict, key: str) -> list[str]:
    return [_number(key, row.get(key)) for row in found["folds"].values()]


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
    rows = [[_code(name), _code(value), _usual(name, usual)] for name, value in changed.items()]
    table = _table(["setting", "value", "default"], rows, "---")
    return f"Settings that differ from the defaults, and those that the machine chose:\n\n{table}" if rows else ""


def _usual(name: str, usual: dict) -> str:
    return "by device" if name in CHOSEN else _code(usual[name]) if usual.get(name) is not None else "none"


def _facts(summary: dict) -> str:
    parts = {
        "Data": [f"{name.replace('_', ' ')} {_code(v)}" for name, v in summary["data"].items() if name != "problems"],
        "Speed": [
            f"{stage} {v:.1f} photos/s" for stage, v in summary.get("photos_per_second", {}).items() if v is not None
        ],
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


def title_of(key: str) -> str:
    """A metric's name for a heading."""
    return _name(key).rstrip(" ↑↓")


def _number(key: str, value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}" if key == "hole_psnr" else f"{value:.4f}"
