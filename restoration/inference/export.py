"""PyTorch models -> ONNX graphs, which OpenVINO runs faster and loads without PyTorch."""

import filecmp
import shutil
import warnings
from functools import partial
from itertools import zip_longest
from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from restoration.atomic import replacing
from restoration.checkpoint import find_model, has_model
from restoration.config import DETECTOR, INPUT_CHANNELS, MODEL_CONFIG, MODEL_WEIGHTS, Stage
from restoration.errors import RestorationError
from restoration.inference import backends, graphs
from restoration.models import MODELS

TOLERANCE = 1e-3  # of an output, a quarter of a level of gray; 2e-5 is usual
CHECKED = ((32, 32), (160, 96), (256, 320))  # px, sizes at which graphs are compared with PyTorch
OPSET = 17


def export(source: str | Path, out: Path) -> dict[str, float]:
    """Write the models of a folder or hub repository and their graphs to `out`, which may be the folder itself.

    Returns:
        The largest difference between OpenVINO and PyTorch over all outputs, by model.

    Raises:
        RestorationError: a model cannot be loaded, or a graph differs from PyTorch by more than TOLERANCE.
    """
    found = {}
    names = ["inpaint", "color", DETECTOR] if has_model(source, DETECTOR) else ["inpaint", "color"]
    for name in names:
        stage, folder = "color" if name == "color" else "inpaint", out / name
        _copy(find_model(source, name), folder)
        export_stage(folder, stage)
        found[name] = difference(folder, stage)
    if bad := [name for name, error in found.items() if not error <= TOLERANCE]:
        raise RestorationError(f"the graphs of {', '.join(bad)} differ too much from PyTorch: use backend='torch'.")
    return found


def _copy(model: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for file in (MODEL_CONFIG, MODEL_WEIGHTS):
        if (model / file).resolve() != (folder / file).resolve():
            if (folder / file).exists() and not filecmp.cmp(model / file, folder / file, shallow=False):
                raise RestorationError(f"{folder} holds another model; choose another folder.")
            shutil.copyfile(model / file, folder / file)


def export_stage(folder: Path, stage: Stage) -> None:
    """Write the graphs of the model in `folder` beside it."""
    network = MODELS[stage].from_pretrained(folder)
    _pad_statically(network.unet)
    image = torch.zeros(1, INPUT_CHANNELS[stage], 64, 96)
    with torch.no_grad():
        features = _Trunk(network)(image)
    coarse = ["eighth", "quarter", "half"][: len(features)]
    _write(_Trunk(network), (image,), ["image"], coarse, folder, graphs.TRUNK)
    _write(_Tail(network), features, coarse, ["out"], folder, graphs.TAIL)


def difference(folder: Path, stage: Stage) -> float:
    """The largest difference between PyTorch and OpenVINO, on noise of several sizes."""
    reference = backends.TorchNetwork(MODELS[stage].from_pretrained(folder), "cpu")
    rng = np.random.default_rng(0)
    images = [rng.random((INPUT_CHANNELS[stage], *size), np.float32) for size in CHECKED]
    network = backends.open_graphs(folder, "float32")
    return max(float(np.abs(network(image) - reference(image)).max()) for image in images)


class _Trunk(nn.Module):
    """Luma and hints (B, C, H, W) -> what the tail needs, at 1/8, 1/4 and, for an Inpainter, 1/2 of the size."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.unet, self.config = network.unet, network.config

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        light = (image[:, :1] - self.config.luma_mean) / self.config.luma_std
        image = torch.cat([light, image[:, 1:]], dim=1)
        _, half, quarter, eighth, sixteenth, deepest = self.unet.encoder(image)
        first, second, *others = self.unet.decoder.blocks
        x = self.unet.decoder.center(deepest)
        return _twice(second, _twice(first, x, sixteenth), eighth), *(quarter, half)[: len(others)]


class _Tail(nn.Module):
    """The trunk's outputs, or the same part of each -> the output, (B, K, H, W) or a quarter of that size."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.unet = network.unet

    def forward(self, x: Tensor, *skips: Tensor) -> Tensor:
        for block, skip in zip_longest(self.unet.decoder.blocks[2:], skips):
            x = _twice(block, x, skip)
        return self.unet.segmentation_head(x)


def _twice(block: nn.Module, x: Tensor, skip: Tensor | None = None) -> Tensor:
    """A decoder block of segmentation-models-pytorch, whose own forward would freeze the example's sizes."""
    x = F.interpolate(x, scale_factor=2, mode="nearest")
    x = x if skip is None else torch.cat([x, skip], dim=1)
    return block.conv2(block.conv1(x))


def _pad_statically(unet: nn.Module) -> None:
    """timm's "same" convolutions recompute their padding for every size; for even sizes it is constant."""
    for conv in unet.modules():
        if type(conv).__name__ == "Conv2dSame":
            conv.forward = partial(_same, conv)


def _same(conv: nn.Conv2d, x: Tensor) -> Tensor:
    padding = max(conv.kernel_size[0] - conv.stride[0], 0)  # of a square kernel, on both sides together
    padding = [padding // 2, padding - padding // 2] * 2
    return F.conv2d(F.pad(x, padding), conv.weight, conv.bias, conv.stride, 0, conv.dilation, conv.groups)


def _write(module: nn.Module, args: tuple, inputs: list[str], outputs: list[str], folder: Path, name: str) -> None:
    """Trace a module into an ONNX file whose weights lie in the safetensors file beside it."""
    with warnings.catch_warnings(), replacing(folder / name) as part:
        warnings.simplefilter("ignore")  # that the exporter is deprecated
        torch.onnx.export(
            module.eval(), args, str(part), dynamo=False, opset_version=OPSET, input_names=inputs, output_names=outputs,
            dynamic_axes={key: {2: f"{key} height", 3: f"{key} width"} for key in (*inputs, *outputs)},
            training=torch.onnx.TrainingMode.PRESERVE,  # folds nothing: each tensor stays as in the file
            do_constant_folding=False,
        )  # fmt: skip
        model = onnx.load(part)
        _point_to_file(model.graph, folder / MODEL_WEIGHTS)
        model.metadata_props.add(key=graphs.LAYOUT, value=graphs.layout(folder))
        del model.graph.value_info[:]
        part.write_bytes(model.SerializeToString())


def _point_to_file(graph: onnx.GraphProto, weights: Path) -> None:
    """Replace every tensor by a reference into the file and a cast to float32."""
    table, start = graphs.read_table(weights)
    kinds = {"F16": onnx.TensorProto.FLOAT16, "F32": onnx.TensorProto.FLOAT}
    casts = []
    for tensor in graph.initializer:
        entry, name = table[tensor.name], tensor.name
        begin, end = entry["data_offsets"]
        tensor.CopyFrom(onnx.TensorProto(name=f"{name}.stored", dims=entry["shape"], data_type=kinds[entry["dtype"]]))
        tensor.data_location = onnx.TensorProto.EXTERNAL
        for key, value in (("location", weights.name), ("offset", start + begin), ("length", end - begin)):
            tensor.external_data.add(key=key, value=str(value))
        casts.append(onnx.helper.make_node("Cast", [tensor.name], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
