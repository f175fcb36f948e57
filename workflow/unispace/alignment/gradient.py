"""The closest rotation by conjugate gradients on the orthogonal group."""

from __future__ import annotations

import numpy as np

from unispace.alignment.cloud import Doubles
from unispace.alignment.linear import finished
from unispace.alignment.mapping import Map
from unispace.alignment.pairs import Pair
from unispace.config.methods import OrthogonalGradient

_START = 1e-3
"""Size of the random turn that the ascent starts from: the identity itself can be a saddle."""


def fit_orthogonal_gradient(
    pair: Pair, method: OrthogonalGradient, rng: np.random.Generator
) -> Map:
    """Orthogonal W that maximises tr(W^T X^T Y), as Procrustes does, by gradients from the identity.

    With fewer rows than dimensions the best W is not unique. Gradients lie in the directions that the rows of the two
    clouds span, so that all others stay exactly where they are. With enough rows the result is that of Procrustes, up
    to the tolerance.

    Without a reflection, W stays a rotation; with `reflections` it starts from a mirror where the rows span both spaces
    and their cross-covariance has a negative determinant. Its settings tell how many steps it took, and how long the
    gradient was in the end.
    """
    width = pair.frames[0].width
    basis = _joint(pair, width)
    right_x, right_y = (
        np.pad(c.factors.right, ((0, 0), (0, width - c.kept))) for c in (pair.source, pair.target)
    )
    if basis is not None:
        right_x, right_y = right_x @ basis, right_y @ basis
    split = pair.split()
    cross = right_x.T @ (split.left * split.singular) @ split.right @ right_y
    size = len(cross)
    start = _cayley(_START * _skew(rng.normal(size=(size, size))) / np.sqrt(size))
    spanned = len(split.singular) == size
    if method.reflections and spanned and np.linalg.slogdet(cross)[0] < 0:
        # In the direction of the source that varies least.
        axis = right_x[-1]
        start = start - 2 * np.outer(start @ axis, axis)
    turn, steps, gradient = ascend(cross, start, method.steps, method.tolerance)
    if basis is not None:
        turn = np.eye(width) + basis @ (turn - np.eye(size)) @ basis.T
    return finished(
        pair,
        method,
        turn[: pair.source.kept],
        width * (width - 1) // 2,
        settings={"steps": steps, "gradient": float(f"{gradient:.3g}")},
    )


def _joint(pair: Pair, width: int) -> Doubles | None:
    """Orthonormal basis `(D, q)` of what the rows of both padded clouds span; None where that is everything."""
    from scipy.linalg import orth

    clouds = pair.source, pair.target
    if any(len(c.factors.singular) == width for c in clouds):
        return None
    spans = [np.pad(c.factors.right.T, ((0, width - c.kept), (0, 0))) for c in clouds]
    return orth(np.hstack(spans))


def ascend(
    cross: Doubles, start: Doubles, steps: int, tolerance: float
) -> tuple[Doubles, int, float]:
    """Maximise tr(W^T K) over orthogonal W by conjugate gradients in the tangent space.

    Polak-Ribiere directions and Cayley steps, whose length is that of Newton's method along the curve, halved until the
    objective rises.

    Source: T. Abrudan, J. Eriksson, V. Koivunen, "Conjugate gradient algorithm for optimization under unitary matrix
    constraint", Signal Processing 2009 (with the exponential in place of Cayley's transform).

    Args:
        cross: K, `(q, q)`.
        start: Orthogonal `(q, q)`; the result is connected with it, a rotation or a reflection alike.
        steps: Most steps.
        tolerance: It ends where the gradient is shorter than this share of ||K||.

    Returns:
        W, the steps taken, and the length of the gradient over ||K||.
    """
    turn, norm = start, float(np.linalg.norm(cross))
    here = turn.T @ cross
    slope = _skew(here)
    direction, value = slope, float(np.trace(here))
    for step in range(steps):
        length = float(np.linalg.norm(slope)) / norm
        if length <= tolerance:
            return turn, step, length
        rise = float(np.sum(direction * slope))
        if rise <= 0:
            direction, rise = slope, float(np.sum(slope * slope))
        bend = float(np.sum((direction @ here) * direction))
        reach = np.pi / float(np.linalg.norm(direction))
        stride = min(rise / bend, reach) if bend > 0 else reach
        while True:
            moved = turn @ _cayley(stride * direction)
            there = moved.T @ cross
            if float(np.trace(there)) > value:
                break
            stride /= 2
            if stride * float(np.linalg.norm(direction)) < np.finfo(np.float64).eps:
                # No rise is left that could be told from rounding.
                return turn, step, length
        before, slope = slope, _skew(there)
        share = np.sum(slope * (slope - before)) / np.sum(before * before)
        direction = slope + max(0.0, float(share)) * direction
        turn, here, value = moved, there, float(np.trace(there))
    return turn, steps, float(np.linalg.norm(slope)) / norm


def _skew(matrix: Doubles) -> Doubles:
    """Skew-symmetric part."""
    return (matrix - matrix.T) / 2


def _cayley(skew: Doubles) -> Doubles:
    """(I - A / 2)^-1 (I + A / 2), orthogonal, and exp(A) to second order."""
    from scipy.linalg import solve

    identity = np.eye(len(skew))
    return solve(identity - skew / 2, identity + skew / 2)
