"""A model's exported graphs: ONNX files without weights, which they read from the `model.safetensors` beside them.

New weights of the same architecture therefore need no new export, and an old graph never runs with stale weights:
each graph records the layout of the file that it was made for, and is not used with any other.
"""

import dataclasses
import hashlib
import json
from pathlib import Path

from restoration.config import MODEL_CONFIG, MODEL_WEIGHTS, ModelConfig, load_config

TRUNK, TAIL = "trunk.onnx", "tail.onnx"  # encoder and coarse decoder; the decoder from 1/8 of the size on
LAYOUT = "layout"  # the name under which a graph records the layout it fits
Table = dict[str, dict]  # of tensors, by name: dtype, shape, data_offsets


def read_table(weights: Path) -> tuple[Table, int]:
    """Tensors of a safetensors file, and where in the file their data starts; a ValueError if it is none."""
    with weights.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > weights.stat().st_size:
            raise ValueError(f"{weights} is not a safetensors file.")
        table = json.loads(file.read(length))
    table.pop("__metadata__", None)
    return table, 8 + length


def layout(folder: Path) -> str:
    """64 hex digits identifying what a graph depends on: the architecture, and where in the file each tensor lies.
    A ValueError or OSError if the folder holds no model."""
    config = load_config(ModelConfig, folder / MODEL_CONFIG)
    table, start = read_table(folder / MODEL_WEIGHTS)
    facts = [dataclasses.asdict(config), start, sorted(table.items())]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def fit(folder: Path) -> bool:
    """Whether both graphs exist and fit the weights beside them."""
    try:
        noted = layout(folder).encode()
        graphs = [(folder / name).read_bytes() for name in (TRUNK, TAIL)]
        return all(noted in graph for graph in graphs)
    except (OSError, ValueError, TypeError, AttributeError, KeyError, RecursionError):  # a header may hold anything
        return False
