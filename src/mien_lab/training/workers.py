"""Data-parallel training in several processes started by `torchrun`."""

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.distributed as distributed
from torch import Tensor

__all__ = ["Workers"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Workers:
    """This process among those that train the same network.

    Attributes:
        rank: rank of this process; rank 0 writes checkpoints and logs.
        count: number of processes.
        device: device of this process.
    """

    rank: int = 0
    count: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @classmethod
    def joined(cls) -> "Workers":
        """Join the process group of `torchrun`, on one or more machines; a single process without.

        `torchrun` sets RANK, WORLD_SIZE and LOCAL_RANK in the environment. The backend is NCCL with
        GPUs, gloo otherwise.
        """
        cuda = torch.cuda.is_available()
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0"))) if cuda else None
        if "WORLD_SIZE" not in os.environ:
            return cls(device=device or torch.device("cpu"))
        if not distributed.is_initialized():
            distributed.init_process_group("nccl" if cuda else "gloo")
        rank, count = distributed.get_rank(), distributed.get_world_size()
        if rank > 0:
            logging.getLogger("mien_lab").setLevel(logging.WARNING)
        log.info("%d processes train together", count)
        return cls(rank, count, device or torch.device("cpu"))

    def shared(self, value: Any) -> Any:
        """Broadcast the value of rank 0 to all processes."""
        if self.count == 1:
            return value
        box = [value]
        distributed.broadcast_object_list(box, src=0, device=self.device)
        return box[0]

    def sum(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor, in place, by its sum over all processes, in one message."""
        if self.count == 1:
            return
        message = torch.cat([tensor.detach().flatten() for tensor in tensors])
        distributed.all_reduce(message)
        parts = torch.split(message, [tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.detach().copy_(part.view(tensor.shape))
