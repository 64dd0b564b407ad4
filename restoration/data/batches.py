"""Training batches made of photos: crops, damage, hints."""

from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor

from restoration.color import luma
from restoration.config import Stage, TrainConfig
from restoration.data.color_samples import Sample, color_sample, marks
from restoration.data.photos import Hole, Photos
from restoration.masking import MIN_AREA, clip_tones, damage, jpeg
from restoration.synthesis.scanning import draw_mount, fade, mounted, simulate_scan
from restoration.synthesis.shapes import NO_SHAPES, load_shapes
from restoration.synthesis.wear import add_wear

PRINT_SIZE = 1000  # pixels, of the shorter side: the network sees larger scans shrunk
ASPECTS = 0.75, 1.0, 4 / 3  # of the Colorizer's crops, height over width; their area is about that of the square
WHOLE = 0.85  # of the largest crop's sides: half of the Colorizer's samples show at least this much
REAL_AREA = 0.4  # of a crop, the most that a real hole may cover
Batch = dict[str, Tensor]


class Crop(NamedTuple):
    """A part of a photo that training sees at `size`, (H, W) in pixels, possibly mirrored."""

    top: int
    left: int
    height: int
    width: int
    size: tuple[int, int]
    mirrored: bool

    @classmethod
    def draw(cls, shape: tuple[int, ...], size: tuple[int, int], min_scale: float, rng: np.random.Generator) -> "Crop":
        """A random part of the crop's aspect, its sides at least `min_scale` of the largest that fits."""
        fit = min(shape[0] / size[0], shape[1] / size[1])
        scale = rng.uniform(max(min(1, fit), min_scale * fit), fit)  # avoid enlarging
        sides = [min(length, round(scale * side)) for length, side in zip(shape[:2], size, strict=True)]
        top, left = (rng.integers(length - side + 1) for length, side in zip(shape[:2], sides, strict=True))
        return cls(int(top), int(left), *sides, size, bool(rng.random() < 0.5))

    def cut(self, plane: np.ndarray) -> np.ndarray:
        """This part of a photo, uint8, or of a mask, bool."""
        part = plane[self.top : self.top + self.height, self.left : self.left + self.width]
        shrink = cv2.INTER_AREA if self.height >= self.size[0] else cv2.INTER_LINEAR
        how = cv2.INTER_NEAREST_EXACT if plane.dtype == bool else shrink
        part = cv2.resize(part.view(np.uint8), self.size[::-1], interpolation=how).view(plane.dtype)
        return part[:, ::-1] if self.mirrored else part


class TrainingBatches:
    """`batches[step]` is the batch of that step: a pure function of photos, config, seed and step.

    So a data loader may read ahead, a resumed run continues with exactly the batch it would have had, and each of
    `size` processes takes its own part of the same batch.
    """

    def __init__(self, photos: Photos, config: TrainConfig, stage: Stage, seed: int, rank: int = 0, size: int = 1):
        self.photos, self.config, self.stage, self.seed = photos, config, stage, seed
        self.rank, self.size = rank, size
        word = config.emphasis
        twice = [i for i, entry in enumerate(photos.entries) if word and word in f"{entry.folder}/{entry.name}"]
        self.indices = np.array([*range(len(photos)), *twice])

    def __getitem__(self, step: int) -> Batch:
        first, shape = step * self.config.batch_size, self._crop_shape(step)
        samples = [self._sample(first + i, shape) for i in range(self.rank, self.config.batch_size, self.size)]
        return {key: torch.from_numpy(np.stack([sample[key] for sample in samples])) for key in samples[0]}

    def _crop_shape(self, step: int) -> tuple[int, int]:
        """The shape of all crops of a step: the Colorizer, which will see whole photos, gets tall and wide ones too."""
        size = self.config.size
        if self.stage == "inpaint":
            return size, size
        aspect = np.random.default_rng([self.seed, step]).choice(ASPECTS)
        height, width = (max(32, 32 * round(size * aspect**power / 32)) for power in (0.5, -0.5))
        return (size, size) if aspect == 1 else (height, width)

    def _sample(self, position: int, shape: tuple[int, int]) -> Sample:
        epoch, place = divmod(position, len(self.indices))
        index = self.indices[_order(self.seed, epoch, len(self.indices))[place]]
        rng = np.random.default_rng([self.seed, epoch, place])
        picture = self.photos.picture(index)
        is_whole = self.stage == "color" and rng.random() < 0.5
        least = max(WHOLE, self.config.min_scale) if is_whole else self.config.min_scale
        crop, hole = Crop.draw(picture.rgb.shape, shape, least, rng), picture.hole
        rgb = crop.cut(picture.rgb)
        if self.stage == "color":
            return color_sample(rgb, rng, self.config)
        return inpaint_sample(rgb, rng, self.config, hole and Hole(crop.cut(hole.mask), hole.level))


@lru_cache(maxsize=4)
def _order(seed: int, epoch: int, count: int) -> np.ndarray:
    return np.random.default_rng([seed, epoch]).permutation(count)


def inpaint_sample(rgb: np.ndarray, rng: np.random.Generator, config: TrainConfig, hole: Hole | None = None) -> Sample:
    """`luma` and `damaged` in levels, and `marks`: 1 = damaged, 2 = hinted, added; each uint8 (1, H, W).

    The hint is the mask, or nothing for a blind sample.

    If the photo's real hole is known and the crop shows it, one sample in two has that damage. Hints mark wear as
    roughly as a person would.
    """
    gray = luma(rgb)
    if rng.random() < config.hint_dropout:
        gray, damaged, mask = _blind_damage(gray, rng, config, hole)
        hint = np.zeros_like(mask)
    else:
        margin = int(rng.integers(0, 3))
        is_worn = rng.random() < config.wear
        damaged, hint = _worn(gray, rng, config, margin) if is_worn else _filled(gray, rng, config, hole)
        damaged, mask = np.where(hint, damaged, gray), hint  # known pixels are the truth
    return {"luma": gray[None], "damaged": damaged[None], "marks": marks(mask, hint)}


def _worn(
    gray: np.ndarray, rng: np.random.Generator, config: TrainConfig, margin: int
) -> tuple[np.ndarray, np.ndarray]:
    """Wear a crop as a part of a print of any size up to PRINT_SIZE, with `margin` pixels around the wear in the mask;
    in one of five, its light and dark are swapped."""
    shapes = load_shapes(config.wear_shapes) if config.wear_shapes else NO_SHAPES
    negative = np.uint8(255 if rng.random() < 0.2 else 0)  # 255 - x is x ^ 255
    damaged, mask = add_wear(gray ^ negative, rng, max(1, PRINT_SIZE / config.size) ** rng.uniform(0, 1), shapes)
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    return damaged ^ negative, cv2.dilate(mask.view(np.uint8), cross, iterations=margin).view(bool)


def _filled(
    gray: np.ndarray, rng: np.random.Generator, config: TrainConfig, hole: Hole | None
) -> tuple[np.ndarray, np.ndarray]:
    """The real hole, refilled after resizing so that it is constant; otherwise drawn holes."""
    if hole and MIN_AREA <= hole.mask.mean() <= REAL_AREA and rng.random() < 0.5:
        return np.where(hole.mask, np.uint8(hole.level), gray), hole.mask
    return damage(gray, rng, area=(0.01, config.max_area), max_holes=config.max_holes)


def _blind_damage(
    gray: np.ndarray, rng: np.random.Generator, config: TrainConfig, hole: Hole | None
) -> tuple[np.ndarray, ...]:
    """Samples without a hint: damage, naturally flat areas, mounts, all after JPEG; one in five undamaged, of prints
    three in ten.

    Marks of wear always have the same margin: with a random one no map could be confident about a thin scratch.
    """
    is_print = rng.random() < config.wear
    gray = simulate_scan(_enlarged(gray, rng) if is_print and not hole else gray, rng)
    gray = fade(gray, rng) if is_print and rng.random() < 0.5 else clip_tones(gray, rng)
    damaged, mask = _worn(gray, rng, config, margin=1) if is_print else _filled(gray, rng, config, hole)
    if not is_print and rng.random() < 0.3:  # natural flat areas, as in shadows and skies
        damaged[mask] = rng.integers(7) if rng.random() < 0.6 else 255
    if rng.random() < (0.3 if is_print else 0.2):
        damaged, mask = gray, np.zeros_like(mask)
    if is_print and rng.random() < 0.3:
        mount = draw_mount(rng, gray.shape)
        gray, damaged, mask = mounted(gray, mount), mounted(damaged, mount), mask & (mount[0] < 0.5)
    return gray, jpeg(damaged, int(rng.integers(60, 96))) if rng.random() < 0.6 else damaged, mask


def _enlarged(gray: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Magnify three crops in four: scans have less detail per pixel than photos that were shrunk."""
    closer = rng.uniform(1, 3) if rng.random() < 0.75 else 1
    parts = [max(1, round(side / closer)) for side in gray.shape]
    top, left = (rng.integers(side - part + 1) for side, part in zip(gray.shape, parts, strict=True))
    part = gray[top : top + parts[0], left : left + parts[1]]
    return cv2.resize(part, gray.shape[::-1], interpolation=cv2.INTER_CUBIC)


def expanded(batch: Batch) -> dict[str, Tensor]:
    """The planes that a step reads, made of a batch's bytes on the device where they lie; float32 (B, C, H, W).

    Of the Inpainter's samples `luma` and `damaged` in [0, 1], `mask` and `hint`; of the Colorizer's `luma`, `chroma`
    (2 channels, as `color.chroma`), `hint_chroma` (0 where there is no hint), `hint_mask` and `mask`.
    """
    mask, hint = (batch["marks"] & 1).float(), (batch["marks"] >> 1).float()
    if "chroma" not in batch:
        return {"luma": batch["luma"] / 255, "damaged": batch["damaged"] / 255, "mask": mask, "hint": hint}
    true, given = ((batch[name].float() - 128) / 255 for name in ("chroma", "hint_chroma"))
    return {"luma": batch["luma"] / 255, "chroma": true, "hint_chroma": given * hint, "hint_mask": hint, "mask": mask}
