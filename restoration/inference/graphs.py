"""A model's exported graphs: ONNX files without weights, which they read from the `model.safetensors` beside them.

New weights of the same architecture therefore need no new export, and an old graph never runs on other weights than
those that are there: each graph notes the layout of the file that it was made for, and is used with no other.
"""

import dataclasses
import hashlib
import json
from pathlib import Path

from restoration.config import ModelConfig, load_config

CONFIG, WEIGHTS = "config.json", "model.safetensors"
TRUNK, TAIL = "trunk.onnx", "tail.onnx"  # encoder and coarse decoder; the decoder from 1/8 of the size on
LAYOUT = "layout"  # the name under which a graph notes what it fits
_TORCH_NAMES = {"F16": "torch.float16", "F32": "torch.float32", "I64": "torch.int64"}  # as the digest spells types
Table = dict[str, dict]  # of tensors, by name: dtype, shape, data_offsets


def read_table(weights: Path) -> tuple[Table, int, str | None]:
    """Tensors of a safetensors file, where in the file their data starts, and the SHA-256 noted in it.

    Raises:
        ValueError: it is no such file.
    """
    with weights.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > weights.stat().st_size:
            raise ValueError(f"{weights} is no safetensors file.")
        table = json.loads(file.read(length))
    noted = table.pop("__metadata__", {}).get("sha256")
    return table, 8 + length, noted


def layout(folder: Path) -> str:
    """64 hex digits of all that a graph depends on: the architecture, and where in the file each tensor lies.

    Raises:
        ValueError, OSError: the folder holds no model.
    """
    config = load_config(ModelConfig, folder / CONFIG)
    table, start, _ = read_table(folder / WEIGHTS)
    facts = [dataclasses.asdict(config), start, sorted(table.items())]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def fit(folder: Path) -> bool:
    """Whether both graphs are there and fit the weights beside them, which are undamaged."""
    try:
        noted = layout(folder).encode()
        graphs = [(folder / name).read_bytes() for name in (TRUNK, TAIL)]
        return all(noted in graph for graph in graphs) and _is_whole(folder / WEIGHTS)
    except (OSError, ValueError, TypeError, AttributeError, KeyError, RecursionError):  # a header may hold anything
        return False


def _is_whole(weights: Path) -> bool:
    """Whether the tensors are those that the file's own SHA-256 was made of; `checkpoint.digest` without PyTorch."""
    table, start, noted = read_table(weights)
    if noted is None:
        return True
    data, total = memoryview(weights.read_bytes())[start:], hashlib.sha256()
    for name, tensor in sorted(table.items()):
        total.update(f"{name} {_TORCH_NAMES[tensor['dtype']]} {tuple(tensor['shape'])}\n".encode())
        total.update(data[slice(*tensor["data_offsets"])])
    return total.hexdigest() == noted
