"""A scan: the photo that the networks see, and everything else from its file that the result should keep."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageChops, ImageCms
from PIL.ExifTags import Base

from restoration.errors import Sentence
from restoration.files.decoding import Source, decode
from restoration.files.exif import Dpi, carried, carried_xmp, resolution
from restoration.files.profiles import ProfileError, color_to_srgb, gray_to_srgb

BRIGHTER = np.arange(256) * 257.0  # 8-bit levels in 16 bits
DARK = 4096  # of 16-bit levels: with none above, they probably have 12 bits, and look nearly black


@dataclass(frozen=True)
class Scan:
    """A photo as `read_photo` returns it, and the rest of its file. Everything is upright and of the same size."""

    image: Image.Image  # L or RGB, opaque, 8 bit, sRGB
    alpha: Image.Image | None = None  # L; None = opaque
    levels: np.ndarray | None = None  # (H, W), the file's own if `image` differs: uint16, or uint8 in its own tones
    tones: np.ndarray | None = None  # float (256,): the file's own gray levels, as 8 bit, in sRGB
    profile: bytes | None = None  # ICC, as the file has it
    exif: bytes = b""  # valid for the result, see `exif.carried`
    xmp: bytes = b""  # the same
    dpi: Dpi | None = None  # pixels per inch, across and down
    notes: tuple[Sentence, ...] = ()  # messages for the user, such as what was left out

    def shown_at(self, mask: Image.Image) -> "Scan":
        """The same, opaque where `mask` (L) is 255, so that transparency does not hide repairs."""
        return self if self.alpha is None else replace(self, alpha=ImageChops.lighter(self.alpha, mask))

    def own_gray(self, gray: Image.Image, mask: Image.Image) -> Image.Image:
        """The gray result in the file's own levels, bit for bit where the photo is not damaged.

        Args:
            gray: the restored photo, L.
            mask: L, above 0 = damaged: there the levels come from `gray`, in the file's depth and tones.

        Returns:
            I;16 for a 16-bit photo, with the file's own profile in its `info` if its tones are not sRGB's; `gray`
            itself if the file had no other levels.
        """
        if self.levels is None:
            return gray
        to_own = BRIGHTER if self.tones is None else np.interp(np.arange(256), self.tones, BRIGHTER)
        to_own = np.rint(to_own if self.levels.dtype == np.uint16 else to_own / 257).astype(self.levels.dtype)
        result = Image.fromarray(np.where(np.asarray(mask) > 0, to_own[np.asarray(gray)], self.levels))
        if self.tones is not None:
            result.info["icc_profile"] = self.profile
        return result

    def part(self, cut: Callable[[Image.Image], Image.Image]) -> "Scan":
        """The opaque part that `cut` takes out of an image of the photo's size, and its metadata."""
        levels = None if self.levels is None else np.asarray(cut(Image.fromarray(self.levels)))
        return replace(self, image=cut(self.image), alpha=None, levels=levels)


def read_scan(source: Source, kind: str = "photo") -> Scan:
    """A photo and the rest of its file; upright, opaque, 8 bit, sRGB, mode L if it is gray, otherwise RGB.

    EXIF orientation is applied, transparency is laid on white, 16 bits are scaled to 8, and other ICC profiles are
    converted to sRGB. A color file whose three channels are equal everywhere counts as gray. `kind` names it in
    messages if it has no file name.

    Raises:
        PhotoError: the file is missing, unreadable, empty, or beyond a limit of `decoding`.
    """
    decoded = decode(source, kind)
    photo, notes = decoded.image, []
    dpi = resolution(photo)
    dpi = dpi[::-1] if dpi and decoded.is_turned else dpi
    exif, xmp = _carried(photo, dpi, notes)
    profile, levels, is_gray = photo.info.get("icc_profile") or None, gray_levels(photo), photo.mode in ("1", "L", "LA")
    alpha, photo = _split(photo) if levels is None else (None, photo)
    image, tones = _in_srgb(photo, levels, profile, notes)
    if levels is None and tones is not None and is_gray and alpha is None:
        levels = np.asarray(photo)
    if alpha is not None:
        image = Image.composite(image, Image.new(image.mode, image.size, "white"), alpha)
    if decoded.pages:
        notes.insert(0, Sentence("Using {which}.", "pages", which=decoded.pages))
    if decoded.is_deep_color:
        notes.append(Sentence("Its 16-bit colors are read as 8-bit.", "deep_color"))
    if levels is not None and levels.dtype == np.uint16 and (most := int(levels.max())) < DARK:
        notes.append(Sentence("Its grays end at {most} of 65535; if too dark, brighten it first.", "dark", most=most))
    tones = None if levels is None else tones
    return Scan(_bare(image), alpha, levels, tones, profile, exif, xmp, dpi, tuple(notes))


def _bare(image: Image.Image) -> Image.Image:
    """Without metadata: otherwise, reading the image again would turn and convert it again."""
    if type(image) is Image.Image and not image.info and not image.getexif():
        return image
    image = image.copy()
    image.info = {}
    return image


def _carried(photo: Image.Image, dpi: Dpi | None, notes: list[Sentence]) -> tuple[bytes, bytes]:
    kept = {"EXIF": carried(photo, dpi), "XMP": carried_xmp(photo)}
    for kind in (kind for kind, content in kept.items() if content is None):
        notes.append(Sentence("Its {kind} is damaged or too large and was left out.", "left_out", kind=kind))
    return kept["EXIF"] or b"", kept["XMP"] or b""


def _split(photo: Image.Image) -> tuple[Image.Image | None, Image.Image]:
    """Alpha, or None if everything is opaque, and the photo without it: L, RGB, CMYK or LAB."""
    alpha = None
    if photo.has_transparency_data:
        photo = photo.convert("RGBA")
        alpha = photo.getchannel("A")
        alpha = alpha if alpha.getextrema()[0] < 255 else None
    if photo.mode in ("1", "L"):
        return alpha, photo.convert("L") if photo.mode == "1" else photo
    photo = photo if photo.mode in ("RGB", "CMYK", "LAB") else photo.convert("RGB")
    return alpha, _gray_if_equal(photo)


def _gray_if_equal(photo: Image.Image) -> Image.Image:
    if photo.mode != "RGB":
        return photo
    for seen in (photo.resize((64, 64), Image.Resampling.NEAREST), photo):  # few pixels show most photos' colors
        red, green, blue = seen.split()
        if ImageChops.difference(red, green).getbbox() or ImageChops.difference(green, blue).getbbox():
            return photo
    return photo.getchannel("R")


def _in_srgb(
    photo: Image.Image, levels: np.ndarray | None, profile: bytes | None, notes: list[Sentence]
) -> tuple[Image.Image, np.ndarray | None]:
    """The photo as L or RGB in sRGB, and a gray photo's own tones if they differ."""
    try:
        return _followed(photo, levels, profile)
    except (ProfileError, ImageCms.PyCMSError):
        notes.append(Sentence("Its color profile cannot be used; its colors are read as sRGB.", "no_profile"))
        return _followed(photo, levels, None)


def _followed(
    photo: Image.Image, levels: np.ndarray | None, profile: bytes | None
) -> tuple[Image.Image, np.ndarray | None]:
    if photo.mode in ("RGB", "CMYK", "LAB"):
        return _gray_if_equal(color_to_srgb(photo, profile)), None
    tones = None if profile is None else gray_to_srgb(profile)
    if levels is None:
        return photo if tones is None else photo.point(np.rint(tones).astype(int).tolist()), tones
    if tones is None:
        return Image.fromarray(eight_bit(levels)), None
    every = np.interp(np.arange(65536), BRIGHTER, tones)
    return Image.fromarray(np.rint(every).astype(np.uint8)[levels]), tones


def gray_levels(photo: Image.Image) -> np.ndarray | None:
    """The levels of a gray photo of more than 8 bits, scaled to uint16 (H, W); None for all others.

    Float files are read as [0, 1], as [0, 255] if a level is above 2 (a filter may overshoot 1), or as [0, 65535] if
    one is above 1024. Integers of more than 16 bits lose their lowest bits.
    """
    if photo.mode == "F":
        levels = np.asarray(photo)
        highest = levels.max(initial=0, where=np.isfinite(levels))
        unit = 65535 if highest <= 2 else 257 if highest <= 1024 else 1
        levels = np.nan_to_num(levels, nan=0.0, posinf=np.inf, neginf=0.0).clip(0, 65535 / unit)
        return np.rint(levels * unit).astype(np.uint16)
    if photo.mode == "I" or photo.mode.startswith("I;16"):
        levels = np.asarray(photo).clip(0)
        levels = (levels >> max(0, int(levels.max()).bit_length() - 16)).astype(np.uint16)
        levels = levels << 16 - _bits(photo)
        is_white_zero = photo.format == "TIFF" and photo.tag_v2.get(Base.PhotometricInterpretation) == 0
        return 65535 - levels if is_white_zero else levels  # Pillow inverts only 8-bit ones
    return None


def _bits(photo: Image.Image) -> int:
    """How many of 16 bits a deep gray photo uses: 12 in some TIFFs, whose levels Pillow does not scale."""
    bits = photo.tag_v2.get(Base.BitsPerSample, (16,))[0] if photo.format == "TIFF" else 16
    return bits if 8 < bits < 16 else 16


def eight_bit(levels: np.ndarray) -> np.ndarray:
    """uint16 levels (H, W) -> the nearest of 8 bit, uint8."""
    return ((levels.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
