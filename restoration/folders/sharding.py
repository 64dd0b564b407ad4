"""Several processes on one folder: the environment of torchrun and Slurm arrays decides which process does what.

A photo's name alone decides: processes need not communicate, added photos do not move others, and a restarted
process finds the same share again.
"""

import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from restoration.errors import RestorationError

UNCLEAR = "RANK, WORLD_SIZE or SLURM_ARRAY_TASK_ID do not say how the photos are shared; use torchrun or --array=0-7."


class Share(NamedTuple):
    """This process's part: the `index`-th of `count`."""

    index: int = 0
    count: int = 1

    def has(self, name: Path) -> bool:
        """Whether this process makes a file, named relative to the folder of results."""
        return zlib.crc32(os.fsencode(name)) % self.count == self.index


def own_share(environment: Mapping[str, str] = os.environ) -> Share:
    """The share of this process among an array's tasks and, in each task, torchrun's processes.

    Raises:
        RestorationError: the array's task numbers are invalid or not evenly spaced.
    """
    try:
        rank, size = int(environment.get("RANK", 0)), int(environment.get("WORLD_SIZE", 1))
        task, tasks = _array_task(environment)
        if 0 <= rank < size:
            return Share(task * size + rank, tasks * size)
    except (KeyError, ValueError) as error:
        raise RestorationError(UNCLEAR) from error
    raise RestorationError(UNCLEAR)


def ends_together(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether a process that ends with an error stops the others too, as under torchrun."""
    return "TORCHELASTIC_RUN_ID" in environment


def own_gpu(count: int, environment: Mapping[str, str] = os.environ) -> int:
    """Which of a machine's GPUs this process works on."""
    return int(environment.get("LOCAL_RANK", 0)) % count


def _array_task(environment: Mapping[str, str]) -> tuple[int, int]:
    """Slurm's task number, with any start and step -> 0, 1, 2, ... and the number of tasks."""
    if "SLURM_ARRAY_TASK_ID" not in environment:
        return 0, 1
    number, count, first, last = (int(environment[f"SLURM_ARRAY_TASK_{x}"]) for x in ("ID", "COUNT", "MIN", "MAX"))
    numbers = range(first, last + 1, (last - first) // max(1, count - 1) or 1)
    if len(numbers) != count or last not in numbers:
        raise ValueError(f"{count} tasks from {first} to {last}")
    return numbers.index(number), count
