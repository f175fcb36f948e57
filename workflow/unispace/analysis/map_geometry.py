"""What a fitted linear map does to a space: how it rotates and stretches it, and what it leaves unexplained.

Geometry is that of the part of the matrix that reaches the target, W `(d_x, d_y)`: the coordinates that pad the
narrower space hold nothing to compare with. Its polar decomposition is W = Q P with Q the closest orthogonal matrix
(orthonormal rows or columns where d_x and d_y differ) and P a stretch: N. Higham, "Computing the polar
decomposition - with applications", SIAM Journal on Scientific and Statistical Computing 1986.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unispace.alignment.maps import Map
from unispace.alignment.space import Frame
from unispace.analysis.subspaces import Basis
from unispace.evaluation.bootstrap import (
    TooFewClusters,
    percentile_interval,
    resampled_means,
)
from unispace.evaluation.measure import Measure

Doubles = NDArray[np.float64]
Integers = NDArray[np.integer]
_ROUNDING = float(np.finfo(np.float32).eps)
"""Share of the largest singular value, by max(d_x, d_y), below which one is zero: matrices are stored as float32."""
_AFFINE = 1e-4
"""Share of a map's largest number by which float32 may miss what is affine."""


@dataclass(frozen=True, eq=False)
class MapGeometry:
    """Shape of a linear map.

    Attributes:
        singular: `(min(d_x, d_y),)` singular values of W, falling; zeros where they are rounding.
        rank: how many are not zero.
        orthogonality_gap: ||W - Q|| / ||W|| in Frobenius norm, 0 for a rotation. It counts a uniform scale, which no
            cosine sees, as a distance.
        log_spread: standard deviation of the natural logarithm of the singular values that are not zero; 0 for any
            scaled rotation.
        rotation_share: share of ||W||^2 that the closest scaled rotation has, (sum s)^2 / (r sum s^2) over all r
            singular values, in (0, 1]; 1 for any scaled rotation.
        stretch_share: 1 - rotation_share, what is left of the norm for stretching directions differently.
        angles: `(d,)` radians in [0, pi], rising, of the eigenvalues exp(+-i angle) of Q; each plane of rotation
            stands twice. Those of a random rotation are spread evenly over [0, pi]; small ones say that the two models
            share their coordinates. None where `no_angles` says why.
        reflection: whether det Q is -1; None where there are no angles.
        no_angles: why there are none, or empty.
    """

    singular: Doubles
    rank: int
    orthogonality_gap: float
    log_spread: float
    rotation_share: float
    stretch_share: float
    angles: Doubles | None
    reflection: bool | None
    no_angles: str


def core(fitted: Map) -> Doubles:
    """What a map does to each coordinate of the source, in the target's own coordinates: W `(d_x, d_y)`.

    It is read off what the map gives for steps along each axis, so it holds for any affine map, however it is kept.
    The baseline is the identity with zeros for what is padded or falls outside.

    Raises:
        ValueError: The map is not affine, or does not end in the target's own coordinates.
    """
    need_own_coordinates(fitted.target)
    steps = np.eye(fitted.source.dimension)
    start = fitted.source.mean[None].astype(np.float64)
    origin, once, twice = (
        fitted.transform(start + length * steps).astype(np.float64) for length in (0, 1, 2)
    )
    once, twice = once - origin, twice - origin
    if not np.abs(twice - 2 * once).max() <= _AFFINE * np.abs(once).max():
        raise ValueError(f"`{fitted.method}` is not affine; only such a map has one matrix")
    return once[:, : fitted.target.dimension]


def need_own_coordinates(frame: Frame) -> None:
    """Refuse a frame that does more than centre and pad, such as one of fewer components.

    Raises:
        ValueError: It does.
    """
    size = frame.dimension
    placed = frame.place(frame.mean.astype(np.float64) + np.eye(size))
    if placed.shape[1] < size or not np.allclose(placed, np.eye(*placed.shape), atol=_AFFINE):
        raise ValueError(
            "the map was fitted in other coordinates than the target's own; its geometry needs one that centres and "
            "pads (`mismatch: pad`)"
        )


def map_geometry(matrix: Doubles) -> MapGeometry:
    """Take a map apart.

    Args:
        matrix: W `(d_x, d_y)`, from `core`.

    Raises:
        ValueError: Not two-dimensional, not finite, or zero everywhere.
    """
    if matrix.ndim != 2 or not np.isfinite(matrix).all():
        raise ValueError(f"a map is a finite matrix (d_x, d_y), got shape {matrix.shape}")
    left, singular, right = np.linalg.svd(matrix, full_matrices=False)
    kept = singular > _ROUNDING * max(matrix.shape) * singular[0]
    if not kept.any():
        raise ValueError("the matrix is zero everywhere; such a map has no shape")
    singular = np.where(kept, singular, 0.0)
    rank, norm = int(kept.sum()), float(np.sqrt(np.sum(singular**2)))
    share = float(min(1.0, singular.sum() ** 2 / (len(singular) * norm**2)))
    # ||W - Q||: both have the same singular vectors, and those of Q are 1.
    gap = float(np.sqrt(np.sum((singular - 1) ** 2)) / norm)
    why = ""
    if matrix.shape[0] != matrix.shape[1]:
        why = f"spaces of {matrix.shape[0]} and {matrix.shape[1]} dimensions are not rotated into each other"
    elif rank < len(singular):
        why = f"of rank {rank} of {len(singular)}, so the closest rotation is not unique"
    angles = reflection = None
    if not why:
        rotation = left @ right
        # The symmetric part has the cosines as eigenvalues.
        cosines = np.linalg.eigvalsh((rotation + rotation.T) / 2)
        angles = np.arccos(np.clip(cosines[::-1], -1, 1))
        reflection = bool(np.linalg.det(rotation) < 0)
    return MapGeometry(
        singular,
        rank,
        gap,
        float(np.std(np.log(singular[kept]))),
        share,
        1 - share,
        angles,
        reflection,
        why,
    )


@dataclass(frozen=True, eq=False)
class Residuals:
    """What a map leaves unexplained of the target, on images.

    Attributes:
        variance: `(k,)` mean square of the target along each principal component, about the mean of the fit split.
        unexplained: `(k,)` share of it that is left; 0 where the map meets the target, 1 for a map to the mean, above
            1 for a worse one. NaN along components without extent.
        total: the same of all components together.
        scale: factor that all mapped vectors were multiplied with.
    """

    variance: Doubles
    unexplained: Doubles
    total: float
    scale: float


def residuals(
    mapped: NDArray[np.floating], target: NDArray[np.floating], basis: Basis
) -> Residuals:
    """Share of the target's variance that a map leaves along each principal component of the target.

    No cosine sees the length of the mapped vectors, and a rotation does not fit it. So all of them are first
    multiplied with the one factor, at least 0, that fits best on these images.

    Args:
        mapped: `(n, D)` from `Map.transform`, of test images.
        target: `(n, D)` from `Map.place`, of the same images.
        basis: principal components `(d_y, d_y)` of the target space, of the fit split.

    Raises:
        ValueError: Shapes differ, or the mapped vectors or the target are zero everywhere.
    """
    dimension = len(basis.axes)
    if mapped.shape != target.shape or mapped.ndim != 2 or mapped.shape[1] < dimension:
        raise ValueError(
            f"mapped {mapped.shape} and target {target.shape} do not belong, or not to a basis of {dimension}"
        )
    ours, theirs = (np.asarray(side[:, :dimension], np.float64) for side in (mapped, target))
    length, extent = float(np.sum(ours**2)), float(np.sum(theirs**2))
    if not (length > 0 and extent > 0):
        raise ValueError("the mapped vectors, or those of the target, are zero everywhere")
    scale = max(0.0, float(np.sum(ours * theirs)) / length)
    left = np.mean(((scale * ours - theirs) @ basis.axes) ** 2, axis=0)
    variance = np.mean((theirs @ basis.axes) ** 2, axis=0)
    extended = variance > variance.max() * dimension * _ROUNDING**2
    share = np.divide(left, variance, out=np.full(dimension, np.nan), where=extended)
    return Residuals(variance, share, float(left.sum() / variance.sum()), scale)


def shape_measures(fitted: Map, geometry: MapGeometry) -> list[Measure]:
    """The shape of a map as single numbers.

    A fitted map is one thing and nothing of it is resampled, so an interval is the number itself.

    Args:
        fitted: a linear map with a matrix.
        geometry: of its `core`.

    Returns:
        `orthogonality gap`, `log spread`, `rotation share`, `effective rank`, `parameters` and, where the closest
        rotation has a determinant, `reflection`: 1 where it is -1, else 0 (n: pairs of images that it was fitted on;
        unit `map`).
    """
    numbers = {
        "orthogonality gap": geometry.orthogonality_gap,
        "log spread": geometry.log_spread,
        "rotation share": geometry.rotation_share,
        "effective rank": fitted.effective_rank,
        "parameters": float(fitted.parameter_count),
    }
    if geometry.reflection is not None:
        numbers["reflection"] = float(geometry.reflection)
    return [Measure(metric, x, x, x, fitted.rows, "map") for metric, x in numbers.items()]


def unexplained_share(
    mapped: NDArray[np.floating],
    target: NDArray[np.floating],
    scale: float,
    identity: Integers,
    resamples: int,
    rng: np.random.Generator,
) -> Measure:
    """Share of the target's variance that a map leaves, all components together, with its interval.

    Args:
        mapped: `(n, d_y)` the target's own coordinates of what `Map.transform` gives, of test images.
        target: `(n, d_y)` those of `Map.place`, of the same images.
        scale: from `residuals` of the same; it is kept in all resamples.
        identity: `(n,)` of each image, any integers.
        resamples: of identities, at least 40.
        rng: draws them.

    Returns:
        `unexplained`, which is `Residuals.total` (n: images); failed where there are fewer than 2 identities.
    """
    ours, theirs = (np.asarray(side, np.float64) for side in (mapped, target))
    squares = np.column_stack([np.sum((scale * ours - theirs) ** 2, 1), np.sum(theirs**2, 1)])
    try:
        means, samples, _ = resampled_means(squares, identity, resamples, rng)
        shares = samples[:, 0] / samples[:, 1]
        ends = percentile_interval(shares)
    except TooFewClusters as reason:
        return Measure.failed("unexplained", len(squares), "identity", reason)
    value = float(means[0] / means[1])
    return Measure("unexplained", value, *ends, len(squares), "identity", samples=shares)
