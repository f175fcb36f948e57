"""Classifiers over the labels of a data set, used in training only."""

from __future__ import annotations

import math

import torch
from pytorch_metric_learning import losses
from torch import Tensor, nn

from unispace.config.base import Domain
from unispace.config.curricula import Head

_DEFAULTS: dict[str, Head] = {
    "object": Head(loss="softmax"),
    "identity": Head(loss="cosface"),
}


# The cosine nearest to 1 at which an angle still has a slope in float32.
_NEAR_ONE = 1 - 2.0**-23


class _ArcFace(losses.ArcFaceLoss):
    """ArcFace whose gradient stays finite where an embedding meets its weight vector."""

    def get_angles(self, cosine_of_target_classes: Tensor) -> Tensor:
        return torch.acos(cosine_of_target_classes.clamp(-_NEAR_ONE, _NEAR_ONE))


def default_head(domain: Domain) -> Head:
    """Softmax for object classes, CosFace for identities."""
    return _DEFAULTS["object" if domain == "object" else "identity"]


def build_head(settings: Head, labels: int, dimension: int) -> nn.Module:
    """A loss `(embeddings (n, d), labels (n,)) -> scalar` with one weight vector per label.

    CosFace: Wang et al. 2018, arXiv 1801.09414. ArcFace: Deng et al. 2019, arXiv 1801.07698.
    """
    match settings.loss:
        case "softmax":
            return losses.NormalizedSoftmaxLoss(labels, dimension, temperature=1 / settings.scale)
        case "cosface":
            return losses.CosFaceLoss(
                labels, dimension, margin=settings.margin, scale=settings.scale
            )
        case "arcface":
            # The library takes degrees.
            return _ArcFace(
                labels, dimension, margin=math.degrees(settings.margin), scale=settings.scale
            )
