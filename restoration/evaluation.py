"""Photos and their truths -> a table of metrics."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from restoration import metrics

METRICS = (
    "ssim", "masked_ssim", "hsv_similarity", "contest_s", "contest_m", "contest_c", "contest_score",
    "hole_psnr", "hole_ssim", "ab_mae", "colorfulness",
)  # fmt: skip
Row = dict[str, float | None]  # one value a metric, in the order of METRICS; None where undefined
UNREADABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)  # what Pillow raises on bad files


@dataclass(frozen=True)
class Evaluation:
    """The metrics of a set of photos, and everything that kept a file out of them."""

    rows: dict[str, Row]  # by the photo's name
    problems: tuple[str, ...] = ()  # one sentence each

    def values(self, metric: str) -> list[float]:
        """The photos' values that enter the mean: defined, and finite unless all are infinite.

        One hole restored without any error has an infinite PSNR, which would hide all the others.
        """
        defined = [row[metric] for row in self.rows.values() if row[metric] is not None]
        return [value for value in defined if math.isfinite(value)] or defined

    @property
    def means(self) -> Row:
        """Each metric's mean over `values`; None where no photo has one."""
        values = {metric: self.values(metric) for metric in METRICS}
        return {metric: float(np.mean(found)) if found else None for metric, found in values.items()}

    def as_json(self) -> dict[str, float | int | None]:
        """The means and the number of photos; an infinite PSNR becomes None, as JSON has no infinity."""
        means = {metric: None if value == math.inf else value for metric, value in self.means.items()}
        return means | {"photos": len(self.rows)}

    def as_table(self) -> str:
        """Text for people: a line a metric with its mean and the photos in it, then the problems."""
        lines = [f"{'metric':<16}{'mean':>10}{'photos':>8}"]
        for metric, mean in self.means.items():
            shown, count = ("-", 0) if mean is None else (f"{mean:.4f}", len(self.values(metric)))
            lines.append(f"{metric:<16}{shown:>10}{count:>8}")
        return "\n".join([*lines, *(f"! {problem}" for problem in self.problems)])


def evaluate_pair(truth: np.ndarray, prediction: np.ndarray, mask: np.ndarray | None = None) -> Row:
    """All metrics of one photo, each None where it is undefined.

    Args:
        truth: uint8 RGB (H, W, 3).
        prediction: uint8 RGB or gray (H, W), of the same size.
        mask: bool (H, W), True in the hole. Without one, or with an empty one, the hole's metrics
            are None; the contest's M and score are so too for a hole of fewer than 7 pixels.
    """
    truth, prediction = _rgb(truth), _rgb(prediction)
    similarity = metrics.ssim_map(truth, prediction)
    row = dict.fromkeys(METRICS) | {
        "ssim": metrics.interior_mean(similarity),
        "hsv_similarity": metrics.hsv_similarity(truth, prediction),
        "contest_s": metrics.contest_s(truth, prediction),
        "contest_c": metrics.contest_c(truth, prediction),
        "ab_mae": metrics.ab_mae(truth, prediction),
        "colorfulness": metrics.colorfulness(prediction),
    }
    if mask is None or not mask.any():
        return row
    row |= {
        "masked_ssim": metrics.hole_mean(similarity, mask),
        "hole_psnr": metrics.hole_psnr(truth, prediction, mask),
        "hole_ssim": metrics.hole_ssim(truth, prediction, mask),
    }
    if np.count_nonzero(mask) >= metrics.WINDOW:
        row["contest_m"] = metrics.contest_m(truth, prediction, mask)
        row["contest_score"] = metrics.contest_sum(row["contest_s"], row["contest_m"], row["contest_c"])
    return row


def evaluate_folders(pred: Path, truth: Path, mask: Path | None = None) -> Evaluation:
    """Evaluate a folder of predictions against a folder of truths, paired by file stem.

    Args:
        pred: RGB or gray photos, 8 bits a channel.
        truth: colour photos of the same sizes.
        mask: gray PNG files, white (over 127) where the photo was damaged.

    Returns:
        One row a pair; a file that could not be used is named among the problems.

    Raises:
        ValueError: no pair was found, or none could be read.
    """
    problems: list[str] = []
    predictions, truths = _by_stem(pred, problems), _by_stem(truth, problems)
    masks = None if mask is None else _by_stem(mask, problems)
    problems += _without_partner(predictions, truths, masks)
    names = [name for name in truths if name in predictions]
    if not names:
        raise ValueError(f"No file in {pred} has the name of one in {truth}; name each prediction as its truth.")
    rows = {}
    for name in names:
        try:
            hole = None if masks is None or name not in masks else _read(masks[name], "L") > 127
            rows[name] = evaluate_pair(_read(truths[name], "RGB"), _read(predictions[name], "RGB"), hole)
        except ValueError as error:
            problems.append(f"{name}: {error}")
            continue
        if hole is not None and np.count_nonzero(hole) < metrics.WINDOW:
            problems.append(f"{name}: the hole has under {metrics.WINDOW} pixels; metrics of the hole leave it out.")
    if not rows:
        raise ValueError("No pair could be evaluated. " + " ".join(problems))
    return Evaluation(rows, tuple(problems))


def _by_stem(folder: Path, problems: list[str]) -> dict[str, Path]:
    """The photos of a folder by their names without extension, sorted."""
    if not folder.is_dir():
        raise ValueError(f"There is no folder {folder}; give one that holds photos.")
    files: dict[str, Path] = {}
    readable = {extension for extension, kind in Image.registered_extensions().items() if kind in Image.OPEN}
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.suffix.lower() in readable:
            first = files.setdefault(path.stem, path)
            if first != path:
                problems.append(f"{path.stem}: {folder} has {first.name} and {path.name}; only the first is used.")
    return files


def _without_partner(
    predictions: dict[str, Path], truths: dict[str, Path], masks: dict[str, Path] | None
) -> Iterator[str]:
    for name in sorted(truths.keys() - predictions.keys()):
        yield f"{name}: no prediction."
    for name in sorted(predictions.keys() - truths.keys()):
        yield f"{name}: a prediction without a truth."
    if masks is not None:
        for name in sorted((truths.keys() & predictions.keys()) - masks.keys()):
            yield f"{name}: no mask; metrics of the hole leave it out."


def _read(path: Path, mode: str) -> np.ndarray:
    """A file's pixels, 8 bits, upright: RGB (H, W, 3), or (H, W) for mode "L"."""
    try:
        with Image.open(path) as image:
            if image.mode.startswith(("I", "F")):  # Pillow would clip it to 255
                raise ValueError("it has over 8 bits a channel; save it with 8")
            return np.asarray(ImageOps.exif_transpose(image).convert(mode))
    except UNREADABLE as error:
        raise ValueError(f"{path} cannot be read ({error}).") from error


def _rgb(image: np.ndarray) -> np.ndarray:
    return np.stack([image] * 3, axis=-1) if image.ndim == 2 else image
