"""Do 95 % intervals cover the truth in 95 % of worlds? In worlds whose truth is known."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import norm

from unispace.evaluation.bootstrap import (
    cluster_mean,
    draw,
    percentile_interval,
    verification_samples,
)
from unispace.evaluation.changes import change
from unispace.evaluation.measure import Measure

WORLDS = 500
RESAMPLES = 400


def covered(intervals: np.ndarray, truth: float) -> float:
    return float(np.mean((intervals[:, 0] <= truth) & (truth <= intervals[:, 1])))


def test_top_1_over_identities_of_different_difficulty():
    # An identity is recognised with a share of its own, mean 6 / 8; so its images are not independent.
    found = []
    for world in range(WORLDS):
        rng = np.random.default_rng([1, world])
        people, images = 100, 6
        share = rng.beta(6, 2, people)
        right = rng.random((people, images)) < share[:, None]
        identity = np.repeat(np.arange(people), images)
        found.append(cluster_mean(right.ravel(), identity, RESAMPLES, rng, proportion=True)[1:])
    assert 0.93 <= covered(np.array(found), 6 / 8) <= 0.97


def test_intervals_over_images_would_be_too_narrow():
    found = []
    for world in range(WORLDS):
        rng = np.random.default_rng([1, world])
        share = rng.beta(6, 2, 100)
        right = (rng.random((100, 6)) < share[:, None]).ravel()
        found.append(cluster_mean(right, np.arange(600), RESAMPLES, rng, proportion=True)[1:])
    assert covered(np.array(found), 6 / 8) < 0.92


def test_auc_over_identities():
    # Scores with a part of the identity and one of the pair; the truth is that of two normal distributions.
    people, own, noise, apart = 80, 0.6, 1.0, 1.5
    truth = float(norm.cdf(apart / np.sqrt(own**2 + noise**2 + 2 * own**2 + noise**2)))
    pairs = np.array(list(combinations(range(people), 2)))
    first = np.concatenate([np.repeat(np.arange(people), 3), pairs[:, 0]])
    second = np.concatenate([np.repeat(np.arange(people), 3), pairs[:, 1]])
    genuine = first == second
    found = []
    for world in range(WORLDS):
        rng = np.random.default_rng([2, world])
        alone, together = own * rng.normal(size=(2, people))
        scores = noise * rng.normal(size=len(first))
        scores[genuine] += apart + alone[first[genuine]]
        scores[~genuine] += together[first[~genuine]] + together[second[~genuine]]
        drawn = draw(people, RESAMPLES, rng)
        samples = verification_samples(scores, genuine, first, second, drawn)
        found.append(percentile_interval(samples.auc))
    assert 0.93 <= covered(np.array(found), truth) <= 0.97


def test_a_paired_difference_of_two_models():
    # The second model is right where a harder threshold is passed; what an identity is like cancels out.
    people, images, found = 100, 6, []
    truth = float(norm.cdf(0.8 / np.sqrt(2)) - norm.cdf(0.5 / np.sqrt(2)))
    identity = np.repeat(np.arange(people), images)
    for world in range(WORLDS):
        rng = np.random.default_rng([3, world])
        ease = np.repeat(rng.normal(size=people), images) + rng.normal(size=people * images)
        drawn = draw(people, RESAMPLES, rng)
        measures = []
        for threshold in (-0.8, -0.5):
            right = (ease > threshold).astype(float)
            sums = np.bincount(identity, right)
            samples = drawn @ sums / (images * people)
            measures.append(
                Measure(
                    "Rank-1", float(right.mean()), 0.0, 1.0, len(right), "identity", samples=samples
                )
            )
        difference = change(*measures)
        found.append((difference.lower, difference.upper))
    assert 0.93 <= covered(np.array(found), truth) <= 0.97


@pytest.mark.parametrize("people", [20, 200])
def test_a_share_of_exactly_one_has_an_interval_that_covers(people):
    # Nearly all images are recognised: most worlds show no error at all, and only Wilson's interval is left.
    truth, found = 1 - 0.4 / people, []
    for world in range(WORLDS):
        rng = np.random.default_rng([4, world])
        right = rng.random(people) < truth
        found.append(cluster_mean(right, np.arange(people), 100, rng, proportion=True)[1:])
    assert covered(np.array(found), truth) >= 0.93
