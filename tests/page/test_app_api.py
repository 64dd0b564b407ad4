"""The page as programs use it: named endpoints, through gradio_client."""

import re
import runpy
import socket
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import dab, hole, is_one_sentence, read, save
from gradio_client import exceptions, handle_file
from PIL import Image

import app
from demo.texts import say

SIZE = (120, 90)
BOX = (40, 30, 70, 55)
HOLE = hole(*SIZE, BOX)


def noise(seed: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    return np.random.default_rng(seed).integers(20, 236, size[::-1], np.uint8)


@pytest.fixture
def photo(tmp_path) -> Path:
    return save(tmp_path / "photo.png", noise(1))


@pytest.fixture
def mask(tmp_path) -> Path:
    """Opaque, white on black, as every tool but an editor writes it."""
    return save(tmp_path / "mask.png", np.stack([HOLE] * 3, axis=2) * np.uint8(255))


def test_an_opaque_mask_is_read_by_its_brightness(client, photo, mask):
    color, gray, used = client.predict(handle_file(photo), handle_file(mask), api_name="/restore")
    assert np.array_equal(read(used) > 0, HOLE)
    for result in (read(color, "L"), read(gray)):
        assert np.array_equal(result[~HOLE], noise(1)[~HOLE])
        assert np.mean(result[HOLE] != noise(1)[HOLE]) > 0.9


def test_a_painted_mask_is_read_by_its_alpha(client, photo, tmp_path):
    painted = np.zeros((*SIZE[::-1], 4), np.uint8)
    painted[HOLE] = (20, 0, 0, 255)  # a dark brush
    painted = save(tmp_path / "painted.png", painted)
    used = client.predict(handle_file(photo), handle_file(painted), api_name="/restore")[2]
    assert np.array_equal(read(used) > 0, HOLE)


def test_without_a_mask_the_damage_is_found_and_restored_as_the_command_line_does(client, run, tmp_path):
    gray = noise(2)
    gray[gray == 86] += 1
    gray[HOLE] = 86
    photo = save(tmp_path / "photo.png", gray)
    found = client.predict(handle_file(photo), api_name="/detect")
    assert np.array_equal(read(found) > 0, HOLE)
    color, _, used = client.predict(handle_file(photo), api_name="/restore")
    assert np.array_equal(read(used), read(found))
    assert run("restore", photo, tmp_path / "cli.png")[0] == 0
    assert np.array_equal(read(color), read(tmp_path / "cli.png"))


def test_colorize_follows_hints_and_repairs_nothing(client, photo, tmp_path):
    hints = save(tmp_path / "hints.png", dab(*SIZE, BOX))
    plain, hinted = (client.predict(handle_file(photo), h, api_name="/colorize") for h in (None, handle_file(hints)))
    assert np.array_equal(read(plain, "L"), noise(1)) and np.array_equal(read(hinted, "L"), noise(1))
    assert not np.array_equal(read(plain), read(hinted))


def test_vividness_0_is_gray(client, photo):
    result = client.predict(handle_file(photo), vividness=0, api_name="/colorize")
    assert np.array_equal(read(result, "RGB"), np.stack([noise(1)] * 3, axis=2))


def test_a_16_bit_photo_is_scaled_not_clipped(client, mask, tmp_path):
    gray = noise(3)
    Image.fromarray(gray.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    result = client.predict(handle_file(tmp_path / "deep.png"), handle_file(mask), api_name="/restore")[0]
    assert np.array_equal(read(result, "L")[~HOLE], gray[~HOLE])


def test_a_turned_photo_is_read_upright(client, mask, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # shown after a quarter turn clockwise
    Image.fromarray(noise(8, SIZE[::-1])).save(tmp_path / "photo.jpg", exif=exif, quality=95)
    upright = np.rot90(np.asarray(Image.open(tmp_path / "photo.jpg")), -1)
    color, _, used = client.predict(handle_file(tmp_path / "photo.jpg"), handle_file(mask), api_name="/restore")
    assert Image.open(color).size == Image.open(used).size == SIZE
    assert np.array_equal(read(color, "L")[~HOLE], upright[~HOLE])


def test_a_color_photo_keeps_its_colors_unless_told_otherwise(client, mask, tmp_path):
    sepia = np.stack([noise(9), noise(9) * 0.8, noise(9) * 0.6], axis=2).astype(np.uint8)
    photo = handle_file(save(tmp_path / "sepia.png", sepia))
    kept, anew = (
        client.predict(photo, handle_file(mask), recolor=recolor, api_name="/restore")[0] for recolor in (False, True)
    )
    assert np.array_equal(read(kept)[~HOLE], sepia[~HOLE])
    assert not np.array_equal(read(anew)[~HOLE], sepia[~HOLE])


def test_damage_erased_to_transparency_is_opaque_in_what_comes_back(client, mask, tmp_path):
    erased = save(tmp_path / "erased.png", np.dstack([*[noise(4)] * 3, 255 * ~HOLE]).astype(np.uint8))
    color, gray, _ = client.predict(handle_file(erased), handle_file(mask), api_name="/restore")
    for result in (color, gray):
        assert (read(result, "RGBA")[..., 3] == 255).all()


@pytest.mark.parametrize("broken", ["photo.png", "mask.png"])
def test_a_broken_file_is_answered_with_one_sentence(client, photo, mask, tmp_path, broken):
    (tmp_path / broken).write_bytes(b"not a picture")
    with pytest.raises(exceptions.AppError) as error:
        client.predict(handle_file(photo), handle_file(mask), api_name="/restore")
    assert is_one_sentence(error.value.message.replace(broken, "It"))
    assert re.fullmatch(r"[^/\n]+", error.value.message), "it names a place on the server"


@pytest.mark.slow
@pytest.mark.parametrize("failure", [RuntimeError("a kernel failed\nat 0x7f"), KeyError(3), MemoryError()], ids=repr)
def test_after_any_exception_of_a_worker_the_server_answers(served, client, tmp_path, monkeypatch, failure):
    def fail(*_):
        raise failure

    photo = save(tmp_path / "damaged.png", np.where(HOLE, np.uint8(86), noise(1)))

    for stage in ("detect", "repair", "colorize"):
        with monkeypatch.context() as patch, pytest.raises(exceptions.AppError) as error:
            patch.setitem(served.instead, stage, fail)
            client.predict(handle_file(photo), api_name="/detect" if stage == "detect" else "/restore")
        assert error.value.message == say("too_much" if isinstance(failure, MemoryError) else "fault", "en")
        found = client.predict(handle_file(photo), api_name="/detect")
        assert np.array_equal(read(found) > 0, HOLE)


@pytest.mark.parametrize("inputs", [{"photo": None}, {"vividness": 2.5}, {"mask": "small.png"}], ids=str)
def test_what_cannot_be_is_refused_with_one_sentence(client, photo, tmp_path, inputs):
    save(tmp_path / "small.png", noise(1, (60, 45)))
    files = {"photo": handle_file(photo)} | {
        name: handle_file(tmp_path / value) if isinstance(value, str) else value for name, value in inputs.items()
    }
    with pytest.raises(exceptions.AppError) as error:
        client.predict(**files, api_name="/restore")
    assert is_one_sentence(error.value.message.replace("small.png", "It"))


def test_only_the_three_endpoints_are_offered_and_each_is_described(client):
    offered = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert set(offered) == {"/detect", "/restore", "/colorize"}
    described = {name: [p["parameter_name"] for p in endpoint["parameters"]] for name, endpoint in offered.items()}
    assert described == {
        "/detect": ["photo", "sensitivity"],
        "/restore": ["photo", "mask", "hints", "recolor", "vividness", "fill"],
        "/colorize": ["photo", "hints", "vividness"],
    }


def test_nothing_of_the_endpoints_is_seen_on_the_page(served):
    calls = [call for call in served.demo.fns.values() if call.api_name in ("detect", "restore", "colorize")]
    inputs = [block for call in calls for block in call.inputs]
    assert len(inputs) > 6 and not any(all(above.visible for above in ancestors(block)) for block in inputs)


def ancestors(block):
    while block := block.parent:
        yield block


def test_the_calls_in_the_readme_work(served, photo, mask, tmp_path, monkeypatch):
    readme = (Path(app.__file__).parent / "README.md").read_text()
    calls = re.search(r"```python\n(from gradio_client.*?)```", readme, re.DOTALL).group(1)
    assert all(f'api_name="/{name}"' in calls for name in ("detect", "restore", "colorize"))
    photo.rename(tmp_path / "old.png")
    save(tmp_path / "hints.png", dab(*SIZE, BOX))
    monkeypatch.chdir(tmp_path)
    result: dict = {}
    exec(calls.replace("http://127.0.0.1:7860", served.url), result)
    assert np.array_equal(read(result["mask"]) > 0, HOLE)
    assert np.array_equal(read(result["gray"])[~HOLE], noise(1)[~HOLE])
    assert np.array_equal(read(result["color"], "L"), noise(1))


@pytest.mark.parametrize("host, port", [("127.0.0.1", None), ("192.0.2.1", "0"), ("127.0.0.1", "99999")])
def test_where_the_page_cannot_listen_is_answered_with_one_sentence(weights, monkeypatch, host, port):
    """A port that is taken, an address of another machine, a number that no port has."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        options = ["--host", host, "--port", port or str(taken.getsockname()[1]), "--weights", str(weights)]
        monkeypatch.setattr(sys, "argv", ["app.py", *options])
        with pytest.raises(SystemExit, match="cannot listen there; choose another --host or --port") as stopped:
            runpy.run_path(app.__file__, run_name="__main__")
    assert is_one_sentence(str(stopped.value).replace("app.py", "It"))
