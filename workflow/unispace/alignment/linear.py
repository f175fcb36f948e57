"""The linear maps, each from the factors of two clouds X = U S V^T, Y = P T Q^T and the cross product C = U^T P."""

from __future__ import annotations

from typing import Any

import numpy as np

from unispace.alignment.cloud import Doubles
from unispace.alignment.mapping import Map
from unispace.alignment.pairs import Pair, whitening
from unispace.alignment.space import Floats, Frame
from unispace.config.methods import (
    Baseline,
    Cca,
    Linear,
    MeanOnly,
    Procrustes,
    RandomOrthogonal,
    WhitenedProcrustes,
)


def fit_baseline(pair: Pair, method: Baseline) -> Map:
    """No map: vectors are compared as they are, once both spaces are centred and of one width."""
    return finished(pair, method, None, 0)


def fit_mean_only(pair: Pair, method: MeanOnly) -> Map:
    """A translation by the difference of the means; compared with targets that are not centred."""
    return finished(pair, method, None, 0, add_target_mean=True)


def fit_random_orthogonal(pair: Pair, method: RandomOrthogonal, rng: np.random.Generator) -> Map:
    """The rows `(k_x, D)` of a random orthogonal D x D matrix, uniform over all of these."""
    from unispace.data.planted import haar

    width = pair.frames[0].width
    return finished(pair, method, haar(width, width, rng)[: pair.source.kept], 0)


def fit_procrustes(pair: Pair, method: Procrustes) -> Map:
    """Closest rotation: W = U V^T with U S V^T = svd(X^T Y), D x D, reflections allowed or not.

    Directions that the fit rows do not span are free. Those within the two spaces are turned as little as possible;
    those in the padding in any way, since no cosine with a target vector sees them. Without reflections the direction
    that costs least is mirrored where the best map has determinant -1. The scale is trace(S) / ||X||^2, signs included.

    Sources: P. Schoenemann, "A generalized solution of the orthogonal Procrustes problem", Psychometrika 1966;
    S. Umeyama, "Least-squares estimation of transformation parameters between two point patterns", IEEE TPAMI 1991.
    """
    shared, width, kept = pair.shared, pair.frames[0].width, pair.source.kept
    singular = pair.split().singular[:shared].copy()
    if shared < kept:
        matrix = _rotation(*pair.sides(), width, method.reflections)[:kept]
    else:
        # What is free lies in the padding of the source, whose rows are left out, and so does any mirror.
        matrix = pair.closest
        if shared == width and not method.reflections and np.linalg.slogdet(matrix)[0] < 0:
            singular[-1] *= -1
            left, right = pair.sides()
            matrix = (left * np.sign(singular)) @ right.T
    scale = float(singular.sum() / np.sum(pair.source.factors.singular**2))
    free = width * (width - 1) // 2 + method.scale
    return finished(pair, method, scale * matrix if method.scale else matrix, free, scale=scale)


def _rotation(left: Doubles, right: Doubles, width: int, reflections: bool) -> Doubles:
    """Orthogonal D x D matrix that takes each column of `left (k_x, m)` to that of `right (k_y, m)`, m < D.

    On the rest it is the one nearest to the identity, unless the rest of the target lies in the padding alone, where
    nothing depends on it. Without reflections the direction of the rest that is turned most is mirrored where the
    determinant would be -1.
    """
    shared = left.shape[1]
    a, b = (np.pad(side, ((0, width - len(side)), (0, 0))) for side in (left, right))
    rest_a = _complement(a)
    if shared == len(right):
        rest_b = np.eye(width)[:, shared:]
    else:
        rest_b = _complement(b)
        inner, _, outer = np.linalg.svd(rest_a.T @ rest_b)
        rest_a = rest_a @ (inner @ outer)
    matrix = a @ b.T + rest_a @ rest_b.T
    if not reflections and np.linalg.slogdet(matrix)[0] < 0:
        turned = rest_b.T @ rest_a
        axis = np.linalg.eigh(turned + turned.T)[1][:, 0]
        matrix -= 2 * np.outer(rest_a @ axis, rest_b @ axis)
    return matrix


def _complement(columns: Doubles) -> Doubles:
    """Orthonormal basis `(D, D - m)` of what orthonormal columns `(D, m)` leave out."""
    return np.linalg.qr(columns, mode="complete")[0][:, columns.shape[1] :]


def fit_linear(pair: Pair, method: Linear) -> Map:
    """Minimum-norm least squares, argmin ||X W - Y||_F: W = V S^-1 U^T Y.

    Singular values up to eps * max(n, d) * s_max count as zero, as in `numpy.linalg.lstsq` on the vectors as given.
    """
    factors = pair.source.factors
    matrix = (factors.right.T / factors.singular) @ pair.coefficients
    return finished(pair, method, matrix, matrix.size)


def penalised(pair: Pair, alpha: float) -> Doubles:
    """Ridge regression, argmin ||X W - Y||_F^2 + alpha ||W||_F^2: W = V S / (S^2 + alpha) U^T Y, `(k_x, k_y)`.

    The penalty is not divided by n.
    """
    factors = pair.source.factors
    return (factors.right.T * shrunk(pair, alpha)) @ pair.coefficients


def shrunk(pair: Pair, alpha: float) -> Doubles:
    """What ridge regression multiplies the coefficients with, S / (S^2 + alpha), `(r_x,)`."""
    singular = pair.source.factors.singular
    return singular / (singular**2 + alpha)


def fit_whitened_procrustes(pair: Pair, method: WhitenedProcrustes) -> Map:
    """Closest rotation of the whitened spaces, then back to the scales of the target: W = A R B^-1.

    A and B whiten with shrinkage, on the directions that the fit rows span. R is the closest partial rotation: it takes
    as many directions of the source as both clouds have, and the others to zero.

    Source: M. Artetxe, G. Labaka, E. Agirre, "Generalizing and improving bilingual word embedding mappings with a
    multi-step framework of linear transformations", AAAI 2018 (whitening, rotation, de-whitening).
    """
    split = pair.split(method.shrinkage)
    ends = [
        (cloud.factors.right, whitening(cloud, method.shrinkage))
        for cloud in (pair.source, pair.target)
    ]
    (right_x, weight_x), (right_y, weight_y) = ends
    matrix = (right_x.T * weight_x) @ (split.left @ split.right) @ (right_y / weight_y[:, None])
    settings = {"shrinkage": method.shrinkage}
    return finished(pair, method, matrix, matrix.size, settings=settings)


def fit_cca(pair: Pair, method: Cca) -> Map:
    """Canonical correlation analysis: both spaces are brought to their first k canonical directions.

    With A and B the whitening of the two clouds and L D R^T = svd of their whitened cross product, x goes to x A L and
    y to y B R, each of variance 1 on the fit rows (without shrinkage). D / n are the canonical correlations.
    The sign of a pair of directions is that which makes the largest coefficient of the source positive.

    Source: H. Hotelling, "Relations between two sets of variates", Biometrika 1936.
    """
    split = pair.split(method.shrinkage)
    count = split.singular.size
    kept = count if method.components is None else min(count, method.components)
    source, target = (
        (cloud.factors.right.T * whitening(cloud, method.shrinkage)) @ side
        for cloud, side in (
            (pair.source, split.left[:, :kept]),
            (pair.target, split.right[:kept].T),
        )
    )
    largest = np.argmax(np.abs(source), axis=0)
    signs = np.sign(source[largest, np.arange(kept)])
    source, target = source * signs, target * signs
    frame, place = pair.frames
    return Map(
        method.kind,
        frame,
        Frame(place.mean, kept, stored(target)),
        stored(source),
        {"components": kept, "shrinkage": method.shrinkage},
        parameter_count=source.size + target.size,
        rows=len(pair),
    )


def finished(
    pair: Pair,
    method: Any,
    matrix: Doubles | None,
    free: int,
    *,
    add_target_mean: bool = False,
    settings: dict[str, Any] | None = None,
    **further: Any,
) -> Map:
    """Put a map together: padded, with its frames and what is added to mapped vectors.

    An intercept b that is fitted without a penalty is m_y - m_x W, so that x W + b = (x - m_x) W + m_y. It is written
    in the second form.

    Args:
        pair: What it was fitted on.
        method: Settings of its kind.
        matrix: `(p, k_y)`, or `(p, D)`; None for the identity.
        free: Parameters without those of an intercept.
        add_target_mean: Whether the mean is added whatever the settings say.
        settings: Kept with the map.
        further: Other fields of the map.
    """
    frame, place = pair.frames
    padded = matrix
    if matrix is not None and matrix.shape[1] < place.width:
        padded = np.pad(matrix, ((0, 0), (0, place.width - matrix.shape[1])))
    intercept = getattr(method, "intercept", False)
    offset = None
    if add_target_mean or intercept or getattr(method, "add_target_mean", False):
        # Targets stay as they are, and mapped vectors get their mean.
        place = Frame(np.zeros_like(place.mean), place.width, place.basis)
        offset = place.place(pair.target.mean[None])[0]
    return Map(
        method.kind,
        frame,
        place,
        None if padded is None else stored(padded),
        settings or {},
        offset=offset,
        parameter_count=free + (pair.target.kept if intercept else 0),
        rows=len(pair),
        **further,
    )


def stored(matrix: Doubles) -> Floats:
    """As it is kept and used: float32, rows one after the other."""
    return np.ascontiguousarray(matrix, dtype=np.float32)
