"""The page's words, in both languages."""

import ast
import pickle
import re
from pathlib import Path
from string import Formatter
from types import SimpleNamespace

import pytest

from demo import texts
from demo.limits import GRACE
from demo.manners import RefusalError, is_fault, sentence
from restoration.errors import RestorationError
from restoration.files.imaging import read_photo


def blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("key", texts.TEXTS)
def test_each_text_has_both_languages_and_the_same_blanks(key):
    english, korean = texts.TEXTS[key]
    assert re.search("[가-힣]", korean) and not re.search("[가-힣]", english)
    assert blanks(english) == blanks(korean)


def test_the_page_names_the_kinds_of_files_that_people_have():
    for said in texts.TEXTS["limits"]:
        assert re.findall(r"[A-Z]\w+", said)[:7] == ["PNG", "JPEG", "TIFF", "WebP", "HEIC", "BMP", "GIF"]


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


def sentences() -> list[tuple[str, str, set[str]]]:
    """What restoration says with a key, as its code has it: key, English, and the values that are given."""
    found = []
    for file in (Path(texts.__file__).parents[1] / "restoration").rglob("*.py"):
        said = None  # by the last `sentence = ...` above a call
        nodes = (node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, (ast.Assign, ast.Call)))
        for node in sorted(nodes, key=lambda node: node.lineno):
            if isinstance(node, ast.Assign):
                said = node.value if getattr(node.targets[0], "id", "") == "sentence" else said
            elif len(node.args) == 2 and isinstance(key := node.args[1], ast.Constant):
                kind = getattr(node.func, "id", getattr(node.func, "attr", ""))
                if kind == "Sentence" or kind.endswith("Error"):
                    english = said if isinstance(node.args[0], ast.Name) else node.args[0]
                    values = {word.arg or "**" for word in node.keywords}
                    found.append((key.value, ast.literal_eval(english), values))
    return found


def test_page_and_readme_promise_the_same_end_of_a_photo():
    readme = (Path(texts.__file__).parents[1] / "README.md").read_text()
    assert GRACE == 5 * 60 and "deletes your photo five minutes after you close it" in " ".join(readme.split())
    assert "minutes" in blanks(texts.TEXTS["limits"][0])


def test_every_sentence_of_restoration_has_a_korean_one_with_no_other_blanks():
    found = sentences()
    assert {key for key, _, _ in found} == set(texts.KOREAN) and not set(texts.KOREAN) & set(texts.TEXTS)
    for key, english, values in found:
        korean = texts.KOREAN[key]
        assert re.search("[가-힣]", korean) and blanks(korean) <= blanks(english), key
        assert "**" in values or blanks(english) == values, key


@pytest.mark.parametrize("name", ["old.png", "{name}.png", "100% {0}.png"])
def test_an_error_is_said_in_the_visitors_language(tmp_path, name):
    (tmp_path / name).write_bytes(b"no photo")
    with pytest.raises(RestorationError) as error:
        read_photo(tmp_path / name)
    english, korean = (sentence(error.value, language) for language in ("en", "ko"))
    assert english == str(error.value) and english == f"{name} is not a readable image file."
    assert korean.startswith(f"{name} 파일을 사진으로 읽을 수 없습니다.")
    again = pickle.loads(pickle.dumps(error.value))  # as it comes from the process that has a borrowed GPU
    assert sentence(again, "ko") == korean
    assert sentence(RefusalError("bad_zip", name=name), "ko") == texts.say("bad_zip", "ko", name=name)


def test_what_nobody_refused_is_a_fault_whatever_its_type():
    for error in (ValueError("operands could not be broadcast"), KeyError(3), RuntimeError("no kernel")):
        assert is_fault(error) and sentence(error, "ko") == texts.say("fault", "ko")
    assert not is_fault(MemoryError()) and not is_fault(RestorationError("No."))


@pytest.mark.parametrize("share, said", [(1, "100.0%"), (0.0232, "2.3%"), (0.0006, "0.1%"), (0.0004, "< 0.1%")])
def test_what_was_found_is_never_called_nothing(share, said):
    assert texts.percent(share) == said
