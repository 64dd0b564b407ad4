"""How fast photos are restored, beside MI-GAN and OpenCV, and how near to what the machine can do.

    python benchmarks/speed.py --migan FILE                    # every part
    python benchmarks/speed.py --only networks --compile       # one of: networks, photo, start, sizes

Runs take turns and medians are shown, since machines are shared; compare ratios of one run. Nothing here is a test.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))  # runs on a fresh clone, not installed

from benchmarks.competitors import MiGan, telea
from benchmarks.scale import LIBRARIES, MEGAPIXELS, damaged, measured
from benchmarks.timing import Clock, convolution_flops, matrix_product, turns
from restoration.config import INPUT_CHANNELS, STAGES
from restoration.inference import backends
from restoration.pipeline import SHIPPED_WEIGHTS, Restorer

PARTS = ("networks", "photo", "start", "sizes")
SIZES = (256, 512, 1024)
BEST = "OpenVINO, float32"


def table(columns: list[str], rows: list[list[object]]) -> str:
    """Markdown; numbers get three digits."""
    shown = [[cell if isinstance(cell, str) else f"{cell:.3g}" for cell in row] for row in rows]
    lines = ["| " + " | ".join(cells) + " |" for cells in [columns, *shown]]
    return "\n".join([lines[0], "|---|" + "---:|" * (len(columns) - 1), *lines[1:]]) + "\n"


def networks(stage: str, compiled: bool) -> dict:
    """What runs one stage's network, by name: float32 (C, H, W) -> output."""
    import torch

    from restoration.models import MODELS

    torch.set_num_threads(backends.threads())
    load = lambda: MODELS[stage].from_pretrained(SHIPPED_WEIGHTS, stage)  # noqa: E731
    last = lambda: load().to(memory_format=torch.channels_last)  # noqa: E731

    def run(model, bf16: bool = False):
        def forward(image: np.ndarray):
            luma, hints = torch.from_numpy(image)[None].split([1, len(image) - 1], dim=1)
            with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                return model.run(luma, hints)

        return forward

    found = {"PyTorch": run(load()), "PyTorch, channels last": run(last()), "PyTorch, bfloat16": run(last(), True)}
    if compiled:
        model = last()
        model.unet = torch.compile(model.unet, dynamic=False)
        found["PyTorch, torch.compile"] = run(model)
    for precision, kind in ("float32", "float32"), ("bf16", "bfloat16"):
        found[f"OpenVINO, {kind}"] = backends.open_graphs(SHIPPED_WEIGHTS / stage, precision)
    return found


def network_tables(rounds: int, compiled: bool, clock: Clock) -> Iterator[str]:
    """Milliseconds of each network and size, and the share of the limit that the fastest reaches."""
    from restoration.models import MODELS

    rates = {kind: matrix_product(kind, backends.threads()) for kind in ("float32", "bfloat16")}
    for stage in STAGES:
        rng, runs = np.random.default_rng(0), {kind: run for kind, (_, run) in rates.items()}
        for name, network in networks(stage, compiled).items():
            for size in SIZES:
                image = rng.random((INPUT_CHANNELS[stage], size, size), np.float32)
                runs[name, size] = lambda network=network, image=image: network(image)
        seconds = turns(runs, rounds, clock)
        rate = {kind: work / seconds[kind] for kind, (work, _) in rates.items()}
        model = MODELS[stage].from_pretrained(SHIPPED_WEIGHTS, stage)
        work = {size: convolution_flops(model, size) for size in SIZES}
        limit = {size: work[size] / rate["float32"] for size in SIZES}
        rows = [["limit: the same operations as a float32 matrix product", *(1000 * limit[size] for size in SIZES), ""]]
        for name in dict.fromkeys(run[0] for run in seconds if isinstance(run, tuple)):
            ratio = seconds[name, 512] / seconds[BEST, 512] if (BEST, 512) in seconds else float("nan")
            rows.append([name, *(1000 * seconds[name, size] for size in SIZES), ratio])
        yield table([f"{stage}, ms", *(f"{size} px" for size in SIZES), "512 px, of OpenVINO float32"], rows)
        shares = [f"{limit[size] / seconds[BEST, size]:.0%} at {size} px" for size in SIZES if (BEST, size) in seconds]
        gflops = ", ".join(f"{kind} {value / 1e9:.0f}" for kind, value in rate.items())
        yield f"{work[512] / 1e9:.1f} GFLOP at 512 px; matrix product, GFLOP/s: {gflops}\n"
        yield f"{BEST}, of the limit: {', '.join(shares)}\n"


def photo_table(rounds: int, migan: Path | None, clock: Clock) -> str:
    """One 512 px photo with one hole of 5%: milliseconds of each step and competitor."""
    photo = damaged(512)
    restorers = {name: Restorer.from_pretrained(device="cpu", backend=name) for name in LIBRARIES}
    mask = np.asarray(next(iter(restorers.values())).detect(photo)) > 0
    runs = {"OpenCV Telea, fill": lambda: telea(photo, mask)}
    if migan:
        other = MiGan.from_file(migan)
        runs["MI-GAN, fill"] = lambda: other(photo, mask)
    for name, restorer in restorers.items():
        runs[f"ours, {name}: detect, fill, color"] = lambda restorer=restorer: restorer.restore(photo)
        runs[f"ours, {name}: the same, smooth"] = lambda restorer=restorer: restorer.restore(photo, fill="smooth")
        runs[f"ours, {name}: fill alone"] = lambda restorer=restorer: restorer.repair(photo, mask)
    first = next(iter(restorers.values()))
    repair = first.repair(photo, mask)
    runs["of it: detect"], runs["of it: color"] = lambda: first.detect(photo), lambda: first.colorize(repair)
    seconds = turns(runs, rounds, clock)
    rival = seconds.get("MI-GAN, fill", float("nan"))
    return table(
        ["512 px", "ms", "of MI-GAN's"], [[name, 1000 * value, value / rival] for name, value in seconds.items()]
    )


def start_table() -> str:
    found = {name: measured("start", name) for name in LIBRARIES}
    return table(["s", *found["torch"]], [[name, *values.values()] for name, values in found.items()])


def size_table() -> str:
    found = {megapixels: measured("size", megapixels) for megapixels in MEGAPIXELS}
    *steps, memory = found[1]
    columns = ["megapixels", *(f"{step}, s" for step in steps), "processor s a megapixel", memory]
    rows = [[f"{n:g}", *(f[step] for step in steps), f["processor"] / n, f"{f[memory]:.0f}"] for n, f in found.items()]
    return table(columns, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=PARTS, nargs="+", default=PARTS, help="parts to measure")
    parser.add_argument("--migan", type=Path, metavar="FILE", help="MI-GAN's ONNX model (benchmarks/fetch.py)")
    parser.add_argument("--compile", action="store_true", help="torch.compile too: minutes, and a C++ compiler")
    parser.add_argument("--rounds", type=int, default=9, help="turns that each run takes")
    parser.add_argument("--processor", action="store_true", help="processor time: on a machine that others use too")
    args = parser.parse_args()
    clock = time.process_time if args.processor else time.perf_counter
    cv2.setNumThreads(backends.threads())
    os.environ.setdefault("OMP_NUM_THREADS", str(backends.threads()))  # MI-GAN's
    print(f"{backends.threads()} threads, {'processor' if args.processor else 'wall'} time\n")
    if "networks" in args.only:
        for part in network_tables(args.rounds, args.compile, clock):
            print(part)
    if "photo" in args.only:
        print(photo_table(args.rounds, args.migan, clock))
    if "start" in args.only:
        print(start_table())
    if "sizes" in args.only:
        print(size_table())


if __name__ == "__main__":
    main()
