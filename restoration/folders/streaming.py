"""Many photos in turn: while one is in the network, the next ones are read and the last ones are written."""

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

AHEAD = 2  # photos that are read ahead, and as many that are being written: what bounds the memory
Item, Read, Worked = (TypeVar(name) for name in ("Item", "Read", "Worked"))
_END = object()  # of the items


@dataclass(frozen=True)
class Processed(Generic[Item]):
    """What has become of one item."""

    item: Item
    value: object  # what the last step returned, the item before the first; None where a step failed
    seconds: float = 0.0  # that the steps took, without waiting for each other
    error: Exception | None = None

    def after(self, step: Callable, *first: object) -> "Processed[Item]":
        """What becomes of it by one more step, which is given the value; none is taken once one has failed."""
        if self.error is not None:
            return self
        began, value, error = time.perf_counter(), None, None
        try:
            value = step(*first, self.value)
        except Exception as failure:  # whatever one photo of a million makes of it, the others go on
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
    """Each item through read, work and write, in order. `work` runs in the caller's thread, the others beside it.

    An item that fails does not stop the others; where the caller stops, what is being written is written to its end.

    Args:
        weigh: how much of `room` an item takes from before it is read until it is written. One that takes more than
            there is has it all, alone.
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
