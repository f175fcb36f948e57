"""The layers of a network from input to output: which are frozen, and how fast each learns."""

from __future__ import annotations

from typing import Any, cast

# The public function takes no name beside those of parameters; the version is pinned.
from timm.models._manipulate import group_with_matcher
from torch import nn

from unispace.errors import UserError

# Tables that are added to tokens; they are no matrices that act on anything.
_TABLES = (
    "pos_embed",
    "cls_token",
    "reg_token",
    "dist_token",
    "mask_token",
    "class_embedding",
    "positional_embedding",
    "token_embedding.weight",
)

# The image towers of open_clip, in the words of timm's own matchers.
_OPEN_CLIP = {
    "stem": r"^class_embedding|^positional_embedding|^conv1|^ln_pre",
    "blocks": r"^transformer\.resblocks\.(\d+)",
}


def freeze_blocks(body: nn.Module, count: int) -> None:
    """Keep the patch embedding and the first blocks as they are.

    Batch norms among them use their running statistics from now on, also in training.

    Args:
        body: a network.
        count: blocks; 0 freezes nothing.

    Raises:
        UserError: where the network has fewer blocks, or its layers are not known.
    """
    if count == 0:
        return
    layers, blocks = _layers(body, "freeze_blocks")
    if count > blocks:
        raise UserError(
            f"freeze_blocks: {count} is more than the {blocks} blocks of {type(body).__name__}"
        )
    frozen = {name for name, layer in layers.items() if layer <= count}
    for name, parameter in body.named_parameters():
        if name in frozen:
            parameter.requires_grad = False
    for name, module in body.named_modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and f"{name}.weight" in frozen:
            module.register_forward_pre_hook(_evaluate)


def _evaluate(module: nn.Module, _: Any) -> None:
    module.eval()


def parameter_groups(
    body: nn.Module, layer_decay: float, weight_decay: float
) -> list[dict[str, Any]]:
    """The trainable weights in groups for an optimiser.

    What comes after the last block learns at the full rate, as heads do; the last block at `layer_decay` of it, and
    every layer before at `layer_decay` of the next one. So it is in BEiT (Bao et al. 2021, arXiv 2106.08254).

    Args:
        body: a network, or heads.
        layer_decay: factor of the learning rate from a layer to the one before; 1 needs no layers.
        weight_decay: of matrices; biases, norms, position tables and tokens have none.

    Returns:
        Groups of `params`, `weight_decay` and `scale`, the factor of the learning rate; no parameter is in two.

    Raises:
        UserError: where the layers of the network are not known.
    """
    layers, blocks = ({}, 0) if layer_decay == 1 else _layers(body, "layer_decay")
    groups: dict[tuple[int, float], dict[str, Any]] = {}
    for name, parameter in body.named_parameters():
        if not parameter.requires_grad:
            continue
        plain = parameter.ndim < 2 or name.endswith(_TABLES)
        decay = 0.0 if plain else weight_decay
        layer = layers.get(name, blocks + 1)
        scale = layer_decay ** (blocks + 1 - layer)
        group = groups.setdefault(
            (layer, decay), {"params": [], "weight_decay": decay, "scale": scale}
        )
        group["params"].append(parameter)
    return list(groups.values())


def _layers(body: nn.Module, asking: str) -> tuple[dict[str, int], int]:
    """The layer of each parameter: 0 what precedes the blocks, then the blocks, then what follows them.

    Returns:
        Layers by the name of the parameter, and the number of blocks.

    Raises:
        UserError: where the layers are not known.
    """
    for prefix, module in body.named_modules():
        matcher = _matcher(module)
        if matcher is None:
            continue
        # A name that nothing matches is told the layer after the last block.
        named = [*((n, None) for n, _ in module.named_parameters()), ("", None)]
        inner = cast("dict[str, int]", group_with_matcher(iter(named), matcher, reverse=True))
        after = inner.pop("")
        layers = {f"{prefix}.{n}" if prefix else n: layer for n, layer in inner.items()}
        return layers, after - 1
    raise UserError(
        f"{asking}: the layers of {type(body).__name__} are not known; timm's networks and the transformers of "
        f"open_clip have known ones"
    )


def _matcher(module: nn.Module) -> dict[str, Any] | None:
    if hasattr(module, "group_matcher"):
        return cast("Any", module).group_matcher(coarse=False)
    blocks = getattr(getattr(module, "transformer", None), "resblocks", None)
    # The text tower has blocks of the same name and no first convolution.
    return _OPEN_CLIP if blocks is not None and hasattr(module, "conv1") else None
