"""A short run of the fuzzer, and the cases that once failed."""

import io
from pathlib import Path

import fuzz
import profiles_made
import pytest

from restoration.files.imaging import PhotoError, claimed_pixels, read_scan


def test_a_profile_whose_color_space_is_no_text_is_left_aside():
    """Seeds 7123, 8234, 14959, 17006 of the first version."""
    profile = bytearray(profiles_made.swapped())
    profile[17] = 0xFF
    content = io.BytesIO()
    fuzz.photo("RGB").save(content, "PNG", icc_profile=bytes(profile))
    scan = read_scan(content)
    assert scan.notes == ("Its color profile cannot be used; its colors are read as sRGB.",)
    assert scan.image.tobytes() == fuzz.photo("RGB").tobytes()


def test_a_heic_whose_item_is_no_text_does_not_end_the_process(tmp_path):
    """Seed 3173: one bit of `Exif`, and pi-heif 1.4 crashed."""
    content = (Path(__file__).parent / "photo.heic").read_bytes()
    broken = content.replace(b"Exif", b"E\xffif", 1)
    assert broken != content and read_scan(io.BytesIO(content)).image.size == (64, 32)
    with pytest.raises(PhotoError):
        read_scan(io.BytesIO(broken))
    (tmp_path / "broken.heic").write_bytes(broken)
    assert claimed_pixels(tmp_path / "broken.heic") == 0, "what the page asks before it reads"


@pytest.mark.slow
def test_mutated_files_are_read_or_refused():
    """`make fuzz` tries 10,000 of them."""
    found = fuzz.watched(range(500))
    assert [each for each in found if each["fault"]] == []
    assert {each["seed"] for each in found} == set(range(500))
    outcomes = [each["outcome"] for each in found]
    assert min(outcomes.count("read"), outcomes.count("refused")) > 50, "neither all whole nor all broken"
    assert max(each["MB"] for each in found) < fuzz.MEGABYTES


def test_a_case_is_its_seed():
    import random

    assert [fuzz.mutated(random.Random(seed)) for seed in range(40)] == [
        fuzz.mutated(random.Random(seed)) for seed in range(40)
    ]
    assert len({fuzz.mutated(random.Random(seed)) for seed in range(40)}) == 40


@pytest.mark.slow
@pytest.mark.parametrize("fault, outcome", [("traceback", "traceback"), ("hang", "hang"), ("crash", "crash")])
def test_faults_are_found(monkeypatch, tmp_path, fault, outcome):
    """The fuzzer itself: a worker that raises, hangs or dies at one case is told, and the other cases are tried."""
    wrong = {"traceback": "raise KeyError", "hang": "time.sleep(99)", "crash": "os.abort()"}[fault]
    script = tmp_path / "worker.py"
    script.write_text(
        f"import os, sys, time; sys.path.insert(0, {str(fuzz.__file__).rsplit('/', 1)[0]!r}); import fuzz\n"
        f"def try_case(seed):\n    if seed == 3: {wrong}\n    return 'read'\n"
        "fuzz.try_case = try_case\nfuzz.work(range(*map(int, sys.argv[2:])))"
    )
    monkeypatch.setattr(fuzz, "__file__", str(script))
    monkeypatch.setattr(fuzz, "SECONDS", 1.0)
    found = {each["seed"]: each for each in fuzz.watched(range(6))}
    assert sorted(found) == list(range(6)) and found[3]["outcome"] == outcome and found[3]["fault"]
    assert all(found[seed]["outcome"] == "read" for seed in (0, 1, 2, 4, 5))
