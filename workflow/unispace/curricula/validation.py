"""How well a network tells the labels of images that it is not trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from unispace.backbones.network import Network
from unispace.curricula.randomness import generator

# Images of a validation set; more cost time and tell little more.
LIMIT = 2000
_BATCH = 256


@dataclass(frozen=True)
class Validation:
    """Images of a val split.

    Attributes:
        images: `(n, size, size, 3)` uint8, may be memory-mapped.
        labels: `(n,)` int64.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]


def chosen(labels: NDArray[np.int64], name: str, limit: int = LIMIT) -> NDArray[np.int64]:
    """Rows of at most `limit` images: as many labels as go in with two images or more each.

    Args:
        labels: `(n,)` of all images.
        name: of the data set, which decides the draw.
        limit: of images.

    Returns:
        Ascending rows, `(m,)`.
    """
    if len(labels) <= limit:
        return np.arange(len(labels))
    order = torch.randperm(len(labels), generator=generator(name, "validation")).numpy()
    shuffled = pd.Series(labels[order])
    each = max(2, limit // shuffled.nunique())
    kept = shuffled.groupby(shuffled).cumcount().to_numpy() < each
    # Labels in the order in which they come first, whole ones before the next begins.
    rank = pd.factorize(shuffled)[0]
    rows = order[kept][np.argsort(rank[kept], kind="stable")]
    return np.sort(rows[:limit])


def rank_1(network: Network, validation: Validation) -> float:
    """Share of images whose nearest other image, by cosine, has their label.

    An image without another of its label counts as missed. The network is left in the mode it was in.
    """
    training = network.training
    network.eval()
    rows = np.array_split(np.arange(len(validation.labels)), -(-len(validation.labels) // _BATCH))
    vectors = torch.cat(
        [network.embed(torch.from_numpy(np.array(validation.images[part]))) for part in rows]
    )
    network.train(training)
    cosines = vectors @ vectors.T
    cosines.fill_diagonal_(-2.0)
    labels = torch.from_numpy(validation.labels)
    return float((labels[cosines.argmax(1)] == labels).double().mean())
