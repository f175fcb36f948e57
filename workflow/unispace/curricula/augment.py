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
    matrix = torch.stack([cos * flip, -sin, shift_x, sin * flip, cos, shift_y], 1).view(n, 2, 3)
    grid = _grid(matrix, images.shape[2], images.shape[3])
    moved = functional.grid_sample(
        images, grid, mode="bilinear", padding_mode="reflection", align_corners=False
    )
    brightness, contrast, saturation = (1 + drawn[5:]).view(3, n, 1, 1, 1).unbind()
    grey = moved.mean(1, keepdim=True)
    # In place: what is written to memory takes longer than the arithmetic.
    coloured = moved.sub_(grey).mul_(saturation).add_(grey)
    centre = coloured.mean((1, 2, 3), keepdim=True)
    return coloured.sub_(centre).mul_(contrast).add_(centre * brightness).clamp_(0, 1)


def _grid(matrices: Tensor, height: int, width: int) -> Tensor:
    """Where each pixel comes from: `functional.affine_grid`, at a fraction of its time.

    Products of x are the same in all rows and those of y in all columns, so they are taken once for each. They are
    added up in the order of that function, and the sums are its bits.

    Args:
        matrices: `(n, 2, 3)`.
        height: h of the images.
        width: w of the images.

    Returns:
        `(n, h, w, 2)`, all x before all y in memory, as sampling likes it best.
    """
    of_x, of_y, shift = matrices[..., None, None].unbind(2)
    along = of_x * _centres(width)
    down = of_y * _centres(height)[:, None]
    return (along + down).add_(shift).permute(0, 2, 3, 1)


def _centres(size: int) -> Tensor:
    """Centres of the pixels of a side that reaches from -1 to 1, `(size,)`."""
    return torch.linspace(-1, 1, size) * (size - 1) / size
