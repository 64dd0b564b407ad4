"""Weights on their way through a folder: whole ones arrive unchanged, all others are refused."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import gray_photo, hole, is_one_sentence, pixels
from safetensors.torch import load_file, save_file

from restoration import Restorer
from restoration.checkpoint import WeightsError

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


def flip_a_bit(file: Path) -> None:
    """Of a value, as a bad disk does: the file stays readable."""
    content = bytearray(file.read_bytes())
    content[-1000] ^= 4
    file.write_bytes(content)


SPOILED = {
    "no folder": lambda folder: shutil.rmtree(folder),
    "no weights": lambda folder: (folder / "model.safetensors").unlink(),
    "no config": lambda folder: (folder / "config.json").unlink(),
    "config is no JSON": lambda folder: (folder / "config.json").write_text("{"),
    "config is a list": lambda folder: (folder / "config.json").write_text("[]"),
    "unknown field": lambda folder: edit_config(folder, depth=5),
    "unknown encoder": lambda folder: edit_config(folder, encoder="resnet0"),
    "other stage": lambda folder: edit_config(folder, stage="inpaint"),
    "other widths": lambda folder: edit_config(folder, decoder_channels=[8, 8, 8, 8, 8]),
    "cut file": lambda folder: (folder / "model.safetensors").write_bytes(b"half a file"),
    "a flipped bit": lambda folder: flip_a_bit(folder / "model.safetensors"),
    "missing key": lambda folder: edit_tensors(folder, lambda weight: None),
    "wrong shape": lambda folder: edit_tensors(folder, lambda weight: weight[:, :1].contiguous()),
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
def test_weights_that_do_not_fit_are_refused_in_one_sentence(weights, tmp_path, spoil):
    own = shutil.copytree(weights, tmp_path / "weights")
    spoil(own / "color")
    with pytest.raises(WeightsError) as error:
        Restorer.from_pretrained(own)
    assert is_one_sentence(error.value) and str(error.value).count(str(own)) == 1
    assert "__init__" not in str(error.value)


@pytest.mark.parametrize("source", ["no/such-repository", "/no/such/folder", "no such name"])
def test_weights_that_are_nowhere_are_refused_in_one_sentence(source):
    with pytest.raises(WeightsError, match=source) as error:
        Restorer.from_pretrained(source)
    assert is_one_sentence(error.value)
