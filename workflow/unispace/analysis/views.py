"""Two-dimensional pictures of an embedding space. Pictures, never evidence."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unispace.alignment.space import unit_rows

_PERPLEXITY = 30


def view(
    vectors: NDArray[np.floating], seed: int, perplexity: float | None = None
) -> NDArray[np.float64]:
    """t-SNE of unit vectors, started from their first two principal components.

    Args:
        vectors: `(n, d)`.
        seed: of the optimisation; the start has no randomness.
        perplexity: about how many neighbours of each count, below n; left out: 30, or a third of few vectors.

    Returns:
        `(n, 2)`, centred, scaled to unit variance over both axes together; all at the origin where all
        vectors are equal.

    Source: van der Maaten and Hinton 2008; PCA start after Kobak and Linderman 2021.
    """
    from sklearn.manifold import TSNE

    if (vectors == vectors[:1]).all():
        return np.zeros((len(vectors), 2))
    if perplexity is None:
        perplexity = min(_PERPLEXITY, (len(vectors) - 1) / 3)
    flat = TSNE(init="pca", perplexity=perplexity, random_state=seed, n_jobs=1, max_iter=600)
    placed = flat.fit_transform(np.asarray(vectors, np.float32)).astype(np.float64)
    return _scaled(placed)


def principal_view(vectors: NDArray[np.floating]) -> NDArray[np.float64]:
    """The first two principal components of vectors `(n, d)`, d >= 2: `(n, 2)`, centred and scaled as by `view`."""
    from sklearn.decomposition import PCA

    if (vectors == vectors[:1]).all():
        return np.zeros((len(vectors), 2))
    flat = PCA(2, svd_solver="full").fit_transform(np.asarray(vectors, np.float64))
    return _scaled(flat)


def joint_views(
    source: NDArray[np.floating], target: NDArray[np.floating], seed: int
) -> dict[str, NDArray[np.float64]]:
    """Two clouds in one picture, by t-SNE and by principal components, each fitted to both clouds together.

    Args:
        source: `(n, d)` vectors of the source model after a map, of any length; compared by their directions.
        target: `(n, d)` vectors of the same images in the target space.
        seed: of the t-SNE, whose perplexity is min(30, 2n / 5) as in the compatibility paper.

    Returns:
        By the name of the projection, `(2, n, 2)`: places of the source, then of the target.

    Raises:
        ValueError: Shapes differ, there are fewer than two images, or a vector has no direction.
    """
    if source.shape != target.shape or len(source) < 2:
        raise ValueError(
            f"a picture of two spaces takes vectors of the same two or more images, got {source.shape} and "
            f"{target.shape}"
        )
    both = np.concatenate([unit_rows(source, "source"), unit_rows(target, "target")])
    placed = {
        "t-SNE": view(both, seed, min(_PERPLEXITY, len(both) / 5)),
        "PCA": principal_view(both),
    }
    return {name: where.reshape(2, len(source), 2) for name, where in placed.items()}


def _scaled(placed: NDArray[np.float64]) -> NDArray[np.float64]:
    """Centred, and of unit variance over both axes together."""
    placed = placed - placed.mean(axis=0)
    return placed / placed.std()
