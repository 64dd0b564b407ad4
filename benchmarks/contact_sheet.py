"""Pictures beside the figures: the best, median and worst photos, chosen by number alone."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from benchmarks.competitors import OURS, RIVALS, Competitor
from benchmarks.photo_sets import Numbered
from benchmarks.tables import DIGITS, TITLES
from restoration.color import luma
from restoration.evaluation import Evaluation

CRITERIA = {"lpips_gray": False, "hole_psnr": True}  # whether more is better
PLACES = "best", "median", "worst"
EACH = 3  # photos a place
CELL, GAP, LINE = 256, 8, 26  # pixels
INK = "#222222"
Damaging = Callable[[np.ndarray, int], tuple[np.ndarray, np.ndarray]]  # truth, number -> damaged gray, mask


class Strip(NamedTuple):
    """One photo: what is said about it, and its pictures from left to right."""

    caption: str
    pictures: list[np.ndarray]  # uint8 (H, W) or (H, W, 3)


def contact_sheet(
    table: dict[str, Evaluation], photos: Numbered, rows: dict[str, Competitor], damaging: Damaging
) -> Image.Image:
    """Damaged, restored by each, and true: the photos at which ours is best, median and worst by each criterion.

    Args:
        table: what was measured, by row, a row of ours among them.
        rows: who restored; each is asked again, for the chosen photos only.
    """
    ours = next(row for row in OURS if row in rows)
    rivals = [row for row in RIVALS if row in rows]
    cases = {name: (number, truth) for number, name, truth in photos}
    sections = {}
    for metric, more in CRITERIA.items():
        values = {name: row[metric] for name, row in table[ours].rows.items() if row.get(metric) is not None}
        for place, names in ranked(values, more).items() if values else ():
            captions = {name: f"{name}    {_figures(table, [*rivals, ours], name)}" for name in names}
            title = f"{place} by {TITLES[metric]} ({ours})"
            sections[title] = [
                Strip(caption, _pictures(*cases[name], rows, rivals, ours, damaging))
                for name, caption in captions.items()
            ]
    return draw_sheet(["damaged", *rivals, "ours, gray", "ours, color", "truth"], sections)


def _figures(table: dict[str, Evaluation], rows: list[str], name: str) -> str:
    """A photo's values of each criterion, by row."""
    shown = []
    for metric in CRITERIA:
        values = {row: table[row].rows[name].get(metric) for row in rows}
        numbers = [f"{row} {value:.{DIGITS.get(metric, 3)}f}" for row, value in values.items() if value is not None]
        shown += [f"{TITLES[metric]}: {', '.join(numbers)}"] if numbers else []
    return "    ".join(shown)


def _pictures(
    number: int, truth: np.ndarray, rows: dict[str, Competitor], rivals: list[str], ours: str, damaging: Damaging
) -> list[np.ndarray]:
    damaged, mask = damaging(truth, number)
    restored = rows[ours](damaged, mask)
    return [damaged, *(rows[row](damaged, mask) for row in rivals), luma(restored), restored, truth]


def ranked(values: dict[str, float], higher_is_better: bool) -> dict[str, list[str]]:
    """The names of EACH best, median and worst photos by their values; names decide between equal ones.

    Of fewer than three times EACH photos some stand in two places.
    """
    order = sorted(values, key=lambda name: (-values[name] if higher_is_better else values[name], name))
    middle = max(0, (len(order) - EACH) // 2)
    return {"best": order[:EACH], "median": order[middle : middle + EACH], "worst": order[-EACH:]}


def draw_sheet(columns: list[str], sections: dict[str, list[Strip]]) -> Image.Image:
    """Strips below each other under the columns' titles, each section below its own.

    A picture is fitted into CELL pixels of width; its own pixels are shown where it is no wider.
    """
    rows = [_row([_cell(picture) for picture in strip.pictures]) for strips in sections.values() for strip in strips]
    height = LINE + sum(row.height + LINE + GAP for row in rows) + 2 * LINE * len(sections)
    sheet = Image.new("RGB", (GAP + len(columns) * (CELL + GAP), height), "white")
    draw, small, large = ImageDraw.Draw(sheet), ImageFont.load_default(15), ImageFont.load_default(20)
    for column, title in enumerate(columns):
        draw.text((_left(column) + CELL // 2, LINE // 2), title, INK, large, anchor="mm")
    top, remaining = LINE, iter(rows)
    for title, strips in sections.items():
        draw.text((GAP, top + LINE), title, INK, large, anchor="lm")
        top += 2 * LINE
        for strip in strips:
            row = next(remaining)
            draw.text((GAP, top + LINE // 2), strip.caption, INK, small, anchor="lm")
            sheet.paste(row, (0, top + LINE))
            top += LINE + row.height + GAP
    return sheet


def _cell(picture: np.ndarray) -> Image.Image:
    image = Image.fromarray(picture).convert("RGB")
    if image.width <= CELL and image.height <= 2 * CELL:
        return image
    return ImageOps.contain(image, (CELL, 2 * CELL), Image.Resampling.LANCZOS)


def _row(cells: list[Image.Image]) -> Image.Image:
    row = Image.new("RGB", (_left(len(cells)), max(cell.height for cell in cells)), "white")
    for column, cell in enumerate(cells):
        row.paste(cell, (_left(column) + (CELL - cell.width) // 2, 0))
    return row


def _left(column: int) -> int:
    return GAP + column * (CELL + GAP)
