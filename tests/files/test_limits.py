"""The limits are those that docs/files.md promises, and what lies beyond one is told without a warning or a crash."""

import io
import re
import subprocess
import sys
import warnings
import zlib
from contextlib import ExitStack
from pathlib import Path

import pytest
from test_imaging_hostile import TILED, png, tiff

from restoration.files import decoding, exif, profiles
from restoration.files.imaging import PhotoError, claimed_pixels, read_photo
from restoration.files.quiet import without_warnings

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
def test_what_a_file_claims_is_told_without_a_warning(tmp_path, side):
    """Pillow warns above its own limit and raises above twice that; ours lies between."""
    (tmp_path / "large.png").write_bytes(png(side, side, zlib.compress(b"0")))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert claimed_pixels(tmp_path / "large.png") >= side**2
        with pytest.raises(PhotoError, match="limit is 120 megapixels"):
            read_photo(tmp_path / "large.png")


def test_warnings_are_back_when_the_last_of_several_threads_is_done():
    """`warnings.catch_warnings` in the same order leaves the second one's filters behind for good."""
    before = warnings.filters[:]
    first, second = ExitStack(), ExitStack()
    for thread in (first, second):
        thread.enter_context(without_warnings)
    first.close()
    with warnings.catch_warnings(record=True) as told:
        warnings.warn("while the second thread reads", stacklevel=1)
    second.close()
    assert not told and warnings.filters == before


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
