"""The result of a restoration, also in other strengths, colorings or freshened tones, without running a network."""

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from PIL import Image

from restoration.inference.coloring import painted
from restoration.inference.distribution import COLORINGS, ChromaDistribution
from restoration.inference.hints import Spread
from restoration.inference.paper import find_prints
from restoration.inference.prints import Print
from restoration.inference.tones import freshened


@dataclass(frozen=True)
class Repair:
    """A photo with its damage filled, not yet colored; all images have the photo's size."""

    photo: Image.Image  # L or RGB, as it was read
    gray: Image.Image  # L, whole
    mask: Image.Image  # L, 255 = treated as damaged


@dataclass(frozen=True)
class Restoration:
    """A restored photo; all images have the photo's size."""

    gray: Image.Image  # L, the whole photo without color
    mask: Image.Image  # L, 255 = treated as damaged
    own: Image.Image | None = None  # RGB, a color photo that kept its colors; it has none of what follows
    chroma: list[ChromaDistribution] | None = field(default=None, repr=False)  # of each print: its likely colors
    prints: list[Print] | None = None  # the pictures inside paper, colored one by one
    known: list[Spread] | None = field(default=None, repr=False)  # what hints and a reference change of it

    @cached_property
    def image(self) -> Image.Image:
        """RGB; its convert("L") equals the photo's exactly outside the mask. Computed on first use."""
        return self.own or self._painted(self._colors())

    def vivid(self, strength: float, number: int = 0) -> Image.Image:
        """One of the `variants`, paler (below 1, 0 = gray) or in rarer, more vivid colors (up to 2).

        Above 1, hints keep their colors. A photo that kept its own colors is returned unchanged.
        """
        as_it_is = self.own or (strength, number) == (1, 0)
        return self.image if as_it_is else self._painted(self._colors(strength, number))

    def variants(self) -> list[Image.Image]:
        """COLORINGS to choose from, `image` first; only `image` for a photo that kept its own colors.

        No network runs again. The same photo always gives the same ones, and all follow its hints.
        """
        return [self.vivid(1, number) for number in range(1 if self.own else COLORINGS)]

    def smaller(self, size: tuple[int, int]) -> "Restoration":
        """The same at a smaller (width, height), for display; computed in a fraction of the time."""
        gray, own = (image and image.resize(size, reducing_gap=3.0) for image in (self.gray, self.own))
        across, down = np.divide(size, self.gray.size)
        prints = self.prints and [found.scaled(across, down) for found in self.prints]
        return replace(self, gray=gray, mask=self.mask.resize(size, Image.Resampling.NEAREST), own=own, prints=prints)

    def freshened(self) -> "Restoration":
        """With faded tones stretched over the whole range, in a color photo channel by channel; no network runs."""
        prints = self.prints or find_prints(np.asarray(self.gray))
        fresh = [Image.fromarray(freshened(np.asarray(band), prints)) for band in (self.own or self.gray).split()]
        own = Image.merge("RGB", fresh) if self.own else None
        return replace(self, gray=own.convert("L") if own else fresh[0], own=own)

    def _colors(self, strength: float = 1.0, number: int = 0) -> list[np.ndarray]:
        """Chroma of each print in a variant, float32 (h, w, 2), after hints and a reference."""
        chromas = [
            belief.alternative(number, max(strength, 1)) if number else belief.decode(max(strength, 1))
            for belief in self.chroma
        ]
        if self.known:
            chromas = [own.over(cbcr) for own, cbcr in zip(self.known, chromas, strict=True)]
        return [np.float32(min(strength, 1)) * cbcr for cbcr in chromas]

    def _painted(self, chromas: list[np.ndarray]) -> Image.Image:
        return painted(np.asarray(self.gray), chromas, self.prints)
