"""What attackers and bad disks send: bombs, devices, names that lie, formats that run other programs."""

import io
import os
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from conftest import as_nobody, is_one_sentence, pixels
from PIL import Image

from restoration.files import decoding
from restoration.files.imaging import PhotoError, printable, read_hints, read_mask, read_photo, read_scan

ROOT = Path(__file__).parents[2]
SECONDS, MEGABYTES = 5, 400  # that a hostile file of a few kilobytes may cost at the most


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, data: bytes, beside: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + beside + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def zeros(count: int) -> bytes:
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(count >> 20)) + packer.flush()


def repeated_scan(size: int, scans: int, progressive: bool) -> bytes:
    content = io.BytesIO()
    Image.new("L", (size, size)).save(content, "JPEG", progressive=progressive)
    whole = content.getvalue()
    start, end = whole.rindex(b"\xff\xda"), whole.rindex(b"\xff\xd9")
    scan = whole[start:end] if progressive else whole[start : start + 12]  # a baseline one may even lack its pixels
    return whole[:end] + scan * scans + whole[end:]


def tiff(*directories: dict[int, int], loop: bool = False) -> bytes:
    out = bytearray(b"II*\0" + struct.pack("<I", 8))
    for number, tags in enumerate(directories):
        following = len(out) + 6 + 12 * len(tags)
        last = number == len(directories) - 1
        out += struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", t, 4, 1, v) for t, v in tags.items())
        out += struct.pack("<I", (8 if loop else 0) if last else following)
    return bytes(out) + bytes(2000)


PAGE = {256: 1, 257: 1, 258: 8, 259: 1, 262: 1, 273: 4, 277: 1, 278: 1, 279: 1}
TILED = {256: 16, 257: 16, 258: 8, 259: 5, 262: 1, 277: 1, 322: 30_000, 323: 30_000, 324: 8, 325: 1000}
GIF = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + bytes(6)
FRAME = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
BOMBS = {
    "a PNG that claims to be larger": lambda: png(60_000, 60_000, zlib.compress(b"0")),
    "a PNG at the limit, of zeros": lambda: png(10_000, 10_000, zeros(10_001 * 10_000)),
    "a text that unpacks to 130 MB": lambda: png(
        1, 1, zlib.compress(b"\0\0"), chunk(b"zTXt", b"a\0\0" + zeros(1 << 27))
    ),
    "a profile that unpacks to 130 MB": lambda: png(
        1, 1, zlib.compress(b"\0\0"), chunk(b"iCCP", b"a\0\0" + zeros(1 << 27))
    ),
    "130 MB of pixels for one": lambda: png(1, 1, zeros(1 << 27)),
    "a JPEG of 100 passes over 100 megapixels": lambda: repeated_scan(10_000, 100, progressive=True),
    "the same, not progressive": lambda: repeated_scan(10_000, 2_000, progressive=False),
    "a TIFF of 20,000 pages": lambda: tiff(*[PAGE] * 20_000),
    "a TIFF whose last page is its first": lambda: tiff(PAGE, PAGE, loop=True),
    "a TIFF with a tile of 30,000 x 30,000": lambda: tiff(TILED),
    "a GIF of a million frames": lambda: GIF + FRAME * 1_000_000 + b";",
}


@pytest.mark.slow
@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_a_bomb_costs_seconds_and_little_memory(tmp_path, bomb):
    """In a process of its own, whose peak of memory is its own."""
    (tmp_path / "bomb").write_bytes(bomb())
    code = (
        "import sys, time, resource; from restoration.files import imaging\n"
        "def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024\n"
        "before, began = peak(), time.process_time()\n"
        "try: imaging.read_scan(sys.argv[1])\n"
        "except imaging.PhotoError as error: assert str(error).count('.') == 1\n"
        "print(time.process_time() - began, peak() - before)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "bomb")]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=100, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    assert done.returncode == 0, done.stderr
    seconds, megabytes = map(float, done.stdout.split())
    assert seconds < SECONDS and megabytes < MEGABYTES, (seconds, megabytes)


def refused(source, read=read_scan) -> str:
    with pytest.raises(PhotoError) as error:
        read(source)
    assert is_one_sentence(error.value)
    return str(error.value)


def test_a_file_over_the_limit_of_bytes_is_not_read(tmp_path, monkeypatch):
    content = png(4, 4, zlib.compress(bytes(20)))
    monkeypatch.setattr(decoding, "MAX_BYTES", len(content))
    assert read_photo(io.BytesIO(content)).size == (4, 4)
    assert "too large" in refused(io.BytesIO(content + b"\0"))


def test_a_pipe_is_not_waited_for_and_a_device_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    began = time.monotonic()
    for source in (tmp_path / "pipe.png", "/dev/zero", tmp_path):
        assert "is not a regular file" in refused(source)
    assert time.monotonic() - began < 2


def test_formats_that_run_programs_or_are_no_photos_are_refused(tmp_path):
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n(touch) run\n%%EOF\n"
    psd = io.BytesIO()
    Image.new("L", (4, 4)).save(psd, "PCX")
    for content in (
        eps,
        psd.getvalue(),
        b"%PDF-1.4\n",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"PK\3\4" + bytes(40),
    ):
        assert "is not a readable image" in refused(io.BytesIO(content))


def test_a_wrong_extension_does_not_matter(tmp_path):
    Image.fromarray(np.full((3, 5), 77, np.uint8)).save(tmp_path / "photo", "PNG")
    for ending in (".jpg", ".tiff", ".heic", ".txt", ""):
        (tmp_path / "photo").rename(tmp_path / f"again{ending}")
        assert pixels(read_photo(tmp_path / f"again{ending}")).tolist() == [[77] * 5] * 3
        (tmp_path / f"again{ending}").rename(tmp_path / "photo")


def test_a_photo_that_may_not_be_read_is_named(tmp_path):
    file = tmp_path / "photo.png"
    file.write_bytes(png(4, 4, zlib.compress(bytes(20))))
    file.chmod(0)
    with as_nobody(tmp_path):
        assert "permission" in refused(file)


@pytest.mark.parametrize("kind", ["RGB", "L", "CMYK", "LAB", "I;16", "F", "I", "P", "1", "LA", "RGBA"])
def test_masks_and_hints_of_every_kind_are_read(kind, tmp_path):
    """Whatever a mask or a hint image is made of: an answer, or a sentence."""
    levels = np.full((6, 8), 255, np.uint8)
    if kind in ("I;16", "F", "I"):
        image = Image.fromarray(levels.astype({"I;16": np.uint16, "F": np.float32, "I": np.int32}[kind]) * 257)
    elif kind in ("CMYK", "LAB"):
        white = {"CMYK": 0, "LAB": 255}[kind]
        image = Image.merge(kind, [Image.new("L", (8, 6), white)] + [Image.new("L", (8, 6), 0)] * (len(kind) - 1))
    else:
        image = Image.fromarray(levels).convert(kind)
    image.save(tmp_path / "mask.tif")
    assert read_mask(tmp_path / "mask.tif", (8, 6)).all()
    if kind in ("LA", "RGBA"):
        assert read_hints(tmp_path / "mask.tif", (8, 6)).shape == (6, 8, 4)
    else:
        assert "alpha" in refused(tmp_path / "mask.tif", lambda file: read_hints(file, (8, 6)))
    assert read_photo(tmp_path / "mask.tif").size == (8, 6)


def test_a_name_is_shown_on_one_line():
    assert printable(Path("a\nb\x1b[31m.png")) == r"a\nb\x1b[31m.png"
    assert printable("Großmutter 祖母.png") == "Großmutter 祖母.png"
    assert printable(os.fsdecode(b"\xff.png")).isascii()


def test_memory_that_is_not_there_is_said_so(monkeypatch):
    def load(image):
        raise MemoryError

    content = png(4, 4, zlib.compress(bytes(20)))
    from PIL import PngImagePlugin

    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", load)
    assert "memory" in refused(io.BytesIO(content))


def test_the_limit_of_open_files_is_not_reached(tmp_path):
    """A folder of a million broken files leaves none of them open."""
    (tmp_path / "broken.png").write_bytes(png(40, 40, zlib.compress(b"0")))
    (tmp_path / "whole.tif").write_bytes(tiff(PAGE, PAGE))
    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    for _ in range(50):
        refused(tmp_path / "broken.png")
        read_scan(tmp_path / "whole.tif")
    assert not before or len(os.listdir("/proc/self/fd")) <= before + 2
