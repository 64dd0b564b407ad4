"""Photos as arrays: decoded once, kept in memory up to a budget, checked and hashed in one pass."""

import hashlib
import io
import os
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import NamedTuple, TypeVar

import cv2
import numpy as np
from tqdm import tqdm

from restoration.color import luma
from restoration.data.sources import BUNDLED_CROP, Entry, find_entries
from restoration.errors import RestorationError
from restoration.files.imaging import PhotoError, composed, printable, read_photo

T = TypeVar("T")
MIN_SIDE = 32  # pixels; a smaller photo teaches the networks nothing
MAX_HOLE = 0.5  # of the photo; if more differs, the two are not a pair


class Hole(NamedTuple):
    """Real damage: `mask` is bool (H, W), and `level` is the one gray that fills it."""

    mask: np.ndarray
    level: int


class Picture(NamedTuple):
    """A decoded photo, uint8 RGB (H, W, 3), and its real hole, if any, as eight mask pixels per byte."""

    rgb: np.ndarray
    hole_bits: np.ndarray | None = None
    level: int = 0

    @property
    def hole(self) -> Hole | None:
        """The real hole at the photo's size."""
        if self.hole_bits is None:
            return None
        height, width = self.rgb.shape[:2]
        mask = np.unpackbits(self.hole_bits, count=height * width).reshape(height, width)
        return Hole(mask.view(bool), self.level)

    @property
    def nbytes(self) -> int:
        """Memory that the arrays take."""
        return self.rgb.nbytes + (0 if self.hole_bits is None else self.hole_bits.nbytes)


def decode(entry: Entry, side: int | None) -> Picture:
    """The photo, upright; shrunk if its shorter side is above `side`."""
    try:
        rgb = np.asarray(read_photo(io.BytesIO(entry.read())).convert("RGB"))
    except (PhotoError, OSError) as error:
        where = f"{printable(entry.name)} in {printable(entry.file)}"
        raise RestorationError(f"{where} cannot be read as a photo.") from error
    if entry.box:
        left, top, square = entry.box
        rgb = _reduced(rgb[top : top + square, left : left + square], BUNDLED_CROP)
    hole = _real_hole(entry.damaged, rgb) if entry.damaged else None
    rgb = np.ascontiguousarray(_reduced(rgb, side))
    rgb.flags.writeable = False  # one array serves many readers
    return Picture(rgb, np.packbits(_reduced(hole.mask, side)), hole.level) if hole else Picture(rgb)


def _reduced(plane: np.ndarray, side: int | None) -> np.ndarray:
    short = min(plane.shape[:2])
    if side is None or short <= side:
        return plane
    size = [round(length * side / short) for length in plane.shape[1::-1]]
    if plane.dtype == bool:
        return cv2.resize(plane.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST_EXACT).view(bool)
    return cv2.resize(plane, size, interpolation=cv2.INTER_AREA)


def _real_hole(damaged: Path, rgb: np.ndarray) -> Hole | None:
    """Where the damaged photo differs from the truth's luma; None if the two are not such a pair."""
    try:
        gray = np.asarray(read_photo(damaged).convert("L"))
    except PhotoError:
        return None
    if gray.shape != rgb.shape[:2]:
        return None
    mask = gray != luma(rgb)
    return Hole(mask, int(np.bincount(gray[mask]).argmax())) if 0 < mask.mean() <= MAX_HOLE else None


class Memory:
    """Decoded photos, each kept after its first use while they fit into `budget` bytes.

    Photos over the budget are decoded at each use. Only the process that created the memory adds to it: forked data
    workers read it without a copy and do not each build their own.
    """

    def __init__(self, side: int | None = None, budget: int = 0):
        self.side, self.budget, self.used = side, budget, 0
        self._kept: dict[Entry, Picture] = {}
        self._owner, self._lock = os.getpid(), threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def is_full(self) -> bool:
        """Whether there is hardly room for another photo."""
        return self.used >= 0.99 * self.budget

    def picture(self, entry: Entry) -> Picture:
        """The decoded photo. RestorationError: it cannot be read."""
        return self._kept.get(entry) or self.keep(entry, decode(entry, self.side))

    def keep(self, entry: Entry, picture: Picture) -> Picture:
        """Keep the photo if there is room for it, and return it."""
        if os.getpid() == self._owner:
            with self._lock:
                if entry not in self._kept and self.used + picture.nbytes <= self.budget:
                    self._kept[entry] = picture
                    self.used += picture.nbytes
        return picture


class Photos:
    """A map-style set of photos: `photos[i]` is uint8 RGB (H, W, 3), read-only, `photos.names[i]` its name.

    Subsets share its memory.
    """

    def __init__(self, entries: Iterable[Entry], memory: Memory | None = None):
        self.entries = list(entries)
        self.names = [entry.name for entry in self.entries]
        self.memory = Memory() if memory is None else memory

    @classmethod
    def find(
        cls, source: str | Path, exclude: Collection[str] = (), side: int | None = None, budget: int = 0
    ) -> "Photos":
        """All photos of a source, sorted by name, none opened yet; see `sources.find_entries`.

        Args:
            exclude: names of photos that are left out.
            side: photos whose shorter side is longer are shrunk to it.
            budget: bytes of decoded photos that are kept in memory.
        """
        left_out = set(map(composed, exclude))
        entries = (entry for entry in find_entries(source) if composed(entry.name) not in left_out)
        return cls(entries, Memory(side, budget))

    def subset(self, indices: Iterable[int]) -> "Photos":
        """The photos at these indices."""
        return Photos((self.entries[i] for i in indices), self.memory)

    def read_ahead(self) -> None:
        """Decode what fits into memory, on every core."""
        memory = self.memory
        for _ in _on_every_core(lambda entry: memory.is_full or memory.picture(entry), self.entries):
            pass

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, index: int) -> np.ndarray:
        return self.picture(index).rgb

    def picture(self, index: int) -> Picture:
        """A photo together with its real hole, where the contest's `train_input` shows it."""
        return self.memory.picture(self.entries[index])


class Checked(NamedTuple):
    """The result of one pass over all photos."""

    photos: Photos  # the usable ones
    hashes: np.ndarray  # uint64 (N, 2): of each photo and of its mirror image
    problems: list[str]  # one line per photo left out, beginning with its name


def load(source: str | Path, exclude: Collection[str] = (), side: int | None = None, budget: int = 0) -> Checked:
    """Find, decode, check and hash all photos of a source; see `Photos.find`.

    Unreadable, gray and tiny photos are left out. With a `side` of 256, 29,603 photos of 512 x 512 take 5.8e9 bytes in
    memory instead of 23.3e9.
    """
    photos = Photos.find(source, exclude, side, budget)
    checks = _on_every_core(lambda entry: _check(entry, photos.memory), photos.entries)
    hashes, problems = zip(*checks, strict=True) if len(photos) else ((), ())
    usable = [i for i, pair in enumerate(hashes) if pair]
    problems = [f"{printable(name)}: {said}" for name, said in zip(photos.names, problems, strict=True) if said]
    if not usable:
        reason = f", such as {problems[0]}" if problems else ": all are excluded"
        raise RestorationError(f"none of the {len(photos)} photos in {source} can be used{reason}.")
    return Checked(photos.subset(usable), np.array([hashes[i] for i in usable], np.uint64), problems)


def _on_every_core(work: Callable[[Entry], T], entries: list[Entry]) -> Iterator[T]:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(work, entries)
        with closing(results):  # Ctrl-C does not wait for photos still to be read
            yield from tqdm(results, desc="reading photos", total=len(entries), unit=" photos", disable=None)


def _check(entry: Entry, memory: Memory) -> tuple[tuple[int, int] | None, str]:
    """Hashes of a usable photo (None: not usable), and its problem, if any. Only usable photos are kept."""
    try:
        picture = decode(entry, memory.side)
    except RestorationError:
        return None, "cannot be read as a photo"
    rgb, gray = picture.rgb, luma(picture.rgb)
    if min(gray.shape) < MIN_SIDE:
        return None, f"smaller than {MIN_SIDE} pixels"
    if not np.ptp(rgb, axis=2).any():
        return None, "gray, no color to learn"
    memory.keep(entry, picture)
    misfit = entry.damaged and picture.hole_bits is None
    problem = "used without its damaged partner, which does not match" if misfit else ""
    return (perceptual_hash(gray), perceptual_hash(gray[:, ::-1])), problem


def perceptual_hash(gray: np.ndarray) -> int:
    """64-bit DCT hash of a uint8 luma photo (H, W).

    The lowest 8 x 8 frequencies of the photo at 32 x 32, each compared with their median (C. Zauner,
    "Implementation and benchmarking of perceptual image hash functions", 2010).
    """
    small = cv2.resize(gray, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32)
    low = cv2.dct(small)[:8, :8].ravel()
    return int.from_bytes(np.packbits(low > np.median(low)).tobytes(), "big")


def fingerprint(photos: Photos) -> str:
    """An identifier of these photos, 12 hex digits: SHA-256 over their sorted names and file sizes."""
    lines = sorted(f"{entry.name}\t{entry.size}\n" for entry in photos.entries)
    return hashlib.sha256("".join(lines).encode(errors="surrogateescape")).hexdigest()[:12]  # names need not be UTF-8
