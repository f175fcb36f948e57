"""Scoring all pairs of a set of the size of LFW, and its intervals, beside the straightforward way."""

from __future__ import annotations

import numpy as np
import pytest
from side_by_side import side_by_side
from sklearn.metrics import roc_curve

from unispace.evaluation.all_pairs import AllPairs
from unispace.evaluation.bootstrap import draw, resampled_means, verification_samples
from unispace.evaluation.identification import search
from unispace.evaluation.verification import Roc, auc, compare, eer, roc, roc_of_all, tmr_at_fmr

TARGETS = (0.001, 0.01, 0.1)
MANY = 10**9

pytestmark = pytest.mark.bench


def faces(people: int, images: int, dimension: int, seed: int = 0):
    """Vectors of one model; of three identities two have one image, and a few have hundreds, as in LFW."""
    rng = np.random.default_rng(seed)
    size = np.ones(people, int)
    several = rng.choice(people, people * 3 // 10, replace=False)
    size[several] += 1
    share = np.minimum(rng.pareto(1.1, len(several)), 400)
    more = rng.choice(several, images - size.sum(), p=share / share.sum())
    size += np.bincount(more, minlength=people)
    identity = np.repeat(np.arange(people), size)
    person = rng.normal(size=(people, dimension)).astype(np.float32)[identity]
    return person + 2.5 * rng.normal(size=person.shape).astype(np.float32), identity


def numbers(curve: Roc, rank: np.ndarray, precision: np.ndarray) -> np.ndarray:
    tmr = [tmr_at_fmr(curve, target, MANY) for target in TARGETS]
    return np.array([auc(curve), eer(curve), *tmr, np.mean(rank == 1), np.mean(precision)])


def passing(vectors: np.ndarray, identity: np.ndarray, probe: np.ndarray) -> np.ndarray:
    pairs = AllPairs(vectors, vectors, identity, same_space=True)
    found = search(vectors[probe], vectors, identity[probe], identity, exclude=probe)
    return numbers(roc_of_all(pairs), found.rank, found.average_precision)


def in_memory(vectors: np.ndarray, identity: np.ndarray, probe: np.ndarray) -> np.ndarray:
    """All scores as one matrix, all its pairs in scikit-learn, and every row sorted."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    scores = unit @ unit.T
    upper = np.triu(np.ones(scores.shape, bool), 1)
    genuine = identity[:, None] == identity
    fmr, tmr, threshold = roc_curve(genuine[upper], scores[upper], drop_intermediate=False)
    np.fill_diagonal(scores, -2)
    rank, precision = np.empty(len(probe)), np.empty(len(probe))
    for row, i in enumerate(probe):
        order = np.argsort(-scores[i])
        places = np.flatnonzero(identity[order[:-1]] == identity[i]) + 1
        rank[row], precision[row] = places[0], np.mean(np.arange(1, len(places) + 1) / places)
    return numbers(Roc(threshold, fmr, tmr), rank, precision)


def test_all_pairs_and_all_searches():
    vectors, identity = faces(5749, 13233, 512)
    probe = np.flatnonzero(np.bincount(identity)[identity] > 1)
    row = side_by_side(
        "scoring of 13,233 images with all impostors",
        3,
        lambda: passing(vectors, identity, probe),
        lambda: in_memory(vectors, identity, probe),
        lambda found, other: np.abs(found - other).max(),
        # One pair in 200,000 may change its place by the last bit of a score.
        within=1e-5,
    )
    assert row.peak_mib < 1024
    assert row.ratio > row.goal


def test_resamples_by_identity():
    vectors, identity = faces(100, 400, 64)
    resamples = 2000
    pairs = compare(vectors, vectors, identity, same_space=True)
    drawn = draw(pairs.identities, resamples, np.random.default_rng(0))
    hits = search(vectors, vectors, identity, identity).rank[:, None] <= [1, 2]

    def at_once() -> np.ndarray:
        found = verification_samples(
            pairs.scores, pairs.genuine, pairs.first, pairs.second, drawn, TARGETS
        )
        # The same draws, made of the same numbers.
        _, ranks, _ = resampled_means(hits, identity, resamples, np.random.default_rng(0))
        return np.column_stack([found.auc, found.eer, found.tmr, ranks])

    def one_by_one() -> np.ndarray:
        found = []
        for times in drawn:
            weight = np.where(
                pairs.genuine, times[pairs.first], times[pairs.first] * times[pairs.second]
            )
            curve = roc(pairs.scores, pairs.genuine, weight)
            tmr = [tmr_at_fmr(curve, target, MANY) for target in TARGETS]
            ranks = np.average(hits, axis=0, weights=times[identity])
            found.append([auc(curve), eer(curve), *tmr, *ranks])
        return np.array(found)

    row = side_by_side(
        "2,000 resamples of all pairs of 400 images",
        20,
        at_once,
        one_by_one,
        lambda found, other: np.abs(found - other).max(),
        within=1e-12,
    )
    assert row.ratio > row.goal
