"""Photos and their originals -> a table of metrics."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from restoration import metrics
from restoration.errors import RestorationError
from restoration.files import imaging

METRICS = (
    "ssim", "masked_ssim", "hsv_similarity", "contest_s", "contest_m", "contest_c", "contest_score",
    "hole_psnr", "hole_ssim", "ab_mae", "colorfulness",
)  # fmt: skip
Row = dict[str, float | None]  # one value a metric, in the order of METRICS; None where undefined


@dataclass(frozen=True)
class Evaluation:
    """The metrics of a set of photos, and why files were left out."""

    rows: dict[str, Row]  # by the photo's name
    problems: tuple[str, ...] = ()  # one sentence each

    def values(self, metric: str) -> list[float]:
        """The photos' values that enter the mean: defined, and finite unless all are infinite.

        A single perfect hole has infinite PSNR, which would hide all other photos.
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
        """A readable table: one line per metric with its mean and number of photos, then the problems."""
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
            are None; so are the contest's M and score for a hole of fewer than 7 pixels.

    Raises:
        RestorationError: they are not such images, or too small.
    """
    truth, prediction = _rgb(truth), _rgb(prediction)
    metrics.check(truth, prediction, mask)
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
        row["contest_score"] = metrics.contest_score(row["contest_s"], row["contest_m"], row["contest_c"])
    return row


def evaluate_folders(pred: Path, truth: Path, mask: Path | None = None) -> Evaluation:
    """Evaluate a folder of predictions against a folder of truths, paired by relative path without the file extension.

    Args:
        pred: RGB or gray photos, in the same subfolders as the truths.
        truth: color photos of the same sizes.
        mask: white where the photo was damaged, see `imaging.read_mask`.

    Returns:
        One row per pair; files that could not be used are listed as problems.

    Raises:
        RestorationError: no pair was found, or none could be read.
    """
    predictions, truths, masks = (_by_name(folder) if folder else {} for folder in (pred, truth, mask))
    if not predictions.keys() & truths.keys():
        raise RestorationError(f"No file in {pred} has the same name as one in {truth}; the names must match.")
    rows, problems = {}, []
    for name in sorted(predictions.keys() | truths.keys()):
        try:
            true = _read(_read_rgb, "truth", truths.get(name))
            result = _read(_read_rgb, "prediction", predictions.get(name))
            hole = _read(imaging.read_mask, "mask", masks[name], true.shape[1::-1]) if name in masks else None
            rows[name] = evaluate_pair(true, result, hole)
        except RestorationError as error:
            problems.append(f"{name}: {error}")
            continue
        if mask and (hole is None or np.count_nonzero(hole) < metrics.WINDOW):
            least = f"no mask, or a hole of under {metrics.WINDOW} pixels"
            problems.append(f"{name}: {least}; it is left out of the hole metrics.")
    if not rows:
        raise RestorationError("No pair could be evaluated. " + " ".join(problems))
    return Evaluation(rows, tuple(problems))


def _by_name(folder: Path) -> dict[str, list[Path]]:
    if not folder.is_dir():
        raise RestorationError(f"There is no folder {folder}; give a folder of photos.")
    return imaging.by_name(folder)


def _read(reader: Callable[..., np.ndarray], kind: str, files: list[Path] | None, *arguments: object) -> np.ndarray:
    """The result of a reader on a single file; errors name the folder too, since all three hold files of one name."""
    if not files:
        raise RestorationError(f"no {kind}.")
    if len(files) > 1:
        raise RestorationError(f"{files[0].parent} has {files[0].name} and {files[1].name}; keep one of them.")
    try:
        return reader(files[0], *arguments)
    except imaging.PhotoError as error:
        raise RestorationError(f"in {files[0].parent}, {error}") from error


def _read_rgb(path: Path) -> np.ndarray:
    return np.asarray(imaging.read_photo(path).convert("RGB"))


def _rgb(image: np.ndarray) -> np.ndarray:
    return np.stack([image] * 3, axis=-1) if image.ndim == 2 else image
