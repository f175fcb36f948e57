"""Ridge regression, and which of several penalties serves identities that the fit has not seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from unispace.alignment.linear import finished, penalised, shrunk
from unispace.alignment.mapping import Map
from unispace.alignment.pairs import Pair
from unispace.config.methods import Penalised, Ridge

Fold = tuple[Pair, np.ndarray, np.ndarray]
"""A pair without some identities, and their rows `(m, d_x)`, `(m, d_y)`."""


def fit_ridge(pair: Pair, method: Ridge, fold: Callable[[int, int], Fold]) -> Map:
    """Ridge regression without intercept, argmin ||X W - Y||_F^2 + alpha ||W||_F^2.

    Args:
        pair: What it is fitted on.
        method: The penalty, or several to choose from.
        fold: Number and count to the fold of that number, laid over each other as `pair` is.
    """
    alpha, settings = penalty(method, fold)
    matrix = penalised(pair, alpha)
    return finished(pair, method, matrix, matrix.size, settings=settings)


def penalty(method: Penalised, fold: Callable[[int, int], Fold]) -> tuple[float, dict[str, object]]:
    """The penalty of a method, chosen where there are several, and what is kept of the choice."""
    if not isinstance(method.alpha, tuple):
        return method.alpha, {"alpha": method.alpha}
    folds = method.fold_count
    scores = held_out_cosines([fold(i, folds) for i in range(folds)], method.alpha)
    # Of equals the larger penalty, the smaller map.
    best = len(scores) - 1 - int(np.argmax(scores[::-1]))
    settings = {
        "alpha": method.alpha[best],
        "penalties": list(method.alpha),
        "folds": folds,
        "held_out_cosine": [round(float(score), 9) for score in scores],
    }
    return method.alpha[best], settings


def held_out_cosines(folds: Sequence[Fold], alphas: Sequence[float]) -> np.ndarray:
    """Mean cosine of mapped rows and their targets, for identities that the map was not fitted on.

    The cosine and not the squared error, which a map can lower by making all vectors short. All penalties of a fold
    come from one factorisation.

    Args:
        folds: Pairs without some identities, and the rows of these.
        alphas: Penalties, > 0.

    Returns:
        `(len(alphas),)`, in [-1, 1]; a row that is mapped to zero counts 0. Mean over all rows of all folds.
    """
    totals, count = np.zeros(len(alphas)), 0
    for pair, source, target in folds:
        frame, place = pair.frames
        reduced = frame.reduce(source)
        lift = pair.source.lift
        rows = (reduced if lift is None else lift(reduced)) @ pair.source.factors.right.T
        wanted = place.reduce(target).astype(np.float64)
        lengths = np.linalg.norm(wanted, axis=1)
        for i, alpha in enumerate(alphas):
            mapped = (rows * shrunk(pair, alpha)) @ pair.coefficients
            norm = np.linalg.norm(mapped, axis=1) * lengths
            dots = np.einsum("nd,nd->n", mapped, wanted)
            totals[i] += np.sum(dots[norm > 0] / norm[norm > 0])
        count += len(source)
    return totals / count
