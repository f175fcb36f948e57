"""Linear maps between the spaces of two models, fitted on the same images seen by both.

Both clouds are centred with the means of the fit split and zero-padded on the right to the common
width D. No intercept is fitted: centring on both sides already makes the whole map affine. Rows are
used as they are given; the compatibility study passes rows of unit length (`space.unit_rows`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from unispace.alignment.space import Floats, Frame

Doubles = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Map:
    """A fitted map from a source space into the centred frame of a target space.

    Attributes:
        method: Name in `METHODS`.
        source: Frame of the source model, dimension d_x.
        target: Frame of the target model, dimension d_y, same width D = max(d_x, d_y).
        matrix: `(d_x, D)` float32, or None for the identity. Rows beyond d_x of the D x D matrix
            are left out, because padded source coordinates are zero.
        settings: What the fit was told, e.g. `{"alpha": 0.1}`.
        scale: Least-squares scale that goes with a rotation. Kept for the geometry of the map and
            never applied: the cosine does not see it. 1 for the other methods.
    """

    method: str
    source: Frame
    target: Frame
    matrix: Floats | None = None
    settings: Mapping[str, float] = field(default_factory=dict)
    scale: float = 1.0

    def __post_init__(self) -> None:
        """Check that frames and matrix belong together."""
        width = max(self.source.dimension, self.target.dimension)
        if (self.source.width, self.target.width) != (width, width):
            raise ValueError(
                f"frames of width {self.source.width} and {self.target.width} "
                f"for dimensions {self.source.dimension} and {self.target.dimension}"
            )
        if self.matrix is not None and self.matrix.shape != (self.source.dimension, width):
            raise ValueError(
                f"matrix of shape {self.matrix.shape}, expected {(self.source.dimension, width)}"
            )

    def transform(self, source: NDArray[np.floating]) -> Floats:
        """Map source vectors `(n, d_x)` into the centred target frame `(n, D)`, not normalised."""
        if self.matrix is None:
            return self.source.place(source)
        return self.source.centre(source) @ self.matrix

    def place(self, target: NDArray[np.floating]) -> Floats:
        """Centre and pad target vectors `(n, d_y)` to `(n, D)`, not normalised."""
        return self.target.place(target)

    @property
    def parameter_count(self) -> int:
        """Free parameters of the matrix, the means not counted.

        0 for the baseline, D (D - 1) / 2 for an orthogonal matrix, d_x d_y otherwise.
        """
        if self.matrix is None:
            return 0
        if self.method == "procrustes":
            return self.source.width * (self.source.width - 1) // 2
        return self.source.dimension * self.target.dimension

    @property
    def effective_rank(self) -> float:
        """How many directions of the source the map keeps, in [1, d_x].

        exp(H(s / sum s)) with s the singular values of the `(d_x, D)` matrix and H the Shannon
        entropy in nats. Identity and rotation keep all d_x. A map that is zero everywhere keeps 0.

        Source: O. Roy and M. Vetterli, "The effective rank: a measure of effective dimensionality",
        EUSIPCO 2007.
        """
        if self.matrix is None:
            return float(self.source.dimension)
        singular = np.linalg.svd(self.matrix.astype(np.float64), compute_uv=False)
        if singular[0] == 0:
            return 0.0
        share = singular[singular > 0] / singular.sum()
        return float(np.exp(-np.sum(share * np.log(share))))


def fit_baseline(source: NDArray[np.floating], target: NDArray[np.floating]) -> Map:
    """No map: centred, padded vectors are compared as they are.

    Args:
        source: `(n, d_x)` vectors of the fit split in the source space.
        target: `(n, d_y)` vectors of the same images in the target space.

    Raises:
        ValueError: Row counts differ, fewer than two rows, or a value is not finite.
    """
    frames = _frames(source, target)
    return Map("baseline", *frames)


def fit_procrustes(source: NDArray[np.floating], target: NDArray[np.floating]) -> Map:
    """Closest rotation, reflections allowed: W = U V^T with U S V^T = svd(X^T Y), D x D.

    The scale trace(S) / ||X||^2 is computed and not applied. Directions that the fit split does not
    span are completed to an orthonormal basis, which is not unique; with d_x > d_y that freedom
    lies in padded coordinates, where it changes no cosine with a target vector.

    Source: P. Schoenemann, "A generalized solution of the orthogonal Procrustes problem",
    Psychometrika 1966.

    Args:
        source: `(n, d_x)` vectors of the fit split in the source space.
        target: `(n, d_y)` vectors of the same images in the target space.

    Raises:
        ValueError: Row counts differ, fewer than two rows, a value is not finite, or all source
            vectors are equal.
    """
    frames = _frames(source, target)
    x, y = _centred(source, "source"), _centred(target, "target")
    missing_rows = frames[0].width - x.shape[1]
    missing_columns = frames[0].width - y.shape[1]
    cross = np.pad(x.T @ y, ((0, missing_rows), (0, missing_columns)))
    left, singular, right = np.linalg.svd(cross)
    matrix = (left @ right)[: x.shape[1]]
    scale = float(singular.sum() / np.sum(x * x))
    return Map("procrustes", *frames, _stored(matrix), scale=scale)


def fit_linear(source: NDArray[np.floating], target: NDArray[np.floating]) -> Map:
    """Minimum-norm least squares, argmin ||X W - Y||_F, through the SVD of X.

    Singular values below eps * max(n, d_x) * s_max count as zero, as in `numpy.linalg.lstsq`.

    Args:
        source: `(n, d_x)` vectors of the fit split in the source space.
        target: `(n, d_y)` vectors of the same images in the target space.

    Raises:
        ValueError: Row counts differ, fewer than two rows, a value is not finite, or all source
            vectors are equal.
    """
    frames = _frames(source, target)
    x, y = _centred(source, "source"), _centred(target, "target")
    left, singular, right = np.linalg.svd(x, full_matrices=False)
    kept = singular > np.finfo(np.float64).eps * max(x.shape) * singular[0]
    core = (right[kept].T / singular[kept]) @ (left[:, kept].T @ y)
    return Map("linear", *frames, _stored(_padded(core, frames[0].width)))


def fit_ridge(
    source: NDArray[np.floating], target: NDArray[np.floating], alpha: float = 0.1
) -> Map:
    """Ridge regression without intercept, argmin ||X W - Y||_F^2 + alpha ||W||_F^2.

    Solved in the smaller of the two spaces, d_x x d_x or n x n.

    Args:
        source: `(n, d_x)` vectors of the fit split in the source space.
        target: `(n, d_y)` vectors of the same images in the target space.
        alpha: Penalty, > 0, in squared units of the vectors. It is not divided by n.

    Raises:
        ValueError: Row counts differ, fewer than two rows, a value is not finite, all source
            vectors are equal, or alpha is not positive.
    """
    from scipy.linalg import solve

    if not (np.isfinite(alpha) and alpha > 0):
        raise ValueError(f"alpha must be positive, got {alpha}; for alpha = 0 use 'linear'")
    frames = _frames(source, target)
    x, y = _centred(source, "source"), _centred(target, "target")
    n, d = x.shape
    if n >= d:
        core = solve(x.T @ x + alpha * np.eye(d), x.T @ y, assume_a="pos")
    else:
        core = x.T @ solve(x @ x.T + alpha * np.eye(n), y, assume_a="pos")
    matrix = _stored(_padded(core, frames[0].width))
    return Map("ridge", *frames, matrix, settings={"alpha": float(alpha)})


METHODS: dict[str, Callable[..., Map]] = {
    "baseline": fit_baseline,
    "procrustes": fit_procrustes,
    "linear": fit_linear,
    "ridge": fit_ridge,
}
"""Name of a method to its fit: `(source (n, d_x), target (n, d_y), **settings) -> Map`."""


def _frames(source: NDArray[np.floating], target: NDArray[np.floating]) -> tuple[Frame, Frame]:
    """Check a pair of fit clouds and take their frames."""
    for name, vectors in (("source", source), ("target", target)):
        if np.ndim(vectors) != 2:
            raise ValueError(f"{name} must be (n, d), got shape {np.shape(vectors)}")
    if len(source) != len(target):
        raise ValueError(
            f"source has {len(source)} rows and target {len(target)}; "
            "a map is fitted on the same images in both spaces"
        )
    if len(source) < 2:
        raise ValueError(f"a map needs at least 2 rows, got {len(source)}")
    for name, vectors in (("source", source), ("target", target)):
        finite = np.isfinite(vectors).all(axis=1)
        if not finite.all():
            raise ValueError(f"{name}: row {int(np.argmin(finite))} is not finite")
    width = max(source.shape[1], target.shape[1])
    return Frame.fit(source, width), Frame.fit(target, width)


def _centred(vectors: NDArray[np.floating], name: str) -> Doubles:
    """Centre in float64; the cut-off of small singular values relies on that precision."""
    array = np.asarray(vectors, dtype=np.float64)
    if name == "source" and (array == array[0]).all():
        raise ValueError("all source vectors are equal; there is nothing to map")
    return array - array.mean(axis=0)


def _padded(core: Doubles, width: int) -> Doubles:
    """Zero columns for the padded target coordinates: `(d_x, d_y)` to `(d_x, D)`."""
    return np.pad(core, ((0, 0), (0, width - core.shape[1])))


def _stored(matrix: Doubles) -> Floats:
    return np.ascontiguousarray(matrix, dtype=np.float32)
