"""Pairs by number and balanced samples, against pairs listed one by one."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unispace.data.protocols.pairs import Comparisons, balanced_pairs

IDENTITIES = st.lists(st.integers(-2, 4), max_size=14).map(np.array)


def listed(identity):
    """All pairs i < j, genuine and impostor."""
    pairs = list(itertools.combinations(range(len(identity)), 2))
    genuine = {(i, j) for i, j in pairs if identity[i] == identity[j]}
    return genuine, set(pairs) - genuine


def as_set(first, second):
    found = list(zip(first.tolist(), second.tolist(), strict=True))
    assert len(set(found)) == len(found)
    return set(found)


@given(IDENTITIES)
def test_every_pair_has_one_number(identity):
    every = Comparisons(identity)
    genuine, impostor = listed(identity)
    assert (every.genuine, every.impostor) == (len(genuine), len(impostor))
    assert as_set(*every.genuine_pairs(np.arange(every.genuine))) == genuine
    assert as_set(*every.impostor_pairs(np.arange(every.impostor))) == impostor


def test_pairs_can_be_walked_through_in_parts():
    every = Comparisons(np.random.default_rng(0).integers(0, 9, 60))
    whole = every.impostor_pairs(np.arange(every.impostor))
    parts = [
        every.impostor_pairs(np.arange(start, min(start + 100, every.impostor)))
        for start in range(0, every.impostor, 100)
    ]
    for side in (0, 1):
        np.testing.assert_array_equal(np.concatenate([part[side] for part in parts]), whole[side])


@pytest.mark.parametrize("number", [-1, 3])
def test_a_number_without_a_pair_is_refused(number):
    every = Comparisons(np.array([0, 0, 0]))
    with pytest.raises(IndexError, match="pairs are numbered from 0 to 2"):
        every.genuine_pairs(np.array([number]))


@given(IDENTITIES, st.none() | st.integers(1, 6), st.integers(0, 99))
def test_a_balanced_sample_holds_equally_many_different_pairs_of_each_kind(identity, most, seed):
    pairs = balanced_pairs(identity, np.random.default_rng(seed), most)
    genuine, impostor = listed(identity)
    count = min(len(genuine), len(impostor), len(genuine) if most is None else most)
    drawn = {
        kind: as_set(pairs.first[pairs.genuine == kind], pairs.second[pairs.genuine == kind])
        for kind in (True, False)
    }
    assert len(drawn[True]) == len(drawn[False]) == count
    assert drawn[True] <= genuine
    assert drawn[False] <= impostor


def test_every_impostor_pair_is_as_likely_as_another():
    identity = np.array([0, 0, 1, 1, 2])
    _, impostor = listed(identity)
    rng = np.random.default_rng(0)
    draws = 4000
    counts = dict.fromkeys(impostor, 0)
    for _ in range(draws):
        pairs = balanced_pairs(identity, rng)
        for pair in as_set(pairs.first[~pairs.genuine], pairs.second[~pairs.genuine]):
            counts[pair] += 1
    # 2 of 8 pairs in each draw; five standard deviations.
    expected, spread = draws * 2 / 8, np.sqrt(draws * 0.25 * 0.75)
    assert max(abs(count - expected) for count in counts.values()) < 5 * spread


def test_a_sample_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least 1 pair of each kind, got 0"):
        balanced_pairs(np.arange(3), np.random.default_rng(0), 0)
