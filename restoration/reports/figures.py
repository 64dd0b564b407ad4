"""The pictures of a training report: curves of all folds, and photos before and after."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, MaxNLocator
from PIL import Image, ImageDraw, ImageFont, ImageOps

# Okabe and Ito's colors, then two of Paul Tol's: told apart by color-blind readers too
COLORS = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#882255", "#999933"
INK, FAINT = "#222222", "#8A8A8A"
MEAN = {"color": INK, "linewidth": 2.4, "zorder": 3}
RING = {"marker": "o", "markersize": 7, "markeredgewidth": 1.6, "markerfacecolor": "white", "linestyle": ""}
SHORT = 12  # epochs up to which each is marked: the line of one alone would not be seen
STYLES = ("-", "o"), ((0, (3.5, 1.8)), "x")  # line and marker of a panel's first and second curve
COLUMNS = "damaged", "gray", "color", "truth"
CELL, GAP, TITLE = 256, 10, 36  # pixels of the grid
Records = list[dict]
Points = tuple[np.ndarray, np.ndarray]  # epochs and values


@dataclass(frozen=True)
class Panel:
    """One plot: its title, and the label of each curve with its key in a record."""

    title: str
    curves: dict[str, str]
    empty: str = "not measured"
    logarithmic: bool = False  # where the values are positive and span more than a decade
    rings: bool = False  # at each fold's best epoch


@dataclass(frozen=True)
class Curves:
    """What the six panels of a stage show, and which epoch of each fold is the best."""

    name: str
    folds: dict[int, Records]
    best: dict[int, int] = field(default_factory=dict)  # epochs, by fold
    criterion: str = ""
    rate: Points | None = None  # the learning rate's whole course: between the ends of epochs it may rise and fall

    @property
    def epochs(self) -> int:
        """Of the fold that was trained longest."""
        return max(len(records) for records in self.folds.values())


def panels(stage: str) -> list[Panel]:
    """The six panels of the method's report; gray photos have no color to compare, so the hole's PSNR stands there."""
    in_hole = Panel("Validation PSNR in the hole (dB)", {"": "hole_psnr"}, rings=True)
    similarity = Panel("Validation color similarity (HSV)", {"": "hsv_similarity"}, rings=True)
    return [
        Panel("Loss", {"validation": "validation_loss", "train": "train_loss"}, logarithmic=True),
        Panel("Validation SSIM", {"whole photo": "ssim", "damaged part": "masked_ssim"}, rings=True),
        Panel("Train loss of D and G", {"D": "train_loss_d", "G": "train_loss_g"}, "GAN off"),
        Panel("Validation loss of D and G", {"D": "validation_loss_d", "G": "validation_loss_g"}, "GAN off"),
        in_hole if stage == "inpaint" else similarity,
        Panel("Learning rate", {"": "learning_rate"}),
    ]


def draw_curves(stage: Curves, file: Path) -> None:
    """Six panels, 1500 x 800 pixels: a thin line a fold, the folds' mean bold, a ring at each fold's best epoch."""
    figure = Figure(figsize=(15, 8), dpi=100, facecolor="white", layout="constrained")
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.1)
    axes = figure.subplots(2, 3).ravel()
    count = f"{len(stage.folds)} fold" + "s" * (len(stage.folds) > 1)
    figure.suptitle(f"Stage {stage.name}, {count}", x=0.01, ha="left", fontsize=15, color=INK)
    for letter, axis, panel in zip("abcdef", axes, panels(stage.name), strict=True):
        _draw_panel(axis, panel, stage)
        axis.set_title(f"({letter})  {panel.title}", loc="left", fontsize=13, fontweight="bold", color=INK)
    figure.legend(handles=_legend(stage), loc="outside lower center", ncols=9, frameon=False, fontsize=12)
    figure.savefig(file)


def _draw_panel(axis: Axes, panel: Panel, stage: Curves) -> None:
    _frame(axis, stage)
    shown = []
    for (label, key), (line, marker) in zip(panel.curves.items(), STYLES, strict=False):  # one curve or two
        curves = {fold: curve(records, key) for fold, records in stage.folds.items()}
        curves = {fold: points for fold, points in curves.items() if np.isfinite(points[1]).any()}
        style = {"linestyle": line, "marker": marker if stage.epochs <= SHORT else None}
        if stage.rate is not None and key == "learning_rate":
            style = {"linestyle": "", "marker": marker}
            axis.plot(*stage.rate, color=INK, linewidth=1.2, zorder=1)
            axis.set_xlim(left=min(0.0, axis.get_xlim()[0]))
        if curves:
            _draw_folds(axis, curves, style, stage.best if panel.rings else {})
            shown.append(Line2D([], [], color=INK, linewidth=2, markersize=5, label=label, **style))
    if not shown:
        axis.text(0.5, 0.5, panel.empty, transform=axis.transAxes, ha="center", va="center", color=FAINT, fontsize=17)
        axis.set_yticks([])
        axis.grid(False)
    elif len(panel.curves) > 1:
        axis.legend(handles=shown, frameon=False, fontsize=11, handlelength=2.6)
    if panel.logarithmic and shown:
        _make_logarithmic(axis)


def _draw_folds(axis: Axes, curves: dict[int, Points], style: dict, best: dict[int, int]) -> None:
    for fold, (epochs, values) in curves.items():
        color = COLORS[fold % len(COLORS)]
        axis.plot(epochs, values, color=color, linewidth=1.2, alpha=0.8, markersize=4, **style)
        at = epochs == best.get(fold)
        axis.plot(epochs[at], values[at], color=color, zorder=4, **RING)
    if len(curves) > 1:
        axis.plot(*mean_curve(list(curves.values())), linestyle=style["linestyle"], **MEAN)


def curve(records: Records, key: str) -> Points:
    """Epochs, and a value an epoch; NaN where it was not measured."""
    values = [np.nan if record.get(key) is None else record[key] for record in records]
    values = np.array(values, float)
    return np.array([record["epoch"] for record in records]), np.where(np.isfinite(values), values, np.nan)


def mean_curve(curves: list[Points]) -> Points:
    """The mean over folds at the epochs that all of them have; elsewhere it would jump as folds come and go."""
    common = sorted(set.intersection(*(set(epochs.tolist()) for epochs, _ in curves)))
    return np.array(common), np.mean([values[np.isin(epochs, common)] for epochs, values in curves], axis=0)


def _frame(axis: Axes, stage: Curves) -> None:
    epochs = [record["epoch"] for records in stage.folds.values() for record in records]
    margin = max(0.5, 0.02 * (max(epochs) - min(epochs)))
    axis.set_xlim(min(epochs) - margin, max(epochs) + margin)  # of all panels: what starts late is seen to
    axis.xaxis.set_major_locator(MaxNLocator(8, integer=True, steps=[1, 2, 5, 10], min_n_ticks=1))
    axis.set_xlabel("epoch", color=INK)
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(color="#E6E6E6", linewidth=0.8)
    axis.set_axisbelow(True)


def _make_logarithmic(axis: Axes) -> None:
    """Where it helps, with plain numbers at 1, 2 and 5 of each decade."""
    values = np.concatenate([line.get_ydata() for line in axis.lines])
    if not 0 < 10 * np.nanmin(values) < np.nanmax(values):
        return
    axis.set_yscale("log")
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter("{x:g}")
    axis.yaxis.set_minor_formatter("")


def _legend(stage: Curves) -> list[Line2D]:
    colors = {fold: COLORS[fold % len(COLORS)] for fold in stage.folds}
    lines = [Line2D([], [], color=color, linewidth=2, label=f"fold {fold}") for fold, color in colors.items()]
    if len(stage.folds) > 1:
        lines.append(Line2D([], [], label="mean of folds", **MEAN))
    if stage.best:
        lines.append(Line2D([], [], color=FAINT, label=f"best epoch by {stage.criterion}", **RING))
    return lines


def draw_grid(rows: list[list[Image.Image]], file: Path) -> None:
    """Photos side by side under the titles `COLUMNS`, each fitted into a square of `CELL` pixels."""
    cells = [
        [ImageOps.contain(photo.convert("RGB"), (CELL, CELL), Image.Resampling.LANCZOS) for photo in row]
        for row in rows
    ]
    heights = [max(cell.height for cell in row) for row in cells]
    width = len(COLUMNS) * (CELL + GAP) + GAP
    sheet = Image.new("RGB", (width, TITLE + sum(heights) + GAP * len(rows)), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(20)
    for column, title in enumerate(COLUMNS):
        draw.text((_middle(column), TITLE // 2), title, INK, font, anchor="mm")
    top = TITLE
    for row, height in zip(cells, heights, strict=True):
        for column, cell in enumerate(row):
            sheet.paste(cell, (_middle(column) - cell.width // 2, top + (height - cell.height) // 2))
        top += height + GAP
    sheet.save(file)


def _middle(column: int) -> int:
    return GAP + column * (CELL + GAP) + CELL // 2
