"""The page as visitors and programs use it. Known pixels are exact with any weights, so random ones serve."""

import re
import runpy
import socket
import sys
from urllib.parse import urlparse

import numpy as np
import pytest
from browser import Visitor, chromium
from conftest import is_one_sentence
from gradio_client import Client, exceptions, handle_file
from PIL import Image

import app
from restoration.config import ModelConfig
from restoration.models import Colorizer, Inpainter
from restoration.pipeline import Restorer

HOLE = np.s_[100:180, 150:290]  # of the damaged photo and, in another tone, of the example
SIZE = (480, 360)


def noise(size: tuple[int, int], seed: int) -> np.ndarray:
    """A photo in which no repair can be right by chance."""
    return np.random.default_rng(seed).integers(20, 236, size[::-1], np.uint8)


def damaged(size: tuple[int, int], seed: int, tone: int) -> np.ndarray:
    gray = noise(size, seed)
    gray[gray == tone] += 1  # a neighbour of the hole's own tone would rightly count as damage
    gray[HOLE] = tone
    return gray


def luma(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("L"))


def outside(hole=HOLE, size: tuple[int, int] = SIZE) -> np.ndarray:
    mask = np.ones(size[::-1], bool)
    mask[hole] = False
    return mask


def random_model(kind: type, stage: str):
    import torch

    torch.manual_seed(0)
    model = kind(ModelConfig(stage, encoder="mobilenet_v2", decoder_channels=(16, 8, 8, 8, 8))).eval()
    for parameter in model.unet.segmentation_head.parameters():  # starts at zero, which would leave photos gray
        torch.nn.init.normal_(parameter, std=0.1)
    return model


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    folder = tmp_path_factory.mktemp("app")
    Image.fromarray(damaged(SIZE, 9, tone=73)).save(folder / "example.png")
    restorer = Restorer(random_model(Inpainter, "inpaint"), random_model(Colorizer, "color"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "EXAMPLES", folder)
        patch.setenv("GRADIO_TEMP_DIR", str(folder / "files"))
        demo = app.build_demo(restorer)
        _, address, _ = demo.launch(prevent_thread_lock=True, quiet=True, **app.LAUNCH)
        yield address
        demo.close()


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def visitor(browser, url):
    visitor = Visitor(browser, url)
    yield visitor
    visitor.page.context.close()


@pytest.fixture(scope="module")
def client(url, tmp_path_factory):
    return Client(url, verbose=False, download_files=str(tmp_path_factory.mktemp("client")))


@pytest.mark.browser
def test_only_what_was_painted_changes_and_the_size_is_kept(visitor, tmp_path):
    size, gray = (720, 540), noise((720, 540), 1)  # larger than it is shown
    Image.fromarray(gray).save(tmp_path / "photo.png")
    visitor.choose(tmp_path / "photo.png")
    visitor.paint(size, (400, 300), (600, 300))
    visitor.press_restore()
    visitor.wait_for_result()
    kind, result = visitor.download()
    assert kind == "restored-colour.png PNG"
    assert result.mode == "RGB" and result.size == size
    rows, columns = np.nonzero(luma(result) != gray)
    radius = 27  # a little over the brush's own
    assert rows.min() >= 300 - radius and rows.max() <= 300 + radius
    assert columns.min() >= 400 - radius and columns.max() <= 600 + radius
    assert len(rows) > 200 * radius, "less than half of the painted line was repaired"
    assert np.ptp(np.asarray(result, int), axis=2).max() > 0, "the result has no colour"


@pytest.mark.browser
def test_a_hole_is_found_without_painting_and_no_other_host_is_asked(visitor, url, tmp_path):
    gray = damaged(SIZE, 2, tone=86)
    Image.fromarray(gray).save(tmp_path / "photo.png")
    visitor.choose(tmp_path / "photo.png")
    result = luma(visitor.restore("gray"))
    assert np.array_equal(result[outside()], gray[outside()])
    assert np.mean(result[HOLE] != 86) > 0.9
    share = np.mean(~outside())
    assert visitor.page.inner_text("#note").strip() == f"{share:.1%} of the photo was repaired."
    asked = {urlparse(request).netloc for request in visitor.requests if request.startswith(("http", "ws"))}
    assert asked == {urlparse(url).netloc}


@pytest.mark.browser
def test_an_example_replaces_the_photo_and_its_result(visitor, tmp_path):
    Image.fromarray(noise((320, 240), 3)).save(tmp_path / "photo.png")
    visitor.choose(tmp_path / "photo.png")
    assert visitor.restore().size == (320, 240)
    visitor.choose_example()
    visitor.page.wait_for_selector("#compare .empty")  # the old result is gone
    result = luma(visitor.restore())
    assert np.array_equal(result[outside()], damaged(SIZE, 9, tone=73)[outside()])
    assert np.mean(result[HOLE] != 73) > 0.9


@pytest.mark.browser
def test_no_photo_or_a_broken_one_is_answered_with_one_sentence(visitor, tmp_path):
    visitor.press_restore()
    assert visitor.read_message() == "Please choose a photo first."
    visitor.page.click("[data-testid=toast-close]")
    visitor.page.wait_for_selector("[data-testid=toast-text]", state="detached")
    (tmp_path / "photo.png").write_bytes(b"\x89PNG\r\n\x1a\n and then nothing of a photo")
    visitor.offer(tmp_path / "photo.png")
    assert visitor.read_message() == app.UNREADABLE


@pytest.mark.browser
def test_two_visitors_at_once_get_their_own_photos(browser, url, tmp_path):
    photos = [damaged(SIZE, seed, tone=80) for seed in (5, 6)]
    visitors = [Visitor(browser, url) for _ in photos]
    for number, (visitor, gray) in enumerate(zip(visitors, photos, strict=True)):
        Image.fromarray(gray).save(tmp_path / f"{number}.png")
        visitor.choose(tmp_path / f"{number}.png")
    for visitor in visitors:
        visitor.press_restore()
    for visitor, gray in zip(visitors, photos, strict=True):
        visitor.wait_for_result()
        assert np.array_equal(luma(visitor.download()[1])[outside()], gray[outside()])
        visitor.page.context.close()


def upload(photo, *masks) -> dict:
    return {"background": handle_file(photo), "layers": [handle_file(mask) for mask in masks], "composite": None}


def test_the_api_takes_an_opaque_mask_of_another_size(client, tmp_path):
    gray, mask = noise(SIZE, 7), np.uint8(255 * ~outside())
    Image.fromarray(gray).save(tmp_path / "photo.png")
    Image.fromarray(mask).reduce(2).convert("RGB").save(tmp_path / "mask.png")  # half the photo's size
    colour, whole, damage = client.predict(upload(tmp_path / "photo.png", tmp_path / "mask.png"), api_name="/restore")
    assert np.array_equal(np.asarray(Image.open(damage)), mask)
    for result in (luma(Image.open(colour)), np.asarray(Image.open(whole))):
        assert np.array_equal(result[outside()], gray[outside()])
        assert np.mean(result[HOLE] != gray[HOLE]) > 0.9


def test_the_api_turns_a_photo_upright(client, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # shown after a quarter turn clockwise
    Image.fromarray(noise(SIZE[::-1], 8)).save(tmp_path / "photo.jpg", exif=exif, quality=95)
    upright = np.rot90(np.asarray(Image.open(tmp_path / "photo.jpg")), -1)
    Image.fromarray(np.uint8(255 * ~outside())).save(tmp_path / "mask.png")
    colour, _, damage = client.predict(upload(tmp_path / "photo.jpg", tmp_path / "mask.png"), api_name="/restore")
    assert Image.open(colour).size == Image.open(damage).size == SIZE
    assert np.array_equal(luma(Image.open(colour))[outside()], upright[outside()])
    assert np.mean(luma(Image.open(colour))[HOLE] != upright[HOLE]) > 0.9


def test_a_tinted_scan_is_coloured_anew_unless_its_colours_are_kept(client, tmp_path):
    sepia = np.stack([noise(SIZE, 9), noise(SIZE, 9) * 0.8, noise(SIZE, 9) * 0.6], axis=2).astype(np.uint8)
    Image.fromarray(sepia).save(tmp_path / "photo.png")
    Image.fromarray(np.uint8(255 * ~outside())).save(tmp_path / "mask.png")
    photo = upload(tmp_path / "photo.png", tmp_path / "mask.png")
    anew, kept = (client.predict(photo, keep_colours=keep, api_name="/restore")[0] for keep in (False, True))
    assert np.array_equal(luma(Image.open(anew))[outside()], luma(Image.fromarray(sepia))[outside()])
    assert not np.array_equal(np.asarray(Image.open(anew))[outside()], sepia[outside()])
    assert np.array_equal(np.asarray(Image.open(kept))[outside()], sepia[outside()])


@pytest.mark.parametrize("broken", ["photo", "mask"])
def test_the_api_answers_a_broken_file_with_one_sentence(client, tmp_path, broken):
    for name in ("photo", "mask"):
        Image.fromarray(noise(SIZE, 7)).save(tmp_path / f"{name}.png")
    (tmp_path / f"{broken}.png").write_bytes(b"not a picture")
    with pytest.raises(exceptions.AppError) as error:
        client.predict(upload(tmp_path / "photo.png", tmp_path / "mask.png"), api_name="/restore")
    assert re.fullmatch(r"[^/\n]+\.", error.value.message), "not one sentence, or one that names a server's path"


def test_the_api_refuses_a_call_without_a_photo(client):
    with pytest.raises(exceptions.AppError, match="choose a photo"):
        client.predict({"background": None, "layers": [], "composite": None}, api_name="/restore")


def test_a_port_that_is_taken_is_answered_with_one_sentence(weights, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        options = ["--host", "127.0.0.1", "--port", port, "--weights", str(weights)]
        monkeypatch.setattr(sys, "argv", ["app.py", *options])
        with pytest.raises(SystemExit, match=f"port {port} is taken") as stopped:
            runpy.run_path(app.__file__, run_name="__main__")
    assert is_one_sentence(stopped.value)
