"""A visitor's file becomes a photo, within the page's limits."""

from pathlib import Path

from PIL import Image

from demo.limits import MEGAPIXELS
from demo.manners import Refusal
from restoration import imaging


def read_photo(file: Path) -> Image.Image:
    """The photo in a file, upright, L or RGB.

    Raises:
        ValueError: it is larger than the page takes, or no photo; one sentence.
    """
    if pixels(file) > MEGAPIXELS * 1_000_000:
        raise Refusal("too_many_pixels", name=file.name, megapixels=MEGAPIXELS)
    return imaging.read_photo(file)


def pixels(file: Path) -> int:
    """How many pixels a file says that it holds, without decoding it; 0 where it does not say."""
    try:
        with Image.open(file) as photo:
            return photo.width * photo.height
    except (OSError, ValueError, SyntaxError):
        return 0  # reading it finds the words
    except Image.DecompressionBombError:
        return 1 << 62
