"""Read, work, write: in order, at once, in bounded memory, whatever fails."""

import threading
import time

import cv2
import pytest

from restoration.folders.streaming import AHEAD, stream


def test_results_come_in_order_and_a_failure_stops_no_other():
    def read(i):
        time.sleep(0.002 * (i % 3))
        if i == 2:
            raise OSError("cannot be read")
        return 10 * i

    def work(value):
        if value == 50:
            raise RuntimeError("not enough memory")
        return value + 1

    def write(i, value):
        time.sleep(0.002 * (i % 2))
        if i == 7:
            raise cv2.error("cannot be written")
        return i, value

    outcomes = list(stream(range(9), read, work, write))
    assert [outcome.item for outcome in outcomes] == list(range(9))
    assert {o.item: str(o.error) for o in outcomes if o.error} == {
        2: "cannot be read", 5: "not enough memory", 7: "cannot be written",
    }  # fmt: skip
    assert [o.value for o in outcomes if not o.error] == [(i, 10 * i + 1) for i in (0, 1, 3, 4, 6, 8)]


def test_reading_and_writing_go_on_while_work_is_done():
    """Each step waits until the other two are at work too: in turn they would wait for ever."""
    together = threading.Barrier(3, timeout=20)

    def at_once(needed):
        def step(*arguments):
            if arguments[0] in needed:
                together.wait()
            return arguments[0]

        return step

    outcomes = list(stream(range(3), at_once([2]), at_once([1]), at_once([0])))
    assert [outcome.error for outcome in outcomes] == [None] * 3


@pytest.mark.parametrize("slow", ["work", "write"])
def test_few_photos_are_held_at_once(slow):
    held, most, lock = 0, 0, threading.Lock()

    def count(change):
        nonlocal held, most
        with lock:
            held += change
            most = max(most, held)

    def read(i):
        count(1)
        return i

    def work(i):
        time.sleep(0.003 * (slow == "work"))
        return i

    def write(i, _):
        time.sleep(0.005 * (slow == "write"))
        count(-1)

    assert len(list(stream(range(60), read, work, write))) == 60
    assert AHEAD < most <= 2 * AHEAD + 2


@pytest.mark.parametrize(("weight", "most"), [(1, 4), (3, 1), (9, 1)])
def test_heavy_photos_are_held_in_smaller_numbers(weight, most):
    """Of items that weigh 1, four fit into a room of 4; of those that weigh 3 or 9 one, which is done all the same."""
    held, seen, lock = 0, [], threading.Lock()

    def count(change):
        nonlocal held
        with lock:
            held += change
            seen.append(held)

    def read(i):
        count(1)
        return i

    def write(i, _):
        time.sleep(0.002)
        count(-1)
        return i

    outcomes = list(stream(range(30), read, lambda i: i, write, weigh=lambda i: weight, room=4))
    assert [outcome.value for outcome in outcomes] == list(range(30)) and max(seen) == most


def test_what_is_being_written_when_the_run_is_stopped_is_written_to_its_end():
    written = []

    def work(i):
        if i == 3:
            raise KeyboardInterrupt
        return i

    def write(i, _):
        time.sleep(0.02)
        written.append(i)

    with pytest.raises(KeyboardInterrupt):
        list(stream(range(100), lambda i: i, work, write))
    assert sorted(written) == [0, 1, 2]


def test_no_item_is_asked_for_before_it_is_needed():
    asked = []

    def items():
        for i in range(50):
            asked.append(i)
            yield i

    first = next(stream(items(), lambda i: i, lambda i: i, lambda i, _: i))
    assert first.value == 0 and len(asked) <= 2 * AHEAD + 3
