"""EXIF and XMP carried from a file into its result: facts about the photo, without those no longer true."""

import re

from PIL import Image
from PIL.ExifTags import IFD, Base

from restoration.files.decoding import BROKEN

MAX_EXIF = 65_000  # bytes, for XMP too: the capacity of a JPEG segment
CENTIMETER, INCH = 3, 2  # EXIF's units of resolution
TOLD = (  # tags of the first directory that describe the photo; all others describe its old file
    Base.DocumentName, Base.ImageDescription, Base.Make, Base.Model, Base.PageName, Base.Software, Base.DateTime,
    Base.Artist, Base.HostComputer, Base.Rating, Base.RatingPercent, Base.Copyright, Base.XPTitle, Base.XPComment,
    Base.XPAuthor, Base.XPKeywords, Base.XPSubject,
)  # fmt: skip
SRGB = 1
UNTRUE = (  # XMP properties not true of the result, as attributes or elements
    rb'tiff:Orientation="[^"]*"', rb"<tiff:Orientation>[^<]*</tiff:Orientation>", rb'photoshop:ICCProfile="[^"]*"',
    rb"<photoshop:ICCProfile>[^<]*</photoshop:ICCProfile>", rb"(?s)<xmp:Thumbnails>.*?</xmp:Thumbnails>",
)  # fmt: skip
Dpi = tuple[float, float]


def carried(photo: Image.Image, dpi: Dpi | None) -> bytes | None:
    """The EXIF for a result made from `photo`; empty if there is none, None if it cannot be read or is too large.

    Orientation, resolution and color space are those of the result. The pixel size, which every file states anyway,
    and the thumbnail, which shows the damaged photo, are left out.
    """
    try:
        result = _told(photo.getexif())  # of damaged directories whatever can be read
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
    """The XMP for a result made from `photo`: captions, names, rights; empty if there is none, None if it is too
    large."""
    xmp = photo.info.get("xmp") or b""
    if not isinstance(xmp, bytes) or len(xmp) > MAX_EXIF:
        return None
    for pattern in UNTRUE:
        xmp = re.sub(pattern, b"", xmp)
    return xmp


def resolution(photo: Image.Image) -> Dpi | None:
    """Pixels per inch, across and down, of the file as stored; None if it states none, or an impossible one."""
    is_jpeg = photo.format in ("JPEG", "MPO")  # whose EXIF Pillow reads only partly, reporting 72 if there is none
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
