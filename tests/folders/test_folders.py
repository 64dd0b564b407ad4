"""Folders of photos: shared among processes, taken up where a run was left, reported."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from conftest import files, gray_photo, hole, is_one_sentence, photo, pixels, read, save
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from restoration.atomic import part_stem
from restoration.errors import RestorationError
from restoration.files import imaging
from restoration.folders.journal import Journal
from restoration.folders.sharding import Share, own_gpu, own_share
from restoration.inference.prints import Print

ROOT = Path(__file__).parents[2]
DAMAGED = np.where(hole(96, 72, (20, 15, 60, 45)), 93, gray_photo("coffee", 96, 72)).astype(np.uint8)


def folder_of(place: Path, count: int) -> Path:
    """Photos that differ, so that a mix-up shows, in two folders."""
    for i in range(count):
        save(place / f"{i % 2}" / f"photo{i}.png", np.roll(DAMAGED, 3 * i, axis=1))
    return place


def lines(report: Path) -> list[dict]:
    return [json.loads(line) for line in report.read_text().splitlines()]


# Taken up again --------------------------------------------------------------------------------


def test_what_is_done_is_not_done_again_unless_it_is_asked_for(quick, asked, tmp_path):
    source, out = folder_of(tmp_path / "in", 3), tmp_path / "out"
    assert quick("restore", source, out)[0] == 0
    whole = {name: (out / name).read_bytes() for name in files(out)}
    (out / "1" / "photo1.png").unlink()
    asked.clear()
    status, _, err = quick("restore", source, out)
    assert status == 0 and len(asked) == 1 and "2 of 3 photos were already done" in err[0]
    assert [line.split(";")[0] for line in err[1:]] == ["restoration: 1 of 1 photo restored, 1 of them had damage"]
    assert {name: (out / name).read_bytes() for name in files(out)} == whole
    assert quick("restore", source, out)[0] == 0 and len(asked) == 1
    assert quick("restore", source, out, "--overwrite")[0] == 0 and len(asked) == 4


def test_halves_that_a_killed_run_left_are_removed_and_no_other_hidden_file(quick, tmp_path):
    source, out = folder_of(tmp_path / "in", 2), tmp_path / "out"
    half = out / "0" / f"{part_stem(out / '0' / 'photo0.png')}-0123abcd.png"
    for file in (half, out / "0" / ".mine.png", out / "0" / ".mine-2.png"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"half")
    assert quick("restore", source, out)[0] == 0
    assert files(out) == ["0/.mine-2.png", "0/.mine.png", "0/photo0.png", "1/photo1.png"]


def test_a_photo_that_is_added_beside_one_of_its_name_is_not_taken_for_done(quick, asked, tmp_path):
    source, out = tmp_path / "in", tmp_path / "out"
    save(source / "a.tif", DAMAGED), save(source / "b.png", DAMAGED)
    assert quick("restore", source, out)[0] == 0 and files(out) == ["a.png", "b.png"]
    save(source / "a.bmp", 255 - DAMAGED), save(source / "a.bmp.tif", DAMAGED)
    asked.clear()
    assert quick("restore", source, out)[0] == 0 and len(asked) == 3
    assert files(out) == ["a.bmp.png", "a.bmp.tif.png", "a.png", "a.tif.png", "b.png"]
    assert (read(out / "a.tif.png") == read(out / "a.png")).all() and (
        read(out / "a.bmp.png") != read(out / "a.png")
    ).any()


def test_photos_of_one_name_get_the_masks_that_detect_writes(quick, tmp_path):
    source, other = tmp_path / "in", np.roll(DAMAGED, 30, axis=1)
    save(source / "a.tif", DAMAGED), save(source / "a.bmp", other)
    assert quick("detect", source, tmp_path / "mask")[0] == 0
    assert quick("restore", source, tmp_path / "out", "--mask", tmp_path / "mask", "--gray")[0] == 0
    for name, damaged in (("a.tif.png", DAMAGED), ("a.bmp.png", other)):
        assert np.array_equal(read(tmp_path / "out" / name), np.where(read(tmp_path / "mask" / name), 255, damaged))


def test_prints_of_a_scan_that_was_not_finished_are_written_anew(quick, tmp_path, monkeypatch):
    """A folder's run that is killed between a print and its scan; a photo that is named itself is refused."""
    monkeypatch.setattr("restoration.cli.restoring.find_inside_paper", lambda _: [Print.whole((72, 96))])
    source, out = save(tmp_path / "in" / "a.png", DAMAGED), tmp_path / "out"
    (out / "a-1.png").parent.mkdir()
    (out / "a-1.png").write_bytes(b"of the run before")
    status, _, [said] = quick("restore", source, out / "a.png", "--split")
    assert status == 1 and "a-1.png would be overwritten" in said and not (out / "a.png").exists()
    assert quick("restore", source.parent, out, "--split")[0] == 0
    assert np.array_equal(read(out / "a-1.png"), read(out / "a.png"))


def test_a_folder_that_may_not_be_read_is_said(tmp_path, monkeypatch):
    source, scandir = folder_of(tmp_path / "in", 2), os.scandir

    def refusing(place):
        if str(place).endswith("1"):
            raise PermissionError(13, "Permission denied", str(place))
        return scandir(place)

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(imaging.PhotoError, match="permission denied") as error:
        imaging.find_files(source)
    assert is_one_sentence(error.value)


def test_originals_and_masks_are_never_overwritten(quick, tmp_path):
    source, out = folder_of(tmp_path / "in", 2), tmp_path / "out"
    out.mkdir()
    (out / "0").symlink_to(source / "0")
    mask = save(tmp_path / "mask.png", hole(96, 72, (20, 15, 60, 45)))
    masks = [save(tmp_path / "masks" / name, pixels(Image.open(mask)) > 0) for name in ("photo0.png", "0/1/photo1.png")]
    before = {file: file.read_bytes() for file in (*source.rglob("*.png"), mask, *masks)}
    for words in (
        (source, out, "--overwrite"),
        (source, source),
        (source / "0" / "photo0.png", source / "0"),
        (source / "0" / "photo0.png", mask, "--mask", mask),
        (source, tmp_path / "masks", "--mask", tmp_path / "masks", "--overwrite"),
        (source / "0" / "photo0.png", tmp_path / "masks" / "photo0.png", "--mask", tmp_path / "masks", "--overwrite"),
        (source, tmp_path / "masks" / "0", "--mask", tmp_path / "masks", "--overwrite"),
        (source / "0" / "photo0.png", tmp_path / "o.png", "--report", source / "0" / "photo0.png"),
    ):
        status, _, err = quick("restore", *words)
        assert status == 1 and len(err) == 1 and is_one_sentence(err[0].removeprefix("restoration: ")), words
    assert {file: file.read_bytes() for file in before} == before


# Reported --------------------------------------------------------------------------------------


def test_a_report_has_one_line_a_photo_however_often_it_is_taken_up(quick, tmp_path):
    source, out, report = folder_of(tmp_path / "in", 3), tmp_path / "out", tmp_path / "new" / "report.jsonl"
    (source / "0" / "photo2.png").write_bytes(b"no photo")
    assert quick("restore", source, out, "--report", report)[0] == 1
    found = {line["photo"]: line for line in lines(report)}
    assert sorted(found) == ["0/photo0.png", "0/photo2.png", "1/photo1.png"] and len(lines(report)) == 3
    first = found["0/photo0.png"]
    assert (first["width"], first["height"], first["error"], first["notes"]) == (96, 72, None, [])
    assert first["result"] == str(out / "0" / "photo0.png") and 0 < first["seconds"] < 60
    assert first["damaged"] == pytest.approx(40 * 30 / (96 * 72), abs=1e-4)
    assert is_one_sentence(found["0/photo2.png"]["error"]) and "photo2.png" in found["0/photo2.png"]["error"]
    save(source / "0" / "photo2.png", DAMAGED)
    report.write_text(report.read_text() + '{"photo": "0/pho')  # a process that was killed while it wrote
    (out / "1" / "photo1.png").unlink()
    assert quick("restore", source, out, "--report", report)[0] == 0
    last = {line["photo"]: line["error"] for line in lines(report)}
    assert last == dict.fromkeys(found) and [line["photo"] for line in lines(report)].count("0/photo0.png") == 1


def test_a_line_is_there_as_soon_as_its_photo_is_done(tmp_path):
    with closing(Journal(tmp_path / "report.jsonl", Share())) as journal:
        journal.add(photo="a.png")
        assert lines(tmp_path / "report.jsonl") == [{"photo": "a.png"}]


def test_a_report_is_shared_by_photos_that_are_named_one_by_one(quick, tmp_path):
    report = tmp_path / "report.jsonl"
    for name in ("a.png", "b.png", "a.png"):
        source, options = save(tmp_path / name, DAMAGED), ["--report", report, "--overwrite"]
        assert quick("restore", source, tmp_path / "out" / name, *options)[0] == 0
    assert [line["photo"] for line in lines(report)] == ["b.png", "a.png"]


@pytest.mark.parametrize("kept", ["after a line", "within the first line", "within the last line"])
def test_a_photo_whose_process_died_before_it_told_is_told_by_the_next(quick, tmp_path, kept):
    source, report = folder_of(tmp_path / "in", 2), tmp_path / "report.jsonl"
    quick("restore", source, tmp_path / "out", "--report", report)
    text = report.read_text()
    end = {"after a line": text.index("\n") + 1, "within the first line": 30, "within the last line": -30}[kept]
    report.write_text(text[:end])
    assert quick("restore", source, tmp_path / "out", "--report", report)[0] == 0
    assert sorted(line["photo"] for line in lines(report)) == ["0/photo0.png", "1/photo1.png"]


@pytest.mark.parametrize("content", ["Dear diary\n", '{"a": 1}\n', "[1]\n"])
def test_a_file_that_is_no_report_is_not_overwritten(quick, tmp_path, content):
    (tmp_path / "notes.txt").write_text(content)
    source = folder_of(tmp_path / "in", 1)
    status, _, err = quick("restore", source, tmp_path / "out", "--report", tmp_path / "notes.txt")
    assert status == 1 and len(err) == 1 and is_one_sentence(err[0]) and "not a report" in err[0]
    assert (tmp_path / "notes.txt").read_text() == content and not (tmp_path / "out").exists()


# Shared ----------------------------------------------------------------------------------------


@given(st.text(min_size=1).filter(lambda name: "\0" not in name), st.integers(1, 9))
def test_each_name_belongs_to_one_process(name, count):
    assert sum(Share(index, count).has(Path(name)) for index in range(count)) == 1


def test_shares_are_about_equal():
    names = [Path(f"box {i // 100}/scan{i:05}") for i in range(10_000)]
    sizes = [sum(map(Share(index, 8).has, names)) for index in range(8)]
    assert max(sizes) - min(sizes) < 250  # seven standard deviations of a fair draw


def test_the_environment_says_which_share():
    def slurm(number, count, first, last):
        names = ("ID", "COUNT", "MIN", "MAX")
        return {f"SLURM_ARRAY_TASK_{n}": str(v) for n, v in zip(names, (number, count, first, last), strict=True)}

    assert own_share({}) == (0, 1)
    assert own_share({"RANK": "3", "WORLD_SIZE": "4"}) == (3, 4)
    assert [own_share(slurm(number, 3, 5, 9)) for number in (5, 7, 9)] == [(0, 3), (1, 3), (2, 3)]
    both = [
        own_share({**slurm(task, 2, 0, 1), "RANK": str(rank), "WORLD_SIZE": "3"})
        for task in (0, 1)
        for rank in range(3)
    ]
    assert both == [(i, 6) for i in range(6)]
    assert own_share(slurm(4, 1, 4, 4)) == (0, 1)
    with pytest.raises(RestorationError) as error:
        own_share(slurm(7, 3, 1, 8))
    assert is_one_sentence(error.value)


@pytest.mark.parametrize("environment", [
    {"RANK": "x"}, {"WORLD_SIZE": "0"}, {"RANK": "4", "WORLD_SIZE": "4"}, {"SLURM_ARRAY_TASK_ID": "3"},
])  # fmt: skip
def test_an_environment_that_says_nothing_clear_is_one_sentence(environment):
    with pytest.raises(RestorationError) as error:
        own_share(environment)
    assert is_one_sentence(error.value)


def test_a_photo_that_is_named_itself_is_done_by_whoever_is_asked(quick, tmp_path, monkeypatch):
    photo = save(tmp_path / "a.png", DAMAGED)
    monkeypatch.setenv("WORLD_SIZE", "4")
    for rank in range(4):
        monkeypatch.setenv("RANK", str(rank))
        assert quick("restore", photo, tmp_path / f"{rank}.png")[0] == 0 and (tmp_path / f"{rank}.png").exists()


def test_a_broken_photo_does_not_stop_the_processes_beside(quick, tmp_path, monkeypatch):
    """torchrun ends all as soon as one ends with another status than 0."""
    source = folder_of(tmp_path / "in", 2)
    (source / "broken.png").write_bytes(b"no photo")
    status, _, err = quick("restore", source, tmp_path / "alone")
    assert status == 1
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    status, _, under_torchrun = quick("restore", source, tmp_path / "out")
    err = [line.replace("alone", "out") for line in err]
    assert status == 0 and under_torchrun == err and "2 of 3 photos restored" in err[-1]


def test_each_process_of_a_machine_takes_a_gpu_of_its_own():
    assert [own_gpu(4, {"LOCAL_RANK": str(rank)}) for rank in range(6)] == [0, 1, 2, 3, 0, 1] and own_gpu(2, {}) == 0


def test_processes_do_each_photo_once_and_report_beside_each_other(quick, tmp_path, monkeypatch):
    source, out = folder_of(tmp_path / "in", 12), tmp_path / "out"
    (source / "0" / "photo0.bmp").write_bytes(b"no photo")
    monkeypatch.setenv("WORLD_SIZE", "3")
    failed, done = 0, []
    for rank in range(3):
        monkeypatch.setenv("RANK", str(rank))
        before = set(files(out))
        failed += quick("restore", source, out, "--report", tmp_path / "report.jsonl")[0]
        done.append(set(files(out)) - before)
    assert failed == 1 and sum(map(len, done)) == 12 and min(map(len, done)) > 0
    told = [line["photo"] for rank in range(3) for line in lines(tmp_path / f"report.{rank}.jsonl")]
    assert len(told) == len(set(told)) == 13


@pytest.mark.slow
def test_stopped_and_killed_processes_go_on_and_nothing_is_missed_or_done_twice(tmp_path):
    """Two processes with torchrun's environment, both stopped at work: one asked to, one killed. One run beside.

    `benchmarks/folders.py` does the same with the real networks, under torchrun itself.
    """
    source, out = folder_of(tmp_path / "in", 60), tmp_path / "out"

    def start(rank: int, size: int = 2, out: Path = out) -> subprocess.Popen:
        command = [sys.executable, ROOT / "tests" / "helpers" / "quick_restorer.py", "restore", source, out]
        own = {"RANK": str(rank), "WORLD_SIZE": str(size)}
        return subprocess.Popen(list(map(str, command)), env=os.environ | own, stderr=subprocess.PIPE, text=True)

    names = sorted(source.rglob("*.png"))
    own = [
        {str(n.relative_to(source)) for n in names if Share(i, 2).has(n.relative_to(source).with_suffix(""))}
        for i in (0, 1)
    ]
    both = [start(0), start(1)]
    for process, share, how in zip(both, own, (signal.SIGTERM, signal.SIGKILL), strict=True):
        while process.poll() is None and len(share & set(files(out))) < 4:
            time.sleep(0.005)
        process.send_signal(how)
    asked, killed = (process.communicate(timeout=200)[1] for process in both)
    assert (both[0].returncode, both[1].returncode) == (130, -signal.SIGKILL)
    assert asked == "restoration: stopped; finished photos are kept.\n" and killed == ""
    halves = {name for name in files(out) if Path(name).name.startswith(".")}
    before = {name: (out / name).stat().st_mtime_ns for name in set(files(out)) - halves}
    assert 8 <= len(before) < 60 and len(halves) <= 2, "at most what the killed one was writing"
    for process in [start(0), start(1)]:
        told = process.communicate(timeout=200)[1]
        assert process.returncode == 0 and "photos were already done" in told
    assert start(0, 1, tmp_path / "single").wait(200) == 0
    assert files(out) == files(tmp_path / "single") and len(files(out)) == 60
    assert all((out / name).read_bytes() == (tmp_path / "single" / name).read_bytes() for name in files(out))
    assert all((out / name).stat().st_mtime_ns == stamp for name, stamp in before.items()), "done once"


# What scans have -------------------------------------------------------------------------------


def test_restore_carries_what_the_file_had(quick, tmp_path):
    deep = DAMAGED.astype(np.uint16) * 257 + (DAMAGED != 93) * np.arange(96, dtype=np.uint16)
    exif = Image.Exif()
    exif[0x010E], exif[0x0112] = "Grandma, 1931", 3
    turned = Image.fromarray(np.ascontiguousarray(deep[::-1, ::-1]))
    turned.save(tmp_path / "scan.tif", exif=exif, dpi=(600, 600))
    assert quick("restore", tmp_path / "scan.tif", tmp_path / "gray.png", "--gray")[0] == 0
    assert quick("restore", tmp_path / "scan.tif", tmp_path / "color.jpg")[0] == 0
    with Image.open(tmp_path / "gray.png") as gray, Image.open(tmp_path / "color.jpg") as color:
        known = ~hole(96, 72, (20, 15, 60, 45))
        assert gray.mode.startswith("I;16") and np.array_equal(pixels(gray)[known], deep[known])
        assert gray.getexif()[0x010E] == color.getexif()[0x010E] == "Grandma, 1931"
        assert gray.getexif()[0x0112] == 1 and np.allclose(gray.info["dpi"], 600, atol=0.1)
        assert color.info["dpi"] == (600, 600) and color.mode == "RGB"


@pytest.mark.parametrize("is_folder", [False, True])
def test_damage_erased_to_transparency_is_seen_once_it_is_repaired(quick, tmp_path, is_folder):
    erased = hole(96, 72, (20, 15, 60, 45))
    file = save(tmp_path / "in" / "a.png", np.dstack([photo("coffee", 96, 72), 255 * ~erased]).astype(np.uint8))
    assert quick("restore", file.parent if is_folder else file, tmp_path / "out")[0] == 0
    assert (read(tmp_path / "out" / "a.png", "RGBA")[..., 3] == 255).all()


def test_faded_tones_are_stretched_where_that_is_asked_for(quick, tmp_path):
    pale = (100 + gray_photo("coffee", 96, 72) * 0.3).astype(np.uint8)
    for name, asked in (("kept", []), ("fresh", ["--freshen"])):
        quick("restore", save(tmp_path / "a.png", pale), tmp_path / f"{name}.png", "--gray", *asked)
    assert np.array_equal(read(tmp_path / "kept.png"), pale) and np.ptp(read(tmp_path / "fresh.png")) > 240


def test_pages_that_are_left_out_are_named(quick, tmp_path):
    first = Image.fromarray(DAMAGED)
    (tmp_path / "in").mkdir()
    first.save(tmp_path / "in" / "scan.tif", save_all=True, append_images=[first, first])
    status, _, err = quick("restore", tmp_path / "in", tmp_path / "out", "--report", tmp_path / "report.jsonl")
    assert status == 0 and err[:-1] == [f"{tmp_path}/in/scan.tif: Using page 1 of 3."]
    assert lines(tmp_path / "report.jsonl")[0]["notes"] == ["Using page 1 of 3."]
