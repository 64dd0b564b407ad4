"""Weights on their way through a folder: whole ones arrive unchanged, all others are refused."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import segmentation_models_pytorch as smp
import torch
from conftest import gray_photo, hole, is_one_sentence, pixels
from safetensors.torch import load_file, save_file

from restoration import Restorer
from restoration.checkpoint import load_state
from restoration.errors import RestorationError
from restoration.models import Colorizer

NETWORKS = {"inpainter": "inpaint", "colorizer": "color"}


def test_the_round_trip_keeps_every_bit_of_float16(restorer, weights, tmp_path):
    loaded = Restorer.from_pretrained(weights, "cpu")
    for network, folder in NETWORKS.items():
        before, after = getattr(restorer, network).state_dict(), getattr(loaded, network).state_dict()
        assert before.keys() == after.keys()
        for name, tensor in before.items():
            half = tensor.half().float() if tensor.is_floating_point() else tensor
            assert half.dtype == after[name].dtype and torch.equal(half, after[name]), name
        getattr(loaded, network).save_pretrained(tmp_path / folder)
    again = Restorer.from_pretrained(tmp_path, "cpu")
    photo, mask = gray_photo("coffee", 90, 60), hole(90, 60, (10, 10, 40, 30))
    first, second, original = (pixels(r.restore(photo, mask).image) for r in (loaded, again, restorer))
    assert np.array_equal(first, second)
    assert np.abs(first - original).mean() < 1


def edit_config(folder: Path, **fields) -> None:
    config = folder / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | fields))


def edit_tensors(folder: Path, change) -> None:
    """Replace the first convolution's weight by `change(weight)`, or drop it when that is None."""
    tensors = load_file(folder / "model.safetensors")
    name = next(name for name, tensor in tensors.items() if tensor.ndim == 4)
    tensors[name] = change(tensors[name])
    save_file({name: tensor for name, tensor in tensors.items() if tensor is not None}, folder / "model.safetensors")


SPOILED = {
    "no folder": lambda folder: shutil.rmtree(folder),
    "no weights": lambda folder: (folder / "model.safetensors").unlink(),
    "no config": lambda folder: (folder / "config.json").unlink(),
    "config is no JSON": lambda folder: (folder / "config.json").write_text("{"),
    "config is a list": lambda folder: (folder / "config.json").write_text("[]"),
    "unknown field": lambda folder: edit_config(folder, depth=5),
    "unknown encoder": lambda folder: edit_config(folder, encoder="resnet0"),
    "encoder of the hub": lambda folder: edit_config(folder, encoder="tu-hf-hub:some/model"),
    "encoder of a folder": lambda folder: edit_config(folder, encoder="tu-local-dir:/etc"),
    "encoder that is none": lambda folder: edit_config(folder, encoder="tu-vit_tiny_patch16_224"),
    "encoder of a long name": lambda folder: edit_config(folder, encoder="a" * 10_000),
    "enormous widths": lambda folder: edit_config(folder, decoder_channels=[2048] * 3),
    "widths of an earlier version": lambda folder: edit_config(folder, decoder_channels=[16, 16, 8, 8, 8]),
    "an enormous number": lambda folder: edit_config(folder, luma_mean=10**400),
    "deep config": lambda folder: (folder / "config.json").write_text("[" * 60_000),
    "large config": lambda folder: (folder / "config.json").write_text(" " * 10_000_000 + "{}"),
    "pickled weights": lambda folder: torch.save({"a": torch.zeros(1)}, folder / "model.safetensors"),
    "other stage": lambda folder: edit_config(folder, stage="inpaint"),
    "other widths": lambda folder: edit_config(folder, decoder_channels=[8, 8, 8]),
    "cut file": lambda folder: (folder / "model.safetensors").write_bytes(b"half a file"),
    "missing key": lambda folder: edit_tensors(folder, lambda weight: None),
    "wrong shape": lambda folder: edit_tensors(folder, lambda weight: weight[:, :1].contiguous()),
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
def test_weights_that_do_not_fit_are_refused_in_one_sentence(weights, tmp_path, spoil):
    own = shutil.copytree(weights, tmp_path / "weights")
    spoil(own / "color")
    with pytest.raises(RestorationError) as error:
        Colorizer.from_pretrained(own, "color")
    assert is_one_sentence(error.value) and str(error.value).count(str(own)) == 1
    assert "__init__" not in str(error.value)


def test_a_config_takes_no_more_memory_than_its_weights_and_asks_nobody(weights, tmp_path, monkeypatch):
    """Of the enormous widths above: two gigabytes, if they were built."""
    own = shutil.copytree(weights / "color", tmp_path / "color")
    edit_config(own, decoder_channels=[2048] * 3)
    Path("/proc/self/clear_refs").write_text("5")  # the peak is now what is used now
    before = used("VmRSS")
    with pytest.raises(RestorationError):
        Colorizer.from_pretrained(own)
    assert used("VmHWM") - before < 100

    def asked(*arguments, **options):
        raise AssertionError("an encoder was looked for")

    monkeypatch.setattr(smp, "Unet", asked)
    for encoder in (
        "tu-hf-hub:some/model",
        "tu-hf_hub:some/model",
        f"tu-local-dir:{own}",
        "../x",
        "a/b",
        "",
        "os:system",
    ):
        edit_config(own, encoder=encoder)
        with pytest.raises(RestorationError):
            Colorizer.from_pretrained(own)


def used(what: str) -> int:
    """Megabytes of this process's memory."""
    return int(Path("/proc/self/status").read_text().split(f"{what}:")[1].split()[0]) // 1024


def test_tensors_of_any_floating_type_are_loaded(weights, tmp_path):
    own = shutil.copytree(weights / "color", tmp_path / "color")
    tensors = load_file(own / "model.safetensors")
    wide = {name: t.bfloat16() if t.is_floating_point() else t for name, t in tensors.items()}
    save_file(wide, own / "model.safetensors")
    loaded = Colorizer.from_pretrained(own).state_dict()
    assert all(torch.equal(loaded[name], t.float() if t.is_floating_point() else t) for name, t in wide.items())
    assert all(parameter.requires_grad for parameter in Colorizer.from_pretrained(own).parameters())


@pytest.mark.parametrize("source", ["no/such-repository", "/no/such/folder", "no such name"])
def test_weights_that_are_nowhere_are_refused_in_one_sentence(source):
    with pytest.raises(RestorationError, match=source) as error:
        Restorer.from_pretrained(source)
    assert is_one_sentence(error.value)


@pytest.mark.parametrize("error, told", [
    (torch.OutOfMemoryError("CUDA out of memory"), torch.OutOfMemoryError),
    (RuntimeError("bad magic"), RestorationError), (EOFError("ended"), RestorationError),
])  # fmt: skip
def test_a_state_that_finds_no_memory_is_not_broken(monkeypatch, error, told):
    def load(*_, weights_only: bool, **__):
        assert weights_only
        raise error

    monkeypatch.setattr(torch, "load", load)
    with pytest.raises(told):
        load_state(Path("state.pt"))
