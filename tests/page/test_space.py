"""The page on Spaces: what is pushed is whole, starts by itself, and borrows a GPU where there is one to borrow."""

import os
import re
import subprocess
import sys

import hub_server
import pytest
from conftest import is_one_sentence
from huggingface_hub import SpaceCard

from scripts import space

pytestmark = pytest.mark.slow

REPO = "somebody/photos"


@pytest.fixture
def hub(tmp_path, monkeypatch):
    with hub_server.Hub() as hub:
        hub_server.use(hub, monkeypatch, tmp_path)
        yield hub


def test_what_is_pushed_starts_by_itself(hub, tmp_path):
    assert space.push_space(REPO) == f"{hub.url}/spaces/{REPO}"
    assert len(hub.commits) == 1
    pinned = hub.repos[REPO]["requirements.txt"].decode().splitlines()
    assert set(space.ZERO_GPU.values()) <= set(pinned), "a shared GPU has no later torch"
    for name, content in hub.repos[REPO].items():
        file = tmp_path / "space" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    code = (
        "import app; from restoration.pipeline import Restorer; from PIL import Image; import numpy as np\n"
        "demo = app.build_demo(Restorer.from_pretrained())\n"
        "_, url, _ = demo.launch(prevent_thread_lock=True, quiet=True, **app.LAUNCH)\n"
        "from gradio_client import Client, handle_file\n"
        "found = Client(url, verbose=False).predict(handle_file('examples/chelsea.png'), api_name='/detect')\n"
        "print(f'{(np.asarray(Image.open(found)) > 0).mean():.2f}')"
    )
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path / "space", env=clean | {"GRADIO_TEMP_DIR": str(tmp_path / "files")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert 0.05 < float(done.stdout) < 0.11


def test_the_front_matter_is_what_spaces_asks_for():
    front = SpaceCard.load(space.ROOT / "README.md").data.to_dict()
    assert front["sdk"] == "gradio" and front["app_file"] == "app.py" and front["license"] == "mit"
    assert re.fullmatch(r"\d+\.\d+\.\d+", front["sdk_version"]) and len(front["short_description"]) <= 60
    assert front["python_version"] in ("3.10", "3.12"), "ZeroGPU has these"
    colors = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
    assert {front["colorFrom"], front["colorTo"]} <= colors


def test_a_second_push_takes_away_what_is_no_longer_part_of_it(hub):
    space.push_space(REPO)
    hub.repos[REPO]["demo/forgotten.py"] = b""
    space.push_space(REPO)
    assert "demo/forgotten.py" not in hub.repos[REPO] and ".gitattributes" in hub.repos[REPO]


@pytest.mark.parametrize("name", ["", "photos", "a/b/c", "a b/c"])
def test_a_name_that_is_none_is_refused_with_one_sentence(hub, name):
    with pytest.raises(space.SpaceError, match="user/name") as error:
        space.push_space(name)
    assert is_one_sentence(error.value) and not hub.asked


@pytest.mark.parametrize("failure", [401, 500, "drop"])
def test_a_push_that_fails_is_one_sentence_without_the_token(hub, failure):
    hub.failing = {"create": failure}
    with pytest.raises(space.SpaceError) as error:
        space.push_space(REPO)
    assert is_one_sentence(error.value) and hub_server.TOKEN not in str(error.value)


def test_no_machine_specific_or_private_file_is_pushed():
    files = space.space_files()
    assert {"app.py", "README.md", "demo/stages.py", "weights/inpaint/model.safetensors"} <= set(files)
    others = set(files) - {"benchmarks/EXPERIMENTS.md"}  # the README links it
    assert not [file for file in others if file.startswith(("tests/", ".", "benchmarks/")) or "pycache" in file]
    everything = {file.relative_to(space.ROOT).as_posix() for file in (space.ROOT / "demo").glob("*.py")}
    assert everything <= set(files)


def test_each_stage_borrows_the_gpu_of_a_space_that_lends_one(restorer):
    """In a fresh interpreter, with a stand-in for the package that such a Space has."""
    code = """
import sys, types
lent = []
def gpu(stage):
    def borrow(*args):
        lent.append(stage.__name__)
        return stage(*args)
    return borrow
class Spaces(types.ModuleType):
    def __getattr__(self, name):
        if name != "GPU":
            raise AttributeError(name)
        assert "torch" not in sys.modules, "it must prepare the GPU before torch looks for one"
        return gpu
sys.modules["spaces"] = Spaces("spaces")
import app, demo.stages
class Restorer:
    def detect(self, *_): return "mask"
    def damage(self, *_): return "found"
    def repair(self, *_): return "gray"
    def colorize(self, *_): return "color"
stages = demo.stages.Stages(Restorer())
assert [stages.detect(1, 0), stages.repair(1, 2), stages.colorize(1, 2)] == ["mask", "gray", "color"]
print(*lent)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=space.ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["detect", "repair", "colorize"], done.stderr
