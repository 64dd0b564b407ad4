"""What a start costs with many photos: `python benchmarks/starts.py --data DIR --against CHECKOUT`.

`train.py` begins on all photos with a network hardly worth the name, is told to stop once its first step is saved, and
is resumed: a few steps more, and the report. Shown are CPU seconds, which other programs on the machine hardly change:
up to the first step, and of the whole resumed program.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parents[1]
SETTINGS = (
    "--folds 1 --stage color --encoder timm-mobilenetv3_small_minimal_100 --encoder-weights none --decoder-channels "
    "16 16 8 8 8 --size 128 --validation-size 128 --cache-gib 6 --batch-size 8 --epochs 1 --epoch-photos 160 "
    "--validation-photos 4 --workers 1 --precision float32 --color-gan-weight 0 --save-every-minutes 0"
)
CLOCK = os.sysconf("SC_CLK_TCK")


def start(checkout: Path, *options: str) -> subprocess.Popen:
    """The training command of a checkout."""
    return subprocess.Popen([sys.executable, "train.py", *options], cwd=checkout, stdout=subprocess.DEVNULL)


def used(process: subprocess.Popen) -> float:
    """CPU seconds of a running program, on Linux."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / CLOCK


def first_step(process: subprocess.Popen, run: Path) -> float:
    """CPU seconds until the first step is saved; the program is told to stop then."""
    while not next(run.glob("folds/0/color/state.pt"), None):
        if process.poll() is not None:
            sys.exit(f"train.py ended with {process.returncode} before its first step.")
        time.sleep(0.2)
    seconds = used(process)
    process.send_signal(signal.SIGTERM)
    process.wait()
    return seconds


def whole(process: subprocess.Popen) -> float:
    """CPU seconds of a program and its children, once it has ended."""
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"train.py ended with status {status}.")
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="what train.py takes: a folder, tar shards or bundled")
    parser.add_argument("--against", type=Path, help="another checkout (git worktree add FOLDER COMMIT)")
    args = parser.parse_args()
    print("| checkout | CPU s to the first step | CPU s of the resumed program |\n|---|---:|---:|")
    for name, checkout in {"other": args.against, "this": HERE}.items():
        if checkout is None:
            continue
        with tempfile.TemporaryDirectory() as folder:
            settings = [*SETTINGS.split(), "--data", args.data, "--runs", folder, "--name", "run"]
            began = first_step(start(checkout, *settings), Path(folder) / "run")
            resumed = whole(start(checkout, "--resume", f"{folder}/run", "--stage", "color"))
        print(f"| {name} | {began:.1f} | {resumed:.1f} |", flush=True)


if __name__ == "__main__":
    main()
