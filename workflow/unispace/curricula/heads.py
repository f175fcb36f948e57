"""Classifiers over the labels of a data set, used in training only."""

from __future__ import annotations

import math
from typing import Any, Literal

import torch
from pytorch_metric_learning import losses
from torch import Tensor, nn
from torch.nn import functional

from unispace.config.base import ATTACK_DOMAINS, IDENTITY_DOMAINS, Domain
from unispace.config.heads import Head
from unispace.errors import UserError

_DEFAULTS: dict[str, Head] = {
    "class": Head(loss="softmax"),
    "identity": Head(loss="cosface"),
    "attack": Head(loss="binary"),
}

# AdaFace: norms are cut at three standard deviations from their mean, and both statistics move by a hundredth in a
# step (the authors' code; the paper gives the 0.99 that is kept).
_CONCENTRATION, _MOVE = 0.333, 0.01
# The slope of the arc cosine has no bound at cosines of 1.
_EDGE = 1e-6


def default_head(domain: Domain) -> Head:
    """Softmax for classes, CosFace for identities, a binary head for attacks."""
    if domain in ATTACK_DOMAINS:
        return _DEFAULTS["attack"]
    return _DEFAULTS["identity" if domain in IDENTITY_DOMAINS else "class"]


def build_head(settings: Head, labels: int, dimension: int) -> nn.Module:
    """A loss `(embeddings (n, d), labels (n,)) -> scalar` with one weight vector per label.

    The embeddings come as the network gives them, not normalised: every loss does that itself, and AdaFace takes
    their norm for the quality of the image. Where a step does not see all classes, it draws its sample from the
    global random state, which the training loop sets for each step.

    CosFace: Wang et al. 2018, arXiv 1801.09414. ArcFace: Deng et al. 2019, arXiv 1801.07698. AdaFace: Kim et al.
    2022, arXiv 2204.00964. Sampled classes: An et al. 2022 (Partial FC), arXiv 2203.15565.
    """
    seen = settings.classes_seen(labels)
    loss = _build_loss(settings, seen, dimension)
    return loss if seen == labels else SampledClasses(loss, labels, seen, dimension)


def _build_loss(settings: Head, labels: int, dimension: int) -> nn.Module:
    # As a mapping, since the library's types take whole numbers only.
    scale: dict[str, Any] = {"scale": settings.scale}
    match settings.loss:
        case "softmax":
            return losses.NormalizedSoftmaxLoss(labels, dimension, temperature=1 / settings.scale)
        case "cosface":
            return losses.CosFaceLoss(labels, dimension, margin=settings.margin, **scale)
        case "arcface":
            # The library takes degrees.
            margin = math.degrees(settings.margin)
            return losses.ArcFaceLoss(labels, dimension, margin=margin, **scale)
        case "adaface":
            return AdaFace(labels, dimension, settings.margin, settings.scale)
        case "binary":
            if labels != BinaryHead.OUTPUTS:
                raise ValueError(f"a binary head tells two labels apart, got {labels}")
            return BinaryHead(dimension, settings.outputs)


class BinaryHead(nn.Module):
    """Bona fide or attack: a linear layer with two outputs, over embeddings of unit length.

    With `sigmoid`, the mean over images and outputs of the binary cross-entropy between the sigmoid of an output and
    whether it is the true one, as in the published code of MADation (Caldeira et al. 2025) and FoundPAD (Ozgur et al.
    2025); with `softmax`, the mean over images of the cross-entropy of both outputs.

    Attributes:
        linear: weight `(2, d)` and bias `(2,)`; output 0 is an attack, 1 bona fide.
    """

    OUTPUTS = 2

    def __init__(self, dimension: int, outputs: Literal["sigmoid", "softmax"]) -> None:
        """Draw the weights from the global random state."""
        super().__init__()
        self.linear = nn.Linear(dimension, self.OUTPUTS)
        self.outputs = outputs

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """The mean loss of embeddings `(n, d)`, not normalised; labels `(n,)`, 0 or 1."""
        logits = self.linear(functional.normalize(embeddings, dim=1))
        if self.outputs == "softmax":
            return functional.cross_entropy(logits, labels)
        truth = functional.one_hot(labels, self.OUTPUTS).to(logits)
        return functional.binary_cross_entropy_with_logits(logits, truth)


class AdaFace(nn.Module):
    """A margin that follows the norm of the embedding: good images are pushed at large angles, bad ones at small.

    With z a third of how many standard deviations the norm is above the mean, cut to [-1, 1], the cosine of the true
    class becomes cos(angle - margin * z) - margin * (z + 1): ArcFace at z = -1, CosFace at 0. The norm takes no
    gradient.

    Attributes:
        W: `(d, labels)`.
        mean, std: of the norms, running; `batches` that they were taken from.
    """

    mean: Tensor
    std: Tensor
    batches: Tensor

    def __init__(self, labels: int, dimension: int, margin: float, scale: float) -> None:
        """Draw the weights from the global random state."""
        super().__init__()
        self.W = nn.Parameter(nn.init.normal_(torch.empty(dimension, labels)))
        self.margin, self.scale = margin, scale
        for name in ("mean", "std", "batches"):
            self.register_buffer(name, torch.zeros(()))

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """The mean loss of embeddings `(n, d)`, not normalised."""
        norms = embeddings.detach().norm(dim=1)
        if self.training and torch.is_grad_enabled():
            self._follow(norms)
        offset = (norms - self.mean) / (self.std + torch.finfo(norms.dtype).eps)
        strength = (offset * _CONCENTRATION).clamp(-1, 1)
        cosines = functional.normalize(embeddings, dim=1) @ functional.normalize(self.W, dim=0)
        rows = torch.arange(len(labels), device=labels.device)
        angle = cosines[rows, labels].clamp(_EDGE - 1, 1 - _EDGE).acos()
        turned = (angle - self.margin * strength).clamp(0, math.pi).cos()
        target = turned - self.margin * (strength + 1)
        logits = cosines.index_put((rows, labels), target)
        return functional.cross_entropy(self.scale * logits, labels)

    @torch.no_grad()
    def _follow(self, norms: Tensor) -> None:
        """Move the statistics towards those of a batch: at first their mean, then the latest hundred or so."""
        self.batches += 1
        share = max(1 / float(self.batches), _MOVE)
        self.mean.lerp_(norms.mean().to(self.mean), share)
        self.std.lerp_(norms.std(correction=0).to(self.std), share)


class SampledClasses(nn.Module):
    """A loss over the classes of the batch and a random sample of the others.

    The weights of all others get no gradient in that step.

    Attributes:
        W: `(d, labels)`.
    """

    def __init__(self, loss: nn.Module, labels: int, seen: int, dimension: int) -> None:
        """Draw the weights from the global random state; `loss` is over `seen` classes."""
        super().__init__()
        self.W = nn.Parameter(nn.init.normal_(torch.empty(dimension, labels)))
        # Its weights are a part of ours, another one in each step.
        del loss.W
        self.loss, self.seen = loss, seen

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """The loss among `seen` classes.

        Raises:
            UserError: where the batch alone holds more.
        """
        present = labels.unique()
        if len(present) > self.seen:
            raise UserError(
                f"head.classes_per_step {self.seen} has no room for the {len(present)} classes of a batch"
            )
        count = self.W.shape[1]
        order = torch.randperm(count, device=labels.device)
        others = order[~torch.isin(order, present)][: self.seen - len(present)]
        chosen = torch.cat([present, others]).sort().values
        self.loss.W = self.W[:, chosen]
        try:
            return self.loss(embeddings, torch.searchsorted(chosen, labels))
        finally:
            del self.loss.W


def check_memory(
    name: str, settings: Head, labels: int, dimension: int, batch_size: int, available: int
) -> None:
    """Refuse a head that does not fit into memory, before it is built.

    Args:
        name: the data set.
        settings: the head.
        labels: its classes.
        dimension: of the embeddings.
        batch_size: images of a step.
        available: bytes of memory that are free.

    Raises:
        UserError: with the sizes, and what makes it smaller.
    """
    # In float32: weights, gradients and the two moments of Adam; logits, their softmax and its gradient.
    kept = 4 * 4 * labels * dimension
    passing = 3 * 4 * batch_size * settings.classes_seen(labels)
    if kept + passing <= available:
        return
    raise UserError(
        f"{name}: the head over {labels:,} labels of {dimension} dimensions takes {kept / 1e9:.1f} GB for weights, "
        f"gradients and optimiser and {passing / 1e9:.1f} GB for a batch of {batch_size}, and "
        f"{available / 1e9:.1f} GB of memory are free; train on fewer labels, or, for the batch's part, give the head "
        f"a smaller `classes_per_step`"
    )
