"""Accuracy of verification over folds, with the threshold chosen on the others, as LFW reports it.

Source: G. Huang et al., "Labeled Faces in the Wild: a database for studying face recognition in unconstrained
environments", University of Massachusetts, Amherst, Technical Report 07-49, 2007, section V.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unispace.evaluation.bootstrap import MEMORY, TooFewClusters, draw, proportion_interval
from unispace.evaluation.measure import Measure
from unispace.evaluation.verification import PairScores


def fold_accuracies(
    scores: NDArray[np.floating],
    genuine: NDArray[np.bool_],
    fold: NDArray[np.integer],
    weights: NDArray[np.integer] | None = None,
) -> NDArray[np.float64]:
    """Accuracy of each fold at the threshold that is most accurate on all other folds.

    A threshold lies in the middle between two neighbouring scores of the other folds, or beyond them all. Of
    several that are equally accurate the middle one is taken (the lower of two), so that neither kind of error
    is favoured.

    Args:
        scores: `(n,)`, higher is more alike.
        genuine: `(n,)` bool.
        fold: `(n,)` any integers.
        weights: `(b, n)` how often each pair counts in each of b resamples; once by default, b = 1.

    Returns:
        `(b, folds)`, in the order of the folds' numbers; NaN where a fold, or all others, have no weight.

    Raises:
        ValueError: Shapes differ, a score is not finite, or there are fewer than two folds.
    """
    scores = np.asarray(scores, np.float64)
    weight = np.ones((1, len(scores)), np.int64) if weights is None else np.asarray(weights)
    if not len(scores) == len(genuine) == len(fold) == weight.shape[1]:
        raise ValueError(
            f"{len(scores)} scores, {len(genuine)} kinds, {len(fold)} folds and weights "
            f"{weight.shape} do not belong together"
        )
    if not np.isfinite(scores).all():
        raise ValueError(f"score {int(np.argmin(np.isfinite(scores)))} is not finite")
    numbers, index = np.unique(fold, return_inverse=True)
    if len(numbers) < 2:
        raise ValueError("a threshold is chosen on the other folds: that takes at least 2 folds")
    order = np.argsort(scores, kind="stable")
    rising, index = scores[order], index[order]
    # What refusing a pair adds to the pairs judged rightly.
    refused = weight[:, order].astype(np.int64) * np.where(genuine, -1, 1)[order]
    found = np.full((len(weight), len(numbers)), np.nan)
    for column in range(len(numbers)):
        here = index == column
        learnt, tested = refused[:, ~here], refused[:, here]
        threshold = _thresholds(rising[~here], learnt)
        place = np.searchsorted(rising[here], threshold)
        right = _right(tested)[np.arange(len(weight)), place]
        total = np.abs(tested).sum(axis=1)
        defined = (total > 0) & (np.abs(learnt).sum(axis=1) > 0)
        found[defined, column] = right[defined] / total[defined]
    return found


def _right(refused: NDArray[np.int64]) -> NDArray[np.int64]:
    """`(b, n + 1)` weight of the pairs judged rightly where the first 0, 1, ... n of them are refused."""
    genuine = -np.minimum(refused, 0).sum(axis=1, keepdims=True)
    return np.pad(np.cumsum(refused, axis=1), ((0, 0), (1, 0))) + genuine


def _thresholds(rising: NDArray[np.float64], refused: NDArray[np.int64]) -> NDArray[np.float64]:
    """`(b,)` the most accurate threshold of each resample; pairs at or above it are accepted."""
    cuts = np.flatnonzero(np.concatenate([[True], rising[1:] != rising[:-1], [True]]))
    between = np.concatenate(
        [[-np.inf], (rising[cuts[1:-1] - 1] + rising[cuts[1:-1]]) / 2, [np.inf]]
    )
    right = _right(refused)[:, cuts]
    best = np.cumsum(right == right.max(axis=1, keepdims=True), axis=1, dtype=np.int32)
    middle = (best[:, -1:] + 1) // 2
    return between[np.argmax(best >= middle, axis=1)]


def accuracy_over_folds(
    pairs: PairScores,
    fold: NDArray[np.integer],
    resamples: int,
    rng: np.random.Generator,
) -> list[Measure]:
    """Mean accuracy over folds, with an interval that resamples identities, and its standard error over folds.

    In every resample the thresholds are chosen anew. The standard error is the deviation of the folds'
    accuracies (divided by folds - 1) over the root of their number; it has the interval of the deviation of as
    many independent normal numbers. By chance as many pairs are judged rightly as the more frequent kind has.

    Args:
        pairs: Scores of the pairs.
        fold: `(n_pairs,)` fold of every pair, any integers.
        resamples: Number of resamples, at least 40.
        rng: Source of randomness.

    Returns:
        Measures `accuracy` (n: pairs) and `accuracy-SE` (n: folds).

    Raises:
        ValueError: There are fewer than two folds, shapes differ, or there are too few resamples.
    """
    n = len(pairs.scores)
    each = fold_accuracies(pairs.scores, pairs.genuine, fold)[0]
    value = float(np.mean(each))
    by_chance = max(float(np.mean(pairs.genuine)), 1 - float(np.mean(pairs.genuine)))
    multiplicity = draw(pairs.identities, resamples, rng)
    samples = np.empty(resamples)
    rows = max(1, MEMORY // (60 * n))
    for start in range(0, resamples, rows):
        some = multiplicity[start : start + rows]
        # A genuine pair counts as often as its identity was drawn, not squared: see bootstrap.
        weight = some[:, pairs.first] * np.where(pairs.genuine, 1, some[:, pairs.second])
        found = fold_accuracies(pairs.scores, pairs.genuine, fold, weight)
        samples[start : start + len(some)] = np.mean(found, axis=1)
    people = len(np.unique(np.concatenate([pairs.first, pairs.second])))
    try:
        ends = proportion_interval(value, samples, people)
        accuracy = Measure("accuracy", value, *ends, n, "identity", chance=by_chance)
    except TooFewClusters as reason:
        accuracy = Measure.failed("accuracy", n, "identity", reason, by_chance)
    return [accuracy, _standard_error(each)]


def _standard_error(each: NDArray[np.float64]) -> Measure:
    from scipy.stats import chi2

    folds = len(each)
    error = float(np.std(each, ddof=1) / np.sqrt(folds))
    if error == 0:
        why = "all folds have the same accuracy, so their spread has no interval"
        return Measure.failed("accuracy-SE", folds, "fold", why)
    lower, upper = error * np.sqrt((folds - 1) / chi2.ppf([0.975, 0.025], folds - 1))
    return Measure("accuracy-SE", error, float(lower), float(upper), folds, "fold")
