"""Many photos in turn: while one is in the network, the next ones are read and the previous ones written."""

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

AHEAD = 2  # photos read ahead, and as many being written: this bounds the memory
Item, Read, Worked = (TypeVar(name) for name in ("Item", "Read", "Worked"))
_END = object()  # of the items


@dataclass(frozen=True)
class Processed(Generic[Item]):
    """The state of one item."""

    item: Item
    value: object  # what the last step returned, or the item itself at first; None if a step failed
    seconds: float = 0.0  # spent in the steps, without waiting
    error: Exception | None = None

    def after(self, step: Callable, *first: object) -> "Processed[Item]":
        """The state after one more step on the value; nothing is done once a step has failed."""
        if self.error is not None:
            return self
        began, value, error = time.perf_counter(), None, None
        try:
            value = step(*first, self.value)
        except Exception as failure:  # whatever goes wrong with one photo, the others continue
            error = failure
        return Processed(self.item, value, self.seconds + time.perf_counter() - began, error)


def stream(
    items: Iterable[Item],
    read: Callable[[Item], Read],
    work: Callable[[Read], Worked],
    write: Callable[[Item, Worked], object],
    weigh: Callable[[Item], float] = lambda item: 0,
    room: float = math.inf,
) -> Iterator[Processed[Item]]:
    """Each item through read, work and write, in order. `work` runs in the caller's thread, the others in parallel.

    An item that fails does not stop the others; if the caller stops, writes in progress are finished.

    Args:
        weigh: how much of `room` an item takes from before it is read until it is written. An item that needs more
            than `room` is processed alone.
    """
    items, reading, writing = iter(items), deque(), deque()  # of weights and futures
    readers, writers = ThreadPoolExecutor(AHEAD, "read"), ThreadPoolExecutor(AHEAD, "write")

    def fits(weight: float) -> bool:
        held = [other for other, _ in reading] + [other for other, written in writing if not written.done()]
        return not held or sum(held) + weight <= room

    def worked(weight: float, photo: Future) -> tuple[float, Future]:
        done = photo.result().after(work)
        return weight, writers.submit(done.after, write, done.item)

    coming = next(items, _END)
    try:
        while coming is not _END or reading or writing:
            while coming is not _END and len(reading) <= AHEAD and fits(weight := weigh(coming)):
                reading.append((weight, readers.submit(Processed(coming, coming).after, read)))
                coming = next(items, _END)
            if reading:
                writing.append(worked(*reading.popleft()))
            if len(writing) > AHEAD or not reading:
                yield writing.popleft()[1].result()
    finally:
        readers.shutdown(cancel_futures=True)
        writers.shutdown()
