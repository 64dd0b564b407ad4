"""What callers of `Restorer` give, in any of its forms -> what the networks' rooms take."""

import os

import numpy as np
from PIL import Image

from restoration.files import imaging
from restoration.inference.coloring import Hints

Photo = str | os.PathLike | Image.Image | np.ndarray


def read_photo(photo: Photo) -> Image.Image:
    """Mode L or RGB. PhotoError: it cannot be read."""
    return imaging.read_photo(_source(photo, "photo", "uint8, (H, W) or (H, W, 3)"))


def read_mask(mask: Photo, size: tuple[int, int]) -> np.ndarray:
    """bool (H, W), True = damaged. PhotoError: it cannot be read, or is not of `size` = (width, height)."""
    if isinstance(mask, np.ndarray) and mask.dtype == bool and mask.shape == size[::-1]:
        return mask  # as `imaging.read_mask` gives it
    return imaging.read_mask(_source(mask, "mask", "bool or uint8, (H, W)"), size)


def read_reference(reference: Photo) -> np.ndarray:
    """uint8 RGB (H, W, 3) of any size. PhotoError: it cannot be read, or is gray."""
    photo = imaging.read_photo(_source(reference, "reference", "uint8, (H, W, 3)"))
    if photo.mode == "L":
        raise imaging.PhotoError("The reference is a gray photo: give one in color.")
    return np.asarray(photo)


def read_hints(hints: Photo | None, size: tuple[int, int]) -> Hints | None:
    """The colors to follow, where alpha is above 127; None where there are none. PhotoError: as `read_mask`."""
    if hints is None:
        return None
    rgba = imaging.read_hints(_source(hints, "hint image", "uint8, (H, W, 4)"), size)
    where = rgba[..., 3] > 127
    return Hints(rgba[..., :3], where) if where.any() else None


def luma_of(photo: Image.Image) -> np.ndarray:
    """`color.luma`, by Pillow, whose rounding it has: its own would take five times the memory of a large photo."""
    return np.asarray(photo if photo.mode == "L" else photo.convert("L"))


def _source(image: Photo, kind: str, wanted: str) -> imaging.Source:
    """What imaging can read: a path or PIL image as it is, an array as an image."""
    if isinstance(image, (str, os.PathLike, Image.Image)):
        return image
    if not isinstance(image, np.ndarray):
        raise imaging.PhotoError(f"The {kind} is a {type(image).__name__}: give a PIL image, an array or a path.")
    pixels = image.astype(np.uint8) * 255 if image.dtype == bool else image
    if pixels.dtype != np.uint8 or pixels.ndim < 2 or pixels.shape[2:] not in ((), (3,), (4,)) or pixels.size == 0:
        raise imaging.PhotoError(f"The {kind} is {image.dtype} of shape {image.shape}: give {wanted}.")
    return Image.fromarray(pixels)
