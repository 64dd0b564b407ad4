"""A folder of photos by 1, 2 and 4 processes, and by two that are killed: `python benchmarks/folders.py`.

Photos are crops of scikit-image's, each another one, with a hole each. The processes are torchrun's, as on a cluster;
a restart counts as one more call of the same command. Speed is taken from the report, from the first photo begun to
the last one written, without the start of Python and PyTorch, which is shown beside it.
"""

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data

ROOT = Path(__file__).parents[1]
NAMES = ("astronaut", "chelsea", "coffee", "rocket", "camera")


def make_photos(folder: Path, count: int, size: int, seed: int = 0) -> Path:
    """Gray crops of `size` px with a rectangle of one gray, in ten subfolders."""
    rng = np.random.default_rng(seed)
    originals = [Image.fromarray(getattr(data, name)()).convert("L") for name in NAMES]
    for number in range(count):
        photo = originals[number % len(originals)]
        side = int(rng.integers(min(photo.size) // 2, min(photo.size)))
        left, top = rng.integers(0, photo.width - side + 1), rng.integers(0, photo.height - side + 1)
        levels = np.array(photo.crop((left, top, left + side, top + side)).resize((size, size)))
        x, y = rng.integers(0, size * 3 // 4, 2)
        levels[y : y + size // 6, x : x + size // 6] = 93
        file = folder / f"box{number % 10}" / f"scan{number:05}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(levels).save(file)
    return folder


def start(source: Path, out: Path, processes: int, report: Path, threads: int) -> subprocess.Popen:
    """The command line under torchrun, in a group of its own."""
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", processes, "--master-port", 0),
        *("-m", "restoration", "restore", source, out, "--report", report),
    ]
    own = {"OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": str(threads), "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(list(map(str, command)), cwd=ROOT, env=os.environ | own, stderr=subprocess.DEVNULL)


def kill_all(process: subprocess.Popen) -> None:
    """The process and its children at once: torchrun gives its workers sessions of their own."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    for pid in (process.pid, *map(int, children)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def told(report: Path) -> list[dict]:
    """The lines of all processes."""
    files = [report] if report.exists() else report.parent.glob(f"{report.stem}.*{report.suffix}")
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def speed(source: Path, count: int, processes: int, threads: int) -> tuple[float, float]:
    """Photos a second while all work, and seconds until the first one is written."""
    with tempfile.TemporaryDirectory() as folder:
        out, began = Path(folder) / "out", time.time()
        if start(source, out, processes, Path(folder) / "report.jsonl", threads).wait():
            sys.exit("The run failed.")
        written = sorted(file.stat().st_mtime for file in out.rglob("*.png"))
    assert len(written) == count
    skipped = count // 10  # while the last process starts
    return (count - 1 - skipped) / (written[-1] - written[skipped]), written[0] - began


def killed(source: Path, count: int, kills: int, seed: int, threads: int) -> bool:
    """Kill two processes at random moments, resume, and compare with a single run: every byte of every result."""
    moments = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        single, out = Path(folder) / "single", Path(folder) / "out"
        start(source, single, 1, Path(folder) / "single.jsonl", threads).wait()
        for number in range(kills):
            run = start(source, out, 2, Path(folder) / "report.jsonl", threads)
            goal = len(list(out.rglob("scan*.png"))) + moments.randrange(1, count // (kills + 1))
            while len(list(out.rglob("scan*.png"))) < goal and run.poll() is None:
                time.sleep(0.02)
            kill_all(run)
            time.sleep(0.5)
            done, halves = len(list(out.rglob("scan*.png"))), len(list(out.rglob(".*")))
            print(f"kill {number + 1}: {done} of {count} done, {halves} half files", flush=True)
        stamps = {file: file.stat().st_mtime_ns for file in out.rglob("scan*.png")}
        start(source, out, 2, Path(folder) / "report.jsonl", threads).wait()
        files = sorted(file.relative_to(single) for file in single.rglob("*") if file.is_file())
        same = files == sorted(file.relative_to(out) for file in out.rglob("*") if file.is_file())
        equal = sum((single / file).read_bytes() == (out / file).read_bytes() for file in files) if same else 0
        once = all(file.stat().st_mtime_ns == stamp for file, stamp in stamps.items())
        lines = [line["photo"] for line in told(Path(folder) / "report.jsonl")]
        print(f"resumed: {equal} of {count} equal to a single run's, none done twice: {once}, "
              f"{len(lines)} lines of report, {len(set(lines))} photos in them")  # fmt: skip
    return equal == len(files) == count and once and sorted(set(lines)) == sorted(lines) and len(lines) == count


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=200)
    parser.add_argument("--size", type=int, default=256, help="px")
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--threads", type=int, default=1, help="of each process")
    parser.add_argument("--kills", type=int, default=2, help="0: only speed")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = make_photos(Path(folder), arguments.photos, arguments.size)
        print(f"{arguments.photos} photos of {arguments.size} x {arguments.size} px, {os.cpu_count()} cores")
        for processes in arguments.processes:
            rate, first = speed(source, arguments.photos, processes, arguments.threads)
            print(f"{processes} processes: {rate:.2f} photos/s, the first after {first:.1f} s", flush=True)
        if arguments.kills:
            return not killed(source, arguments.photos, arguments.kills, arguments.seed, arguments.threads)
    return 0


if __name__ == "__main__":
    sys.exit(main())
