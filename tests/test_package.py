"""What the package installs: little for who only restores, and in all what requirements.txt lists for the page."""

import re
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest
from conftest import save

ROOT = Path(__file__).parents[1]


def test_the_extras_and_requirements_say_the_same():
    tomllib = pytest.importorskip("tomllib")  # Python 3.11
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    listed = {line for line in (ROOT / "requirements.txt").read_text().splitlines() if not line.startswith("#")}
    extras = project["optional-dependencies"]
    needed = {*project["dependencies"], *extras["torch"], *extras["train"], *extras["demo"], *extras["heic"]}
    assert {need for need in needed if not need.startswith(project["name"])} == listed
    developers = (ROOT / "requirements-dev.txt").read_text()
    assert all(need in developers for need in extras["export"] if "[" not in need)


def test_every_room_is_installed():
    tomllib = pytest.importorskip("tomllib")
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    rooms = {f"restoration.{file.parent.name}" for file in (ROOT / "restoration").glob("*/__init__.py")}
    assert set(packages) == {"restoration", "restoration.weights", *rooms}


def test_the_command_is_a_function_of_the_package():
    tomllib = pytest.importorskip("tomllib")
    [(name, place)] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"].items()
    assert name == "photo-restoration" and callable(EntryPoint(name, place, "console_scripts").load())


@pytest.mark.slow
def test_restoring_with_the_shipped_weights_imports_nothing_but_the_core(tmp_path):
    """In a process where everything else cannot be imported."""
    core = {"numpy", "cv2", "openvino", "PIL", "safetensors", "scipy", "tqdm", "restoration"}
    save(tmp_path / "a.png", np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8))
    code = f"""
import sys
from importlib.machinery import PathFinder
class Core(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        known = path is not None or name.split('.')[0] in {core} | sys.stdlib_module_names
        return super().find_spec(name, path, target) if known else None
sys.meta_path = [Core if finder is PathFinder else finder for finder in sys.meta_path]
from restoration.cli.main import main
sys.exit(main(['restore', {str(tmp_path / "a.png")!r}, {str(tmp_path / "b.png")!r}]))
"""

    def run(code: str) -> subprocess.CompletedProcess:
        return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)

    done = run(code)
    assert done.returncode == 0 and (tmp_path / "b.png").is_file(), done.stderr
    done = run(code.replace("b.png", "c.png").replace("'restore'", "'restore', '--weights', 'user/name'"))
    assert done.returncode == 1 and re.search(r"^restoration: \w+ is missing: .*pip install .*\.$", done.stderr)
