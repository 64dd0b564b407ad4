"""What runs the networks: PyTorch, the reference and for GPUs; OpenVINO on a CPU.

Both kinds of `Network` are safe to call from several threads at once. They have

- a call: luma in [0, 1] and hints, float32 (C, H, W) of any size -> the Inpainter's output, (2, H, W), or the part
  of it in a box; from the Colorizer the logits of colors, (N, H / 4, W / 4), rounded up;
- `features` of the decoder: the same -> one vector for each 8 px, float32 (N, H / 8, W / 8) or a little more;
- `prior`, of a Colorizer: how often photos have each color, float32 (N,).
"""

import os
import shutil
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from safetensors import SafetensorError, safe_open

from restoration import machine
from restoration import precision as probes
from restoration.config import DETECTOR, MODEL_WEIGHTS, STRIDE
from restoration.errors import RestorationError
from restoration.inference import graphs
from restoration.inference.regions import Box

Backend = Literal["auto", "torch", "openvino"]
Precision = Literal["auto", "bf16", "float32"]
PRECISIONS = get_args(Precision)
PRECISION = "RESTORATION_PRECISION"  # the environment variable for the default
BACKENDS = get_args(Backend)
AGAIN = "it has no up-to-date ONNX graphs; write them with `python -m restoration export OUT --weights IT`."
GRID = 8  # px, of the coarsest features that the tail reads
MARGIN = 24  # px around a box that the tail needs for its pixels: seven 3 x 3 convolutions, at 1/4, 1/2 and 1/1
AnyNetwork = "Inpainter | Colorizer | tuple | TorchNetwork | GraphNetwork"  # of `models`, loaded when needed


class TorchNetwork:
    """A model in PyTorch, or the mean of several, as of all folds; in "bf16" or "float32"."""

    def __init__(self, model, device, precision: Precision = "float32"):
        self._torch, self._device = _pytorch(), device
        try:
            self._torch.empty(0, device=device)
        except (RuntimeError, AssertionError, NotImplementedError) as error:  # PyTorch's, of names and lacking hardware
            raise RestorationError(f"device {device!r} is not available here: use 'cuda' or 'cpu'.") from error
        self.precision = probes.torch_precision(device, training=False) if precision == "auto" else precision
        members = model if isinstance(model, tuple) else (model,)
        self._members = [each.eval().to(device, memory_format=self._torch.channels_last) for each in members]

    def __call__(self, image: np.ndarray, box: Box | None = None) -> np.ndarray:
        kind = self._torch.device(self._device).type
        narrow = self._torch.autocast(kind, self._torch.bfloat16, enabled=self.precision == "bf16")
        with self._torch.inference_mode(), narrow:
            seen = self._inputs(image)
            out = sum(member.run(*seen) for member in self._members) / len(self._members)
            out = out[0].cpu().numpy()
        return out if box is None else out[(slice(None), *box.slices)]

    def features(self, image: np.ndarray) -> np.ndarray:
        with self._torch.inference_mode():
            return self._members[0].features(*self._inputs(image))[0].cpu().numpy()

    def _inputs(self, image: np.ndarray):
        """Luma and hints."""
        return self._torch.from_numpy(image)[None].to(self._device).split([1, len(image) - 1], dim=1)

    @property
    def prior(self) -> np.ndarray | None:
        priors = [member.prior.cpu().numpy() for member in self._members if hasattr(member, "prior")]
        return np.mean(priors, axis=0) if priors else None


class GraphNetwork:
    """Exported graphs: the trunk sees all, the tail computes no more than the box."""

    def __init__(self, trunk, tail, precision: Precision = "float32", prior: np.ndarray | None = None):
        self._trunk, self._tail, self.precision, self.prior = trunk, tail, precision, prior

    def __call__(self, image: np.ndarray, box: Box | None = None) -> np.ndarray:
        height, width = image.shape[1:]
        image = _padded(image)
        box = box or Box(0, 0, height, width)
        seen = box.grown(MARGIN, image.shape[1:]).snapped(GRID)
        features = self._trunk([image[None]])
        parts = [seen.divided(scale).slices for scale in (8, 4, 2)[: len(features)]]
        inputs = [np.ascontiguousarray(x[(..., *part)]) for x, part in zip(features, parts, strict=True)]
        out = self._tail(inputs)[0][0]
        stride = (seen.bottom - seen.top) // out.shape[1]
        return out[(slice(None), *box.seen_from(seen).snapped(stride).divided(stride).slices)]

    def features(self, image: np.ndarray) -> np.ndarray:
        return self._trunk([_padded(image)[None]])[0][0]


Network = TorchNetwork | GraphNetwork


def _padded(image: np.ndarray) -> np.ndarray:
    height, width = image.shape[1:]
    below, right = -height % STRIDE, -width % STRIDE
    return np.pad(image, ((0, 0), (0, below), (0, right)), "edge") if below or right else np.ascontiguousarray(image)


def as_network(network: AnyNetwork, device: str | None = None, precision: Precision = "float32") -> Network:
    """A model, or several, as a network; a network is returned unchanged."""
    if isinstance(network, Network):
        return network
    return TorchNetwork(network, torch_device(device), precision)


def chosen_precision(asked: Precision | None = None) -> Precision:
    """The precision asked for, else the environment's, else "auto"."""
    precision = asked or os.environ.get(PRECISION) or "auto"
    if precision not in PRECISIONS:
        raise RestorationError(f"precision is {precision!r}: use one of {', '.join(PRECISIONS)}.")
    return precision


def load(
    source: str | Path,
    folds: int | Literal["all"] | None,
    device: str | None,
    backend: Backend,
    precision: Precision,
) -> "tuple[AnyNetwork, AnyNetwork, AnyNetwork | None]":
    """Inpainter, Colorizer, and the detector where there is one; see `Restorer.from_pretrained`."""
    if backend not in BACKENDS:
        raise RestorationError(f"backend is {backend!r}: use one of {', '.join(BACKENDS)}.")
    if backend == "torch" or (backend == "auto" and (folds == "all" or torch_device(device) != "cpu")):
        return _load_models(source, folds)
    if folds == "all":
        raise RestorationError(f"{backend} cannot run all folds together: omit the backend to use PyTorch.")
    root = Path(source) if folds is None else Path(source) / f"folds/{folds}"
    folders = [root / "inpaint", root / "color", *filter(Path.is_dir, [root / DETECTOR])]
    if all(map(graphs.fit, folders)):
        with suppress(RuntimeError, SafetensorError):  # a damaged graph is none; of damaged weights PyTorch says more
            own = _graph_precision(precision)  # once, not in three threads at a time
            with ThreadPoolExecutor(len(folders)) as pool:
                inpaint, color, *detect = pool.map(partial(open_graphs, precision=own), folders)
            return inpaint, color, *(detect or [None])
    if backend == "openvino":
        raise RestorationError(f"{root} cannot be run by {backend}: {AGAIN}")
    if any((folder / graphs.TRUNK).exists() for folder in folders):
        warnings.warn(f"PyTorch runs {root}: {AGAIN}", stacklevel=3)
    return _load_models(source, folds)


@cache
def _pytorch():
    """PyTorch, with one thread after a fork: otherwise it would wait forever for the parent's threads."""
    import torch

    os.register_at_fork(after_in_child=lambda: torch.set_num_threads(1))
    return torch


def _load_models(source, folds):
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read as PyTorch loads: waiting threads must not take a core
    from restoration.models import load_networks

    return load_networks(source, folds)


def torch_device(device: str | None = None) -> str:
    """The device asked for, or the GPU if there is one; without a driver, PyTorch need not be loaded to check."""
    has_driver = Path("/dev/nvidiactl").exists() or shutil.which("nvidia-smi")
    if device is not None or not has_driver or not find_spec("torch"):
        return device or "cpu"
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def open_graphs(folder: Path, precision: Precision = "auto") -> GraphNetwork:
    """The graphs beside a model, in OpenVINO; precision "auto" means the faster one on this processor."""
    precision = _graph_precision(precision)
    trunk, tail = (openvino_graph(folder / name, precision) for name in (graphs.TRUNK, graphs.TAIL))
    with safe_open(folder / MODEL_WEIGHTS, "numpy") as file:
        prior = file.get_tensor("prior").astype(np.float32) if "prior" in file.keys() else None  # noqa: SIM118, no dict
    return GraphNetwork(trunk, tail, precision, prior)


def _graph_precision(asked: Precision) -> Precision:
    return probes.openvino_precision(_core(), threads()) if asked == "auto" else asked


@cache
def _core():
    """OpenVINO's core, kept forever: when the last one ends (2026.4), it frees the stack that signal handlers use."""
    import openvino

    return openvino.Core()


def openvino_graph(file: Path, precision: Precision):
    """A function that runs a graph in "bf16" or "float32": list of arrays -> list of arrays, in several threads too."""
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": threads(),
        "ENABLE_CPU_PINNING": False,  # a pinned thread would wait for its core while others are idle
        "CPU_RUNTIME_CACHE_CAPACITY": 300,  # compiled layers kept for earlier sizes; the default lets memory grow
        "INFERENCE_PRECISION_HINT": {"bf16": "bf16", "float32": "f32"}[precision],
    }
    compiled = _core().compile_model(str(file), "CPU", settings)

    def run(inputs: list[np.ndarray]) -> list[np.ndarray]:
        request = compiled.create_infer_request()  # holds one call's tensors, so threads must not share it
        return list(request.infer(inputs, share_inputs=True, share_outputs=False).values())

    return run


def threads() -> int:
    """Threads for one call: OMP_NUM_THREADS, or the cores that this process may use."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, int(asked)) if asked.isdecimal() else machine.cores()
