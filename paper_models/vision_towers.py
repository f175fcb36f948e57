"""Vision transformers that timm builds, from files that name their tensors otherwise or as their authors resize them."""

from __future__ import annotations

from typing import Any

import timm
import torch
from torch import Tensor, nn
from torch.nn import functional

# Of the names that InternVL gives its vision tower, and timm.
_INTERNVL = (
    ("embeddings.class_embedding", "cls_token"),
    ("embeddings.position_embedding", "pos_embed"),
    ("embeddings.patch_embedding.", "patch_embed.proj."),
    ("encoder.layers.", "blocks."),
)
_INTERNVL_SCALES = ((".ls1", ".ls1.gamma"), (".ls2", ".ls2.gamma"))


def dinov2(
    architecture: str = "vit_base_patch14_dinov2", size: int = 224, **options: Any
) -> nn.Module:
    """DINOv2 by its class token after the last norm, as `pooler_output` of transformers has it.

    timm itself resizes the table of positions, of 37 x 37 patches, with anti-aliasing; the authors and transformers
    do it without, and so does this module when it loads weights.

    Args:
        architecture: of timm.
        size: side of the images in pixels.
        options: further arguments of the timm model, for a small one.

    Returns:
        A module that takes images `(n, 3, size, size)`, normalised as those of ImageNet, and gives `(n, d)`; d is 768.
    """
    return DinoV2(
        timm.create_model(
            architecture, num_classes=0, img_size=size, global_pool="token", **options
        )
    )


def internvl3(
    architecture: str = "vit_intern300m_patch14_448", size: int = 448, **options: Any
) -> nn.Module:
    """The vision tower of InternVL3-1B by its class token, which no norm follows.

    Args:
        architecture: of timm.
        size: side of the images in pixels.
        options: further arguments of the timm model, for a small one.

    Returns:
        A module that takes images `(n, 3, size, size)`, normalised as those of ImageNet, and gives `(n, d)`; d is
        1024.
    """
    return InternVl(
        timm.create_model(
            architecture, num_classes=0, img_size=size, global_pool="token", **options
        )
    )


class DinoV2(nn.Module):
    """A transformer of timm, in `trunk`."""

    def __init__(self, trunk: Any) -> None:
        super().__init__()
        self.trunk = trunk

    def forward(self, images: Tensor) -> Tensor:
        """Normalised images `(n, 3, size, size)` to vectors `(n, d)`."""
        return self.trunk(images)

    def from_published(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """Tensors of a file with the names of timm, by the names here; positions are resized without anti-aliasing."""
        found = {f"trunk.{key}": value for key, value in tensors.items()}
        table = found.get("trunk.pos_embed")
        wanted = self.trunk.pos_embed.shape[1] - 1
        if table is not None and table.shape[1] - 1 != wanted:
            old, new = round((table.shape[1] - 1) ** 0.5), round(wanted**0.5)
            grid = table[:, 1:].float().reshape(1, old, old, -1).permute(0, 3, 1, 2)
            grid = functional.interpolate(grid, (new, new), mode="bicubic", align_corners=False)
            resized = grid.permute(0, 2, 3, 1).flatten(1, 2).to(table.dtype)
            found["trunk.pos_embed"] = torch.cat([table[:, :1], resized], dim=1)
        return found


class InternVl(nn.Module):
    """A transformer of timm, in `trunk`."""

    def __init__(self, trunk: Any) -> None:
        super().__init__()
        self.trunk = trunk

    def forward(self, images: Tensor) -> Tensor:
        """Normalised images `(n, 3, size, size)` to vectors `(n, d)`."""
        return self.trunk(images)

    def from_published(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """The tensors below `vision_model` of a file of InternVL, by the names here; the language model is left out."""
        prefix, found = "vision_model.", {}
        for key, value in tensors.items():
            if not key.startswith(prefix):
                continue
            name = key.removeprefix(prefix)
            for theirs, ours in _INTERNVL:
                if name.startswith(theirs):
                    name = ours + name.removeprefix(theirs)
            for theirs, ours in _INTERNVL_SCALES:
                if name.endswith(theirs):
                    name = name.removesuffix(theirs) + ours
            found[f"trunk.{name}"] = value
        return found
