"""A pushed run comes back to the bit: the best networks, one fold's, or all folds as one."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import gray_photo, hole, is_one_sentence, pixels, small_restorer
from finished_run import FOLDS, NAME, finished_run
from hub_server import FAILURES, PULL, Hub, use
from huggingface_hub import HfApi, constants
from safetensors.torch import load_file

from restoration import Restorer
from restoration.checkpoint import find_folds, find_model
from restoration.errors import RestorationError
from restoration.reports.hub import push_run


@pytest.fixture
def hub(monkeypatch, tmp_path):
    with Hub() as hub:
        use(hub, monkeypatch, tmp_path)
        yield hub


@pytest.fixture
def run(tmp_path):
    return finished_run(tmp_path / "first run")


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    """The folder of other random weights for every fold."""
    folder = tmp_path_factory.mktemp("networks")
    with torch.random.fork_rng():
        for seed, fold in enumerate(FOLDS):
            torch.manual_seed(seed)
            save(small_restorer(), folder / "folds" / fold)
    for stage in ("inpaint", "color"):
        shutil.copytree(folder / "folds/1" / stage, folder / stage)
    return folder


@pytest.fixture
def trained(run, networks):
    """A finished run with weights that load."""
    return shutil.copytree(networks, run, dirs_exist_ok=True)


def save(restorer: Restorer, folder: Path) -> None:
    for stage, network in {"inpaint": restorer.inpainter, "color": restorer.colorizer}.items():
        for parameter in network.unet.segmentation_head.parameters():
            torch.nn.init.normal_(parameter, std=0.1)
        network.save_pretrained(folder / stage)


@pytest.mark.slow
@pytest.mark.parametrize("folds, place", [(None, ""), (0, "folds/0/"), (10, "folds/10/")])
def test_weights_come_back_to_the_bit(hub, trained, folds, place):
    push_run(trained, NAME)
    restorer = Restorer.from_pretrained(NAME, "cpu", folds=folds)
    for stage, network in {"inpaint": restorer.inpainter, "color": restorer.colorizer}.items():
        assert_holds(network, trained / f"{place}{stage}/model.safetensors")


@pytest.mark.slow
def test_a_detector_comes_along_where_there_is_one(hub, trained, networks):
    push_run(trained, NAME)
    plain = Restorer.from_pretrained(NAME, "cpu")
    assert plain.detector is plain.inpainter
    detector = networks / "folds/10/inpaint"
    HfApi(token=hub.token).upload_folder(repo_id=NAME, folder_path=detector, path_in_repo="detect")
    restorer = Restorer.from_pretrained(NAME, "cpu")
    assert_holds(restorer.detector, detector / "model.safetensors")
    assert_holds(restorer.inpainter, trained / "inpaint/model.safetensors")
    of_a_fold = Restorer.from_pretrained(NAME, "cpu", folds=0)
    assert of_a_fold.detector is of_a_fold.inpainter


def assert_holds(network: torch.nn.Module, file: Path) -> None:
    loaded, saved = network.state_dict(), load_file(file)
    assert loaded.keys() == saved.keys()
    assert all(torch.equal(loaded[name], tensor.to(loaded[name].dtype)) for name, tensor in saved.items())


@pytest.mark.slow
def test_all_folds_are_one_network_that_answers_their_mean(hub, trained):
    push_run(trained, NAME)
    seen = np.random.default_rng(0).random((4, 40, 50), np.float32)  # luma and hints
    single = [Restorer.from_pretrained(trained, "cpu", folds=int(fold)) for fold in FOLDS]
    for source in (NAME, trained):
        together = Restorer.from_pretrained(source, "cpu", folds="all")
        for fold, member in zip(FOLDS, together.inpainter, strict=True):
            assert_holds(member, trained / f"folds/{fold}/inpaint/model.safetensors")
        for network, channels in (("_inpaint", 2), ("_color", 4)):
            answers = [getattr(restorer, network)(seen[:channels]) for restorer in single]
            assert np.allclose(getattr(together, network)(seen[:channels]), np.mean(answers, axis=0), atol=1e-5)
        inpainted = [restorer._inpaint(seen[:2]) for restorer in single]
        assert not np.allclose(inpainted[0], np.mean(inpainted, axis=0), atol=1e-3), "folds that are all alike"


@pytest.mark.slow
def test_an_ensemble_restores_a_photo(trained):
    photo, mask = gray_photo("coffee", 90, 60), hole(90, 60, (10, 10, 40, 30))
    result = Restorer.from_pretrained(trained, "cpu", folds="all").restore(photo, mask)
    assert np.array_equal(pixels(result.gray)[~mask], photo[~mask])
    assert np.array_equal(pixels(result.image.convert("L")), pixels(result.gray))


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("route", PULL)
def test_a_download_that_fails_is_one_sentence_and_a_repeat_completes(hub, run, route, failure):
    push_run(run, NAME)
    hub.failing = {route: failure}
    with pytest.raises(RestorationError, match=NAME) as error:
        Restorer.from_pretrained(NAME)
    assert is_one_sentence(error.value)
    hub.failing = {}
    assert [folder.name for folder in find_folds(NAME)] == list(FOLDS)


@pytest.mark.parametrize("folds, said", [(7, "folds/7/inpaint"), ("all", "no folds")])
def test_folds_that_are_not_there_are_one_sentence(hub, run, folds, said):
    shutil.rmtree(run / "folds")
    push_run(run, NAME)
    for source in (run, NAME):
        with pytest.raises(RestorationError, match=said) as error:
            Restorer.from_pretrained(source, folds=folds)
        assert is_one_sentence(error.value) and str(source) in str(error.value)


def test_part_of_the_folds_in_the_cache_is_not_taken_for_all(hub, run, monkeypatch):
    push_run(run, NAME)
    find_model(NAME, "folds/1/color")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(RestorationError):
        find_folds(NAME)
