"""Low-rank adaptation of the query and value projections of attention.

LoRA: Hu et al. 2021, arXiv 2106.09685; the scale alpha / sqrt(rank): Kalajdzievski 2023, arXiv 2312.03732. It is our
own, on torch's parametrizations, because peft cannot adapt queries and values alone where one fused matrix holds
queries, keys and values, as it does here nearly everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from unispace.errors import UserError


class _LowRank(nn.Module):
    """A weight plus the product of two thin matrices; nothing is added at the start.

    Attributes:
        down: `(parts, rank, inputs)`, random.
        up: `(parts, outputs, rank)`, zero.
        scale: factor of the product.
    """

    def __init__(
        self, weight: Tensor, fused: bool, rank: int, alpha: float, generator: torch.Generator
    ) -> None:
        """Args: weight `(outputs, inputs)`, of a fused projection `(3 * outputs, inputs)`."""
        super().__init__()
        parts, rows = (2, len(weight) // 3) if fused else (1, len(weight))
        inputs = weight.shape[1]
        # The bound that nn.Linear draws its weights from.
        drawn = torch.rand(parts, rank, inputs, generator=generator) * 2 - 1
        self.down = nn.Parameter((drawn / math.sqrt(inputs)).to(weight))
        self.up = nn.Parameter(weight.new_zeros(parts, rows, rank))
        self.scale = alpha / math.sqrt(rank)

    def forward(self, weight: Tensor) -> Tensor:
        """The adapted weight, of the shape of `weight`."""
        update = self.scale * (self.up @ self.down)
        if len(update) == 1:
            return weight + update[0]
        query, key, value = weight.chunk(3)
        return torch.cat([query + update[0], key, value + update[1]])


def add_lora(
    body: nn.Module, rank: int, alpha: float, generator: torch.Generator
) -> list[nn.Parameter]:
    """Freeze all weights and add a trainable low-rank update to each query and value projection.

    Args:
        body: a network; its outputs stay as they are until the updates are trained.
        rank: of the updates.
        alpha: factor of the updates, divided by the square root of the rank.
        generator: source of the first weights.

    Returns:
        What is trainable now.

    Raises:
        UserError: where there is no such projection, or the rank exceeds the size of one.
    """
    found = list(_projections(body))
    if not found:
        raise UserError(
            f"lora: {type(body).__name__} has no query and value projection (looked for linear layers `qkv` or "
            f"`q_proj` and `v_proj`, and for `in_proj_weight`); take lora out of the curriculum"
        )
    for module, name, fused in found:
        rows, columns = module.get_parameter(name).shape
        largest = min(rows // 3 if fused else rows, columns)
        if rank > largest:
            raise UserError(
                f"lora.rank {rank} exceeds the {largest} dimensions of the projections it adapts"
            )
    body.requires_grad_(requires_grad=False)
    adapted = []
    for module, name, fused in found:
        update = _LowRank(module.get_parameter(name), fused, rank, alpha, generator)
        parametrize.register_parametrization(module, name, update)
        adapted += update.parameters()
    return adapted


def merge_lora(body: nn.Module) -> dict[str, Tensor]:
    """Make the updates part of the weights, which can all be trained again; every output keeps its bits.

    Returns:
        The adapted weights as they were before, by their name in the state of `body`; empty where it holds no update.
    """
    before = {}
    for name, module in body.named_modules():
        lists = module.parametrizations if parametrize.is_parametrized(module) else {}
        for tensor, updates in [*cast("nn.ModuleDict", lists).items()]:
            before[f"{name}.{tensor}"] = cast("Tensor", updates.original).detach().clone()
            parametrize.remove_parametrizations(module, tensor, leave_parametrized=True)
    body.requires_grad_(requires_grad=True)
    return before


@torch.no_grad()
def unmerge_lora(body: nn.Module, before: dict[str, Tensor]) -> None:
    """Give merged weights back what they were, to the bit.

    Args:
        body: a network whose updates are merged.
        before: what `merge_lora` returned.
    """
    for name, weight in before.items():
        body.get_parameter(name).copy_(weight)


def _projections(body: nn.Module) -> Iterator[tuple[nn.Module, str, bool]]:
    """Module and name of the weights of each projection, and whether it holds queries, keys and values in one."""
    for module in body.modules():
        if isinstance(getattr(module, "in_proj_weight", None), nn.Parameter):
            yield module, "in_proj_weight", True
        # With the heads first, rows of queries, keys and values take turns.
        elif _is_linear(module, "qkv") and not getattr(module, "head_first", False):
            yield module.get_submodule("qkv"), "weight", True
        elif _is_linear(module, "q_proj") and _is_linear(module, "v_proj"):
            yield module.get_submodule("q_proj"), "weight", False
            yield module.get_submodule("v_proj"), "weight", False


def _is_linear(module: nn.Module, name: str) -> bool:
    return isinstance(getattr(module, name, None), nn.Linear)
