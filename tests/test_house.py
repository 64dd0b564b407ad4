"""The plan of the house: imports point one way between rooms, and docs/architecture.md names every file."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EVERYWHERE = {"errors", "atomic"}  # which use nothing themselves
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()
TABLE = ARCHITECTURE.partition("| room | imports |\n|---|---|\n")[2]
ROOMS = {  # a folder or file of restoration/, and the rooms that it imports beside EVERYWHERE
    room: set(needs.replace("–", "").split())
    for room, needs in (line.strip("| ").split(" | ") for line in TABLE.splitlines())
}
PAGE = {  # demo/, from the bottom up: each may import those above it
    "limits": "", "korean": "", "texts": "korean", "stages": "pipeline", "marks": "inference",
    "manners": "texts", "reading": "files inference limits manners", "editing": "files marks pipeline stages",
    "session": "editing files inference limits manners",
    "style": "korean limits texts", "photo_view": "limits reading style texts",
    "api": "files manners reading stages",
    "photo_shown": "editing inference marks pipeline session texts",
    "batch": "editing files inference limits manners photo_shown reading session stages texts",
    "photo_steps": "batch editing files inference manners marks photo_shown pipeline reading session stages texts",
    "photo_tab": "manners photo_steps photo_view",
    "batch_tab": "batch limits manners photo_view reading session stages texts",
}  # fmt: skip


def imported(file: Path, package: str = "restoration") -> set[str]:
    """What a file imports of a package, at its top or inside a function, as dotted names below the package."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and f"{node.module}.".startswith(f"{package}."):
            found |= {f"{node.module}.{alias.name}".removeprefix(f"{package}.") for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {a.name.removeprefix(f"{package}.") for a in node.names if a.name.startswith(f"{package}.")}
    return found


@cache
def modules() -> dict[str, Path]:
    """Every file of the package but its doors (`__init__`, `__main__`), by its dotted name."""
    files = (ROOT / "restoration").rglob("[!_]*.py")
    return {".".join(file.relative_to(ROOT / "restoration").with_suffix("").parts): file for file in files}


def module_of(name: str) -> str | None:
    """The module that a dotted name lies in: `files.imaging.read_photo` -> `files.imaging`."""
    parts = name.split(".")
    return next((m for n in (2, 1) if (m := ".".join(parts[:n])) in modules()), None)


def room_of(name: str) -> str:
    return name.split(".")[0]


@pytest.mark.parametrize("room", [*ROOMS, *sorted(EVERYWHERE)])
def test_imports_between_rooms_point_one_way(room):
    used = {room_of(name) for module, file in modules().items() if room_of(module) == room for name in imported(file)}
    assert used - {room, *EVERYWHERE} - {name for name in used if name[0].isupper()} == ROOMS.get(room, set())


def test_every_room_is_in_the_plan():
    assert {room_of(module) for module in modules()} == set(ROOMS) | EVERYWHERE


def circle(needs: dict[str, set[str]]) -> set[str]:
    """What is left when everything that needs nothing is taken away, again and again."""
    rest = dict(needs)
    while free := [name for name, uses in rest.items() if not uses & rest.keys()]:
        for name in free:
            del rest[name]
    return set(rest)


def test_neither_rooms_nor_files_import_in_a_circle():
    assert not circle(ROOMS)
    assert not circle({m: {module_of(name) for name in imported(f)} - {m} for m, f in modules().items()})


def test_the_page_knows_only_what_serves_it():
    files = {file.stem: file for file in (ROOT / "demo").glob("[!_]*.py")}
    assert set(PAGE) == set(files)
    above = {*ROOMS, *EVERYWHERE}
    for module, needs in PAGE.items():
        used = {room_of(name) for package in ("demo", "restoration") for name in imported(files[module], package)}
        assert used - EVERYWHERE <= set(needs.split()) and used <= above, module
        above.add(module)


def test_what_the_architecture_page_names_is_in_the_code():
    below = [file for folder in ("restoration", "demo", "scripts") for file in (ROOT / folder).rglob("*")]
    files = [*(file for file in below if file.suffix in (".py", ".js", ".css")), ROOT / "app.py", ROOT / "train.py"]
    known = {word for file in files for word in re.findall(r"\w+", f"{file} {file.read_text()}")}
    named = " ".join(re.findall(r"`([^`\n]+)`", ARCHITECTURE.rpartition("```")[2]))
    assert not {*re.findall(r"\w+", named)} - known


def test_the_architecture_page_names_every_file():
    tree = re.search(r"```\napp\.py.*?```", ARCHITECTURE, re.DOTALL).group()
    page, package = re.search(r"\ndemo/(.*?)\nrestoration/(.*?)\nscripts/", tree, re.DOTALL).groups()
    assert set(re.findall(r"^  (\w+)\.py", page, re.MULTILINE)) == set(PAGE)
    room, listed = "", set()
    for indent, folder, file in re.findall(r"^( +)(?:(\w+)/|(\w+)\.py)", package, re.MULTILINE):
        room = f"{folder}." if folder else room if len(indent) > 2 else ""
        listed |= {f"{room}{file}"} if file else set()
    assert listed - {"__init__", "__main__"} == set(modules())
