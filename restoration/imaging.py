"""Files in and out: every way a photo or a mask arrives becomes one plain image, or one clear sentence."""

import contextlib
import os
import secrets
import warnings
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

MAX_PIXELS = 120_000_000  # a larger file is refused before it is decoded
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif"})
JPEG = {"quality": 95}  # Pillow's own 75 would show
WRITTEN = {  # the endings of results, with Pillow's options; all but JPEG keep every level
    ".png": {}, ".tif": {}, ".tiff": {}, ".bmp": {}, ".webp": {"lossless": True}, ".jpg": JPEG, ".jpeg": JPEG,
}  # fmt: skip
Source = str | Path | BinaryIO | Image.Image


class PhotoError(ValueError):
    """A photo or mask that cannot be used; the message is one sentence for the user."""


def find_photos(folder: Path) -> list[Path]:
    """All photos below a folder, sorted; hidden ones and those that macOS adds to an archive are none."""
    files = (file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
    return sorted(file for file in files if not any(map(_is_hidden, file.relative_to(folder).parts)))


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def read_photo(source: Source) -> Image.Image:
    """A photo as mode L when it is gray, RGB otherwise; upright, opaque, 8 bit.

    EXIF orientation is applied, transparency is laid on white, 16 bit is scaled to 8. A colour file
    whose three channels are equal everywhere counts as gray.

    Raises:
        PhotoError: the file is missing, unreadable, empty, or larger than MAX_PIXELS.
    """
    photo = _opaque(_open(source), "white")
    if photo.mode == "L":
        return photo
    photo = photo.convert("RGB")
    red, green, blue = photo.split()
    return red if red.tobytes() == green.tobytes() == blue.tobytes() else photo


def read_mask(source: Source, size: tuple[int, int]) -> np.ndarray:
    """A mask, white = damaged, transparent = not, as bool (H, W) for a photo of `size` = (width, height).

    White is what is above 127; in a mask whose highest value is 1, as labels are often saved, it is 1.

    Raises:
        PhotoError: the file is unreadable or its size is not the photo's.
    """
    mask = _opaque(_open(source, "mask"), "black").convert("L")
    _check_size(mask, size, _name(source, "mask"))
    levels = np.asarray(mask)
    return levels > (0 if levels.max() == 1 else 127)


def read_hints(source: Source, size: tuple[int, int]) -> np.ndarray:
    """Colours on transparency, as uint8 RGBA (H, W, 4) for a photo of `size` = (width, height).

    Raises:
        PhotoError: the file is unreadable, has no alpha channel, or its size is not the photo's.
    """
    hints, name = _open(source, "hint image"), _name(source, "hint image")
    if not hints.has_transparency_data:
        raise PhotoError(f"{name} has no alpha channel to say where its colours count: give RGBA.")
    _check_size(hints, size, name)
    return np.asarray(hints.convert("RGBA"))


def _check_size(image: Image.Image, size: tuple[int, int], name: str) -> None:
    if image.size != size:
        sizes = f"{image.width} x {image.height} px, the photo {size[0]} x {size[1]}"
        raise PhotoError(f"{name} is {sizes}: give one of the photo's size.")


def editor_mask(layers: list[Image.Image | None], size: tuple[int, int]) -> np.ndarray | None:
    """What was drawn on an editor's layers, as bool (H, W), or None when nothing was.

    From a browser a layer is transparent where nothing was drawn. Through the API it may as well be an
    opaque white-on-black picture, or of another size: such a layer counts by brightness, and is resized.
    """
    drawn = np.zeros((size[1], size[0]), bool)
    for layer in filter(None, layers):
        layer = layer.convert("RGBA").resize(size, Image.Resampling.NEAREST)
        alpha = np.asarray(layer.getchannel("A"))
        opaque = bool((alpha == 255).all())
        drawn |= np.asarray(layer.convert("L")) > 127 if opaque else alpha > 0
    return drawn if drawn.any() else None


def check_ending(file: Path) -> None:
    """Refuse a file that `write_photo` could not write, before any work is done for it.

    Raises:
        PhotoError: its ending is not one of a photo's, or one that would lose the photo's levels.
    """
    if file.suffix.lower() not in WRITTEN:
        raise PhotoError(f"{file.name}: no photo is written with this ending, use {', '.join(WRITTEN)}.")


def write_photo(image: Image.Image, file: Path) -> None:
    """Save in the format of the file's suffix, under a temporary name first: no half file is ever seen.

    Raises:
        PhotoError: no photo is written with this suffix, or not in this place.
    """
    check_ending(file)
    part = file.with_name(f".{secrets.token_hex(8)}{file.suffix}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        image.save(part, **WRITTEN[file.suffix.lower()])
        os.replace(part, file)
    except (OSError, ValueError) as error:  # Pillow's ValueErrors: larger than the format can hold
        raise PhotoError(f"{file} cannot be written: {getattr(error, 'strerror', None) or error}.") from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


def _open(source: Source, kind: str = "photo") -> Image.Image:
    """Decoded, upright, 8 bit; `kind` is what an image without a file's name is called."""
    name = _name(source, kind)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's bomb warning and broken EXIF: our own limit decides
            photo = source if isinstance(source, Image.Image) else Image.open(source)
            if photo.width * photo.height > MAX_PIXELS:
                raise PhotoError(_too_large(name))
            if photo.width * photo.height == 0:
                raise PhotoError(f"{name} has no pixels.")
            photo.load()
            return _eight_bit(ImageOps.exif_transpose(photo))
    except FileNotFoundError as error:
        raise PhotoError(f"{source} does not exist.") from error
    except Image.DecompressionBombError as error:
        raise PhotoError(_too_large(name)) from error
    except PhotoError:
        raise
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, TypeError, EOFError) as error:
        raise PhotoError(f"{name} cannot be read as a photo: give a whole PNG, JPEG, TIFF or WebP file.") from error


def _too_large(name: str) -> str:
    return f"{name} is too large: photos of up to {MAX_PIXELS // 1_000_000} megapixels are read."


def _name(source: Source, kind: str) -> str:
    return Path(source).name if isinstance(source, (str, Path)) else f"The {kind}"


def _eight_bit(photo: Image.Image) -> Image.Image:
    """16-bit and float grays scaled to 8 bit; everything else as it is."""
    if photo.mode == "F":
        values = np.nan_to_num(np.asarray(photo), nan=0.0, posinf=255.0, neginf=0.0)
        values = values * 255 if values.max(initial=0) <= 1 else values
        return Image.fromarray(np.rint(values.clip(0, 255)).astype(np.uint8))
    if photo.mode == "I" or photo.mode.startswith("I;16"):
        values = np.asarray(photo).astype(np.int64).clip(0, 65535)
        return Image.fromarray(((values * 255 + 32767) // 65535).astype(np.uint8))
    return photo.convert("L") if photo.mode == "1" else photo


def _opaque(photo: Image.Image, ground: str) -> Image.Image:
    """Transparency laid on a ground; an opaque photo as it is."""
    if not photo.has_transparency_data:
        return photo
    photo = photo.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", photo.size, ground), photo).convert("RGB")
