"""One process or many, according to torchrun's environment; nothing else in the package needs to know.

Only sums and counts are reduced over processes, never means, so that one process and many agree.
"""

import os
from collections.abc import Iterable
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

T = TypeVar("T")


class World:
    """This process among all: `rank` of `size`, and the device it works on."""

    def __init__(self):
        self.rank = int(os.environ.get("RANK", 0))
        self.size = int(os.environ.get("WORLD_SIZE", 1))
        local_rank = int(os.environ.get("LOCAL_RANK", 0))
        on_gpu = torch.cuda.is_available()
        self.device = torch.device("cuda", local_rank) if on_gpu else torch.device("cpu")
        if on_gpu:
            torch.cuda.set_device(self.device)
        if self.size > 1 and not dist.is_initialized():
            dist.init_process_group("nccl" if on_gpu else "gloo")

    @property
    def is_first(self) -> bool:
        """Only the first process writes files."""
        return self.rank == 0

    @property
    def gpu_gib(self) -> float | None:
        """The GPU's memory; None on a CPU."""
        on_gpu = self.device.type == "cuda"
        return torch.cuda.get_device_properties(self.device).total_memory / 2**30 if on_gpu else None

    def from_first(self, value: T) -> T:
        """The first process's value, for all processes: what it saw on the disk counts."""
        box = [value]
        if self.size > 1:
            dist.broadcast_object_list(box)
        return box[0]

    def sum(self, values: Tensor) -> Tensor:
        """The elementwise sum over all processes, for all of them."""
        if self.size > 1:
            values = values.clone()
            dist.all_reduce(values)
        return values

    def sum_numbers(self, numbers: dict[T, float]) -> dict[T, float]:
        """The same for named numbers; every process must hold the same names, in the same order."""
        if self.size == 1:
            return numbers
        values = torch.tensor(list(numbers.values()), dtype=torch.float64, device=self.device)
        return dict(zip(numbers, self.sum(values).tolist(), strict=True))

    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Add up the gradients of all processes, in one message."""
        gradients = [p.grad for p in parameters if p.grad is not None]
        if self.size == 1 or not gradients:
            return
        flat = torch.cat([g.reshape(-1) for g in gradients])
        dist.all_reduce(flat)
        for gradient, summed in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(summed.view_as(gradient))

    def close(self) -> None:
        """Leave the group; otherwise it complains when the program ends."""
        if dist.is_initialized():
            dist.destroy_process_group()
