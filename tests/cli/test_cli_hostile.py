"""The command line among odd names, links, full and read-only disks: one sentence each, and nothing is lost."""

import json
import os
import resource
from contextlib import contextmanager

import numpy as np
import pytest
from conftest import as_nobody, files, gray_photo, hole, is_one_sentence, read, save
from PIL import Image

MASK = hole(96, 72, (20, 15, 60, 45))
DAMAGED = np.where(MASK, 93, gray_photo("coffee", 96, 72)).astype(np.uint8)
ODD = [
    "two\nlines.png",
    "\x1b[31mred.png",
    "祖母 – Großmutter.png",
    "--help.png",
    "a;b|c$(d).png",
    ".png.png",
    "a..png",
    "x" * 251 + ".png",
]


@contextmanager
def disk_of(size: int):
    """No file grows beyond this many bytes: writing fails as on a full disk, at the same places."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


# Names -----------------------------------------------------------------------------------------


def test_photos_of_any_name_are_restored_beside_each_other(quick, tmp_path):
    names = [name for name in ODD if not name.startswith(".")]
    for name in names:
        save(tmp_path / "in" / name, DAMAGED)
    (tmp_path / "in" / os.fsdecode(b"\xff\xfe.png")).write_bytes((tmp_path / "in" / names[0]).read_bytes())
    status, _, err = quick("restore", tmp_path / "in", tmp_path / "out", "--report", tmp_path / "report.jsonl")
    assert status == 0 and len(err) == 1 and f"{len(names) + 1} of {len(names) + 1} photos restored" in err[0]
    assert files(tmp_path / "out") == sorted([*names, os.fsdecode(b"\xff\xfe.png")])
    told = [json.loads(line) for line in (tmp_path / "report.jsonl").read_text().splitlines()]
    assert sorted(line["photo"] for line in told) == files(tmp_path / "out")


@pytest.mark.parametrize(
    "words",
    [["", "out.png"], ["in.png", ""], ["in.png", "out.png", "--mask", ""], ["in.png", "o.png", "--weights", ""]],
)
def test_an_empty_name_as_of_an_unset_variable_is_no_folder(quick, tmp_path, monkeypatch, words):
    """As a path it would be the folder that one is in, with all photos below."""
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "in.png", DAMAGED)
    with pytest.raises(SystemExit) as error:
        quick("restore", *words)
    assert error.value.code == 2 and files(tmp_path) == ["in.png"]


def test_weights_of_an_odd_name_are_named_on_one_line(quick, tmp_path):
    status, _, err = quick("export", tmp_path / "out", "--weights", "a\nb")
    assert status == 1 and len(err) == 1 and is_one_sentence(err[0])


@pytest.mark.parametrize("name", ["two\nlines.png", "\x1b[31mred.png", os.fsdecode(b"\xff.png")])
def test_a_broken_photo_of_an_odd_name_is_named_on_one_line(quick, tmp_path, name):
    save(tmp_path / "in" / "whole.png", DAMAGED)
    (tmp_path / "in" / name).write_bytes(b"no photo")
    (tmp_path / "single").mkdir()
    status, _, err = quick("restore", tmp_path / "in", tmp_path / "out")
    assert status == 1 and len(err) == 2 and "not a readable image" in err[0] and all(map(is_one_sentence, err))
    assert "\x1b" not in err[0] and files(tmp_path / "out") == ["whole.png"]
    status, _, err = quick("restore", tmp_path / "in" / name, tmp_path / "single" / name)
    assert status == 1 and len(err) == 1 and files(tmp_path / "single") == []
    status, _, err = quick("restore", tmp_path / "in" / "whole.png", tmp_path / "whole.png" / name)
    assert status == 0 or (len(err) == 1 and "\x1b" not in err[0])


def test_a_path_through_the_folder_above_stays_where_it_leads(quick, tmp_path, monkeypatch):
    save(tmp_path / "in" / "a.png", DAMAGED)
    (tmp_path / "in" / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "in" / "sub")
    assert quick("restore", "../a.png", "../../out/a.png")[0] == 0
    assert quick("restore", "..", "../../all")[0] == 0
    assert files(tmp_path) == ["all/a.png", "in/a.png", "out/a.png"]


# Links -----------------------------------------------------------------------------------------


def test_links_are_read_through_and_never_written_through(quick, tmp_path):
    precious = save(tmp_path / "elsewhere" / "a.png", DAMAGED)
    before = precious.read_bytes()
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").symlink_to(precious)
    (tmp_path / "in" / "dangling.png").symlink_to(tmp_path / "nowhere.png")
    (tmp_path / "in" / "loop.png").symlink_to(tmp_path / "in" / "loop.png")
    (tmp_path / "in" / "round").symlink_to(tmp_path / "in")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.png").symlink_to(precious)
    assert quick("restore", tmp_path / "in", tmp_path / "out", "--overwrite")[0] == 0
    assert precious.read_bytes() == before and not (tmp_path / "out" / "a.png").is_symlink()
    (tmp_path / "out.png").symlink_to(precious)
    status, _, err = quick("restore", tmp_path / "in" / "a.png", tmp_path / "out.png")
    assert precious.read_bytes() == before
    assert status == 1 and "is the input file itself" in err[0], "the same file by two names"
    assert quick("restore", tmp_path / "in" / "loop.png", tmp_path / "b.png")[0] == 1


# Disks -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", [".png", ".jpg", ".tif", ".webp", ".bmp"])
def test_a_full_disk_keeps_the_old_result_and_leaves_no_half(quick, tmp_path, ending):
    source, out = save(tmp_path / "a.png", DAMAGED), tmp_path / "out" / f"a{ending}"
    out.parent.mkdir()
    out.write_bytes(b"before")
    with disk_of(1000):
        status, _, err = quick("restore", source, out, "--overwrite")
    assert status == 1 and len(err) == 1 and is_one_sentence(err[0]) and f"a{ending} cannot be written" in err[0]
    assert files(out.parent) == [out.name] and out.read_bytes() == b"before"


def test_a_disk_that_fills_up_within_a_folder_is_told_and_later_taken_up(quick, tmp_path):
    save(tmp_path / "in" / "a.png", np.full((8, 8), 100, np.uint8))
    save(tmp_path / "in" / "b.png", DAMAGED)
    with disk_of(1000):
        status, _, err = quick("restore", tmp_path / "in", tmp_path / "out")
    assert status == 1 and files(tmp_path / "out") == ["a.png"]
    assert [line for line in err if "b.png cannot be written" in line] and all(map(is_one_sentence, err))
    status, _, err = quick("restore", tmp_path / "in", tmp_path / "out")
    assert status == 0 and "1 of 2 photos were already done" in err[0]
    assert files(tmp_path / "out") == ["a.png", "b.png"]


def test_a_report_on_a_full_disk_stops_the_run_with_a_sentence(quick, tmp_path):
    for name in "abc":
        save(tmp_path / "in" / f"{name}.png", np.full((8, 8), 100, np.uint8))
    with disk_of(300):
        status, _, err = quick("restore", tmp_path / "in", tmp_path / "out", "--report", tmp_path / "report.jsonl")
    assert status == 1 and is_one_sentence(err[-1]) and "large" in err[-1]
    assert quick("restore", tmp_path / "in", tmp_path / "out", "--report", tmp_path / "report.jsonl")[0] == 0
    told = [json.loads(line)["photo"] for line in (tmp_path / "report.jsonl").read_text().splitlines()]
    assert sorted(told) == ["a.png", "b.png", "c.png"]


def test_a_read_only_disk_is_named(quick, tmp_path):
    source, out = save(tmp_path / "a.png", DAMAGED), tmp_path / "out"
    out.mkdir()
    out.chmod(0o555)
    with as_nobody(tmp_path):
        for target in (out / "a.png", out / "new" / "a.png", out / "new"):
            status, _, err = quick("restore", source, target)
            assert status == 1 and len(err) == 1 and is_one_sentence(err[0]) and "Permission denied" in err[0]
        status, _, err = quick("restore", source.parent, out / "all", "--report", out / "report.jsonl")
        assert status == 1 and len(err) == 1 and is_one_sentence(err[0])
    assert files(out) == []


# Photos and masks ------------------------------------------------------------------------------


def test_masks_that_leave_nothing_or_everything(run, tmp_path):
    source = save(tmp_path / "a.png", DAMAGED)
    everything, nothing = save(tmp_path / "all.png", MASK | True), save(tmp_path / "none.png", MASK & False)
    status, _, err = run("restore", source, tmp_path / "out.png", "--mask", everything)
    assert status == 1 and len(err) == 1 and is_one_sentence(err[0]) and not (tmp_path / "out.png").exists()
    assert run("restore", source, tmp_path / "out.png", "--mask", nothing)[0] == 0
    assert np.array_equal(read(tmp_path / "out.png", "L"), DAMAGED)
    status, _, err = run("restore", source, tmp_path / "b.png", "--mask", save(tmp_path / "small.png", MASK[:9]))
    assert status == 1 and "96 x 9 px" in err[0] and is_one_sentence(err[0])


def test_levels_that_are_no_numbers(quick, tmp_path):
    levels = DAMAGED.astype(np.float32) / 255
    levels[3:9, 4:30], levels[0, 0], levels[0, 1] = np.nan, np.inf, -np.inf
    Image.fromarray(levels).save(tmp_path / "a.tif")
    assert quick("restore", tmp_path / "a.tif", tmp_path / "a.png")[0] == 0
    known = ~MASK & np.isfinite(levels)
    known[2:10, 3:31] = False
    assert np.array_equal(read(tmp_path / "a.png", "L")[known], DAMAGED[known])


@pytest.mark.parametrize("pixels", ["0", "-1", "1e6", "many", ""])
def test_a_limit_that_is_none_is_refused(quick, tmp_path, pixels, capsys):
    with pytest.raises(SystemExit) as error:
        quick("restore", tmp_path, tmp_path / "out", "--max-pixels", pixels)
    assert error.value.code == 2 and "not a number of pixels" in capsys.readouterr().err


def test_the_limit_can_be_set(quick, tmp_path, monkeypatch):
    from restoration.files import decoding

    monkeypatch.setattr(decoding, "MAX_PIXELS", decoding.MAX_PIXELS)
    source = save(tmp_path / "a.png", DAMAGED)
    for limit in (1, 96 * 72 - 1):
        status, _, err = quick("restore", source, tmp_path / "b.png", "--max-pixels", limit)
        assert status == 1 and "too large" in err[0]
    assert quick("restore", source, tmp_path / "b.png", "--max-pixels", 96 * 72)[0] == 0
