"""Networks of timm, without classifier."""

from __future__ import annotations

from typing import Any

import timm
from torch import nn

from unispace.backbones.refusals import REFUSALS
from unispace.backbones.rotary import turn_together
from unispace.config.backbones import Backbone
from unispace.errors import UserError


def create_tower(settings: Backbone) -> nn.Module:
    """Build a timm model with fresh weights.

    Its classifier is left out, unless the options give `num_classes`: then the last layer makes the embedding, as it
    does in face networks.

    Returns:
        A module that takes normalised images `(n, 3, size, size)` and gives `(n, d)`.

    Raises:
        UserError: where timm refuses the options or pooling.
    """
    options: dict[str, Any] = {"num_classes": 0, **settings.options}
    size = settings.preprocessing.size
    fixed = timm.get_pretrained_cfg(settings.architecture)
    if fixed is not None and fixed.fixed_input_size:
        # Transformers with a position table are built for one size; others take any.
        options.setdefault("img_size", size)
    if options.get("img_size", size) not in (size, [size, size]):
        raise UserError(
            f"{settings.architecture}: options.img_size is {options['img_size']}, but "
            f"preprocessing.size is {size}; give both the same number"
        )
    try:
        tower = timm.create_model(
            settings.architecture, pretrained=False, global_pool=settings.pooling, **options
        )
    except REFUSALS as error:
        raise UserError(
            f"{settings.architecture}: timm refuses its options {options} with pooling "
            f"`{settings.pooling}`: {error}"
        ) from error
    turn_together(tower)
    return tower
