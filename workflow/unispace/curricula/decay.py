"""What weight decay pulls towards zero."""

from __future__ import annotations

from typing import Any

from torch import nn

# Tables and tokens that stand for themselves, by the names that timm and open_clip give them.
_FREE = (
    "pos_embed",
    "cls_token",
    "reg_token",
    "positional_embedding",
    "class_embedding",
    "token_embedding.weight",
)


def parameter_groups(module: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Groups for an optimiser: matrices decay; biases, norms, embeddings and position tables do not."""
    decayed, free = [], []
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            plain = parameter.ndim < 2 or name.endswith(_FREE)
            (free if plain else decayed).append(parameter)
    return [
        {"params": decayed, "weight_decay": weight_decay},
        {"params": free, "weight_decay": 0.0},
    ]
