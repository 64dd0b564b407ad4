"""Messages about a photo on the command line: what was found, and surprises in the result."""

import argparse
from collections.abc import Sequence

import numpy as np
from PIL import Image

from restoration.inference.damage import MOST_SENSITIVE, count_marks
from restoration.inference.tones import is_tinted

TINTED = "it looks like a tinted black-and-white photo and keeps its notes; --recolor gives it new colors."


def notes_on_result(args: argparse.Namespace, photo: Image.Image, mask: Image.Image) -> list[str]:
    """For a restored photo: a kept tint, and what was found, or whether the mask marks nothing or nearly all."""
    damaged = np.asarray(mask) > 0
    keeps_color = photo.mode == "RGB" and not args.recolor and not args.gray
    keeps_tint = keeps_color and is_tinted(photo)
    notes = [TINTED] if keeps_tint else []
    if keeps_color and args.reference:
        notes.append("it keeps its own colors, so the reference was not used.")
    done = "it was only copied" if keeps_color or args.gray else "it was only colored"
    if args.mask:
        return notes + _notes_on_mask(damaged, args.split, done)
    ways = ["--mask repairs what you mark"]
    if keeps_color and not keeps_tint and not damaged.any():
        ways.append("--recolor gives it new colors")
    return notes + notes_on_found(args, damaged, f", so {done}", ways)


def notes_on_found(
    args: argparse.Namespace, damaged: np.ndarray, done: str = "", ways: Sequence[str] = ()
) -> list[str]:
    """What was found, for a single photo or if it is nothing, with ways to find more."""
    if damaged.any() and args.input.is_dir():
        return []
    if damaged.any():
        marks = count_marks(damaged)
        said = f"found {marks} mark{'s' if marks > 1 else ''}, {100 * damaged.mean():.3g}% of the photo"
    else:
        said = f"no damage was found{done}"
    if args.sensitivity < MOST_SENSITIVE:
        ways = [f"--sensitivity {args.sensitivity + 1} may find more", *ways]
    return [f"{said}; {', '.join(ways)}." if ways else f"{said}."]


def _notes_on_mask(damaged: np.ndarray, split: bool, done: str) -> list[str]:
    if not damaged.any():
        none = "nothing or all of it" if split else "nothing"  # a print that is masked completely is not repaired
        return [f"the mask marks {none}, so {done}."]
    if damaged.mean() > 0.5:
        return [f"the mask marks {damaged.mean():.0%} of the photo; if it marks the undamaged parts, invert it."]
    return []
