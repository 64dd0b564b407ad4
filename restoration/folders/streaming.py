"""Many photos in turn: while one is in the network, the next ones are read and the last ones are written."""

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
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


class _Pending(NamedTuple):
    """An item that is being read or written."""

    item: object
    weight: float
    future: Future


_END = object()  # of the items


def stream(
    items: Iterable[Item],
    read: Callable[[Item], Read],
    work: Callable[[Read], Worked],
    write: Callable[[Item, Worked], Written],
    weigh: Callable[[Item], float] = lambda item: 0,
    room: float = math.inf,
) -> Iterator[Outcome[Item, Written]]:
    """Each item through read, work and write, in order. `work` runs in the caller's thread, the others beside it.

    An item that fails does not stop the others; where the caller stops, what is being written is written to its end.

    Args:
        weigh: how much of `room` an item takes from before it is read until it is written. One that takes more than
            there is has it all, alone.
    """
    items, reading, writing = iter(items), deque(), deque()
    readers, writers = ThreadPoolExecutor(AHEAD, "read"), ThreadPoolExecutor(AHEAD, "write")

    def fits(weight: float) -> bool:
        held = [*reading, *(pending for pending in writing if not pending.future.done())]
        return not held or sum(pending.weight for pending in held) + weight <= room

    coming = next(items, _END)
    try:
        while coming is not _END or reading or writing:
            while coming is not _END and len(reading) <= AHEAD and fits(weight := weigh(coming)):
                reading.append(_Pending(coming, weight, readers.submit(_step, read, coming)))
                coming = next(items, _END)
            if reading:
                writing.append(_worked(reading.popleft(), work, write, writers))
            if len(writing) > AHEAD or not reading:
                yield _outcome(writing.popleft())
    finally:
        readers.shutdown(cancel_futures=True)
        writers.shutdown()


def _worked(pending: _Pending, work: Callable, write: Callable, writers: ThreadPoolExecutor) -> _Pending:
    """The item after work, which is done here, and while it is written."""
    return pending._replace(future=writers.submit(_after, _after(pending.future.result(), work), write, pending.item))


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


def _outcome(pending: _Pending) -> Outcome:
    done = pending.future.result()
    return Outcome(pending.item, done.value, done.seconds, done.error)
