"""The limits are those that docs/files.md promises, and what lies beyond one is told without a warning or a crash."""

import io
import re
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from PIL import Image
from PIL.ExifTags import IFD
from test_imaging_hostile import TILED, png, tiff

from restoration.files import decoding, exif, profiles
from restoration.files.imaging import PhotoError, claimed_pixels, read_photo

ROOT = Path(__file__).parents[2]
SIZES = {"million": 10**6, "billion": 10**9, "MiB": 2**20, "GiB": 2**30}


def test_the_limits_are_those_of_the_documentation():
    rows = re.findall(r"\| `(\w+)\.(\w+)`.*? \| ([\d.,]+)(?: (\w+))? \|", (ROOT / "docs" / "files.md").read_text())
    modules = {"decoding": decoding, "exif": exif, "profiles": profiles}
    assert len(rows) == 7
    for module, name, number, unit in rows:
        promised, own = float(number.replace(",", "")) * SIZES.get(unit, 1), getattr(modules[module], name)
        assert own == pytest.approx(promised, rel=0.05), name  # 4 million stands for 2 ** 22


@pytest.mark.parametrize("side", [12_000, 60_000])
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_what_a_file_claims_is_told(tmp_path, side):
    """Pillow warns above its own limit and raises above twice that; ours lies between."""
    (tmp_path / "large.png").write_bytes(png(side, side, zlib.compress(b"0")))
    assert claimed_pixels(tmp_path / "large.png") >= side**2
    with pytest.raises(PhotoError, match="limit is 120 megapixels"):
        read_photo(tmp_path / "large.png")


def test_a_command_tells_of_a_large_photo_and_of_broken_exif_without_a_warning_of_pillows(tmp_path):
    (tmp_path / "large.png").write_bytes(png(12_000, 12_000, zlib.compress(b"0")))
    directory = b"II*\0" + struct.pack("<IHHHIII", 8, 1, IFD.Exif, 4, 1, 30, 0) + struct.pack("<H", 9)  # of nine, none
    Image.new("L", (40, 40)).save(tmp_path / "odd.jpg", exif=b"Exif\0\0" + directory)
    command = [sys.executable, "-m", "restoration", "detect", str(tmp_path), str(tmp_path / "masks")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert (tmp_path / "masks" / "odd.png").exists() and "limit is 120 megapixels" in done.stderr
    assert "Warning" not in done.stderr


def test_without_pi_heif_a_heic_file_is_told_from_a_broken_one_and_an_odd_tiff(tmp_path):
    (tmp_path / "broken.heic").write_bytes(b"nothing that is a photo")
    (tmp_path / "odd.tif").write_bytes(b"II*\0 and nothing that Pillow knows")
    code = f"""
import sys
sys.modules["pi_heif"] = None
from restoration.files import decoding
for file in {[str(ROOT / "tests" / "files" / "photo.heic"), *map(str, sorted(tmp_path.iterdir()))]!r}:
    try:
        decoding.decode(file)
    except decoding.PhotoError as error:
        print(decoding.HAS_HEIF, "pip install pi-heif" in str(error), "kind of TIFF" in str(error))"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines() == ["False True False", "False False False", "False False True"]


@pytest.mark.parametrize("width, height, is_refused", [(4000, 1000, False), (4000, 1100, True), (1100, 4000, True)])
def test_tiles_may_be_larger_than_their_photo_up_to_the_limit(width, height, is_refused):
    with pytest.raises(PhotoError) as error:  # none of them holds any pixels
        read_photo(io.BytesIO(tiff(TILED | {322: width, 323: height})))
    assert ("tiles far larger" in str(error.value)) == is_refused
