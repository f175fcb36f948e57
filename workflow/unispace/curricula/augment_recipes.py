"""Changes of training images as the papers' code makes them, drawn from a generator.

The operations are torchvision's. Each image has a seed of its own, so that it changes alike in any part of its batch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor
from torchvision.transforms import v2

Recipe = Literal["flip", "froundation", "foundpad"]

# FRoundation: RandAugment (Cubuk et al. 2020, arXiv 1909.13719) with these numbers, then a flip.
_OPERATIONS, _MAGNITUDE = 4, 16

# FoundPAD: images of 256 pixels are cropped to 224; exponents of gamma; shifts of a channel of 255 values; colours.
_BEFORE_CROP = 256 / 224
_GAMMA = (0.8, 1.8)
_SHIFT = 20 / 255
_JITTER = 0.1
# How often each of FoundPAD's changes is made: its code states nothing, and its library's default is this.
_OFTEN = 0.5


def augment_as(
    recipe: Recipe, images: Tensor, generator: torch.Generator, before: int, whole: int
) -> Tensor:
    """Change images as a recipe says.

    `flip`: half of them, left for right, as MADation does. `froundation`: four random operations of magnitude 16, and
    flips. `foundpad`: a random crop of 224 of 256 parts, and each with probability 1/2 a flip, a gamma of 0.8 to 1.8,
    shifts of the channels by up to 20 of 255 values, and brightness, contrast, saturation and hue by up to 0.1.

    Args:
        recipe: its name.
        images: `(n, 3, h, w)` in [0, 1], a part of a batch.
        generator: source of the draws.
        before: images of the batch before these.
        whole: images of the batch.

    Returns:
        `(n, 3, h, w)` in [0, 1]; the global random state is left as it was.
    """
    seeds = torch.randint(2**62, (whole,), generator=generator)[before : before + len(images)]
    change = _CHANGES[recipe]
    changed = []
    # torchvision draws from the global state.
    with torch.random.fork_rng(devices=[]):
        for image, seed in zip(images, seeds.tolist(), strict=True):
            torch.default_generator.manual_seed(seed)
            changed.append(change(image))
    return torch.stack(changed).clamp_(0, 1)


def _froundation(image: Tensor) -> Tensor:
    # Its operations are defined on whole numbers.
    whole = (image * 255).round().to(torch.uint8)
    return _FLIP(_RANDOM(whole)).float() / 255


def _foundpad(image: Tensor) -> Tensor:
    side = image.shape[-1]
    enlarged = v2.functional.resize(image, [round(side * _BEFORE_CROP)] * 2, antialias=True)
    changed = _FLIP(v2.functional.crop(enlarged, *_corner(enlarged.shape[-1] - side), side, side))
    if _now():
        low, high = _GAMMA
        changed = changed.clamp(0, 1) ** (low + (high - low) * float(torch.rand(())))
    if _now():
        changed = changed + (torch.rand(3, 1, 1) * 2 - 1) * _SHIFT
    if _now():
        changed = _COLOUR(changed.clamp(0, 1))
    return changed


def _corner(room: int) -> tuple[int, int]:
    top, left = torch.randint(room + 1, (2,)).tolist()
    return top, left


def _now() -> bool:
    return bool(torch.rand(()) < _OFTEN)


_FLIP = v2.RandomHorizontalFlip(0.5)
_RANDOM = v2.RandAugment(_OPERATIONS, _MAGNITUDE)
_COLOUR = v2.ColorJitter(_JITTER, _JITTER, _JITTER, _JITTER)
_CHANGES: dict[Recipe, Callable[[Tensor], Tensor]] = {
    "flip": _FLIP,
    "froundation": _froundation,
    "foundpad": _foundpad,
}
