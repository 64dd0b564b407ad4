"""Set before torch, cv2 and gradio are imported: one thread each, no request to any other host."""

import os
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from PIL import Image

os.environ.update(
    OMP_NUM_THREADS="1",  # on shared cores, waiting threads cost more than they bring
    OPENCV_FOR_THREADS_NUM="1",
    HF_HUB_OFFLINE="1",
    GRADIO_ANALYTICS_ENABLED="False",
    RESTORATION_PRECISION="float32",  # backends are compared to a thousandth, on any machine
)
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])  # on a busy machine
settings.load_profile("busy")


def small_restorer():
    """Both networks, small; a fresh head adds nothing, so holes get the smooth first fill and no color."""
    from restoration.config import ModelConfig
    from restoration.models import Colorizer, Inpainter
    from restoration.pipeline import Restorer

    small = {"encoder": "timm-mobilenetv3_small_minimal_100", "decoder_channels": (16, 16, 8, 8, 8)}
    three = small | {"decoder_channels": (16, 16, 8)}
    return Restorer(Inpainter(ModelConfig("inpaint", **small)), Colorizer(ModelConfig("color", **three)), "cpu")


@pytest.fixture(scope="session")
def restorer():
    """Random weights: everything that must hold for any weights is tested on them."""
    import torch

    from restoration.chroma_bins import BINS

    with torch.random.fork_rng():
        torch.manual_seed(0)
        restorer = small_restorer()
        for network, std in ((restorer.inpainter, 0.1), (restorer.colorizer, 0.3)):
            for parameter in network.unet.segmentation_head.parameters():
                torch.nn.init.normal_(parameter, std=std)
        chroma = torch.from_numpy(BINS).norm(dim=1)
        restorer.colorizer.prior.copy_((-20 * chroma).softmax(dim=0))  # as photos have it: most of them is nearly gray
    return restorer


@pytest.fixture(scope="session")
def weights(restorer, tmp_path_factory):
    """The folder of the restorer's weights, in hub layout."""
    folder = tmp_path_factory.mktemp("weights")
    restorer.inpainter.save_pretrained(folder / "inpaint")
    restorer.colorizer.save_pretrained(folder / "color")
    return folder


@pytest.fixture(scope="session")
def load_once(weights):
    """`backends.load`, but the small networks are loaded once for all tests."""
    from restoration.inference.backends import load

    cached = cache(load)
    return lambda source, *how: (cached if source == weights else load)(source, *how)


@pytest.fixture
def typed(capsys):
    """Run a command in this process -> exit status, lines of stdout, lines of stderr."""
    from restoration.cli.main import main

    def run(command: str, *args) -> tuple[int, list[str], list[str]]:
        status = main([command, *map(str, args)])
        out, err = capsys.readouterr()
        return status, out.splitlines(), err.splitlines()

    return run


@pytest.fixture
def run(typed, weights, load_once, monkeypatch):
    """`typed` with the small networks."""
    monkeypatch.setattr("restoration.inference.backends.load", load_once)

    def run(name: str, *args) -> tuple[int, list[str], list[str]]:
        return typed(name, *args, *(["--weights", weights] if name in ("restore", "detect") else []))

    return run


@pytest.fixture
def asked(monkeypatch) -> list:
    """With a stand-in for the networks: the photos that it is asked to restore."""
    import quick_restorer

    asked = []
    one = SimpleNamespace(
        restore=lambda *args, **_: asked.append(args) or quick_restorer.restore(*args),
        detect=lambda photo, _: quick_restorer.restore(photo, None).mask,
    )
    monkeypatch.setattr("restoration.cli.restoring._restorer", lambda _: one)
    return asked


@pytest.fixture
def quick(typed, asked):
    """`typed` with the stand-in: in milliseconds, where what is predicted does not matter."""
    return typed


def photo(name: str, width: int, height: int) -> np.ndarray:
    """One of scikit-image's photos at the given size: uint8 (H, W, 3), or (H, W) for a gray one."""
    import cv2
    from skimage import data

    return cv2.resize(getattr(data, name)(), (width, height), interpolation=cv2.INTER_AREA)


def gray_photo(name: str, width: int, height: int) -> np.ndarray:
    """The same, uint8 (H, W)."""
    return np.asarray(Image.fromarray(photo(name, width, height)).convert("L"))


def noise_with_hole(seed: int, width: int, height: int, box: tuple[int, int, int, int]) -> np.ndarray:
    """Gray noise with a hole of one level that is nowhere else in it."""
    gray = np.random.default_rng(seed).integers(20, 236, (height, width), np.uint8)
    gray[gray == 86] += 1
    gray[hole(width, height, box)] = 86
    return gray


def hole(width: int, height: int, *boxes: tuple[int, int, int, int]) -> np.ndarray:
    """A mask of rectangles (left, top, right, bottom), bool (H, W)."""
    mask = np.zeros((height, width), bool)
    for left, top, right, bottom in boxes:
        mask[top:bottom, left:right] = True
    return mask


def dab(width: int, height: int, box: tuple[int, int, int, int], color=(230, 20, 20, 255)) -> np.ndarray:
    """A color hint in one box (left, top, right, bottom), red by default: uint8 (H, W, 4)."""
    hints = np.zeros((height, width, 4), np.uint8)
    hints[hole(width, height, box)] = color
    return hints


def assert_same(one, other) -> None:
    """Two restorations are equal in every pixel, and in what was believed of their colors."""
    for a, b in ((one.image, other.image), (one.gray, other.gray), (one.mask, other.mask)):
        assert a.mode == b.mode and np.array_equal(pixels(a), pixels(b))
    assert (one.chroma is None) == (other.chroma is None)
    for ours, theirs in zip(one.chroma or [], other.chroma or [], strict=True):
        assert np.array_equal(ours.logits, theirs.logits)


def pixels(image: Image.Image) -> np.ndarray:
    """Levels that can be subtracted."""
    return np.asarray(image).astype(int)


def is_one_sentence(message: object) -> bool:
    """What every message to a user is: one line that ends, and ends only once."""
    text = str(message)
    return text.endswith(".") and "\n" not in text and ". " not in text and text[:-1].strip() != ""


@contextmanager
def as_nobody(folder: Path):
    """What stands below is done without root's right to read and write everything, which containers have."""
    if os.geteuid() != 0:
        yield
        return
    for above in (folder, *folder.parents[:-1]):
        above.chmod(above.stat().st_mode | 0o005)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def files(folder: Path) -> list[str]:
    """All files below a folder, hidden ones too, relative to it."""
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


def save(file: Path, pixels: np.ndarray) -> Path:
    """Write an image where no folder may be yet."""
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(file)
    return file


def read(file: Path, mode: str | None = None) -> np.ndarray:
    """A file's pixels, in the given mode."""
    with Image.open(file) as image:
        return pixels(image.convert(mode))


@pytest.fixture(scope="session")
def scenes(tmp_path_factory) -> Path:
    """A folder of eight photos of four scenes, small enough to train on in a test."""
    from skimage import data

    folder = tmp_path_factory.mktemp("scenes")
    for name in ("astronaut", "chelsea", "coffee", "rocket"):
        for i in range(2):
            crop = getattr(data, name)()[i * 60 : i * 60 + 128 : 2, 100:228:2]
            Image.fromarray(crop).save(folder / f"{name}{i}.png")
    return folder


@pytest.fixture(scope="session")
def served(weights, tmp_path_factory):
    """The page around the small restorer: its address, `calls`, all that the restorer was asked for, and `instead`."""
    import app
    from restoration.pipeline import Restorer

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("served")))
        asked = Asked(Restorer.from_pretrained(weights))
        demo = app.build_demo(asked)
        _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True, **app.LAUNCH)
        folder = Path(os.environ["GRADIO_TEMP_DIR"])
        yield SimpleNamespace(
            demo=demo,
            url=url,
            calls=asked.calls,
            instead=asked.instead,
            restorer=asked.restorer,
            folder=folder,
            sessions=demo.sessions,
        )
        demo.close()


class Asked:
    """A restorer that notes what it is asked for, and can be told to do something `instead`."""

    def __init__(self, restorer):
        self.restorer, self.calls, self.instead = restorer, [], {}

    def __getattr__(self, stage: str):
        def call(*args):
            self.calls.append((stage, *args))
            return self.instead.get(stage, getattr(self.restorer, stage))(*args)

        return call


@pytest.fixture(scope="session")
def browser():
    """One Chromium for all tests; each visitor opens an own profile in it."""
    from browser import chromium

    with chromium() as browser:
        yield browser


@pytest.fixture
def paused(served, monkeypatch):
    """A stage of the page's work takes as long as the test wants."""

    def pause(stage: str) -> SimpleNamespace:
        working, go_on = Event(), Event()

        def wait(*given):
            working.set()
            assert go_on.wait(60)
            return getattr(served.restorer, stage)(*given)

        monkeypatch.setitem(served.instead, stage, wait)
        return SimpleNamespace(working=working, go_on=go_on)

    return pause


@pytest.fixture
def visitor(browser, served):
    """A visitor at a desk, page open."""
    from browser import Visitor

    visitor = Visitor(browser, served.url)
    yield visitor
    visitor.leave()


@pytest.fixture(scope="session")
def client(served, tmp_path_factory):
    """A program that uses the page."""
    from gradio_client import Client

    return Client(served.url, verbose=False, download_files=str(tmp_path_factory.mktemp("client")))
