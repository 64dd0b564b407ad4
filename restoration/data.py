"""Photos from folders or tar shards, and the training batches that are made of them."""

import io
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor
from torch.utils.data import Dataset

from restoration.color import chroma, luma
from restoration.config import TrainConfig
from restoration.masking import clip_tones, damage, draw_hole, jpeg

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}
Batch = dict[str, Tensor]


@dataclass(frozen=True)
class Entry:
    """Where one photo's bytes lie: a whole file, or a stretch of a tar shard."""

    name: str  # the file's own name, without folders
    file: Path
    offset: int
    size: int

    def read(self) -> bytes:
        with open(self.file, "rb") as stream:
            stream.seek(self.offset)
            return stream.read(self.size)


class Photos(Dataset):
    """A map-style set of colour photos: `photos[i]` is uint8 RGB (H, W, 3), `photos.names[i]` its name."""

    def __init__(self, entries: Iterable[Entry]):
        self.entries = sorted(entries, key=lambda entry: entry.name)
        self.names = [entry.name for entry in self.entries]

    @classmethod
    def find(cls, source: str | Path) -> "Photos":
        """All photos below a folder, those inside its tar shards included; or those of one shard.

        Raises:
            ValueError: no photo is found.
        """
        source = Path(source)
        files = [source] if source.is_file() else sorted(p for p in source.rglob("*") if p.is_file())
        entries = [entry for file in files for entry in _entries(file)]
        if not entries:
            raise ValueError(f"no photos in {source}: name a folder of photos, or of .tar shards that hold them.")
        return cls(entries)

    def without(self, names: set[str]) -> "Photos":
        """The same set less the named photos."""
        return Photos(entry for entry in self.entries if entry.name not in names)

    def only(self, names: set[str]) -> "Photos":
        """The named photos of the set."""
        return Photos(entry for entry in self.entries if entry.name in names)

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, index: int) -> np.ndarray:
        entry = self.entries[index]
        try:
            with Image.open(io.BytesIO(entry.read())) as photo:
                return np.asarray(photo.convert("RGB"))
        except (UnidentifiedImageError, OSError) as error:
            raise ValueError(f"{entry.name} in {entry.file} cannot be read as a photo: {error}.") from error


def _entries(file: Path) -> list[Entry]:
    if file.suffix.lower() in SUFFIXES:
        return [Entry(file.name, file, 0, file.stat().st_size)]
    if file.suffix.lower() != ".tar":
        return []
    with tarfile.open(file) as shard:
        members = [m for m in shard if m.isfile() and Path(m.name).suffix.lower() in SUFFIXES]
        return [Entry(Path(m.name).name, file, m.offset_data, m.size) for m in members]


def read_names(file: str | Path) -> set[str]:
    """Photo names from a text file: the first tab-separated field of each line but a `name` header."""
    fields = (line.split("\t")[0].strip() for line in Path(file).read_text().splitlines())
    return {name for name in fields if name and name != "name"}


def random_crop(rgb: np.ndarray, size: int, min_scale: float, rng: np.random.Generator) -> np.ndarray:
    """A random square of the photo, at least `min_scale` of its shorter side, resized to `size`, maybe mirrored."""
    height, width = rgb.shape[:2]
    short = min(height, width)
    smallest = max(min(size, short), min_scale * short)  # never enlarge where it can be helped
    side = int(rng.uniform(smallest, short + 1))
    top, left = rng.integers(height - side + 1), rng.integers(width - side + 1)
    crop = rgb[top : top + side, left : left + side]
    crop = cv2.resize(crop, (size, size), interpolation=cv2.INTER_AREA if side >= size else cv2.INTER_LINEAR)
    return crop[:, ::-1] if rng.random() < 0.5 else crop


class TrainingBatches(Dataset):
    """`batches[step]` is the batch of that step: a pure function of photos, config and step.

    So a data loader may read ahead, and a resumed run goes on with the very batch it would have had.
    """

    def __init__(self, photos: Photos, config: TrainConfig):
        self.photos, self.config = photos, config
        self.make_sample = {"inpaint": inpaint_sample, "color": color_sample}[config.stage]

    def __len__(self) -> int:
        return self.config.steps

    def __getitem__(self, step: int) -> Batch:
        first = step * self.config.batch_size
        samples = [self._sample(first + i) for i in range(self.config.batch_size)]
        return {key: torch.stack([sample[key] for sample in samples]) for key in samples[0]}

    def _sample(self, position: int) -> Batch:
        epoch, place = divmod(position, len(self.photos))
        order = np.random.default_rng([self.config.seed, epoch]).permutation(len(self.photos))
        rng = np.random.default_rng([self.config.seed, epoch, place])
        crop = random_crop(self.photos[order[place]], self.config.size, self.config.min_scale, rng)
        return self.make_sample(crop, rng, self.config)


def inpaint_sample(rgb: np.ndarray, rng: np.random.Generator, config: TrainConfig) -> Batch:
    """`luma`, `damaged`, `mask` and `hint`, each (1, H, W); the hint is the mask, or zeros for a blind sample."""
    gray = luma(rgb)
    if rng.random() < config.hint_dropout:
        gray, damaged, mask = _blind_damage(gray, rng, config)
        hint = np.zeros_like(mask)
    else:
        damaged, mask = damage(gray, rng, area=(0.01, config.max_area), max_holes=config.max_holes)
        hint = mask
    return {"luma": _plane(gray / 255), "damaged": _plane(damaged / 255), "mask": _plane(mask), "hint": _plane(hint)}


def _blind_damage(gray: np.ndarray, rng: np.random.Generator, config: TrainConfig) -> tuple[np.ndarray, ...]:
    """What must be told apart without a hint: holes, naturally flat areas, and both after JPEG; one in five whole."""
    gray = clip_tones(gray, rng)
    damaged, mask = damage(gray, rng, area=(0.01, config.max_area), max_holes=config.max_holes)
    if rng.random() < 0.2:
        damaged, mask = gray, np.zeros_like(mask)
    return gray, jpeg(damaged, int(rng.integers(60, 96))) if rng.random() < 0.6 else damaged, mask


def color_sample(rgb: np.ndarray, rng: np.random.Generator, config: TrainConfig) -> Batch:
    """`luma` (1, H, W), `chroma` (2, H, W), `hint_chroma` (2, H, W) and `hint_mask` (1, H, W)."""
    cbcr = chroma(rgb)
    hinted = color_hints(cbcr, rng) if rng.random() < config.color_hints else np.zeros(cbcr.shape[:2], bool)
    return {
        "luma": _plane(luma(rgb) / 255),
        "chroma": torch.from_numpy(cbcr.transpose(2, 0, 1).copy()),
        "hint_chroma": torch.from_numpy((cbcr * hinted[..., None]).transpose(2, 0, 1).copy()),
        "hint_mask": _plane(hinted),
    }


def color_hints(cbcr: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Where the true chroma is shown, bool (H, W): a few dabs, as a person gives, or all but one large hole,
    as when a colour photo is repaired."""
    height, width = cbcr.shape[:2]
    if rng.random() < 0.3:
        return ~draw_hole(rng, height, width, rng.uniform(0.02, 0.4))
    hinted = np.zeros((height, width), np.uint8)
    for _ in range(rng.integers(1, 9)):
        centre = (int(rng.integers(width)), int(rng.integers(height)))
        cv2.circle(hinted, centre, int(rng.integers(0, max(2, width // 24))), 1, -1)
    return hinted.view(bool)


def _plane(values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))[None]
