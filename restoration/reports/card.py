"""The card of a run: its README.md on the hub, which is its report with metadata for the hub's index."""

import json
import math
from pathlib import Path

from huggingface_hub import EvalResult, ModelCardData

from restoration.reports.page import page

NO_METRICS = ("epoch", "photos", "train_", "validation_")


def read_summary(run: Path) -> dict:
    """What a finished run says of itself."""
    return json.loads((run / "summary.json").read_text())


def model_card(run: Path, repository: str) -> str:
    """The repository's README.md: metadata with a model-index, then the report."""
    summary, name = read_summary(run), repository.split("/")[-1]
    metadata = ModelCardData(
        license="mit",
        library_name="photo-restoration",
        pipeline_tag="image-to-image",
        tags=["image-restoration", "inpainting", "colorization"],
        model_name=name,
        eval_results=_eval_results(summary) or None,
    )
    return f"---\n{metadata.to_yaml()}\n---\n\n{page(run, summary, name, repository)}"


def _numbers(metrics: dict) -> dict[str, float]:
    """The metrics that were measured."""
    numbers = {name: value for name, value in metrics.items() if isinstance(value, int | float)}
    return {k: v for k, v in numbers.items() if math.isfinite(v) and not k.startswith(NO_METRICS)}


def _folds(result: dict) -> dict[str, dict]:
    return {f"fold {k}": result["folds"][k] for k in sorted(result["folds"], key=int)}


def _eval_results(summary: dict) -> list[EvalResult]:
    data, parts = summary["data"], summary["stages"] | ({"pipeline": summary["whole"]} if "whole" in summary else {})
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
        for stage, result in parts.items()
        for split, metrics in [("mean over folds", result["mean"]), *_folds(result).items()]
        for name, value in _numbers(metrics).items()
    ]
