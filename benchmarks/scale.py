"""What one process needs for one photo: start-up, and seconds and memory by the photo's size. Called by speed.py.

    python benchmarks/scale.py start BACKEND     # seconds: imports, loading, first and second result
    python benchmarks/scale.py size MEGAPIXELS   # seconds and memory, one hole of 5%
    python benchmarks/scale.py command MEGAPIXELS  # memory of the command line, gray and color, with and without mask

Each measurement is a process of its own, and prints one JSON object.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # runs on a fresh clone, not installed

MEGAPIXELS = (0.25, 1, 4, 16, 64, 100)
CASES = {
    "gray, found": ["gray.tif"],
    "gray, mask": ["gray.tif", "--mask", "MASK"],
    "color, mask": ["color.tif", "--mask", "MASK"],
    "color as gray, found": ["color.tif", "--recolor"],
}
LIBRARIES = {"openvino": "openvino", "torch": "restoration.models"}


def start(backend: str) -> dict[str, float]:
    """Seconds from nothing to the second result of a 512 px photo."""
    moments = [time.perf_counter()]

    def lap() -> float:
        moments.append(time.perf_counter())
        return moments[-1] - moments[-2]

    from restoration.pipeline import Restorer

    __import__(LIBRARIES[backend])
    found = {"imports": lap()}
    photo = damaged(512)
    lap()
    restorer = Restorer.from_pretrained(device="cpu", backend=backend)
    found["loading"] = lap()
    for result in ("first result", "second result"):
        restorer.restore(photo)
        found[result] = lap()
    return found


def size(megapixels: float) -> dict[str, float]:
    """Seconds by step, processor seconds of all, and the peak of memory above that of the process with its photo."""
    from PIL import Image

    from restoration.pipeline import Restorer

    restorer = Restorer.from_pretrained(device="cpu")
    photo = Image.fromarray(damaged(round((megapixels * 1e6) ** 0.5)))
    before = _memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    started, worked = time.perf_counter(), time.process_time()
    repair = restorer.repair(photo)
    repaired = time.perf_counter()
    restorer.colorize(repair)
    colored = time.perf_counter()
    found = {"detect and fill": repaired - started, "color": colored - repaired, "all": colored - started}
    found["processor"] = time.process_time() - worked
    return found | {"peak, MB above the start": _memory("VmHWM") - before}


def command(megapixels: float) -> dict[str, float]:
    """The peak of memory of `restore` from file to file, above that of the same command with a stamp, in MB."""
    import numpy as np
    from PIL import Image

    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for side in (32, round((megapixels * 1e6) ** 0.5)):
            photo = Image.fromarray(damaged(side))
            color = Image.merge("RGB", [photo, photo.point(lambda level: 255 - level), photo])
            mask = Image.fromarray(with_hole(np.zeros((side, side), np.uint8), 255))
            for image, name in ((photo, "gray.tif"), (color, "color.tif"), (mask, "mask.png")):
                image.save(Path(folder) / name)
            for case, (source, *words) in CASES.items():
                words = [f"{folder}/mask.png" if word == "MASK" else word for word in words]
                peak = _peak(["restore", f"{folder}/{source}", f"{folder}/out.bmp", "--overwrite", *words])
                found[case] = peak - found.get(case, 0)  # the stamp's comes first
    return found


def _peak(words: list[str]) -> float:
    """The most memory that a command takes, in MB."""
    process = subprocess.Popen([sys.executable, "-m", "restoration", *words], cwd=Path(__file__).parents[1])
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(process.returncode)
    return usage.ru_maxrss * 1024 / 1e6


def damaged(side: int):
    """A gray square with one constant hole of 5%, uint8."""
    from benchmarks.timing import gray_noise

    return with_hole(gray_noise(side, side), 80)


def with_hole(photo, level: int):
    """An ellipse of 5% drawn into a uint8 square."""
    import cv2

    side = len(photo)
    axes = round(0.147 * side), round(0.108 * side)
    return cv2.ellipse(photo, (round(0.4 * side), round(0.45 * side)), axes, 20, 0, 360, level, -1)


def _memory(field: str) -> float:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024 / 1e6


def measured(what: str, value: object) -> dict[str, float]:
    """The same from a fresh process."""
    done = subprocess.run([sys.executable, __file__, what, str(value)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    kind, value = sys.argv[1:]
    print(json.dumps(start(value) if kind == "start" else {"size": size, "command": command}[kind](float(value))))
