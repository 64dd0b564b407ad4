"""The pictures of a training report: curves of all folds, and photos before and after."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from PIL import Image, ImageDraw, ImageFont

from restoration.config import Stage
from restoration.training.tracking import Record

# Okabe and Ito's colors, then two of Paul Tol's: distinguishable for color-blind readers
COLORS = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#882255", "#999933"
INK, FAINT = "#222222", "#8A8A8A"
MEAN = {"color": INK, "linewidth": 3}
STYLES = {"linestyle": "-", "marker": "o"}, {"linestyle": "--", "marker": "x"}  # of a panel's first and second curve
PANELS = {  # title, and each curve's label with its key in a record
    "Loss": {"validation": "validation_loss", "train": "train_loss"},
    "Validation SSIM": {"whole photo": "ssim", "damaged part": "masked_ssim"},
    "Train loss of D and G": {"D": "train_loss_d", "G": "train_loss_g"},
    "Validation loss of D and G": {"D": "validation_loss_d", "G": "validation_loss_g"},
}
CRITERIA = {  # gray photos have no color to compare
    "inpaint": {"Validation PSNR in the hole (dB)": {"": "hole_psnr"}},
    "color": {"Validation color similarity (HSV)": {"": "hsv_similarity"}},
}
COLUMNS = "damaged", "gray", "color", "truth"
CELL, GAP, TITLE = 256, 10, 36  # pixels of the grid
Journals = dict[int, list[Record]]  # by fold


def draw_curves(stage: Stage, journals: Journals, file: Path) -> None:
    """The six panels of the method's report, 1500 x 800 pixels: a thin line per fold, the folds' mean bold."""
    figure = Figure(figsize=(15, 8), layout="constrained")
    axes = figure.subplots(2, 3, sharex=True).ravel()
    figure.suptitle(f"Stage {stage}, folds: {len(journals)}")
    panels = PANELS | CRITERIA[stage] | {"Learning rate": {"": "learning_rate"}}
    for letter, axis, (title, curves) in zip("abcdef", axes, panels.items(), strict=True):
        axis.set_title(f"({letter})  {title}")
        axis.grid(color="#E6E6E6")
        _draw_panel(axis, curves, journals)
    for axis in axes[3:]:
        axis.set_xlabel("epoch")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.legend(handles=_legend(journals), loc="outside lower center", ncols=9)
    figure.savefig(file)


def _draw_panel(axis: Axes, curves: dict[str, str], journals: Journals) -> None:
    shown = []
    for (label, key), style in zip(curves.items(), STYLES, strict=False):  # one curve or two
        found = {fold: values for fold, records in journals.items() if (values := _measured(records, key))}
        for fold, values in found.items():
            color = COLORS[fold % len(COLORS)]
            axis.plot(values.keys(), values.values(), color=color, **style)
        if len(found) > 1:
            axis.plot(*_mean(list(found.values())), linestyle=style["linestyle"], **MEAN)
        if found:
            shown.append(Line2D([], [], color=INK, label=label, **style))
    if not shown:
        axis.text(0.5, 0.5, "GAN off", transform=axis.transAxes, ha="center", va="center", color=FAINT)
        axis.set_yticks([])
    elif len(curves) > 1:
        axis.legend(handles=shown)


def _measured(records: list[Record], key: str) -> dict[int, float]:
    """The values of the epochs that have one."""
    return {record["epoch"]: record[key] for record in records if record.get(key) is not None}


def _mean(curves: list[dict[int, float]]) -> tuple[list[int], list[float]]:
    """The mean over folds at the epochs that all folds have; elsewhere it would jump."""
    epochs = sorted(set.intersection(*map(set, curves)))
    return epochs, [float(np.mean([values[epoch] for values in curves])) for epoch in epochs]


def _legend(journals: Journals) -> list[Line2D]:
    lines = [Line2D([], [], color=COLORS[fold % len(COLORS)], label=f"fold {fold}") for fold in journals]
    return [*lines, Line2D([], [], label="mean of folds", **MEAN)] if len(journals) > 1 else lines


def draw_grid(rows: list[list[Image.Image]], file: Path) -> None:
    """Square photos side by side under the titles `COLUMNS`, each in a cell of `CELL` pixels."""
    step = CELL + GAP
    sheet = Image.new("RGB", (len(COLUMNS) * step + GAP, len(rows) * step + TITLE), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(20)
    for column, title in enumerate(COLUMNS):
        draw.text((column * step + GAP + CELL // 2, TITLE // 2), title, INK, font, anchor="mm")
    for line, row in enumerate(rows):
        for column, photo in enumerate(row):
            cell = photo.convert("RGB").resize((CELL, CELL), Image.Resampling.LANCZOS)
            sheet.paste(cell, (column * step + GAP, line * step + TITLE))
    sheet.save(file)
