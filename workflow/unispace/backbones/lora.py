"""Low-rank adaptation of the query and value projections of attention.

LoRA: Hu et al. 2021, arXiv 2106.09685; the scale alpha / sqrt(rank): Kalajdzievski 2023, arXiv 2312.03732. It is our
own, on torch's parametrizations, because peft cannot adapt queries and values alone where one fused matrix holds
queries, keys and values, as it does here nearly everywhere.

The lower matrices are drawn Kaiming-uniform with a = sqrt(5), as nn.Linear draws its own, which is the uniform
distribution up to 1 / sqrt(inputs); the upper ones are zero. With dropout, as in the code of FRoundation, MADation and
FoundPAD, the update of a projection sees its input with values left out, of queries and values independently, and the
weight sees all of it. That is no change of a weight, so in training the update is then computed beside the projection.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from types import MethodType
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize
from torch.utils.hooks import RemovableHandle

from unispace.errors import UserError


class _LowRank(nn.Module):
    """A weight plus the product of two thin matrices; nothing is added at the start.

    Attributes:
        down: `(parts, rank, inputs)`, random.
        up: `(parts, outputs, rank)`, zero.
        scale: factor of the product.
        dropout: share of the input that the product does not see in training.
        used: whether the product was computed beside the weight.
        hooks: what does so.
    """

    def __init__(
        self,
        weight: Tensor,
        fused: bool,
        rank: int,
        alpha: float,
        generator: torch.Generator,
        dropout: float,
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
        self.dropout = dropout
        self.used = False
        self.hooks: list[RemovableHandle] = []

    @property
    def beside(self) -> bool:
        """Whether the product is computed beside the weight and not as a part of it."""
        return self.training and self.dropout > 0

    def of(self, part: int, inputs: Tensor) -> Tensor:
        """What the product of one part makes of inputs `(..., inputs)`, some of them left out: `(..., outputs)`."""
        self.used = True
        seen = functional.dropout(inputs, self.dropout)
        return self.scale * (seen @ self.down[part].T @ self.up[part].T)

    def forward(self, weight: Tensor) -> Tensor:
        """The adapted weight, of the shape of `weight`."""
        if self.beside:
            return weight
        update = self.scale * (self.up @ self.down)
        if len(update) == 1:
            return weight + update[0]
        query, key, value = weight.chunk(3)
        return torch.cat([query + update[0], key, value + update[1]])


def add_lora(
    body: nn.Module,
    rank: int,
    alpha: float,
    generator: torch.Generator,
    dropout: float = 0.0,
) -> list[nn.Parameter]:
    """Freeze all weights and add a trainable low-rank update to each query and value projection.

    Args:
        body: a network; its outputs stay as they are until the updates are trained.
        rank: of the updates.
        alpha: factor of the updates, divided by the square root of the rank.
        generator: source of the first weights.
        dropout: share of the input that the updates do not see in training.

    Returns:
        What is trainable now.

    Raises:
        UserError: where there is no such projection, or the rank exceeds the size of one; with dropout in the first
            step too, where the network computes a projection otherwise than by its layer.
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
    updates = []
    for module, name, fused in found:
        weight = module.get_parameter(name)
        update = _LowRank(weight, fused, rank, alpha, generator, dropout)
        parametrize.register_parametrization(module, name, update)
        if dropout:
            _compute_beside(module, update)
        updates.append(update)
    if dropout:
        for module in body.modules():
            if _adds_bias_itself(module):
                hook = module.register_forward_pre_hook(_through_its_layer)
                _update_of(module.get_submodule("qkv")).hooks.append(hook)
        updates[0].hooks.append(body.register_forward_hook(_require_use))
    return [parameter for update in updates for parameter in update.parameters()]


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
            update = cast("_LowRank", cast("nn.ModuleList", updates)[0])
            # In training mode it would stay beside the weight.
            update.dropout = 0.0
            for hook in update.hooks:
                hook.remove()
            if "forward" in vars(module):
                del module.forward
            parametrize.remove_parametrizations(module, tensor, leave_parametrized=True)
        if _adds_bias_itself(module):
            cast("Any", module).qkv_bias_separate = False
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


def _compute_beside(module: nn.Module, update: _LowRank) -> None:
    """Have the update of a projection added to what the projection gives, as long as it stays beside its weight."""
    if isinstance(module, nn.MultiheadAttention):
        module.forward = MethodType(_attend, module)
    else:
        update.hooks.append(module.register_forward_hook(_add_update))


def _update_of(module: nn.Module) -> _LowRank:
    # Looked up and not kept in a closure, since averages are taken of deep copies.
    (updates,) = cast("nn.ModuleDict", module.parametrizations).values()
    return cast("_LowRank", cast("nn.ModuleList", updates)[0])


def _add_update(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor | None:
    """A hook of linear layers."""
    update = _update_of(module)
    if not update.beside:
        return None
    if len(update.down) == 1:
        return output + update.of(0, inputs[0])
    query, value = update.of(0, inputs[0]), update.of(1, inputs[0])
    return output + torch.cat([query, torch.zeros_like(query), value], dim=-1)


def _attend(
    attention: nn.MultiheadAttention,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    **others: Any,
) -> tuple[Tensor, Tensor | None]:
    """What torch's own attention does, with the updates added to queries and values."""
    update = _update_of(attention)
    if not update.beside:
        return nn.MultiheadAttention.forward(
            attention, query, key, value, need_weights=need_weights, attn_mask=attn_mask, **others
        )
    extra = (attention.bias_k, attention.bias_v, attn_mask, *others.values())
    if need_weights or attention.add_zero_attn or any(value is not None for value in extra):
        raise UserError(
            "lora.dropout is not for attention with masks, further keys or weights that are asked for; set it to 0"
        )
    bias = attention.in_proj_bias
    biases = (None, None, None) if bias is None else bias.chunk(3)
    projected = [
        functional.linear(given, weight, own)
        for given, weight, own in zip(
            (query, key, value), attention.in_proj_weight.chunk(3), biases, strict=True
        )
    ]
    projected[0] = projected[0] + update.of(0, query)
    projected[2] = projected[2] + update.of(1, value)
    if not attention.batch_first:
        projected = [part.transpose(0, 1) for part in projected]
    heads = [part.unflatten(-1, (attention.num_heads, -1)).transpose(1, 2) for part in projected]
    seen = functional.scaled_dot_product_attention(*heads, dropout_p=attention.dropout)
    joined = attention.out_proj(seen.transpose(1, 2).flatten(-2))
    return (joined if attention.batch_first else joined.transpose(0, 1)), None


def _adds_bias_itself(module: nn.Module) -> bool:
    """Whether it is an attention of timm's EVA that takes the weight of its layer and not the layer."""
    separate = getattr(module, "qkv_bias_separate", None)
    return separate is not None and getattr(module, "q_bias", None) is not None


def _through_its_layer(module: nn.Module, _: Any) -> None:
    """A hook of these: the layer first and the bias after it, where the layer has an update beside it."""
    cast("Any", module).qkv_bias_separate = _update_of(module.get_submodule("qkv")).beside


def _require_use(body: nn.Module, *_: Any) -> None:
    """A hook of the network: refuse, in its first step, updates that have no part in what it gives."""
    updates = [module for module in body.modules() if isinstance(module, _LowRank)]
    if any(update.beside and not update.used for update in updates):
        raise UserError(
            f"lora.dropout: {type(body).__name__} does not compute its queries and values by their layers, so there "
            f"is no input to leave values out of; set it to 0"
        )
