"""The restorer as the page calls it: each call borrows a GPU on a Space that shares them; memory is given back."""

import ctypes
from collections.abc import Callable
from contextlib import suppress
from functools import wraps

try:  # before torch: there it prepares the GPU that is borrowed. The package comes with the Space.
    from spaces import GPU as borrows_gpu  # noqa: N811
except ImportError:

    def borrows_gpu(stage: Callable) -> Callable:
        """Without ZeroGPU nothing is borrowed."""
        return stage


from restoration.pipeline import Restorer


class Stages:
    """Find, repair, color: methods of a `Restorer`, each callable alone, with positional arguments."""

    def __init__(self, restorer: Restorer):
        stages = (restorer.detect, restorer.damage, restorer.repair, restorer.colorize)
        self.detect, self.damage, self.repair, self.colorize = map(lent, stages)


def lent(stage: Callable) -> Callable:
    """A function, not a bound method, since a borrowed GPU runs in another process."""

    @borrows_gpu
    @wraps(stage)
    def on_gpu(*given: object) -> object:
        try:
            return stage(*given)
        finally:  # glibc gives back what it holds free: in pieces between what is kept, it would grow for half an hour
            with suppress(OSError, AttributeError):  # other allocators
                ctypes.CDLL(None).malloc_trim(0)

    return on_gpu
