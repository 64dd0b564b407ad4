"""Visitors at the page's own server, all at once: `python benchmarks/load.py --visitors 32 --minutes 3`.

Each visitor sends photos that nobody else has, of 64 to 1024 px, and knows every level of them that is not masked: an
answer that belongs to another would differ. Some leave while they wait, some send broken files, some photos make the
network fail. Bounded in count and in time; the server listens on this machine only.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # runs on a fresh clone, not installed

SIZES = (64, 200, 256, 500, 1024)
FAULT = 251  # the level of a photo's first pixel that makes the network fail
DEEDS = ("restore", "restore", "restore", "restore", "leave", "broken", "fault")


def serve(port: int) -> None:
    """The page around a restorer that fails where a photo asks it to."""
    import app
    from restoration import Restorer

    restorer = Restorer.from_pretrained()
    repair = restorer.repair

    def failing(photo, *rest):
        if np.asarray(photo)[0, 0].flat[0] == FAULT:
            raise RuntimeError("a fault in a worker")
        return repair(photo, *rest)

    restorer.repair = failing
    app.build_demo(restorer).launch(server_name="127.0.0.1", server_port=port, quiet=True, **app.LAUNCH)


class Visitor(threading.Thread):
    """Sends photos one after another until its time is over, and checks what comes back."""

    def __init__(self, number: int, url: str, folder: Path, most: int, sizes: tuple[int, ...]):
        super().__init__(daemon=True)
        from gradio_client import Client

        self.rng, self.until, self.most = np.random.default_rng(number), 0.0, most
        self.sizes = sizes
        self.folder = folder / str(number)
        self.folder.mkdir()
        self.seen, self.seconds, self.strange = Counter(), [], []
        self.client = Client(url, verbose=False, download_files=str(self.folder), httpx_kwargs={"timeout": 120})

    def run(self) -> None:
        """Every visit ends in exactly one of the outcomes that are counted."""
        while time.time() < self.until and self.seen.total() < self.most:
            deed = DEEDS[self.rng.integers(len(DEEDS))]
            try:
                outcome = self.visit(deed)
            except Exception as error:  # the client's errors are many; each is told, none is passed over
                outcome = self.named(deed, error)
            self.seen[outcome] += 1
            if outcome == "queue full":
                time.sleep(self.rng.uniform(0.5, 2))

    def visit(self, deed: str) -> str:
        from gradio_client import handle_file

        levels, hole = self.photo(deed)
        photo, mask = self.folder / "photo.png", self.folder / "mask.png"
        Image.fromarray(levels).save(photo)
        Image.fromarray(hole).save(mask)
        if deed == "broken":
            photo.write_bytes(photo.read_bytes()[: photo.stat().st_size // 2])
        began = time.time()
        job = self.client.submit(handle_file(photo), handle_file(mask), api_name="/restore")
        if deed == "leave":
            time.sleep(self.rng.uniform(0, 1))
            job.cancel()
            return "left"
        gray, used = (np.asarray(Image.open(file)) for file in job.result(timeout=300)[1:])
        self.seconds.append(time.time() - began)
        own = gray.shape == levels.shape and np.array_equal(gray[~hole], levels[~hole])
        return "own answer" if own and np.array_equal(used > 0, hole) else "ANOTHER'S ANSWER"

    def photo(self, deed: str) -> tuple[np.ndarray, np.ndarray]:
        """Noise that only this visitor has, and where it is damaged."""
        width, height = self.rng.choice(self.sizes, 2)
        levels = self.rng.integers(0, FAULT, (height, width), dtype=np.uint8)
        levels[0, 0] = FAULT if deed == "fault" else 0
        hole = np.zeros(levels.shape, bool)
        top, left = self.rng.integers(1, height // 2), self.rng.integers(1, width // 2)
        hole[top : top + height // 4, left : left + width // 4] = True
        return levels, hole

    def named(self, deed: str, error: Exception) -> str:
        said = f"{type(error).__name__}: {error}"
        if "full" in said.lower():
            return "queue full"
        if deed == "broken" and "not a readable image file" in said:
            return "broken file, told in a sentence"
        if deed == "fault" and type(error).__name__ == "AppError":
            return "fault, told as an error"
        self.strange.append(said[:200])
        return "STRANGE ERROR"


def memory(pid: int) -> int:
    """Megabytes that a process holds."""
    return int(Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0]) // 1024


def waiting(url: str) -> int:
    """Events in the server's queue."""
    with urllib.request.urlopen(f"{url}/gradio_api/queue/status", timeout=120) as answer:
        return json.load(answer)["queue_size"]


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


def load(visitors: int, minutes: float, most: int, seed: int, sizes: tuple[int, ...]) -> int:
    """Run all visitors; print what became of each visit, the queue and the server's memory."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    with tempfile.TemporaryDirectory() as folder:
        own = {"GRADIO_TEMP_DIR": f"{folder}/served", "OMP_WAIT_POLICY": "PASSIVE", "HF_HUB_OFFLINE": "1"}
        command = [sys.executable, __file__, "--serve", str(port)]
        with subprocess.Popen(command, cwd=ROOT, env=os.environ | own, stderr=subprocess.DEVNULL) as server:
            try:
                return observe(server, url, Path(folder), visitors, minutes, most, seed, sizes)
            finally:
                server.terminate()


def observe(
    server: subprocess.Popen,
    url: str,
    folder: Path,
    visitors: int,
    minutes: float,
    most: int,
    seed: int,
    sizes: tuple[int, ...],
) -> int:
    while True:  # until it listens
        try:
            waiting(url)
            break
        except OSError:
            if server.poll() is not None:
                sys.exit("The server does not start.")
            time.sleep(0.5)
    crowd = [Visitor(seed * 1000 + number, url, folder, most, sizes) for number in range(visitors)]
    began, until = time.time(), time.time() + 60 * minutes
    held, queued = [memory(server.pid)], 0
    for visitor in crowd:
        visitor.until = until
        visitor.start()
    while any(visitor.is_alive() for visitor in crowd) and time.time() < until + 300:
        queued = max(queued, waiting(url))
        held.append(memory(server.pid))
        time.sleep(0.5)
    alive = server.poll() is None and Visitor(10**6, url, folder, 1, sizes).visit("restore") == "own answer"
    seen = sum((visitor.seen for visitor in crowd), Counter())
    seconds = sorted(s for visitor in crowd for s in visitor.seconds)
    print(f"{visitors} visitors, {seen.total()} visits in {time.time() - began:.0f} s")
    for outcome, count in seen.most_common():
        print(f"  {count:5} {outcome}")
    print(f"answers after {seconds[len(seconds) // 2]:.1f} s (median), {seconds[len(seconds) * 95 // 100]:.1f} s (95%)")
    thirds = [max(held[i * len(held) // 3 : (i + 1) * len(held) // 3]) for i in range(3)]
    print(f"memory: {held[0]} MB at the start, at most {' / '.join(map(str, thirds))} MB in each third")
    print(f"at most {queued} events in the queue; the server answers afterwards: {alive}")
    for strange in sorted({said for visitor in crowd for said in visitor.strange}):
        print(f"  strange: {strange}")
    return 0 if alive and not seen["ANOTHER'S ANSWER"] and not seen["STRANGE ERROR"] else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visitors", type=int, default=32)
    parser.add_argument("--minutes", type=float, default=3, help="after them nobody sends another photo")
    parser.add_argument("--most", type=int, default=200, help="visits of each visitor")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="px of the photos' sides")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--serve", type=int, metavar="PORT", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve)
        return 0
    return load(arguments.visitors, arguments.minutes, arguments.most, arguments.seed, tuple(arguments.sizes))


if __name__ == "__main__":
    sys.exit(main())
