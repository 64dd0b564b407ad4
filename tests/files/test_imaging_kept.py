"""What is kept of which file: the tables of docs/files.md, each cell decided by a file that holds it."""

import io
import re
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import profiles_made
import pytest
from conftest import gray_photo, photo, pixels
from encoded import encode_photo
from PIL import Image
from PIL.ExifTags import IFD, Base
from PIL.PngImagePlugin import PngInfo

from restoration.files.imaging import read_scan, write_photo

FILES = Path(__file__).parent
UPRIGHT = np.kron(np.uint8([[10, 80], [150, 220]]), np.ones((16, 32), np.uint8))  # each corner has its own gray
COLOR = np.stack([UPRIGHT, UPRIGHT // 2, 255 - UPRIGHT], axis=-1)
DEEP = np.random.default_rng(0).integers(0, 65536, UPRIGHT.shape, dtype=np.uint16)
GRAY = gray_photo("camera", 48, 32)
HALF_AND_WHITE = np.where(np.arange(48) < 20, 188, 255)
NAMES = {"JPEG 2000": "JPEG2000", "PGM, PPM": "PPM"}  # the tables' -> Pillow's, where they differ


def table(heading: str) -> list[tuple[str, str, bool]]:
    """(format, column, yes) of each cell below a heading of docs/files.md."""
    text = (FILES.parents[1] / "docs" / "files.md").read_text().split(f"## {heading}\n")[1]
    header, _, *rows = re.search(r"(\|.*\|\n)+", text).group().splitlines()
    columns = [cell.strip() for cell in header.strip("|").split("|")][1:]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    means = {"yes": True, "no": False}
    return [(row[0], column, means[cell]) for row in cells for column, cell in zip(columns, row[1:], strict=True)]


XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description tiff:Orientation="6" photoshop:ICCProfile="Adobe RGB (1998)" dc:title="Dear Grandma">'
    b"<xmp:Thumbnails><rdf:li>/9j/4AAQ</rdf:li></xmp:Thumbnails></rdf:Description></rdf:RDF></x:xmpmeta>"
)


def xmp_text() -> PngInfo:
    text = PngInfo()
    text.add_itxt("XML:com.adobe.xmp", XMP.decode())
    return text


def xmp_tag() -> dict:
    tags = Image.Exif()
    tags[700] = XMP
    return {"exif": tags}


def exif(orientation: int = 1) -> Image.Exif:
    made = Image.Exif()
    made[Base.ImageDescription], made[Base.Orientation] = "Grandma, 1931", orientation
    made[Base.XResolution], made[Base.YResolution], made[Base.ResolutionUnit] = 300.0, 150.0, 2
    details = made.get_ifd(IFD.Exif)
    details[Base.DateTimeOriginal], details[Base.ExifImageWidth] = "1931:05:01 12:00:00", 4711
    return made


def made(name: str, image: np.ndarray, **options) -> bytes:
    content = io.BytesIO()
    Image.fromarray(image).save(content, NAMES.get(name, name), **options)
    return content.getvalue()


def with_resolution(jp2: bytes) -> bytes:
    """A JPEG 2000 file with 300 x 150 dpi (ISO 15444-1, I.5.3.7), which Pillow reads but does not write."""
    per_meter = struct.pack(">4H2b", 15000, 254, 30000, 254, 2, 2)  # down, across; times 10^2
    box = struct.pack(">I4s", 26, b"res ") + struct.pack(">I4s", 18, b"resc") + per_meter
    start = jp2.index(b"jp2h") - 4
    (length,) = struct.unpack(">I", jp2[start : start + 4])
    end = start + length
    return jp2[:start] + struct.pack(">I", length + len(box)) + jp2[start + 4 : end] + box + jp2[end:]


# What is read ----------------------------------------------------------------------------------


def is_read(name: str, column: str) -> bool:
    """Whether a file that holds it, where the format can, gives it."""
    if name == "HEIC":
        return heic_is_read(column)
    if column == "EXIF":
        scan = read_scan(io.BytesIO(made(name, COLOR, exif=exif().tobytes())))
        carried = Image.Exif()
        carried.load(scan.exif)
        return carried.get(Base.ImageDescription) == "Grandma, 1931"
    if column == "XMP":
        content = made(
            name,
            COLOR,
            **({"pnginfo": xmp_text()} if name == "PNG" else {"xmp": XMP} if name != "TIFF" else xmp_tag()),
        )
        return b"Dear Grandma" in read_scan(io.BytesIO(content)).xmp
    if column == "turned upright":
        lying = np.ascontiguousarray(UPRIGHT.T[::-1])
        return read_scan(io.BytesIO(made(name, lying, exif=exif(6).tobytes()))).image.size == (64, 32)
    if column == "ICC profile":
        scan = read_scan(io.BytesIO(made(name, COLOR, icc_profile=profiles_made.swapped())))
        return bool(np.abs(pixels(scan.image) - COLOR[..., [1, 0, 2]]).mean() < 6)
    if column == "DPI":
        content = made(name, COLOR, dpi=(300, 150), **({"exif": exif().tobytes()} if name in ("WebP", "AVIF") else {}))
        scan = read_scan(io.BytesIO(with_resolution(content) if name == "JPEG 2000" else content))
        return scan.dpi is not None and np.allclose(scan.dpi, (300, 150), atol=0.5)
    if column == "transparency":
        return transparency_is_read(name)
    assert column == "16-bit gray"
    try:
        scan = read_scan(io.BytesIO(made(name, DEEP, **({"irreversible": False} if name == "JPEG 2000" else {}))))
    except (OSError, ValueError):  # Pillow writes none
        return False
    return scan.levels is not None and np.array_equal(scan.levels, DEEP)


def transparency_is_read(name: str) -> bool:
    rgba = np.dstack([COLOR, np.where(UPRIGHT > 100, 255, 0).astype(np.uint8)])
    try:
        alpha = read_scan(io.BytesIO(made(name, rgba))).alpha
    except OSError:
        return False
    return alpha is not None and np.abs(pixels(alpha) - rgba[..., 3]).max() < 9


def heic_is_read(column: str) -> bool:
    """`files/photo.heic` is COLOR lying on its side, with exif(6) and the profile of exchanged colors."""
    scan = read_scan(FILES / "photo.heic")
    carried = Image.Exif()
    carried.load(scan.exif)
    return {
        "EXIF": carried.get(Base.ImageDescription) == "Grandma, 1931",
        "XMP": b"Dear Grandma" in scan.xmp,
        "turned upright": scan.image.size == (64, 32),
        "ICC profile": bool(np.abs(pixels(scan.image) - COLOR[..., [1, 0, 2]]).mean() < 6),
        "DPI": scan.dpi == (300, 150),
        "transparency": read_scan(FILES / "transparent.heic").alpha is not None,
        "16-bit gray": scan.levels is not None,
    }[column]


@pytest.mark.parametrize("name, column, expected", table("What is read"))
def test_a_cell_of_what_is_read(name, column, expected):
    assert is_read(name, column) == expected


# What is written -------------------------------------------------------------------------------


def written(name: str, image: Image.Image, scan) -> Image.Image:
    ending = {"PNG": ".png", "TIFF": ".tif", "WebP": ".webp", "BMP": ".bmp", "JPEG": ".jpg"}[name]
    result = Image.open(io.BytesIO(encode_photo(image, ending, scan)))
    assert result.format == NAMES.get(name, name).upper()
    return result


def is_written(name: str, column: str) -> bool:
    """Whether a result has what the scan had, as another reader sees it."""
    options = {"exif": exif().tobytes(), "dpi": (300, 150), "icc_profile": profiles_made.swapped()}
    scan = read_scan(io.BytesIO(made("PNG", COLOR, **options)))
    result = written(name, scan.image, scan)
    if column == "every level":
        return np.array_equal(pixels(result), pixels(scan.image))
    if column == "EXIF":
        return result.getexif().get(Base.ImageDescription) == "Grandma, 1931"
    if column == "XMP":
        result = written(name, scan.image, replace(scan, xmp=XMP))
        return b"Dear Grandma" in result.info.get("xmp", b"")
    if column == "ICC profile":
        return result.info.get("icc_profile") is not None
    if column == "DPI":
        noted = result.getexif()
        dpi = result.info.get("dpi") or (noted.get(Base.XResolution), noted.get(Base.YResolution))
        return np.allclose(np.array(dpi, float), (300, 150), atol=0.5)
    if column == "transparency":
        rgba = np.dstack([COLOR, UPRIGHT])
        scan = read_scan(io.BytesIO(made("PNG", rgba)))
        result = written(name, scan.image, scan)
        return "A" in result.mode and np.array_equal(pixels(result.getchannel("A")), UPRIGHT)
    assert column == "16-bit gray"
    scan = read_scan(io.BytesIO(made("PNG", DEEP)))
    return np.array_equal(pixels(written(name, scan.own_gray(scan.image, Image.new("L", (64, 32))), scan)), DEEP)


@pytest.mark.parametrize("name, column, expected", table("What is written"))
def test_a_cell_of_what_is_written(name, column, expected):
    assert is_written(name, column) == expected


# What is made true -----------------------------------------------------------------------------


def test_exif_is_true_for_the_result():
    lying = np.ascontiguousarray(UPRIGHT.T[::-1])
    scan = read_scan(io.BytesIO(made("JPEG", lying, exif=exif(6).tobytes(), quality=95)))
    result = written("JPEG", scan.image.convert("RGB"), scan)
    found, details = result.getexif(), result.getexif().get_ifd(IFD.Exif)
    assert result.size == (64, 32) and found[Base.Orientation] == 1
    assert details[Base.DateTimeOriginal] == "1931:05:01 12:00:00"
    assert Base.ExifImageWidth not in details and details[Base.ColorSpace] == 1
    assert (found[Base.XResolution], found[Base.YResolution]) == (150, 300), "across and down are exchanged"
    assert read_scan(io.BytesIO(encode_photo(scan.image, ".png", scan))).image.size == (64, 32), "turned only once"


def test_a_thumbnail_of_the_damaged_photo_is_left_out():
    thumbnail = made("JPEG", UPRIGHT)
    first = struct.pack("<HHHI", 1, 0x10E, 2, 8) + struct.pack("<I", 64) + struct.pack("<I", 26)
    second = (
        struct.pack("<H", 2) + struct.pack("<HHII", 0x201, 4, 1, 80) + struct.pack("<HHII", 0x202, 4, 1, len(thumbnail))
    )
    tiff = (b"II*\0" + struct.pack("<I", 8) + first + second + bytes(4)).ljust(64, b"\0") + b"Grandma\0"
    content = made("JPEG", UPRIGHT, exif=b"Exif\0\0" + tiff.ljust(80, b"\0") + thumbnail)
    assert Image.open(io.BytesIO(content)).getexif().get_ifd(IFD.IFD1)
    scan = read_scan(io.BytesIO(content))
    result = written("JPEG", scan.image, scan)
    assert result.getexif()[Base.ImageDescription] == "Grandma" and not result.getexif().get_ifd(IFD.IFD1)


@pytest.mark.parametrize("ending", [".png", ".tif", ".jpg", ".webp"])
def test_xmp_is_true_for_the_result(ending):
    """The photo is turned, once, by what its XMP says alone; it says so no more, nor what its colors were."""
    lying = np.ascontiguousarray(UPRIGHT.T[::-1])
    scan = read_scan(io.BytesIO(made("JPEG", lying, xmp=XMP, quality=95)))
    assert scan.image.size == (64, 32)
    again = read_scan(io.BytesIO(encode_photo(scan.image, ending, scan)))
    assert again.image.size == (64, 32) and b"Dear Grandma" in again.xmp
    assert not any(word in again.xmp for word in (b"Orientation", b"Adobe RGB", b"Thumbnails", b"/9j/"))


def test_xmp_that_no_jpeg_holds_is_left_out_with_a_note():
    large = XMP.replace(b"Dear Grandma", b"x" * 70_000)
    scan = read_scan(io.BytesIO(made("WebP", COLOR, xmp=large)))
    assert scan.xmp == b"" and scan.notes == ("Its XMP is damaged or too large and was left out.",)


def test_a_resolution_that_the_file_does_not_name_is_not_invented():
    plain = Image.Exif()
    plain[Base.ImageDescription] = "Grandma"
    content = made("JPEG", UPRIGHT, exif=plain.tobytes())
    without = content.replace(content[2 : 4 + struct.unpack(">H", content[4:6])[0]], b"", 1)  # its JFIF header
    assert Image.open(io.BytesIO(without)).info["dpi"] == (72, 72), "Pillow's own guess"
    assert read_scan(io.BytesIO(without)).dpi is None and read_scan(io.BytesIO(content)).dpi is None


@pytest.mark.parametrize("dpi", [(0, 0), (1e9, 300)])
def test_a_resolution_that_cannot_be_is_none(dpi):
    assert read_scan(io.BytesIO(made("TIFF", UPRIGHT, dpi=dpi))).dpi is None


def test_damaged_exif_is_left_out_with_a_note():
    entries = struct.pack("<HHII", Base.ImageDescription, 2, 8, 38) + struct.pack("<HHII", IFD.Exif, 4, 1, 46)
    tiff = b"II*\0" + struct.pack("<IH", 8, 2) + entries + bytes(4) + b"Grandma\0"  # and no second directory there
    fine = read_scan(io.BytesIO(made("PNG", UPRIGHT, exif=tiff)))
    large = Image.Exif()
    large[Base.ImageDescription] = "x" * 70_000
    left_out = read_scan(io.BytesIO(made("PNG", UPRIGHT, exif=large.tobytes())))
    assert fine.exif and not fine.notes and left_out.exif == b""
    assert left_out.notes == ("Its EXIF is damaged or too large and was left out.",)
    assert np.array_equal(pixels(left_out.image), UPRIGHT)


# Depth, transparency, colors ------------------------------------------------------------------


@pytest.mark.parametrize("ending", [".png", ".tif"])
def test_16_bit_gray_is_kept_to_the_bit_where_it_was_not_damaged(ending):
    scan = read_scan(io.BytesIO(made("PNG", DEEP)))
    hole = np.zeros(DEEP.shape, bool)
    hole[4:9, 5:30] = True
    gray = np.where(hole, 200, pixels(scan.image)).astype(np.uint8)
    content = encode_photo(scan.own_gray(Image.fromarray(gray), Image.fromarray(hole)), ending, scan)
    result = pixels(Image.open(io.BytesIO(content)))
    assert np.array_equal(result[~hole], DEEP[~hole]) and (result[hole] == 200 * 257).all()
    assert pixels(read_scan(io.BytesIO(encode_photo(scan.image, ending, scan))).image).max() <= 255


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_a_gray_profile_is_followed_and_kept_by_a_gray_result_alone(depth):
    """Levels proportional to light: IEC 61966-2-1 says what they are in sRGB."""
    levels = GRAY if depth == np.uint8 else GRAY.astype(np.uint16) * 257
    scan = read_scan(io.BytesIO(made("PNG", levels, icc_profile=profiles_made.linear_gray())))
    light = GRAY / 255
    expected = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055) * 255
    assert np.abs(pixels(scan.image) - expected).max() <= 1
    assert abs(np.mean(pixels(scan.image) - expected)) < 0.2, "rounded, not cut off"
    hole = np.zeros(GRAY.shape, bool)
    hole[4:9, 5:30] = True
    own = scan.own_gray(
        Image.fromarray(np.where(hole, HALF_AND_WHITE, pixels(scan.image)).astype(np.uint8)), Image.fromarray(hole)
    )
    result = Image.open(io.BytesIO(encode_photo(own, ".png", scan)))
    assert np.array_equal(pixels(result)[~hole], levels[~hole]) and pixels(result).dtype == int
    top = np.iinfo(depth).max
    white = HALF_AND_WHITE == 255
    assert np.abs(pixels(result)[hole & ~white] / top - 0.503).max() < 0.004, "188 of sRGB is half the light"
    assert (pixels(result)[hole & white] == top).all()
    assert result.info["icc_profile"] == profiles_made.linear_gray()
    color = Image.open(io.BytesIO(encode_photo(scan.image.convert("RGB"), ".png", scan)))
    assert b"sRGB" in color.info["icc_profile"].replace(b"\0", b"")
    assert "icc_profile" not in Image.open(io.BytesIO(encode_photo(scan.image, ".png", scan))).info


@pytest.mark.parametrize("kind", ["RGB", "RGBA", "P"])
def test_colors_of_another_profile_become_srgb_once(kind):
    color = photo("coffee", 40, 30)
    image = Image.fromarray(color).convert(kind)
    content = io.BytesIO()
    image.save(content, "PNG", icc_profile=profiles_made.swapped())
    scan = read_scan(content)
    assert np.array_equal(pixels(scan.image), pixels(image.convert("RGB"))[..., [1, 0, 2]])
    assert np.array_equal(pixels(read_scan(scan.image).image), pixels(scan.image)), "converted only once"
    again = read_scan(io.BytesIO(encode_photo(scan.image, ".png", scan)))
    assert np.array_equal(pixels(again.image), pixels(scan.image))


def test_srgb_colors_stay_to_the_bit():
    color, profile = photo("coffee", 40, 30), profiles_made.srgb()  # one: it states the second in which it was made
    scan = read_scan(io.BytesIO(made("PNG", color, icc_profile=profile)))
    assert np.array_equal(pixels(scan.image), color) and scan.profile == profile


def test_the_inks_of_cmyk_are_those_of_its_profile():
    """This one's black alone counts; lightness is CIE's."""
    from skimage.color import lab2rgb

    black = np.arange(0, 256, 5, dtype=np.uint8)[None]
    inks = [Image.fromarray(np.full_like(black, level)) for level in (0, 50, 90)]
    content = io.BytesIO()
    Image.merge("CMYK", [*inks, Image.fromarray(black)]).save(content, "TIFF", icc_profile=profiles_made.inks())
    light = 100 - black / 2.55
    expected = lab2rgb(np.stack([light, 0 * light, 0 * light], axis=-1))[..., 0] * 255
    assert np.abs(pixels(read_scan(content).image) - expected).max() <= 1.5


@pytest.mark.parametrize("profile", [b"no profile", profiles_made.inks(), profiles_made.srgb()[:300], bytes(9 << 20)])
@pytest.mark.parametrize("image", [GRAY, COLOR])
def test_a_profile_that_cannot_be_followed_is_named_in_a_note(profile, image):
    scan = read_scan(io.BytesIO(made("TIFF", image, icc_profile=profile)))
    assert np.array_equal(pixels(scan.image), image)
    assert scan.notes == ("Its color profile cannot be used; its colors are read as sRGB.",)


@pytest.mark.parametrize("ending", [".png", ".tif", ".webp"])
@pytest.mark.parametrize("image", [GRAY, photo("coffee", 48, 32)])
def test_a_transparent_result_laid_on_white_is_the_result(ending, image):
    alpha = np.tile(np.linspace(0, 255, 48).astype(np.uint8), (32, 1))
    alpha[:, :8], alpha[:, 40:] = 0, 255
    content = io.BytesIO()
    Image.merge("LA" if image.ndim == 2 else "RGBA", [*Image.fromarray(image).split(), Image.fromarray(alpha)]).save(
        content, "PNG"
    )
    scan = read_scan(content)
    again = read_scan(io.BytesIO(encode_photo(scan.image, ending, scan)))
    assert again.image.mode == scan.image.mode and np.array_equal(pixels(again.alpha), alpha)
    assert np.abs(pixels(again.image) - pixels(scan.image)).max() <= 1
    assert np.array_equal(pixels(again.image)[:, 40:], image[:, 40:])


def test_pages_and_deep_colors_are_named_in_notes():
    pages = [Image.fromarray(UPRIGHT + i) for i in range(3)]
    content = io.BytesIO()
    pages[0].save(content, "TIFF", save_all=True, append_images=pages[1:], compression="tiff_lzw")
    scan = read_scan(content)
    assert np.array_equal(pixels(scan.image), UPRIGHT)
    assert scan.notes == ("Using page 1 of 3.",)
    import cv2

    deep = (COLOR.astype(np.uint16) * 257)[..., ::-1]
    scan = read_scan(io.BytesIO(cv2.imencode(".png", deep)[1].tobytes()))
    assert np.array_equal(pixels(scan.image), COLOR)
    assert scan.notes == ("Its 16-bit colors are read as 8-bit.",)


@pytest.mark.parametrize("ending", [".png", ".tif", ".webp"])
@pytest.mark.parametrize("gray", [False, True])
def test_what_was_repaired_is_opaque_in_the_result(tmp_path, ending, gray):
    """Damage erased to transparency, as an editor leaves it: transparent again, the repair would not be seen."""
    rgba = np.dstack([photo("astronaut", 40, 40), np.full((40, 40), 255, np.uint8)])
    rgba[5:15, 5:25, 3], rgba[25:30, 3:9, 3] = 0, 90
    Image.fromarray(rgba).convert("LA" if gray else "RGBA").save(tmp_path / "in.png")
    scan, repaired = read_scan(tmp_path / "in.png"), np.zeros((40, 40), bool)
    repaired[4:16, 4:26] = True
    result = Image.new("L" if gray else "RGB", (40, 40), 99 if gray else (9, 99, 199))
    write_photo(result, tmp_path / f"out{ending}", scan.shown_at(Image.fromarray(repaired.astype(np.uint8) * 255)))
    alpha = np.asarray(Image.open(tmp_path / f"out{ending}").convert("RGBA"))[..., 3]
    assert (alpha[repaired] == 255).all() and np.array_equal(alpha[~repaired], rgba[..., 3][~repaired])


def test_a_thumbnail_before_the_photo_is_not_taken_for_it(tmp_path):
    whole = Image.fromarray(photo("coffee", 60, 40))
    whole.resize((6, 4)).save(tmp_path / "a.tif", save_all=True, append_images=[whole, whole.rotate(180)])
    scan = read_scan(tmp_path / "a.tif")
    assert np.array_equal(pixels(scan.image), pixels(whole))
    assert scan.notes == ("Using page 2 of 3, the largest.",)


def test_twelve_bits_reach_white(tmp_path):
    """Made by tifffile with the tag that such files have: 0 is black, 4095 is white."""
    levels = np.linspace(0, 4095, 60 * 40).astype(np.uint16).reshape(40, 60)
    packed = np.zeros((40, 90), np.uint8)  # two pixels in three bytes
    packed[:, ::3], packed[:, 2::3] = levels[:, ::2] >> 4, levels[:, 1::2] & 255
    packed[:, 1::3] = (levels[:, ::2] & 15) << 4 | levels[:, 1::2] >> 8
    head = struct.pack("<2sHI", b"II", 42, 8 + packed.size)
    tags = [(256, 60), (257, 40), (258, 12), (259, 1), (262, 1), (273, 8), (277, 1), (278, 40), (279, packed.size)]
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    (tmp_path / "a.tif").write_bytes(head + packed.tobytes() + directory + bytes(4))
    scan = read_scan(tmp_path / "a.tif")
    assert np.abs(pixels(scan.image) - levels * (255 / 4095)).max() <= 1


@pytest.mark.parametrize("most, is_dark", [(4095, True), (4096, False)])
def test_of_sixteen_bits_that_use_twelve_it_is_said(most, is_dark):
    """They look nearly black, and a photo of 16 bits may be that dark: its levels are kept."""
    levels = np.linspace(0, most, 60 * 40).astype(np.uint16).reshape(40, 60)
    scan = read_scan(io.BytesIO(made("TIFF", levels)))
    assert np.array_equal(scan.levels, levels) and any("end at 4095 of 65535" in note for note in scan.notes) == is_dark
