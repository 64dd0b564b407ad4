"""Files in and out: any source of a photo or mask becomes a plain image, or one clear error message.

This is the interface of `files`; behind it, `decoding` opens files, `scans` reads photos, `encoding` writes them.
"""

import os
import unicodedata
from collections.abc import Collection
from pathlib import Path

import numpy as np
from PIL import Image

from restoration.files.decoding import PhotoError, Source, claimed_pixels, decode, name_of, printable
from restoration.files.encoding import WRITTEN, check_ending, write_photo
from restoration.files.scans import Scan, eight_bit, gray_levels, read_scan

__all__ = [
    "SUFFIXES", "WRITTEN", "PhotoError", "Scan", "Source", "by_name", "check_ending", "claimed_pixels", "composed",
    "find_files", "find_unread", "is_hidden", "name_key", "printable", "read_hints", "read_mask", "read_photo",
    "read_scan", "write_photo",
]  # fmt: skip

LABELS = 8  # largest number of values in a mask of region labels
SUFFIXES = frozenset({
    ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".webp", ".tif", ".tiff", ".bmp", ".dib", ".gif", ".avif",
    ".heic", ".heif", ".hif", ".jp2", ".j2k", ".jpx", ".jpf", ".j2c", ".pgm", ".ppm", ".pnm",
})  # fmt: skip
NOT_READ = frozenset({  # unsupported formats that may be photos too
    "", ".tga", ".jxl", ".psd", ".xcf", ".exr", ".pdf", ".dng", ".nef", ".cr2", ".cr3", ".arw", ".orf", ".rw2", ".raf",
})  # fmt: skip


def find_unread(folder: Path) -> list[Path]:
    """Files that `find_files` skips although they may be photos: other extensions, or none."""
    return [file for file in find_files(folder, NOT_READ) if file.suffix or claimed_pixels(file)]


def find_files(folder: Path, suffixes: Collection[str] = SUFFIXES) -> list[Path]:
    """All photos below a folder, or all files with one of these suffixes, sorted. Links to folders are followed, each
    folder once; hidden files, and what macOS adds to archives, are left out.

    Raises:
        PhotoError: a folder cannot be read.
    """
    found, seen = [], {os.path.realpath(folder)}

    def fail(error: OSError) -> None:
        raise PhotoError(f"{printable(error.filename)} cannot be read: permission denied.") from error

    for place, inner, names in os.walk(folder, onerror=fail, followlinks=True):
        inner.sort()  # the same order in every process
        inner[:] = [name for name in inner if not is_hidden(name) and _is_new(os.path.join(place, name), seen)]
        files = (Path(place, name) for name in names if not is_hidden(name))
        found += [file for file in files if file.suffix.lower() in suffixes and file.is_file()]
    return sorted(found)


def by_name(folder: Path) -> dict[str, list[Path]]:
    """The photos below a folder by `name_key` of their relative paths; of equal names a PNG comes first."""
    found: dict[str, list[Path]] = {}
    for file in sorted(find_files(folder), key=lambda file: file.suffix.lower() != ".png"):
        found.setdefault(name_key(file.relative_to(folder)), []).append(file)
    return found


def name_key(name: Path) -> str:
    """A photo's name for pairing: without its extension, `composed`."""
    return composed(name.with_suffix("").as_posix())


def composed(name: str) -> str:
    """A name in NFC, each accent and Korean syllable one character: macOS decomposes them (NFD)."""
    return unicodedata.normalize("NFC", name)


def _is_new(folder: str, seen: set[str]) -> bool:
    real = os.path.realpath(folder)
    return real not in seen and not seen.add(real)


def is_hidden(name: str) -> bool:
    """Whether a file or folder is hidden or the system's own, such as thumbnails or macOS's `._photo.jpg`."""
    return name.startswith(".") or name == "__MACOSX"


def read_photo(source: Source, kind: str = "photo") -> Image.Image:
    """A photo as mode L when it is gray, RGB otherwise; upright, opaque, 8 bit, sRGB (see `read_scan`).

    A Pillow image that is all this already is returned itself: a copy of 100 megapixels takes 400 MB.

    Raises:
        PhotoError: the file is missing, unreadable, empty, or beyond a limit of `decoding`.
    """
    return read_scan(source, kind).image


def read_reference(source: Source) -> np.ndarray:
    """A photo that lends its colors, uint8 RGB (H, W, 3).

    Raises:
        PhotoError: it cannot be read, or is gray.
    """
    photo = read_photo(source, "reference")
    if photo.mode == "L":
        raise PhotoError("The reference is a gray photo; use one in color.")
    return np.asarray(photo)


def read_mask(source: Source, size: tuple[int, int]) -> np.ndarray:
    """A mask, white on black or painted on transparency in any color, as bool (H, W) for a photo of `size` =
    (width, height); True = damaged.

    White, or any bright color, means above 127 in some channel. If nothing is that bright, whatever is brighter than
    the background counts: everything in a mask of a few labels, such as 0 and 1, otherwise from halfway up.

    Raises:
        PhotoError: the file is unreadable or its size is not the photo's.
    """
    if isinstance(source, np.ndarray) and source.dtype == bool and source.shape == size[::-1]:
        return source  # already a mask
    mask = _plain(source, "mask")
    _check_size(mask, size, name_of(source, "mask"))
    if mask.has_transparency_data:
        alpha = np.asarray(mask.convert("RGBA").getchannel("A"))
        if not alpha.all():
            return alpha > 0  # a stroke's soft edge belongs to it
    levels = np.asarray(mask.convert("L")) if mask.mode in ("1", "L") else np.asarray(mask.convert("RGB")).max(axis=2)
    if mask.mode not in ("1", "L") and levels.min() > 127:  # painted on a color: luma tells white from blue
        levels = np.asarray(mask.convert("L"))
    lowest, highest = int(levels.min()), int(levels.max())
    if highest > 127:
        return levels > 127
    return levels > (lowest if np.count_nonzero(np.bincount(levels.ravel())) <= LABELS else (lowest + highest) / 2)


def read_hints(source: Source, size: tuple[int, int]) -> np.ndarray:
    """Colors on transparency, as uint8 RGBA (H, W, 4) for a photo of `size` = (width, height).

    Raises:
        PhotoError: the file is unreadable, has no alpha channel, or its size is not the photo's.
    """
    hints, name = _plain(source, "hint image"), name_of(source, "hint image")
    if not hints.has_transparency_data:
        sentence = "{name} has no alpha channel to show where its colors apply; use RGBA."
        raise PhotoError(sentence, "no_alpha", name=name)
    _check_size(hints, size, name)
    return np.asarray(hints.convert("RGBA"))


def _check_size(image: Image.Image, size: tuple[int, int], name: str) -> None:
    if image.size != size:
        sizes = {"width": image.width, "height": image.height, "wanted": f"{size[0]} x {size[1]}"}
        sentence = "{name} is {width} x {height} px, but the photo is {wanted}; the sizes must match."
        raise PhotoError(sentence, "other_size", name=name, **sizes)


def _plain(source: Source, kind: str) -> Image.Image:
    """A mask or hints in a mode that Pillow can convert to any other; color profiles are ignored."""
    image = decode(source, kind).image
    levels = gray_levels(image)
    if levels is not None:  # 16 bits may hold labels, or 8 bits' worth of levels
        return Image.fromarray(levels.astype(np.uint8) if levels.max() <= 255 else eight_bit(levels))
    return image.getchannel("L") if image.mode == "LAB" else image
