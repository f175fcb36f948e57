"""What happens to vectors before two spaces can be compared: unit length, centre, common width."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def unit_rows(vectors: NDArray[np.floating], name: str = "vectors") -> Floats:
    """Scale every row to Euclidean length 1.

    Args:
        vectors: `(n, d)`; lengths are taken in float64.
        name: What the rows are called in an error message.

    Returns:
        `(n, d)` float32, each row of length 1.

    Raises:
        ValueError: Not two-dimensional, or a row is zero or not finite; the first one is named.
    """
    array = np.asarray(vectors)
    if array.ndim != 2:
        raise ValueError(f"{name} must be (n, d), got shape {array.shape}")
    length = np.sqrt(np.einsum("nd,nd->n", array, array, dtype=np.float64))
    if not (np.isfinite(length) & (length > 0)).all():
        row = int(np.argmin(np.isfinite(length) & (length > 0)))
        kind = "zero" if length[row] == 0 else "not finite"
        raise ValueError(f"{name}: row {row} is {kind}, so it has no direction to compare")
    unit = np.empty(array.shape, np.float32)
    return np.divide(array, length[:, None], out=unit, casting="same_kind")


@dataclass(frozen=True, eq=False)
class Frame:
    """Where the vectors of one model go before a map: centred, brought to k dimensions, zero-padded on the right.

    Attributes:
        mean: `(d,)` float32, what is taken from each vector: the mean of the fit rows, or zeros. Test vectors lose it
            too.
        width: Common width D >= k of the two spaces.
        basis: `(d, k)` float32, directions that are kept; None for all d as they are.
    """

    mean: Floats
    width: int
    basis: Floats | None = None

    def __post_init__(self) -> None:
        """Check the shapes."""
        if self.mean.ndim != 1:
            raise ValueError(f"a mean has one axis, got shape {self.mean.shape}")
        if self.basis is not None and (self.basis.ndim != 2 or len(self.basis) != self.mean.size):
            raise ValueError(
                f"a basis of shape {self.basis.shape} does not fit a mean of shape {self.mean.shape}"
            )
        if self.kept > self.width:
            what = "a mean" if self.basis is None else "a basis"
            shape = self.mean.shape if self.basis is None else self.basis.shape
            raise ValueError(f"{what} of shape {shape} does not fit width {self.width}")

    @classmethod
    def fit(cls, vectors: NDArray[np.floating], width: int) -> Frame:
        """Take the mean of the fit rows `(n, d)`."""
        mean = np.asarray(np.mean(vectors, axis=0, dtype=np.float64), dtype=np.float32)
        return cls(mean, width)

    @property
    def dimension(self) -> int:
        """Width d of the vectors of the model."""
        return self.mean.size

    @property
    def kept(self) -> int:
        """Width k of the vectors after the basis and before padding."""
        return self.dimension if self.basis is None else self.basis.shape[1]

    def centre(self, vectors: NDArray[np.floating]) -> Floats:
        """Subtract the mean: `(n, d)` to `(n, d)` float32.

        Raises:
            ValueError: The vectors do not have d columns.
        """
        array = np.asarray(vectors)
        if array.ndim != 2 or array.shape[1] != self.dimension:
            raise ValueError(f"expected (n, {self.dimension}) vectors, got shape {array.shape}")
        return np.subtract(array, self.mean, dtype=np.float32, casting="same_kind")

    def reduce(self, vectors: NDArray[np.floating]) -> Floats:
        """Centre and keep the directions of the basis: `(n, d)` to `(n, k)` float32.

        Raises:
            ValueError: The vectors do not have d columns.
        """
        centred = self.centre(vectors)
        return centred if self.basis is None else centred @ self.basis

    def place(self, vectors: NDArray[np.floating]) -> Floats:
        """`reduce` and zero-pad: `(n, d)` to `(n, D)` float32, not normalised.

        Raises:
            ValueError: The vectors do not have d columns.
        """
        reduced = self.reduce(vectors)
        missing = self.width - self.kept
        return np.pad(reduced, ((0, 0), (0, missing))) if missing else reduced
