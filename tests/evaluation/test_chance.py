"""Values by chance against all orders of a small gallery, one by one."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unispace.evaluation import chance

SIZES = st.integers(1, 7).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n)))


def orders(entries, mates):
    """Every place that the right entries can take, as likely one as another."""
    return [np.array(places) + 1 for places in itertools.combinations(range(entries), mates)]


@given(SIZES, st.integers(1, 9))
def test_rank_k_is_the_share_of_orders_that_begin_with_a_right_one(size, k):
    expected = np.mean([places[0] <= k for places in orders(*size)])
    found = chance.rank_k(k, *(np.array([x]) for x in size))
    assert found[0] == pytest.approx(expected, abs=1e-12)


@given(SIZES)
def test_average_precision_is_its_mean_over_all_orders(size):
    expected = np.mean([np.mean(np.arange(1, len(p) + 1) / p) for p in orders(*size)])
    found = chance.average_precision(*(np.array([x]) for x in size))
    assert found[0] == pytest.approx(expected, abs=1e-12)


@given(SIZES, st.integers(1, 9))
def test_a_cut_average_precision_is_its_mean_over_all_orders(size, depth):
    def cut(places):
        seen = places[places <= depth]
        return np.mean(np.arange(1, len(seen) + 1) / seen) if len(seen) else 0.0

    expected = np.mean([cut(places) for places in orders(*size)])
    found = chance.average_precision_cut(*(np.array([x]) for x in size), depth)
    assert found[0] == pytest.approx(expected, abs=1e-12)


def test_probes_of_different_galleries_keep_their_own_values():
    entries, mates = np.array([5, 100, 5]), np.array([1, 3, 1])
    for found in (
        chance.rank_k(2, entries, mates),
        chance.average_precision(entries, mates),
        chance.average_precision_cut(entries, mates, 50),
    ):
        assert found.shape == (3,)
        assert found[0] == found[2] != found[1]


def test_the_most_frequent_label_is_the_best_blind_guess():
    assert chance.majority(np.array(["a", "b", "b", "c"])) == 0.5


@pytest.mark.parametrize("entries", [1, 4, 30])
def test_open_set_values_are_those_of_random_scores(entries):
    rng = np.random.default_rng(0)
    fpir, searches = 0.2, 40_000
    threshold = np.quantile(rng.random((searches, entries)).max(axis=1), 1 - fpir)
    scores = rng.random((searches, entries))
    mate, others = scores[:, 0], scores[:, 1:].max(axis=1, initial=-1)
    detected = np.mean((mate > others) & (mate >= threshold))
    assert chance.detected_first(fpir, entries) == pytest.approx(detected, abs=0.01)
    assert chance.below_threshold(fpir, entries) == pytest.approx(
        np.mean(mate < threshold), abs=0.01
    )
