"""Every backend against PyTorch on real photos, and what happens where graphs, runtimes or weights are missing."""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from conftest import assert_same, gray_photo, hole, is_one_sentence, pixels, small_restorer

from restoration import RestorationError, Restorer
from restoration import precision as probes
from restoration.config import MODEL_CONFIG, MODEL_WEIGHTS
from restoration.inference import backends, graphs
from restoration.inference.export import TOLERANCE, _copy, export
from restoration.inference.regions import Box
from restoration.pipeline import SHIPPED_WEIGHTS

ROOT = Path(__file__).parents[2]
JOBS = [  # photos, and their holes
    (gray_photo("astronaut", 301, 187), hole(301, 187, (40, 30, 130, 90), (270, 150, 301, 187))),
    (gray_photo("coffee", 640, 520), hole(640, 520, (100, 90, 520, 410))),  # too large for one go
    (gray_photo("camera", 30, 75), hole(30, 75, (0, 0, 9, 9))),
]


@pytest.fixture(scope="module")
def reference() -> Restorer:
    return Restorer.from_pretrained(backend="torch", device="cpu")


@pytest.fixture(scope="module")
def written(weights, tmp_path_factory) -> Path:
    """The small random models with their graphs; no test may change them."""
    folder = tmp_path_factory.mktemp("exported") / "new" / "folder"
    export(weights, folder)
    return folder


@pytest.fixture
def exported(written, tmp_path) -> Path:
    """The same in a folder of the test's own."""
    return shutil.copytree(written, tmp_path / "exported")


@pytest.mark.slow
def test_shipped_graphs_answer_as_pytorch_does_on_photos(reference):
    restorer = Restorer.from_pretrained(backend="openvino")
    for gray, mask in JOBS:
        damaged = np.where(mask, 93, gray).astype(np.uint8)
        ours, theirs = (each.restore(damaged, mask, fill="smooth") for each in (restorer, reference))
        assert np.array_equal(pixels(ours.image.convert("L"))[~mask], damaged[~mask]), "known luma is exact"
        assert np.abs(pixels(ours.gray) - pixels(theirs.gray)).max() <= 1
        assert np.abs(ours.chroma[0].decode() - theirs.chroma[0].decode()).max() <= TOLERANCE
        assert np.mean(pixels(ours.image) != pixels(theirs.image)) < 0.02


def test_a_box_of_the_output_is_the_same_part_of_the_whole():
    network = backends.open_graphs(SHIPPED_WEIGHTS / "inpaint", "float32")
    image = np.stack([gray_photo("astronaut", 211, 160) / np.float32(255), hole(211, 160, (50, 50, 90, 99))])
    whole = network(image)
    for box in (Box(50, 50, 99, 90), Box(0, 0, 1, 1), Box(150, 3, 160, 211), Box(77, 200, 78, 211)):
        assert np.allclose(network(image, box), whole[(slice(None), *box.slices)], atol=1e-5)


@pytest.mark.slow
def test_threads_share_one_network():
    restorer = Restorer.from_pretrained(backend="openvino")
    jobs = JOBS[::2]
    expected = [restorer.restore(*job, fill="smooth") for job in jobs]
    with ThreadPoolExecutor(4) as pool:
        for number, result in enumerate(pool.map(lambda job: restorer.restore(*job, fill="smooth"), jobs * 4)):
            assert_same(result, expected[number % len(jobs)])


@pytest.mark.slow
def test_a_graph_backend_loads_neither_pytorch_nor_what_needs_it():
    heavy = "torch", "timm", "segmentation_models_pytorch", "huggingface_hub", "sklearn", "skimage", "matplotlib"
    code = f"""
import sys, numpy as np
from restoration import RestorationError, Restorer
Restorer.from_pretrained().restore(np.arange(40 * 50, dtype=np.uint8).reshape(40, 50))
print([name for name in {heavy!r} if name in sys.modules])"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == "[]"


# What is exported, and when it is used ----------------------------------------------------------


def test_export_writes_models_that_both_backends_take_alike(exported):
    gray, mask = gray_photo("coffee", 91, 70), hole(91, 70, (30, 20, 60, 70))
    restorers = [Restorer.from_pretrained(exported, "cpu", backend=name) for name in ("torch", "openvino")]
    assert [hasattr(restorer.colorizer, "state_dict") for restorer in restorers] == [True, False]
    one, other = (restorer.restore(gray, mask) for restorer in restorers)
    assert np.abs(pixels(one.gray) - pixels(other.gray)).max() <= 1
    assert np.abs(one.chroma[0].decode() - other.chroma[0].decode()).max() <= TOLERANCE


@pytest.mark.slow
def test_an_export_changes_no_weights_and_is_repeatable(exported, weights):
    read = lambda folder, name: {stage: (folder / stage / name).read_bytes() for stage in ("inpaint", "color")}  # noqa: E731
    first = [read(exported, name) for name in (graphs.TRUNK, graphs.TAIL)]
    assert export(exported, exported).keys() == {"inpaint", "color"}
    assert [read(exported, name) for name in (graphs.TRUNK, graphs.TAIL)] == first
    assert read(exported, MODEL_WEIGHTS) == read(weights, MODEL_WEIGHTS)


def test_models_are_copied_beside_their_graphs_unless_others_are_there(weights, tmp_path):
    for _ in range(2):
        _copy(weights / "color", tmp_path / "new" / "color")
    with pytest.raises(RestorationError, match="holds another model") as error:
        _copy(weights / "inpaint", tmp_path / "new" / "color")
    assert is_one_sentence(error.value) and all(
        (tmp_path / "new" / "color" / name).read_bytes() == (weights / "color" / name).read_bytes()
        for name in (MODEL_CONFIG, MODEL_WEIGHTS)
    )


@pytest.mark.slow
def test_other_weights_of_the_same_architecture_need_no_other_graphs(exported):
    import torch

    from restoration.models import Colorizer

    model = Colorizer.from_pretrained(exported, "color")
    torch.nn.init.normal_(model.unet.segmentation_head[0].weight, std=0.3)
    before = Restorer.from_pretrained(exported, backend="openvino").restore(JOBS[0][0]).chroma[0].decode()
    model.save_pretrained(exported / "color")
    after = Restorer.from_pretrained(exported, backend="openvino").restore(JOBS[0][0]).chroma[0].decode()
    wanted = Restorer.from_pretrained(exported, "cpu", backend="torch").restore(JOBS[0][0]).chroma[0].decode()
    assert np.abs(after - wanted).max() <= TOLERANCE < np.abs(after - before).max()


@pytest.mark.slow
@pytest.mark.parametrize(
    "change", [lambda graph: graph[: len(graph) // 2], lambda graph: graph[9:]], ids=["half", "headless"]
)
def test_a_graph_that_cannot_be_read_leaves_the_work_to_pytorch(exported, change):
    graph = exported / "color" / graphs.TAIL
    graph.write_bytes(change(graph.read_bytes()))
    with pytest.warns(match="PyTorch runs"):
        assert hasattr(Restorer.from_pretrained(exported, "cpu").colorizer, "state_dict")
    with pytest.raises(RestorationError, match="export"):
        Restorer.from_pretrained(exported, backend="openvino")


@pytest.mark.filterwarnings("ignore:PyTorch runs")
@pytest.mark.parametrize("header", [b"[]", b"[" * 100_000, b'{"__metadata__": null}', b'{"a": {"dtype": "F1024"}}'])
def test_a_header_may_hold_anything(exported, header):
    weights = exported / "color" / MODEL_WEIGHTS
    weights.write_bytes(len(header).to_bytes(8, "little") + header)
    assert not graphs.fit(exported / "color")
    with pytest.raises(RestorationError) as error:
        Restorer.from_pretrained(exported)
    assert is_one_sentence(error.value)


@pytest.mark.parametrize("change", ["config", "weights", "no tail"])
def test_graphs_that_do_not_fit_are_not_used(exported, change):
    folder = exported / "color"
    if change == "config":
        config = folder / MODEL_CONFIG
        config.write_text(config.read_text().replace("0.449", "0.5"))
    elif change == "weights":
        shutil.copy(exported / "inpaint" / MODEL_WEIGHTS, folder / MODEL_WEIGHTS)
    else:
        (folder / graphs.TAIL).unlink()
    assert graphs.fit(exported / "inpaint") and not graphs.fit(folder)
    with pytest.raises(RestorationError, match="export") as error:
        Restorer.from_pretrained(exported, backend="openvino")
    assert is_one_sentence(error.value)
    if change == "no tail":  # the weights themselves are whole
        (folder / graphs.TRUNK).unlink()  # of one folder alone
        with pytest.warns(match="PyTorch") as warned:
            assert hasattr(Restorer.from_pretrained(exported, "cpu").inpainter, "state_dict")
        assert warned[0].filename == __file__, "it names the caller's line"


@pytest.mark.slow
def test_the_command_says_how_far_openvino_is_from_pytorch(run, weights, tmp_path):
    status, out, _ = run("export", tmp_path / "out", "--weights", weights)
    assert status == 0 and len(out) == 2
    assert all(float(line.split("at most ")[1].split()[0]) < 1e-4 for line in out)


@pytest.mark.slow
def test_an_export_without_its_package_is_one_sentence(run, weights, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    monkeypatch.delitem(sys.modules, "restoration.inference.export", raising=False)
    status, _, err = run("export", tmp_path / "out", "--weights", weights)
    assert status == 1 and len(err) == 1 and "pip install '.[export]'" in err[0]


@pytest.mark.slow
def test_a_detector_finds_the_damage_and_the_inpainter_fills_it(weights, restorer, tmp_path):
    shutil.copytree(weights, tmp_path / "weights")
    other = small_restorer().inpainter
    other.unet.segmentation_head[0].bias.data[1] = 9  # all is damaged
    other.save_pretrained(tmp_path / "weights" / "detect")
    export(tmp_path / "weights", tmp_path / "exported")
    photo, mask = gray_photo("coffee", 90, 60), hole(90, 60, (10, 10, 40, 30))
    for backend in ("torch", "openvino"):
        loaded = Restorer.from_pretrained(tmp_path / "exported", "cpu", backend=backend)
        assert loaded.damage(photo).logits.min() > 5 > restorer.damage(photo).logits.max()
        filled, expected = (pixels(each.repair(photo, mask, fill="smooth").gray) for each in (loaded, restorer))
        assert np.abs(filled - expected).max() <= 1


# Choices ----------------------------------------------------------------------------------------


def test_without_graphs_pytorch_answers(weights, restorer):
    loaded = Restorer.from_pretrained(weights, "cpu")
    assert_same(loaded.restore(*JOBS[2]), Restorer.from_pretrained(weights, "cpu", backend="torch").restore(*JOBS[2]))
    assert hasattr(loaded.inpainter, "state_dict")


def test_an_unknown_backend_is_one_sentence():
    with pytest.raises(ValueError, match="openvino") as error:
        Restorer.from_pretrained(backend="tensorflow")
    assert is_one_sentence(error.value)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["torch", "openvino"])
def test_bfloat16_fills_and_colors_nearly_as_float32_does(backend):
    """A level or two where the network predicts (texture magnifies it); what it does not touch is exact as ever."""
    wide, narrow = (Restorer.from_pretrained(device="cpu", backend=backend, precision=p) for p in ("float32", "bf16"))
    assert (wide.precision, narrow.precision) == ("float32", "bf16")
    gray, mask = JOBS[0]
    damaged = np.where(mask, 93, gray).astype(np.uint8)
    one, other = (restorer.restore(damaged, mask, fill="smooth") for restorer in (wide, narrow))
    difference = np.abs(pixels(one.gray) - pixels(other.gray))
    assert not difference[~mask].any() and difference[mask].mean() < 3
    assert difference.any()
    assert np.abs(one.chroma[0].decode() - other.chroma[0].decode()).mean() < 0.01


def test_the_faster_precision_is_taken_unless_one_is_forced(monkeypatch):
    now = [0.0]
    calls = {seconds: lambda seconds=seconds: now.__setitem__(0, now[0] + seconds) for seconds in (1, 1.05, 3)}
    monkeypatch.setattr(probes, "process_time", lambda: now[0])
    for one, other, faster in ((1, 3, True), (3, 1, False), (1, 1.05, False)):
        assert probes.is_faster(calls[one], calls[other]) == faster
    monkeypatch.delenv(backends.PRECISION)
    monkeypatch.setattr(probes, "openvino_precision", lambda *_: "bf16")
    assert backends._graph_precision(backends.chosen_precision()) == "bf16"
    monkeypatch.setenv(backends.PRECISION, "float32")
    assert backends._graph_precision(backends.chosen_precision()) == "float32"
    with pytest.raises(ValueError, match="int8") as error:
        Restorer.from_pretrained(precision="int8")
    assert is_one_sentence(error.value)


@pytest.mark.parametrize(("has_units", "precision"), [(True, "bf16"), (False, "float32")])
def test_a_gpu_with_bfloat16_units_trains_in_it(monkeypatch, has_units, precision):
    monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda including_emulation: has_units or including_emulation)
    assert probes.torch_precision.__wrapped__("cuda", training=True) == precision


def test_threads_are_those_that_the_process_may_use(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert backends.threads() == 3
    monkeypatch.delenv("OMP_NUM_THREADS")
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr("pathlib.Path.read_text", lambda _: "max 100000")
    assert backends.threads() == 8
    monkeypatch.setattr("pathlib.Path.read_text", lambda _: "200000 100000")
    assert backends.threads() == 2


@pytest.mark.slow
def test_signals_are_handled_after_a_restorer_is_gone():
    """In a program of its own, which faulthandler and a handler for ended children make as fragile as a test run."""
    program = """
import faulthandler, gc, signal, subprocess, sys
faulthandler.enable()
from restoration import RestorationError, Restorer
restorer = Restorer.from_pretrained(backend="openvino")
del restorer
gc.collect()
ended = []
signal.signal(signal.SIGCHLD, lambda *_: ended.append(1))
for _ in range(5):
    subprocess.run([sys.executable, "-c", ""], check=True)
print(len(ended))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "5\n"), done.stderr


@pytest.mark.parametrize("device", ["gpu", "mps", "cuda"])
def test_a_device_that_is_not_there_is_one_sentence(weights, device):
    if backends.torch_device() == "cuda":
        pytest.skip("it is there")
    with pytest.raises(RestorationError, match=f"^device '{device}'") as error:
        Restorer.from_pretrained(weights, device)
    assert is_one_sentence(error.value)


@pytest.mark.slow
def test_pytorch_works_after_a_fork(weights):
    """Its threads are not there any more: with more than one it would wait for them for ever."""
    code = f"""
import os, signal, numpy as np
from restoration import RestorationError, Restorer
restorer = Restorer.from_pretrained({str(weights)!r}, "cpu", backend="torch")
photo = np.random.default_rng(0).integers(0, 255, (96, 96), np.uint8)
restorer.restore(photo)
child = os.fork()
if child == 0:
    signal.alarm(60)
    restorer.restore(photo)
    os._exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
"""
    environment = os.environ | {"OMP_NUM_THREADS": "2", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
