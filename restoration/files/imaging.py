"""Files in and out: every way a photo or a mask arrives becomes one plain image, or one clear sentence.

This is the door that all others use; behind it, `decoding` opens files, `scans` reads photos, `encoding` writes them.
"""

import os
from collections.abc import Collection
from pathlib import Path

import numpy as np
from PIL import Image

from restoration.files.decoding import (
    PhotoError,
    Source,
    claimed_pixels,
    decode,
    eight_bit,
    gray_levels,
    name_of,
    shown,
)
from restoration.files.encoding import WRITTEN, check_ending, encode_photo, write_photo
from restoration.files.scans import Scan, read_scan

__all__ = [
    "SUFFIXES", "WRITTEN", "PhotoError", "Scan", "Source", "check_ending", "claimed_pixels", "encode_photo",
    "find_files", "find_photos", "read_hints", "read_mask", "read_photo", "read_scan", "shown",
    "write_photo",
]  # fmt: skip

SUFFIXES = frozenset({
    ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".webp", ".tif", ".tiff", ".bmp", ".dib", ".gif", ".avif",
    ".heic", ".heif", ".hif", ".jp2", ".j2k", ".pgm", ".ppm", ".pnm",
})  # fmt: skip


def find_photos(folder: Path) -> list[Path]:
    """All photos below a folder, sorted; see `find_files`."""
    return find_files(folder, SUFFIXES)


def find_files(folder: Path, suffixes: Collection[str]) -> list[Path]:
    """All files below a folder with one of the suffixes, sorted. Links to folders are followed, each folder once;
    what is hidden, and what macOS adds to an archive, is left out.

    Raises:
        PhotoError: a folder may not be read.
    """
    found, seen = [], {os.path.realpath(folder)}

    def fail(error: OSError) -> None:
        raise PhotoError(f"{shown(error.filename)} may not be read: you have no permission.") from error

    for place, inner, names in os.walk(folder, onerror=fail, followlinks=True):
        inner.sort()  # that each process takes the same way
        inner[:] = [name for name in inner if not _is_hidden(name) and _is_new(os.path.join(place, name), seen)]
        files = (Path(place, name) for name in names if not _is_hidden(name))
        found += [file for file in files if file.suffix.lower() in suffixes and file.is_file()]
    return sorted(found)


def _is_new(folder: str, seen: set[str]) -> bool:
    real = os.path.realpath(folder)
    return real not in seen and not seen.add(real)


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def read_photo(source: Source) -> Image.Image:
    """A photo as mode L when it is gray, RGB otherwise; upright, opaque, 8 bit, sRGB (see `read_scan`).

    An image of Pillow's that is so already comes back itself: a copy of 100 megapixels takes 400 MB.

    Raises:
        PhotoError: the file is missing, unreadable, empty, or beyond a limit of `decoding`.
    """
    return read_scan(source).image


def read_mask(source: Source, size: tuple[int, int]) -> np.ndarray:
    """A mask, white on black or painted on transparency in any color, as bool (H, W) for a photo of `size` =
    (width, height); True = damaged.

    White is what is above 127. Where nothing is, but there are two values, as in labels of 0 and 1, the higher one
    counts.

    Raises:
        PhotoError: the file is unreadable or its size is not the photo's.
    """
    mask = _plain(source, "mask")
    _check_size(mask, size, name_of(source, "mask"))
    if mask.has_transparency_data:
        alpha = np.asarray(mask.convert("RGBA").getchannel("A"))
        if not alpha.all():
            return alpha > 0  # a stroke's soft edge belongs to it
    levels = np.asarray(mask.convert("L"))
    return levels > (127 if levels.max() > 127 or not _has_two_values(levels) else levels.min())


def _has_two_values(levels: np.ndarray) -> bool:
    return bool(np.isin(levels, (levels.min(), levels.max())).all())


def read_hints(source: Source, size: tuple[int, int]) -> np.ndarray:
    """Colors on transparency, as uint8 RGBA (H, W, 4) for a photo of `size` = (width, height).

    Raises:
        PhotoError: the file is unreadable, has no alpha channel, or its size is not the photo's.
    """
    hints, name = _plain(source, "hint image"), name_of(source, "hint image")
    if not hints.has_transparency_data:
        sentence = "{name} has no alpha channel to say where its colors count: give RGBA."
        raise PhotoError(sentence, "no_alpha", name=name)
    _check_size(hints, size, name)
    return np.asarray(hints.convert("RGBA"))


def _check_size(image: Image.Image, size: tuple[int, int], name: str) -> None:
    if image.size != size:
        sizes = {"width": image.width, "height": image.height, "wanted": f"{size[0]} x {size[1]}"}
        sentence = "{name} is {width} x {height} px, the photo {wanted}: give one of the photo's size."
        raise PhotoError(sentence, "other_size", name=name, **sizes)


def _plain(source: Source, kind: str) -> Image.Image:
    """A mask or hints as a mode that Pillow converts to any other; nothing is known of their colors."""
    image = decode(source, kind).image
    levels = gray_levels(image)
    if levels is not None:  # 16 bits may hold labels, or 8 bits' worth of levels
        return Image.fromarray(levels.astype(np.uint8) if levels.max() <= 255 else eight_bit(levels))
    return image.getchannel("L") if image.mode == "LAB" else image
