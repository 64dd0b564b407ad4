"""What the command line's words become, and that its help tells the truth of them."""

import argparse
import hashlib
import os
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from restoration.cli import restoring
from restoration.cli.arguments import parser
from restoration.cli.doctor import facts
from restoration.files import decoding
from restoration.inference.prints import Print


def commands() -> dict[str, argparse.ArgumentParser]:
    [found] = [action for action in parser()._actions if isinstance(action, argparse._SubParsersAction)]
    return found.choices


def test_defaults_are_those_that_the_help_names():
    named = 0
    for command in commands().values():
        for action in command._actions:
            if told := re.search(r"\(default: (textured|\d+)\)", action.help):
                named += 1
                assert str(action.default) == told.group(1), action.option_strings
            elif isinstance(action, argparse._StoreTrueAction):
                assert action.default is False
            elif action.option_strings and "%(default)s" not in action.help and "help" not in action.dest:
                assert action.default is None, action.option_strings
    assert named == 5


WORDS = ["--sensitivity", "3", "--weights", "w", "--max-pixels", "1", "--overwrite"]


@pytest.mark.parametrize("words, expected", [
    (["restore", "a", "b/"], {"input": Path("a"), "output": "b/", "fill": "textured", "sensitivity": 0, "mask": None,
                              "max_pixels": decoding.MAX_PIXELS}),
    (["restore", "a", "b", *WORDS, "--mask", "m", "--gray", "--recolor", "--fill", "smooth", "--reference", "r",
      "--freshen", "--split", "--report", "f"],
     {"mask": Path("m"), "gray": True, "recolor": True, "fill": "smooth", "reference": Path("r"), "freshen": True,
      "split": True, "report": Path("f"), "sensitivity": 3, "weights": "w", "max_pixels": 1, "overwrite": True}),
    (["detect", "a", "b", *WORDS], {"input": Path("a"), "output": "b", "sensitivity": 3, "weights": "w"}),
    (["damage", "a", "b", "--seed", "7", "--holes", "3"], {"output": Path("b"), "seed": 7, "holes": 3}),
    (["evaluate", "--pred", "p", "--truth", "t", "--mask", "m", "--json"],
     {"pred": Path("p"), "truth": Path("t"), "mask": Path("m"), "json": True}),
    (["export", "o", "--weights", "w"], {"output": Path("o"), "weights": "w"}),
    (["doctor", "--weights", "w"], {"weights": Path("w")}),
])  # fmt: skip
def test_words_become_paths_numbers_and_switches(words, expected):
    parsed = vars(parser().parse_args(words))
    assert {name: parsed[name] for name in expected} == expected and parsed["command"] == words[0]


@pytest.mark.parametrize("words", [
    [], ["restore", "a"], ["restore", "-", "b"], ["restore", "a", "-"], ["detect", "a", "-"], ["restore", "", "b"],
    ["restore", "a", "b", "--max-pixels", "0"],
    ["restore", "a", "b", "--max-pixels", "1.5"], ["restore", "a", "b", "--sensitivity", "4"],
    ["evaluate", "--pred", "p"], ["evaluate", "--truth", "t"], ["restore", "a", "b", "--weights", ""], ["polish", "a"],
])  # fmt: skip
def test_other_words_are_refused(words, capsys):
    with pytest.raises(SystemExit) as end:
        parser().parse_args(words)
    assert end.value.code == 2 and "usage: " in capsys.readouterr().err


def test_the_help_begins_with_ways_to_start(capsys):
    for words in (["--help"], ["--version"]):
        with pytest.raises(SystemExit) as end:
            parser().parse_args(words)
        assert end.value.code == 0
    shown = capsys.readouterr().out
    assert re.search(r"\n\nexamples:\n  \S.* restore old\.jpg new\.png +find the damage", shown)
    assert re.search(r"usage: .* COMMAND \.\.\.", shown) and re.search(r"photo-restoration \d+\.\d+\.\d+\n$", shown)
    assert "%(" not in shown


def test_a_prints_mask_is_empty_where_it_would_cover_the_print():
    mask = np.zeros((40, 50), bool)
    mask[10:30, 10:30] = True
    inside, beside = (restoring._mask_of(Print(x, 20, 20, 20), mask) for x in (20, 25))
    assert not inside.any() and beside.sum() == 15 * 20


@pytest.mark.parametrize("count, split", [(1, False), (1, True), (3, True)])
def test_what_is_noted_of_a_scan_and_its_prints(monkeypatch, count, split):
    """Its prints are named where there are any; what of them is damaged counts, or else of the scan."""
    masks = [Image.fromarray(np.uint8([[255] * number + [0] * (10 - number)])) for number in range(1, count + 1)]
    scan = SimpleNamespace(image=Image.new("L", (10, 4)), levels=np.zeros((4, 10), np.uint16), notes=["read."])
    pieces = [restoring.Piece(Path(f"a-{number}.png"), scan, None) for number in range(1, count)]
    restored = [(piece, SimpleNamespace(mask=mask)) for piece, mask in
                zip([*pieces, restoring.Piece(Path("a.png"), scan, None)], masks, strict=True)]  # fmt: skip
    steps, written = object.__new__(restoring.Restoring), []
    steps.args = argparse.Namespace(split=split, freshen=True, gray=True)
    monkeypatch.setattr(steps, "_write", lambda piece, result: written.append(piece.target.name))
    monkeypatch.setattr(restoring, "notes_on_result", lambda *_: ["seen."])
    facts = steps.write(None, restored)
    names = [f"a-{number}.png" for number in range(1, count)]
    assert written == [*names, "a.png"] and (facts["width"], facts["height"]) == (10, 4)
    assert facts["damaged"] == (1 / 40 if count == 1 else 3 / 40) and facts.get("prints") == (names if split else None)
    seen = [f"{name}: seen." for name in [*names, "a.png"]] if count > 1 else ["seen."]
    alone = ["no print with paper around it was found, so nothing was cut out."] * (split and count == 1)
    assert facts["notes"] == ["read.", *seen, "the freshened tones are 8-bit.", *alone]


def test_a_report_of_a_bug_names_memory_and_weights_in_order(tmp_path):
    for name in ("inpaint", "color", "detect"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.safetensors").write_bytes(name.encode())
    *_, memory, color, detect, inpaint = facts(tmp_path)
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    assert memory.startswith(f"{total:.1f} GiB of memory, ") and color.startswith("color/model.safetensors, no graphs")
    assert detect.startswith("detect/") and inpaint.endswith(hashlib.sha256(b"inpaint").hexdigest())


@pytest.mark.parametrize(
    "command, sensitivity, mask, is_warned",
    [("restore", 1, None, False), ("restore", 2, None, True), ("restore", 2, "m", False), ("detect", 3, None, True)],
)
def test_false_marks_are_warned_of_where_half_of_all_are(capsys, command, sensitivity, mask, is_warned):
    restoring._warn_of_false_marks(argparse.Namespace(command=command, sensitivity=sensitivity, mask=mask))
    said = capsys.readouterr().err
    assert bool(said) == is_warned and ("detect --sensitivity" in said) == (is_warned and command == "restore")
