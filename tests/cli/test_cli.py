"""The command line as its users type it: restore and detect, and the process."""

import argparse
import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path
from unicodedata import normalize

import numpy as np
import PIL
import pytest
from conftest import files, gray_photo, hole, is_one_sentence, photo, pixels, read, save

import restoration
from restoration import Restorer
from restoration.cli.arguments import parser
from restoration.files import imaging
from restoration.inference.damage import WHOLE

ROOT = Path(__file__).parents[2]
MASK = hole(96, 72, (20, 15, 60, 45))
DAMAGED = np.where(MASK, 93, gray_photo("coffee", 96, 72)).astype(np.uint8)


# restore and detect ----------------------------------------------------------------------------


def test_the_written_photo_is_the_restorers(run, restorer, weights, tmp_path):
    from restoration import Restorer

    photo = save(tmp_path / "photo.png", DAMAGED)
    run("restore", photo, tmp_path / "color.png")
    run("restore", photo, tmp_path / "gray.png", "--gray")
    run("detect", photo, tmp_path / "mask.png")
    expected = Restorer.from_pretrained(weights).restore(DAMAGED)
    for name, image in [("color", expected.image), ("gray", expected.gray), ("mask", expected.mask)]:
        assert np.array_equal(read(tmp_path / f"{name}.png"), pixels(image))
    assert np.array_equal(read(tmp_path / "mask.png"), MASK * 255)


def test_restore_a_folder_with_masks_of_the_same_stems(quick, tmp_path):
    """The masks are where `damage` puts them, and each is another: a mix-up would show."""
    holes = {"a.png": (5, 5, 25, 30), "sub/a.jpg": (40, 10, 70, 40), "sub/b.tif": (60, 40, 90, 70)}
    for name, box in holes.items():
        save(tmp_path / "in" / name, DAMAGED)
        save((tmp_path / "mask" / name).with_suffix(".png"), hole(96, 72, box))
    (tmp_path / "in" / "notes.txt").write_text("no photo")
    status, _, err = quick("restore", tmp_path / "in", tmp_path / "out", "--mask", tmp_path / "mask")
    told = f"restoration: 3 of 3 photos restored, 3 of them had damage; the results are in {tmp_path / 'out'}."
    assert (status, err) == (0, [told])
    assert files(tmp_path / "out") == ["a.png", "sub/a.png", "sub/b.png"]
    for name, box in holes.items():
        mask, before = hole(96, 72, box), read(tmp_path / "in" / name, "L")
        after = read((tmp_path / "out" / name).with_suffix(".png"), "L")
        assert np.array_equal(after[~mask], before[~mask])
        assert np.mean(after[mask] != before[mask]) > 0.9


@pytest.mark.slow
def test_a_higher_sensitivity_finds_more_and_it_is_said(run, tmp_path, monkeypatch):
    doubtful = hole(90, 60, (10, 10, 40, 14))
    logits = np.where(doubtful, WHOLE[2].seed + 0.1, -6).astype(np.float32)
    monkeypatch.setattr("restoration.inference.detection.damage_logits", lambda *_: logits[None])
    save(tmp_path / "in.png", gray_photo("coffee", 90, 60))
    share = f"{100 * doubtful.mean():.3g}% of the photo"
    for sensitivity, found, said in (
        (0, False, "no damage was found; --sensitivity 1 may find more."),
        (1, False, "no damage was found; --sensitivity 2 may find more."),
        (2, doubtful, f"found 1 mark, {share}; --sensitivity 3 may find more."),
        (3, doubtful, f"found 1 mark, {share}."),
    ):
        options = "--sensitivity", sensitivity, "--overwrite"
        status, _, err = run("detect", tmp_path / "in.png", tmp_path / "mask.png", *options)
        assert status == 0 and np.array_equal(read(tmp_path / "mask.png") > 0, doubtful & found)
        assert err[0].endswith(f"in.png: {said}") and err[1] == f"restoration: wrote {tmp_path / 'mask.png'}."
        assert ["faces" in line for line in err[2:]] == [True] * (sensitivity > 1), "half of it may be none"
    run("restore", tmp_path / "in.png", tmp_path / "out.png", "--gray", "--sensitivity", 2)
    changed = read(tmp_path / "out.png") != read(tmp_path / "in.png")
    assert changed.any() and not (changed & ~doubtful).any()


@pytest.mark.slow
def test_the_fill_is_smooth_where_it_is_asked_for(run, weights, tmp_path):
    restorer = Restorer.from_pretrained(weights, "cpu")
    gray, mask = gray_photo("camera", 200, 200), hole(200, 200, (60, 120, 120, 180))
    files = (
        save(tmp_path / "in.png", gray),
        tmp_path / "out.png",
        "--gray",
        "--overwrite",
        "--mask",
        save(tmp_path / "mask.png", mask),
    )
    for words, fill in ((), "textured"), (("--fill", "smooth"), "smooth"):
        assert run("restore", *files, *words)[0] == 0
        assert np.array_equal(read(tmp_path / "out.png"), pixels(restorer.repair(gray, mask, fill=fill).gray))


def test_a_photo_without_damage_is_colored(run, tmp_path):
    whole, out = gray_photo("coffee", 96, 72), tmp_path / "v1.0"
    out.mkdir()  # a folder, though its name looks like a file's
    assert run("restore", save(tmp_path / "photo.bmp", whole), out)[0] == 0
    assert np.array_equal(read(out / "photo.png", "L"), whole)
    assert np.ptp(read(out / "photo.png"), axis=2).max() > 20


def test_recolor_takes_a_color_photo_for_a_gray_one(run, tmp_path):
    color = photo("chelsea", 96, 72)
    source = save(tmp_path / "photo.png", color)
    run("restore", source, tmp_path / "kept.png")
    run("restore", source, tmp_path / "new.png", "--recolor")
    assert np.array_equal(read(tmp_path / "kept.png"), color)
    assert np.array_equal(read(tmp_path / "new.png", "L"), read(source, "L"))
    assert np.abs(read(tmp_path / "new.png") - color).mean() > 5


def test_one_bad_photo_does_not_stop_the_others(quick, tmp_path):
    for name in ("a.png", "c.png"):
        save(tmp_path / "in" / name, DAMAGED)
    (tmp_path / "in" / "b.png").write_bytes(b"not a photo")
    status, out, err = quick("restore", tmp_path / "in", tmp_path / "out")
    assert status == 1 and out == []
    assert files(tmp_path / "out") == ["a.png", "c.png"]
    photo = tmp_path / "in" / "b.png"
    assert err == [
        f"restoration: {photo} is not a readable image file.",
        f"restoration: 2 of 3 photos restored, 2 of them had damage, 1 failed; the results are in {tmp_path / 'out'}.",
    ]


def test_a_mask_is_not_mistaken_for_the_photo_of_its_name(quick, tmp_path):
    source, mask = save(tmp_path / "a.png", DAMAGED), save(tmp_path / "mask" / "a.png", MASK[:9])
    _, _, [said] = quick("restore", source, tmp_path / "out.png", "--mask", mask)
    assert said.startswith(f"restoration: {source}: its mask a.png is 96 x 9 px, but the photo is 96 x 72")


def test_two_photos_of_one_stem_do_not_overwrite_each_other(quick, tmp_path):
    save(tmp_path / "in" / "a.bmp", DAMAGED)
    save(tmp_path / "in" / "a.png", 255 - DAMAGED)
    for _ in range(2):  # the second run leaves both as they are
        assert quick("restore", tmp_path / "in", tmp_path / "out")[0] == 0
        assert files(tmp_path / "out") == ["a.bmp.png", "a.png.png"]
        assert np.array_equal(read(tmp_path / "out" / "a.bmp.png", "L")[~MASK], DAMAGED[~MASK])
        assert np.array_equal(read(tmp_path / "out" / "a.png.png", "L")[~MASK], 255 - DAMAGED[~MASK])


def test_a_missing_mask_is_named(quick, tmp_path):
    photo = save(tmp_path / "in" / "sub" / "a.png", DAMAGED)
    save(tmp_path / "mask" / "a.png", MASK)  # of another photo: the one in the folder above
    for source, mask, name in [
        (tmp_path / "in", tmp_path / "mask", "sub/a.png"),
        (photo, tmp_path / "no.png", "no.png"),
    ]:
        status, _, err = quick("restore", source, tmp_path / "out", "--mask", mask)
        assert status == 1 and len(err) == 1 + source.is_dir() and name in err[0] and all(map(is_one_sentence, err))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("out", ["mix/", "mix/b.png", "mix/a.png", "mask.png"])
@pytest.mark.parametrize("command", ["restore", "detect"])
def test_what_is_there_is_replaced_only_when_asked(quick, tmp_path, command, out):
    """As by `restore *.png` where there are two, or a folder that holds another photo of the same stem."""
    save(tmp_path / "mix" / "a.jpg", DAMAGED)
    for name in ("mix/a.png", "mix/b.png", "mask.png"):
        save(tmp_path / name, np.uint8([[7, 9]]))
    photo, target = tmp_path / "mix" / "a.jpg", f"{tmp_path}/{out}"
    status, _, err = quick(command, photo, target)
    assert status == 1 and len(err) == 1 and "--overwrite" in err[0] and is_one_sentence(err[0])
    assert all(read(tmp_path / name).shape == (1, 2) for name in ("mix/a.png", "mix/b.png", "mask.png"))
    assert quick(command, photo, target, "--overwrite")[0] == 0
    assert sorted(read(tmp_path / name).shape[0] for name in ("mix/a.png", "mix/b.png", "mask.png")) == [1, 1, 72]


def test_a_slash_says_folder_and_a_tilde_home(quick, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    save(tmp_path / "a.png", DAMAGED)
    assert quick("restore", "~/a.png", "new.v2/")[0] == 0 and quick("restore", "a.png", "~/b.png")[0] == 0
    assert files(tmp_path) == ["a.png", "b.png", "new.v2/a.png"]


def test_photos_of_other_kinds_are_left_out_with_a_word(quick, tmp_path):
    save(tmp_path / "in" / "a.png", DAMAGED)
    (tmp_path / "in" / "b.tga").write_bytes(b"?")
    (tmp_path / "in" / "photo").write_bytes((tmp_path / "in" / "a.png").read_bytes())
    for name in ("LICENSE", "notes.txt"):
        (tmp_path / "in" / name).write_text("Do as you like.")
    status, _, err = quick("restore", tmp_path / "in", tmp_path / "out")
    assert status == 0 and len(err) == 2 and "2 files" in err[0] and "b.tga" in err[0] and is_one_sentence(err[0])


def test_no_result_of_an_earlier_run_is_taken_for_a_photo(quick, tmp_path, monkeypatch):
    """However OUT is spelled."""
    save(tmp_path / "in" / "a.png", DAMAGED)
    (tmp_path / "link").symlink_to(tmp_path / "in")
    monkeypatch.chdir(tmp_path / "in")
    for out in ("out", "../in/out", tmp_path / "link" / "out"):  # the second run and the third find the first one's
        assert quick("restore", tmp_path / "in", out)[0] == 0
    assert files(tmp_path / "in") == ["a.png", "out/a.png"]


@pytest.mark.parametrize("out", ["notes.txt", "in", ".", "in/../in", "x.png", "x.HEIC"])
def test_a_place_that_cannot_take_a_folder_of_results_is_refused_at_once(quick, tmp_path, out):
    save(tmp_path / "in" / "a.png", DAMAGED)
    (tmp_path / "notes.txt").write_text("mine")
    for command in ("restore", "detect", "damage"):
        status, _, err = quick(command, tmp_path / "in", tmp_path / out)
        assert status == 1 and len(err) == 1 and is_one_sentence(err[0]), command
    assert files(tmp_path) == ["in/a.png", "notes.txt"]


@pytest.mark.parametrize("ending", [".gif", ".pdf", ".xyz"])
def test_an_ending_that_would_lose_levels_is_refused_before_any_work(quick, tmp_path, ending):
    source = save(tmp_path / "photo.png", DAMAGED)
    status, _, err = quick("restore", source, tmp_path / f"out{ending}", "--weights", "nowhere")
    assert status == 1 and ".png" in err[0] and "nowhere" not in err[0] and is_one_sentence(err[0])


def test_a_name_that_is_too_long_is_answered_with_one_line(quick, tmp_path):
    status, _, err = quick("restore", tmp_path / ("x" * 300), tmp_path / "out.png")
    assert status == 1 and len(err) == 1 and "too long" in err[0]


def test_it_is_said_when_nothing_was_repaired(quick, tmp_path):
    whole = gray_photo("coffee", 96, 72)
    sepia = np.uint8(255 * (whole[..., None] / 255) ** np.array([0.8, 1.0, 1.4]))
    photos = [("a.png", whole), ("b.png", DAMAGED), ("c.png", photo("chelsea", 96, 72)), ("d.png", sepia)]
    for name, image in photos:
        save(tmp_path / "in" / name, image)
    status, _, err = quick("restore", tmp_path / "in", tmp_path / "out")
    assert status == 0 and all(map(is_one_sentence, err))
    assert err.pop().startswith("restoration: 4 of 4 photos restored, 1 of them had damage; ")
    of = [tmp_path / "in" / name for name in ("a.png", "c.png", "d.png", "d.png")]
    assert [line.split(":")[0] for line in err] == list(map(str, of))
    nothing = [err[0], err[1], err[3]]
    assert all("no damage" in line and "--sensitivity 1" in line and "--mask" in line for line in nothing)
    assert "only colored" in err[0] and "only copied" in err[1]
    assert ["--recolor" in line for line in err] == [False, True, True, False]


def test_a_tinted_print_in_which_little_is_found_names_the_ways_to_more(quick, tmp_path):
    sepia = np.uint8(255 * (DAMAGED[..., None] / 255) ** np.array([0.8, 1.0, 1.4]))
    source = save(tmp_path / "sepia.png", sepia)
    _, _, err = quick("restore", source, tmp_path / "out.png")
    assert all(map(is_one_sentence, err)) and len(err) == 3 and "--recolor" in err[0]
    assert "found 1 mark" in err[1] and "--sensitivity 1" in err[1] and "--mask" in err[1]
    assert len(quick("restore", source, tmp_path / "new.png", "--recolor")[2]) == 2


@pytest.mark.parametrize("inverted, said", [(False, "nothing, so it was only colored"), (True, "invert it")])
def test_a_mask_that_marks_nothing_or_nearly_all_is_told(quick, tmp_path, inverted, said):
    source = save(tmp_path / "a.png", gray_photo("coffee", 96, 72))
    save(tmp_path / "mask.png", ~MASK if inverted else MASK & False)
    status, _, err = quick("restore", source, tmp_path / "out.png", "--mask", tmp_path / "mask.png")
    assert status == 0 and len(err) == 2 and said in err[0] and is_one_sentence(err[0])


def test_a_mask_has_its_photos_name_however_accents_and_endings_are_written(quick, tmp_path):
    """macOS writes 사진 in parts (NFD), most others as whole syllables (NFC)."""
    names = {normalize("NFD", "사진.png"): normalize("NFC", "사진.PNG"), "sub/é.tif": normalize("NFD", "sub/é.jpg")}
    for name, mask in names.items():
        save(tmp_path / "in" / name, DAMAGED)
        save(tmp_path / "mask" / mask, MASK)
    status, _, err = quick("restore", tmp_path / "in", tmp_path / "out", "--mask", tmp_path / "mask", "--gray")
    assert status == 0 and len(err) == 1 and len(files(tmp_path / "out")) == 2
    save(tmp_path / "mask" / "sub" / "é.png", MASK)
    options = "--mask", tmp_path / "mask", "--overwrite"
    status, _, err = quick("restore", tmp_path / "in", tmp_path / "out", *options)
    assert status == 1 and "keep only one" in err[0], "which of two masks is meant, nobody knows"


def test_a_fault_of_the_program_is_shown_with_its_traceback(quick, tmp_path, monkeypatch):
    """NumPy's errors are ValueErrors too, and OpenCV's may be: none of them is the user's."""

    def broken(*_, **__):
        raise ValueError("operands could not be broadcast")

    monkeypatch.setattr("quick_restorer.restore", broken)
    for name in ("a.png", "b.png"):
        save(tmp_path / "in" / name, DAMAGED)
    status, _, err = quick("restore", tmp_path / "in", tmp_path / "out")
    assert status == 1 and sum(line.startswith("Traceback") for line in err) == 2
    assert "a.png: it could not be processed; this is a bug in the program" in "\n".join(err)
    monkeypatch.setattr("restoration.cli.restoring.find_jobs", broken)
    with pytest.raises(ValueError, match="broadcast"):
        quick("restore", tmp_path / "in", tmp_path / "out")


def test_stopping_keeps_what_is_done(quick, tmp_path, monkeypatch):
    for name in ("a.png", "b.png"):
        save(tmp_path / "in" / name, DAMAGED)

    def read_scan(source, kind="photo", read=imaging.read_scan):
        if isinstance(source, Path) and source.name == "b.png":
            raise KeyboardInterrupt
        return read(source, kind)

    monkeypatch.setattr(imaging, "read_scan", read_scan)
    status, _, err = quick("restore", tmp_path / "in", tmp_path / "out")
    assert status == 130 and len(err) == 1 and files(tmp_path / "out") == ["a.png"]


@pytest.mark.slow
@pytest.mark.parametrize("guide", ["README.md", "restoration/cli/arguments.py"])
def test_the_commands_that_are_shown_run_one_after_the_other(run, tmp_path, monkeypatch, guide):
    """Each reads what is there by then, and writes a file of its own."""
    shown = re.findall(r"(?:python -m restoration|%\(prog\)s) ((?:restore|detect) .*?)  ", (ROOT / guide).read_text())
    monkeypatch.chdir(tmp_path)
    for name in ("old.png", "old.jpg", "photos/a.png", "box/a.png", "album.png"):
        save(Path(name), DAMAGED)
    save(Path("color.jpg"), photo("coffee", 96, 72))
    commands = [command.split() for command in shown if "--weights" not in command]
    assert len(commands) > 3
    for command in commands:
        assert run(*command)[0] == 0, command


# A process -------------------------------------------------------------------------------------


def python(*args, **environment: str) -> subprocess.CompletedProcess:
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | environment
    return subprocess.run(
        [sys.executable, *map(str, args)], capture_output=True, text=True, env=environment, timeout=60
    )


def test_the_process_reports_by_its_exit_status(tmp_path):
    save(tmp_path / "in" / "a.png", photo("astronaut", 96, 80))
    done = python("-m", "restoration", "damage", tmp_path / "in", tmp_path / "set")
    assert (done.returncode, done.stdout) == (0, "") and len(files(tmp_path / "set")) == 3
    failed = python("-m", "restoration", "restore", tmp_path / "none.png", tmp_path / "out.png")
    assert failed.returncode == 1 and "none.png does not exist" in failed.stderr
    assert is_one_sentence(failed.stderr.strip())


def test_the_program_tells_what_a_report_of_a_bug_should_say(weights):
    shown = python("-m", "restoration", "--version").stdout
    assert shown == f"photo-restoration {restoration.__version__}\n"
    told = python("-m", "restoration", "doctor", "--weights", weights).stdout
    digest = hashlib.sha256((weights / "color" / "model.safetensors").read_bytes()).hexdigest()
    assert restoration.__version__ in told and f"pillow {PIL.__version__}" in told and digest in told


def test_names_are_printed_where_the_terminal_lacks_their_letters(tmp_path):
    for folder in ("truth", "pred"):
        save(tmp_path / folder / "사진.png", photo("coffee", 20, 20))
    (tmp_path / "pred" / "祖母.png").write_bytes((tmp_path / "pred" / "사진.png").read_bytes())
    done = python("-m", "restoration", "evaluate", "--pred", tmp_path / "pred", "--truth", tmp_path / "truth",
                  PYTHONIOENCODING="cp1252")  # fmt: skip
    assert done.returncode == 1 and "ssim" in done.stdout and r"\u7956\u6bcd: no truth" in done.stdout


def test_help_does_not_wait_for_torch():
    code = "import sys, restoration.cli.main as m\ntry: m.main(['--help'])\nfinally: sys.exit('torch' in sys.modules)"
    shown = python("-c", code)
    assert shown.returncode == 0
    assert all(command in shown.stdout for command in ("restore", "detect", "damage", "evaluate"))


def test_every_option_of_every_command_is_explained():
    [commands] = [action for action in parser()._actions if isinstance(action, argparse._SubParsersAction)]
    for command in commands.choices.values():
        assert command.description and all(action.help for action in command._actions)
