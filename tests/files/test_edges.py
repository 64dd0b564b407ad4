"""Where one rule ends and the next begins: levels, sizes, units, pages."""

import io
import os
import struct

import numpy as np
import profiles_made
import pytest
from conftest import is_one_sentence, photo, pixels
from encoded import encode_photo
from PIL import Image, ImageCms
from PIL.ExifTags import IFD, Base
from test_imaging_hostile import TILED, png, repeated_scan, tiff

from restoration.files import decoding, profiles
from restoration.files.decoding import decode
from restoration.files.exif import MAX_EXIF
from restoration.files.imaging import (
    PhotoError,
    by_name,
    claimed_pixels,
    find_files,
    find_unread,
    read_hints,
    read_mask,
    read_photo,
    read_scan,
    write_photo,
)  # fmt: skip
from restoration.files.profiles import srgb_profile
from restoration.files.scans import eight_bit

COLOR, GRAY = photo("coffee", 40, 30), photo("camera", 40, 30)


def made(image: np.ndarray | Image.Image, kind: str = "PNG", **options) -> io.BytesIO:
    content = io.BytesIO()
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    image.save(content, kind, **options)
    content.seek(0)
    return content


# Levels -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values, expected",
    [
        ([0, 2.0, 1.0, 0.5], [0, 255, 255, 128]),  # up to 2, a filter's overshoot
        ([0, 2.1, 127.6, 1.0], [0, 2, 128, 1]),
        ([0, 1024, 255, 100], [0, 255, 255, 100]),
        ([0, 1100, 65535, 257], [0, 4, 255, 1]),
        ([-np.inf, np.inf, 0.5, 0], [0, 255, 128, 0]),
        ([np.nan, 0.999, 0.25, 1], [0, 255, 64, 255]),
    ],
)
def test_what_the_levels_of_a_float_file_mean(values, expected):
    assert pixels(read_photo(made(Image.fromarray(np.float32([values])), "TIFF")))[0].tolist() == expected


def test_eight_bits_are_the_nearest_of_sixteen():
    levels = np.arange(65536, dtype=np.uint16)[None]
    assert np.abs(eight_bit(levels) - levels / 257).max() <= 0.5 and eight_bit(levels)[0, [0, -1]].tolist() == [0, 255]


def test_numbers_of_twenty_bits_are_scaled_by_their_highest():
    levels = np.int32([[0, 2**19, 2**20 - 1]])
    assert pixels(read_photo(made(Image.fromarray(levels), "TIFF")))[0].tolist() == [0, 128, 255]
    assert read_scan(made(Image.fromarray(np.int32([[0, 300, 65535]])), "TIFF")).levels.tolist() == [[0, 300, 65535]]


def test_an_array_is_a_photo_of_one_or_three_or_four_channels():
    for shape in ((5, 4), (5, 4, 3), (5, 4, 4)):
        assert decode(np.zeros(shape, np.uint8)).image.size == (4, 5)
    assert pixels(decode(np.ones((2, 3), bool)).image).tolist() == [[255] * 3] * 2
    for wrong in (
        np.zeros((5, 4, 2), np.uint8),
        np.zeros(5, np.uint8),
        np.zeros((5, 4)),
        np.zeros((0, 4), np.uint8),
        np.zeros((5, 4, 5), np.uint8),
        7,
    ):
        with pytest.raises(PhotoError) as error:
            decode(wrong, "mask")
        assert is_one_sentence(str(error.value)) and str(error.value).startswith("The mask is")


# Masks and hints --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "levels, expected",
    [
        ([0, 127, 128, 255], [0, 0, 1, 1]),
        ([0, 128, 90, 0], [0, 1, 0, 0]),
        (range(0, 80, 10), [0, 1, 1, 1, 1, 1, 1, 1]),  # eight labels
        (range(0, 90, 10), [0, 0, 0, 0, 0, 1, 1, 1, 1]),  # nine levels: from halfway on
        ([20, 20, 20, 20], [0, 0, 0, 0]),
        ([*range(20, 66, 5), 20], [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0]),  # halfway from 20 to 65
    ],
)
def test_what_counts_as_white(levels, expected):
    levels = np.uint8([list(levels)])
    assert read_mask(made(levels), levels.shape[::-1]).astype(int)[0].tolist() == expected


def test_a_mask_that_is_one_comes_back_itself_and_of_another_size_is_refused():
    mask = np.zeros((4, 6), bool)
    assert read_mask(mask, (6, 4)) is mask
    with pytest.raises(PhotoError, match="6 x 4 px, but the photo is 4 x 6"):
        read_mask(mask, (4, 6))
    assert not read_mask(np.zeros((4, 6), np.uint8), (6, 4)).any()


def test_deep_masks_of_small_numbers_are_labels_and_of_large_ones_levels():
    assert read_mask(made(np.uint16([[0, 255, 3]]), "PNG"), (3, 1)).tolist() == [[False, True, False]]
    assert read_mask(made(np.uint16([[0, 256, 40_000]]), "PNG"), (3, 1)).tolist() == [[False, False, True]]


def test_on_a_bright_color_white_is_what_is_brighter():
    white = (255, 255, 255)
    on_blue = made(np.uint8([[(0, 0, 200), white, (0, 0, 200)]]))
    assert read_mask(on_blue, (3, 1)).tolist() == [[False, True, False]]
    on_dark_blue = made(np.uint8([[(0, 0, 100), (0, 0, 180), (0, 0, 100)]]))
    assert read_mask(on_dark_blue, (3, 1)).tolist() == [[False, True, False]]
    on_gray = made(np.uint8([[(127, 127, 127), (0, 0, 128), (127, 127, 127)]]))  # not bright
    assert read_mask(on_gray, (3, 1)).tolist() == [[False, True, False]]


def test_hints_need_transparency_and_the_photos_size():
    rgba = np.dstack([COLOR, np.full(GRAY.shape, 90, np.uint8)])
    assert np.array_equal(read_hints(made(rgba), (40, 30)), rgba)
    for source, size, said in (
        (COLOR, (40, 30), "no alpha channel"),
        (rgba, (30, 40), "40 x 30 px, but the photo is 30 x 40"),
    ):
        with pytest.raises(PhotoError, match=said):
            read_hints(made(source), size)


# Folders ----------------------------------------------------------------------------------------


def test_links_to_folders_are_followed_once_and_order_is_by_path(tmp_path):
    for name in ("z/b.png", "a/c.png", "a/.hidden/d.png", "m.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(GRAY).save(tmp_path / name)
    (tmp_path / "elsewhere").symlink_to(tmp_path / "a", target_is_directory=True)
    (tmp_path / "z" / "up").symlink_to(tmp_path, target_is_directory=True)
    found = find_files(tmp_path, {".png"})
    assert [str(file.relative_to(tmp_path)) for file in found] == ["a/c.png", "m.png", "z/b.png"]


def test_what_is_passed_over_is_named_where_it_may_be_a_photo(tmp_path):
    made_bytes = made(GRAY).getvalue()
    for name, content in (
        ("a.psd", b"x"),
        ("b.NEF", b"x"),
        ("c.jpx", b"x"),  # which is read, and will be said to be broken
        ("photo", made_bytes),
        ("README", b"no photo"),
        ("a.txt", b"x"),
        ("b.png", made_bytes),
    ):
        (tmp_path / name).write_bytes(content)
    assert [file.name for file in find_unread(tmp_path)] == ["a.psd", "b.NEF", "photo"]
    assert [file.name for file in find_files(tmp_path)] == ["b.png", "c.jpx"]
    assert claimed_pixels(tmp_path / "photo") == 1200 and claimed_pixels(tmp_path / "README") == 0


def test_of_one_name_a_png_comes_first(tmp_path):
    for name in ("a.jpg", "a.png", "a.tif", "b.jpg"):
        Image.fromarray(GRAY).save(tmp_path / name)
    found = by_name(tmp_path)
    assert found["a"][0].name == "a.png" and len(found["a"]) == 3 and [f.name for f in found["b"]] == ["b.jpg"]


# Limits -----------------------------------------------------------------------------------------


def test_passes_over_a_jpeg_are_limited(monkeypatch):
    content = repeated_scan(64, 3, progressive=True)
    scans = content.count(b"\xff\xda")
    monkeypatch.setattr(decoding, "MAX_SCANNED", scans * 64 * 64)
    assert read_photo(io.BytesIO(content)).size == (64, 64)
    monkeypatch.setattr(decoding, "MAX_SCANNED", scans * 64 * 64 - 1)
    with pytest.raises(PhotoError, match=f"a JPEG with {scans} scans"):
        read_photo(io.BytesIO(content))


@pytest.mark.parametrize("width, is_refused", [(2000, False), (2100, True)])
def test_a_tile_may_have_four_times_the_pixels_of_its_photo(monkeypatch, width, is_refused):
    monkeypatch.setattr(decoding, "MAX_TILE", 10)
    with pytest.raises(PhotoError) as error:  # none of them holds any pixels
        read_photo(io.BytesIO(tiff(TILED | {256: 1000, 257: 100, 322: width, 323: 200})))
    assert ("tiles far larger" in str(error.value)) == is_refused


@pytest.mark.parametrize(
    "pages, said", [(1, ()), (2, "page 1 of 2."), (99, "page 1 of 99."), (100, "100 or more"), (130, "100 or more")]
)
def test_pages_are_counted_to_a_hundred(pages, said):
    frames = [Image.new("L", (2, 2), i) for i in range(pages)]
    content = made(frames[0], "TIFF", save_all=True, append_images=frames[1:])
    notes = read_scan(content).notes
    assert (said in notes[0]) if said else notes == ()


def test_a_gifs_frames_are_not_counted_and_a_still_ones_have_no_note():
    frames = [Image.new("L", (4, 4), 60 * i) for i in range(3)]
    assert read_scan(made(frames[0], "GIF", save_all=True, append_images=frames[1:])).notes == (
        "Using the first of several frames.",
    )
    assert read_scan(made(frames[0], "GIF")).notes == ()


def test_an_animation_is_told_by_its_first_picture():
    frames = [Image.new("RGB", (4, 4), (60 * i, 0, 0)) for i in range(2)]
    for kind in ("PNG", "WEBP"):
        scan = read_scan(made(frames[0], kind, save_all=True, append_images=frames[1:]))
        assert scan.notes == ("Using page 1 of 2.",) and pixels(scan.image).max() == 0


def test_a_photo_is_turned_whatever_it_comes_in_and_the_callers_stays_as_it_is():
    exif = Image.Exif()
    exif[Base.Orientation] = 2  # mirrored
    own = Image.open(made(GRAY, exif=exif))
    own.load()
    assert np.array_equal(pixels(read_photo(own)), GRAY[:, ::-1]) and np.array_equal(pixels(own), GRAY)
    assert np.array_equal(pixels(read_photo(made(GRAY, exif=exif))), GRAY[:, ::-1])
    plain = Image.fromarray(GRAY)
    assert read_photo(plain) is plain, "no copy where none is needed"
    plain.getexif()[Base.Orientation] = 9  # EXIF knows none beyond 8
    assert decode(plain).image is plain


@pytest.mark.parametrize(
    "orientation, expected",
    [(1, (300, 150)), (3, (300, 150)), (5, (150, 300)), (6, (150, 300)), (7, (150, 300)), (8, (150, 300))],
)
def test_a_quarter_turn_exchanges_across_and_down(orientation, expected):
    exif = Image.Exif()
    exif[Base.Orientation] = orientation
    assert read_scan(made(GRAY, "TIFF", exif=exif, dpi=(300, 150))).dpi == expected


# EXIF, XMP, resolution --------------------------------------------------------------------------


@pytest.mark.parametrize("unit, across", [(2, 300), (3, 762)])
def test_a_resolution_per_centimeter_is_254_times_that_per_inch(unit, across):
    exif = Image.Exif()
    exif[Base.XResolution], exif[Base.YResolution], exif[Base.ResolutionUnit] = 300.0, 300.0, unit
    scan = read_scan(made(COLOR, "WEBP", exif=exif.tobytes()))
    assert scan.dpi == pytest.approx((across, across))


@pytest.mark.parametrize(
    "dpi, kept",
    [
        ((1, 1), True),
        ((0.5, 300), False),
        ((300, 0.5), False),
        ((1e5, 9), True),
        ((1.2e5, 9), False),
        ((9, 1.2e5), False),
    ],
)
def test_a_resolution_lies_between_one_and_a_hundred_thousand(dpi, kept):
    assert (read_scan(made(GRAY, "TIFF", dpi=dpi)).dpi is not None) == kept


def test_of_two_resolutions_a_jpegs_exif_counts_and_a_pngs_own():
    exif = Image.Exif()
    exif[Base.XResolution], exif[Base.YResolution] = 600.0, 500.0
    assert read_scan(made(GRAY, "JPEG", exif=exif, dpi=(300, 300))).dpi == (600, 500)
    assert read_scan(made(GRAY, "JPEG", dpi=(300, 200))).dpi == (300, 200)
    assert read_scan(made(GRAY, "PNG", exif=exif, dpi=(300, 300))).dpi == pytest.approx((300, 300), abs=0.1)
    half = Image.Exif()
    half[Base.XResolution] = 600.0
    assert read_scan(made(GRAY, "JPEG", exif=half, dpi=(300, 200))).dpi == (300, 200)


def carried(exif: Image.Exif, **options) -> Image.Exif:
    scan, found = read_scan(made(GRAY, "JPEG", exif=exif, **options)), Image.Exif()
    found.load(scan.exif)
    return found


def test_what_a_camera_says_goes_along_and_its_own_notes_where_there_is_room():
    exif = Image.Exif()
    exif[Base.Artist], exif[Base.ImageWidth], exif[Base.Orientation] = "Anna", 77, 3
    details = exif.get_ifd(IFD.Exif)
    details[Base.MakerNote], details[Base.ColorSpace], details[Base.ExifImageHeight] = b"m" * 900, 65535, 77
    exif.get_ifd(IFD.GPSInfo)[1] = "N"
    found = carried(exif)
    assert found[Base.Artist] == "Anna" and Base.ImageWidth not in found and found[Base.Orientation] == 1
    own = found.get_ifd(IFD.Exif)
    assert own[Base.MakerNote] == b"m" * 900 and own[Base.ColorSpace] == 1 and Base.ExifImageHeight not in own
    assert found.get_ifd(IFD.GPSInfo)[1] == "N"
    large = Image.Exif()
    large[Base.Artist] = "Anna"
    large.get_ifd(IFD.Exif)[Base.MakerNote] = b"m" * MAX_EXIF
    scan = read_scan(made(COLOR, "WEBP", exif=large.tobytes()))
    found.load(scan.exif)
    assert found[Base.Artist] == "Anna" and Base.MakerNote not in found.get_ifd(IFD.Exif) and scan.notes == ()


@pytest.mark.parametrize("where", ["first", "details", "place"])
def test_any_one_directory_is_reason_enough(where):
    exif = Image.Exif()
    if where == "first":
        exif[Base.Artist] = "Anna"
    elif where == "details":
        exif.get_ifd(IFD.Exif)[Base.DateTimeOriginal] = "1931:05:01 12:00:00"
    else:
        exif.get_ifd(IFD.GPSInfo)[1] = "N"
    scan = read_scan(made(COLOR, "WEBP", exif=exif.tobytes()))
    found = Image.Exif()
    found.load(scan.exif)
    assert found[Base.Orientation] == 1 and scan.dpi is None
    has = {
        "first": Base.Artist in found,
        "details": bool(found.get_ifd(IFD.Exif)),
        "place": bool(found.get_ifd(IFD.GPSInfo)),
    }
    assert [name for name, is_there in has.items() if is_there] == [where]


def test_nothing_to_say_is_said_by_nothing():
    assert read_scan(made(GRAY)).exif == b"" and read_scan(made(GRAY)).xmp == b""
    plain = Image.Exif()
    plain[Base.Orientation] = 1
    assert read_scan(made(COLOR, "WEBP", exif=plain.tobytes())).exif == b""


def test_a_makers_note_stays_where_all_just_fits():
    def carried(size: int) -> bytes:
        exif = Image.Exif()
        exif.get_ifd(IFD.Exif)[Base.MakerNote] = bytes(size)
        return read_scan(made(COLOR, "WEBP", exif=exif.tobytes())).exif

    room = 900 + MAX_EXIF - len(carried(900))
    assert len(carried(room)) == MAX_EXIF and len(carried(room + 1)) < 900


@pytest.mark.parametrize("size, kept", [(MAX_EXIF, True), (MAX_EXIF + 1, False)])
def test_xmp_of_a_segments_size_is_kept(size, kept):
    assert bool(read_scan(made(COLOR, "WEBP", xmp=b"x" * size)).xmp) == kept


# Profiles ---------------------------------------------------------------------------------------


def near_srgb(change: float) -> bytes:
    """sRGB whose red is a little redder."""
    profile = bytearray(profiles_made.srgb())
    for i in range(struct.unpack(">I", profile[128:132])[0]):
        name, place, _ = struct.unpack(">4s2I", profile[132 + 12 * i : 144 + 12 * i])
        if name == b"rXYZ":
            values = struct.unpack(">3i", profile[place + 8 : place + 20])
            profile[place + 8 : place + 20] = struct.pack(">3i", *(round(v * (1 + change)) for v in values))
    return bytes(profile)


@pytest.mark.parametrize("change, stays", [(0.006, True), (0.1, False)])
def test_a_profile_that_moves_colors_by_two_levels_at_most_is_srgb(change, stays):
    image = Image.fromarray(COLOR)
    own, srgb = ImageCms.ImageCmsProfile(io.BytesIO(near_srgb(change))), ImageCms.createProfile("sRGB")
    moved = pixels(ImageCms.profileToProfile(image, own, srgb))
    assert not np.array_equal(moved, COLOR), "it moves some"
    assert np.array_equal(pixels(read_photo(made(image, icc_profile=near_srgb(change)))), COLOR) == stays


def test_a_results_profile_is_srgbs_of_the_first_of_january_2026():
    assert struct.unpack(">6H", srgb_profile()[24:36]) == (2026, 1, 1, 0, 0, 0)
    own = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    own[24:36] = srgb_profile()[24:36]
    assert bytes(own) == srgb_profile()


def test_a_gray_file_may_have_a_profile_for_colors():
    scan = read_scan(made(GRAY, icc_profile=profiles_made.srgb()))
    assert np.array_equal(pixels(scan.image), GRAY) and scan.tones is None and not scan.notes and scan.levels is None
    swapped = read_scan(made(GRAY, icc_profile=profiles_made.swapped()))
    assert np.array_equal(pixels(swapped.image), GRAY), "gray is gray by it"


# Results ----------------------------------------------------------------------------------------


def test_opaque_alpha_is_none_and_nearly_opaque_is_one():
    for level, is_none in ((255, True), (254, False)):
        alpha = np.full(GRAY.shape, 255, np.uint8)
        alpha[3, 4] = level
        assert (read_scan(made(np.dstack([COLOR, alpha]))).alpha is None) == is_none


@pytest.mark.parametrize("ending", [".jpg", ".bmp", ".webp"])
def test_sixteen_bits_become_eight_where_a_format_has_no_more(ending):
    deep = np.full((32, 32), 30_000, np.uint16)
    scan = read_scan(made(deep))
    own = scan.own_gray(scan.image, Image.new("L", (32, 32)))
    written = Image.open(io.BytesIO(encode_photo(own, ending, scan)))
    assert np.abs(pixels(written.convert("L")).astype(int) - 117).max() <= 1


def test_a_print_taken_out_of_a_scan_keeps_its_own_levels():
    deep = np.arange(1200, dtype=np.uint16).reshape(30, 40) * 50
    scan = read_scan(made(deep, dpi=(300, 300)))
    part = scan.part(lambda image: image.crop((5, 4, 25, 20)))
    assert np.array_equal(part.levels, deep[4:20, 5:25]) and part.image.size == (20, 16) and part.dpi == scan.dpi
    clear = read_scan(made(np.dstack([COLOR, GRAY])))
    assert clear.alpha is not None and clear.part(lambda image: image).alpha is None


def test_a_broken_character_in_xmp_is_written_as_one():
    scan = read_scan(made(COLOR, "WEBP", xmp=b"caf\xe9 is fine"))
    written = Image.open(io.BytesIO(encode_photo(scan.image, ".png", scan)))
    assert b"is fine" in written.info["xmp"]


def test_an_old_folder_is_written_into_and_a_new_one_made(tmp_path):
    for _ in range(2):
        write_photo(Image.fromarray(GRAY), tmp_path / "a" / "b" / "photo.png")
    assert np.array_equal(pixels(read_photo(tmp_path / "a" / "b" / "photo.png")), GRAY)


def test_a_jpeg_has_pillows_quality_of_95():
    written = Image.open(io.BytesIO(encode_photo(Image.fromarray(COLOR), ".jpg")))
    own = Image.open(made(COLOR, "JPEG", quality=95))
    assert written.quantization == own.quantization


def test_under_half_an_alpha_lies_what_gives_the_result_on_white():
    """200 = 145 * 128 / 255 + 255 * 127 / 255, rounded."""
    clear = Image.merge("LA", [Image.new("L", (4, 4), 9), Image.new("L", (4, 4), 128)])
    written = Image.open(io.BytesIO(encode_photo(Image.new("L", (4, 4), 200), ".png", read_scan(made(clear)))))
    assert pixels(written)[0, 0].tolist() == [145, 128]


@pytest.mark.parametrize("levels, is_same", [(2, True), (3, False)])
def test_a_gray_profile_that_moves_tones_by_two_levels_is_srgb(levels, is_same):
    light = ((np.arange(256) + levels) / 255).clip(0, 1)
    light = np.where(light <= 0.04045, light / 12.92, ((light + 0.055) / 1.055) ** 2.4)
    assert (profiles.gray_to_srgb(profiles_made.gray(light)) is None) == is_same


def test_what_a_file_claims_is_told_of_any_file(tmp_path):
    (tmp_path / "bomb.png").write_bytes(png(100_000, 100_000, b"0"))
    assert claimed_pixels(tmp_path / "bomb.png") > 10**9
    os.truncate(tmp_path / "bomb.png", 9)
    assert claimed_pixels(tmp_path / "bomb.png") == 0


def test_a_tiff_says_where_its_largest_page_is():
    sizes = [(1, 1), (3, 2), (3, 2), (2, 2)]
    frames = [Image.new("L", size, i) for i, size in enumerate(sizes)]
    scan = read_scan(made(frames[0], "TIFF", save_all=True, append_images=frames[1:]))
    assert scan.image.size == (3, 2) and pixels(scan.image)[0, 0] == 1 and "page 2 of 4, the largest" in scan.notes[0]


@pytest.mark.parametrize("content, said", [(b"", "is empty"), (b"\0", "is not a readable image")])
def test_an_empty_file_is_told_from_a_broken_one(content, said):
    with pytest.raises(PhotoError, match=said):
        read_photo(io.BytesIO(content))


def test_a_file_beyond_the_limit_is_told_in_mebibytes(monkeypatch):
    monkeypatch.setattr(decoding, "MAX_BYTES", 3 << 20)
    with pytest.raises(PhotoError, match="limit is 3 MiB"):
        read_photo(io.BytesIO(bytes((3 << 20) + 1)))


@pytest.mark.parametrize(
    "kind, name, index, is_refused",
    [(b"hvc1", b"a.jpg", 0xFFFF, False), (b"hvc1", b"caf\xe9", 0, True), (b"\xe9vc1", b"a.jpg", 0, True)],
)
def test_kinds_and_names_of_items_must_be_text_and_nothing_else_must(kind, name, index, is_refused):
    """ISO 14496-12, 8.11.6: size, kind, version and flags, number, protection, kind of item, name."""
    item = b"infe" + bytes([2, 0, 0, 0]) + struct.pack(">HH", index, index) + kind + name + b"\0"
    content = struct.pack(">I", 24) + b"ftypheic" + bytes(12) + struct.pack(">I", len(item) + 4) + item + b"\xff\xff"
    if is_refused:
        with pytest.raises(ValueError):
            decoding._check_heif(io.BytesIO(content))
    else:
        decoding._check_heif(io.BytesIO(content))
