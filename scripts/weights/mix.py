"""Mix the weights of two models, one trained on from the other: `python scripts/weights/mix.py ONE OTHER SHARE OUT`.

OUT gets (1 - SHARE) of ONE and SHARE of OTHER (Wortsman et al., "Model soups", 2022). All are folders in hub layout.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # runs on a fresh clone, not installed

import torch

from restoration.checkpoint import load_model, save_model
from restoration.config import MODEL_CONFIG


def main(one: str, other: str, share: str, out: str) -> None:
    (config, first), (other_config, second) = (load_model(Path(folder)) for folder in (one, other))
    if config != other_config or first.keys() != second.keys():
        sys.exit(f"{one} and {other} differ in {MODEL_CONFIG}: only models of one architecture can be mixed.")
    mixed = {name: mix(tensor, second[name], float(share)) for name, tensor in first.items()}
    save_model(config, mixed, Path(out))


def mix(one: torch.Tensor, other: torch.Tensor, share: float) -> torch.Tensor:
    """The point between two tensors; batch norm's integer step counters are taken from the first."""
    return one.float() * (1 - share) + other.float() * share if one.is_floating_point() else one


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
