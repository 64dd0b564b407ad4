"""Figures as a person reads them, and as a program does: Markdown tables and JSON."""

import math
from collections.abc import Callable, Iterable, Sequence

from benchmarks.bootstrap import Interval, interval
from restoration.evaluation import Evaluation

TITLES = {
    "hole_psnr": "hole PSNR", "hole_ssim": "hole SSIM", "lpips_gray": "LPIPS, gray", "ssim": "SSIM",
    "contest_s": "S", "contest_m": "M", "contest_c": "C", "contest_score": "contest score",
    "hsv_similarity": "HSV similarity", "ab_mae": "ab error", "colorfulness": "colorfulness",
    "lpips_color": "LPIPS, color",
}  # fmt: skip
METRICS = (*TITLES, "masked_ssim")  # the last is for JSON only: hole SSIM says the same of luma
COMPARED = "hole_psnr", "hole_ssim", "lpips_gray", "contest_score"  # metrics of which differences are shown
DIGITS = {"hole_psnr": 2, "ab_mae": 2, "colorfulness": 1}  # all others: 4
Intervals = dict[str, dict[str, Interval]]  # by row, then by metric
Table = dict[str, Evaluation]  # by row
Scenes = dict[str, str]  # what each photo shows, by its name


def intervals(table: Table, scenes: Scenes) -> Intervals:
    """Each row's means; a metric without a finite value is left out, and so are a metric's infinite values."""
    names = {row: list(evaluation.rows) for row, evaluation in table.items()}
    found = {row: {metric: _finite(table, row, metric) for metric in METRICS} for row in names}
    return {
        row: {metric: _interval(values, scenes) for metric, values in by_metric.items() if values}
        for row, by_metric in found.items()
    }


def differences(table: Table, pairs: Sequence[tuple[str, str]], scenes: Scenes) -> Intervals:
    """How far one row is above another on the same photos, by `one - other`."""
    found: Intervals = {}
    for one, other in pairs:
        found[f"{one} - {other}"] = compared = {}
        for metric in COMPARED:
            above, below = _finite(table, one, metric), _finite(table, other, metric)
            both = {name: above[name] - below[name] for name in above if name in below}
            if both:
                compared[metric] = _interval(both, scenes)
    return found


def _finite(table: Table, row: str, metric: str) -> dict[str, float]:
    values = {name: found.get(metric) for name, found in table[row].rows.items()}
    return {name: value for name, value in values.items() if value is not None and math.isfinite(value)}


def _interval(values: dict[str, float], scenes: Scenes) -> Interval:
    return interval(list(values.values()), [scenes[name] for name in values])


def as_markdown(table: Table, found: Intervals, compared: Intervals) -> str:
    """Means, the ends of their intervals, and differences: up to three tables, a line a row, a column a metric."""
    parts = [
        _means(table, found),
        "95% intervals of these means, by bootstrap over photos:",
        _markdown(found, lambda value, metric: _ends(value, metric)),
    ]
    if compared:
        parts += [
            "Differences on the same photos, with their 95% intervals:",
            _markdown(
                compared, lambda value, metric: f"{_number(value.mean, metric, '+')} ({_ends(value, metric, '+')})"
            ),
        ]
    return "\n\n".join(parts)


def as_json(table: Table, found: Intervals, compared: Intervals) -> dict[str, dict]:
    """The means, the ends of their intervals, and the differences."""
    rows = {
        row: {metric: values[metric].mean if metric in values else None for metric in _metrics(found, METRICS)}
        | {"photos": len(table[row].rows)}
        for row, values in found.items()
    }
    ends = {row: {metric: [value.low, value.high] for metric, value in values.items()} for row, values in found.items()}
    pairs = {row: {metric: value._asdict() for metric, value in values.items()} for row, values in compared.items()}
    return {"rows": rows, "intervals": ends, "differences": pairs}


def _means(table: Table, found: Intervals) -> str:
    """A row without any error has an infinite PSNR, and no interval."""
    whole = {
        row: {metric: Interval(math.inf, math.inf, math.inf) for metric in TITLES if _is_infinite(evaluation, metric)}
        for row, evaluation in table.items()
    }
    return _markdown(
        {row: whole[row] | values for row, values in found.items()}, lambda value, metric: _number(value.mean, metric)
    )


def _is_infinite(evaluation: Evaluation, metric: str) -> bool:
    return any(row.get(metric) == math.inf for row in evaluation.rows.values())


def _number(value: float, metric: str, sign: str = "") -> str:
    return f"{value:{sign}.{DIGITS.get(metric, 4)}f}"


def _ends(value: Interval, metric: str, sign: str = "") -> str:
    return f"{_number(value.low, metric, sign)} to {_number(value.high, metric, sign)}"


def _metrics(found: Intervals, among: Iterable[str] = TITLES) -> list[str]:
    return [metric for metric in among if any(metric in values for values in found.values())]


def _markdown(found: Intervals, shown: Callable[[Interval, str], str]) -> str:
    metrics = _metrics(found)
    lines = [["", *(TITLES[metric] for metric in metrics)]]
    for row, values in found.items():
        lines.append([row, *(shown(values[metric], metric) if metric in values else "-" for metric in metrics)])
    lines = ["| " + " | ".join(line) + " |" for line in lines]
    return "\n".join([lines[0], "|---|" + "---:|" * len(metrics), *lines[1:]])
