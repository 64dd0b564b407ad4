"""Every command that a document or a program's own text shows is one that the program takes, word for word."""

import argparse
import ast
import re
import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROGRAMS = ("benchmarks/*.py", "scripts/**/*.py", "tests/helpers/*.py", "examples/*.py", "app.py", "train.py")
COMMAND_LINE = "restoration/__main__.py"
INLINE = re.compile(r"(?<!`)`(?!`)[^`]+`(?!`)")  # code in a sentence, which may be wrapped
SHOWN = re.compile(r"\b(?:python|torchrun) (?:[^`\n]*? )??(-m restoration|[\w/]+\.py)\b([^`#|>'\";\n]*)")
STANDS_FOR = {"N": "1", "TIMES": "1", "P": "float32", "STAGE": "color"}  # words that are no path


class TakenError(Exception):
    """Raised where a program begins its work."""


def commands() -> dict[str, str]:
    """Program and words, and the file that shows them."""
    texts = {file: file.read_text() for file in [*ROOT.glob("*.md"), *ROOT.glob("[!.]*/*.md")]}
    for file in (file for pattern in PROGRAMS for file in ROOT.glob(pattern)):
        texts[file] = ast.get_docstring(ast.parse(file.read_text())) or ""
    found = {}
    for file, text in texts.items():
        text = re.sub(r"\$\(\(.*?\)\)", "N", text).replace("\\\n", " ").replace('"$stage"', "STAGE")
        text = INLINE.sub(lambda code: code[0].replace("\n", " "), text)
        for program, words in SHOWN.findall(text):
            found[f"{program.replace('-m restoration', COMMAND_LINE)} {words}"] = str(file)
    return found


def is_taken(program: Path, words: list[str]) -> bool:
    """Whether a program begins its work with these words, or explains itself."""
    sys.argv = [str(program), *(STANDS_FOR.get(word, word) for word in words)]
    try:
        runpy.run_path(str(program), run_name="__main__")
    except TakenError:
        return True
    except SystemExit as end:
        return not end.code
    raise AssertionError(f"{program} asks for no words")


@pytest.mark.slow
def test_every_command_that_is_shown_is_one_that_its_program_takes(monkeypatch):
    def begin(parser, words=None, parse=argparse.ArgumentParser.parse_args):
        parser.allow_abbrev = False
        parse(parser, words)
        raise TakenError

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", begin)
    for name in ("argv", "path"):  # which programs change
        monkeypatch.setattr(sys, name, [*getattr(sys, name)])
    refused, read = {}, 0
    for command, file in commands().items():
        name, *words = command.replace("[", "").replace("]", "").split()
        program, line = ROOT / name, name == COMMAND_LINE
        if program.exists() and not line and "ArgumentParser" not in program.read_text():
            continue  # it takes its words as they come
        read += 1
        whole = [*words, "--help"] if line and len(words) == 1 else words  # a command's name alone
        if not program.exists() or not is_taken(program, whole):
            refused[command] = file
    assert not refused and read > 50
