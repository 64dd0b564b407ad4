"""The plan of the house: imports point one way, and the README's tree is the tree."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted(file.stem for file in (ROOT / "restoration").glob("[!_]*.py"))
ALLOWED = {
    module: set(needs.split())
    for module, needs in {
        "config": "",
        "color": "",
        "membrane": "",
        "prefill": "membrane",
        "scaling": "",
        "decoding": "",
        "exif": "",
        "profiles": "",
        "scans": "decoding exif profiles scaling",
        "encoding": "decoding profiles scans",
        "imaging": "decoding encoding scans",
        "shares": "",
        "jobs": "imaging shares",
        "streaming": "",
        "journal": "shares",
        "folders": "imaging jobs journal shares streaming",
        "regions": "",
        "masking": "",
        "wear": "masking",
        "detection": "",
        "losses": "",
        "discriminators": "config",
        "distributed": "",
        "tracking": "",
        "figures": "",
        "metrics": "color",
        "evaluation": "imaging metrics",
        "checkpoint": "config",
        "models": "checkpoint config prefill",
        "graphs": "config",
        "backends": "checkpoint config graphs models regions",
        "export": "backends checkpoint config graphs models",
        "filling": "backends config membrane regions",
        "coloring": "backends color config membrane scaling",
        "pipeline": "backends coloring detection filling imaging scaling",
        "sources": "imaging",
        "photos": "color imaging sources",
        "folds": "photos sources",
        "data": "color config masking photos wear",
        "schedules": "config",
        "runs": "checkpoint config",
        "steps": "config data losses models prefill",
        "initial": "checkpoint config discriminators losses models",
        "piece": "checkpoint config data discriminators distributed initial losses models schedules steps",
        "validation": "color config data evaluation masking models photos piece",
        "training": "checkpoint config data distributed folds initial photos piece runs schedules sources tracking "
        "validation",
        "report": "config figures schedules tracking",
        "card": "config",
        "hub": "card config",
        "results": "checkpoint color config folds imaging masking pipeline report runs sources training validation",
    }.items()
}


def imported(module: str) -> set[str]:
    """Names of the package's own modules that a module imports, at its top or inside a function."""
    found = set()
    for node in ast.walk(ast.parse((ROOT / "restoration" / f"{module}.py").read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "restoration":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("restoration."):
            found.add(node.module.split(".")[1])
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("restoration.")}
    return found


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_one_way(module):
    assert imported(module) <= ALLOWED[module]


def test_the_plan_has_no_circle():
    rest = dict(ALLOWED)
    while free := [name for name, needs in rest.items() if not needs & rest.keys()]:
        for name in free:
            del rest[name]
    assert not rest


PAGE = {  # demo/, from the bottom up: each may import those above it
    "limits": "", "texts": "", "stages": "pipeline", "overlay": "", "space": "hub",
    "manners": "texts", "reading": "imaging limits manners", "visit": "imaging manners pipeline",
    "style": "limits texts", "photo_view": "limits reading texts",
    "api": "imaging manners reading stages",
    "batch": "imaging limits manners overlay reading stages texts",
    "photo_tab": "imaging manners overlay photo_view pipeline reading stages style texts visit",
    "batch_tab": "batch limits manners reading stages texts visit",
    "trial_tab": "color evaluation manners masking photo_view reading stages texts visit",
}  # fmt: skip


def test_the_page_knows_only_what_serves_it():
    files = {file.stem: file for file in (ROOT / "demo").glob("[!_]*.py")}
    assert set(PAGE) == set(files)
    above = set(MODULES)
    for module, needs in PAGE.items():
        used = set(re.findall(r"^ *from (?:demo|restoration)\.?(\w*) import", files[module].read_text(), re.MULTILINE))
        whole = re.findall(r"^from (?:demo|restoration) import (.*)", files[module].read_text(), re.MULTILINE)
        used = (used | set(", ".join(whole).split(", "))) - {""}
        assert used <= set(needs.split()) and used <= above, module
        above.add(module)


def test_the_readme_names_every_module():
    tree = re.search(r"```\napp\.py.*?```", (ROOT / "README.md").read_text(), re.DOTALL).group()
    page, package = re.search(r"\ndemo/(.*)\nrestoration/(.*)\nweights/", tree, re.DOTALL).groups()
    for listed, modules in ((page, PAGE), (package, MODULES)):
        assert set(re.findall(r"^  (\w+)\.py", listed, re.MULTILINE)) - {"__init__", "__main__"} == set(modules)
