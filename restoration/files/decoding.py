"""A stranger's file becomes a decoded image or one clear sentence, within limits of size, memory and kind.

The limits are this module's constants; a program may set them, as the command line does: `decoding.MAX_PIXELS = 10**9`.
"""

import contextlib
import os
import re
import stat
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from restoration.errors import RestorationError

try:
    from pi_heif import register_heif_opener  # decodes only; pillow-heif brings GPL code along
except ImportError:
    HAS_HEIF = False
else:
    register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)
    HAS_HEIF = True

MAX_PIXELS = 120_000_000  # a larger photo is refused before it is decoded; each costs up to about 20 bytes
MAX_BYTES = 2 << 30  # of a file
MAX_SCANNED = 2_400_000_000  # pixels that a JPEG passes over in all its scans; encoders write about 10
MAX_PAGES = 100  # that are counted
MAX_TILE = 1 << 22  # pixels of a TIFF's tile, where it is larger than its photo
FORMATS = ("PNG", "JPEG", "MPO", "TIFF", "WEBP", "BMP", "DIB", "GIF", "PPM", "JPEG2000", "AVIF", "HEIF")
TILE_WIDTH, TILE_HEIGHT = 322, 323  # TIFF's tags
HEIF_FILES = tuple(b"ftyp" + kind for kind in (b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1"))  # bytes 4 to 12
TIFF_FILES = b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"
PAGED = ("TIFF", "GIF", "PNG", "WEBP", "AVIF")  # whose further images are not views of the first
Source = str | os.PathLike | BinaryIO | Image.Image | np.ndarray

# What Pillow's plugins raise for broken files, each seen with a mutated one.
BROKEN = (UnidentifiedImageError, OSError, ValueError, SyntaxError, TypeError, EOFError, struct.error, zlib.error)
BROKEN += (KeyError, IndexError, AttributeError, OverflowError, ZeroDivisionError, RuntimeError, AssertionError)


class PhotoError(RestorationError):
    """A photo or mask that cannot be used; the message is one sentence for the user."""


class Decoded(NamedTuple):
    """A file's first image, upright."""

    image: Image.Image  # in any mode of Pillow's, with the file's metadata in its `info` and `getexif()`
    is_turned: bool  # by a quarter: what the file says about across and down is now swapped
    pages: str  # which of the file's images it is, for a message; empty if there is only one
    is_deep_color: bool  # it has 16 bits per channel, of which Pillow reads 8


def decode(source: Source, kind: str = "photo") -> Decoded:
    """Read an image; `kind` names it in messages if it has no file name.

    Raises:
        PhotoError: the file is missing, no image, broken, or beyond a limit; an array is neither bool nor uint8, or
            not of shape (H, W), (H, W, 3) or (H, W, 4).
    """
    source = Path(source) if isinstance(source, os.PathLike) else source
    source = _as_image(source, kind) if isinstance(source, np.ndarray) else source
    if not isinstance(source, (str, Path, Image.Image)) and not hasattr(source, "read"):
        raise PhotoError(f"The {kind} is a {type(source).__name__}; pass a PIL image, an array or a path.")
    name = name_of(source, kind)
    try:
        with _pillows(name):
            return _decoded(source, name)
    except FileNotFoundError as error:
        raise PhotoError(f"{printable(source)} does not exist.") from error
    except PermissionError as error:
        raise PhotoError(f"{printable(source)} cannot be read: permission denied.") from error
    except Image.DecompressionBombError as error:
        raise _too_large(name) from error
    except MemoryError as error:
        raise PhotoError("{name} needs more memory than is available.", "memory", name=name) from error


def _as_image(pixels: np.ndarray, kind: str) -> Image.Image:
    pixels = pixels.astype(np.uint8) * 255 if pixels.dtype == bool else pixels
    if pixels.dtype != np.uint8 or pixels.ndim < 2 or pixels.shape[2:] not in ((), (3,), (4,)) or pixels.size == 0:
        wanted = "uint8 or bool of shape (H, W), (H, W, 3) or (H, W, 4)"
        raise PhotoError(f"The {kind} is {pixels.dtype} of shape {pixels.shape}; pass {wanted}.")
    return Image.fromarray(pixels)


@contextlib.contextmanager
def _pillows(name: str) -> Iterator[None]:
    """Around calls to Pillow: turn its errors about broken files into one sentence."""
    try:
        yield
    except (PhotoError, FileNotFoundError, PermissionError):
        raise
    except BROKEN as error:
        sentence = "{name} is not a readable image file."
        raise PhotoError(sentence, "unreadable", name=name) from error


def claimed_pixels(file: Path) -> int:
    """How many pixels a file claims to hold, without decoding it; 0 if unknown."""
    try:
        with open(file, "rb") as content:
            size = _opened(content, file.name).size
            return size[0] * size[1]
    except Image.DecompressionBombError:
        return 1 << 62
    except (MemoryError, *BROKEN):
        return 0


def name_of(source: Source, kind: str) -> str:
    """A source's name in messages: its file's name, or its kind."""
    return printable(Path(source).name) if isinstance(source, (str, Path)) else f"The {kind}"


def printable(name: object) -> str:
    """A name on one line, safe for a terminal: unprintable characters are escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in str(name))


def _decoded(source: Source, name: str) -> Decoded:
    if isinstance(source, Image.Image):
        return _upright(source, name, own=False)
    if not isinstance(source, (str, Path)):
        return _read(source, name)
    if not stat.S_ISREG(os.stat(source).st_mode):  # a pipe would block, a device never end
        raise PhotoError(f"{name} is not a regular file.")
    with open(source, "rb") as file:  # not Image.open, whose memory map scrambles a rotated TIFF
        return _read(file, name)


def _read(file: BinaryIO, name: str) -> Decoded:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    if size == 0:
        raise PhotoError("{name} is empty; choose another file.", "empty", name=name)
    if size > MAX_BYTES:
        sentence = "{name} is too large; the limit is {mebibytes} MiB."
        raise PhotoError(sentence, "file_too_large", name=name, mebibytes=MAX_BYTES >> 20)
    photo = _opened(file, name)
    pages = _pages(photo)
    _check_pixels(photo.size, name)
    _check_work(photo, name)
    return _upright(photo, name, pages)


def _opened(file: BinaryIO, name: str) -> Image.Image:
    Image.init()
    if HAS_HEIF:
        _check_heif(file)
    if Image.MAX_IMAGE_PIXELS is not None:  # Pillow rejects twice as many; our limit may be higher
        Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS, MAX_PIXELS)
    try:
        return Image.open(file, formats=[each for each in FORMATS if each in Image.OPEN])
    except UnidentifiedImageError:
        file.seek(0)
        if not HAS_HEIF and file.read(12)[4:] in HEIF_FILES:
            sentence = "{name} is HEIC, which needs pi-heif: pip install pi-heif."
            raise PhotoError(sentence, "heic", name=name) from None
        file.seek(0)
        if file.read(4) in TIFF_FILES:
            sentence = "{name} is an unsupported kind of TIFF; save it with 8 or 16 bits, not as floats."
            raise PhotoError(sentence, "odd_tiff", name=name) from None
        raise


def _check_heif(file: BinaryIO) -> None:
    """Reject item names (ISO 14496-12, 8.11.6) that are not text: they crash pi-heif 1.4 and the process."""
    if file.read(12)[4:] in HEIF_FILES:
        content = file.seek(0) or file.read()
        for found in re.finditer(b"infe[\x02\x03]", content):
            end = found.start() - 4 + int.from_bytes(content[found.start() - 4 : found.start()], "big")
            content[found.end() + 7 : end].decode()  # a UnicodeDecodeError is a ValueError


def _upright(photo: Image.Image, name: str, pages: str = "", own: bool = True) -> Decoded:
    """Decoded and turned upright; an image that is not our own is not modified."""
    _check_pixels(photo.size, name)
    layouts = [str(tile.args) for tile in getattr(photo, "tile", [])]  # first: EXIF may decode the image
    is_deep_color = photo.mode in ("RGB", "RGBA", "LA", "CMYK") and any(";16" in layout for layout in layouts)
    orientation = photo.getexif().get(ExifTags.Base.Orientation)
    photo.load()
    if own:
        ImageOps.exif_transpose(photo, in_place=True)
    elif orientation in range(2, 9):
        photo = ImageOps.exif_transpose(photo)
    return Decoded(photo, orientation in (5, 6, 7, 8), pages, is_deep_color)


def _check_pixels(size: tuple[int, int], name: str) -> None:
    if size[0] * size[1] > MAX_PIXELS:
        raise _too_large(name)
    if size[0] * size[1] == 0:
        raise PhotoError("{name} has no pixels.", "no_pixels", name=name)


def _too_large(name: str) -> PhotoError:
    most = MAX_PIXELS // 1_000_000
    sentence = "{name} is too large; the limit is {megapixels} megapixels."
    return PhotoError(sentence, "too_large", name=name, megapixels=most)


def _check_work(photo: Image.Image, name: str) -> None:
    """Reject files of a few kilobytes that need hundreds of passes over all pixels, or tiles of gigabytes."""
    if photo.format in ("JPEG", "MPO"):
        place = photo.fp.tell()
        photo.fp.seek(0)
        scans = photo.fp.read().count(b"\xff\xda")
        photo.fp.seek(place)
        if scans * photo.width * photo.height > MAX_SCANNED:
            sentence = "{name} is a JPEG with {scans} scans; save it again with another program."
            raise PhotoError(sentence, "many_scans", name=name, scans=scans)
    if photo.format == "TIFF":
        width, height = (photo.tag_v2.get(tag, 1) for tag in (TILE_WIDTH, TILE_HEIGHT))
        if width * height > max(MAX_TILE, 4 * photo.width * photo.height):
            sentence = "{name} has tiles far larger than the image; save it again with another program."
            raise PhotoError(sentence, "large_tiles", name=name)


def _pages(photo: Image.Image) -> str:
    """Go to a file's first image, or a TIFF's largest; return which one it is, or nothing if it is the only one.

    GIF frames, and TIFF pages beyond MAX_PAGES, are not counted, which could take hours.
    """
    if photo.format == "GIF":
        return "the first of several frames" if photo.is_animated else ""
    best, count = 0, 0
    if photo.format == "TIFF":  # the first of the largest, as small ones may be thumbnails
        sizes = [photo.width * photo.height]
        with contextlib.suppress(EOFError):  # Pillow's own count takes the square of their number
            while len(sizes) < MAX_PAGES:
                photo.seek(len(sizes))
                sizes.append(photo.width * photo.height)
        photo.seek(best := sizes.index(max(sizes)))
        count = len(sizes)
    elif photo.format in PAGED:
        count = getattr(photo, "n_frames", 1)
    if count < 2:
        return ""
    which = f"page {best + 1} of {count if count < MAX_PAGES else f'{MAX_PAGES} or more'}"
    return f"{which}, the largest" if best else which
