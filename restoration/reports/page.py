"""A finished run for its readers, in Markdown: its report, and with a heading for the hub's index its card there."""

import dataclasses

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
    "colorfulness": "colorfulness",
    "validation_loss": "validation loss ↓",
}
INTRODUCTION = (
    "Damaged gray photos are repaired and colored. Two U-Nets run in turn: the Inpainter (`inpaint/`) fills what is "
    "missing, then the Colorizer (`color/`) predicts chroma. What was not damaged is copied."
)
CHOICE = (
    "The table shows each fold's best epoch. It was chosen on the photos that it is measured on, which flatters it a "
    "little."
)
PERFECT_LUMA = "The photos are true gray ones: in the contest score the luma is perfect."
WHOLE = (
    "Both stages on {photos} pairs that their fold was not trained on, as the contest gives them: the damage is found, "
    "not given."
)
NAMED = 20  # problems of the data that the page names; summary.json has them all


def page(summary: dict, name: str) -> str:
    """What `report.summarize` found of a run, beside the run's pictures. `name` is that of its folder below runs/."""
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
    reached = f"{METRICS[criterion][:-2]} {_number(criterion, row[criterion])} at epoch {row['epoch']}"
    said = [f"Fold {best} is the best, with {reached}.", CHOICE, *[PERFECT_LUMA] * (stage == "color")]
    curves = f"![curves of all folds](curves-{stage}.png)"
    return "\n\n".join([f"## Stage {stage}", " ".join(said), curves, _fold_table(found)])


def _whole(found: dict) -> str:
    said = WHOLE.format(photos=sum(row["photos"] for row in found["folds"].values()))
    return f"## The whole pipeline\n\n{said}\n\n{_fold_table(found)}"


def _fold_table(found: dict) -> str:
    """Known metrics, in their order: of several folds the mean and sample standard deviation, then each fold."""
    keys = [key for key in METRICS if key in found["mean"]]
    columns = {"": [METRICS[key] for key in keys]}
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
    """Text that no character in it, nor a line break in a file's name, can turn into markup."""
    return "\n".join("    " + " ".join(line.split()) for line in lines)


def _code(value: object) -> str:
    return "`" + " ".join(str(value).split()).replace("`", "'").replace("|", "\\|") + "`"


def _number(key: str, value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}" if key == "hole_psnr" else f"{value:.4f}"
