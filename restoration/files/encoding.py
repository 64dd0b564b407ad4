"""Write results to files: every level and the scan's metadata kept, never half a file."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from restoration.atomic import replacing
from restoration.files.decoding import PhotoError, printable
from restoration.files.profiles import srgb_profile
from restoration.files.scans import Scan, eight_bit

JPEG = {"format": "JPEG", "quality": 95}  # Pillow's own 75 would show
TIFF = {"format": "TIFF"}
WRITTEN = {  # the endings of results, with Pillow's options; all but JPEG keep every level
    ".png": {"format": "PNG", "compress_level": 4},  # two fifths of the time of Pillow's 6; 1 to 4% larger
    ".tif": TIFF, ".tiff": TIFF, ".bmp": {"format": "BMP"},
    ".webp": {"format": "WEBP", "lossless": True}, ".jpg": JPEG, ".jpeg": JPEG,
}  # fmt: skip
MAX_SIDE = {"JPEG": 65_500, "WEBP": 16_383}  # px; the others have no such limit
XMP_TAG = 700  # of TIFF
DEEP = ("PNG", "TIFF")  # formats that hold 16-bit gray
TRANSPARENT = {"PNG": ("LA", "RGBA"), "TIFF": ("LA", "RGBA"), "WEBP": ("RGBA", "RGBA")}  # for gray, for color


def check_ending(file: Path) -> None:
    """Reject a file that `write_photo` could not write, before any work is done."""
    if file.suffix.lower() not in WRITTEN:
        raise PhotoError(f"{printable(file.name)}: cannot write this file type; use {', '.join(WRITTEN)}.")


def write_photo(image: Image.Image, file: Path, scan: Scan | None = None) -> None:
    """Save in the format of the file's suffix, under a temporary name first, so that no half file is ever seen.

    Args:
        image: L, RGB, or what `scan.own_gray` gives.
        scan: the source of the result; its EXIF, resolution and transparency are kept if the format can hold them,
            together with a profile that is valid for the result.

    Raises:
        PhotoError: the suffix is not supported, or the file cannot be written there.
    """
    check_ending(file)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with replacing(file) as part, part.open("wb") as opened:
            # Without its descriptor: Pillow would write to that itself and would not report a full disk.
            target = SimpleNamespace(**{name: getattr(opened, name) for name in ("write", "seek", "tell", "flush")})
            _save(image, target, file.suffix, scan)
    except (OSError, ValueError) as error:  # ValueError: Pillow's, of more than the format can hold
        reason = getattr(error, "strerror", None) or error
        raise PhotoError(f"{printable(file)} cannot be written: {printable(reason)}.") from error


def _save(image: Image.Image, target: SimpleNamespace, ending: str, scan: Scan | None) -> None:
    """Write into an open file; OSError or ValueError if that fails or the format cannot hold the photo."""
    options = WRITTEN[ending.lower()]
    kind = options["format"]
    if (side := max(image.size)) > MAX_SIDE.get(kind, side):
        raise OSError(f"{kind} is limited to {MAX_SIDE[kind]} pixels per side; use .png")
    own_profile, beside = image.info.get("icc_profile"), {}
    if image.mode == "I;16" and kind not in DEEP:
        image = Image.fromarray(eight_bit(np.asarray(image)))
    if scan is not None:
        profile = own_profile or (srgb_profile() if scan.profile and image.mode != "L" else None)
        beside = {"icc_profile": profile, "exif": scan.exif, "dpi": scan.dpi, **_xmp(scan, kind)}
        if scan.alpha is not None and kind in TRANSPARENT and image.mode in ("L", "RGB"):
            image = _transparent(image, scan.alpha).convert(TRANSPARENT[kind][image.mode == "RGB"])
    image.save(target, **options, **{name: value for name, value in beside.items() if value})


def _xmp(scan: Scan, kind: str) -> dict[str, object]:
    """XMP in the form that Pillow takes for a format."""
    if not scan.xmp or kind == "BMP":
        return {}
    if kind == "PNG":
        text = PngInfo()
        text.add_itxt("XML:com.adobe.xmp", scan.xmp.decode(errors="replace"))
        return {"pnginfo": text}
    if kind == "TIFF":
        tags = Image.Exif()
        tags.load(scan.exif)
        tags[XMP_TAG] = scan.xmp
        return {"exif": tags}
    return {"xmp": scan.xmp}


def _transparent(image: Image.Image, alpha: Image.Image) -> Image.Image:
    """LA or RGBA that gives `image` again, within a level, when laid on white as the scan was."""
    share = np.asarray(alpha, np.float32)
    share = (share if image.mode == "L" else share[..., None]) / 255
    under = (np.asarray(image) - 255 * (1 - share)) / np.maximum(share, 1 / 255)
    result = Image.fromarray(np.rint(under.clip(0, 255)).astype(np.uint8))
    result.putalpha(alpha)
    return result
