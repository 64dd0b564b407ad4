"""The card of a run: its README.md on the hub, written from the run's own numbers."""

import json
import math
from pathlib import Path

from huggingface_hub import EvalResult, ModelCardData

from restoration.config import STAGES

NO_METRICS = ("epoch", "train_", "validation_")  # how training went is told by metrics.jsonl and the curves
PICTURES = (*(f"curves-{stage}.png" for stage in STAGES), "grid.png")


def read_summary(run: Path) -> dict:
    """What a finished run says of itself."""
    return json.loads((run / "summary.json").read_text())


def model_card(run: Path, repository: str) -> str:
    """The repository's README.md: metadata with a model-index, use, metrics, pictures, origin."""
    summary = read_summary(run)
    metadata = ModelCardData(
        license="mit",
        library_name="photo-restoration",
        pipeline_tag="image-to-image",
        tags=["image-restoration", "inpainting", "colorization"],
        model_name=repository.split("/")[-1],
        eval_results=_eval_results(summary) or None,
    )
    pictures = [f"![{file[:-4]}]({file})" for file in PICTURES if (run / file).is_file()]
    parts = [
        f"---\n{metadata.to_yaml()}\n---",
        f"# {repository.split('/')[-1]}",
        "Damaged gray photos become whole and get their color. Two U-Nets run in turn: the Inpainter (`inpaint/`) "
        "fills what is missing, the Colorizer (`color/`) predicts chroma. What was not damaged is copied.",
        _usage(repository, list(summary["stages"])),
        "## Metrics\n\nMean ± standard deviation over folds; each is measured on photos that its training did not see.",
        *(_table(stage, result) for stage, result in summary["stages"].items()),
        *pictures,
        _origin(summary),
        "## License\n\nMIT",
    ]
    return "\n\n".join(parts) + "\n"


def _numbers(metrics: dict) -> dict[str, float]:
    """The metrics that were measured."""
    numbers = {name: value for name, value in metrics.items() if isinstance(value, int | float)}
    return {k: v for k, v in numbers.items() if math.isfinite(v) and not k.startswith(NO_METRICS)}


def _folds(result: dict) -> dict[str, dict]:
    return {f"fold {k}": result["folds"][k] for k in sorted(result["folds"], key=int)}


def _eval_results(summary: dict) -> list[EvalResult]:
    data = summary["data"]
    return [
        EvalResult(
            task_type="image-to-image",
            dataset_type="photos",
            dataset_name=f"{data['photos']} photos",
            dataset_revision=data["fingerprint"],
            dataset_config=stage,
            dataset_split=split,
            metric_type=name,
            metric_value=value,
        )
        for stage, result in summary["stages"].items()
        for split, metrics in [("mean over folds", result["mean"]), *_folds(result).items()]
        for name, value in _numbers(metrics).items()
    ]


def _usage(repository: str, stages: list[str]) -> str:
    network = {"inpaint": "Inpainter", "color": "Colorizer"}[stages[0]]
    whole = [
        "from restoration import Restorer",
        f'restorer = Restorer.from_pretrained("{repository}")  # folds="all": the mean of all folds',
        "restorer.restore(photo)  # a PIL image or uint8 array; .image of the result is in color",
    ]
    part = [f"from restoration import {network}", f'{network}.from_pretrained("{repository}", "{stages[0]}")']
    lines = whole if set(stages) == set(STAGES) else part
    return "## Use it\n\n```python\n" + "\n".join(lines) + "\n```"


def _table(stage: str, result: dict) -> str:
    """Rows are metrics; columns are mean ± standard deviation, then the folds."""
    folds, mean, std = _folds(result), _numbers(result["mean"]), _numbers(result["std"])
    head = ["metric", "mean ± std", *folds]
    rows = [
        [name, _cell(value) + _cell(std.get(name), " ± {:.2g}"), *(_cell(fold.get(name)) for fold in folds.values())]
        for name, value in mean.items()
    ]
    lines = [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]
    best = f"`{stage}/` is fold {result['best_fold']}, the best by `{result['criterion']}`."
    return f"### {stage}\n\n" + "\n".join(lines) + f"\n\n{best}"


def _cell(value: float | None, form: str = "{:.4g}") -> str:
    return "" if value is None else form.format(value)


def _origin(summary: dict) -> str:
    data = summary["data"]
    versions = ", ".join(f"{name} {version}" for name, version in summary["versions"].items() if version)
    photos = f"Data: {data['photos']} photos, fingerprint `{data['fingerprint']}`."
    return f"## How it was trained\n\n```\n{summary['command']}\n```\n\n{photos}\n\nVersions: {versions}."
