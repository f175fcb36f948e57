"""Two-dimensional pictures of an embedding space. Pictures, never evidence."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_PERPLEXITY = 30


def view(vectors: NDArray[np.floating], seed: int) -> NDArray[np.float64]:
    """t-SNE of unit vectors, started from their first two principal components.

    Args:
        vectors: `(n, d)`.
        seed: of the optimisation; the start has no randomness.

    Returns:
        `(n, 2)`, centred, scaled to unit variance over both axes together; all at the origin where all
        vectors are equal.

    Source: van der Maaten and Hinton 2008; PCA start after Kobak and Linderman 2021.
    """
    from sklearn.manifold import TSNE

    if (vectors == vectors[:1]).all():
        return np.zeros((len(vectors), 2))
    perplexity = min(_PERPLEXITY, (len(vectors) - 1) / 3)
    flat = TSNE(init="pca", perplexity=perplexity, random_state=seed, n_jobs=1, max_iter=600)
    placed = flat.fit_transform(np.asarray(vectors, np.float32)).astype(np.float64)
    placed -= placed.mean(axis=0)
    return placed / placed.std()
