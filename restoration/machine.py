"""The cores and memory this process may use: container limits count, and the processes of a run share the rest."""

import os
from contextlib import suppress
from pathlib import Path


def processes() -> int:
    """How many processes of the run are on this machine, according to torchrun."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", 1))


def cores() -> int:
    """Processor cores, 1 or more."""
    own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with suppress(OSError, ValueError):  # no such group, or "max"
        quota, period = map(int, Path("/sys/fs/cgroup/cpu.max").read_text().split())
        own = min(own, round(quota / period))
    return max(1, own // processes())


def memory() -> int:
    """Bytes of memory."""
    own = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with suppress(OSError, ValueError):
        own = min(own, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return own // processes()
