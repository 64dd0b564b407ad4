"""Many photos in turn: while one is in the network, the next ones are read and the last ones are written."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Generic, NamedTuple, TypeVar

AHEAD = 2  # photos that are read ahead, and as many that are being written: what bounds the memory
Item, Read, Worked, Written = (TypeVar(name) for name in ("Item", "Read", "Worked", "Written"))


class Outcome(NamedTuple, Generic[Item, Written]):
    """What became of one item."""

    item: Item
    value: Written | None  # what the last step returned; None where a step failed
    seconds: float  # that the steps took, without waiting for each other
    error: Exception | None


class _Timed(NamedTuple):
    value: object
    seconds: float
    error: Exception | None = None


def stream(
    items: Iterable[Item],
    read: Callable[[Item], Read],
    work: Callable[[Read], Worked],
    write: Callable[[Item, Worked], Written],
) -> Iterator[Outcome[Item, Written]]:
    """Each item through read, work and write, in order. `work` runs in the caller's thread, the others beside it.

    An item that fails does not stop the others; where the caller stops, what is being written is written to its end.
    """
    items, reading, writing = iter(items), deque(), deque()
    readers, writers = ThreadPoolExecutor(AHEAD, "read"), ThreadPoolExecutor(AHEAD, "write")
    try:
        while True:
            for item in islice(items, AHEAD + 1 - len(reading)):
                reading.append((item, readers.submit(_step, read, item)))
            if not reading:
                break
            item, photo = reading.popleft()
            worked = _after(photo.result(), work)
            del photo
            writing.append((item, writers.submit(_after, worked, write, item)))
            del worked
            if len(writing) > AHEAD:
                yield _outcome(*writing.popleft())
        while writing:
            yield _outcome(*writing.popleft())
    finally:
        readers.shutdown(cancel_futures=True)
        writers.shutdown()


def _step(step: Callable, *arguments) -> _Timed:
    began = time.perf_counter()
    try:
        return _Timed(step(*arguments), time.perf_counter() - began)
    except Exception as error:  # whatever one photo of a million makes of it, the others go on
        return _Timed(None, time.perf_counter() - began, error)


def _after(before: _Timed, step: Callable, *arguments) -> _Timed:
    if before.error is not None:
        return before
    done = _step(step, *arguments, before.value)
    return done._replace(seconds=before.seconds + done.seconds)


def _outcome(item: Item, future: Future) -> Outcome:
    done = future.result()
    return Outcome(item, done.value, done.seconds, done.error)
