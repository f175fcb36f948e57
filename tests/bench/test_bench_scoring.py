"""Scoring all pairs of a set of the size of LFW, and intervals, beside the straightforward way."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from side_by_side import Comparison, growth, reaches, resident, side_by_side
from sklearn.metrics import roc_curve

from unispace.evaluation.all_pairs import AllPairs
from unispace.evaluation.bootstrap import draw, resampled_means, verification_samples
from unispace.evaluation.identification import search
from unispace.evaluation.verification import Roc, auc, compare, eer, roc, roc_of_all, tmr_at_fmr

TARGETS = (0.001, 0.01, 0.1)
MANY = 10**9
LOOPED = 200

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
    before = resident()
    row = side_by_side(
        Comparison(
            "05-scoring",
            "identification and verification with all impostors, N = 13,233, d = 512",
            "score matrix in memory, scikit-learn `roc_curve`, every row sorted",
            3,
            note="AUC, EER, TMR at three FMR, Rank-1 and mAP; the whole process must stay under 1,536 MiB, which is "
            "asserted",
        ),
        partial(passing, vectors, identity, probe),
        partial(in_memory, vectors, identity, probe),
        lambda found, other: np.abs(found - other).max(),
        # One pair in 200,000 may change its place by the last bit of a score.
        within=1e-5,
        repeats=2,
        count_first=True,
    )
    if row.peak_mib is not None:
        assert before + row.peak_mib < 1536
    reaches(row)


def test_twice_the_identities():
    sets = [faces(n, 5 * n // 2, 256) for n in (1500, 3000)]
    calls = [
        partial(passing, vectors, identity, np.flatnonzero(np.bincount(identity)[identity] > 1))
        for vectors, identity in sets
    ]
    row = growth(
        Comparison(
            "11-identities",
            "identification and verification: identities x 2",
            "pairs of images (x 4)",
            1.1,
            note="3,750 to 7,500 images, d = 256; what is compared are all pairs, so twice the identities are four times "
            "the work",
        ),
        calls,
        [len(identity) ** 2 for _, identity in sets],
    )
    reaches(row)


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

    choice = np.random.default_rng(1)

    def one_by_one() -> tuple[np.ndarray, np.ndarray]:
        """Some of the resamples, others in every call."""
        chosen = choice.choice(resamples, LOOPED, replace=False)
        found = []
        for times in drawn[chosen]:
            weight = np.where(
                pairs.genuine, times[pairs.first], times[pairs.first] * times[pairs.second]
            )
            curve = roc(pairs.scores, pairs.genuine, weight)
            tmr = [tmr_at_fmr(curve, target, MANY) for target in TARGETS]
            ranks = np.average(hits, axis=0, weights=times[identity])
            found.append([auc(curve), eer(curve), *tmr, *ranks])
        return chosen, np.array(found)

    row = side_by_side(
        Comparison(
            "06-bootstrap",
            "bootstrap, 2,000 resamples by identity of AUC, EER, TMR@FMR, Rank-1",
            "loop over resamples calling the metric",
            20,
            note=f"all pairs of 400 images of 100 identities, the same draws; the loop takes {LOOPED} of the resamples in each "
            "repeat, and its seconds are scaled to all",
        ),
        at_once,
        one_by_one,
        lambda found, other: np.abs(found[other[0]] - other[1]).max(),
        within=1e-12,
        repeats=3,
        share=LOOPED / resamples,
    )
    reaches(row)
