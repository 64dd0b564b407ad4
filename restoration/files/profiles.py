"""ICC profiles: convert a file's colors and tones to sRGB."""

from functools import cache
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

MAX_PROFILE = 8 << 20  # bytes; printers' profiles have up to 3 MB
SAME = 2  # levels: a profile that moves no color by more counts as sRGB
MODES = {"GRAY": "L", "RGB ": "RGB", "CMYK": "CMYK", "Lab ": "LAB"}  # ICC's names of color spaces -> Pillow's
DATE = slice(24, 36)  # the creation date in a profile's header


class ProfileError(ValueError):
    """A profile that cannot be read, or is not for photos of this kind."""


@cache
def srgb_profile() -> bytes:
    """The profile of a result, byte for byte the same in every process."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[DATE] = bytes([7, 234, 0, 1, 0, 1]) + bytes(6)  # 2026-01-01 instead of the current time
    return bytes(profile)


def color_to_srgb(photo: Image.Image, profile: bytes | None) -> Image.Image:
    """A photo of mode RGB, CMYK or LAB -> RGB. Pixels that are sRGB already are unchanged.

    Raises:
        ProfileError, PyCMSError: the profile cannot be used for this photo.
    """
    if profile is None and photo.mode != "LAB":
        return photo if photo.mode == "RGB" else photo.convert("RGB")
    own = _opened(profile, photo.mode)[0] if profile is not None else ImageCms.createProfile("LAB")
    transform = _transform(own, photo.mode)
    if photo.mode == "RGB" and _moves_nothing(transform):
        return photo
    return ImageCms.applyTransform(photo, transform)


def gray_to_srgb(profile: bytes) -> np.ndarray | None:
    """Each of a gray file's levels in sRGB: float (256,), never falling, or None if nothing changes.

    Gray files may carry gray profiles or RGB ones, whose neutral tones then count.

    Raises:
        ProfileError, PyCMSError: the profile does not define gray levels, or its tones are not in order.
    """
    own, mode = _opened(profile, "L", "RGB")
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8)[None]).convert(mode)
    exact = ImageCms.Flags.NOOPTIMIZE  # a table of a few points would flatten the shadows
    tones = np.asarray(ImageCms.applyTransform(ramp, _transform(own, mode, exact)))[0].mean(axis=1)
    if (np.diff(tones) < 0).any() or np.ptp(tones) < 1:
        raise ProfileError("Its tones do not rise.")
    return None if np.abs(tones - np.arange(256)).max() <= SAME else tones


def _opened(profile: bytes, *modes: str) -> tuple[ImageCms.ImageCmsProfile, str]:
    """A profile, and the one of these Pillow modes that it is for."""
    if len(profile) > MAX_PROFILE:
        raise ProfileError("It is too large.")
    try:
        own = ImageCms.ImageCmsProfile(BytesIO(profile))
        mode = MODES.get(own.profile.xcolor_space)
    except (OSError, ImageCms.PyCMSError, UnicodeDecodeError) as error:  # the last: four bytes that are not text
        raise ProfileError("It cannot be read.") from error
    if mode not in modes:
        raise ProfileError("It is a profile for other files.")
    return own, mode


def _transform(
    own: ImageCms.ImageCmsProfile, mode: str, precision: ImageCms.Flags = ImageCms.Flags.HIGHRESPRECALC
) -> ImageCms.ImageCmsTransform:
    srgb, intent = ImageCms.createProfile("sRGB"), ImageCms.Intent.RELATIVE_COLORIMETRIC
    return ImageCms.buildTransform(own, srgb, mode, "RGB", intent, ImageCms.Flags.BLACKPOINTCOMPENSATION | precision)


def _moves_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    steps = np.arange(0, 256, 51, dtype=np.uint8)
    cube = np.concatenate(np.stack(np.meshgrid(steps, steps, steps), axis=-1))
    moved = ImageCms.applyTransform(Image.fromarray(cube), transform)
    return np.abs(np.asarray(moved).astype(int) - cube).max() <= SAME
