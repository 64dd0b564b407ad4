"""EXIF and XMP on their way from a file into its result: what tells about the photo, and nothing no longer true."""

import re
import warnings

from PIL import Image
from PIL.ExifTags import IFD, Base

from restoration.files.decoding import BROKEN

MAX_EXIF = 65_000  # bytes, of XMP too: what a JPEG's segment holds
CENTIMETER, INCH = 3, 2  # EXIF's units of resolution
TOLD = (  # tags of the first directory that tell about the photo; all others tell about the file it was
    Base.DocumentName, Base.ImageDescription, Base.Make, Base.Model, Base.PageName, Base.Software, Base.DateTime,
    Base.Artist, Base.HostComputer, Base.Rating, Base.RatingPercent, Base.Copyright, Base.XPTitle, Base.XPComment,
    Base.XPAuthor, Base.XPKeywords, Base.XPSubject,
)  # fmt: skip
SRGB = 1
UNTRUE = (  # in XMP, of the result; as an attribute or as an element
    rb'tiff:Orientation="[^"]*"', rb"<tiff:Orientation>[^<]*</tiff:Orientation>", rb'photoshop:ICCProfile="[^"]*"',
    rb"<photoshop:ICCProfile>[^<]*</photoshop:ICCProfile>", rb"(?s)<xmp:Thumbnails>.*?</xmp:Thumbnails>",
)  # fmt: skip
Dpi = tuple[float, float]


def carried(photo: Image.Image, dpi: Dpi | None) -> bytes | None:
    """The EXIF of a result that was made of `photo`; empty where there is nothing to say, None where what there is
    cannot be read or is too large.

    Orientation, resolution and color space are the result's. Its size, which every file tells anyway, is left out, and
    the thumbnail, which shows the damaged photo.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of damaged directories: what can be read of them counts
            result = _told(photo.getexif())
            if dpi is not None:
                result[Base.XResolution], result[Base.YResolution] = dpi
                result[Base.ResolutionUnit] = INCH
            return _bytes(result)
    except BROKEN:
        return None


def _told(exif: Image.Exif) -> Image.Exif:
    result = Image.Exif()
    for tag in TOLD:
        if tag in exif:
            result[tag] = exif[tag]
    for directory in (IFD.Exif, IFD.GPSInfo):
        if own := exif.get_ifd(directory):
            result.get_ifd(directory).update(own)
    return result


def _bytes(exif: Image.Exif) -> bytes | None:
    details = exif.get_ifd(IFD.Exif)
    for untrue in (IFD.Interop, Base.ExifImageWidth, Base.ExifImageHeight):  # the first names a color space once more
        details.pop(untrue, None)
    if not len(exif) and not details and not exif.get_ifd(IFD.GPSInfo):
        return b""
    exif[Base.Orientation] = 1
    if details:
        details[Base.ColorSpace] = SRGB
    content = exif.tobytes()
    if len(content) > MAX_EXIF:
        details.pop(Base.MakerNote, None)
        content = exif.tobytes()
    return content if len(content) <= MAX_EXIF else None


def carried_xmp(photo: Image.Image) -> bytes | None:
    """The XMP of a result that was made of `photo`: captions, names, rights; empty where there is none, None where it
    is too large."""
    xmp = photo.info.get("xmp") or b""
    if not isinstance(xmp, bytes) or len(xmp) > MAX_EXIF:
        return None
    for pattern in UNTRUE:
        xmp = re.sub(pattern, b"", xmp)
    return xmp


def resolution(photo: Image.Image) -> Dpi | None:
    """Pixels per inch, across and down, of the file as it is stored; None where it says none that can be."""
    is_jpeg = photo.format in ("JPEG", "MPO")  # whose EXIF Pillow reads by half, and says 72 where there is none
    said = photo.info.get("dpi") if not is_jpeg or photo.info.get("jfif_unit") in (1, 2) else None
    try:
        noted = _from_exif(photo.getexif())
        across, down = (float(value) for value in (noted if is_jpeg and noted else said or noted))
    except BROKEN:
        return None
    return (across, down) if 1 <= across <= 1e5 and 1 <= down <= 1e5 else None  # NaN is neither


def _from_exif(exif: Image.Exif) -> Dpi | None:
    if Base.XResolution not in exif or Base.YResolution not in exif:
        return None
    scale = 2.54 if exif.get(Base.ResolutionUnit) == CENTIMETER else 1.0
    return float(exif[Base.XResolution]) * scale, float(exif[Base.YResolution]) * scale
