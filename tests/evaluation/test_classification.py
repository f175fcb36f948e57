"""Nearest neighbours against a plain loop and against scikit-learn."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from sklearn.neighbors import KNeighborsClassifier

from unispace.evaluation.bootstrap import wilson_interval
from unispace.evaluation.classification import classify, nearest_neighbours


def brute_vote(scores, label, k):
    """Plain loop: nearest first, then fit order; most votes, then lowest label."""
    predicted = []
    for row in scores.tolist():
        near = sorted(range(len(row)), key=lambda i: (-row[i], i))[:k]
        votes = {}
        for i in near:
            votes[label[i]] = votes.get(label[i], 0.0) + max(row[i], 0.0)
        predicted.append(min(votes, key=lambda name: (-votes[name], name)))
    return predicted


@settings(deadline=None, max_examples=60, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 10**6), st.integers(1, 12))
def test_ties_are_decided_as_documented(seed, k):
    rng = np.random.default_rng(seed)
    # Unit vectors along axes: scores are exactly 1, 0 or -1, so that nearly everything ties.
    fit, test = (np.eye(3)[rng.integers(0, 3, n)] * rng.choice([-1, 1], (n, 1)) for n in (12, 7))
    label = rng.integers(-2, 3, 12)
    expected = brute_vote(test @ fit.T, label.tolist(), k)
    assert nearest_neighbours(fit, label, test, k).tolist() == expected


@pytest.mark.parametrize("k", [1, 5, 20])
def test_votes_are_sklearns(k):
    rng = np.random.default_rng(0)
    centre = rng.normal(size=(6, 8)) + 2  # cosines are positive, as 1 - distance must be
    label, true = rng.integers(0, 6, 300), rng.integers(0, 6, 100)
    fit, test = centre[label] + rng.normal(size=(300, 8)), centre[true] + rng.normal(size=(100, 8))
    peer = KNeighborsClassifier(k, metric="cosine", weights=lambda distance: 1 - distance)
    expected = peer.fit(fit, label).predict(test)
    assert nearest_neighbours(fit, label, test, k).tolist() == expected.tolist()
    assert 0.2 < np.mean(expected == true) < 1


@pytest.mark.parametrize("block", [1, 64, 100, 10**6])
def test_the_block_size_changes_no_label(block):
    rng = np.random.default_rng(0)
    fit, label, test = rng.normal(size=(200, 5)), rng.integers(0, 9, 200), rng.normal(size=(150, 5))
    one, other = (nearest_neighbours(fit, label, test, 7, *size) for size in ((), (block,)))
    np.testing.assert_array_equal(one, other)


def test_a_neighbour_behind_still_wins_alone():
    fit, label = np.array([[-1.0, 0.1], [-1.0, 0.0]]), np.array([4, 2])
    assert nearest_neighbours(fit, label, np.array([[1.0, 0.0]]), 1).tolist() == [4]


@pytest.mark.parametrize("k", [0, 11])
def test_k_has_a_range(k):
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=f"k must be from 1 to the 10 fit vectors, got {k}"):
        nearest_neighbours(rng.normal(size=(10, 3)), np.arange(10), rng.normal(size=(2, 3)), k)


def test_labels_belong_to_vectors():
    with pytest.raises(ValueError, match="10 fit vectors for 9 labels"):
        nearest_neighbours(np.ones((10, 3)), np.arange(9), np.ones((2, 3)), 1)


def test_accuracies_are_sklearns_with_intervals_over_classes():
    rng = np.random.default_rng(0)
    label = rng.choice(20, 800, p=np.arange(1, 21) / 210)
    predicted = np.where(rng.random(800) < 0.3 + label / 40, label, rng.integers(0, 25, 800))
    top, balanced = classify(predicted, label, 200, rng)
    assert top.metric == "top-1"
    assert balanced.metric == "balanced-accuracy"
    assert top.value == pytest.approx(accuracy_score(label, predicted))
    present = predicted % 20  # scikit-learn warns about labels that are not in the truth
    top2, balanced2 = classify(present, label, 200, rng)
    assert top2.value == pytest.approx(accuracy_score(label, present))
    assert balanced2.value == pytest.approx(balanced_accuracy_score(label, present))
    for measure in (top, balanced, top2, balanced2):
        assert (measure.n, measure.unit, measure.status) == (800, "class", "ok")
        assert measure.lower < measure.value < measure.upper


def test_a_perfect_classifier_keeps_an_interval_on_classes():
    label = np.repeat(np.arange(15), 4)
    for measure in classify(label, label, 50, np.random.default_rng(0)):
        assert (measure.value, measure.lower, measure.upper) == (1.0, *wilson_interval(1.0, 15))


def test_one_class_fails_and_says_so():
    for measure in classify(np.ones(5, int), np.ones(5, int), 50, np.random.default_rng(0)):
        assert measure.status == "failed: an interval needs at least 2 clusters to resample, got 1"


def test_labels_must_match():
    with pytest.raises(ValueError, match="3 predicted labels for 4 true ones"):
        classify(np.arange(3), np.arange(4), 50, np.random.default_rng(0))
