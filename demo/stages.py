"""The restorer as the page calls it: on a Space with a shared GPU, each call borrows one; memory is given back."""

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

try:  # before torch: there it prepares the GPU that is borrowed. The package comes with the Space.
    from spaces import GPU as borrows_gpu  # noqa: N811
except ImportError:

    def borrows_gpu(stage: Callable) -> Callable:
        """Elsewhere nothing is borrowed."""
        return stage


import numpy as np
from PIL import Image

from restoration.pipeline import Damage, Fill, Repair, Restoration, Restorer, ScanDamage


class Stages:
    """Find, repair, color: `detect`, `repair` and `colorize` of one `Restorer`, each callable on its own."""

    def __init__(self, restorer: Restorer):
        # Functions, not bound methods: what a borrowed GPU runs is sent to another process.
        @borrows_gpu
        def detect(photo: Image.Image, sensitivity: int) -> Image.Image:
            with memory_given_back():
                return restorer.detect(photo, sensitivity)

        @borrows_gpu
        def damage(photo: Image.Image) -> Damage | ScanDamage:
            with memory_given_back():
                return restorer.damage(photo)

        @borrows_gpu
        def repair(photo: Image.Image, mask: Image.Image | np.ndarray | None, fill: Fill = "textured") -> Repair:
            with memory_given_back():
                return restorer.repair(photo, mask, 0, fill)

        @borrows_gpu
        def colorize(
            repaired: Repair,
            hints: Image.Image | None,
            reference: Image.Image | None = None,
            before: Restoration | None = None,
        ) -> Restoration:
            with memory_given_back():
                return restorer.colorize(repaired, hints, reference, before)

        self.detect, self.damage, self.repair, self.colorize = detect, damage, repair, colorize


@contextmanager
def memory_given_back() -> Iterator[None]:
    """Afterwards glibc returns what it holds free: in pieces between what is kept, it would grow for half an hour."""
    try:
        yield
    finally:
        with suppress(OSError, AttributeError):  # other allocators
            ctypes.CDLL(None).malloc_trim(0)
