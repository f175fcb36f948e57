"""Gradients that are no longer than a bound."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

# What `clip_grads_with_norm_` adds to the norm, and room for the rounding of its quotient in single precision.
_ADDED, _ROOM = 1e-6, 1 - 2**-10


def clip(parameters: Sequence[nn.Parameter], bound: float) -> Tensor:
    """Scale the gradients down together where they are longer than a bound, as `nn.utils.clip_grad_norm_` does.

    That function multiplies in any case, by 1 where they are shorter: a second pass over all gradients, as long as the
    first, which changes no bit. Here it is left out.

    Args:
        parameters: those without a gradient are passed over.
        bound: of the norm of all gradients as one vector, > 0.

    Returns:
        The norm before scaling, a scalar. Where it is not finite, the gradients are of no use.
    """
    norm = nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
    if not float(norm) + _ADDED < bound * _ROOM:
        nn.utils.clip_grads_with_norm_(parameters, bound, norm)
    return norm
