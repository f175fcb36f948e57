"""Images and their captions in one space, as CLIP learns."""

from __future__ import annotations

import math
from typing import Any

import torch
from open_clip import ClipLoss, CustomTextCLIP
from torch import Tensor, nn
from torch.nn import functional

from unispace.backbones.openclip import Clip

# The largest factor of the cosines, as published: 100.
LARGEST_SCALE = math.log(100)


class Contrastive(nn.Module):
    """Each image is to be nearest to its own caption and each caption to its own image (arXiv 2103.00020).

    Tokens that no caption holds get no gradient, and tables of tokens no weight decay (`parameter_groups`), so their
    vectors stay as they were drawn. While it learns, the text tower therefore has those of the captions alone: the
    other forty-nine thousand would only have their zeros added up, and their moments moved, in every step.

    Attributes:
        clip: both towers; `whole` gives them as they are used elsewhere.
    """

    def __init__(self, clip: Clip, captions: Tensor) -> None:
        """Learn the towers of `clip` in place.

        Args:
            clip: both towers.
            captions: tokens, int64 of any shape, of everything that will be read.
        """
        super().__init__()
        self.clip = clip
        self._loss = ClipLoss()
        # In a tuple, so that it is neither learnt nor a part of the state of a training.
        self._table = (self._tower.token_embedding,)
        self._tower.token_embedding = _Vocabulary(self._table[0].weight.detach(), captions.unique())

    @property
    def _tower(self) -> Any:
        return self.clip.text if isinstance(self.clip, CustomTextCLIP) else self.clip

    def forward(self, images: Tensor, captions: Tensor) -> Tensor:
        """The symmetric cross-entropy of a batch.

        Args:
            images: `(n, 3, size, size)`, normalised as the image tower takes them.
            captions: `(n, length)` int64, tokens.

        Returns:
            A scalar; `log(n)` where nothing is known.

        Raises:
            IndexError: where a token is in none of the captions that were announced.
        """
        seen = self.clip.encode_image(images, normalize=True)
        read = self.clip.encode_text(captions, normalize=True)
        return self._loss(seen, read, self.clip.logit_scale.exp())

    @torch.no_grad()
    def after_step(self, share: float) -> None:
        """Keep the factor of the cosines between 1 and 100; `share` of the training does not matter."""
        self.clip.logit_scale.clamp_(0, LARGEST_SCALE)

    @torch.no_grad()
    def whole(self) -> Clip:
        """Both towers with the vectors of all tokens; called when the training is done."""
        (table,), learnt = self._table, self._tower.token_embedding
        if isinstance(learnt, _Vocabulary):
            table.weight[learnt.tokens] = learnt.weight
            self._tower.token_embedding = table
        return self.clip


class _Vocabulary(nn.Module):
    """The vectors of some tokens.

    Attributes:
        tokens: `(k,)` int64, which.
        weight: `(k, d)`.
        place: `(vocabulary,)` int64, the row of each token, or k where it has none.
    """

    tokens: Tensor
    place: Tensor

    def __init__(self, table: Tensor, tokens: Tensor) -> None:
        """Args: table `(vocabulary, d)`, the vectors of all tokens; tokens `(k,)`, different ones."""
        super().__init__()
        self.weight = nn.Parameter(table[tokens].clone())
        place = torch.full((len(table),), len(tokens))
        place[tokens] = torch.arange(len(tokens))
        self.register_buffer("tokens", tokens, persistent=False)
        self.register_buffer("place", place, persistent=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Vectors `(..., d)` of tokens `(...)`."""
        return functional.embedding(self.place[tokens], self.weight)
