"""Results on their way into files: every level kept, never half a file, never another one's place."""

import numpy as np
import pytest
from conftest import files, is_one_sentence, photo, pixels
from PIL import Image

from restoration.files.imaging import PhotoError, read_photo, write_photo

GRAY = np.kron(np.uint8([[10, 80], [150, 220]]), np.ones((8, 16), np.uint8))


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp", ".webp", ".PNG"])
def test_what_is_written_is_read_back(tmp_path, suffix):
    color = photo("coffee", 20, 10)
    file = tmp_path / "new" / f"photo{suffix}"
    write_photo(Image.fromarray(color), file)
    assert files(tmp_path) == [f"new/photo{suffix}"]
    assert np.array_equal(pixels(read_photo(file)), color)


def test_jpeg_is_written_well(tmp_path):
    gray = photo("camera", 96, 96)
    write_photo(Image.fromarray(gray), tmp_path / "photo.jpg")
    assert np.abs(pixels(read_photo(tmp_path / "photo.jpg")) - gray).mean() < 2


@pytest.mark.parametrize(("suffix", "most"), [(".jpg", 65_500), (".webp", 16_383)])
def test_a_photo_too_long_for_a_format_is_refused_with_a_way_out(tmp_path, suffix, most):
    write_photo(Image.new("L", (most, 1)), tmp_path / f"long{suffix}")
    with pytest.raises(PhotoError, match=rf"{most} pixels per side; use \.png\.") as error:
        write_photo(Image.new("L", (1, most + 1)), tmp_path / f"longer{suffix}")
    assert is_one_sentence(str(error.value).replace(".png.", "").replace(suffix, "") + ".")
    assert files(tmp_path) == [f"long{suffix}"]


def test_only_the_named_file_is_replaced(tmp_path):
    for name in ("photo.png", "photo.jpg", "other.png"):
        (tmp_path / name).write_bytes(b"before")
    write_photo(Image.fromarray(GRAY), tmp_path / "photo.png")
    assert files(tmp_path) == ["other.png", "photo.jpg", "photo.png"]
    assert (tmp_path / "other.png").read_bytes() == (tmp_path / "photo.jpg").read_bytes() == b"before"
    assert np.array_equal(pixels(read_photo(tmp_path / "photo.png")), GRAY)


@pytest.mark.parametrize("name", ["photo.xyz", "photo.gif", "photo.pdf", "photo", "file/photo.png", "folder.png"])
def test_where_nothing_can_be_written_one_sentence_and_no_rest_remain(tmp_path, name):
    (tmp_path / "file").write_bytes(b"before")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(PhotoError) as error:
        write_photo(Image.fromarray(GRAY), tmp_path / name)
    assert is_one_sentence(error.value) and (tmp_path / name).name in str(error.value)
    assert files(tmp_path) == ["file"]


def test_a_disk_that_fills_up_leaves_the_old_file(tmp_path, monkeypatch):
    def fill_up(image, file, **options):
        file.write(b"half a fi")
        raise OSError(28, "No space left on device")

    (tmp_path / "photo.png").write_bytes(b"before")
    monkeypatch.setattr(Image.Image, "save", fill_up)
    with pytest.raises(PhotoError, match="No space left on device"):
        write_photo(Image.fromarray(GRAY), tmp_path / "photo.png")
    assert files(tmp_path) == ["photo.png"] and (tmp_path / "photo.png").read_bytes() == b"before"
