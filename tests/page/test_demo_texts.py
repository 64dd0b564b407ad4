"""The page's words, in both languages."""

import re
from pathlib import Path
from string import Formatter
from types import SimpleNamespace

import pytest

from demo import texts

SAID = [  # what restoration says, as it says it
    "old.png cannot be read as a photo: give a whole PNG, JPEG, TIFF or WebP file.",
    "old.png is too large: photos of up to 120 megapixels are read.",
    "The mask covers the whole photo: leave something to restore it from.",
    "mask.png is 10 x 20 px, the photo 30 x 40: give one of the photo's size.",
    "old.png has no pixels.",
    "hints.png has no alpha channel to say where its colors count: give RGBA.",
    "old.png is empty: give a whole PNG, JPEG, TIFF or WebP file.",
    "old.png needs more memory than there is.",
    "old.png is HEIC, which is read once pi-heif is installed: pip install pi-heif.",
    "old.png is a JPEG of 300 scans: save it again with another program.",
    "old.png has tiles that are much larger than itself: save it again with another program.",
    "The first of its 100 or more pages is used.",
    "Its colors have 16 bits: they are read as 8.",
    "Its EXIF is damaged or too large: it is left out.",
    "Its color profile cannot be followed: its colors are taken for sRGB.",
]


def blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("key", texts.TEXTS)
def test_each_text_has_both_languages_and_the_same_blanks(key):
    english, korean = texts.TEXTS[key]
    assert re.search("[가-힣]", korean) and not re.search("[가-힣]", english)
    assert blanks(english) == blanks(korean)


def test_every_text_is_used_and_no_other():
    code = "".join(file.read_text() for file in Path(texts.__file__).parent.glob("*.py"))
    code += (Path(texts.__file__).parents[1] / "app.py").read_text()
    named = set(re.findall(r'"(\w+)"', code.replace(Path(texts.__file__).read_text(), "")))
    made = {f"save_{ending}" for ending in ("png", "jpeg")}
    assert set(texts.TEXTS) <= named | made


@pytest.mark.parametrize("asked, language", [
    ("ko-KR,ko;q=0.9,en;q=0.8", "ko"), ("en-US,en;q=0.9,ko;q=0.8", "en"), ("de", "en"), ("", "en"),
])  # fmt: skip
def test_the_browser_chooses(asked, language):
    request = SimpleNamespace(headers={"accept-language": asked})
    assert texts.language_of(request) == language
    assert texts.language_of(None) == "en"


@pytest.mark.parametrize("sentence", SAID)
def test_what_restoration_says_is_translated(sentence):
    korean = texts.translated(sentence, "ko")
    assert re.search("[가-힣]", korean) and not re.search("[a-z]{4,} [a-z]{3,}", korean)
    assert texts.translated(sentence, "en") == sentence


def test_the_sentences_above_are_those_of_the_package():
    package = Path(texts.__file__).parents[1] / "restoration"
    code = "".join(file.read_text() for file in package.rglob("*.py"))
    for part in (
        "cannot be read as a photo: give", "megapixels are read.", "The mask covers the whole photo:",
        "give one of the photo's size.", "has no pixels.", "has no alpha channel", "is empty: give", "is HEIC, which",
        "needs more memory than there is.", "scans: save it again with another program.", "has tiles that are",
        "pages is used.", "Its colors have 16 bits:", "is damaged or too large: it is left out.",
        "Its color profile cannot be followed:",
    ):  # fmt: skip
        assert part in code, f"{part!r}: nothing says so any more"
