"""Images and their captions in one space, as CLIP learns."""

from __future__ import annotations

import math

import torch
from open_clip import ClipLoss
from torch import Tensor, nn

from unispace.backbones.openclip import Clip

# The largest factor of the cosines, as published: 100.
LARGEST_SCALE = math.log(100)


class Contrastive(nn.Module):
    """Each image is to be nearest to its own caption and each caption to its own image (arXiv 2103.00020).

    Attributes:
        clip: both towers.
    """

    def __init__(self, clip: Clip) -> None:
        """Learn the towers of `clip` in place."""
        super().__init__()
        self.clip = clip
        self._loss = ClipLoss()

    def forward(self, images: Tensor, captions: Tensor) -> Tensor:
        """The symmetric cross-entropy of a batch.

        Args:
            images: `(n, 3, size, size)`, normalised as the image tower takes them.
            captions: `(n, length)` int64, tokens.

        Returns:
            A scalar; `log(n)` where nothing is known.
        """
        seen = self.clip.encode_image(images, normalize=True)
        read = self.clip.encode_text(captions, normalize=True)
        return self._loss(seen, read, self.clip.logit_scale.exp())

    @torch.no_grad()
    def after_step(self, share: float) -> None:
        """Keep the factor of the cosines between 1 and 100; `share` of the training does not matter."""
        self.clip.logit_scale.clamp_(0, LARGEST_SCALE)
