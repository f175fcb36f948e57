"""Subspaces of an embedding space, and cosines in growing subspaces without projecting again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
_NOTHING = 1e-6
"""Share of a vector's length below which its part in a subspace is rounding, and taken as zero."""


@dataclass(frozen=True, eq=False)
class Basis:
    """An orthonormal basis of the whole space, in which the first k columns span the k-th subspace.

    Attributes:
        axes: `(d, d)`, orthonormal columns.
        rank: number of columns beyond which the data that the basis was made from have no extent.
    """

    axes: Doubles
    rank: int


def principal_components(vectors: NDArray[np.floating]) -> Basis:
    """Principal components of `(n, d)` vectors about their mean, those of largest variance first.

    Raises:
        ValueError: Fewer than two vectors, or all of them are equal.
    """
    n, d = vectors.shape
    if n < 2:
        raise ValueError(f"principal components need at least 2 vectors, got {n}")
    centred = np.asarray(vectors, np.float64) - np.mean(vectors, axis=0, dtype=np.float64)
    variance, axes = np.linalg.eigh(centred.T @ centred / n)
    largest = variance[-1]
    # Beyond this the variances of float32 vectors are rounding.
    rank = int(np.sum(variance > largest * d * np.finfo(np.float32).eps ** 2))
    if not largest > np.finfo(np.float32).eps ** 2:
        raise ValueError(f"all {n} vectors are equal, so they have no principal component")
    return Basis(np.ascontiguousarray(axes[:, ::-1]), min(rank, n - 1, d))


def random_basis(dimension: int, rng: np.random.Generator) -> Basis:
    """An orthonormal basis `(dimension, dimension)` that is uniform over all rotations and reflections."""
    axes, triangle = np.linalg.qr(rng.normal(size=(dimension, dimension)))
    # Without the signs the distribution would not be uniform: Mezzadri 2007.
    return Basis(axes * np.sign(np.diagonal(triangle)), dimension)


@dataclass(frozen=True, eq=False)
class Cosines:
    """Cosines of all left with all right vectors in a subspace; 0 where one has no extent in it.

    Attributes:
        products: `(n, m)` float32 inner products.
        left: `(n,)` lengths, infinite where there is no extent.
        right: `(m,)` likewise.
    """

    products: NDArray[np.float32]
    left: Doubles
    right: Doubles

    def of(self, rows: NDArray[np.integer], columns: NDArray[np.integer]) -> NDArray[np.float32]:
        """Cosines of single pairs, `(len(rows),)`."""
        lengths = self.left[rows] * self.right[columns]
        return np.asarray(self.products[rows, columns] / lengths, np.float32)

    def all(self) -> NDArray[np.float32]:
        """All of them, `(n, m)`."""
        left, right = (1 / self.left).astype(np.float32), (1 / self.right).astype(np.float32)
        return self.products * left[:, None] * right


def growing(
    left: NDArray[np.floating], right: NDArray[np.floating], basis: Basis, sizes: Sequence[int]
) -> Iterator[tuple[int, Cosines]]:
    """Cosines in the subspaces of the first k columns of a basis, for every k in `sizes`.

    Inner products add up over columns, so all subspaces together cost one product of matrices.

    Args:
        left: `(n, d)` centred vectors.
        right: `(m, d)` centred vectors; the same array where they are compared with each other.
        basis: of the space.
        sizes: rising, from 1 to d.

    Yields:
        `(k, cosines)`; the cosines hold until the next step.

    Raises:
        ValueError: `sizes` do not rise within 1 .. d.
    """
    dimension = len(basis.axes)
    if list(sizes) != sorted(set(sizes)) or not all(1 <= k <= dimension for k in sizes):
        raise ValueError(f"sizes must rise within 1 .. {dimension}, got {list(sizes)}")
    ours = left @ basis.axes
    theirs = ours if right is left else right @ basis.axes
    products = np.zeros((len(ours), len(theirs)), np.float32)
    lengths = [np.zeros(len(ours)), np.zeros(len(theirs))]
    wholes = [_squares(part) for part in (ours, theirs)]
    single = [np.asarray(part, np.float32) for part in (ours, theirs)]
    start = 0
    for k in sizes:
        products += single[0][:, start:k] @ single[1][:, start:k].T
        for length, part in zip(lengths, (ours, theirs), strict=True):
            length += _squares(part[:, start:k])
        start = k
        yield (
            k,
            Cosines(
                products,
                *(_roots(part, whole) for part, whole in zip(lengths, wholes, strict=True)),
            ),
        )


def _squares(vectors: Doubles) -> Doubles:
    return np.einsum("nd,nd->n", vectors, vectors)


def _roots(squares: Doubles, wholes: Doubles) -> Doubles:
    """Lengths, infinite where they are nothing beside those of the whole vectors."""
    return np.sqrt(np.where(squares > wholes * _NOTHING**2, squares, np.inf))
