"""Attention with rotary positions, as timm's EVA and DINOv3 compute it, in fewer operations.

Networks of this project's sizes are bound by the number of operations and not by arithmetic. Timm turns queries and
keys apart from each other, takes the prefix tokens off and puts them back, and leaves it to autograd to undo some
thirty small steps in each block. Here queries and keys are turned together, a prefix token by nothing, and the
gradient is turned back by the same table.
"""

from __future__ import annotations

from types import MethodType
from typing import Any, cast

import torch
from timm.models.eva import EvaAttention
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional


def turn_together(body: nn.Module) -> None:
    """Let the attention of a network of timm turn queries and keys at once; others are left as they are.

    Outputs and gradients are timm's, here to the bit. Whatever an attention is given beside positions (masks, positions of each
    image, half precision, a compiler, another device) goes to timm's own way.
    """
    table = _Table()
    for module in body.modules():
        if _is_plain(module):
            cast("Any", module).turning = table
            module.forward = MethodType(_attend, module)


def _is_plain(module: nn.Module) -> bool:
    """Whether nothing stands between the projection of queries and keys and their turning."""
    return (
        type(module) is EvaAttention
        and module.qkv is not None
        and isinstance(module.q_norm, nn.Identity)
        and isinstance(module.k_norm, nn.Identity)
        and module.gate is None
        and module.fused_attn
    )


class _Table:
    """The angles of one grid as `_Turned` takes them, shared by all blocks of a network."""

    def __init__(self) -> None:
        self._key: tuple[Tensor, int, int, bool] | None = None
        self._found: tuple[Tensor, ...] = ()

    def of(self, rope: Tensor, prefix: int, *, half: bool) -> tuple[Tensor, ...]:
        """Factors for every token.

        Args:
            rope: `(patches, 2 * d)`, sines and cosines behind them, as timm has them.
            prefix: tokens before the patches, which are not turned.
            half: whether value i is turned with value i + d / 2, and not with its neighbour.

        Returns:
            Of neighbours the complex factors `(tokens, 1, 1, d / 2)`; of halves the cosines and
            the sines, of the first half negative, both `(tokens, 1, 1, d)`.
        """
        key = self._key
        # Tensors of inference count no changes; timm makes a new one for every pass.
        version = -1 if rope.is_inference() else rope._version
        if key is None or key[0] is not rope or key[1:] != (version, prefix, half):
            # A table that was made for a validation serves the training too.
            with torch.inference_mode(mode=False), torch.no_grad():
                self._found = _factors(rope, prefix, half)
            self._key = rope, version, prefix, half
        return self._found


def _factors(rope: Tensor, prefix: int, half: bool) -> tuple[Tensor, ...]:
    sine, cosine = rope.clone().chunk(2, -1)
    sine = torch.cat([sine.new_zeros(prefix, sine.shape[1]), sine])[:, None, None]
    cosine = torch.cat([cosine.new_ones(prefix, cosine.shape[1]), cosine])[:, None, None]
    if half:
        upper, lower = sine.chunk(2, -1)
        return cosine, torch.cat([-upper, lower], -1)
    return (torch.complex(cosine[..., ::2].contiguous(), sine[..., ::2].contiguous()),)


class _Turned(torch.autograd.Function):
    """From the projection `(n, tokens, 3, heads, d)` to turned queries and keys, and values: `(n, heads, tokens, d)`."""

    @staticmethod
    def forward(ctx: Any, projected: Tensor, *factors: Tensor) -> tuple[Tensor, ...]:
        ctx.factors = factors
        turned = torch.empty_like(projected[:, :, :2], memory_format=torch.contiguous_format)
        _turn(projected[:, :, :2], factors, turned, back=False)
        query, key = turned.transpose(1, 3).unbind(2)
        # A copy, as a view of an input would be followed by autograd in operations of its own.
        return query, key, projected[:, :, 2].transpose(1, 2).clone()

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *gradients: Tensor
    ) -> tuple[Tensor | None, ...]:
        query, key, value = (gradient.transpose(1, 2) for gradient in gradients)
        n, tokens, heads, width = value.shape
        whole = value.new_empty(n, tokens, 3, heads, width)
        for number, part in enumerate((query, key)):
            place = whole[:, :, number : number + 1]
            _turn(part.unsqueeze(2), ctx.factors, place, back=True)
        whole[:, :, 2] = value
        return whole, *(None for _ in ctx.factors)


def _turn(given: Tensor, factors: tuple[Tensor, ...], out: Tensor, *, back: bool) -> None:
    """Turn `(n, tokens, k, heads, d)` by the factors of a table, or back, into `out`."""
    if len(factors) == 1:
        numbers = torch.view_as_complex(given.unflatten(-1, (-1, 2)))
        place = torch.view_as_complex(out.unflatten(-1, (-1, 2)))
        torch.mul(numbers, factors[0].conj().resolve_conj() if back else factors[0], out=place)
        return
    cosine, sine = factors
    torch.mul(given, cosine, out=out)
    swapped = given.unflatten(-1, (2, -1)).flip(-2).flatten(-2).mul_(sine)
    # Rounded before it is added, as timm has it: `addcmul_` would move the last digits.
    if back:
        out.sub_(swapped)
    else:
        out.add_(swapped)


def _attend(
    attention: EvaAttention,
    x: Tensor,
    rope: Tensor | None = None,
    attn_mask: Tensor | None = None,
    is_causal: bool = False,
) -> Tensor:
    """What timm's `EvaAttention.forward` does."""
    if (
        rope is None
        or rope.ndim != 2
        or rope.dtype != torch.float32
        or attn_mask is not None
        or is_causal
        or x.dtype != torch.float32
        or x.device.type != "cpu"
        or torch.is_autocast_enabled("cpu")
        or torch.compiler.is_compiling()
    ):
        return EvaAttention.forward(attention, x, rope, attn_mask, is_causal)
    n, tokens, width = x.shape
    layer = cast("nn.Linear", attention.qkv)
    if attention.q_bias is None:
        projected = layer(x)
    else:
        parts = attention.q_bias, attention.k_bias, attention.v_bias
        bias = torch.cat(cast("tuple[Tensor, ...]", parts))
        if attention.qkv_bias_separate:
            projected = layer(x) + bias
        else:
            projected = functional.linear(x, layer.weight, bias)
    factors = cast("_Table", attention.turning).of(
        rope, attention.num_prefix_tokens, half=attention.rotate_half
    )
    heads = projected.view(n, tokens, 3, attention.num_heads, -1)
    query, key, value = cast("tuple[Tensor, ...]", _Turned.apply(heads, *factors))
    dropout = attention.attn_drop.p if attention.training else 0.0
    seen = functional.scaled_dot_product_attention(query, key, value, dropout_p=dropout)
    joined = attention.norm(seen.transpose(1, 2).reshape(n, tokens, width))
    return attention.proj_drop(attention.proj(joined))
