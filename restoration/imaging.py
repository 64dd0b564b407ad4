"""Files in and out: every way a photo or a mask arrives becomes one plain image, or one clear sentence.

This is the door that all others use; behind it, `decoding` opens files, `scans` reads photos, `encoding` writes them.
"""

from pathlib import Path

import numpy as np
from PIL import Image

from restoration.decoding import PhotoError, Source, claimed_pixels, decode, eight_bit, gray_levels, name_of, shown
from restoration.encoding import WRITTEN, check_ending, encode_photo, part_stem, write_photo
from restoration.scans import Scan, read_scan

__all__ = [
    "SUFFIXES", "WRITTEN", "PhotoError", "Scan", "Source", "check_ending", "claimed_pixels", "encode_photo",
    "find_photos", "part_stem", "read_hints", "read_mask", "read_photo", "read_scan", "shown", "write_photo",
]  # fmt: skip

SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".avif", ".heic", ".heif", ".jp2", ".pgm"}
)


def find_photos(folder: Path) -> list[Path]:
    """All photos below a folder, sorted; hidden ones and those that macOS adds to an archive are none."""
    files = (file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
    return sorted(file for file in files if not any(map(_is_hidden, file.relative_to(folder).parts)))


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def read_photo(source: Source) -> Image.Image:
    """A photo as mode L when it is gray, RGB otherwise; upright, opaque, 8 bit, sRGB (see `read_scan`).

    Raises:
        PhotoError: the file is missing, unreadable, empty, or beyond a limit of `decoding`.
    """
    return read_scan(source).image


def read_mask(source: Source, size: tuple[int, int]) -> np.ndarray:
    """A mask, white on black or painted on transparency in any colour, as bool (H, W) for a photo of `size` =
    (width, height); True = damaged.

    White is what is above 127; in a mask whose highest value is 1, as labels are often saved, it is 1.

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
    return levels > (0 if levels.max() == 1 else 127)


def read_hints(source: Source, size: tuple[int, int]) -> np.ndarray:
    """Colours on transparency, as uint8 RGBA (H, W, 4) for a photo of `size` = (width, height).

    Raises:
        PhotoError: the file is unreadable, has no alpha channel, or its size is not the photo's.
    """
    hints, name = _plain(source, "hint image"), name_of(source, "hint image")
    if not hints.has_transparency_data:
        raise PhotoError(f"{name} has no alpha channel to say where its colours count: give RGBA.")
    _check_size(hints, size, name)
    return np.asarray(hints.convert("RGBA"))


def _check_size(image: Image.Image, size: tuple[int, int], name: str) -> None:
    if image.size != size:
        sizes = f"{image.width} x {image.height} px, the photo {size[0]} x {size[1]}"
        raise PhotoError(f"{name} is {sizes}: give one of the photo's size.")


def _plain(source: Source, kind: str) -> Image.Image:
    """A mask or hints as a mode that Pillow converts to any other; nothing is known of their colours."""
    image = decode(source, kind).image
    levels = gray_levels(image)
    if levels is not None:
        return Image.fromarray(eight_bit(levels))
    return image.getchannel("L") if image.mode == "LAB" else image
