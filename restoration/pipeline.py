"""The one inference path: a photo, and perhaps a mask and colour hints, becomes a restored photo.

The command line, the demo, the benchmarks and the tests all go through `Restorer`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from restoration import imaging
from restoration.color import chroma, luma, with_chroma
from restoration.detection import find_holes, picture_window, sure_regions
from restoration.models import Colorizer, Ensemble, Inpainter, load_networks
from restoration.prefill import prefill
from restoration.regions import windows

SHIPPED_WEIGHTS = Path(__file__).parent.parent / "weights"
FILL_SIZE = 512  # px, the longest side at which the Inpainter works; a larger thick hole is filled at this size
COLOR_SIZE = 256  # px, the shorter side at which chroma is predicted: eyes want colour coarser than light
MAX_COLOR_SIDE = 1024  # px, the longer one, for panoramas
Photo = str | Path | Image.Image | np.ndarray


@dataclass(frozen=True)
class Repair:
    """A photo whose damage is filled, before its colour is asked for; all of the photo's own size."""

    photo: Image.Image  # L or RGB, as it was read
    gray: Image.Image  # L, whole
    mask: Image.Image  # L, 255 = what was taken for damaged


@dataclass(frozen=True)
class Restoration:
    """What comes back; all of the photo's own size."""

    image: Image.Image  # RGB; its convert("L") equals the photo's outside the mask, exactly
    gray: Image.Image  # L, the whole photo without colour
    mask: Image.Image  # L, 255 = what was taken for damaged
    chroma: np.ndarray | None = None  # float32 (h, w, 2), at the size of its prediction; None: its own colours

    def vivid(self, strength: float) -> Image.Image:
        """The colour photo with `strength` times its predicted chroma, 0 = gray; no network is asked again.

        A photo that kept its own colours comes back as it is.
        """
        if self.chroma is None:
            return self.image
        gray = np.asarray(self.gray)
        return Image.fromarray(with_chroma(gray, _enlarge(strength * self.chroma, gray.shape)))


class Restorer:
    """Both networks and the way through them. Safe to call from several threads at once."""

    def __init__(self, inpainter: Inpainter | Ensemble, colorizer: Colorizer | Ensemble, device: str | None = None):
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.inpainter = inpainter.eval().to(self.device, memory_format=torch.channels_last)
        self.colorizer = colorizer.eval().to(self.device, memory_format=torch.channels_last)

    @classmethod
    def from_pretrained(
        cls,
        source: str | Path = SHIPPED_WEIGHTS,
        device: str | None = None,
        folds: int | Literal["all"] | None = None,
    ) -> "Restorer":
        """Load `inpaint/` and `color/` from a folder or a hub repository.

        Args:
            source: the shipped weights, a run of train.py, or the `user/name` it was pushed to.
            device: "cuda", "cpu"; None = the GPU where there is one.
            folds: 2 = the networks of fold 2; "all" = every fold's, whose predictions are averaged.

        Raises:
            WeightsError: one of them is not there, or does not fit its config.
        """
        return cls(*load_networks(source, folds), device)

    def detect(self, photo: Photo) -> Image.Image:
        """The damage that is found without help: mode L, 255 = damaged."""
        return _as_mask(self._detect(luma(np.asarray(_as_photo(photo)))))

    def restore(self, photo: Photo, mask: Photo | None = None, hints: Photo | None = None) -> Restoration:
        """Repair and colour a photo.

        Args:
            photo: a path, a PIL image, or uint8 (H, W) or (H, W, 3). A colour photo keeps its own colours
                outside the mask, bit for bit; pass `photo.convert("L")` to have it coloured anew.
            mask: where it is damaged: a path, a PIL image, uint8 or bool (H, W), white or True = damaged
                (see `imaging.read_mask`), of the photo's size. None = find the damage.
            hints: colours to follow: a path, a PIL RGBA image or uint8 (H, W, 4) of the photo's size, read
                where its alpha is above 127; in a colour photo, only inside the mask.

        Raises:
            PhotoError: one of them cannot be read, is not of the photo's size, or leaves nothing to go by.
        """
        return self.colorize(self.repair(photo, mask), hints)

    def repair(self, photo: Photo, mask: Photo | None = None) -> Repair:
        """The first half of `restore`: find the damage, unless a mask says where it is, and fill it."""
        photo = _as_photo(photo)
        gray = luma(np.asarray(photo))
        damaged = self._detect(gray) if mask is None else _read_mask(mask, photo.size)
        if damaged.all():
            raise imaging.PhotoError("The mask covers the whole photo: leave something to restore it from.")
        return Repair(photo, Image.fromarray(self._fill(gray, damaged)), _as_mask(damaged))

    def colorize(self, repair: Repair, hints: Photo | None = None) -> Restoration:
        """The second half: other hints for the same repair cost only this one."""
        pixels, whole = np.asarray(repair.photo), np.asarray(repair.gray)
        hint_chroma, hinted = _read_hints(hints, repair.photo.size)
        if pixels.ndim == 2:
            predicted = self._colors(whole, hint_chroma, hinted)
            image = with_chroma(whole, _enlarge(predicted, whole.shape))
        else:
            predicted = None
            image = self._repair_colors(pixels, whole, np.asarray(repair.mask) > 0, hint_chroma, hinted)
        return Restoration(Image.fromarray(image), repair.gray, repair.mask, predicted)

    def _detect(self, gray: np.ndarray) -> np.ndarray:
        """Holes of one constant gray, to the pixel; where there is none, what the network's damage map is sure of."""
        holes = find_holes(gray)
        return holes if holes.any() else self._mapped(gray)

    @torch.inference_mode()
    def _mapped(self, gray: np.ndarray) -> np.ndarray:
        found = np.zeros(gray.shape, bool)
        window = picture_window(gray)  # in the corner of a frame, plain sky looks like a hole
        picture = self._tensor(gray[window] / np.float32(255))
        likely = self.inpainter(_shrink(picture, _fill_size(*picture.shape[-2:]))).damage.sigmoid()
        likely = torch.nn.functional.interpolate(likely, picture.shape[-2:], mode="bilinear")
        found[window] = sure_regions(likely[0, 0].cpu().numpy())
        return found

    @torch.inference_mode()
    def _fill(self, gray: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Luma with the masked pixels predicted and all others copied, uint8 (H, W)."""
        whole = gray.copy()
        for seen, filled, hole in windows(mask, FILL_SIZE):
            fill = self._predict_luma(gray[seen.slices], mask[seen.slices])
            whole[filled.slices][hole] = fill[filled.seen_from(seen).slices][hole]
        return whole

    def _predict_luma(self, gray: np.ndarray, mask: np.ndarray) -> np.ndarray:
        size = _fill_size(*gray.shape)
        known = self._tensor(gray / np.float32(255)) * (1 - self._tensor(mask))
        hint = self._tensor(mask)
        if size != gray.shape:  # the mean of the known pixels only: the fill's gray must not leak into its surroundings
            weight = _shrink(1 - hint, size)
            enough = min(0.5, float(weight.max()))  # where hardly a pixel is known, the best known ones count
            known, hint = _shrink(known, size) / weight.clamp_min(1e-6), (weight < enough).float()
        fill = self.inpainter(known, hint).luma.clamp(0, 1)
        if size != gray.shape:
            fill = torch.nn.functional.interpolate(fill, gray.shape, mode="bicubic", align_corners=False)
        return np.rint(fill[0, 0].clamp(0, 1).cpu().numpy() * 255).astype(np.uint8)

    def _repair_colors(
        self, rgb: np.ndarray, whole: np.ndarray, mask: np.ndarray, hint_chroma: np.ndarray, hint_mask: np.ndarray
    ) -> np.ndarray:
        """RGB that is the photo's own outside the mask; inside, chroma that meets the known colours at the border."""
        if not mask.any():
            return rgb
        inside = mask[..., None]
        known = np.where(inside, hint_chroma, chroma(rgb))
        predicted = self._colors(whole, known, hint_mask | ~mask, meet=True)
        return np.where(inside, with_chroma(whole, _enlarge(predicted, whole.shape)), rgb)

    @torch.inference_mode()
    def _colors(
        self, gray: np.ndarray, hint_chroma: np.ndarray, hint_mask: np.ndarray, meet: bool = False
    ) -> np.ndarray:
        """Chroma of a whole gray photo at the size where it is predicted, float32 (h, w, 2), following the hints.

        With `meet` it is exact at the hints and smooth around them.
        """
        size = _color_size(*gray.shape)
        light = _shrink(self._tensor(gray / np.float32(255)), size)
        weight = self._tensor(hint_mask)
        share = _shrink(weight, size)
        hinted = (share > 0).float()  # a dab smaller than a pixel still counts
        known = _shrink(self._tensor(hint_chroma) * weight, size) / share.clamp_min(1e-6)
        cbcr = self.colorizer(light, known, hinted)
        if meet:
            cbcr = cbcr + prefill(known - cbcr, 1 - hinted)
        return cbcr[0].cpu().numpy().transpose(1, 2, 0)

    def _tensor(self, image: np.ndarray) -> Tensor:
        """(H, W) or (H, W, C) -> float32 (1, C, H, W)."""
        image = image[..., None] if image.ndim == 2 else image
        return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1), dtype=np.float32))[None].to(self.device)


def _shrink(x: Tensor, size: tuple[int, int]) -> Tensor:
    return x if x.shape[-2:] == size else torch.nn.functional.interpolate(x, size, mode="area")


def _enlarge(cbcr: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return cbcr if cbcr.shape[:2] == size else cv2.resize(cbcr, size[::-1], interpolation=cv2.INTER_LINEAR)


def _fill_size(height: int, width: int) -> tuple[int, int]:
    return _scaled(height, width, min(1.0, FILL_SIZE / max(height, width)))


def _color_size(height: int, width: int) -> tuple[int, int]:
    return _scaled(height, width, min(1.0, COLOR_SIZE / min(height, width), MAX_COLOR_SIDE / max(height, width)))


def _scaled(height: int, width: int, scale: float) -> tuple[int, int]:
    return max(1, round(height * scale)), max(1, round(width * scale))


def _as_photo(photo: Photo) -> Image.Image:
    return imaging.read_photo(_source(photo, "photo", "uint8, (H, W) or (H, W, 3)"))


def _source(image: Photo, kind: str, wanted: str) -> imaging.Source:
    """What imaging can read: a path or PIL image as it is, an array as an image."""
    if isinstance(image, (str, Path, Image.Image)):
        return image
    if not isinstance(image, np.ndarray):
        raise imaging.PhotoError(f"The {kind} is a {type(image).__name__}: give a PIL image, an array or a path.")
    pixels = image.astype(np.uint8) * 255 if image.dtype == bool else image
    if pixels.dtype != np.uint8 or pixels.ndim < 2 or pixels.shape[2:] not in ((), (3,), (4,)) or pixels.size == 0:
        raise imaging.PhotoError(f"The {kind} is {image.dtype} of shape {image.shape}: give {wanted}.")
    return Image.fromarray(pixels)


def _as_mask(mask: np.ndarray) -> Image.Image:
    return Image.fromarray(mask.astype(np.uint8) * 255)


def _read_mask(mask: Photo, size: tuple[int, int]) -> np.ndarray:
    return imaging.read_mask(_source(mask, "mask", "bool or uint8, (H, W)"), size)


def _read_hints(hints: Photo | None, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Chroma (H, W, 2) and where it counts, bool (H, W)."""
    if hints is None:
        return np.zeros((size[1], size[0], 2), np.float32), np.zeros((size[1], size[0]), bool)
    rgba = imaging.read_hints(_source(hints, "hint image", "uint8, (H, W, 4)"), size)
    return chroma(rgba[..., :3]), rgba[..., 3] > 127
