"""Kill training at random moments, resume it, and compare: `python benchmarks/killed.py --times 20`.

One run goes through undisturbed. Each of the others gets `kill -9` at a moment drawn from the whole length of
that run, start-up included, and then `--resume`; its weights and journals must equal the first one's, bit for bit.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))  # runs on a fresh clone, not installed

from restoration.checkpoint import load_state
from restoration.training.runs import METRICS, STATE

ROOT = Path(__file__).parents[1]
SETTINGS = (
    "--data bundled --folds 1 --encoder timm-mobilenetv3_small_minimal_100 --encoder-weights none "
    "--decoder-channels 16 16 8 8 8 --size 64 --batch-size 4 --epochs 3 --epoch-photos 24 --validation-photos 4 "
    "--validation-size 64 --gan-start 0.4 --save-every-minutes 0.02 --workers 1"
)
Pieces = dict[str, tuple[list[dict], dict[str, torch.Tensor], Path]]


def run(*options: str, kill_after: float | None = None) -> float:
    """Seconds that `train.py` took; killed with all its children after so many of them."""
    began = time.monotonic()
    with subprocess.Popen(
        [sys.executable, "train.py", *options], cwd=ROOT, start_new_session=True, stdout=subprocess.DEVNULL
    ) as process:
        try:
            status = process.wait(kill_after)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return time.monotonic() - began
    if status:
        sys.exit(f"train.py ended with {status}.")
    return time.monotonic() - began


def pieces(folder: Path) -> Pieces:
    """Journal without its timings, averaged weights and place of each piece."""
    found = {}
    for state in sorted(folder.glob(f"folds/*/*/{STATE}")):
        lines = (state.parent / METRICS).read_text().splitlines()
        journal = [{k: v for k, v in json.loads(line).items() if k != "photos_per_second"} for line in lines]
        found[str(state.parent.relative_to(folder))] = journal, load_state(state)["ema"], state.parent
    return found


def equal(one: Pieces, other: Pieces) -> bool:
    """Whether journals, averaged weights and the best weights' files are the same to the last bit."""
    return one.keys() == other.keys() and all(
        journal == other[name][0]
        and weights.keys() == other[name][1].keys()
        and all(torch.equal(tensor, other[name][1][key]) for key, tensor in weights.items())
        and (place / "model.safetensors").read_bytes() == (other[name][2] / "model.safetensors").read_bytes()
        for name, (journal, weights, place) in one.items()
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    arguments = parser.parse_args()
    moments = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        whole = run(*SETTINGS.split(), "--runs", folder, "--name", "whole")
        expected, same = pieces(Path(folder) / "whole"), 0
        print(f"undisturbed: {whole:.1f} s, {len(expected)} pieces", flush=True)
        for number in range(arguments.times):
            name, moment = f"killed-{number}", moments.uniform(0, whole)
            run(*SETTINGS.split(), "--runs", folder, "--name", name, kill_after=moment)
            steps = {place: len(journal) for place, (journal, *_) in pieces(Path(folder) / name).items()}
            begun = (Path(folder) / name / "train.json").exists()
            run(*(["--resume", f"{folder}/{name}"] if begun else [*SETTINGS.split(), "--runs", folder, "--name", name]))
            outcome = equal(expected, pieces(Path(folder) / name))
            same += outcome
            verdict = "equal" if outcome else "DIFFERS"
            print(f"{number}: killed at {moment:.1f} s, epochs {steps}: {verdict}", flush=True)
    print(f"{same} of {arguments.times} equal")
    sys.exit(same != arguments.times)


if __name__ == "__main__":
    main()
