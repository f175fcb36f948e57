"""A fitted map: from the vectors of a source model into the frame of a target model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unispace.alignment.lifts import Lift
from unispace.alignment.space import Floats, Frame


@dataclass(frozen=True, eq=False)
class Map:
    """A fitted map from a source space into the frame of a target space.

    `x -> lift(frame of the source (x)) matrix + offset`. Without a lift it is affine. Mapped vectors are compared with
    `place` of target vectors.

    Attributes:
        method: Kind of the map, a name in `maps.METHODS`.
        source: Frame of the source model, dimension d_x, of which k_x are kept (all but where `mismatch` says so).
        target: Frame of the target model, dimension d_y, of which k_y are kept.
        matrix: `(p, D)` float32, D the width of the target frame and p the features of the lift, k_x without one. None
            for the identity. Of an orthogonal D x D matrix the rows beyond k_x are left out, because padded source
            coordinates are zero.
        settings: What the fit was told, e.g. `{"alpha": 0.1}`, and what it chose.
        scale: Least-squares scale that goes with a rotation, applied where the method says so. 1 for other methods.
        offset: `(D,)` float32 that is added to every mapped vector, or None.
        lift: What makes it non-linear, or None.
        parameter_count: Free parameters of matrix, offset and lift; means of the frames are not counted. 0 where nothing
            is fitted, D (D - 1) / 2 for an orthogonal matrix, k_x k_y for a free one.
        rows: Pairs of rows it was fitted on; 0 where that is not known.
    """

    method: str
    source: Frame
    target: Frame
    matrix: Floats | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    scale: float = 1.0
    offset: Floats | None = None
    lift: Lift | None = None
    parameter_count: int = 0
    rows: int = 0

    def __post_init__(self) -> None:
        """Check that frames, lift, matrix and offset belong together."""
        width = self.target.width
        if self.matrix is None:
            if self.lift is not None:
                raise ValueError("a lift needs a matrix that takes its features to the target")
            if self.source.width != width:
                raise ValueError(
                    f"frames of width {self.source.width} and {width}; without a matrix they are the same"
                )
        features = self.source.kept if self.lift is None else self.lift.size
        if self.matrix is not None and self.matrix.shape != (features, width):
            raise ValueError(f"matrix of shape {self.matrix.shape}, expected {(features, width)}")
        if self.offset is not None and self.offset.shape != (width,):
            raise ValueError(f"offset of shape {self.offset.shape}, expected {(width,)}")

    def transform(self, source: NDArray[np.floating]) -> Floats:
        """Map source vectors `(n, d_x)` into the target frame `(n, D)` float32, not normalised."""
        if self.matrix is None:
            mapped = self.source.place(source)
        else:
            reduced = self.source.reduce(source)
            features = reduced if self.lift is None else self.lift(reduced)
            mapped = features @ self.matrix
        return mapped if self.offset is None else mapped + self.offset

    def place(self, target: NDArray[np.floating]) -> Floats:
        """Bring target vectors `(n, d_y)` to where mapped ones are, `(n, D)` float32, not normalised."""
        return self.target.place(target)

    @property
    def is_linear(self) -> bool:
        """Whether it is a matrix of the centred source, so that its geometry is that of the matrix."""
        return self.lift is None

    @property
    def effective_rank(self) -> float:
        """How many directions of the source the map keeps, in [0, k_x].

        exp(H(s / sum s)) with s the singular values of its Jacobian `(k_x, D)` and H the Shannon entropy in nats. The
        Jacobian is the matrix itself; of a non-linear map it is taken at the mean of the fit rows. Identity and
        rotation keep all k_x. A map that is flat there keeps 0.

        Source: O. Roy and M. Vetterli, "The effective rank: a measure of effective dimensionality",
        EUSIPCO 2007.
        """
        if self.matrix is None:
            return float(self.source.kept)
        jacobian = self.matrix.astype(np.float64)
        if self.lift is not None:
            jacobian = self.lift.jacobian().astype(np.float64) @ jacobian
        # Eigenvalues of the smaller Gram matrix take a fifth of the time; singular values below 1e-7 of the first
        # are lost in it, and would add less than 1e-3 to the rank.
        wide = jacobian.shape[0] <= jacobian.shape[1]
        squares = np.linalg.eigvalsh(jacobian @ jacobian.T if wide else jacobian.T @ jacobian)
        if squares[-1] <= 0:
            return 0.0
        singular = np.sqrt(squares[squares > 1e-14 * squares[-1]])
        share = singular / singular.sum()
        return float(np.exp(-np.sum(share * np.log(share))))
