"""Files of every kind that users have, and of every kind that is no photo."""

import io

import numpy as np
import pytest
import tifffile
from conftest import is_one_sentence, photo, pixels
from PIL import Image, ImageFilter

from restoration.files import decoding
from restoration.files.imaging import PhotoError, find_files, read_mask, read_photo

UPRIGHT = np.kron(np.uint8([[10, 80], [150, 220]]), np.ones((8, 16), np.uint8))  # each corner has its own gray
STORED = {  # how a camera stores UPRIGHT: EXIF 2.3 says which side of the scene the first row and column are
    1: UPRIGHT,  # top, left
    2: UPRIGHT[:, ::-1],  # top, right
    3: UPRIGHT[::-1, ::-1],  # bottom, right
    4: UPRIGHT[::-1],  # bottom, left
    5: UPRIGHT.T,  # left, top
    6: UPRIGHT.T[::-1],  # right, top
    7: UPRIGHT.T[::-1, ::-1],  # right, bottom
    8: UPRIGHT.T[:, ::-1],  # left, bottom
}


def saved(folder, pixels: np.ndarray | Image.Image, name: str = "photo.png", **options):
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(folder / name, **options)
    return folder / name


# Photos ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("name, tolerance", [("photo.png", 0), ("photo.jpg", 2), ("photo.tif", 0), ("photo.webp", 2)])
def test_every_exif_orientation_comes_upright(tmp_path, orientation, name, tolerance):
    exif = Image.Exif()
    exif[0x0112] = orientation
    read = read_photo(saved(tmp_path, np.ascontiguousarray(STORED[orientation]), name, exif=exif))
    assert read.size == (32, 16) and read.mode == "L"
    assert np.abs(pixels(read) - UPRIGHT).max() <= tolerance


@pytest.mark.parametrize("name", ["photo.png", "photo.tif"])
def test_16_bit_gray_is_scaled_and_not_clipped(tmp_path, name):
    deep = np.arange(0, 65536, 17, dtype=np.uint16)[:3840].reshape(60, 64)
    read = read_photo(saved(tmp_path, deep, name))
    assert read.mode == "L"
    assert np.array_equal(pixels(read), np.rint(deep / 257))


@pytest.mark.parametrize(
    "values, expected",
    [
        ([0, 0.2, 0.5, 1, np.nan], [0, 51, 128, 255, 0]),  # up to 1: the unit interval
        ([0, 0.5, 1.004, 1, 0], [0, 128, 255, 255, 0]),  # a filter's overshoot
        ([-5, 100.4, 300, np.inf, np.nan], [0, 100, 255, 255, 0]),  # above: levels
        ([0, 32768, 65535, 257, 0], [0, 128, 255, 1, 0]),  # of 16 bits
    ],
)
def test_float_tiff(tmp_path, values, expected):
    read = read_photo(saved(tmp_path, np.float32([values]), "photo.tif"))
    assert read.mode == "L" and pixels(read)[0].tolist() == expected


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_a_tiff_whose_zero_is_white_is_not_a_negative(tmp_path, kind):
    levels = np.linspace(0, np.iinfo(kind).max, 64 * 48).reshape(48, 64).astype(kind)
    tifffile.imwrite(tmp_path / "photo.tif", np.iinfo(kind).max - levels, photometric="miniswhite")
    expected = levels if kind == np.uint8 else levels / 257
    assert np.abs(pixels(read_photo(tmp_path / "photo.tif")) - expected).max() <= 0.51


def test_whole_numbers_of_32_bits_lose_their_last_ones(tmp_path):
    tifffile.imwrite(tmp_path / "photo.tif", np.int32([[0, 2**30, 2**31 - 1]] * 3))
    assert pixels(read_photo(tmp_path / "photo.tif"))[0].tolist() == [0, 128, 255]


def test_rgba_is_laid_on_white(tmp_path):
    rgba = np.dstack([photo("astronaut", 24, 16), np.tile(np.arange(24, dtype=np.uint8) * 11, (16, 1))])
    rgba[:, 12:, 3] = 255
    read = read_photo(saved(tmp_path, rgba))
    alpha = rgba[..., 3:] / 255
    assert read.mode == "RGB"
    assert np.abs(pixels(read) - (rgba[..., :3] * alpha + 255 * (1 - alpha))).max() <= 1
    assert np.array_equal(pixels(read)[:, 12:], rgba[:, 12:, :3]), "opaque pixels are kept to the bit"


def test_la_is_laid_on_white_and_stays_gray(tmp_path):
    gray, alpha = UPRIGHT, np.full(UPRIGHT.shape, 255, np.uint8)
    alpha[:, :5] = 0
    read = read_photo(saved(tmp_path, Image.merge("LA", [Image.fromarray(gray), Image.fromarray(alpha)])))
    assert read.mode == "L"
    assert np.array_equal(pixels(read), np.where(alpha > 0, gray, 255))


def test_a_transparent_palette_color_becomes_white(tmp_path):
    image = Image.fromarray(np.uint8([[0, 1, 2]]), "P")
    image.putpalette([200, 10, 20, 0, 0, 0, 7, 8, 9])
    read = read_photo(saved(tmp_path, image, transparency=1))
    assert pixels(read).tolist() == [[[200, 10, 20], [255, 255, 255], [7, 8, 9]]]


def test_cmyk_jpeg(tmp_path):
    color = photo("chelsea", 64, 48)
    file = saved(tmp_path, Image.fromarray(color).convert("CMYK"), "photo.jpg", quality=95)
    with Image.open(file) as image:
        assert image.mode == "CMYK"
    read = read_photo(file)
    assert read.mode == "RGB" and np.abs(pixels(read) - color).mean() < 5


def test_one_bit_and_gray_stored_as_rgb_become_gray(tmp_path):
    bits = read_photo(saved(tmp_path, UPRIGHT > 100))
    assert bits.mode == "L" and np.array_equal(pixels(bits), (UPRIGHT > 100) * 255)
    gray = read_photo(saved(tmp_path, np.stack([UPRIGHT] * 3, axis=-1)))
    assert gray.mode == "L" and np.array_equal(pixels(gray), UPRIGHT)


@pytest.mark.parametrize("as_source", [str, lambda file: file, Image.open, lambda file: io.BytesIO(file.read_bytes())])
def test_color_keeps_its_pixels_whatever_it_comes_in(tmp_path, as_source):
    color = photo("coffee", 33, 17)
    color[:, :-1] = color[:, :-1, :1]  # gray but for one column
    read = read_photo(as_source(saved(tmp_path, color)))
    assert read.mode == "RGB" and np.array_equal(pixels(read), color)


def test_photos_of_a_folder_are_found_but_hidden_ones_are_not(tmp_path):
    shown = ["a.png", "b.JPG", "sub/c.tif"]
    for name in [*shown, "._a.png", ".thumbnails/a.png", "__MACOSX/sub/c.tif", "sub/notes.txt"]:
        (tmp_path / ".home" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / ".home" / name).touch()
    (tmp_path / ".home" / "folder.png").mkdir()
    other = tmp_path / "other"
    other.mkdir()
    for ending in ("jfif", "JPE", "ppm", "pnm", "dib", "mpo", "j2k", "hif"):
        (other / f"d.{ending}").touch()
        shown.append(f"linked/d.{ending}")
    for link, place in ((".home/linked", other), (".home/linked too", other), ("other/ring", tmp_path / ".home")):
        (tmp_path / link).symlink_to(place)
    assert find_files(tmp_path / ".home") == sorted(tmp_path / ".home" / name for name in shown)


# What is no photo ------------------------------------------------------------------------------


def test_a_photo_over_the_limit_is_refused_and_one_at_the_limit_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(decoding, "MAX_PIXELS", UPRIGHT.size)
    assert read_photo(saved(tmp_path, UPRIGHT)).size == (32, 16)
    file = saved(tmp_path, np.zeros((17, 32), np.uint8))
    for source in (file, Image.open(file)):
        with pytest.raises(PhotoError, match="too large") as error:
            read_photo(source)
        assert is_one_sentence(error.value)


def test_a_limit_above_pillows_own_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", UPRIGHT.size // 3)
    with pytest.raises(Image.DecompressionBombError):
        Image.open(saved(tmp_path, UPRIGHT))
    monkeypatch.setattr(decoding, "MAX_PIXELS", UPRIGHT.size)
    assert read_photo(tmp_path / "photo.png").size == (32, 16)


def test_a_size_that_only_the_header_claims_is_refused_at_once(tmp_path):
    file = saved(tmp_path, UPRIGHT, "photo.bmp")
    data = bytearray(file.read_bytes())
    data[18:26] = np.int32([40_000, 40_000]).tobytes()
    file.write_bytes(data)
    with pytest.raises(PhotoError, match="too large"):
        read_photo(file)


def broken(kind: str, folder):
    if kind == "missing":
        return folder / "photo.png"
    whole = saved(folder, photo("camera", 64, 64)).read_bytes()
    contents = {
        "truncated": whole[: len(whole) // 2],
        "text": b"Dear diary,\ntoday\n",
        "empty": b"",
        "noise": whole[::-1],
    }
    (folder / "photo.png").write_bytes(contents[kind])
    return folder / "photo.png"


@pytest.mark.parametrize("read", [read_photo, lambda source: read_mask(source, (64, 64))])
@pytest.mark.parametrize("kind", ["missing", "truncated", "text", "empty", "noise"])
def test_a_broken_file_is_named_in_one_sentence(tmp_path, kind, read):
    with pytest.raises(PhotoError, match=r"photo\.png") as error:
        read(broken(kind, tmp_path))
    assert is_one_sentence(error.value)


def closed() -> io.BytesIO:
    stream = io.BytesIO(b"")
    stream.close()
    return stream


def opened(content: bytes) -> Image.Image:
    """As a program passes a photo that it has opened and not read."""
    return Image.open(io.BytesIO(content))


def half(image: np.ndarray) -> bytes:
    content = io.BytesIO()
    Image.fromarray(image).save(content, "JPEG")
    return content.getvalue()[: content.tell() // 2]


@pytest.mark.parametrize(
    "source",
    [
        io.BytesIO(b"not a picture"),
        Image.new("L", (0, 5)),
        opened(half(photo("camera", 64, 64))),
        closed(),
        io.StringIO(""),
    ],
)
def test_what_has_no_name_is_refused_too(source):
    with pytest.raises(PhotoError, match=r"^The photo") as error:
        read_photo(source)
    assert is_one_sentence(error.value)


@pytest.mark.parametrize("name", ["a\0b.png", "x" * 5000])
def test_a_name_that_no_file_can_have_is_refused_in_one_sentence(name):
    with pytest.raises(PhotoError) as error:
        read_photo(name)
    assert is_one_sentence(error.value)


# Masks -----------------------------------------------------------------------------------------


def test_a_mask_is_white_above_the_middle(tmp_path):
    grays = np.uint8([[0, 127, 128, 255]])
    assert read_mask(saved(tmp_path, grays), (4, 1)).tolist() == [[False, False, True, True]]
    assert read_mask(saved(tmp_path, grays[:, :2]), (2, 1)).tolist() == [[False, True]], "of two labels"


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_mask_of_two_labels_is_black_and_white(tmp_path, mode):
    labels = Image.fromarray(np.uint8([[0, 1, 1, 0]])).convert(mode)
    deep = saved(tmp_path, np.uint16([[0, 1, 1, 0]]), "deep.png")
    assert read_mask(deep, (4, 1)).tolist() == [[False, True, True, False]]
    assert read_mask(saved(tmp_path, labels), (4, 1)).tolist() == [[False, True, True, False]]
    assert not read_mask(saved(tmp_path, np.zeros((1, 4), np.uint8)), (4, 1)).any()


@pytest.mark.parametrize("kind, shape", [("float32", (8, 9, 3)), ("float16", (8, 9)), ("float64", (8, 9))])
def test_a_tiff_that_is_not_read_is_refused_with_the_true_reason(tmp_path, kind, shape):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros(shape, kind))
    with pytest.raises(PhotoError, match="not as floats") as error:
        read_photo(tmp_path / "a.tif")
    assert is_one_sentence(str(error.value).replace("a.tif", "It"))


def test_anything_that_stands_for_a_path_is_read(tmp_path):
    class Place:
        def __fspath__(self) -> str:
            return str(saved(tmp_path, UPRIGHT))

    assert np.array_equal(pixels(read_photo(Place())), UPRIGHT)


STROKE = np.pad(np.ones((20, 60), bool), ((30, 46), (20, 16)))


@pytest.mark.parametrize("name", ["mask.png", "mask.jpg"])
@pytest.mark.parametrize("soft", [0, 2])
@pytest.mark.parametrize("color", [(255, 0, 0), (0, 0, 255), (60, 60, 60), (255, 255, 0), (40, 0, 90)], ids=str)
def test_a_stroke_of_any_color_on_black_counts(tmp_path, name, soft, color):
    painted = Image.fromarray(np.uint8(color) * STROKE[..., None]).filter(ImageFilter.GaussianBlur(soft))
    mask = read_mask(saved(tmp_path, painted, name, **({"quality": 95} if name == "mask.jpg" else {})), (96, 96))
    assert np.count_nonzero(mask & STROKE) / np.count_nonzero(mask | STROKE) > 0.9


def test_white_on_a_color_and_numbered_regions_count(tmp_path):
    on_blue = np.where(STROKE[..., None], np.uint8([255, 255, 255]), np.uint8([0, 0, 255]))
    assert np.array_equal(read_mask(saved(tmp_path, on_blue), (96, 96)), STROKE)
    blue_on_dim = np.where(STROKE[..., None], np.uint8([0, 0, 255]), np.uint8([127, 0, 0]))  # 127 is not bright yet
    assert np.array_equal(read_mask(saved(tmp_path, blue_on_dim), (96, 96)), STROKE)
    numbered = STROKE.astype(np.uint8) + np.roll(STROKE, 20, axis=0) * np.uint8(5)
    assert np.array_equal(read_mask(saved(tmp_path, numbered), (96, 96)), numbered > 0)


@pytest.mark.parametrize("color", [(255, 255, 255, 255), (255, 51, 102, 255), (0, 0, 0, 255), (0, 0, 0, 1)])
def test_a_mask_painted_on_transparency_counts_in_any_color_with_its_soft_edge(tmp_path, color):
    strokes = np.zeros((4, 6, 4), np.uint8)
    strokes[1, 2:4] = color
    mask = read_mask(saved(tmp_path, strokes), (6, 4))
    assert np.argwhere(mask).tolist() == [[1, 2], [1, 3]]


def test_an_opaque_mask_with_an_alpha_channel_is_white_on_black(tmp_path):
    grays = np.full((1, 3, 4), 255, np.uint8)
    grays[0, :, :3] = [[0], [200], [90]]
    assert read_mask(saved(tmp_path, grays), (3, 1)).tolist() == [[False, True, False]]
    assert not read_mask(saved(tmp_path, np.zeros((1, 3, 4), np.uint8)), (3, 1)).any(), "nothing was painted"


def test_a_mask_of_another_size_names_both_sizes(tmp_path):
    with pytest.raises(PhotoError, match="32 x 16 px, but the photo is 16 x 32") as error:
        read_mask(saved(tmp_path, UPRIGHT), (16, 32))
    assert is_one_sentence(error.value)
