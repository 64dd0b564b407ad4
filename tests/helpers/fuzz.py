"""Mutated files through every reader: `python tests/helpers/fuzz.py --count 10000`, or `make fuzz`.

A case is its seed: a sample file, how it is mutated and who reads it all follow from it. Each must give a photo or a
PhotoError, within ten seconds and in bounded memory; what a photo had beside it must be written again. Cases run in
worker processes, so that a crash or an endless loop is found too.
"""

import argparse
import io
import json
import os
import queue
import random
import re
import resource
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parent)]

import profiles_made  # noqa: E402
from encoded import encode_photo  # noqa: E402

from restoration.files import imaging  # noqa: E402

SECONDS, START = 10.0, 100.0  # for a case, and until the first one begins
MEGABYTES = 1500  # of a worker's address space beyond what it had at its start
SIZE = (40, 30)
ENDINGS = (".png", ".jpg", ".tif", ".webp", ".bmp")


def photo(kind: str) -> Image.Image:
    """A small picture of one of Pillow's modes."""
    x, y = np.meshgrid(np.arange(SIZE[0]), np.arange(SIZE[1]))
    rgb = np.stack([6 * x, 8 * y, 255 - 3 * x - 3 * y], axis=-1).astype(np.uint8)
    if kind == "I;16":
        return Image.fromarray((x * 1600 + y * 7).astype(np.uint16))
    if kind in ("F", "I"):
        return Image.fromarray((x / 40).astype(np.float32) if kind == "F" else (x * 999).astype(np.int32))
    if kind == "LAB":
        return Image.merge("LAB", Image.fromarray(rgb).split())
    image = Image.fromarray(rgb)
    if kind in ("RGBA", "LA"):
        image.putalpha(Image.fromarray((6 * x).astype(np.uint8)))
    return image.convert(kind)


def beside() -> dict[str, object]:
    """All that a file may say beside its pixels."""
    exif = Image.Exif()
    exif[0x010E], exif[0x0112], exif[0x011A], exif[0x011B], exif[0x0128] = "Grandma", 6, 300.0, 300.0, 2
    exif.get_ifd(0x8769).update({0x9003: "1931:05:01 12:00:00", 0x829A: 0.5, 0x927C: b"note" * 9})
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 8.0, 1.5)})
    xmp = b'<rdf:Description tiff:Orientation="6"><xmp:Thumbnails>/9j/</xmp:Thumbnails></rdf:Description>'
    return {"exif": exif.tobytes(), "xmp": xmp, "dpi": (300, 300), "icc_profile": profiles_made.swapped()}


@cache
def samples() -> list[bytes]:
    """Files of every kind that people have."""
    told = beside()
    gray = {**told, "icc_profile": profiles_made.linear_gray()}
    packed = {"icc_profile": profiles_made.linear_gray(), "dpi": (300, 300)}  # Pillow packs none with EXIF
    two = {"save_all": True, "append_images": [photo("RGB").rotate(180)]}
    pages = {"save_all": True, "append_images": [photo("RGB")]}
    inks = {"icc_profile": profiles_made.inks()}
    recipes = [
        *(("JPEG", kind, told) for kind in ("L", "RGB", "YCbCr")), ("JPEG", "RGB", {**told, "progressive": True}),
        ("JPEG", "CMYK", inks), ("MPO", "RGB", two), *(("PNG", kind, told) for kind in ("RGB", "RGBA", "P", "1", "LA")),
        ("PNG", "I;16", gray), ("PNG", "L", gray), ("PNG", "RGB", two), ("PNG", "P", {"transparency": 3}),
        *(("TIFF", kind, told) for kind in ("RGB", "RGBA", "L", "P", "LAB")), ("TIFF", "CMYK", inks),
        *(("TIFF", kind, {**packed, "compression": "tiff_lzw"}) for kind in ("I;16", "F", "I", "L")),
        ("TIFF", "RGB", {"compression": "tiff_adobe_deflate"}), ("TIFF", "1", {"compression": "group4"}),
        ("TIFF", "RGB", {"compression": "jpeg"}), ("TIFF", "L", {"compression": "packbits"}), ("TIFF", "RGB", pages),
        ("TIFF", "I;16", {"big_tiff": True}), ("WEBP", "RGB", told), ("WEBP", "RGBA", {"lossless": True}),
        ("WEBP", "RGB", two), *(("BMP", kind, {}) for kind in ("1", "L", "P", "RGB", "RGBA")), ("GIF", "P", two),
        ("AVIF", "RGB", told), ("AVIF", "RGBA", {}), ("JPEG2000", "RGB", {}), ("JPEG2000", "I;16", {}),
        *(("PPM", kind, {}) for kind in ("1", "L", "RGB", "I;16")),
    ]  # fmt: skip
    files = []
    for kind, mode, options in recipes:
        content = io.BytesIO()
        photo(mode).save(content, kind, **options)
        files.append(content.getvalue())
    return files + [file.read_bytes() for file in sorted((Path(__file__).parents[1] / "files").glob("*.heic"))]


def mutated(rng: random.Random) -> bytes:
    """A sample with one to eight of the faults that disks, networks and attackers make."""
    data = bytearray(rng.choice(samples()))
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        most = min(rng.choice((400, len(data), len(data))), len(data))
        at = rng.randint(min(rng.choice((0, 12, 12, 12)), most), most)  # seldom what names the format
        length = rng.choice((1, 2, 4, 16, 100))
        fault = rng.choice((0, 0, 0, 0, 0, 0, 3, 3, 4, 4, 5, 6, 7, 8))
        if fault == 0 and data:
            data[min(at, len(data) - 1)] ^= 1 << rng.randrange(8)
        elif fault == 3:
            data[at : at + length] = rng.randbytes(length)
        elif fault == 4:
            data[at : at + length] = rng.choice((b"\0", b"\xff", b"\x7f", b"\x80")) * length
        elif fault == 5:
            del data[at : at + length]
        elif fault == 6:
            data[at:at] = data[at : at + length] * rng.choice((1, 1, 50))
        elif fault == 7:
            other = rng.choice(samples())
            data[at:] = other[min(at, len(other)) :]
        else:
            del data[at + rng.randrange(len(data) - at + 1) :]
    return bytes(data)


def try_case(seed: int) -> str:
    """What became of a case: "read" or "refused".

    Raises:
        Exception: any other than PhotoError is a fault of ours.
    """
    rng = random.Random(seed)
    data, reader, ending = mutated(rng), rng.randrange(8), rng.choice(ENDINGS)
    size = rng.choice((SIZE, SIZE[::-1]))
    try:
        if reader == 0:
            imaging.read_mask(io.BytesIO(data), size)
        elif reader == 1:
            imaging.read_hints(io.BytesIO(data), size)
        elif reader == 2:
            (place := Path(tempfile.gettempdir()) / f"fuzz-{os.getpid()}").write_bytes(data)
            imaging.claimed_pixels(place)
            place.unlink()
        else:
            scan = imaging.read_scan(io.BytesIO(data))
    except imaging.PhotoError as error:
        if str(error).count("\n") or not str(error).endswith("."):
            raise AssertionError(f"no sentence: {error}") from error
        return "refused"
    if reader > 2:
        write_again(scan, ending)
    return "read"


def write_again(scan: imaging.Scan, ending: str) -> None:
    """What was read must be written, gray and in color, with all that it had."""
    if max(scan.image.size) > 16_383:
        return  # more than WebP holds
    for result in (scan.image.convert("RGB"), scan.own_gray(scan.image.convert("L"), Image.new("L", scan.image.size))):
        again = imaging.read_scan(io.BytesIO(encode_photo(result, ending, scan)))
        assert again.image.size == scan.image.size, "the result has another size"


def work(seeds: range) -> None:
    """In a worker: a line of JSON before and after each case."""
    samples()
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + (MEGABYTES << 20),) * 2)
    for seed in seeds:
        print(json.dumps({"begun": seed}), flush=True)
        began, fault = time.monotonic(), ""
        try:
            outcome = try_case(seed)
        except Exception:  # whatever it is, it is what this program looks for
            outcome, fault = "traceback", traceback.format_exc()
        seconds = time.monotonic() - began
        status = Path("/proc/self/status").read_text()  # getrusage counts what started this program, too
        peak = int(re.search(r"VmHWM:\s+(\d+)", status)[1]) // 1024
        print(json.dumps({"seed": seed, "outcome": outcome, "s": seconds, "MB": peak, "fault": fault}), flush=True)


def watched(seeds: range) -> list[dict]:
    """Outcomes of all cases; a worker that dies or hangs is that of the case it was at, and another one goes on."""
    found, left = [], list(seeds)
    while left:
        told, at, outcome = told_by_worker(left[0], left[-1] + 1)
        found += told
        if not told and at is None:
            raise RuntimeError("The worker does not start.")
        left = [seed for seed in left if seed > max([at, *(each["seed"] for each in told)])]
        if outcome and at not in {each["seed"] for each in told}:
            found.append({"seed": at, "outcome": outcome, "s": SECONDS, "MB": 0, "fault": f"the worker's {outcome}"})
    return found


def told_by_worker(first: int, end: int) -> tuple[list[dict], int | None, str]:
    """What a worker tells of its cases, the last one it was at, and "hang" or "crash" where it did not end."""
    command = [sys.executable, __file__, "--work", str(first), str(end)]
    lines, told, at = queue.Queue(), [], None
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as worker:
        reader = threading.Thread(target=lambda: [*map(lines.put, worker.stdout), lines.put(None)])
        reader.start()
        try:
            while (line := lines.get(timeout=START if at is None else SECONDS)) is not None:
                entry = json.loads(line)
                at = entry.get("begun", at)
                told += [entry] if "seed" in entry else []
            outcome = "crash" if worker.wait() else ""
        except queue.Empty:
            worker.kill()
            outcome = "hang"
        reader.join()
    return told, at, outcome


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0, help="of the first case; those after it count up")
    parser.add_argument("--work", type=int, nargs=2, metavar=("FIRST", "END"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        work(range(*arguments.work))
        return 0
    found = watched(range(arguments.seed, arguments.seed + arguments.count))
    outcomes = Counter(each["outcome"] for each in found)
    slowest = max(found, key=lambda each: each["s"])
    print(f"{len(found)} files: {dict(outcomes)}; slowest {slowest['s']:.2f} s (seed {slowest['seed']}), "
          f"peak {max(each['MB'] for each in found)} MB")  # fmt: skip
    faults = [each for each in found if each["fault"]]
    for each in faults:
        print(f"seed {each['seed']}:\n{each['fault']}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
