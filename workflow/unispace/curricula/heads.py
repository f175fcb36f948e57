"""Classifiers over the labels of a data set, used in training only."""

from __future__ import annotations

import math
from typing import Any

from pytorch_metric_learning import losses
from torch import nn

from unispace.config.base import IDENTITY_DOMAINS, Domain
from unispace.config.heads import Head

_DEFAULTS: dict[str, Head] = {
    "class": Head(loss="softmax"),
    "identity": Head(loss="cosface"),
}


def default_head(domain: Domain) -> Head:
    """Softmax for classes and attacks, CosFace for identities."""
    return _DEFAULTS["identity" if domain in IDENTITY_DOMAINS else "class"]


def build_head(settings: Head, labels: int, dimension: int) -> nn.Module:
    """A loss `(embeddings (n, d), labels (n,)) -> scalar` with one weight vector per label.

    CosFace: Wang et al. 2018, arXiv 1801.09414. ArcFace: Deng et al. 2019, arXiv 1801.07698.
    """
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
