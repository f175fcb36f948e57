"""Memory for time: activations that are computed twice instead of kept."""

from __future__ import annotations

from typing import Any, cast

from torch import nn

from unispace.errors import UserError


def recompute_activations(body: nn.Module) -> None:
    """Let a network compute the activations of its blocks again in the backward pass, with the same results.

    Raises:
        UserError: where it cannot.
    """
    for module in body.modules():
        if not hasattr(module, "set_grad_checkpointing"):
            continue
        try:
            cast("Any", module).set_grad_checkpointing(True)
        except AssertionError:
            # How timm says that an architecture has no such thing.
            break
        return
    raise UserError(
        f"checkpointing: {type(body).__name__} cannot compute activations a second time; take checkpointing out of "
        f"the curriculum"
    )
