"""What a piece starts from: known to be sound before any photo is read, and not needed to go on."""

import shutil
import socket
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import torch
from conftest import is_one_sentence
from huggingface_hub import constants
from small_run import SMALL, averages, config, records

from restoration.config import ModelConfig
from restoration.data.batches import TrainingBatches
from restoration.data.photos import Photos
from restoration.errors import RestorationError
from restoration.models import Colorizer
from restoration.training import initialization
from restoration.training import loop as training
from restoration.training.distributed import World
from restoration.training.runs import Run
from restoration.training.trainer import Trainer


@pytest.fixture
def silent_hub(monkeypatch, tmp_path):
    """A hub that takes a connection and never says a word, and no copy of anything here."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.getsockname()[1]}")
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        yield


@pytest.fixture
def no_photos(monkeypatch):
    monkeypatch.setattr(training.splits, "find", lambda *_: pytest.fail("photos were read"))


@pytest.mark.parametrize("fields", [{"encoder_weights": "imagenet"}, {"init": "user/name"}], ids=["imagenet", "init"])
def test_a_hub_that_does_not_answer_is_a_sentence_soon(silent_hub, no_photos, scenes, tmp_path, fields, monkeypatch):
    """Its own client would try for minutes; ours waits for PATIENCE, however busy the machine is otherwise."""
    assert initialization.PATIENCE <= 3
    monkeypatch.setattr(initialization, "PATIENCE", 0.5)
    began = time.monotonic()
    with pytest.raises(RestorationError) as error:
        training.train(Run(tmp_path / "run"), config(scenes, **fields), 0, ["color"])
    assert time.monotonic() - began < 60 and is_one_sentence(error.value)
    assert not constants.HF_HUB_OFFLINE and not (tmp_path / "run").exists()  # the name is free for another try


def test_an_encoder_of_one_size_is_refused_before_photos_are_read(no_photos, scenes, tmp_path):
    with pytest.raises(RestorationError, match="takes one size only") as error:
        training.train(Run(tmp_path / "run"), config(scenes, encoder="tu-swin_tiny_patch4_window7_224"), 0, ["color"])
    assert is_one_sentence(error.value) and not (tmp_path / "run").exists()


def test_a_file_that_is_not_there_is_named_before_photos_are_read(no_photos, scenes, tmp_path):
    with pytest.raises(RestorationError, match="nowhere"):
        training.train(Run(tmp_path / "run"), config(scenes, encoder_weights="nowhere.safetensors"), 0)


@pytest.mark.parametrize("shapes", ["nowhere", "coffee0.png"])
def test_shapes_of_wear_that_are_none_are_named_before_photos_are_read(no_photos, scenes, tmp_path, shapes):
    settings = config(scenes, wear_shapes=str(scenes / shapes))
    for fresh in (["inpaint"], []):  # a new run, and a resumed one
        with pytest.raises(RestorationError, match=f"{shapes} holds no shapes of wear"):
            initialization.check(settings, ["inpaint"], fresh)
    with pytest.raises(RestorationError, match=f"{shapes} holds no shapes of wear"):
        training.train(Run(tmp_path / "run"), settings, 0)


@pytest.fixture
def weights(tmp_path) -> Path:
    """A trained colorizer, of another width than the default."""
    architecture = {"encoder": SMALL["encoder"], "decoder_channels": SMALL["decoder_channels"][:3]}
    Colorizer(ModelConfig("color", **architecture)).save_pretrained(tmp_path / "weights" / "color")
    return tmp_path / "weights"


USUAL = {name: getattr(ModelConfig("inpaint"), name) for name in ("encoder", "decoder_channels")}


@pytest.mark.slow
def test_a_run_goes_on_without_what_it_started_from(scenes, weights, tmp_path, monkeypatch):
    whole = config(scenes, init=str(weights), **USUAL)
    training.train(Run(tmp_path / "whole"), whole, 0, ["color"])
    step = Trainer.train_step

    def killed(self, batch):
        if self.step == 4:
            raise KeyboardInterrupt
        step(self, batch)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Trainer, "train_step", killed)
        training.train(Run(tmp_path / "killed"), whole, 0, ["color"])
    shutil.rmtree(weights)
    training.train(Run(tmp_path / "killed"), whole, 0, ["color"])
    assert records(tmp_path / "whole", 0, "color") == records(tmp_path / "killed", 0, "color")
    left, right = (averages(tmp_path / name, 0, "color") for name in ("whole", "killed"))
    assert all(torch.equal(left[name], right[name]) for name in left)


@pytest.mark.parametrize("fields", [{"encoder": "tu-resnet18"}, {"decoder_channels": (32, 16, 8, 8, 8)}])
def test_an_architecture_that_is_not_inits_is_refused(no_photos, scenes, weights, tmp_path, fields):
    with pytest.raises(ValueError, match=f"{next(iter(fields))} is") as error:
        training.train(Run(tmp_path / "run"), config(scenes, init=str(weights), **fields), 0, ["color"])
    assert is_one_sentence(error.value)


def test_a_frozen_stem_stays_as_it_is_and_all_else_learns(scenes):
    piece = Trainer(config(scenes, freeze_stem=True, gan_start=1.0), "inpaint", 9, World())
    before = {name: tensor.clone() for name, tensor in piece.model.state_dict().items()}
    batches = TrainingBatches(Photos.find(scenes), piece.config, "inpaint", 0)
    for step in range(3):
        piece.train_step(batches[step])
    kept = {name for name, tensor in piece.model.state_dict().items() if torch.equal(tensor, before[name])}
    first = ("conv_stem", "bn1", "blocks.0")
    assert kept.issuperset(name for name in before if name.startswith(tuple(f"unet.encoder.model.{x}" for x in first)))
    assert all(name.startswith("unet.encoder.model.") for name in kept) and len(kept) < len(before) / 4
    assert not any(name.startswith("unet.encoder.model.blocks.2") for name in kept)


def test_a_hub_that_answers_is_heard_whatever_it_says(monkeypatch):
    class Refusing(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.send_response(403)
            self.end_headers()

        def log_message(self, *_):
            pass

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        assert initialization._hub_answers()
        with initialization._hub_or_cache():
            assert not constants.HF_HUB_OFFLINE
        server.shutdown()
    assert not initialization._hub_answers(), "nobody is there any more"
    with initialization._hub_or_cache():
        assert constants.HF_HUB_OFFLINE
    assert not constants.HF_HUB_OFFLINE
