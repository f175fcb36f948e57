"""Classification without training: the label of the nearest neighbours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unispace.evaluation import chance
from unispace.evaluation.bootstrap import (
    TooFewClusters,
    proportion_interval,
    resampled_means,
)
from unispace.evaluation.measure import Measure
from unispace.evaluation.similarity import cosine_blocks

Labels = NDArray[np.integer]


def nearest_neighbours(
    fit_vectors: NDArray[np.floating],
    fit_label: Labels,
    test_vectors: NDArray[np.floating],
    k: int,
    block: int = 256,
) -> Labels:
    """Label every test vector by the vote of its k nearest fit vectors.

    Near means high cosine. A neighbour votes with its cosine, or with 0 where that is negative. Fit
    vectors equally near for the last place are taken in their order; labels with equal votes are
    decided for the lowest.

    Args:
        fit_vectors: `(n_fit, d)`.
        fit_label: `(n_fit,)` any integers.
        test_vectors: `(n_test, d)`.
        k: Neighbours, from 1 to n_fit.
        block: Test vectors at a time; changes the memory (about 15 * block * n_fit bytes), never a
            score.

    Returns:
        `(n_test,)` predicted labels.

    Raises:
        ValueError: Shapes differ, k is out of range, or a row is zero or not finite.
    """
    if len(fit_vectors) != len(fit_label):
        raise ValueError(f"{len(fit_vectors)} fit vectors for {len(fit_label)} labels")
    if not 1 <= k <= len(fit_label):
        raise ValueError(f"k must be from 1 to the {len(fit_label)} fit vectors, got {k}")
    labels, index = np.unique(fit_label, return_inverse=True)
    winner = np.empty(len(test_vectors), np.intp)
    for rows, scores in cosine_blocks(test_vectors, fit_vectors, block):
        winner[rows] = _winners(scores, index, len(labels), k)
    return labels[winner]


def leave_one_out(vectors: NDArray[np.floating], label: Labels, k: int, block: int = 256) -> Labels:
    """Label every vector by the vote of its k nearest ones among all the others.

    The vote is that of `nearest_neighbours`. A vector that is alone in its class cannot be labelled correctly.

    Args:
        vectors: `(n, d)`.
        label: `(n,)` any integers.
        k: Neighbours, from 1 to n - 1.
        block: Vectors at a time; changes the memory, never a score.

    Returns:
        `(n,)` predicted labels.

    Raises:
        ValueError: Shapes differ, k is out of range, or a row is zero or not finite.
    """
    if len(vectors) != len(label):
        raise ValueError(f"{len(vectors)} vectors for {len(label)} labels")
    if not 1 <= k < len(label):
        raise ValueError(f"k must be from 1 to the {len(label) - 1} other vectors, got {k}")
    labels, index = np.unique(label, return_inverse=True)
    winner = np.empty(len(vectors), np.intp)
    for rows, scores in cosine_blocks(vectors, vectors, block):
        here = np.arange(len(scores))
        scores[here, here + rows.start] = -np.inf  # as if it were not there
        winner[rows] = _winners(scores, index, len(labels), k)
    return labels[winner]


def _winners(
    scores: NDArray[np.float32], index: Labels, classes: int, k: int
) -> NDArray[np.integer]:
    """Class `(b,)` that the k best of the scores `(b, n_fit)` vote for; `index` has the class of every column."""
    last = np.partition(scores, -k, axis=1)[:, -k, None]
    nearer, level = scores > last, scores == last
    places = k - np.sum(nearer, axis=1, keepdims=True)
    nearer |= level & (np.cumsum(level, axis=1, dtype=np.int32) <= places)
    test, fit = np.nonzero(nearer)
    cell = test * classes + index[fit]
    shape = (len(scores), classes)
    weight = np.maximum(scores[test, fit], 0)
    votes = np.bincount(cell, weight, len(scores) * classes).reshape(shape)
    voted = np.bincount(cell, minlength=len(scores) * classes).reshape(shape) > 0
    return np.argmax(np.where(voted, votes, -1.0), axis=1)


def classify(
    predicted: Labels, label: Labels, resamples: int, rng: np.random.Generator
) -> list[Measure]:
    """Accuracy with intervals that resample classes.

    `top-1` is the share of images labelled correctly, `balanced-accuracy` the mean over classes of
    that share. Classes are those of the true labels. At exactly 0 or 1 the interval is a Wilson
    interval on the number of classes. Chance is the most that a guess without looking at the images can
    reach: the share of the most frequent class, and one in the number of classes.

    Args:
        predicted: `(n,)` predicted labels.
        label: `(n,)` true labels.
        resamples: Number of resamples, at least 40.
        rng: Source of randomness.

    Returns:
        Measures `top-1` and `balanced-accuracy`, n: images; failed when there is a single class.

    Raises:
        ValueError: Lengths differ, there is no image, or there are too few resamples.
    """
    if len(predicted) != len(label) or len(label) == 0:
        raise ValueError(f"{len(predicted)} predicted labels for {len(label)} true ones")
    right = np.asarray(predicted) == np.asarray(label)
    classes, index = np.unique(label, return_inverse=True)
    recall = np.bincount(index, right) / np.bincount(index)
    measures = []
    for metric, values, cluster, by_chance in (
        ("top-1", right, index, chance.majority(index)),
        ("balanced-accuracy", recall, np.arange(len(classes)), 1 / len(classes)),
    ):
        try:
            means, samples, count = resampled_means(
                np.asarray(values)[:, None], cluster, resamples, rng
            )
            ends = proportion_interval(float(means[0]), samples[:, 0], count)
        except TooFewClusters as reason:
            measures.append(Measure.failed(metric, len(right), "class", reason, by_chance))
        else:
            measures.append(
                Measure(
                    metric,
                    float(means[0]),
                    *ends,
                    len(right),
                    "class",
                    chance=by_chance,
                    samples=samples[:, 0],
                )
            )
    return measures
