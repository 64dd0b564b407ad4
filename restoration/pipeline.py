"""The one inference path: a photo, optionally with a mask and color hints, becomes a restored photo.

The command line, the demo, the benchmarks and the tests all go through `Restorer`.
"""

from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from restoration.config import SHIPPED_WEIGHTS as SHIPPED_WEIGHTS
from restoration.errors import RestorationError
from restoration.files import imaging
from restoration.inference import backends
from restoration.inference.coloring import Hints, meeting, predict_hole, predict_prints, recolored, spread_known
from restoration.inference.damage import MOST_SENSITIVE as MOST_SENSITIVE
from restoration.inference.damage import Damage, ScanDamage
from restoration.inference.detection import find_damage
from restoration.inference.filling import FILLS, Fill, fill_smoothly
from restoration.inference.paper import find_prints
from restoration.inference.prints import Print
from restoration.inference.reference import Reference
from restoration.inference.scaling import Rows
from restoration.inference.texture import add_texture
from restoration.result import Repair, Restoration

Photo = imaging.Source


class Restorer:
    """The networks and the steps from a photo to its restoration. Safe to call from several threads at once.

    Args:
        inpainter: a model, a tuple of models (they are averaged), or a network of `backends`; so are the others.
        device: for models: "cuda" or "cpu"; None = the GPU if there is one.
        detector: an Inpainter whose damage map is used; None = that of `inpainter`.
        precision: for models: "float32", "bf16", or "auto" = the faster one.
    """

    def __init__(
        self,
        inpainter: backends.AnyNetwork,
        colorizer: backends.AnyNetwork,
        device: str | None = None,
        detector: "backends.AnyNetwork | None" = None,
        precision: backends.Precision = "float32",
    ):
        self.inpainter, self.colorizer, self.detector = inpainter, colorizer, detector or inpainter
        self._inpaint, self._color, self._find = (
            backends.as_network(network, device, precision) for network in (inpainter, colorizer, self.detector)
        )

    @classmethod
    def from_pretrained(
        cls,
        source: str | Path = SHIPPED_WEIGHTS,
        device: str | None = None,
        folds: int | Literal["all"] | None = None,
        backend: backends.Backend = "auto",
        precision: backends.Precision | None = None,
    ) -> "Restorer":
        """Load `inpaint/`, `color/`, and `detect/` where there is one, from a folder or a hub repository.

        Args:
            source: the shipped weights, a run of train.py, or the `user/name` it was pushed to.
            device: "cuda" or "cpu"; None = the GPU if there is one.
            folds: 2 = the networks of fold 2; "all" = those of every fold, averaged.
            backend: what runs them. "auto" = PyTorch on a GPU; on a CPU OpenVINO where the folder holds
                graphs (`python -m restoration export`), else PyTorch.
            precision: "float32", "bf16", or "auto" = whichever a short probe finds faster. None = the environment
                variable RESTORATION_PRECISION, or "auto".

        Raises:
            RestorationError: no such backend or precision; or one of them is missing, does not fit its config, or has
                no graph for that backend.
        """
        precision = backends.chosen_precision(precision)
        inpaint, color, detector = backends.load(source, folds, device, backend, precision)
        return cls(inpaint, color, device, detector, precision)

    @property
    def precision(self) -> str:
        """What the Inpainter computes in: "float32" or "bf16"."""
        return self._inpaint.precision

    def damage(self, photo: Photo) -> Damage | ScanDamage:
        """Look for damage once; the result gives a mask for any sensitivity and for rough strokes.

        Raises:
            PhotoError: the photo cannot be read.
        """
        return find_damage(_luma(imaging.read_photo(photo)), self._find)

    def detect(self, photo: Photo, sensitivity: int = 0) -> Image.Image:
        """The damage that is found automatically: mode L, 255 = damaged.

        Args:
            sensitivity: 0 = only near-certain damage; up to MOST_SENSITIVE finds more, with more false alarms.

        Raises:
            PhotoError: the photo cannot be read.
            RestorationError: no such sensitivity.
        """
        return _as_mask(self.damage(photo).mask(sensitivity))

    def restore(
        self,
        photo: Photo,
        mask: Photo | None = None,
        hints: Photo | None = None,
        sensitivity: int = 0,
        fill: Fill = "textured",
        freshen: bool = False,
        reference: Photo | None = None,
    ) -> Restoration:
        """Repair and color a photo.

        Args:
            photo: a path, a PIL image, or uint8 (H, W) or (H, W, 3). A color photo keeps its own colors
                outside the mask, bit for bit; pass `photo.convert("L")` to recolor it.
            mask: where it is damaged: a path, a PIL image, uint8 or bool (H, W), white or True = damaged
                (see `imaging.read_mask`), of the photo's size. None = find the damage.
            hints: colors to follow: a path, a PIL RGBA image or uint8 (H, W, 4) of the photo's size, read
                where its alpha is above 127; in a color photo, only inside the mask.
            sensitivity: of `detect`, where no mask is given.
            fill: "textured" gives holes invented texture that looks like the rest of the photo; "smooth" keeps the
                network's blurry fill, which is closer to the truth numerically.
            freshen: stretch faded tones; otherwise known luma is unchanged.
            reference: a color photo of the same people, house or street, of any size, whose colors are used for
                what both show; it has no effect if they share nothing, or if `photo` is a color photo.

        Raises:
            PhotoError: one of them cannot be read or has another size, or the mask covers the whole photo.
            RestorationError: no such sensitivity, no such fill.
        """
        photo = imaging.read_photo(photo)
        if hints is not None:  # refused before seconds of work
            hints = imaging.read_hints(hints, photo.size)
        if reference is not None and photo.mode == "L":
            reference = imaging.read_reference(reference)
        result = self.colorize(self.repair(photo, mask, sensitivity, fill), hints, reference)
        return result.freshened() if freshen else result

    def repair(self, photo: Photo, mask: Photo | None = None, sensitivity: int = 0, fill: Fill = "textured") -> Repair:
        """The first half of `restore`: find the damage, unless a mask is given, and fill it."""
        if fill not in FILLS:
            raise RestorationError(f"Unknown fill {fill!r}: use {' or '.join(FILLS)}.")
        photo = imaging.read_photo(photo)
        gray = _luma(photo)
        if mask is None:
            damaged = find_damage(gray, self._find).mask(sensitivity)
        else:
            damaged = imaging.read_mask(mask, photo.size)
        if damaged.all():
            sentence = "The mask covers the whole photo; leave something to restore it from."
            raise imaging.PhotoError(sentence, "all_masked")
        whole = fill_smoothly(gray, damaged, self._inpaint)
        whole = add_texture(whole, damaged) if fill == "textured" else whole
        return Repair(photo, Image.fromarray(whole), _as_mask(damaged))

    def colorize(
        self,
        repair: Repair,
        hints: Photo | None = None,
        reference: Photo | None = None,
        before: Restoration | None = None,
    ) -> Restoration:
        """The second half of `restore`.

        Args:
            before: an earlier coloring of the photo. With the same repair, new hints need no network; after another
                repair, the variants keep their hues.
        """
        gray = np.asarray(repair.gray)
        given = None if hints is None else Hints.painted(imaging.read_hints(hints, repair.photo.size))
        if repair.photo.mode == "L":
            prints = _prints(gray, given)
            beliefs = (before and before.chroma) or []
            if not beliefs or before.prints != prints or before.gray != repair.gray:
                beliefs = predict_prints(gray, prints, self._color, beliefs)
            lender = None if reference is None else Reference(imaging.read_reference(reference), self._inpaint)
            known = spread_known(gray, prints, beliefs, given, lender) if given or lender else None
            return Restoration(repair.gray, repair.mask, None, beliefs, prints, known)
        mask = np.asarray(repair.mask) > 0
        own = self._repaired_colors(repair.photo, gray, mask, given) if mask.any() else repair.photo.copy()
        return Restoration(repair.gray, repair.mask, own)

    def _repaired_colors(
        self, photo: Image.Image, gray: np.ndarray, mask: np.ndarray, hints: Hints | None
    ) -> Image.Image:
        """The photo's own colors outside the mask; inside, chroma that matches them at the border."""
        known = Hints(Rows(photo), ~mask)
        if hints is not None:
            known = Hints(np.where(mask[..., None], hints.rgb, photo), hints.where | ~mask)
        chroma = predict_hole(gray, self._color, known).decode()
        return recolored(photo, gray, mask, meeting(chroma, known))


def _prints(gray: np.ndarray, hints: Hints | None) -> list[Print]:
    """The prints to color, or the whole photo as one print if a hint gives a color to what looked like paper."""
    prints = find_prints(gray)
    if hints is not None:
        on_paper = hints.where.copy()
        for found in prints:
            box = found.grown(*[0.02 * max(gray.shape)] * 4).box(gray.shape)
            on_paper[box] = False  # a careless stroke may cross the print's edge
        if on_paper.any():
            return [Print.whole(gray.shape)]
    return prints


def _luma(photo: Image.Image) -> np.ndarray:
    return np.asarray(photo if photo.mode == "L" else photo.convert("L"))


def _as_mask(mask: np.ndarray) -> Image.Image:
    return Image.fromarray(mask.astype(np.uint8) * 255)
