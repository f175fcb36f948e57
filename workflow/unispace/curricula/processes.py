"""Several processes that train one network together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, distributed


@dataclass(frozen=True)
class World:
    """The processes of a training.

    Attributes:
        rank: of this one, from 0; the first is the one that writes.
        size: how many there are.
    """

    rank: int = 0
    size: int = 1

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Replace tensors by their sums over all processes, the same bits in each."""
        if self.size == 1 or not tensors:
            return
        # One message for all of them.
        flat = torch.cat([tensor.flatten() for tensor in tensors])
        distributed.all_reduce(flat)
        parts = flat.split([tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view_as(tensor))
