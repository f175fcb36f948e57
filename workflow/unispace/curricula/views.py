"""What of an image a network in pretraining sees: cut-outs and hidden patches."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

# Width over height of a cut-out, as in DINO and most others.
_LEAST_ASPECT, _MOST_ASPECT = 3 / 4, 4 / 3


def cut_out(
    images: Tensor, area: tuple[float, float], size: int, generator: torch.Generator
) -> Tensor:
    """A random part of each image, resized with bilinear interpolation; whole within the image.

    Args:
        images: `(n, 3, h, w)` in [0, 1].
        area: least and most share of the image's area.
        size: side of the result in pixels.
        generator: source of the draws.

    Returns:
        `(n, 3, size, size)` in [0, 1].
    """
    n = len(images)

    def draw(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(n, generator=generator)

    share = draw(*area)
    aspect = torch.exp(draw(math.log(_LEAST_ASPECT), math.log(_MOST_ASPECT)))
    width, height = (share * aspect).sqrt().clamp(max=1), (share / aspect).sqrt().clamp(max=1)
    left, top = draw(-1, 1) * (1 - width), draw(-1, 1) * (1 - height)
    nothing = torch.zeros(n)
    matrix = torch.stack(
        [torch.stack([width, nothing, left], 1), torch.stack([nothing, height, top], 1)], 1
    )
    grid = functional.affine_grid(matrix, [n, 3, size, size], align_corners=False)
    # A cut-out that ends at the border of the image reads half a pixel beyond it.
    return functional.grid_sample(
        images, grid, mode="bilinear", padding_mode="border", align_corners=False
    )


def hidden_patches(n: int, patches: int, share: float, generator: torch.Generator) -> Tensor:
    """Which patches of each image are hidden: equally many of each, at random.

    Args:
        n: images.
        patches: of an image.
        share: of the patches; at least one is hidden and at least one is seen.
        generator: source of the draws.

    Returns:
        `(n, patches)` bool.
    """
    count = min(max(round(share * patches), 1), patches - 1)
    order = torch.rand(n, patches, generator=generator).argsort(1)
    return order.argsort(1) < count
