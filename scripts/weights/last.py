"""A piece's averaged weights after its last saved step: `python scripts/weights/last.py RUN/folds/0/inpaint OUT`.

The piece itself keeps the epoch with the best PSNR, which with a GAN is the first. OUT gets hub layout.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # runs on a fresh clone, not installed

from restoration.checkpoint import load_model, load_state, save_model
from restoration.config import ModelConfig
from restoration.training.runs import STATE


def main(piece: str, out: str) -> None:
    state = load_state(Path(piece) / STATE)
    if not state.get("finished"):
        print(f"{piece} is not finished: these are the weights of step {state['step']}.")
    config = ModelConfig(**state["config"]) if "config" in state else load_model(Path(piece))[0]
    save_model(config, state["ema"], Path(out))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
