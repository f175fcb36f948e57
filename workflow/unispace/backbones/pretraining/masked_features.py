"""A network that learns to tell the features of a teacher where it sees nothing, as EVA does."""

from __future__ import annotations

from typing import Any

import torch
from open_clip.transformer import VisionTransformer
from torch import Tensor, nn

from unispace.backbones.network import Network
from unispace.errors import UserError


class MaskedFeatures(nn.Module):
    """Predicts a teacher's features of hidden patches from the patches around them.

    EVA: arXiv 2211.07636; EVA-02: arXiv 2303.11331.

    Attributes:
        network: what is trained.
        unseen: what stands for a hidden patch, `(d,)`.
        predict: from the network's features of a patch to the teacher's.
    """

    def __init__(self, network: Network, dimension: int, visible: float = 0.0) -> None:
        """Learn `network` in place.

        Args:
            network: a transformer of timm.
            dimension: length of the teacher's features.
            visible: weight of a patch that the network sees, beside 1 of a hidden one.

        Raises:
            UserError: where the network has no patches.
        """
        super().__init__()
        body: Any = network.body
        if not all(hasattr(body, part) for part in ("patch_embed", "num_prefix_tokens")):
            raise UserError(
                "objective `masked-features` hides patches, and this architecture has none; take a transformer, "
                "such as `eva02_tiny_patch14_224`"
            )
        self.network = network
        self.visible = visible
        self.unseen = nn.Parameter(torch.zeros(body.embed_dim))
        self.predict = nn.Linear(body.num_features, dimension)
        nn.init.trunc_normal_(self.unseen, std=0.02)

    def forward(self, images: Tensor, hidden: Tensor, targets: Tensor) -> Tensor:
        """The loss of a batch.

        Args:
            images: `(n, 3, size, size)` in [0, 1].
            hidden: `(n, patches)` bool, which patches the network does not see; at least one.
            targets: `(n, patches, dimension)`, the teacher's features of all patches.

        Returns:
            A scalar: the weighted mean negative cosine of prediction and target over the patches; -1 is perfect.
        """
        predicted = self.predict(self._features(images, hidden))
        cosines = nn.functional.cosine_similarity(predicted, targets, dim=2)
        weights = torch.where(hidden, 1.0, self.visible)
        return -(cosines * weights).sum() / weights.sum()

    def _features(self, images: Tensor, hidden: Tensor) -> Tensor:
        """Features `(n, patches, d)` of all patches, normed as their mean is for the embedding."""
        body: Any = self.network.body

        def hide(module: nn.Module, inputs: tuple[Tensor, ...], patches: Tensor) -> Tensor:
            # Patches come in a row, or as a square where the network takes images of any size.
            where = hidden.view(*patches.shape[:-1], 1)
            return torch.where(where, self.unseen, patches)

        handle = body.patch_embed.register_forward_hook(hide)
        try:
            tokens = body.forward_features(self.network.normalise(images))
        finally:
            handle.remove()
        return body.fc_norm(tokens[:, body.num_prefix_tokens :])

    def after_step(self, share: float) -> None:
        """Nothing follows a step."""


@torch.no_grad()
def patch_count(network: Network) -> int:
    """Patches that a timm transformer divides its input into."""
    size, body = network.preprocessing.size, network.body
    patches = body.patch_embed(torch.zeros(1, 3, size, size))  # pyright: ignore[reportCallIssue]
    return patches.shape[1:-1].numel()


def standardised(features: Tensor) -> Tensor:
    """Features `(n, patches, d)` with mean 0 and deviation 1 of each value over all patches of the batch.

    What all patches have in common would else make up most of every cosine.
    """
    flat = features.flatten(0, 1)
    return (features - flat.mean(0)) / flat.std(0).clamp(min=1e-6)


@torch.no_grad()
def patch_features(tower: nn.Module, images: Tensor) -> Tensor:
    """Features `(n, patches, d)` of an image tower of open_clip after its last block and norm.

    Args:
        tower: `visual` of a CLIP, in evaluation mode.
        images: `(n, 3, size, size)`, normalised as the tower takes them.

    Raises:
        UserError: where the tower is no transformer, so that it has no patches.
    """
    trunk = getattr(tower, "trunk", None)
    if not isinstance(tower, VisionTransformer) and not hasattr(trunk, "num_prefix_tokens"):
        raise UserError(
            "the teacher's image tower has no patches; take a transformer, such as `ViT-B-16`"
        )
    found: dict[str, Any] = tower.forward_intermediates(  # pyright: ignore[reportCallIssue]
        images, indices=1, normalize_intermediates=True, intermediates_only=True, output_fmt="NLC"
    )
    return found["image_intermediates"][-1]
