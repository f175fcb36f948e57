"""Changes of training images, a whole batch at a time."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

# At strength 1: shares of the image side, degrees, and factors of colour.
_SHIFT, _TURN, _ZOOM, _COLOUR = 0.12, 15.0, 0.15, 0.4
# Of each draw of an image, in their order; the third decides on the flip.
_LIMITS = (_TURN, _ZOOM, 0.0, _SHIFT, _SHIFT, _COLOUR, _COLOUR, _COLOUR)


def augment(
    images: Tensor,
    strength: float,
    generator: torch.Generator,
    *,
    before: int = 0,
    whole: int | None = None,
) -> Tensor:
    """Flip, shift, turn, zoom and recolour images.

    Images that are a part of a batch change as they do in the whole of it.

    Args:
        images: `(n, 3, h, w)` in [0, 1].
        strength: 0 returns the images as they are, 1 changes them most.
        generator: source of the draws.
        before: images of the batch before these.
        whole: images of the batch; left out: these are all.

    Returns:
        `(n, 3, h, w)` in [0, 1].
    """
    if strength == 0:
        return images
    n = len(images)
    # All draws in one: a small batch costs as many operations as it has, whatever their size.
    uniform = torch.rand(len(_LIMITS), n if whole is None else whole, generator=generator)
    uniform = uniform[:, before : before + n]
    drawn = (uniform * 2 - 1) * torch.tensor(_LIMITS)[:, None] * strength
    flip = torch.where(uniform[2] < 0.5, -1.0, 1.0)
    turn, zoom, _, shift_x, shift_y, *_ = drawn.unbind()
    angle, zoom = torch.deg2rad(turn), 1 + zoom
    cos, sin = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    shift_x, shift_y = 2 * shift_x, 2 * shift_y
    matrix = torch.stack(
        [torch.stack([cos * flip, -sin, shift_x], 1), torch.stack([sin * flip, cos, shift_y], 1)], 1
    )
    grid = functional.affine_grid(matrix, list(images.shape), align_corners=False)
    moved = functional.grid_sample(
        images, grid, mode="bilinear", padding_mode="reflection", align_corners=False
    )
    brightness, contrast, saturation = (1 + drawn[5:]).view(3, n, 1, 1, 1).unbind()
    grey = moved.mean(1, keepdim=True)
    coloured = grey + (moved - grey) * saturation
    centre = coloured.mean((1, 2, 3), keepdim=True)
    return ((coloured - centre) * contrast + centre * brightness).clamp_(0, 1)
